//! Executing the transactions of one block, one after the other, over one journal.

use super::body::receipts_root;
use crate::engine::Engine;
use crate::message::{Outcome, run_message};
use crate::outcome::Fault;
use crate::records::{self, Chain, RecordKey};
use crate::rules::{ChainSpec, Environment};
use crate::trace::TraceEvent;
use crate::transaction::{
    Executed, Hooks, Invalid, Moment, Receipt, Transaction, check_envelope, encoded_bytes, run_transaction,
};
use crate::types::{BlockContext, Hash};
use std::ops::Bound;
use std::sync::Arc;
use unfork_gas::Limits;
use unfork_state::{ChangeSet, Key, Order, Overlay, Range, Space, StateError, StateView};

/// What executing a block's transactions came to.
#[derive(Debug)]
pub struct BlockOutcome {
    /// One receipt for each transaction executed, in order.
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
    /// The root of the list tree over the receipt summaries.
    #[must_use]
    pub fn receipts_root(&self) -> Hash {
        receipts_root(&self.receipts)
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
    /// The block has no room for it in this respect, or had none for others and nothing is left to find out whether it has
    /// for this one ([`select_block`]); it may go into the next one.
    Full(BlockTotal),
    /// The node could not execute it. Somebody should look at the node.
    Fault(Fault),
}

/// What a block may have so much of, all transactions together. A transaction with which one of these would be exceeded has no
/// place in the block: nothing of it is kept, and it may come in a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockTotal {
    /// Transactions: `transactions_per_block_max`.
    Transactions,
    /// Gas limits: `block_gas_max`.
    Gas,
    /// Encoded transactions: `block_transaction_bytes_max`.
    TransactionBytes,
    /// Encoded receipts: `block_receipt_bytes_max`.
    ReceiptBytes,
    /// Changed bytes and uploaded code: `block_changed_bytes_max`.
    ChangedBytes,
}

impl BlockTotal {
    /// What there is too much of, in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::Gas => "gas",
            Self::TransactionBytes => "bytes of transactions",
            Self::ReceiptBytes => "bytes of receipts",
            Self::ChangedBytes => "changed bytes",
        }
    }

    /// How much of it a block may have.
    #[must_use]
    pub fn limit(self, limits: &Limits) -> u64 {
        match self {
            Self::Transactions => limits.transactions_per_block_max,
            Self::Gas => limits.block_gas_max,
            Self::TransactionBytes => limits.block_transaction_bytes_max,
            Self::ReceiptBytes => limits.block_receipt_bytes_max,
            Self::ChangedBytes => limits.block_changed_bytes_max,
        }
    }
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
    /// More of something than a block may have: the block is invalid.
    TooLarge(BlockTotal),
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
    let mut run = Run::begin(engine, environment, chain_id, hooks, view, transactions.len())?;
    for (index, transaction) in transactions.iter().enumerate() {
        let at = u32::try_from(index).unwrap_or(u32::MAX);
        run.execute(transaction)?.map_err(|refused| match refused {
            NoPlace::Invalid(invalid) => BlockError::Invalid { index: at, invalid },
            NoPlace::Full(total) => BlockError::TooLarge(total),
        })?;
    }
    Ok(run.end()?)
}

/// Executes as many of these transactions as have a place in one block, as a proposer does, and gives those with what came of
/// them. A transaction on which the node fails is left out and reported.
///
/// That a block has no room for a transaction may show only after it was executed, which nobody pays for then. With all such
/// transactions together no more than `block_gas_max` is spent: what has a higher gas limit than is left of that is not tried.
///
/// # Errors
/// A fault outside any transaction.
pub fn select_block(
    engine: &Engine,
    environment: &Environment,
    hooks: &dyn Hooks,
    view: Arc<dyn StateView>,
    transactions: Vec<Transaction>,
) -> Result<(Vec<Transaction>, BlockOutcome), Fault> {
    let chain_id = environment.spec.chain_id();
    let mut run = Run::begin(engine, environment, &chain_id, hooks, view, transactions.len())?;
    let mut selected = Vec::with_capacity(run.receipts.capacity());
    for (index, transaction) in transactions.into_iter().enumerate() {
        let reason = match run.execute(&transaction) {
            Ok(Ok(())) => {
                selected.push(transaction);
                continue;
            }
            Ok(Err(NoPlace::Invalid(invalid))) => Reason::Invalid(invalid),
            Ok(Err(NoPlace::Full(total))) => Reason::Full(total),
            Err(fault) => Reason::Fault(fault),
        };
        run.left_out.push(LeftOut { index, hash: transaction.hash(), reason });
    }
    Ok((selected, run.end()?))
}

/// Why a transaction is not in the block.
enum NoPlace {
    Invalid(Invalid),
    Full(BlockTotal),
}

/// What the transactions of a block have of each [`BlockTotal`].
#[derive(Clone, Copy, Default)]
struct Totals {
    transactions: u64,
    gas_limits: u64,
    transaction_bytes: u64,
    receipt_bytes: u64,
    changed_bytes: u64,
}

impl Totals {
    /// With one transaction more, as far as is known before it runs.
    fn with(self, transaction: &Transaction, bytes: u64) -> Self {
        Self {
            transactions: self.transactions.saturating_add(1),
            gas_limits: self.gas_limits.saturating_add(transaction.gas_limit),
            transaction_bytes: self.transaction_bytes.saturating_add(bytes),
            ..self
        }
    }

    /// With what came of it.
    fn and(self, executed: &Executed) -> Self {
        Self {
            receipt_bytes: self.receipt_bytes.saturating_add(encoded_bytes(&executed.receipt)),
            changed_bytes: self.changed_bytes.saturating_add(executed.changed_bytes),
            ..self
        }
    }

    /// The first that is more than a block may have.
    fn exceeded(&self, limits: &Limits) -> Option<BlockTotal> {
        let totals = [
            (self.transactions, BlockTotal::Transactions),
            (self.gas_limits, BlockTotal::Gas),
            (self.transaction_bytes, BlockTotal::TransactionBytes),
            (self.receipt_bytes, BlockTotal::ReceiptBytes),
            (self.changed_bytes, BlockTotal::ChangedBytes),
        ];
        totals.into_iter().find(|(found, total)| *found > total.limit(limits)).map(|(_, total)| total)
    }
}

/// Transactions that were executed and then had no room in the block.
#[derive(Clone, Copy)]
struct Vain {
    /// Gas that they have used together.
    gas: u64,
    /// What the block had no room for, last.
    total: BlockTotal,
}

/// A block in the making.
struct Run<'a> {
    engine: &'a Engine,
    environment: &'a Environment,
    chain_id: &'a Hash,
    hooks: &'a dyn Hooks,
    /// Invariant: present between transactions.
    overlay: Option<Overlay>,
    totals: Totals,
    vain: Option<Vain>,
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
        offered: usize,
    ) -> Result<Self, Fault> {
        let mut overlay = Overlay::new(view);
        begin_block(&mut overlay, &environment.spec, environment.block)?;
        let most = environment.rules().limits().transactions_per_block_max;
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(offered);
        let mut run = Self {
            engine,
            environment,
            chain_id,
            hooks,
            overlay: Some(overlay),
            totals: Totals::default(),
            vain: None,
            receipts: Vec::with_capacity(most),
            traces: Vec::with_capacity(most),
            left_out: Vec::new(),
            system: Vec::new(),
        };
        run.act(Moment::Begin)?;
        Ok(run)
    }

    /// Executes what the chain itself does at this moment.
    fn act(&mut self, moment: Moment) -> Result<(), Fault> {
        let block = self.environment.block;
        let environment = Environment { root: true, ..self.environment.clone() };
        for message in self.hooks.system_messages(moment, block) {
            let overlay = self.overlay.take().ok_or_else(|| Fault::internal("the block's journal is gone"))?;
            let (overlay, result) = run_message(self.engine, &environment, 0, overlay, message);
            self.overlay = Some(overlay);
            self.system.push(result?);
        }
        Ok(())
    }

    /// Executes one more transaction. Nothing of it is kept when the block has no room for it, or for what comes of it.
    fn execute(&mut self, transaction: &Transaction) -> Result<Result<(), NoPlace>, Fault> {
        let limits = self.environment.rules().limits();
        let bytes = encoded_bytes(transaction);
        let totals = self.totals.with(transaction, bytes);
        let spent = |vain: &Vain| transaction.gas_limit > limits.block_gas_max.saturating_sub(vain.gas);
        let vain = self.vain.filter(spent).map(|vain| vain.total);
        if let Some(total) = totals.exceeded(limits).or(vain) {
            // What no block takes does not wait for the next one.
            let envelope = check_envelope(self.environment, self.chain_id, transaction, bytes);
            return Ok(Err(envelope.map_or_else(NoPlace::Invalid, |_| NoPlace::Full(total))));
        }
        let mut overlay = self.overlay.take().ok_or_else(|| Fault::internal("the block's journal is gone"))?;
        let start = overlay.checkpoint();
        let Self { engine, environment, chain_id, hooks, .. } = self;
        let (mut overlay, result) = run_transaction(engine, environment, chain_id, *hooks, overlay, transaction, bytes);
        let totals = match &result {
            Ok(Ok(executed)) => totals.and(executed),
            _ => totals,
        };
        let exceeded = totals.exceeded(limits);
        if exceeded.is_some() {
            overlay.rollback(start);
        }
        self.overlay = Some(overlay);
        let index = u32::try_from(self.receipts.len()).unwrap_or(u32::MAX);
        let executed = match result {
            Ok(Ok(executed)) => executed,
            Ok(Err(invalid)) => return Ok(Err(NoPlace::Invalid(invalid))),
            Err(fault) => return Err(fault.during(self.environment.block.height, index, transaction.hash())),
        };
        if let Some(total) = exceeded {
            let before = self.vain.map_or(0, |vain| vain.gas);
            self.vain = Some(Vain { gas: before.saturating_add(executed.receipt.gas_used), total });
            return Ok(Err(NoPlace::Full(total)));
        }
        self.totals = totals;
        self.receipts.push(executed.receipt);
        self.traces.push(executed.trace);
        Ok(Ok(()))
    }

    fn end(mut self) -> Result<BlockOutcome, Fault> {
        self.act(Moment::End)?;
        let mut overlay = self.overlay.ok_or_else(|| Fault::internal("the block's journal is gone"))?;
        sweep(&mut overlay, self.environment.rules().limits().swept_keys_max)?;
        Ok(BlockOutcome {
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
    let (first, end) = RecordKey::swept_range();
    let mut rest =
        Range { space: Space::system(), from: Bound::Included(first), to: Bound::Excluded(end), order: Order::Forward };
    let mut left = usize::try_from(keys_max).unwrap_or(usize::MAX);
    while left > 0 {
        let Some((entry, storage)) = next_to_sweep(overlay, &mut rest)? else { break };
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

/// The first storage space in `rest` that is to be swept, with its entry in the list; `rest` is then what follows it, so that
/// entries removed in this block are not passed again.
fn next_to_sweep(overlay: &mut Overlay, rest: &mut Range) -> Result<Option<(Key, Space)>, StateError> {
    loop {
        let scanned = overlay.scan(rest, 1)?;
        if let Some(last) = &scanned.last {
            *rest = rest.after(last);
        }
        if let Some((key, _)) = scanned.items.into_iter().next() {
            let storage = RecordKey::swept_space(key.raw())
                .ok_or_else(|| StateError::Corrupt { what: "the list of storage to be swept".into() })??;
            return Ok(Some((key, storage)));
        }
        if scanned.finished || scanned.last.is_none() {
            return Ok(None);
        }
    }
}
