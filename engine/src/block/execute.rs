//! Executing the transactions of one block, one after the other, over one journal.

use super::header::list_root;
use crate::engine::Engine;
use crate::message::{Outcome, run_message};
use crate::outcome::Fault;
use crate::records::{self, Chain, RecordKey};
use crate::rules::{ChainSpec, Environment};
use crate::trace::TraceEvent;
use crate::transaction::{Hooks, Invalid, Moment, Receipt, Transaction, run_transaction};
use crate::types::{BlockContext, Hash};
use std::ops::Bound;
use std::sync::Arc;
use unfork_state::{ChangeSet, Key, Order, Overlay, Range, Space, StateError, StateView};

/// What executing a block's transactions came to.
#[derive(Debug)]
pub struct BlockOutcome {
    /// The transactions executed, in order.
    pub transactions: Vec<Transaction>,
    /// One receipt for each of them.
    pub receipts: Vec<Receipt>,
    /// What was watched of each of them; local to the node.
    pub traces: Vec<Vec<TraceEvent>>,
    /// What came of the chain's own messages, those of the beginning first.
    pub system: Vec<Outcome>,
    /// What changes in the state.
    pub changes: ChangeSet,
    /// Transactions that a proposer has left out.
    pub left_out: Vec<LeftOut>,
}

impl BlockOutcome {
    /// The root of the list tree over the transactions.
    #[must_use]
    pub fn transactions_root(&self) -> Hash {
        list_root(&self.transactions)
    }

    /// The root of the list tree over the receipt summaries.
    #[must_use]
    pub fn receipts_root(&self) -> Hash {
        list_root(&self.receipts.iter().map(Receipt::summary).collect::<Vec<_>>())
    }
}

/// A transaction that a proposer did not take into its block.
#[derive(Debug)]
pub struct LeftOut {
    /// Its index among those offered.
    pub index: usize,
    /// Its hash.
    pub hash: Hash,
    /// Why.
    pub reason: Reason,
}

/// Why a proposer did not take a transaction.
#[derive(Debug)]
pub enum Reason {
    /// It has no place in any block as things are.
    Invalid(Invalid),
    /// The block is full; it may go into the next one.
    Full,
    /// The node could not execute it. Somebody should look at the node.
    Fault(Fault),
}

/// Why the transactions of a block could not be executed as they stand.
#[derive(Debug)]
pub enum BlockError {
    /// A transaction has no place in a block: the block is invalid.
    Invalid {
        /// Index of the transaction.
        index: u32,
        /// What is wrong with it.
        invalid: Invalid,
    },
    /// More transactions, or more gas asked for, than a block may have: the block is invalid.
    TooLarge,
    /// The node is in trouble; nothing is known about the block.
    Fault(Fault),
}

impl From<Fault> for BlockError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Executes exactly these transactions, as a checker or replayer does.
///
/// # Errors
/// [`BlockError`]: the block is invalid, or the node is in trouble.
pub fn execute_block(
    engine: &Engine,
    environment: &Environment,
    hooks: &dyn Hooks,
    view: Arc<dyn StateView>,
    transactions: &[Transaction],
) -> Result<BlockOutcome, BlockError> {
    let chain_id = environment.spec.chain_id();
    execute_block_of(engine, environment, &chain_id, hooks, view, transactions)
}

/// As [`execute_block`], for a chain that goes by `chain_id` whatever its specification hashes to.
pub(crate) fn execute_block_of(
    engine: &Engine,
    environment: &Environment,
    chain_id: &Hash,
    hooks: &dyn Hooks,
    view: Arc<dyn StateView>,
    transactions: &[Transaction],
) -> Result<BlockOutcome, BlockError> {
    let mut run = Run::begin(engine, environment, chain_id, hooks, view)?;
    for (index, transaction) in transactions.iter().enumerate() {
        if !run.has_room_for(transaction) {
            return Err(BlockError::TooLarge);
        }
        let at = u32::try_from(index).unwrap_or(u32::MAX);
        run.execute(transaction)?.map_err(|invalid| BlockError::Invalid { index: at, invalid })?;
    }
    Ok(run.end()?)
}

/// Executes as many of these transactions as have a place in one block, as a proposer does. A transaction on which the
/// node fails is left out and reported.
///
/// # Errors
/// A fault outside any transaction.
pub fn select_block(
    engine: &Engine,
    environment: &Environment,
    hooks: &dyn Hooks,
    view: Arc<dyn StateView>,
    transactions: Vec<Transaction>,
) -> Result<BlockOutcome, Fault> {
    let chain_id = environment.spec.chain_id();
    let mut run = Run::begin(engine, environment, &chain_id, hooks, view)?;
    for (index, transaction) in transactions.iter().enumerate() {
        let reason = if !run.has_room_for(transaction) {
            Reason::Full
        } else {
            match run.execute(transaction) {
                Ok(Ok(())) => continue,
                Ok(Err(invalid)) => Reason::Invalid(invalid),
                Err(fault) => Reason::Fault(fault),
            }
        };
        run.left_out.push(LeftOut { index, hash: transaction.hash(), reason });
    }
    run.end()
}

/// A block in the making.
struct Run<'a> {
    engine: &'a Engine,
    environment: &'a Environment,
    chain_id: &'a Hash,
    hooks: &'a dyn Hooks,
    /// Invariant: present between transactions.
    overlay: Option<Overlay>,
    gas_limits: u64,
    transactions: Vec<Transaction>,
    receipts: Vec<Receipt>,
    traces: Vec<Vec<TraceEvent>>,
    left_out: Vec<LeftOut>,
    system: Vec<Outcome>,
}

impl<'a> Run<'a> {
    fn begin(
        engine: &'a Engine,
        environment: &'a Environment,
        chain_id: &'a Hash,
        hooks: &'a dyn Hooks,
        view: Arc<dyn StateView>,
    ) -> Result<Self, Fault> {
        let mut overlay = Overlay::new(view);
        begin_block(&mut overlay, &environment.spec, environment.block)?;
        let mut run = Self {
            engine,
            environment,
            chain_id,
            hooks,
            overlay: Some(overlay),
            gas_limits: 0,
            transactions: Vec::new(),
            receipts: Vec::new(),
            traces: Vec::new(),
            left_out: Vec::new(),
            system: Vec::new(),
        };
        run.act(Moment::Begin)?;
        Ok(run)
    }

    /// Executes what the chain itself does at this moment.
    fn act(&mut self, moment: Moment) -> Result<(), Fault> {
        let block = self.environment.block;
        let environment = Environment { root: true, gas_price: 0, ..self.environment.clone() };
        for message in self.hooks.system_messages(moment, block) {
            let overlay = self.overlay.take().ok_or_else(|| Fault::internal("the block's journal is gone"))?;
            let (overlay, result) = run_message(self.engine, &environment, overlay, message);
            self.overlay = Some(overlay);
            self.system.push(result?);
        }
        Ok(())
    }

    /// Whether the block's own limits leave room.
    fn has_room_for(&self, transaction: &Transaction) -> bool {
        let limits = self.environment.rules().limits();
        let count = u64::try_from(self.transactions.len()).unwrap_or(u64::MAX);
        count < limits.transactions_per_block_max
            && self.gas_limits.saturating_add(transaction.gas_limit) <= limits.block_gas_max
    }

    fn execute(&mut self, transaction: &Transaction) -> Result<Result<(), Invalid>, Fault> {
        let overlay = self.overlay.take().ok_or_else(|| Fault::internal("the block's journal is gone"))?;
        let Self { engine, environment, chain_id, hooks, .. } = self;
        let (overlay, result) = run_transaction(engine, environment, chain_id, *hooks, overlay, transaction);
        self.overlay = Some(overlay);
        let index = u32::try_from(self.transactions.len()).unwrap_or(u32::MAX);
        let executed = match result {
            Ok(Ok(executed)) => executed,
            Ok(Err(invalid)) => return Ok(Err(invalid)),
            Err(fault) => return Err(fault.during(self.environment.block.height, index, transaction.hash())),
        };
        self.gas_limits = self.gas_limits.saturating_add(transaction.gas_limit);
        self.transactions.push(transaction.clone());
        self.receipts.push(executed.receipt);
        self.traces.push(executed.trace);
        Ok(Ok(()))
    }

    fn end(mut self) -> Result<BlockOutcome, Fault> {
        self.act(Moment::End)?;
        let mut overlay = self.overlay.ok_or_else(|| Fault::internal("the block's journal is gone"))?;
        sweep(&mut overlay, self.environment.rules().limits().swept_keys_max)?;
        Ok(BlockOutcome {
            transactions: self.transactions,
            receipts: self.receipts,
            traces: self.traces,
            system: self.system,
            changes: overlay.into_changes(),
            left_out: self.left_out,
        })
    }
}

/// Records the protocol version that holds from this block on.
fn begin_block(overlay: &mut Overlay, spec: &ChainSpec, block: BlockContext) -> Result<(), StateError> {
    let protocol_version = spec.rules_at(block.height).version();
    let chain: Option<Chain> = records::get(overlay, RecordKey::Chain)?;
    let chain = chain.unwrap_or(Chain { protocol_version: 0, instantiations: 0 });
    if chain.protocol_version != protocol_version {
        records::put(overlay, RecordKey::Chain, &Chain { protocol_version, ..chain });
    }
    Ok(())
}

/// Removes storage that removed contracts have left behind, smallest address first, at most `keys_max` keys.
fn sweep(overlay: &mut Overlay, keys_max: u64) -> Result<(), StateError> {
    let mut left = usize::try_from(keys_max).unwrap_or(usize::MAX);
    while left > 0 {
        let Some((entry, storage)) = next_to_sweep(overlay)? else { break };
        // A step may also pass a key that is removed already; those come again as steps, so progress is by steps.
        let scanned = overlay.scan(&Range::all(storage), left)?;
        for (key, _) in &scanned.items {
            overlay.remove(key);
        }
        if !scanned.finished {
            return Ok(());
        }
        overlay.remove(&entry);
        left = left.saturating_sub(scanned.items.len().saturating_add(1));
    }
    Ok(())
}

/// The first storage space that is to be swept, with its entry in the list.
fn next_to_sweep(overlay: &mut Overlay) -> Result<Option<(Key, Space)>, StateError> {
    let (first, end) = RecordKey::swept_range();
    let range =
        Range { space: Space::system(), from: Bound::Included(first), to: Bound::Excluded(end), order: Order::Forward };
    let mut rest = range;
    loop {
        let scanned = overlay.scan(&rest, 16)?;
        if let Some((key, _)) = scanned.items.first() {
            let storage = RecordKey::swept_space(key.raw())
                .ok_or_else(|| StateError::Corrupt { what: "the list of storage to be swept".into() })??;
            return Ok(Some((key.clone(), storage)));
        }
        match scanned.last {
            Some(last) if !scanned.finished => rest = rest.after(&last),
            _ => return Ok(None),
        }
    }
}
