//! Dry runs: what a transaction would come to, how little gas gives the same, what it reads and writes. Nothing is
//! committed, and authorisation is not asked for, so that what is not signed yet can be tried.

use crate::engine::Engine;
use crate::host::accounts::Accounts;
use crate::outcome::{Fault, Status};
use crate::rules::Environment;
use crate::trace::TraceEvent;
use crate::transaction::{Hooks, Invalid, Receipt, Transaction, encoded_bytes, run_transaction};
use crate::types::Hash;
use std::sync::Arc;
use unfork_state::{ChangeSet, Overlay, ReadSet, StateView};

/// What a transaction would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// Its receipt at the gas limit it states.
    pub receipt: Receipt,
    /// The smallest gas limit found at which it comes to the same: status, output, events, created contract and
    /// writes. Executed there it gave that, one below it did not. Found by halving: should
    /// [`GasDependence::certain`] not hold, still smaller limits may give the same again.
    pub gas_limit_min: u64,
    /// Whether its result may depend on the gas limit beyond being enough.
    pub gas_dependence: GasDependence,
    /// What it reads of the state.
    pub reads: ReadSet,
    /// What it would write.
    pub writes: ChangeSet,
    /// What was watched.
    pub trace: Vec<TraceEvent>,
}

/// Why a result may depend on the gas limit beyond being enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GasDependence {
    /// A contract asked for the gas it has left.
    pub reads_gas_left: bool,
    /// A frame ran out of gas, or was left none by a trap, and its caller went on.
    pub survives_out_of_gas: bool,
    /// A gas limit at which the result is another one than running out of gas: the contract branches on gas. One below
    /// [`Simulation::gas_limit_min`] and a few above are tried, and only when one of the above holds; none found is no
    /// proof that there is none.
    pub differs_at: Option<u64>,
}

impl GasDependence {
    /// Whether nothing in the execution could depend on the gas limit, as long as it is enough.
    #[must_use]
    pub fn certain(self) -> bool {
        !self.reads_gas_left && !self.survives_out_of_gas
    }
}

/// Executes `transaction` on the state `view` without keeping anything, as often as finding the smallest gas limit
/// takes: three times when it is the gas used, else some dozens of times.
///
/// # Errors
/// The inner error when it has no place in a block; the outer one is a fault of the node.
pub fn simulate(
    engine: &Engine,
    environment: &Environment,
    hooks: &dyn Hooks,
    view: Arc<dyn StateView>,
    transaction: &Transaction,
) -> Result<Result<Simulation, Invalid>, Fault> {
    let chain_id = environment.spec.chain_id();
    let watching = Environment { trace: true, ..environment.clone() };
    let hooks = Unsigned(hooks);
    let mut dry = DryRun { engine, environment: watching, chain_id, hooks, view, transaction: transaction.clone() };
    let first = match dry.at(transaction.gas_limit)? {
        Ok(first) => first,
        Err(invalid) => return Ok(Err(invalid)),
    };
    dry.environment.trace = false;
    let gas_limit_min = dry.smallest(&first)?;
    let mut gas_dependence = depends(&first.trace);
    if !gas_dependence.certain() {
        gas_dependence.differs_at = dry.branches(&first, gas_limit_min)?;
    }
    let Ran { receipt, reads, writes, trace } = first;
    Ok(Ok(Simulation { receipt, gas_limit_min, gas_dependence, reads, writes, trace }))
}

/// What the trace says about gas.
fn depends(trace: &[TraceEvent]) -> GasDependence {
    let reads_gas_left = trace.iter().any(|event| matches!(event, TraceEvent::GasRead));
    // The outermost frame ends last and has no caller.
    let survives_out_of_gas = trace.iter().any(|event| match event {
        TraceEvent::FrameEnded { depth, status, .. } => {
            *depth > 0 && (*status == Status::OutOfGas || crate::call::takes_all_gas(*status))
        }
        _ => false,
    });
    GasDependence { reads_gas_left, survives_out_of_gas, differs_at: None }
}

/// Executes one transaction at several gas limits.
struct DryRun<'a> {
    engine: &'a Engine,
    environment: Environment,
    chain_id: Hash,
    hooks: Unsigned<'a>,
    view: Arc<dyn StateView>,
    transaction: Transaction,
}

/// One execution.
struct Ran {
    receipt: Receipt,
    reads: ReadSet,
    writes: ChangeSet,
    trace: Vec<TraceEvent>,
}

impl Ran {
    /// Whether two executions came to the same, gas aside.
    fn same(&self, other: &Self) -> bool {
        let gas_aside = Receipt { gas_used: self.receipt.gas_used, ..other.receipt.clone() };
        self.receipt == gas_aside && self.writes == other.writes
    }
}

impl DryRun<'_> {
    fn at(&mut self, gas_limit: u64) -> Result<Result<Ran, Invalid>, Fault> {
        self.transaction.gas_limit = gas_limit;
        let overlay = Overlay::recording(Arc::clone(&self.view));
        let Self { engine, environment, chain_id, hooks, transaction, .. } = self;
        let bytes = encoded_bytes(transaction);
        let (overlay, result) = run_transaction(engine, environment, chain_id, hooks, overlay, transaction, bytes);
        Ok(result?.map(|executed| {
            let reads = overlay.read_set();
            Ran { receipt: executed.receipt, reads, writes: overlay.into_changes(), trace: executed.trace }
        }))
    }

    fn same_at(&mut self, gas_limit: u64, first: &Ran) -> Result<bool, Fault> {
        Ok(self.at(gas_limit)?.is_ok_and(|ran| first.same(&ran)))
    }

    /// The smallest limit with the result of `first`, which was executed at the transaction's own limit.
    fn smallest(&mut self, first: &Ran) -> Result<u64, Fault> {
        // At `above` the result is the same, at `below` it is not. No gas is never enough: being in a block costs some.
        let (mut below, mut above) = (0, self.transaction.gas_limit);
        let used = first.receipt.gas_used;
        // Nearly always it is the gas used, or a little more where a call needs room that it gives back.
        let mut room = 1u64;
        let mut guess = used;
        while guess < above {
            if self.same_at(guess, first)? {
                above = guess;
                break;
            }
            below = guess;
            guess = guess.saturating_add(room);
            room = room.saturating_mul(4);
        }
        if above == used && !self.same_at(used.saturating_sub(1), first)? {
            return Ok(used);
        }
        while above.saturating_sub(below) > 1 {
            let middle = below.midpoint(above);
            if self.same_at(middle, first)? { above = middle } else { below = middle }
        }
        Ok(above)
    }

    /// A limit at which the result is another, and not only because there is too little gas.
    fn branches(&mut self, first: &Ran, smallest: u64) -> Result<Option<u64>, Fault> {
        let below = smallest.saturating_sub(1);
        if self.at(below)?.is_ok_and(|ran| ran.receipt.status != Status::OutOfGas) {
            return Ok(Some(below));
        }
        let max = self.environment.rules().limits().transaction_gas_max;
        let own = first.receipt.gas_used.max(smallest);
        let tried = [smallest.saturating_add(1), own.saturating_mul(2), smallest.midpoint(max), max];
        for gas_limit in tried.into_iter().filter(|limit| (smallest..=max).contains(limit)) {
            if !self.same_at(gas_limit, first)? {
                return Ok(Some(gas_limit));
            }
        }
        Ok(None)
    }
}

/// A node's hooks without its authorisation.
struct Unsigned<'a>(&'a dyn Hooks);

impl Hooks for Unsigned<'_> {
    fn authorise(&self, _: &Transaction) -> Result<(), Invalid> {
        Ok(())
    }

    fn before(&self, transaction: &Transaction, accounts: &mut Accounts<'_>) -> Result<Result<(), Invalid>, Fault> {
        self.0.before(transaction, accounts)
    }

    fn after(&self, transaction: &Transaction, gas_used: u64, accounts: &mut Accounts<'_>) -> Result<(), Fault> {
        self.0.after(transaction, gas_used, accounts)
    }
}
