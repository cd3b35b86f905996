//! The seam to whatever runs Wasm. An executor decides how fast, never what: gas and stack depth are charged by the
//! instrumented code itself, so every executor agrees by construction. It knows no prices.

pub(crate) mod wasmi;

use crate::outcome::{Abort, Fault, Status};
use crate::profile::ProfileId;
use crate::session::{FrameKind, Session};
use std::sync::Arc;
use unfork_gas::Prepared;

/// Turns prepared code into programs.
pub(crate) trait Executor: Send + Sync {
    /// Makes a program of code. When its functions are translated is the executor's affair (docs/decisions/0006): nothing that
    /// a receipt holds may depend on it.
    ///
    /// # Errors
    /// A fault: admitted code translates, always.
    fn translate(&self, code: Prepared, profile: ProfileId) -> Result<Arc<dyn Program>, Fault>;
    /// Bytes of instances that wait for their next run.
    fn idle_bytes(&self) -> usize;
}

/// A contract's code, ready to run; shared between threads.
pub(crate) trait Program: Send + Sync {
    /// Runs the frame on top of the stack, by the script of the profile, in an instance that is as new, with the gas and
    /// stack of the session. Located code that fails leaves its places in the session.
    fn run(&self, session: Box<Session>, kind: FrameKind) -> (Box<Session>, Result<Status, Abort>);
    /// What making an instance costs.
    fn instantiation_gas(&self) -> u64;
    /// Memory pages that an instance begins with.
    fn memory_pages_min(&self) -> u32;
    /// Memory of the host that it takes, roughly; the cache is bounded by it.
    fn bytes(&self) -> usize;
}
