//! Reading state: the seam between whoever executes and whoever stores.

use std::ops::Bound;
use std::sync::Arc;

use crate::changes::{Change, ChangeSet};
use crate::error::StateError;
use crate::key::{Key, Order, Range};
use crate::merge::{Steps, merge_scan};

/// A stored value. A clone shares the bytes.
pub type Value = Arc<[u8]>;

/// One fixed state that can be read. It never changes while it is held, and it fails only with a fault of the node.
pub trait StateView: Send + Sync {
    /// The value of `key`, `None` if it is absent. An empty value is present.
    ///
    /// # Errors
    /// [`StateError`] if the state cannot be read.
    fn get(&self, key: &Key) -> Result<Option<Value>, StateError>;

    /// The length in bytes of the value of `key`, `None` if it is absent.
    ///
    /// # Errors
    /// [`StateError`] if the state cannot be read.
    fn length(&self, key: &Key) -> Result<Option<u32>, StateError>;

    /// The first `limit` keys of `range` in its order, with their values; fewer only if the range has no more.
    ///
    /// # Errors
    /// [`StateError`] if the state cannot be read.
    fn scan(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Value)>, StateError>;
}

/// The length of a value; no value is longer than [`crate::VALUE_BYTES_MAX`].
pub(crate) fn value_length(value: &Value) -> u32 {
    u32::try_from(value.len()).unwrap_or(u32::MAX)
}

/// The state without any key.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyView;

impl StateView for EmptyView {
    fn get(&self, _: &Key) -> Result<Option<Value>, StateError> {
        Ok(None)
    }

    fn length(&self, _: &Key) -> Result<Option<u32>, StateError> {
        Ok(None)
    }

    fn scan(&self, _: &Range, _: usize) -> Result<Vec<(Key, Value)>, StateError> {
        Ok(Vec::new())
    }
}

/// A view with frozen changes on top.
pub struct Layer {
    /// What is below.
    pub base: Arc<dyn StateView>,
    /// What differs from it.
    pub changes: Arc<ChangeSet>,
}

impl StateView for Layer {
    fn get(&self, key: &Key) -> Result<Option<Value>, StateError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.new.clone()),
            None => self.base.get(key),
        }
    }

    fn length(&self, key: &Key) -> Result<Option<u32>, StateError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.new.as_ref().map(value_length)),
            None => self.base.length(key),
        }
    }

    fn scan(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Value)>, StateError> {
        let inside = changes_within(&self.changes, range);
        let changes = inside.iter().map(|(key, change)| (key, &change.new));
        let scanned = match range.order {
            Order::Forward => merge_scan(self.base.as_ref(), changes, range, limit, Steps::Visible),
            Order::Backward => merge_scan(self.base.as_ref(), changes.rev(), range, limit, Steps::Visible),
        };
        Ok(scanned?.items)
    }
}

/// The changes whose keys lie in `range`, sorted.
pub(crate) fn changes_within<'a>(changes: &'a ChangeSet, range: &Range) -> &'a [(Key, Change)] {
    let (from, to) = range.flat_bounds();
    let after = match &from {
        Bound::Included(bound) => changes.starting_at(bound, false),
        Bound::Excluded(bound) => changes.starting_at(bound, true),
        Bound::Unbounded => changes.starting_at(&[], false),
    };
    let end = after.partition_point(|(key, _)| match &to {
        Bound::Included(bound) => key.as_bytes() <= bound.as_slice(),
        Bound::Excluded(bound) => key.as_bytes() < bound.as_slice(),
        Bound::Unbounded => true,
    });
    after.get(..end).unwrap_or_default()
}
