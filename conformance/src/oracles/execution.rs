//! Execution of whatever contract is admitted: never a fault, never more gas than allowed, nothing left of a failure,
//! and the same outcome and changes with a cold cache, a warm one and a watcher.

use super::Reached;
use crate::generators::chain::{ALICE, SUPPLY, spec};
use crate::generators::{contract, fixtures};
use arbitrary::{Result, Unstructured};
use parity_scale_codec::{Decode, Encode};
use std::ops::Bound;
use std::sync::{Arc, OnceLock};
use unfork_engine::{
    Account, Action, Address, BlockContext, Contract, Engine, Environment, Fault, Hash, Message, Outcome, ProfileId,
    RecordKey, Status, execute_message, genesis,
};
use unfork_state::{ChangeSet, EmptyView, Layer, Order, Range, Space, StateView, Value};

/// Gas for what is not the point: uploads.
const GAS_AMPLE: u64 = 10_000_000_000;

/// How a message is executed.
pub type Execute<'a> = dyn Fn(&Engine, &Environment, Arc<dyn StateView>, &Message) -> std::result::Result<(Outcome, ChangeSet), Fault>
    + 'a;

/// The oracle over the engine's own first layer.
pub fn execution(data: &[u8]) -> Reached {
    execution_of(data, &execute_message)
}

/// The oracle over any first layer.
///
/// # Panics
/// When a rule is broken.
pub fn execution_of(data: &[u8], execute: &Execute<'_>) -> Reached {
    let mut u = Unstructured::new(data);
    let Ok(plan) = Plan::new(&mut u) else { return "no input".into() };
    let mut chain = Chain::new(execute);
    let upload = Action::Upload { profile: ProfileId::Seal, code: plan.code.clone() };
    let uploaded = chain.run(GAS_AMPLE, 0, upload);
    let Ok(code_hash) = Hash::try_from(uploaded.output) else { return "code refused".into() };
    let input = plan.calls.first().map(|call| call.input.clone()).unwrap_or_default();
    let action = Action::Instantiate { code_hash, input, salt: Vec::new() };
    let created = chain.run(plan.deploy_gas, plan.value, action).created;
    let contract = created.unwrap_or_else(|| chain.plant(code_hash));
    let mut reached = Reached::new();
    for call in plan.calls {
        let action = Action::Call { contract: contract.clone(), input: call.input };
        let outcome = chain.run(call.gas, call.value, action.clone());
        if outcome.status == Status::Returned && !plan.sees_gas {
            chain.check_exact(outcome.gas_used, call.value, action);
        }
        reached = outcome.status.name();
    }
    reached
}

/// What is to be done, read from the input.
struct Plan {
    code: Vec<u8>,
    /// Whether the contract can find out how much gas it has.
    sees_gas: bool,
    deploy_gas: u64,
    value: u128,
    calls: Vec<Call>,
}

struct Call {
    input: Vec<u8>,
    gas: u64,
    value: u128,
}

impl Plan {
    fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        let (deploy_gas, value) = (gas(u)?, u128::from(u.arbitrary::<u8>()? >> 6));
        let mut calls = Vec::new();
        for _ in 0..u.int_in_range(1..=3u8)? {
            let length = u.int_in_range(0..=68usize)?.min(u.len());
            calls.push(Call {
                input: u.bytes(length)?.to_vec(),
                gas: gas(u)?,
                value: u128::from(u.arbitrary::<u8>()? >> 6),
            });
        }
        let code = if u.ratio(1, 16)? { u.choose(&fixtures::ALL)?.to_vec() } else { contract(u)? };
        // The scripts import everything; only calls with gas limits and questions about gas are of interest here.
        let sees_gas = ["gas", "call", "instantiate", "weight"].iter().any(|word| contains(&code, word.as_bytes()));
        Ok(Self { code, sees_gas, deploy_gas, value, calls })
    }
}

fn contains(code: &[u8], word: &[u8]) -> bool {
    // Each contract exports its entry `call`; a second one is an import.
    let found = code.windows(word.len()).filter(|window| *window == word).count();
    found > usize::from(word == b"call")
}

fn gas(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.int_in_range(0..=7u8)? {
        0 => u.int_in_range(0..=200_000)?,
        1 => u.int_in_range(0..=2_000_000)?,
        _ => 4_000_000,
    })
}

/// A state that grows message by message, and the engines that must agree on it.
struct Chain<'a> {
    environment: Environment,
    changes: ChangeSet,
    execute: &'a Execute<'a>,
}

impl<'a> Chain<'a> {
    fn new(execute: &'a Execute<'a>) -> Self {
        let spec = spec();
        let (changes, _) = genesis(&spec).expect("a genesis");
        let environment = Environment::new(spec, BlockContext { height: 7, time: 1_700_000_000_000_000_000 });
        Self { environment, changes, execute }
    }

    fn view(&self) -> Arc<dyn StateView> {
        Arc::new(Layer { base: Arc::new(EmptyView), changes: Arc::new(self.changes.clone()) })
    }

    fn message(gas_limit: u64, value: u128, action: Action) -> Message {
        Message { caller: ALICE.into(), value, gas_limit, action }
    }

    /// Executes a message on every engine, compares, and keeps the changes.
    fn run(&mut self, gas_limit: u64, value: u128, action: Action) -> Outcome {
        let message = Self::message(gas_limit, value, action);
        let (outcome, changes) = self.once(cold(), &self.environment, &message);
        let watched = Environment { trace: true, ..self.environment.clone() };
        let others = [
            ("with a warm cache", warm(), &self.environment),
            ("with a warm cache again", warm(), &self.environment),
            ("when watched", cold(), &watched),
        ];
        for (how, engine, environment) in others {
            let (other, other_changes) = self.once(engine, environment, &message);
            assert_eq!(outcome, other, "another outcome {how}");
            assert_eq!(changes, other_changes, "other changes {how}");
        }
        check_outcome(gas_limit, &outcome, &changes);
        let before = std::mem::take(&mut self.changes);
        self.changes = ChangeSet::merge(before, changes);
        assert_eq!(total_balance(self.view().as_ref()), SUPPLY, "money came or went");
        outcome
    }

    /// The outcome without what was watched, and the changes.
    fn once(&self, engine: &Engine, environment: &Environment, message: &Message) -> (Outcome, ChangeSet) {
        let result = (self.execute)(engine, environment, self.view(), message);
        let (outcome, changes) = result.unwrap_or_else(|fault| panic!("a contract made a fault: {fault}"));
        (Outcome { trace: Vec::new(), ..outcome }, changes)
    }

    /// What a call used is exactly what it needs, if it cannot see its gas: one less is not enough. The state has moved
    /// on since the call, so it is made again, from the state as it is.
    fn check_exact(&self, gas_used: u64, value: u128, action: Action) {
        let ample = Self::message(gas_used * 2, value, action.clone());
        let (outcome, changes) = self.once(warm(), &self.environment, &ample);
        if outcome.status != Status::Returned {
            return;
        }
        let used = outcome.gas_used;
        let enough = Self::message(used, value, action.clone());
        assert_eq!((outcome, changes), self.once(warm(), &self.environment, &enough), "with just enough gas");
        let short = Self::message(used - 1, value, action);
        let (outcome, _) = self.once(warm(), &self.environment, &short);
        assert_eq!(outcome.status, Status::OutOfGas, "{used} gas used, but one less was enough");
    }

    /// Puts a contract in place whose constructor has failed, so that it can be called all the same.
    fn plant(&mut self, code_hash: Hash) -> Address {
        let address: Address = [0x77; 32].into();
        let payer = ALICE.into();
        let record = Contract { code_hash, incarnation: 0, items: 0, bytes: 0, deposit: 0, payer };
        let planted = ChangeSet::genesis([(RecordKey::Contract(&address).key(), Value::from(record.encode()))]);
        self.changes = ChangeSet::merge(std::mem::take(&mut self.changes), planted);
        address
    }
}

fn check_outcome(gas_limit: u64, outcome: &Outcome, changes: &ChangeSet) {
    let Outcome { status, gas_used, output, created, events, changed_bytes: _, trace: _ } = outcome;
    assert!(*gas_used <= gas_limit, "used {gas_used} gas of {gas_limit}");
    if *status == Status::OutOfGas {
        assert_eq!(*gas_used, gas_limit, "out of gas with gas left");
    }
    if !status.is_success() {
        assert!(changes.is_empty(), "{status:?} left {} changes", changes.len());
        assert!(events.is_empty(), "{status:?} left {} events", events.len());
        assert_eq!(*created, None, "{status:?} left a contract");
    }
    if !matches!(status, Status::Returned | Status::Reverted) {
        assert!(output.is_empty(), "{status:?} left {} bytes of output", output.len());
    }
}

/// The balances of all accounts together.
///
/// # Panics
/// When the view cannot be read, or an account is no account.
pub fn total_balance(view: &dyn StateView) -> u128 {
    let accounts = Range {
        space: Space::system(),
        from: Bound::Included(vec![1]),
        to: Bound::Excluded(vec![2]),
        order: Order::Forward,
    };
    let found = view.scan(&accounts, usize::MAX).expect("a readable state");
    let balances = found.iter().map(|(key, value)| {
        let account = Account::decode(&mut &value[..]).unwrap_or_else(|error| panic!("{key:?}: {error}"));
        account.balance
    });
    balances.sum()
}

fn cold() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::with_cache_bytes(0).expect("the self-test passes"))
}

fn warm() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::with_cache_bytes(16 << 20).expect("the self-test passes"))
}
