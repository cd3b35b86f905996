//! Programs ready to run, kept by what they were made from. The cache decides how fast, never what: gas and results
//! are the same with it, without it, and whatever it holds.

use crate::executor::{Executor, Program};
use crate::extension::ChainExtension;
use crate::outcome::Fault;
use crate::profile::ProfileId;
use crate::records::{MetCode, RecordKey};
use crate::rules::{ChainSpec, Rules};
use crate::types::Hash;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use unfork_state::Overlay;

/// Bytes of prepared code that a machine keeps unless told otherwise.
pub const CACHE_BYTES_DEFAULT: usize = 256 << 20;

/// An executor and the programs it has translated.
pub(crate) struct Machine {
    executor: Box<dyn Executor>,
    extension: Option<Arc<dyn ChainExtension>>,
    cache: Mutex<Cache>,
    /// Programs made so far.
    made: AtomicU64,
}

/// What a program depends on: code, rules (prices and limits, which stand in the instrumented bytes), the rules it was
/// admitted under (run-time caps stand there too, and on another fork or chain the same code may be of another version), the
/// functions of the chain's own, profile. The executor and its build need no place here, since a cache belongs to one
/// executor and lives in memory only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CacheKey {
    code: Hash,
    rules: Hash,
    admitted: Hash,
    extension: Hash,
    profile: ProfileId,
    /// Whether the code notes where it is.
    located: bool,
}

/// Programs by key, and those that may be dropped in the order of their last use.
struct Cache {
    bytes_max: usize,
    bytes: usize,
    clock: u64,
    programs: BTreeMap<CacheKey, Kept>,
    /// By a moment after which they may have been used again: a use is noted in the program only.
    droppable: BTreeMap<u64, CacheKey>,
    /// Codes whose programs stay.
    pinned: BTreeSet<Hash>,
}

struct Kept {
    used: u64,
    program: Arc<dyn Program>,
}

impl Machine {
    pub fn new(executor: Box<dyn Executor>, cache_bytes_max: usize) -> Self {
        let cache = Cache {
            bytes_max: cache_bytes_max,
            bytes: 0,
            clock: 0,
            programs: BTreeMap::new(),
            droppable: BTreeMap::new(),
            pinned: BTreeSet::new(),
        };
        Self { executor, extension: None, cache: Mutex::new(cache), made: AtomicU64::new(0) }
    }

    pub fn with_extension(self, extension: Arc<dyn ChainExtension>) -> Self {
        Self { extension: Some(extension), ..self }
    }

    /// The node's own functions.
    pub fn extension(&self) -> Option<Arc<dyn ChainExtension>> {
        self.extension.clone()
    }

    /// The program of a stored code under `rules`, from the cache or prepared and translated now; `located`: one that notes
    /// where it is.
    ///
    /// # Errors
    /// A fault: the state cannot be read, or admitted code cannot be prepared.
    pub fn program(
        &self,
        spec: &ChainSpec,
        rules: &Rules,
        overlay: &mut Overlay,
        hash: &Hash,
        code: MetCode,
        located: bool,
    ) -> Result<Arc<dyn Program>, Fault> {
        let profile = ProfileId::from_number(code.profile)
            .ok_or_else(|| Fault::internal(format!("stored code has the unknown profile {}", code.profile)))?;
        // Run-time caps, such as the memory's maximum, are those the code was admitted under.
        let admitted = spec
            .rules_of_version(code.admitted)
            .ok_or_else(|| Fault::internal(format!("no rules of protocol version {}", code.admitted)))?;
        let (rules_hash, extension) = (rules.hash(), spec.extension_hash());
        let key = CacheKey { code: *hash, rules: rules_hash, admitted: admitted.hash(), extension, profile, located };
        if let Some(program) = self.lock().get(&key) {
            return Ok(program);
        }
        let bytes = overlay
            .get(&RecordKey::CodeBytes(hash).key())?
            .ok_or_else(|| Fault::internal("a code record without its bytes"))?;
        let prepared =
            unfork_gas::prepare(&bytes, rules.schedule(), admitted.limits(), &profile.for_admission(rules.version()))
                .map_err(|refusal| Fault::internal(format!("admitted code cannot be prepared: {refusal}")))?;
        let noting = if located { prepared.located() } else { None };
        let program = self.executor.translate(noting.unwrap_or(prepared), profile)?;
        self.made.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(key, Arc::clone(&program));
        Ok(program)
    }

    /// Bytes of the programs kept, and of the instances that wait.
    pub fn kept_bytes(&self) -> (usize, usize) {
        (self.lock().bytes, self.executor.idle_bytes())
    }

    /// Programs prepared and translated so far.
    pub fn programs_made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Forgets all programs. What is pinned is kept again from its next use on.
    pub fn clear(&self) {
        let mut cache = self.lock();
        cache.bytes = 0;
        cache.programs.clear();
        cache.droppable.clear();
    }

    /// From now on programs of this code stay, or no longer do.
    pub fn pin(&self, code: Hash, stay: bool) {
        self.lock().pin(code, stay);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cache> {
        // A panic while the lock was held leaves at worst a program uncounted; results do not depend on the cache.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn tick(&mut self) -> u64 {
        self.clock = self.clock.wrapping_add(1);
        self.clock
    }

    fn get(&mut self, key: &CacheKey) -> Option<Arc<dyn Program>> {
        let now = self.tick();
        let kept = self.programs.get_mut(key)?;
        kept.used = now;
        Some(Arc::clone(&kept.program))
    }

    /// Keeps `program`, and drops the ones not used for longest until all fit. One for which what is pinned leaves no room
    /// is not kept.
    fn insert(&mut self, key: CacheKey, program: Arc<dyn Program>) {
        let bytes = program.bytes();
        if bytes > self.bytes_max || self.programs.contains_key(&key) {
            return;
        }
        while self.bytes.saturating_add(bytes) > self.bytes_max {
            if !self.drop_oldest() {
                return;
            }
        }
        let used = self.tick();
        self.bytes = self.bytes.saturating_add(bytes);
        self.programs.insert(key, Kept { used, program });
        if !self.pinned.contains(&key.code) {
            self.droppable.insert(used, key);
        }
    }

    /// Drops the program not used for longest; false when there is none that may be dropped.
    fn drop_oldest(&mut self) -> bool {
        while let Some((moment, key)) = self.droppable.pop_first() {
            match self.programs.get(&key) {
                Some(kept) if kept.used > moment => drop(self.droppable.insert(kept.used, key)),
                _ => {
                    let dropped = self.programs.remove(&key);
                    self.bytes = self.bytes.saturating_sub(dropped.map_or(0, |kept| kept.program.bytes()));
                    return true;
                }
            }
        }
        false
    }

    fn pin(&mut self, code: Hash, stay: bool) {
        if stay {
            self.pinned.insert(code);
            self.droppable.retain(|_, key| key.code != code);
        } else if self.pinned.remove(&code) {
            let kept = self.programs.iter().filter(|(key, _)| key.code == code);
            self.droppable.extend(kept.map(|(key, kept)| (kept.used, *key)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, CacheKey};
    use crate::executor::Program;
    use crate::outcome::{Abort, Status};
    use crate::profile::ProfileId;
    use crate::session::{FrameKind, Session};
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    /// A program of three bytes that nobody runs.
    struct Idle;

    impl Program for Idle {
        fn run(&self, session: Box<Session>, _: FrameKind) -> (Box<Session>, Result<Status, Abort>) {
            (session, Ok(Status::Returned))
        }

        fn instantiation_gas(&self) -> u64 {
            0
        }

        fn memory_pages_min(&self) -> u32 {
            0
        }

        fn bytes(&self) -> usize {
            3
        }
    }

    fn key(code: u8) -> CacheKey {
        let (rules, admitted, extension) = ([0; 32], [0; 32], [0; 32]);
        CacheKey { code: [code; 32], rules, admitted, extension, profile: ProfileId::Seal, located: false }
    }

    /// A cache with room for three.
    fn cache() -> Cache {
        let (programs, droppable, pinned) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Cache { bytes_max: 10, bytes: 0, clock: 0, programs, droppable, pinned }
    }

    fn kept(cache: &Cache) -> Vec<u8> {
        let bytes: usize = cache.programs.values().map(|kept| kept.program.bytes()).sum();
        assert!(cache.bytes == bytes && bytes <= cache.bytes_max, "{} and {bytes}", cache.bytes);
        cache.programs.keys().map(|key| key.code[0]).collect()
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut cache = cache();
        for code in [1, 2, 3] {
            cache.insert(key(code), Arc::new(Idle));
        }
        assert!(cache.get(&key(1)).is_some());
        cache.insert(key(4), Arc::new(Idle));
        assert_eq!(kept(&cache), [1, 3, 4]);
        cache.insert(key(5), Arc::new(Idle));
        assert_eq!(kept(&cache), [1, 4, 5]);
    }

    #[test]
    fn what_is_pinned_stays_inside_the_bound() {
        let mut cache = cache();
        cache.insert(key(1), Arc::new(Idle));
        for code in [1, 2, 3] {
            cache.pin([code; 32], true);
        }
        for code in 2..9 {
            cache.insert(key(code), Arc::new(Idle));
        }
        // All room is taken by what is pinned: nothing else is kept.
        assert_eq!(kept(&cache), [1, 2, 3]);
        cache.pin([2; 32], false);
        cache.insert(key(9), Arc::new(Idle));
        assert_eq!(kept(&cache), [1, 3, 9]);
        cache.pin([7; 32], false);
        cache.pin([1; 32], false);
        cache.insert(key(8), Arc::new(Idle));
        cache.insert(key(7), Arc::new(Idle));
        assert_eq!(kept(&cache), [3, 7, 8]);
    }
}
