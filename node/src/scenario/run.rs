//! Executes a scenario: steps become transactions, transactions gather in blocks, blocks are committed.
//!
//! The same scenario gives the same blocks on every machine and every store. On a store that already has blocks, the
//! scenario is first executed in memory up to the store's head and each block compared with the stored one; so a run
//! that was cut off goes on where it stopped, and a store of another scenario is noticed.

use super::code::{read_code, read_interface, read_names};
use super::expect::{Failure, Place, check_block, check_transaction};
use super::model::*;
use super::report::{BlockReport, Ended, Sent, Watch};
use super::value::{EncodeError, Entry, Integer, resolve_address, resolve_code};
use crate::chain::NANOSECONDS_PER_MILLISECOND;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use unfork_engine::{
    Address, BlockContext, BlockExecutor, Checked, Engine, Environment, Fault, Invalid, OpenHooks, Payload, ProfileId,
    Reason, Simulation, StoredBlock, TraceEvent, Transaction, contract_address, simulate,
};
use unfork_state::{Layer, StateView};
use unfork_testkit::Labels;
use unfork_testkit::names::{Bytes32, account_address, code_hash};

/// What a whole run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Height of the last block.
    pub height: u64,
    /// Its id.
    pub id: Bytes32,
    /// The state root after it.
    pub root: Bytes32,
    /// Transactions in all blocks.
    pub transactions: u64,
    /// Blocks that the store had already.
    pub blocks_again: u64,
    /// Expectations that were compared.
    pub expectations: u64,
    /// Those that were not met.
    pub failures: Vec<Failure>,
}

/// Why a scenario could not be run to its end.
#[derive(Debug)]
pub enum RunError {
    /// Something that the scenario names cannot be used.
    Step {
        /// The step, from 1.
        step: usize,
        /// The line on which it begins.
        line: usize,
        /// The field inside the step.
        field: &'static str,
        /// What is wrong.
        what: String,
    },
    /// The chain of the scenario is none.
    Chain(crate::chain::ChainError),
    /// The store has something else at this height than the scenario gives.
    Differs {
        /// The height.
        height: u64,
        /// What differs, with both values.
        what: String,
    },
    /// The node is in trouble.
    Fault(Fault),
}

impl From<Fault> for RunError {
    fn from(fault: Fault) -> Self {
        RunError::Fault(fault)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Step { step, line, field, what } => write!(f, "line {line}: step {step}: {field}: {what}"),
            RunError::Chain(error) => write!(f, "chain: {error}"),
            RunError::Differs { height, what } => {
                write!(f, "the store's block {height} is not what this scenario gives: {what}")
            }
            RunError::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for RunError {}

/// Executes `scenario` on a new chain in memory. `observe` is told of each block.
///
/// # Errors
/// The scenario names something that cannot be used, or the node is in trouble. An expectation that is not met is no
/// error: it stands in the summary.
pub fn run_in_memory(
    scenario: &Scenario,
    engine: &Engine,
    watch: Watch,
    observe: &mut dyn FnMut(&BlockReport<'_>),
) -> Result<Summary, RunError> {
    run(scenario, in_memory(scenario, engine)?, engine, watch, observe)
}

fn in_memory(scenario: &Scenario, engine: &Engine) -> Result<BlockExecutor, RunError> {
    let spec = crate::chain::ChainFile::of_scenario(&scenario.chain).spec().map_err(RunError::Chain)?;
    Ok(BlockExecutor::in_memory(engine.clone(), Arc::new(spec), Arc::new(OpenHooks))?)
}

/// Executes `scenario` on `executor`, whose chain must be the scenario's. `watch` asks for traces.
///
/// # Errors
/// As [`run_in_memory`], and when the blocks that the store has are not those of the scenario.
pub fn run(
    scenario: &Scenario,
    mut executor: BlockExecutor,
    engine: &Engine,
    watch: Watch,
    observe: &mut dyn FnMut(&BlockReport<'_>),
) -> Result<Summary, RunError> {
    let mut memory = in_memory(scenario, engine)?;
    let chains = [memory.chain_id(), executor.chain_id()].map(hex::encode);
    if chains[0] != chains[1] {
        let what = format!("the scenario's chain has the id {}, the store's is {}", chains[0], chains[1]);
        return Err(RunError::Differs { height: 0, what });
    }
    executor.set_trace(watch != Watch::Nothing);
    memory.set_trace(watch != Watch::Nothing);
    let memory = (executor.head().height > 0).then_some(memory);
    let mut runner = Runner::new(scenario, executor, memory);
    runner.dry_runs = (watch == Watch::Gas).then(|| engine.clone());
    for (index, step) in scenario.steps.iter().enumerate() {
        runner.take(index, step, observe)?;
    }
    runner.finish(observe)
}

/// A scenario in the middle of its execution.
struct Runner<'a> {
    scenario: &'a Scenario,
    /// The chain that is being written.
    executor: BlockExecutor,
    /// Executes again what the store has already; gone once that is done.
    memory: Option<BlockExecutor>,
    /// Accounts, contracts and codes by name.
    labels: Labels,
    /// Transactions sent in blocks so far, by sender.
    nonces: BTreeMap<Address, u64>,
    open: Vec<Planned>,
    /// The engine for dry runs, where they are asked for.
    dry_runs: Option<Engine>,
    summary: Summary,
}

/// A transaction of the open block. Its nonce is set when the block is closed.
struct Planned {
    step: usize,
    repetition: u32,
    transaction: Transaction,
    refused: Option<Invalid>,
}

impl<'a> Runner<'a> {
    fn new(scenario: &'a Scenario, executor: BlockExecutor, memory: Option<BlockExecutor>) -> Self {
        let head = executor.head();
        let summary = Summary {
            height: 0,
            id: head.id(),
            root: head.state_root,
            transactions: 0,
            blocks_again: 0,
            expectations: 0,
            failures: Vec::new(),
        };
        let mut labels = Labels::default();
        for name in scenario.chain.accounts.0.keys() {
            labels.name_address(name, account_address(name));
        }
        Runner {
            scenario,
            executor,
            memory,
            labels,
            nonces: BTreeMap::new(),
            open: Vec::new(),
            dry_runs: None,
            summary,
        }
    }

    fn take(
        &mut self,
        index: usize,
        step: &'a Step,
        observe: &mut dyn FnMut(&BlockReport<'_>),
    ) -> Result<(), RunError> {
        match &step.action {
            Action::Block(Block {}) => self.close_block(observe)?,
            Action::Advance(advance) => {
                if !self.open.is_empty() {
                    self.close_block(observe)?;
                }
                for _ in 0..advance.blocks {
                    self.close_block(observe)?;
                }
            }
            _ => {
                for repetition in 0..step.repeat {
                    let transaction = self.transaction(index, step)?;
                    self.open.push(Planned { step: index, repetition, transaction, refused: None });
                }
                return Ok(());
            }
        }
        // Before the stage changes: a block that was executed again is looked at in memory.
        let place = Place { file: &self.scenario.file, number: index + 1, step };
        let mut failures = Vec::new();
        self.summary.expectations += check_block(&place, self.stage(), &self.labels, &mut failures)?;
        self.summary.failures.append(&mut failures);
        Ok(())
    }

    /// Where the next block is executed.
    fn stage(&self) -> &BlockExecutor {
        self.memory.as_ref().unwrap_or(&self.executor)
    }

    /// Goes on with the store once its head is reached.
    fn leave_memory(&mut self) {
        self.memory = self.memory.take().filter(|memory| memory.head().height < self.executor.head().height);
    }

    fn finish(mut self, observe: &mut dyn FnMut(&BlockReport<'_>)) -> Result<Summary, RunError> {
        if !self.open.is_empty() {
            self.close_block(observe)?;
        }
        self.leave_memory();
        if self.memory.is_some() {
            let (found, height) = (self.executor.head().height, self.summary.height);
            let what = format!("the store goes on to height {found}, the scenario ends at {height}");
            return Err(RunError::Differs { height: height + 1, what });
        }
        // The store is opened again without reading and hashing all values.
        self.executor.into_store().checkpoint().map_err(Fault::from)?;
        Ok(self.summary)
    }

    fn transaction(&mut self, index: usize, step: &Step) -> Result<Transaction, RunError> {
        let wrong = |field, what| RunError::Step { step: index + 1, line: step.line, field, what };
        let number = |field, value: Option<Integer>| match value {
            Some(value) => value.unsigned::<u128>("").map_err(|error| wrong(field, error.what)),
            None => Ok(0),
        };
        let encoded = |field| move |error: EncodeError| wrong(field, error.to_string());
        let (by, gas, payload) = match &step.action {
            Action::Upload(upload) => {
                let code = read_code(upload, &self.scenario.folder).map_err(|(field, what)| wrong(field, what))?;
                let hash = code_hash(&code);
                self.labels.name_code(&upload.label, hash);
                self.labels.set_functions(hash, read_names(upload, &code, &self.scenario.folder));
                let interface = read_interface(upload, &self.scenario.folder);
                if let Some(interface) = interface.map_err(|(field, what)| wrong(field, what))? {
                    self.labels.set_interface(hash, Arc::new(interface));
                }
                let Profile::Seal = upload.profile;
                (&upload.by, upload.gas, Payload::Upload { profile: ProfileId::Seal, code })
            }
            Action::Instantiate(create) => {
                let labels = &mut self.labels;
                let code_hash = resolve_code(&create.code, labels).map_err(|what| wrong("code", what))?;
                let interface = labels.interface(&code_hash).map(Arc::as_ref);
                let input = create.input.encode(Entry::Constructor, interface, labels).map_err(encoded("input"))?;
                let salt = create.salt.encode(labels).map_err(encoded("salt"))?;
                let creator = account_address(&create.by).into();
                // The name holds even when the constructor fails: later steps may show that nothing is there.
                let address = contract_address(&creator, &code_hash, &input, &salt);
                let bytes = address.as_bytes().try_into().map_err(|_| wrong("as", "no address of 32 bytes".into()))?;
                labels.name_address(&create.label, bytes);
                labels.set_contract(bytes, code_hash);
                let value = number("value", create.value)?;
                (&create.by, create.gas, Payload::Instantiate { code_hash, value, input, salt })
            }
            Action::Call(call) => {
                let labels = &self.labels;
                let contract = resolve_address(&call.to, labels).map_err(|what| wrong("to", what))?;
                let interface = labels.interface_at(&contract).map(Arc::as_ref);
                let input = call.input.encode(Entry::Message, interface, labels).map_err(encoded("input"))?;
                let value = number("value", call.value)?;
                (&call.by, call.gas, Payload::Call { contract: contract.into(), value, input })
            }
            Action::Transfer(transfer) => {
                let to = resolve_address(&transfer.to, &self.labels).map_err(|what| wrong("to", what))?.into();
                let value = number("value", Some(transfer.value))?;
                (&transfer.from, transfer.gas, Payload::Transfer { to, value })
            }
            Action::Block(_) | Action::Advance(_) => return Err(wrong("", "is no transaction".to_string())),
        };
        let chain = &self.scenario.chain;
        let gas_limit = match gas.or(chain.gas) {
            Some(gas) => gas.unsigned("").map_err(|error| wrong("gas", error.what))?,
            None => GAS_LIMIT_DEFAULT,
        };
        let gas_price = number("gas_price", chain.gas_price)?;
        Ok(Transaction {
            format: unfork_engine::Format::V1,
            chain_id: self.executor.chain_id(),
            sender: account_address(by).into(),
            nonce: 0,
            gas_limit,
            gas_price,
            payload,
            authentication: Vec::new(),
        })
    }

    /// Executes and commits the open block, which may be empty.
    fn close_block(&mut self, observe: &mut dyn FnMut(&BlockReport<'_>)) -> Result<(), RunError> {
        self.leave_memory();
        let mut planned = std::mem::take(&mut self.open);
        let checked = self.execute(&mut planned)?;
        let again = self.memory.is_some();
        if again {
            self.compare_with_store(&checked)?;
        }
        let traces = checked.traces.clone();
        let simulations = match &self.dry_runs {
            Some(engine) => dry_runs(engine, self.stage(), &checked.stored.block)?,
            None => Vec::new(),
        };
        let executor = self.memory.as_mut().unwrap_or(&mut self.executor);
        let stored = executor.commit(checked)?;
        let view = executor.store().view();
        let sent = sent_of(planned, &stored, traces, simulations);
        for transaction in &stored.block.transactions {
            *self.nonces.entry(transaction.sender.clone()).or_default() += 1;
        }
        let header = &stored.block.header;
        self.summary.height = header.height;
        (self.summary.id, self.summary.root) = (header.id(), header.state_root);
        self.summary.transactions += stored.block.transactions.len() as u64;
        self.summary.blocks_again += u64::from(again);
        let mut failures = Vec::new();
        for one in &sent {
            let step = &self.scenario.steps[one.step];
            let place = Place { file: &self.scenario.file, number: one.step + 1, step };
            self.summary.expectations += check_transaction(&place, one, &self.labels, &mut failures);
        }
        self.summary.failures.append(&mut failures);
        let id = stored.block.header.id();
        observe(&BlockReport { stored: &stored, id, sent: &sent, again, labels: &self.labels });
        // Not before: this block's calls were made, and are shown, by the names of the code that contracts had.
        self.labels.follow(view.as_ref()).map_err(Fault::from)?;
        Ok(())
    }

    /// Compares a block that was executed again with what the store has.
    fn compare_with_store(&self, checked: &Checked) -> Result<(), RunError> {
        let given = &checked.stored;
        let height = given.block.header.height;
        let differs = |what: String| Err(RunError::Differs { height, what });
        let Some(stored) = self.executor.block(height)? else { return differs("it is missing".to_string()) };
        let (ours, theirs) = (given.block.transactions.len(), stored.block.transactions.len());
        if ours != theirs {
            return differs(format!("it has {theirs} transactions, the scenario gives {ours}"));
        }
        for (index, (ours, theirs)) in given.block.transactions.iter().zip(&stored.block.transactions).enumerate() {
            if ours != theirs {
                return differs(format!("transaction {index} is another one"));
            }
        }
        for (index, (ours, theirs)) in given.receipts.iter().zip(&stored.receipts).enumerate() {
            if let Some(difference) = crate::compare::receipts(theirs, ours) {
                return differs(format!("transaction {index}: {difference}"));
            }
        }
        if *given != stored { differs("its header is another one".to_string()) } else { Ok(()) }
    }

    /// Proposes the open block until all that is left in it has a place in it.
    fn execute(&self, planned: &mut [Planned]) -> Result<Checked, RunError> {
        let executor = self.stage();
        let time = &self.scenario.chain.time;
        let milliseconds = (executor.head().height + 1).checked_mul(time.step_ms);
        let milliseconds = milliseconds.and_then(|since| since.checked_add(time.genesis_ms));
        let time = milliseconds.and_then(|time| time.checked_mul(NANOSECONDS_PER_MILLISECOND));
        let time = time.ok_or_else(|| Fault::internal("the block's time exceeds 64 bits"))?;
        loop {
            let mut nonces = self.nonces.clone();
            let mut offered = Vec::with_capacity(planned.len());
            let mut places = Vec::with_capacity(planned.len());
            for (place, one) in planned.iter_mut().enumerate().filter(|(_, one)| one.refused.is_none()) {
                let nonce = nonces.entry(one.transaction.sender.clone()).or_default();
                one.transaction.nonce = *nonce;
                *nonce += 1;
                offered.push(one.transaction.clone());
                places.push(place);
            }
            let checked = executor.propose(time, offered)?;
            if checked.left_out.is_empty() {
                return Ok(checked);
            }
            // Nonces of the same sender's later transactions count one that is not there, so only the first is judged.
            let Some(left_out) = checked.left_out.into_iter().next() else { continue };
            let one = &mut planned[places[left_out.index]];
            let step = &self.scenario.steps[one.step];
            match left_out.reason {
                Reason::Invalid(invalid) => one.refused = Some(invalid),
                Reason::Fault(fault) => return Err(fault.into()),
                Reason::Full(total) => {
                    let (step, line) = (one.step + 1, step.line);
                    let remedy = "put a block step before this one, or state less gas";
                    let most = total.limit(executor.spec().rules_at(executor.head().height + 1).limits());
                    let what =
                        format!("the open block has no room for more {}, of {most} at most: {remedy}", total.name());
                    return Err(RunError::Step { step, line, field: "gas", what });
                }
            }
        }
    }
}

/// Tries each transaction of a block on the state that it will find.
fn dry_runs(engine: &Engine, parent: &BlockExecutor, block: &unfork_engine::Block) -> Result<Vec<Simulation>, Fault> {
    let header = &block.header;
    let context = BlockContext { height: header.height, time: header.time };
    let environment = Environment::new(Arc::clone(parent.spec()), context);
    let mut view: Arc<dyn StateView> = parent.store().view();
    let mut simulations = Vec::with_capacity(block.transactions.len());
    for transaction in &block.transactions {
        let in_block = |invalid| Fault::internal(format!("a transaction of a block is invalid: {invalid}"));
        let simulation = simulate(engine, &environment, &OpenHooks, Arc::clone(&view), transaction)?;
        let simulation = simulation.map_err(in_block)?;
        view = Arc::new(Layer { base: view, changes: Arc::new(simulation.writes.clone()) });
        simulations.push(simulation);
    }
    Ok(simulations)
}

/// Puts receipts and traces, which follow the block, back to what was sent, which follows the file.
fn sent_of(
    planned: Vec<Planned>,
    stored: &StoredBlock,
    traces: Vec<Vec<TraceEvent>>,
    simulations: Vec<Simulation>,
) -> Vec<Sent> {
    let mut ended = stored.receipts.iter().cloned().zip(traces);
    let mut simulations = simulations.into_iter();
    let sent = planned.into_iter().filter_map(|one| {
        let Planned { step, repetition, transaction, refused } = one;
        let ended = match refused {
            Some(invalid) => Ended::Invalid(invalid),
            None => ended.next().map(|(receipt, trace)| Ended::InBlock { receipt, trace })?,
        };
        let dry_run = if ended.receipt().is_some() { simulations.next() } else { None };
        Some(Sent { step, repetition, transaction, ended, dry_run })
    });
    sent.collect()
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
