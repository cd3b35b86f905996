//! What a node drives: propose a block or check one, then commit it, all on one store.

use super::body::{Transactions, list_root};
use super::execute::{BlockError, BlockOutcome, BlockTotal, LeftOut, execute_block_of, select_block};
use super::header::{Block, Header, StoredBlock};
use crate::engine::Engine;
use crate::message::{Message, Outcome, execute_message};
use crate::outcome::Fault;
use crate::records::{Account, Chain, RecordKey};
use crate::rules::{ChainSpec, Environment};
use crate::trace::TraceEvent;
use crate::transaction::{Format, Hooks, Invalid, Receipt, Transaction};
use crate::types::{BlockContext, Hash};
use parity_scale_codec::{DecodeAll, Encode};
use std::sync::Arc;
use unfork_state::{ChangeSet, Pending, StateView, Store, Task, Value, Worker};

/// Transactions of a block from which on it pays to hand its lists to another thread.
const BESIDE_MIN: usize = 32;

/// What a chain begins with: the changes that make its first state, and the block of height 0.
///
/// # Errors
/// A fault when the state cannot be hashed.
pub fn genesis(spec: &ChainSpec) -> Result<(ChangeSet, StoredBlock), Fault> {
    let rules = spec.rules_at(0);
    let chain = Chain { protocol_version: rules.version(), instantiations: 0 };
    let accounts = spec.accounts().iter().filter(|(_, balance)| *balance > 0).map(|(address, balance)| {
        let account = Account { nonce: 0, balance: *balance };
        (RecordKey::Account(address).key(), Value::from(account.encode()))
    });
    let changes = ChangeSet::genesis(accounts.chain([(RecordKey::Chain.key(), Value::from(chain.encode()))]));
    // The id of a block contains its root, so the root has to be known before the block can be stored.
    let state_root = Store::memory(spec.chain_id(), changes.clone(), [0; 32], Vec::new())?.head().root;
    let header = Header {
        format: Format::V1,
        chain_id: spec.chain_id(),
        parent: [0; 32],
        height: 0,
        time: spec.genesis_time(),
        protocol_version: rules.version(),
        transactions_root: list_root::<Transaction>(&[]),
        receipts_root: list_root::<Receipt>(&[]),
        state_root,
    };
    Ok((changes, StoredBlock { block: Block { header, transactions: Vec::new() }, receipts: Vec::new() }))
}

/// Executes blocks of one chain on one store.
///
/// It is synchronous, needs no runtime, and is `Send + 'static`. Under an async runtime it goes into a blocking task and
/// comes back, while [`Snapshot`]s answer questions elsewhere:
///
/// ```text
/// let (executor, checked) = tokio::task::spawn_blocking(move || {
///     let checked = executor.check(block);
///     (executor, checked)
/// }).await?;
/// ```
///
/// [`BlockExecutor::check`] and [`BlockExecutor::propose`] change nothing, so that several children of the head can be
/// checked before one of them is committed and the others are dropped.
pub struct BlockExecutor {
    engine: Engine,
    spec: Arc<ChainSpec>,
    chain_id: Hash,
    hooks: Arc<dyn Hooks>,
    store: Store,
    head: Header,
    trace: bool,
    /// Encodes and hashes lists beside this thread.
    worker: Worker,
}

/// The state behind one block. Cheap to clone, and usable in any thread.
#[derive(Clone)]
pub struct Snapshot {
    engine: Engine,
    environment: Environment,
    view: Arc<dyn StateView>,
}

impl Snapshot {
    /// What `message` would come to. Nothing is kept.
    ///
    /// # Errors
    /// A fault of the node.
    pub fn query(&self, message: &Message) -> Result<Outcome, Fault> {
        Ok(execute_message(&self.engine, &self.environment, Arc::clone(&self.view), message)?.0)
    }

    /// The state.
    #[must_use]
    pub fn view(&self) -> Arc<dyn StateView> {
        Arc::clone(&self.view)
    }
}

/// A block that was executed and found good, ready to be committed or dropped.
pub struct Checked {
    /// The block with its receipts.
    pub stored: StoredBlock,
    /// What was watched of each transaction; local to the node.
    pub traces: Vec<Vec<TraceEvent>>,
    /// What came of the chain's own messages; local to the node, their effects are in the state.
    pub system: Vec<Outcome>,
    /// Offered transactions that a proposer has left out.
    pub left_out: Vec<LeftOut>,
    /// The stored block, encoded.
    body: Vec<u8>,
    pending: Pending,
}

impl Checked {
    /// The block's id.
    #[must_use]
    pub fn id(&self) -> Hash {
        self.stored.block.header.id()
    }
}

/// Why a block is not good, or could not be judged.
#[derive(Debug)]
pub enum InvalidBlock {
    /// The header is not what must follow; the text names the field.
    Header(&'static str),
    /// A transaction has no place in it.
    Transaction {
        /// Its index.
        index: u32,
        /// What is wrong with it.
        invalid: Invalid,
    },
    /// It has more of something than a block may have.
    TooLarge(BlockTotal),
    /// No verdict: the node is in trouble.
    Fault(Fault),
}

impl From<Fault> for InvalidBlock {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<BlockError> for InvalidBlock {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Invalid { index, invalid } => Self::Transaction { index, invalid },
            BlockError::TooLarge(total) => Self::TooLarge(total),
            BlockError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl std::fmt::Display for InvalidBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header(field) => write!(f, "invalid block: {field} of the header is not what follows"),
            Self::Transaction { index, invalid } => write!(f, "invalid block: transaction {index}: {invalid}"),
            Self::TooLarge(total) => write!(f, "invalid block: more {} than a block may have", total.name()),
            Self::Fault(fault) => write!(f, "no verdict: {fault}"),
        }
    }
}

impl std::error::Error for InvalidBlock {}

impl BlockExecutor {
    /// An executor over a new chain in memory.
    ///
    /// # Errors
    /// A fault when the genesis cannot be stored.
    pub fn in_memory(engine: Engine, spec: Arc<ChainSpec>, hooks: Arc<dyn Hooks>) -> Result<Self, Fault> {
        let (changes, genesis) = genesis(&spec)?;
        let id = genesis.block.header.id();
        let store = Store::memory(spec.chain_id(), changes, id, genesis.encode())?;
        Self::new(engine, spec, hooks, store)
    }

    /// An executor that goes on from the head of `store`.
    ///
    /// # Errors
    /// A fault when the store belongs to another chain, or its head cannot be read.
    pub fn new(engine: Engine, spec: Arc<ChainSpec>, hooks: Arc<dyn Hooks>, store: Store) -> Result<Self, Fault> {
        let chain_id = spec.chain_id();
        if store.chain_id() != chain_id {
            return Err(Fault::internal("the store belongs to another chain"));
        }
        Self::under_chain_id(engine, spec, chain_id, hooks, store)
    }

    /// As [`BlockExecutor::new`], for a chain that goes by `chain_id` whatever its specification hashes to: a replayer
    /// uses it to find the first block that an altered specification executes differently.
    ///
    /// # Errors
    /// A fault when the head of the store cannot be read.
    pub fn under_chain_id(
        engine: Engine,
        spec: Arc<ChainSpec>,
        chain_id: Hash,
        hooks: Arc<dyn Hooks>,
        store: Store,
    ) -> Result<Self, Fault> {
        let head = read_block(&store, store.head().height)?
            .ok_or_else(|| Fault::internal("the store has no block at its head"))?;
        let head = head.block.header;
        if head.id() != store.head().id || head.state_root != store.head().root {
            return Err(Fault::internal("the head of the store and its block disagree"));
        }
        Ok(Self { engine, spec, chain_id, hooks, store, head, trace: false, worker: Worker::default() })
    }

    /// Whether to watch what contracts do, and where they fail. Changes no result.
    pub fn set_trace(&mut self, on: bool) {
        self.trace = on;
    }

    /// The header of the last committed block.
    #[must_use]
    pub fn head(&self) -> &Header {
        &self.head
    }

    /// The chain.
    #[must_use]
    pub fn spec(&self) -> &Arc<ChainSpec> {
        &self.spec
    }

    /// The id that headers and transactions of the chain carry.
    #[must_use]
    pub fn chain_id(&self) -> Hash {
        self.chain_id
    }

    /// The committed state as it is now, to ask contracts about while the next block is executed and committed.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let block = BlockContext { height: self.head.height, time: self.head.time };
        let environment = Environment::new(Arc::clone(&self.spec), block);
        Snapshot { engine: self.engine.clone(), environment, view: self.store.view() }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The store, to read from.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Gives the store back.
    #[must_use]
    pub fn into_store(self) -> Store {
        self.store
    }

    /// A block of the chain with its receipts; `None` above the head.
    ///
    /// # Errors
    /// A fault when it cannot be read.
    pub fn block(&self, height: u64) -> Result<Option<StoredBlock>, Fault> {
        read_block(&self.store, height)
    }

    /// Makes the next block out of as many of `transactions` as have a place in it. `time` is nanoseconds since 1970;
    /// a time before the parent's counts as the parent's.
    ///
    /// # Errors
    /// A fault outside any transaction.
    pub fn propose(&self, time: u64, transactions: Vec<Transaction>) -> Result<Checked, Fault> {
        let environment = self.environment(time.max(self.head.time))?;
        let view = self.store.view();
        let (transactions, outcome) =
            select_block(&self.engine, &environment, self.hooks.as_ref(), view, transactions)?;
        self.finish(&environment, transactions, outcome, None)
    }

    /// Executes a block that somebody else made.
    ///
    /// # Errors
    /// What is wrong with it, or a fault: then there is no verdict.
    pub fn check(&self, block: Block) -> Result<Checked, InvalidBlock> {
        let Block { header: given, transactions } = block;
        if given.time < self.head.time {
            return Err(InvalidBlock::Header("time"));
        }
        let environment = self.environment(given.time)?;
        let expected_version = environment.rules().version();
        let encoded = Transactions::new(&transactions);
        // What can be seen without executing anything comes first.
        let fields = [
            (given.chain_id == self.chain_id, "chain_id"),
            (given.parent == self.head.id(), "parent"),
            (given.height == environment.block.height, "height"),
            (given.protocol_version == expected_version, "protocol_version"),
            (given.transactions_root == encoded.root, "transactions_root"),
        ];
        if let Some((_, field)) = fields.iter().find(|(good, _)| !good) {
            return Err(InvalidBlock::Header(field));
        }
        let checked = self.execute(&environment, transactions, Some(encoded))?;
        let found = &checked.stored.block.header;
        if found.receipts_root != given.receipts_root {
            return Err(InvalidBlock::Header("receipts_root"));
        }
        if found.state_root != given.state_root {
            return Err(InvalidBlock::Header("state_root"));
        }
        Ok(checked)
    }

    /// Executes exactly these transactions as the next block, without a header to compare with.
    ///
    /// # Errors
    /// As [`BlockExecutor::check`].
    pub fn execute_next(&self, time: u64, transactions: Vec<Transaction>) -> Result<Checked, InvalidBlock> {
        let environment = self.environment(time)?;
        self.execute(&environment, transactions, None)
    }

    /// Commits a block that was proposed or checked on the present head. When this returns, the block is durable.
    ///
    /// # Errors
    /// A fault; then the store must be opened again before anything else is done with it.
    pub fn commit(&mut self, checked: Checked) -> Result<StoredBlock, Fault> {
        let Checked { stored, body, pending, .. } = checked;
        let header = stored.block.header.clone();
        self.store.commit(pending, header.height, header.id(), body)?;
        self.head = header;
        Ok(stored)
    }

    fn environment(&self, time: u64) -> Result<Environment, Fault> {
        let height = self.head.height.checked_add(1).ok_or_else(|| Fault::internal("2^64 blocks"))?;
        let block = BlockContext { height, time };
        Ok(Environment { trace: self.trace, locate: self.trace, ..Environment::new(Arc::clone(&self.spec), block) })
    }

    /// Executes a block, whose transactions may be `encoded` already.
    fn execute(
        &self,
        environment: &Environment,
        transactions: Vec<Transaction>,
        encoded: Option<Transactions>,
    ) -> Result<Checked, InvalidBlock> {
        let (hooks, view) = (self.hooks.as_ref(), self.store.view());
        let outcome = execute_block_of(&self.engine, environment, &self.chain_id, hooks, view, &transactions)?;
        Ok(self.finish(environment, transactions, outcome, encoded)?)
    }

    /// Computes the roots and writes the header.
    fn finish(
        &self,
        environment: &Environment,
        transactions: Vec<Transaction>,
        outcome: BlockOutcome,
        encoded: Option<Transactions>,
    ) -> Result<Checked, Fault> {
        let BlockOutcome { receipts, traces, system, changes, left_out } = outcome;
        let few = transactions.len() < BESIDE_MIN;
        let lists = move || {
            let body = encoded.unwrap_or_else(|| Transactions::new(&transactions)).with(&receipts);
            (transactions, receipts, body)
        };
        let parent = self.head.id();
        // The lists and the state have nothing to do with each other.
        let lists = if few { Task::done(lists()) } else { self.worker.start(lists) };
        let prepared = self.store.prepare(parent, changes);
        let (transactions, receipts, body) = lists.wait()?;
        let (state_root, pending) = prepared?;
        let header = Header {
            format: Format::V1,
            chain_id: self.chain_id,
            parent,
            height: environment.block.height,
            time: environment.block.time,
            protocol_version: environment.rules().version(),
            transactions_root: body.transactions_root,
            receipts_root: body.receipts_root,
            state_root,
        };
        let body = body.under(&header);
        let stored = StoredBlock { block: Block { header, transactions }, receipts };
        Ok(Checked { stored, traces, system, left_out, body, pending })
    }
}

/// The block at `height` out of a store.
fn read_block(store: &Store, height: u64) -> Result<Option<StoredBlock>, Fault> {
    let Some(body) = store.block(height)? else { return Ok(None) };
    let stored = StoredBlock::decode_all(&mut &body[..]);
    stored.map(Some).map_err(|_| Fault::internal(format!("the body of block {height} is no block")))
}
