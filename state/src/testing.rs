//! For tests of whatever stands on a [`crate::Store`] or below a [`crate::StateView`]: what a view must answer
//! ([`check_view`]), and a disk in memory that fails when told to ([`FaultyDisk`]).
//!
//! Operations are counted over key-value store and block file together. At the chosen one an error is returned, and from
//! then on every operation fails until [`FaultyDisk::restart`], as after a crash: an append leaves half of its bytes
//! behind, a failed sync may have lost what was not synced.

mod views;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::changes::ChangeSet;
use crate::error::StateError;
#[cfg(feature = "rocksdb")]
pub use crate::store::PlainRocks;
use crate::store::Shared;
use crate::store::{Backend, Batch, BlockLog, MemoryBackend, MemoryLog, Table, TableRange};
use crate::view::Value;
pub use views::{MakeView, check_view};

/// The tree alone, without a store: for measuring it.
pub struct BareTree(Shared);

impl Default for BareTree {
    fn default() -> Self {
        Self(Shared::alone())
    }
}

impl BareTree {
    /// Makes the changes and returns the root. It is faster when their old values are known.
    ///
    /// # Panics
    /// Never: all of the tree is in memory.
    #[allow(clippy::expect_used, reason = "nothing is read from a disk")]
    pub fn apply(&mut self, changes: &ChangeSet) -> unfork_proof::Hash {
        self.0.apply(changes).expect("a tree in memory")
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> unfork_proof::Hash {
        self.0.root()
    }

    /// Bytes it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.tree().base.bytes()
    }
}

/// What survives a crash, and when the crash comes.
#[derive(Clone, Default)]
pub struct FaultyDisk {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    backend: MemoryBackend,
    log: Mutex<MemoryLog>,
    trees: [Mutex<MemoryLog>; 2],
    synced: AtomicU64,
    /// Operations left until the failure; `u64::MAX` is never.
    left: AtomicU64,
    done: AtomicU64,
    reads_count: AtomicBool,
    /// An operation has failed.
    dead: AtomicBool,
}

impl FaultyDisk {
    /// An empty disk that never fails.
    #[must_use]
    pub fn new() -> Self {
        let disk = Self::default();
        disk.restart();
        disk
    }

    /// Lets the `operations`-th operation from now on fail, the first being 0. Reads count only if `reads` says so.
    pub fn fail_after(&self, operations: u64, reads: bool) {
        self.inner.reads_count.store(reads, Ordering::SeqCst);
        self.inner.dead.store(false, Ordering::SeqCst);
        self.inner.done.store(0, Ordering::SeqCst);
        self.inner.left.store(operations, Ordering::SeqCst);
    }

    /// Operations made since the last [`FaultyDisk::fail_after`] or [`FaultyDisk::restart`].
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.inner.done.load(Ordering::SeqCst)
    }

    /// Ends the failing. Everything written so far stays, synced or not.
    pub fn restart(&self) {
        self.fail_after(u64::MAX, false);
    }

    /// As [`FaultyDisk::restart`], after a loss of power: what was appended to the block file but not synced is cut to
    /// `kept` bytes.
    ///
    /// # Errors
    /// None; the signature is that of the operation behind it.
    pub fn restart_after_power_cut(&self, kept: u64) -> Result<(), StateError> {
        self.restart();
        let synced = self.inner.synced.load(Ordering::SeqCst);
        self.log().truncate(synced.saturating_add(kept))
    }

    /// The key-value store on this disk.
    #[must_use]
    pub fn backend(&self) -> Box<dyn Backend> {
        Box::new(self.clone())
    }

    /// The block file on this disk.
    #[must_use]
    pub fn block_log(&self) -> Box<dyn BlockLog> {
        Box::new(self.clone())
    }

    /// The files of the tree's checkpoints on this disk.
    #[must_use]
    pub fn tree_files(&self) -> [Box<dyn BlockLog>; 2] {
        [0, 1].map(|slot| Box::new(TreeFile { disk: self.clone(), slot }) as Box<dyn BlockLog>)
    }

    /// Changes the bytes of one of the tree's checkpoint files as damage would.
    ///
    /// # Errors
    /// None; the signature is that of the operations behind it.
    pub fn damage_tree(&self, slot: usize, damage: impl FnOnce(&mut Vec<u8>)) -> Result<(), StateError> {
        let file = self.tree(slot);
        let length = file.length()?;
        let mut bytes = file.read(0, usize::try_from(length).unwrap_or(usize::MAX))?;
        damage(&mut bytes);
        file.truncate(0)?;
        file.append(&[&bytes])
    }

    fn tree(&self, slot: usize) -> std::sync::MutexGuard<'_, MemoryLog> {
        self.inner.trees[slot & 1].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the bytes of the block file as damage would.
    ///
    /// # Errors
    /// [`StateError`] if the block file cannot be read.
    pub fn damage_log(&self, damage: impl FnOnce(&mut Vec<u8>)) -> Result<(), StateError> {
        let log = self.log();
        let length = log.length()?;
        let mut bytes = log.read(0, usize::try_from(length).unwrap_or(usize::MAX))?;
        damage(&mut bytes);
        log.truncate(0)?;
        log.append(&[&bytes])
    }

    fn log(&self) -> std::sync::MutexGuard<'_, MemoryLog> {
        self.inner.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step_and_die(&self) -> Result<(), StateError> {
        self.step(false).inspect_err(|_| self.inner.dead.store(true, Ordering::SeqCst))
    }

    /// Counts one operation and says whether it fails.
    fn step(&self, read: bool) -> Result<(), StateError> {
        if read && !self.inner.reads_count.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.inner.done.fetch_add(1, Ordering::SeqCst);
        let count_down = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(1) };
        let left = self.inner.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count_down);
        match left {
            Ok(_) => Ok(()),
            Err(_) => Err(StateError::Io { during: "using the test disk", text: "injected failure".to_owned() }),
        }
    }
}

impl Backend for FaultyDisk {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.step(true)?;
        self.inner.backend.get(table, key)
    }

    fn scan(&self, table: Table, range: &TableRange, limit: usize) -> Result<Vec<(Vec<u8>, Value)>, StateError> {
        self.step(true)?;
        self.inner.backend.scan(table, range, limit)
    }

    fn write(&self, batch: Batch) -> Result<(), StateError> {
        self.step_and_die()?;
        self.inner.backend.write(batch)
    }
}

impl BlockLog for FaultyDisk {
    fn length(&self) -> Result<u64, StateError> {
        self.step(true)?;
        self.log().length()
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, StateError> {
        self.step(true)?;
        self.log().read(offset, length)
    }

    fn append(&self, parts: &[&[u8]]) -> Result<(), StateError> {
        if let Err(error) = self.step(false) {
            // Only the operation that failed first leaves something behind; after it the process is as good as dead.
            if !self.inner.dead.swap(true, Ordering::SeqCst) {
                self.log().append(&[&half(parts)])?;
            }
            return Err(error);
        }
        self.log().append(parts)
    }

    fn sync(&self) -> Result<(), StateError> {
        self.step_and_die()?;
        let length = self.log().length()?;
        self.inner.synced.store(length, Ordering::SeqCst);
        Ok(())
    }

    fn truncate(&self, length: u64) -> Result<(), StateError> {
        self.step(false)?;
        self.inner.synced.store(length, Ordering::SeqCst);
        self.log().truncate(length)
    }
}

/// The first half of a record, which is what a failed append leaves behind.
fn half(parts: &[&[u8]]) -> Vec<u8> {
    let mut record = parts.concat();
    record.truncate(record.len() >> 1);
    record
}

/// A checkpoint file on a disk that may fail.
struct TreeFile {
    disk: FaultyDisk,
    slot: usize,
}

impl BlockLog for TreeFile {
    fn length(&self) -> Result<u64, StateError> {
        self.disk.step(true)?;
        self.disk.tree(self.slot).length()
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, StateError> {
        self.disk.step(true)?;
        self.disk.tree(self.slot).read(offset, length)
    }

    fn append(&self, parts: &[&[u8]]) -> Result<(), StateError> {
        if let Err(error) = self.disk.step(false) {
            if !self.disk.inner.dead.swap(true, Ordering::SeqCst) {
                self.disk.tree(self.slot).append(&[&half(parts)])?;
            }
            return Err(error);
        }
        self.disk.tree(self.slot).append(parts)
    }

    fn sync(&self) -> Result<(), StateError> {
        self.disk.step_and_die()
    }

    fn truncate(&self, length: u64) -> Result<(), StateError> {
        self.disk.step(false)?;
        self.disk.tree(self.slot).truncate(length)
    }
}
