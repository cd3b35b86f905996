//! State as a map, cheap to keep and to go back to.

use std::collections::BTreeMap;
use std::sync::Arc;
use unfork_engine::{Account, Address, Contract, RecordKey, read_record};
use unfork_state::{ChangeSet, Key, Order, Range, Space, StateError, StateView, Value};

/// All values of a chain. A clone shares them until one of the two changes.
#[derive(Clone, Default)]
pub(crate) struct Values(Arc<BTreeMap<Key, Value>>);

impl Values {
    pub fn apply(&mut self, changes: &ChangeSet) {
        let values = Arc::make_mut(&mut self.0);
        for (key, change) in changes.iter() {
            match &change.new {
                Some(value) => values.insert(key.clone(), Value::clone(value)),
                None => values.remove(key),
            };
        }
    }

    pub fn put(&mut self, key: Key, value: Value) {
        Arc::make_mut(&mut self.0).insert(key, value);
    }

    /// As a view that later changes do not affect.
    pub fn view(&self) -> Arc<dyn StateView> {
        Arc::new(self.clone())
    }
}

impl StateView for Values {
    fn get(&self, key: &Key) -> Result<Option<Value>, StateError> {
        Ok(self.0.get(key).cloned())
    }

    fn length(&self, key: &Key) -> Result<Option<u32>, StateError> {
        Ok(self.0.get(key).map(|value| u32::try_from(value.len()).unwrap_or(u32::MAX)))
    }

    fn scan(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Value)>, StateError> {
        let first = Key::new(&range.space, &[]);
        let within = self.0.range(first..).take_while(|(key, _)| key.as_bytes().starts_with(range.space.prefix()));
        let found =
            within.filter(|(key, _)| range.contains(key)).map(|(key, value)| (key.clone(), Value::clone(value)));
        Ok(match range.order {
            Order::Forward => found.take(limit).collect(),
            Order::Backward => found.collect::<Vec<_>>().into_iter().rev().take(limit).collect(),
        })
    }
}

/// The account at an address; absent ones are empty.
///
/// # Errors
/// When the state cannot be read.
pub fn account(view: &dyn StateView, address: &Address) -> Result<Account, StateError> {
    Ok(read_record(view, RecordKey::Account(address))?.unwrap_or_default())
}

/// The value that a contract has stored under `key`, which may be of either form: 32 bytes exactly, or of any length.
///
/// # Errors
/// When the state cannot be read.
pub fn stored_item(view: &dyn StateView, address: &Address, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
    let contract: Option<Contract> = read_record(view, RecordKey::Contract(address))?;
    let Some(contract) = contract else { return Ok(None) };
    let space = Space::storage(address.as_bytes(), contract.incarnation)?;
    // The engine keeps the two forms apart by a tag before the contract's own bytes (docs/format.md).
    let forms: &[u8] = if key.len() == 32 { &[0, 1] } else { &[1] };
    for form in forms {
        if let Some(value) = view.get(&Key::new(&space, &[&[*form], key].concat()))? {
            return Ok(Some(value.to_vec()));
        }
    }
    Ok(None)
}
