//! Uncommitted changes over a view, with a journal to take them back.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::changes::{Change, ChangeSet};
use crate::error::StateError;
use crate::key::{Key, Order, Range, is_empty_range};
use crate::merge::{Scanned, Steps, merge_scan};
use crate::view::{Layer, StateView, Value, changes_within, value_length};

/// Uncommitted changes over a view.
///
/// Every read is remembered, so that it is made once and so that the change set knows the old values. Checkpoints nest:
/// rolling one back also rolls back all that were taken after it, and costs O(changes since).
pub struct Overlay {
    base: Arc<dyn StateView>,
    changes: BTreeMap<Key, Entry>,
    reads: BTreeMap<Key, Option<Value>>,
    journal: Vec<(Key, Option<Entry>)>,
    /// Entries noted after this place in the journal need not be noted again. `None`: no checkpoint, no journal.
    floor: Option<usize>,
    recording: Option<ReadSet>,
}

/// A present change.
#[derive(Clone)]
struct Entry {
    new: Option<Value>,
    /// The length of the journal when this key was last noted in it.
    noted_at: usize,
}

/// A point to roll back to.
#[derive(Debug)]
pub struct Checkpoint {
    journal: usize,
    outer: Option<usize>,
}

/// What was read, for finding out later whether something else changed it. Filled by [`Overlay::recording`] overlays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadSet {
    /// Keys of the view below that were read, with what was found: a value or absence.
    pub points: BTreeMap<Key, Option<Value>>,
    /// Keys of the view below of which only the length was read.
    pub lengths: BTreeMap<Key, Option<u32>>,
    /// The part of each range that was scanned, limits included: a key inserted into or removed from one of them
    /// changes what was seen.
    pub ranges: Vec<Range>,
}

impl ReadSet {
    /// Whether something else was to be seen where this was read, had `changes` been made before: another value, another
    /// length, or any change in a part that was scanned, a key inserted there included.
    #[must_use]
    pub fn is_affected_by(&self, changes: &ChangeSet) -> bool {
        let value = |(key, found): (&Key, &Option<Value>)| changes.get(key).is_some_and(|change| change.new != *found);
        let length = |(key, found): (&Key, &Option<u32>)| {
            changes.get(key).is_some_and(|change| change.new.as_ref().map(value_length) != *found)
        };
        self.points.iter().any(value)
            || self.lengths.iter().any(length)
            || self.ranges.iter().any(|range| !changes_within(changes, range).is_empty())
    }
}

impl Overlay {
    /// No changes over `base`.
    #[must_use]
    pub fn new(base: Arc<dyn StateView>) -> Self {
        Self {
            base,
            changes: BTreeMap::new(),
            reads: BTreeMap::new(),
            journal: Vec::new(),
            floor: None,
            recording: None,
        }
    }

    /// No changes over `base`, and a record of everything that is read from it.
    #[must_use]
    pub fn recording(base: Arc<dyn StateView>) -> Self {
        Self { recording: Some(ReadSet::default()), ..Self::new(base) }
    }

    /// The value of `key` with the changes so far.
    ///
    /// # Errors
    /// [`StateError`] if the view below cannot be read.
    pub fn get(&mut self, key: &Key) -> Result<Option<Value>, StateError> {
        if let Some(entry) = self.changes.get(key) {
            return Ok(entry.new.clone());
        }
        if let Some(value) = self.reads.get(key) {
            return Ok(value.clone());
        }
        let value = self.base.get(key)?;
        self.reads.insert(key.clone(), value.clone());
        if let Some(record) = &mut self.recording {
            record.points.insert(key.clone(), value.clone());
        }
        Ok(value)
    }

    /// The length in bytes of the value of `key` with the changes so far.
    ///
    /// # Errors
    /// [`StateError`] if the view below cannot be read.
    pub fn length(&mut self, key: &Key) -> Result<Option<u32>, StateError> {
        let known = self.changes.get(key).map(|entry| &entry.new).or_else(|| self.reads.get(key));
        if let Some(value) = known {
            return Ok(value.as_ref().map(value_length));
        }
        let length = self.base.length(key)?;
        if let Some(record) = &mut self.recording {
            record.lengths.insert(key.clone(), length);
        }
        Ok(length)
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, key: Key, value: Value) {
        self.change(key, Some(value));
    }

    /// Removes `key`; nothing happens if it is absent.
    pub fn remove(&mut self, key: &Key) {
        self.change(key.clone(), None);
    }

    /// Scans `range` with the changes so far. Stops after `limit` steps, a step being a visible key or a removed one
    /// that the view below still has.
    ///
    /// # Errors
    /// [`StateError`] if the view below cannot be read.
    pub fn scan(&mut self, range: &Range, limit: usize) -> Result<Scanned, StateError> {
        let scanned = self.scan_merged(range, limit)?;
        if let Some(record) = &mut self.recording {
            record.ranges.push(match &scanned.last {
                Some(last) if !scanned.finished => range.up_to(last),
                _ => range.clone(),
            });
        }
        Ok(scanned)
    }

    /// A point to roll back to. To keep what follows, just drop it.
    pub fn checkpoint(&mut self) -> Checkpoint {
        let checkpoint = Checkpoint { journal: self.journal.len(), outer: self.floor };
        self.floor = Some(self.journal.len());
        checkpoint
    }

    /// Takes back every change since `checkpoint`, which must come from this overlay. What was read stays known.
    pub fn rollback(&mut self, checkpoint: Checkpoint) {
        while self.journal.len() > checkpoint.journal {
            let Some((key, before)) = self.journal.pop() else { break };
            match before {
                Some(entry) => drop(self.changes.insert(key, entry)),
                None => drop(self.changes.remove(&key)),
            }
        }
        self.floor = checkpoint.outer;
    }

    /// The keys that were set or removed since `checkpoint`, in the order of their first change, without what was rolled
    /// back; a key may come twice, and may have been set to what it was.
    pub fn changed_since(&self, checkpoint: &Checkpoint) -> impl Iterator<Item = &Key> {
        self.journal.get(checkpoint.journal..).unwrap_or_default().iter().map(|(key, _)| key)
    }

    /// The number of keys changed at present, counting those set to what they were.
    #[must_use]
    pub fn changed_keys(&self) -> usize {
        self.changes.len()
    }

    /// The changes so far, with the old values that reads have shown.
    #[must_use]
    pub fn changes(&self) -> ChangeSet {
        let change = |(key, entry): (&Key, &Entry)| {
            (key.clone(), Change { old: self.reads.get(key).cloned(), new: entry.new.clone() })
        };
        ChangeSet::from_map(self.changes.iter().map(change).collect())
    }

    /// As [`Overlay::changes`], ending the overlay.
    #[must_use]
    pub fn into_changes(mut self) -> ChangeSet {
        let reads = &mut self.reads;
        let mut change = |(key, entry): (Key, Entry)| {
            let old = reads.remove(&key);
            (key, Change { old, new: entry.new })
        };
        ChangeSet::from_map(self.changes.into_iter().map(&mut change).collect())
    }

    /// The present state of this overlay, frozen: a view that later changes do not affect.
    #[must_use]
    pub fn freeze(&self) -> Layer {
        Layer { base: self.base.clone(), changes: Arc::new(self.changes()) }
    }

    /// What was read so far; empty unless this is a [`Overlay::recording`] overlay.
    #[must_use]
    pub fn read_set(&self) -> ReadSet {
        self.recording.clone().unwrap_or_default()
    }

    fn change(&mut self, key: Key, new: Option<Value>) {
        let before = self.changes.get(&key);
        let mut noted_at = before.map_or(0, |entry| entry.noted_at);
        // One note per key and checkpoint is enough, however often the key is written.
        if self.floor.is_some_and(|floor| before.is_none() || noted_at <= floor) {
            self.journal.push((key.clone(), before.cloned()));
            noted_at = self.journal.len();
        }
        if new.is_none() && self.reads.get(&key) == Some(&None) {
            // Scans need not pass what is absent below as well.
            self.changes.remove(&key);
        } else {
            self.changes.insert(key, Entry { new, noted_at });
        }
    }

    fn scan_merged(&self, range: &Range, limit: usize) -> Result<Scanned, StateError> {
        let (from, to) = range.flat_bounds();
        if is_empty_range(&from, &to) {
            return Ok(Scanned { finished: true, ..Scanned::default() });
        }
        let bounds = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
        let changes = self.changes.range::<[u8], _>(bounds).map(|(key, entry)| (key, &entry.new));
        match range.order {
            Order::Forward => merge_scan(self.base.as_ref(), changes, range, limit, Steps::All),
            Order::Backward => merge_scan(self.base.as_ref(), changes.rev(), range, limit, Steps::All),
        }
    }
}
