//! The store: its head, what may follow it, and how that is committed.

use std::fmt;
use std::sync::Arc;

use unfork_proof::{Hash, Proof};

use super::backend::Table;
use super::checkpoint::{TreeFiles, Writing};
use super::first::first_height;
use super::history::{StoreView, Version};
use super::log::{Block, BlockLog, Content, Found, Record, read_record};
use super::memory::{MemoryBackend, MemoryLog};
use super::open::{Opened, Parts, Recovery, TreeSource};
use super::options::Options;
use super::pending::Pending;
use super::shared::{NoPages, Shared};
use super::step::{Step, block_entries, state_batch};
use crate::changes::ChangeSet;
use crate::error::{StateError, hexadecimal};
use crate::keccak::Lanes;
use crate::key::Key;
use crate::merkle::Base;
use crate::view::StateView;
use crate::worker::{Task, Worker};

/// The id of a block: a hash that the engine computes, opaque here.
pub type BlockId = [u8; 32];

/// The version of everything stored; a store of another version is refused, never migrated silently.
pub const FORMAT: u32 = 3;

/// The hash function of tree and proofs, as stored.
pub(crate) const HASH_NAME: &[u8; 12] = b"keccak-256\0\0";

pub(crate) const META_FORMAT: &[u8] = b"format";
pub(crate) const META_CHAIN: &[u8] = b"chain";
pub(crate) const META_HASH: &[u8] = b"hash";
pub(crate) const META_HEAD: &[u8] = b"head";
pub(crate) const META_OLDEST: &[u8] = b"oldest";

/// Blocks by which more history is kept than asked for, so that tidying is rare.
const PRUNE_STEP: u64 = 256;

/// The last committed block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its height, 0 for genesis.
    pub height: u64,
    /// Its id.
    pub id: BlockId,
    /// The state root after it.
    pub root: Hash,
}

/// Committed state and blocks of one chain.
///
/// A commit appends to the block file, syncs it, and then makes one atomic, synced write. A failure of either closes
/// the handle: what is on disk is found out by opening the store again, which ends at the old or the new head.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: Arc<dyn BlockLog>,
    pub(crate) chain_id: [u8; 32],
    pub(crate) head: Head,
    /// Where the head's record ends in the block file.
    pub(crate) log_end: u64,
    pub(crate) version: Arc<Version>,
    /// Writes the block file while this thread does the rest.
    worker: Worker,
    /// Frees disk, however long that takes.
    pub(crate) tidier: Worker,
    poisoned: Option<String>,
    pub(crate) recovery: Recovery,
    pub(crate) options: Options,
    /// The lowest height whose state can be read.
    pub(crate) oldest: u64,
    pub(crate) trees: Option<Arc<TreeFiles>>,
    /// A checkpoint under way.
    writing: Option<Writing>,
    /// Updates committed since the last checkpoint was begun.
    pub(crate) updates_since: u64,
    pub(crate) tree_source: TreeSource,
}

impl Store {
    /// A new store in memory. Its roots and proofs are those of a store on disk.
    ///
    /// # Errors
    /// [`StateError::Limit`] if genesis exceeds a limit of the format.
    pub fn memory(
        chain_id: [u8; 32],
        genesis: ChangeSet,
        genesis_id: BlockId,
        genesis_body: Vec<u8>,
    ) -> Result<Self, StateError> {
        let (backend, log) = (Box::new(MemoryBackend::default()), Box::new(MemoryLog::default()));
        // What is in memory already needs no cache, and no end of its history.
        let options = Options { cache_bytes: 0, retained_blocks: None, ..Options::default() };
        let parts = Parts { backend, log, trees: None, options };
        Self::create_from(parts, chain_id, genesis, genesis_id, genesis_body)
    }

    /// A store over `parts` at `head`, without its tree.
    pub(crate) fn assemble(parts: Opened, chain_id: [u8; 32], head: Head, log_end: u64, oldest: u64) -> Self {
        let Opened { backend, log, trees, options } = parts;
        let base = Base::new(Lanes::widest());
        let shared = match &trees {
            Some(files) => Shared::new(backend, base, files.clone(), options.cache_bytes),
            None => Shared::new(backend, base, Arc::new(NoPages), options.cache_bytes),
        };
        Self {
            shared: Arc::new(shared),
            log,
            chain_id,
            head,
            log_end,
            version: Arc::default(),
            worker: Worker::default(),
            tidier: Worker::default(),
            poisoned: None,
            recovery: Recovery::default(),
            options,
            oldest,
            trees,
            writing: None,
            updates_since: 0,
            tree_source: TreeSource::default(),
        }
    }

    /// The last committed block.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// The chain this store belongs to.
    #[must_use]
    pub fn chain_id(&self) -> [u8; 32] {
        self.chain_id
    }

    /// The number of keys in the state at the head.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.shared.tree().base.leaves()
    }

    /// What had to be done when this store was opened.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// Where the tree came from when this store was opened.
    #[must_use]
    pub fn tree_source(&self) -> &TreeSource {
        &self.tree_source
    }

    /// The state at the head. It stays as it is while later blocks are committed; a read then costs one look-up per
    /// block committed since.
    #[must_use]
    pub fn view(&self) -> Arc<dyn StateView> {
        Arc::new(StoreView { shared: self.shared.clone(), version: self.version.clone() })
    }

    /// Computes the root of the state after `changes` to the state of the block `parent`, which must be the head.
    ///
    /// Any number of children may be prepared, and each can be read, built upon ([`Pending::prepare`]), committed or
    /// dropped. Old values that the change set does not know are read.
    ///
    /// # Errors
    /// [`StateError::Order`] if `parent` is not the head, [`StateError::Limit`] for an oversized key or value,
    /// [`StateError::Corrupt`] if an old value contradicts the state, and any error of reading.
    pub fn prepare(&self, parent: BlockId, changes: ChangeSet) -> Result<(Hash, Pending), StateError> {
        self.check_open()?;
        if parent != self.head.id {
            let (found, head) = (hexadecimal(&parent), hexadecimal(&self.head.id));
            return Err(StateError::Order { what: format!("its parent is {found}, the head is {head}") });
        }
        let pending = Pending::new(&self.shared, None, self.view(), changes)?;
        Ok((pending.root(), pending))
    }

    /// Commits a prepared block. When this returns `Ok`, the block survives a loss of power.
    ///
    /// # Errors
    /// [`StateError::Order`] if the block was prepared on something else than the head, or the height is not the next
    /// one; the store is as before. After any other error the handle is closed.
    pub fn commit(&mut self, pending: Pending, height: u64, id: BlockId, body: Vec<u8>) -> Result<(), StateError> {
        self.check_open()?;
        if !Arc::ptr_eq(&pending.shared, &self.shared) || pending.diff.below() != self.shared.tree().token {
            return Err(StateError::Order { what: "it was not prepared on the head".to_owned() });
        }
        if self.head.height.checked_add(1) != Some(height) {
            let head = self.head.height;
            return Err(StateError::Order { what: format!("its height is {height}, the head's is {head}") });
        }
        let head = Head { height, id, root: pending.root() };
        let content = Content { part: false, head, parent: self.head.id, body, changes: pending.changes() };
        let record = Record::encode(&self.chain_id, self.log_end, content)?;
        let end = self.log_end.saturating_add(record.length());
        let logged = self.append(record);
        let step = self.step(&pending, head, end);
        let done = self.take(step, &logged).and_then(|former| self.tend(&pending).map(|()| former));
        let former = done.inspect_err(|error| self.poison(error))?;
        // Thousands of small pieces, unless somebody still reads the former head.
        let left = (former, pending.diff);
        if self.log.waits() {
            self.worker.leave(move || drop(left));
        }
        Ok(())
    }

    /// Appends a record to the block file and syncs it, beside whatever is done before the task is waited for.
    fn append(&self, record: Record) -> Task<Result<(), StateError>> {
        let log = self.log.clone();
        let append = move || log.append(&record.parts()).and_then(|()| log.sync());
        if self.log.waits() { self.worker.start(append) } else { Task::done(append()) }
    }

    /// What leads to a block whose record ends at `log_end` of the block file.
    pub(crate) fn step(&self, pending: &Pending, head: Head, log_end: u64) -> Step {
        let mut batch = state_batch(&pending.diff, head, log_end);
        block_entries(&mut batch, pending.changes(), head, self.log_end);
        // The oldest state to be kept is said in the same write; what it makes needless goes afterwards.
        let retained = self.options.retained_blocks.unwrap_or(u64::MAX);
        let oldest = head.height.saturating_sub(retained);
        let forget = (oldest >= self.oldest.saturating_add(PRUNE_STEP)).then_some(oldest);
        if let Some(oldest) = forget {
            batch.put(Table::Meta, META_OLDEST, &oldest.to_le_bytes());
        }
        Step { diff: pending.diff.clone(), batch, head, log_end, forget }
    }

    /// Moves everything to another head: what is in memory while `logged` is under way, the key-value store once that has
    /// succeeded. If anything fails, the handle must be closed: memory is ahead of the disk then, and shows only what views
    /// of former heads correct. Returns what the former head was.
    pub(crate) fn take(
        &mut self,
        step: Step,
        logged: &Task<Result<(), StateError>>,
    ) -> Result<Arc<Version>, StateError> {
        let Step { diff, batch, head, log_end, forget } = step;
        // Readers of earlier states must know what to correct before anything changes.
        let version = self.version.advance(diff.changes().clone(), diff.token());
        self.shared.cache.begin();
        self.shared.commit(&diff)?;
        self.shared.cache.renew(diff.changes());
        self.shared.backend.write_after(batch, &mut || logged.wait()?)?;
        self.shared.cache.finish();
        let former = std::mem::replace(&mut self.version, version);
        (self.head, self.log_end) = (head, log_end);
        self.updates_since = self.updates_since.saturating_add(count(diff.changes().len()));
        forget.map_or(Ok(()), |oldest| self.forget_below(oldest))?;
        Ok(former)
    }

    /// Begins or goes on with a checkpoint of the tree, and keeps the tree inside its memory.
    fn tend(&mut self, pending: &Pending) -> Result<(), StateError> {
        let Some(files) = self.trees.clone() else { return Ok(()) };
        let limit = self.options.tree_bytes;
        let (keys, mut excess) = {
            let tree = self.shared.tree();
            (tree.base.leaves(), tree.base.excess(limit))
        };
        if excess > 0 {
            let mut tree = self.shared.tree_mut();
            tree.base.evict(limit);
            excess = tree.base.excess(limit);
        }
        let due = self.updates_since >= self.options.checkpoint_updates.max(keys);
        if self.writing.is_none() && (due || excess > 0) {
            self.writing = Some(Writing::begin(&files, &self.shared, &self.chain_id, self.head.height)?);
            self.updates_since = 0;
        }
        self.write_checkpoint(&files, Some(count(pending.changes().len())), excess > 0)
    }

    fn write_checkpoint(&mut self, files: &TreeFiles, updates: Option<u64>, urgent: bool) -> Result<(), StateError> {
        if let Some(writing) = &mut self.writing
            && writing.go_on(files, &self.shared, &self.chain_id, self.head, updates, urgent)?
        {
            self.writing = None;
            self.shared.tree_mut().base.evict(self.options.tree_bytes);
        }
        Ok(())
    }

    /// Writes a checkpoint of the tree now, so that opening the store again is fast: for a node that stops. Does nothing
    /// for a store without files for it, or when nothing has changed since the last one.
    ///
    /// # Errors
    /// Any error of writing; the handle is then closed.
    pub fn checkpoint(&mut self) -> Result<(), StateError> {
        self.check_open()?;
        let Some(files) = self.trees.clone() else { return Ok(()) };
        if self.writing.is_none() && self.updates_since == 0 {
            return Ok(());
        }
        let mut whole = || {
            self.writing = Some(Writing::begin(&files, &self.shared, &self.chain_id, self.head.height)?);
            self.updates_since = 0;
            self.write_checkpoint(&files, None, true)
        };
        let done = whole();
        done.inspect_err(|error| self.poison(error))
    }

    /// Gives up a checkpoint under way.
    pub(crate) fn drop_checkpoint(&mut self) {
        self.writing = None;
    }

    pub(crate) fn poison(&mut self, error: &StateError) {
        self.poisoned = Some(error.to_string());
    }

    /// Where the record of the block at `height` begins in the block file.
    pub(crate) fn offset_of(&self, height: u64) -> Result<u64, StateError> {
        let missing = || StateError::corrupt(format!("the index has no block {height}"));
        let offset = self.shared.backend.get(Table::Blocks, &height.to_be_bytes())?.ok_or_else(missing)?;
        offset_in(&offset, height)
    }

    /// The block at `height` as it stands in the block file, `None` above the head and before the snapshot that a chain was
    /// made from.
    ///
    /// # Errors
    /// [`StateError`] if it cannot be read, [`StateError::Corrupt`] if its record is damaged.
    pub fn block_record(&self, height: u64) -> Result<Option<Block>, StateError> {
        if height > self.head.height {
            return Ok(None);
        }
        let Some(offset) = self.shared.backend.get(Table::Blocks, &height.to_be_bytes())? else {
            // A chain that was made from a snapshot begins with it.
            let before = height < first_height(self.log.as_ref(), &self.chain_id)?;
            let missing = || StateError::corrupt(format!("the index has no block {height}"));
            return if before { Ok(None) } else { Err(missing()) };
        };
        let offset = offset_in(&offset, height)?;
        match read_record(self.log.as_ref(), &self.chain_id, offset)? {
            Found::Block(block, _) if block.height == height => Ok(Some(*block)),
            Found::Block(block, _) => Err(StateError::corrupt(format!(
                "the index leads to block {} at {offset} of the block file, not to block {height}",
                block.height
            ))),
            Found::Part(..) => {
                Err(StateError::corrupt(format!("the index leads to a snapshot, not to block {height}")))
            }
            Found::End => Err(StateError::corrupt(format!("the block file ends before block {height} at {offset}"))),
            Found::Damaged { what, .. } => {
                Err(StateError::corrupt(format!("block {height} at {offset} of the block file: {what}")))
            }
        }
    }

    /// The body of the block at `height`, `None` above the head.
    ///
    /// # Errors
    /// As [`Store::block_record`].
    pub fn block(&self, height: u64) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.block_record(height)?.map(|block| block.body))
    }

    /// The height and body of the block with `id`, `None` if it is not committed.
    ///
    /// # Errors
    /// As [`Store::block_record`].
    pub fn block_by_id(&self, id: &BlockId) -> Result<Option<(u64, Vec<u8>)>, StateError> {
        let Some(height) = self.shared.backend.get(Table::Ids, id)? else { return Ok(None) };
        let wrong = || StateError::corrupt(format!("the index of block ids is wrong for {}", hexadecimal(id)));
        let height = u64::from_le_bytes(height.as_ref().try_into().map_err(|_| wrong())?);
        let block = self.block_record(height)?.filter(|block| block.id == *id).ok_or_else(wrong)?;
        Ok(Some((height, block.body)))
    }

    /// The id of the block at `height`, `None` above the head.
    ///
    /// # Errors
    /// As [`Store::block_record`].
    pub fn id_at(&self, height: u64) -> Result<Option<BlockId>, StateError> {
        Ok(self.block_record(height)?.map(|block| block.id))
    }

    /// The state root after the block at `height`, `None` above the head.
    ///
    /// # Errors
    /// As [`Store::block_record`].
    pub fn root_at(&self, height: u64) -> Result<Option<Hash>, StateError> {
        Ok(self.block_record(height)?.map(|block| block.root))
    }

    /// The proof, under the head's root, that `key` has the value it has or that it is absent.
    ///
    /// # Errors
    /// [`StateError`] if the state cannot be read, or does not agree with the tree.
    pub fn prove(&self, key: &Key) -> Result<Proof, StateError> {
        self.check_open()?;
        self.shared.prove(None, self.view().as_ref(), key)
    }

    /// Brings everything that was committed into its final place on disk, and waits for it and for what pruning frees.
    /// Commits are durable without it; what it saves is work after the next opening.
    ///
    /// # Errors
    /// [`StateError::Backend`] if the key-value store could not write.
    pub fn settle(&self) -> Result<(), StateError> {
        self.tidier.finish();
        self.shared.backend.settle()
    }

    pub(crate) fn check_open(&self) -> Result<(), StateError> {
        match &self.poisoned {
            None => Ok(()),
            Some(cause) => Err(StateError::Poisoned { cause: cause.clone() }),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("head", &self.head).field("poisoned", &self.poisoned).finish_non_exhaustive()
    }
}

/// The offset that the index has for the block at `height`.
fn offset_in(bytes: &[u8], height: u64) -> Result<u64, StateError> {
    let malformed = |_| StateError::corrupt(format!("the index has no offset for block {height}"));
    Ok(u64::from_le_bytes(bytes.try_into().map_err(malformed)?))
}

fn count(entries: usize) -> u64 {
    u64::try_from(entries).unwrap_or(u64::MAX)
}
