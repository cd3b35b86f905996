//! Snapshots of the head that stay as they are while later blocks are committed.
//!
//! Each head has a link to what the next block changed, old values included. A snapshot holds its head's link; reading goes to
//! the key-value store first and then corrects what it found by the links from the snapshot to the present. The link is
//! made before the store is written, so a reader that sees a new value also sees how to undo it. Nobody locks anybody
//! out, and links that no snapshot can reach are freed.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::backend::{Table, TableRange};
use super::shared::Shared;
use crate::changes::ChangeSet;
use crate::error::StateError;
use crate::key::{Key, Order, Range, is_empty_range};
use crate::view::{StateView, Value, changes_within, value_length};

/// One head, and the way to the next.
#[derive(Default)]
pub(crate) struct Version {
    next: OnceLock<(Arc<ChangeSet>, u64, Arc<Version>)>,
}

impl Version {
    /// Notes what the block after this head changes, old values included, and which state comes of it; returns the version
    /// after it.
    pub(crate) fn advance(&self, changes: Arc<ChangeSet>, token: u64) -> Arc<Self> {
        self.next.get_or_init(|| (changes, token, Arc::default())).2.clone()
    }
}

impl Version {
    /// The changes of the blocks committed since, oldest first, each with the state that came of it.
    pub(crate) fn since(&self) -> impl Iterator<Item = (&ChangeSet, u64)> {
        let links = std::iter::successors(self.next.get(), |(.., version)| version.next.get());
        links.map(|(changes, token, _)| (changes.as_ref(), *token))
    }
}

impl Drop for Version {
    /// Takes a long chain apart link by link: dropped recursively it would exhaust the stack.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some((.., version)) = next {
            next = Arc::into_inner(version).and_then(|mut version| version.next.take());
        }
    }
}

/// The state at one head.
pub(crate) struct StoreView {
    pub(crate) shared: Arc<Shared>,
    pub(crate) version: Arc<Version>,
}

impl StoreView {
    /// The value at the head.
    fn present(&self, key: &Key) -> Result<Option<Value>, StateError> {
        let cache = &self.shared.cache;
        if let Some(known) = cache.get(key) {
            return Ok(known);
        }
        let epoch = cache.epoch();
        let value = self.shared.backend.get(Table::Values, key.as_bytes())?;
        cache.offer(epoch, key, &value);
        Ok(value)
    }

    fn present_length(&self, key: &Key) -> Result<Option<u32>, StateError> {
        match self.shared.cache.get(key) {
            Some(known) => Ok(known.as_ref().map(value_length)),
            None => self.shared.backend.length(Table::Values, key.as_bytes()),
        }
    }

    /// The value before the first block since that changed `key`, if one did.
    fn correction(&self, key: &Key) -> Option<&Option<Value>> {
        self.version.since().find_map(|(changes, _)| changes.get(key)).and_then(|change| change.old.as_ref())
    }
}

impl StateView for StoreView {
    fn get(&self, key: &Key) -> Result<Option<Value>, StateError> {
        let present = self.present(key)?;
        Ok(self.correction(key).cloned().unwrap_or(present))
    }

    fn length(&self, key: &Key) -> Result<Option<u32>, StateError> {
        let present = self.present_length(key)?;
        Ok(self.correction(key).map_or(present, |value| value.as_ref().map(value_length)))
    }

    fn scan(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Value)>, StateError> {
        let mut found = Vec::new();
        let mut rest = range.clone();
        while found.len() < limit {
            let (from, to) = rest.flat_bounds();
            if is_empty_range(&from, &to) {
                break;
            }
            let wanted = limit.saturating_sub(found.len());
            let table_range = TableRange { from, to, order: rest.order };
            let present = self.shared.backend.scan(Table::Values, &table_range, wanted)?;
            let exhausted = present.len() < wanted;
            let mut part: BTreeMap<Key, Option<Value>> =
                present.into_iter().map(|(flat, value)| (Key::within(&rest.space, flat), Some(value))).collect();
            let last = match rest.order {
                Order::Forward => part.last_key_value(),
                Order::Backward => part.first_key_value(),
            };
            let last = last.map(|(key, _)| key.clone()).filter(|_| !exhausted);
            // Only what lies in the part just read can be corrected; the rest is read next.
            let covered = last.as_ref().map_or_else(|| rest.clone(), |key| rest.up_to(key));
            let mut corrections: BTreeMap<&Key, &Option<Value>> = BTreeMap::new();
            for (changes, _) in self.version.since() {
                for (key, change) in changes_within(changes, &covered) {
                    if let Some(old) = &change.old {
                        corrections.entry(key).or_insert(old);
                    }
                }
            }
            part.extend(corrections.into_iter().map(|(key, value)| (key.clone(), value.clone())));
            let visible = part.into_iter().filter_map(|(key, value)| Some((key, value?)));
            match rest.order {
                Order::Forward => found.extend(visible),
                Order::Backward => found.extend(visible.rev()),
            }
            let Some(last) = last else { break };
            rest = rest.after(&last);
        }
        found.truncate(limit);
        Ok(found)
    }
}
