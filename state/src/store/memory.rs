//! A store without a disk. It keeps the same records as the one on disk, and so gives the same roots and proofs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::backend::{Backend, Batch, Table, TableRange};
use super::log::BlockLog;
use crate::error::StateError;
use crate::key::{Order, is_empty_range};
use crate::view::Value;

/// Tables in memory.
#[derive(Debug, Default)]
pub struct MemoryBackend {
    entries: RwLock<BTreeMap<(Table, Vec<u8>), Value>>,
}

impl Backend for MemoryBackend {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, StateError> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.get(&(table, key.to_vec())).cloned())
    }

    fn scan(&self, table: Table, range: &TableRange, limit: usize) -> Result<Vec<(Vec<u8>, Value)>, StateError> {
        use std::ops::Bound;
        if is_empty_range(&range.from, &range.to) {
            return Ok(Vec::new());
        }
        let from = match &range.from {
            Bound::Unbounded => Bound::Included((table, Vec::new())),
            bound => bound.as_ref().map(|key| (table, key.clone())),
        };
        let to = range.to.as_ref().map(|key| (table, key.clone()));
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let inside = entries.range((from, to));
        let own = |((other, key), value): (&(Table, Vec<u8>), &Value)| {
            (*other == table).then(|| (key.clone(), value.clone()))
        };
        Ok(match range.order {
            Order::Forward => inside.map_while(own).take(limit).collect(),
            Order::Backward => inside.rev().filter_map(own).take(limit).collect(),
        })
    }

    fn write(&self, batch: Batch) -> Result<(), StateError> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for write in batch.writes() {
            let key = (write.table, write.key.to_vec());
            match write.value {
                Some(value) => drop(entries.insert(key, value.into())),
                None => drop(entries.remove(&key)),
            }
        }
        Ok(())
    }
}

/// A block file in memory.
#[derive(Debug, Default)]
pub struct MemoryLog {
    bytes: Mutex<Vec<u8>>,
}

impl MemoryLog {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlockLog for MemoryLog {
    fn length(&self) -> Result<u64, StateError> {
        Ok(crate::error::length_u64(&self.bytes()))
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, StateError> {
        let bytes = self.bytes();
        let part = usize::try_from(offset).ok().and_then(|from| bytes.get(from..from.checked_add(length)?));
        part.map(<[u8]>::to_vec).ok_or_else(|| StateError::corrupt(format!("the block file ends before {offset}")))
    }

    fn append(&self, parts: &[&[u8]]) -> Result<(), StateError> {
        let mut bytes = self.bytes();
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        Ok(())
    }

    fn sync(&self) -> Result<(), StateError> {
        Ok(())
    }

    fn waits(&self) -> bool {
        false
    }

    fn truncate(&self, length: u64) -> Result<(), StateError> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.bytes().truncate(length);
        Ok(())
    }
}
