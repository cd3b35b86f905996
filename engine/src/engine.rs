//! The engine: an executor that has passed its self-test, and the programs it has translated.

use crate::cache::{CACHE_BYTES_DEFAULT, Machine};
use crate::executor::wasmi::Wasmi;
use crate::outcome::Fault;
use std::sync::Arc;

/// Executes contracts. Cheap to clone: clones share one cache. Usable from several threads at once.
#[derive(Clone)]
pub struct Engine {
    pub(crate) machine: Arc<Machine>,
}

impl Engine {
    /// An engine over the reference executor, after it has shown that this build behaves as consensus needs it to.
    ///
    /// # Errors
    /// A fault when the self-test fails; then this build must not run a node.
    pub fn new() -> Result<Self, Fault> {
        Self::with_cache_bytes(CACHE_BYTES_DEFAULT)
    }

    /// As [`Engine::new`], keeping at most `bytes` of translated programs; 0 keeps none. Results do not depend on it.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_cache_bytes(bytes: usize) -> Result<Self, Fault> {
        Ok(Self { machine: Arc::new(Machine::new(Box::new(Wasmi::new()?), bytes)) })
    }

    /// Forgets all translated programs. Results do not depend on it.
    pub fn clear_cache(&self) {
        self.machine.clear();
    }
}
