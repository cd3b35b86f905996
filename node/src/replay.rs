//! Executes the blocks of a store again, from the genesis on, and compares everything with what is stored.
//!
//! The store is not opened as one, since that refuses what is damaged: block file and values are read as they are, and
//! the blocks are executed on a new store in memory under the specification in `chain.json`. So it is the stored blocks
//! and values that are judged, and a difference is named by block, transaction and field, with both values.

mod values;

use crate::compare::{self, Difference, hexadecimal};
use parity_scale_codec::{DecodeAll, Encode};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use unfork_engine::{
    BlockExecutor, ChainSpec, Checked, Engine, Fault, Header, InvalidBlock, OpenHooks, Receipt, StoredBlock,
    TraceEvent, genesis, list_root,
};
use unfork_state::{Block, Inspection, Key, Record, StateError, Store};

/// Something stored that executing does not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The block; none for what concerns the whole store.
    pub block: Option<u64>,
    /// The transaction in the block, from 0.
    pub transaction: Option<u32>,
    /// What differs, with both values.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.block, self.transaction) {
            (Some(block), Some(transaction)) => write!(f, "block {block} transaction {transaction}: {}", self.what),
            (Some(block), None) => write!(f, "block {block}: {}", self.what),
            _ => write!(f, "store: {}", self.what),
        }
    }
}

/// Which blocks are compared. Earlier ones are executed without being compared, later ones not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heights {
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Blocks executed and compared, without the genesis.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Findings reported.
    pub differences: u64,
    /// Height of the last block executed.
    pub height: u64,
    /// The state root after it, as executed.
    pub root: [u8; 32],
    /// Values compared with the executed state; none when the range ends before the store's head.
    pub values: Option<u64>,
    /// Whether the remains of a commit that was cut off stand after the head. Opening the store removes them.
    pub torn: bool,
}

/// Executes the blocks of `store` under `spec`. `progress` is told the height reached and the last one, `report` of
/// each finding in order.
///
/// # Errors
/// The node is in trouble: the store's files cannot be read, or a fault while executing. Damage is no error.
pub fn replay(
    store: &Inspection,
    spec: Arc<ChainSpec>,
    engine: &Engine,
    heights: Heights,
    progress: &mut dyn FnMut(u64, u64),
    report: &mut dyn FnMut(Finding),
) -> Result<Replayed, Fault> {
    let (executor, genesis) = begin(store, &spec, engine)?;
    let root = executor.head().state_root;
    let result = Replayed { blocks: 0, transactions: 0, differences: 0, height: 0, root, values: None, torn: false };
    let mut replay =
        Replay { store, executor, heights, writers: BTreeMap::new(), parent: [0; 32], time: 0, result, report };
    if spec.chain_id() != store.chain_id() {
        let ids = [spec.chain_id(), store.chain_id()].map(|id| hexadecimal(&id));
        replay.find(None, None, format!("the chain id that chain.json gives is {}, the store's is {}", ids[0], ids[1]));
    }
    replay.blocks(&genesis, progress)?;
    Ok(replay.result)
}

/// An executor at the genesis, which carries the chain id of the store whatever the specification hashes to.
fn begin(store: &Inspection, spec: &Arc<ChainSpec>, engine: &Engine) -> Result<(BlockExecutor, StoredBlock), Fault> {
    let (changes, mut genesis) = genesis(spec)?;
    genesis.block.header.chain_id = store.chain_id();
    let id = genesis.block.header.id();
    let memory = Store::memory(store.chain_id(), changes, id, genesis.encode())?;
    let (spec, hooks) = (Arc::clone(spec), Arc::new(OpenHooks));
    let mut executor = BlockExecutor::under_chain_id(engine.clone(), spec, store.chain_id(), hooks, memory)?;
    // The trace tells which transaction changes which keys.
    executor.set_trace(true);
    Ok((executor, genesis))
}

/// Who last wrote a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Writer {
    block: u64,
    /// None for what the block itself does, before and after its transactions, and for the genesis.
    transaction: Option<u32>,
}

/// A replay in the middle.
struct Replay<'a> {
    store: &'a Inspection,
    executor: BlockExecutor,
    heights: Heights,
    writers: BTreeMap<Key, Writer>,
    /// Id and time of the stored block before: a difference in one block is not reported again in each later one.
    parent: [u8; 32],
    time: u64,
    result: Replayed,
    report: &'a mut dyn FnMut(Finding),
}

impl Replay<'_> {
    fn find(&mut self, block: Option<u64>, transaction: Option<u32>, what: String) {
        // Blocks outside the range are not judged; what concerns the whole store always is.
        if block.is_none_or(|height| (self.heights.from..=self.heights.to).contains(&height)) {
            self.result.differences += 1;
            (self.report)(Finding { block, transaction, what });
        }
    }

    fn blocks(&mut self, genesis: &StoredBlock, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Fault> {
        let head = self.store.head()?;
        if head.is_none() {
            self.find(None, None, "the key-value store names no head".to_string());
        }
        let last = head.map_or(0, |head| head.height).min(self.heights.to);
        let mut offset = Inspection::FIRST_RECORD;
        for height in 0..=self.heights.to {
            let (block, next) = match self.store.record(offset)? {
                Record::Block { block, next } => (block, next),
                Record::Part { block, .. } => {
                    return Err(Fault::from(StateError::Refused {
                        why: format!("the chain begins with a snapshot at height {}", block.height),
                        remedy: "replay a chain that has all its blocks from the genesis on".to_string(),
                    }));
                }
                Record::End => {
                    self.end_of_file(height, head.map(|head| head.height));
                    break;
                }
                // A commit that was cut off leaves this after the head; it was never acknowledged.
                Record::Damaged { .. } if head.is_some_and(|head| head.height < height) => {
                    self.result.torn = true;
                    break;
                }
                Record::Damaged { what, .. } => {
                    self.find(Some(height), None, format!("the block file is damaged at byte {offset}: {what}"));
                    break;
                }
            };
            let goes_on = match height {
                0 => self.genesis(&block, genesis)?,
                _ => self.block(height, &block)?,
            };
            if !goes_on {
                break;
            }
            if let Some(head) = head.filter(|head| head.height == height) {
                if (head.id, head.root) != (block.id, block.root) {
                    self.find(Some(height), None, "the head in the key-value store is another block".to_string());
                }
                self.result.values = values::compare(self)?;
            }
            offset = next;
            progress(height, last.max(height));
        }
        Ok(())
    }

    fn end_of_file(&mut self, height: u64, head: Option<u64>) {
        if let Some(head) = head.filter(|head| *head >= height) {
            self.find(Some(height), None, format!("is missing from the block file, as all up to the head at {head}"));
        }
    }

    fn genesis(&mut self, record: &Block, executed: &StoredBlock) -> Result<bool, Fault> {
        let Some(stored) = self.decode(0, record) else { return Ok(false) };
        let header = stored.block.header;
        let found = header_difference(&header, &executed.block.header);
        if let Some(difference) = found {
            self.find(Some(0), None, difference.to_string());
        } else {
            self.changes(0, record)?;
        }
        self.note_writers(0, &[])?;
        (self.parent, self.time) = (header.id(), header.time);
        Ok(true)
    }

    /// Executes one block and compares it; false when nothing after it can be executed.
    fn block(&mut self, height: u64, record: &Block) -> Result<bool, Fault> {
        let Some(stored) = self.decode(height, record) else { return Ok(false) };
        self.envelope(height, record, &stored);
        let header = &stored.block.header;
        let mut checked = match self.executor.execute_next(header.time, stored.block.transactions.clone()) {
            Ok(checked) => checked,
            Err(InvalidBlock::Fault(fault)) => return Err(fault),
            Err(InvalidBlock::Transaction { index, invalid }) => {
                self.find(Some(height), Some(index), format!("has no place in the block: {invalid}"));
                return Ok(false);
            }
            Err(invalid @ (InvalidBlock::Header(_) | InvalidBlock::TooLarge(_))) => {
                self.find(Some(height), None, invalid.to_string());
                return Ok(false);
            }
        };
        let same = self.executed(height, &stored, &checked);
        let traces = std::mem::take(&mut checked.traces);
        self.executor.commit(checked)?;
        self.note_writers(height, &traces)?;
        if same {
            self.changes(height, record)?;
        }
        if height >= self.heights.from {
            self.result.blocks += 1;
            self.result.transactions += stored.receipts.len() as u64;
        }
        (self.result.height, self.result.root) = (height, self.executor.head().state_root);
        (self.parent, self.time) = (header.id(), header.time);
        Ok(true)
    }

    fn decode(&mut self, height: u64, record: &Block) -> Option<StoredBlock> {
        let decoded = StoredBlock::decode_all(&mut &record.body[..]);
        decoded.inspect_err(|error| self.find(Some(height), None, format!("its bytes are no block: {error}"))).ok()
    }

    /// What can be seen without executing: that the block follows, and that its parts belong together.
    fn envelope(&mut self, height: u64, record: &Block, stored: &StoredBlock) {
        let header = &stored.block.header;
        let version = self.executor.spec().rules_at(height).version();
        let hash = |field, stored: &[u8; 32], executed: &[u8; 32]| (field, hexadecimal(stored), hexadecimal(executed));
        let number = |field, stored: u64, executed: u64| (field, stored.to_string(), executed.to_string());
        let fields = [
            number("height", header.height, height),
            number("height of its record", record.height, height),
            hash("chain_id", &header.chain_id, &self.store.chain_id()),
            hash("parent", &header.parent, &self.parent),
            hash("parent in its record", &record.parent, &self.parent),
            hash("id in its record", &record.id, &header.id()),
            hash("state_root in its record", &record.root, &header.state_root),
            number("protocol_version", header.protocol_version.into(), version.into()),
            hash("transactions_root", &header.transactions_root, &list_root(&stored.block.transactions)),
        ];
        for (field, stored, executed) in fields.into_iter().filter(|(_, stored, executed)| stored != executed) {
            let difference = Difference { field: field.to_string(), stored, executed };
            self.find(Some(height), None, difference.to_string());
        }
        if header.time < self.time {
            self.find(Some(height), None, format!("time {} is before the parent's {}", header.time, self.time));
        }
    }

    /// Compares receipts and roots with what executing gives; true when all are the same.
    fn executed(&mut self, height: u64, stored: &StoredBlock, checked: &Checked) -> bool {
        let before = self.result.differences;
        let executed = &checked.stored;
        let count = [stored.receipts.len(), executed.receipts.len()];
        if count[0] != count[1] {
            self.find(Some(height), None, format!("receipts: stored {}, executed {}", count[0], count[1]));
        }
        for (index, (stored, executed)) in stored.receipts.iter().zip(&executed.receipts).enumerate() {
            if let Some(difference) = compare::receipts(stored, executed) {
                self.find(Some(height), u32::try_from(index).ok(), format!("receipt: {difference}"));
            }
        }
        let (theirs, ours) = (&stored.block.header, &executed.block.header);
        let summaries: Vec<_> = stored.receipts.iter().map(Receipt::summary).collect();
        let mut roots = vec![("state_root", theirs.state_root, ours.state_root)];
        // Receipts that differ are the reason for another root; it is a difference of its own only without that.
        if before == self.result.differences {
            roots.push(("receipts_root", theirs.receipts_root, list_root(&summaries)));
        }
        for (field, stored, executed) in roots.into_iter().filter(|(_, stored, executed)| stored != executed) {
            let (stored, executed) = (hexadecimal(&stored), hexadecimal(&executed));
            self.find(Some(height), None, Difference { field: field.to_string(), stored, executed }.to_string());
        }
        // Outside the range nothing is reported, so the roots decide.
        before == self.result.differences && theirs.state_root == ours.state_root
    }

    /// Compares the changes in the block's record, from which a store is rebuilt, with those executed.
    fn changes(&mut self, height: u64, record: &Block) -> Result<(), Fault> {
        let Some(executed) = self.executor.store().block_record(height)? else { return Ok(()) };
        if executed.changes.encode() == record.changes.encode() {
            return Ok(());
        }
        let known = executed.changes.iter().chain(record.changes.iter()).map(|(key, _)| key);
        let mut keys: Vec<&Key> = known.collect();
        keys.sort();
        let new = |block: &Block, key: &Key| block.changes.get(key).map(|change| change.new.clone());
        let differing = keys.into_iter().find(|key| new(&executed, key) != new(record, key));
        let Some(key) = differing else { return Ok(()) };
        let shown = |value: Option<Option<unfork_state::Value>>| match value {
            None => "no change".to_string(),
            Some(value) => values::shown(value.as_deref()),
        };
        let (stored, ours) = (shown(new(record, key)), shown(new(&executed, key)));
        let transaction = self.writers.get(key).filter(|writer| writer.block == height);
        let transaction = transaction.and_then(|writer| writer.transaction);
        let key = values::describe(key);
        self.find(
            Some(height),
            transaction,
            format!("change of {key} in its record: stored {stored}, executed {ours}"),
        );
        Ok(())
    }

    /// Notes for each key that the block just committed has changed which transaction did so last.
    fn note_writers(&mut self, block: u64, traces: &[Vec<TraceEvent>]) -> Result<(), Fault> {
        let committed = self.executor.store().block_record(block)?;
        for (key, _) in committed.iter().flat_map(|block| block.changes.iter()) {
            self.writers.insert(key.clone(), Writer { block, transaction: None });
        }
        for (transaction, trace) in (0u32..).zip(traces) {
            let changed = trace.iter().filter_map(|event| match event {
                TraceEvent::Changed { keys } => Some(keys),
                _ => None,
            });
            for key in changed.flatten() {
                self.writers.insert(key.clone(), Writer { block, transaction: Some(transaction) });
            }
        }
        Ok(())
    }
}

fn header_difference(stored: &Header, executed: &Header) -> Option<Difference> {
    let hash = |field, stored: [u8; 32], executed: [u8; 32]| (field, hexadecimal(&stored), hexadecimal(&executed));
    let number = |field, stored: u64, executed: u64| (field, stored.to_string(), executed.to_string());
    let fields = [
        number("time", stored.time, executed.time),
        number("protocol_version", stored.protocol_version.into(), executed.protocol_version.into()),
        hash("state_root", stored.state_root, executed.state_root),
        hash("id", stored.id(), executed.id()),
    ];
    let (field, stored, executed) = fields.into_iter().find(|(_, stored, executed)| stored != executed)?;
    Some(Difference { field: field.to_string(), stored, executed })
}
