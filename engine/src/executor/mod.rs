//! The seam to whatever runs Wasm. An executor decides how fast, never what: gas and stack depth are charged by the
//! instrumented code itself, so every executor agrees by construction. It knows no prices.

pub(crate) mod wasmi;

use crate::outcome::{Fault, Status};
use crate::profile::ProfileId;
use crate::session::Session;
use std::sync::Arc;
use unfork_gas::Prepared;

/// Turns prepared code into programs.
pub(crate) trait Executor: Send + Sync {
    /// Translates code, all of it at once, so that nothing about a later call depends on an earlier one.
    ///
    /// # Errors
    /// A fault: admitted code translates, always.
    fn translate(&self, code: Prepared, profile: ProfileId) -> Result<Arc<dyn Program>, Fault>;
}

/// A contract's code, ready to run; shared between threads.
pub(crate) trait Program: Send + Sync {
    /// Runs the export `entry` in a fresh instance with the gas and stack of the session. When a host function ended
    /// the run, the reason is in `session.abort` and the status given here means nothing.
    fn run(&self, session: Box<Session>, entry: &str) -> (Box<Session>, Result<Status, Fault>);
    /// The profile whose imports it is linked to.
    fn profile(&self) -> ProfileId;
    /// What making an instance costs.
    fn instantiation_gas(&self) -> u64;
    /// Memory pages that an instance begins with.
    fn memory_pages_min(&self) -> u32;
    /// Memory of the host that it takes, roughly; the cache is bounded by it.
    fn bytes(&self) -> usize;
}
