//! Creating and opening a store: who is believed when head, block file and values do not agree.
//!
//! * The tree is built from the values, and its root must be the head's.
//! * The head's record must stand in the block file, where the head says. If it does not, acknowledged blocks are lost.
//! * Records after it were synced, but the key-value store was not written, or lost its tail: they are applied again,
//!   the root of each is checked.
//! * The last record may be torn, for a commit that was never acknowledged; it is cut off. Damage anywhere else is
//!   refused.

use std::ops::Bound;
use std::sync::Arc;

use super::backend::{Backend, Table, TableRange};
use super::checkpoint::{Footer, TreeFiles, complete, load};
use super::commit::{BlockId, Head, META_CHAIN, META_FORMAT, META_HASH, META_HEAD, META_OLDEST, Store};
use super::first::{is_empty, write_first_state, write_genesis_record};
use super::log::{
    Block, BlockLog, FILE_HEADER_BYTES, Found, RECORD_HEADER_BYTES, RecordHeader, check_file_header, check_identity,
    read_record,
};
use super::options::Options;
use super::step::decode_head;
use crate::changes::ChangeSet;
use crate::error::{StateError, hexadecimal};
use crate::keccak::Lanes;
use crate::key::Order;
use crate::merkle::{Base, Leaf, LeafChange, LeafHasher, SEGMENTS, leaves_of};
use crate::worker::Task;

/// What had to be done when a store was opened. All zero after a clean stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Blocks that stood in the block file only and were applied again.
    pub blocks_replayed: u64,
    /// Bytes of a torn last record that were cut off.
    pub torn_bytes: u64,
}

/// Where a store's tree came from when the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TreeSource {
    /// All values were read and hashed.
    #[default]
    Values,
    /// A checkpoint was read, and the changes of later blocks were made to it.
    Checkpoint {
        /// The block at which it was begun.
        begun: u64,
    },
    /// All values were read and hashed, for no checkpoint was any good.
    ValuesInstead {
        /// What was wrong.
        why: String,
    },
}

impl std::fmt::Display for TreeSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Values => f.write_str("all values"),
            Self::Checkpoint { begun } => write!(f, "the checkpoint begun after block {begun}"),
            Self::ValuesInstead { why } => write!(f, "all values, because of its checkpoint: {why}"),
        }
    }
}

/// What a store is made of.
pub struct Parts {
    /// The key-value store.
    pub backend: Box<dyn Backend>,
    /// The block file.
    pub log: Box<dyn BlockLog>,
    /// Two files for checkpoints of the tree, which may be empty or lost; without them opening takes longer, and all of
    /// the tree stays in memory.
    pub trees: Option<[Box<dyn BlockLog>; 2]>,
    /// How to use memory and disk.
    pub options: Options,
}

impl Parts {
    /// Without checkpoints, with default options.
    #[must_use]
    pub fn new(backend: Box<dyn Backend>, log: Box<dyn BlockLog>) -> Self {
        Self { backend, log, trees: None, options: Options::default() }
    }
}

/// The same, as a store keeps them.
pub(crate) struct Opened {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) log: Arc<dyn BlockLog>,
    pub(crate) trees: Option<Arc<TreeFiles>>,
    pub(crate) options: Options,
}

impl Opened {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { backend, log, trees, options } = parts;
        let trees = trees.map(|files| Arc::new(TreeFiles::new(files)));
        Self { backend: Arc::from(backend), log: Arc::from(log), trees, options }
    }
}

/// What helps when the key-value store is damaged and the block file is not.
const REBUILD: &str =
    "move the key-value store's directory `db` away and open again: it is rebuilt from the block file";

/// A checkpoint is of no use if the blocks since it fill more than this in the block file per key of the state.
const REPLAYED_BYTES_PER_KEY_MAX: u64 = 300;

/// Values read at a time while the tree is built.
const CHUNK: usize = 4096;

impl Store {
    /// A new store over an empty key-value store and an empty block file.
    ///
    /// # Errors
    /// [`StateError::Refused`] if either holds something, [`StateError::Limit`] if genesis exceeds a limit of the
    /// format, and any error of writing.
    pub fn create_with(
        backend: Box<dyn Backend>,
        log: Box<dyn BlockLog>,
        chain_id: [u8; 32],
        genesis: ChangeSet,
        genesis_id: BlockId,
        genesis_body: Vec<u8>,
    ) -> Result<Self, StateError> {
        Self::create_from(Parts::new(backend, log), chain_id, genesis, genesis_id, genesis_body)
    }

    /// As [`Store::create_with`], of all parts.
    ///
    /// # Errors
    /// As [`Store::create_with`].
    pub fn create_from(
        parts: Parts,
        chain_id: [u8; 32],
        genesis: ChangeSet,
        genesis_id: BlockId,
        genesis_body: Vec<u8>,
    ) -> Result<Self, StateError> {
        let parts = Opened::new(parts);
        if parts.log.length()? != 0 || !is_empty(parts.backend.as_ref())? {
            return Err(StateError::refused("there is a store already", "open it, or choose an empty directory"));
        }
        write_genesis_record(parts.log.as_ref(), &chain_id, &genesis, genesis_id, genesis_body)?;
        write_first_state(parts.backend.as_ref(), parts.log.as_ref(), &chain_id)?;
        let lost = || StateError::corrupt("the head was written and is not there");
        Self::load(parts, chain_id)?.ok_or_else(lost)
    }

    /// Opens what a store has left behind.
    ///
    /// # Errors
    /// [`StateError::Refused`] with a remedy if the store is of another chain, format or hash function, or if values,
    /// head and block file contradict each other, and any error of reading or writing.
    pub fn with_backend(
        backend: Box<dyn Backend>,
        log: Box<dyn BlockLog>,
        chain_id: [u8; 32],
    ) -> Result<Self, StateError> {
        Self::open_from(Parts::new(backend, log), chain_id)
    }

    /// As [`Store::with_backend`], of all parts.
    ///
    /// # Errors
    /// As [`Store::with_backend`].
    pub fn open_from(parts: Parts, chain_id: [u8; 32]) -> Result<Self, StateError> {
        let parts = Opened::new(parts);
        let (backend, log) = (parts.backend.as_ref(), parts.log.as_ref());
        check_file_header(log, &chain_id)?;
        if read_head(backend, &chain_id)?.is_none() {
            // Nothing but the block file is left, or its creation was cut off: all of it is applied again. Values of a
            // snapshot are written bit by bit, so that some may be there already.
            let first = read_record(log, &chain_id, FILE_HEADER_BYTES as u64)?;
            if !matches!(first, Found::Part(..)) && !is_empty(backend)? {
                return Err(StateError::refused("the key-value store has no head", REBUILD));
            }
            write_first_state(backend, log, &chain_id)?;
        }
        let lost = || StateError::corrupt("the head was written and is not there");
        let mut store = Self::load(parts, chain_id)?.ok_or_else(lost)?;
        store.catch_up()?;
        if store.shared.tree().base.excess(store.options.tree_bytes) > 0 {
            store.checkpoint()?;
        }
        Ok(store)
    }

    /// The store at the head that the key-value store has; `None` if it has none. Writes nothing.
    pub(crate) fn load(parts: Opened, chain_id: [u8; 32]) -> Result<Option<Self>, StateError> {
        check_file_header(parts.log.as_ref(), &chain_id)?;
        let Some((head, log_end)) = read_head(parts.backend.as_ref(), &chain_id)? else { return Ok(None) };
        check_head_record(parts.backend.as_ref(), parts.log.as_ref(), &chain_id, head, log_end)?;
        let oldest = parts.backend.get(Table::Meta, META_OLDEST)?;
        let oldest = oldest.map_or(Ok(0), |bytes| bytes.as_ref().try_into().map(u64::from_le_bytes));
        let malformed = |_| StateError::refused("the oldest height in the key-value store is malformed", REBUILD);
        let mut store = Self::assemble(parts, chain_id, head, log_end, oldest.map_err(malformed)?);
        store.find_tree()?;
        Ok(Some(store))
    }

    /// Takes the tree from a checkpoint if there is a good one, else from the values.
    fn find_tree(&mut self) -> Result<(), StateError> {
        let mut wrong = None;
        if let Some(files) = self.trees.clone() {
            let (footers, damaged) = complete(&files, &self.chain_id);
            wrong = damaged;
            for footer in footers {
                match self.tree_from_checkpoint(&files, footer) {
                    Ok(true) => {
                        self.tree_source = TreeSource::Checkpoint { begun: footer.begun };
                        return Ok(());
                    }
                    Ok(false) => {}
                    Err(error) => wrong = Some(error.to_string()),
                }
            }
        }
        let base = tree_of_values(self.shared.backend.as_ref())?;
        if base.root() != self.head.root {
            let (found, root) = (hexadecimal(&base.root()), hexadecimal(&self.head.root));
            return Err(StateError::refused(
                format!("the values hash to {found}, but the head at height {} has the root {root}", self.head.height),
                REBUILD,
            ));
        }
        // A checkpoint is due with the next block.
        self.updates_since = base.leaves();
        self.shared.replace(base);
        self.tree_source = wrong.map_or(TreeSource::Values, |why| TreeSource::ValuesInstead { why });
        Ok(())
    }

    /// Whether the tree could be taken from a checkpoint; not from one of another branch, or one that is so old that
    /// reading all values is faster.
    fn tree_from_checkpoint(&mut self, files: &TreeFiles, footer: Footer) -> Result<bool, StateError> {
        let ended = self.shared.backend.get(Table::Ids, &footer.id)?;
        if ended.as_deref() != Some(footer.ended.to_le_bytes().as_slice()) || footer.ended > self.head.height {
            return Ok(false);
        }
        let since = footer.begun.saturating_add(1);
        let from = if since <= self.head.height { self.offset_of(since)? } else { self.log_end };
        if self.log_end.saturating_sub(from) > footer.leaves.saturating_mul(REPLAYED_BYTES_PER_KEY_MAX) {
            return Ok(false);
        }
        let lanes = Lanes::widest();
        let (mut hasher, mut own) = (LeafHasher::default(), Vec::new());
        let mut changes: Vec<LeafChange> = Vec::new();
        for height in since..=self.head.height {
            let missing = || StateError::corrupt(format!("block {height} is missing"));
            let block = self.block_record(height)?.ok_or_else(missing)?;
            hasher.leaf_changes(&block.changes, lanes, &mut own);
            changes.extend_from_slice(&own);
        }
        self.updates_since = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        // Later changes of a path stay behind earlier ones, and win.
        changes.sort_by_key(|change| change.path);
        let base = load(files, footer, &self.chain_id, &changes, self.options.tree_bytes, lanes)?;
        if base.root() != self.head.root {
            let why = format!("tree.{} with the blocks since does not lead to the head's root", footer.slot);
            return Err(StateError::corrupt(why));
        }
        self.shared.replace(base);
        Ok(true)
    }

    /// Applies the records after the head, and cuts off a torn last one.
    fn catch_up(&mut self) -> Result<(), StateError> {
        loop {
            let offset = self.log_end;
            match read_record(self.log.as_ref(), &self.chain_id, offset)? {
                Found::End => return Ok(()),
                Found::Block(block, end) => self.replay(&block, end)?,
                Found::Part(..) => {
                    return Err(StateError::refused(
                        format!("the block file has values of a snapshot at {offset}, after a block"),
                        "restore the block file from a backup",
                    ));
                }
                Found::Damaged { what, next } => {
                    if self.records_after(offset, next)? {
                        return Err(StateError::refused(
                            format!("the block file is damaged at {offset}, before its last record: {what}"),
                            "restore the block file from a backup",
                        ));
                    }
                    self.recovery.torn_bytes = self.log.length()?.saturating_sub(offset);
                    return self.log.truncate(offset);
                }
            }
        }
    }

    fn replay(&mut self, block: &Block, end: u64) -> Result<(), StateError> {
        let follows = self.head.height.checked_add(1) == Some(block.height) && block.parent == self.head.id;
        let pending = if follows { Some(self.prepare(block.parent, block.changes.clone())?) } else { None };
        let Some((_, pending)) = pending.filter(|(root, _)| *root == block.root) else {
            return Err(StateError::refused(
                format!("block {} in the block file does not follow block {}", block.height, self.head.height),
                "restore the store from a backup",
            ));
        };
        let step = self.step(&pending, Head { height: block.height, id: block.id, root: block.root }, end);
        drop(self.take(step, &Task::done(Ok(())))?);
        self.recovery.blocks_replayed = self.recovery.blocks_replayed.saturating_add(1);
        Ok(())
    }

    /// Whether anything but the torn rest of one record stands after the damaged bytes at `offset`. Only one record is
    /// ever under way, so a whole header further on means that what is damaged was complete once.
    fn records_after(&self, offset: u64, next: Option<u64>) -> Result<bool, StateError> {
        let length = self.log.length()?;
        if let Some(next) = next {
            return Ok(next < length);
        }
        const WINDOW: u64 = 1 << 20;
        const OVERLAP: u64 = RECORD_HEADER_BYTES as u64 - 1;
        let mut from = offset.saturating_add(1);
        while from.saturating_add(RECORD_HEADER_BYTES as u64) <= length {
            let bytes = length.saturating_sub(from).min(WINDOW);
            let window = self.log.read(from, usize::try_from(bytes).unwrap_or(usize::MAX))?;
            for (at, candidate) in window.windows(RECORD_HEADER_BYTES).enumerate() {
                let at = from.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
                // The first byte is compared first: a checksum at every byte would take long.
                if candidate.starts_with(b"BLK1") && RecordHeader::decode(&self.chain_id, at, candidate).is_some() {
                    return Ok(true);
                }
            }
            from = from.saturating_add(bytes).saturating_sub(OVERLAP);
            if bytes < WINDOW {
                break;
            }
        }
        Ok(false)
    }
}

/// The head and where its record ends; `None` if nothing was ever written.
fn read_head(backend: &dyn Backend, chain_id: &[u8; 32]) -> Result<Option<(Head, u64)>, StateError> {
    let Some(format) = backend.get(Table::Meta, META_FORMAT)? else { return Ok(None) };
    let version = format.as_ref().try_into().map_or(0, u32::from_le_bytes);
    let hash = backend.get(Table::Meta, META_HASH)?;
    let chain = backend.get(Table::Meta, META_CHAIN)?;
    check_identity("key-value store", version, hash.as_deref(), chain.as_deref(), chain_id)?;
    let head = backend.get(Table::Meta, META_HEAD)?;
    let head = head.as_deref().and_then(decode_head);
    head.map(Some).ok_or_else(|| StateError::refused("the head in the key-value store is malformed", REBUILD))
}

fn check_head_record(
    backend: &dyn Backend,
    log: &dyn BlockLog,
    chain_id: &[u8; 32],
    head: Head,
    log_end: u64,
) -> Result<(), StateError> {
    let length = log.length()?;
    let remedy = "acknowledged blocks are missing from the block file: restore it from a backup, \
                  or remove the store and synchronise again";
    if length < log_end {
        return Err(StateError::refused(
            format!(
                "the key-value store is at height {}, whose record ends at {log_end}, but the block file ends at {length}",
                head.height
            ),
            remedy,
        ));
    }
    let offset = backend.get(Table::Blocks, &head.height.to_be_bytes())?;
    let offset = offset.and_then(|offset| Some(u64::from_le_bytes(offset.as_ref().try_into().ok()?)));
    let offset = offset.ok_or_else(|| StateError::refused("the head is missing from the index of blocks", REBUILD))?;
    match read_record(log, chain_id, offset)? {
        Found::Block(block, end)
            if end == log_end && (block.height, block.id, block.root) == (head.height, head.id, head.root) =>
        {
            Ok(())
        }
        Found::Block(block, _) => Err(StateError::refused(
            format!(
                "the key-value store has block {} at height {}, the block file has {} at height {}",
                hexadecimal(&head.id),
                head.height,
                hexadecimal(&block.id),
                block.height
            ),
            "the two do not belong together: restore both from one backup",
        )),
        Found::Damaged { what, .. } => Err(StateError::refused(
            format!("the block file is damaged at {offset}, in the record of the head: {what}"),
            remedy,
        )),
        Found::Part(..) => {
            Err(StateError::refused(format!("the block file has a snapshot at {offset}, no head"), remedy))
        }
        Found::End => Err(StateError::refused(format!("the block file ends at {offset}, before the head"), remedy)),
    }
}

/// The tree over everything in the table of values.
pub(crate) fn tree_of_values(backend: &dyn Backend) -> Result<Base, StateError> {
    let lanes = Lanes::widest();
    let mut segments: Vec<Vec<Leaf>> = vec![Vec::new(); SEGMENTS];
    let mut range = TableRange { from: Bound::Unbounded, to: Bound::Unbounded, order: Order::Forward };
    loop {
        let chunk = backend.scan(Table::Values, &range, CHUNK)?;
        for leaf in leaves_of(&chunk, lanes) {
            if let Some(segment) = segments.get_mut(Base::segment_of(&leaf.path)) {
                segment.push(leaf);
            }
        }
        let complete = chunk.len() < CHUNK;
        if let Some((flat, _)) = chunk.into_iter().next_back() {
            range.from = Bound::Excluded(flat);
        }
        if complete {
            return Ok(Base::of_segments(segments, lanes));
        }
    }
}
