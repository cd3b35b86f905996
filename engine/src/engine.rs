//! The engine: an executor that has passed its self-test, and the programs it has translated.

use crate::cache::{CACHE_BYTES_DEFAULT, Machine};
use crate::executor::wasmi::Wasmi;
use crate::extension::ChainExtension;
use crate::outcome::Fault;
use crate::types::Hash;
use std::sync::Arc;

/// Bytes of waiting instances that an engine keeps unless told otherwise.
pub const POOL_BYTES_DEFAULT: usize = 64 << 20;

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
        Self::with_bounds(CACHE_BYTES_DEFAULT, POOL_BYTES_DEFAULT)
    }

    /// As [`Engine::new`], keeping at most `cache_bytes` of translated programs, and `pool_bytes` of instances that wait
    /// for their next run; 0 keeps none. Results do not depend on either.
    ///
    /// What is kept is counted generously: contracts that compilers make take a third to a half of it, instances nearly all.
    /// Programs made for it can take up to four times what is counted, by small functions with hundreds of nested blocks, or
    /// one and a half times, by segments.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_bounds(cache_bytes: usize, pool_bytes: usize) -> Result<Self, Fault> {
        Ok(Self { machine: Arc::new(Machine::new(Box::new(Wasmi::new(pool_bytes)?), cache_bytes)) })
    }

    /// As [`Engine::with_bounds`] with the usual bound for instances, or none where no program is kept either.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_cache_bytes(bytes: usize) -> Result<Self, Fault> {
        Self::with_bounds(bytes, if bytes == 0 { 0 } else { POOL_BYTES_DEFAULT })
    }

    /// This engine with the functions that the chain specification declares ([`ChainSpec::with_extension`]); its own cache.
    ///
    /// [`ChainSpec::with_extension`]: crate::ChainSpec::with_extension
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_extension(extension: Arc<dyn ChainExtension>) -> Result<Self, Fault> {
        let executor = Box::new(Wasmi::new(POOL_BYTES_DEFAULT)?);
        Ok(Self { machine: Arc::new(Machine::new(executor, CACHE_BYTES_DEFAULT).with_extension(extension)) })
    }

    /// Bytes that the translated programs and the waiting instances take, as the bounds count them.
    #[must_use]
    pub fn kept_bytes(&self) -> (usize, usize) {
        self.machine.kept_bytes()
    }

    /// Programs that were prepared and translated so far, because the cache did not have them.
    #[must_use]
    pub fn programs_made(&self) -> u64 {
        self.machine.programs_made()
    }

    /// Keeps the programs of a code, by its hash, from their next use on whatever else is used, as long as the bound of the
    /// cache has room for all that is pinned: what does not fit is translated in each transaction that uses it. Results do not
    /// depend on it.
    pub fn pin(&self, code_hash: Hash) {
        self.machine.pin(code_hash, true);
    }

    /// Takes [`Engine::pin`] back: the programs are kept as any others.
    pub fn unpin(&self, code_hash: Hash) {
        self.machine.pin(code_hash, false);
    }

    /// Forgets all translated programs. Results do not depend on it.
    pub fn clear_cache(&self) {
        self.machine.clear();
    }
}
