//! A node with its own transactions, its own accounts and its own store, which uses the engine only to execute messages.
//!
//! Run it with `cargo run --release -p unfork-engine --example own_node`.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Bound;
use std::sync::{Arc, RwLock};
use unfork_engine::{
    Action, Address, BlockContext, ChainSpec, Engine, Environment, Message, Outcome, ProfileId, execute_message,
};
use unfork_state::{ChangeSet, Key, Order, Range, StateError, StateView, Value};

/// The node's own store: a sorted map. The engine reads it through [`StateView`] and never writes to it.
#[derive(Default)]
struct MyStore {
    values: RwLock<BTreeMap<Key, Value>>,
}

impl MyStore {
    fn values(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<Key, Value>> {
        self.values.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What the node does with a change set is its own business; this one keeps only the newest state.
    fn apply(&self, changes: &ChangeSet) {
        let mut values = self.values.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (key, change) in changes.iter() {
            match &change.new {
                Some(value) => values.insert(key.clone(), value.clone()),
                None => values.remove(key),
            };
        }
    }
}

impl StateView for MyStore {
    fn get(&self, key: &Key) -> Result<Option<Value>, StateError> {
        Ok(self.values().get(key).cloned())
    }

    fn length(&self, key: &Key) -> Result<Option<u32>, StateError> {
        Ok(self.values().get(key).and_then(|value| u32::try_from(value.len()).ok()))
    }

    fn scan(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Value)>, StateError> {
        let values = self.values();
        let start = Key::new(&range.space, &[]);
        let inside = values
            .range((Bound::Included(start), Bound::Unbounded))
            .take_while(|(key, _)| key.space() == range.space)
            .filter(|(key, _)| range.contains(key))
            .map(|(key, value)| (key.clone(), value.clone()));
        Ok(match range.order {
            Order::Forward => inside.take(limit).collect(),
            Order::Backward => inside.collect::<Vec<_>>().into_iter().rev().take(limit).collect(),
        })
    }
}

/// The node's own transaction: who sends it is known by name, and it pays for its gas out of the node's own ledger.
struct MyTransaction {
    sender: &'static str,
    action: Action,
}

struct MyNode {
    engine: Engine,
    environment: Environment,
    store: Arc<MyStore>,
    /// The node's own accounts.
    credit: BTreeMap<&'static str, u64>,
}

impl MyNode {
    fn execute(&mut self, transaction: MyTransaction) -> Result<Outcome, Box<dyn Error>> {
        let credit = self.credit.get_mut(transaction.sender).ok_or("nobody of this name has an account")?;
        let mut caller = [0; 32];
        caller[..transaction.sender.len()].copy_from_slice(transaction.sender.as_bytes());
        let message =
            Message { caller: Address::from(caller), value: 0, gas_limit: *credit, action: transaction.action };
        let view = Arc::clone(&self.store) as Arc<dyn StateView>;
        let (outcome, changes) = execute_message(&self.engine, &self.environment, view, &message)?;
        *credit = credit.saturating_sub(outcome.gas_used);
        self.store.apply(&changes);
        Ok(outcome)
    }
}

/// Uploads a contract, makes one, calls it twice.
pub fn main() -> Result<(), Box<dyn Error>> {
    let spec = Arc::new(ChainSpec::released("own node", 0, Vec::new())?);
    let mut node = MyNode {
        engine: Engine::new()?,
        environment: Environment::new(spec, BlockContext { height: 1, time: 0 }),
        store: Arc::default(),
        credit: BTreeMap::from([("alice", 10_000_000)]),
    };
    let code = include_bytes!("../../contracts/fixtures/ink-5.1/flipper.wasm").to_vec();
    let upload =
        node.execute(MyTransaction { sender: "alice", action: Action::Upload { profile: ProfileId::Seal, code } })?;
    let code_hash = upload.output.try_into().map_err(|_| "the code was refused")?;
    // The constructor `new(true)`, then the messages `flip` and `get`.
    let action = Action::Instantiate { code_hash, input: vec![0x9b, 0xae, 0x9d, 0x5e, 1], salt: Vec::new() };
    let contract = node.execute(MyTransaction { sender: "alice", action })?.created.ok_or("no contract")?;
    for selector in [[0x63, 0x3a, 0xa5, 0x51], [0x2f, 0x86, 0x5b, 0xd9]] {
        let action = Action::Call { contract: contract.clone(), input: selector.to_vec() };
        let outcome = node.execute(MyTransaction { sender: "alice", action })?;
        println!("{}: output {:?}, gas {}", outcome.status.name(), outcome.output, outcome.gas_used);
    }
    println!("alice has gas for {} left", node.credit["alice"]);
    Ok(())
}
