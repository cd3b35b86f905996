//! Uncommitted changes over a view, with a journal to take them back.

#![allow(
    clippy::disallowed_types,
    reason = "the map's order is never looked at; its seed protects it from chosen keys"
)]

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::changes::{Change, ChangeSet};
use crate::error::StateError;
use crate::key::{Key, Order, Range, is_empty_range};
use crate::merge::{Scanned, Steps, merge_scan};
use crate::seeded::Seeded;
use crate::view::{Layer, StateView, Value, changes_within, value_length};

/// Uncommitted changes over a view.
///
/// Every read is remembered, so that it is made once and so that the change set knows the old values. Checkpoints nest:
/// rolling one back also rolls back all that were taken after it, and costs O(changes since).
pub struct Overlay {
    base: Arc<dyn StateView>,
    /// All keys that were read or changed: every access looks here once.
    keys: HashMap<Key, Known, Seeded>,
    changes: Changes,
    recording: Option<Box<ReadSet>>,
}

/// Which keys are changed, and what that takes to take back.
#[derive(Default)]
struct Changes {
    /// Those changed at present, in their order: what scans pass and what comes out.
    changed: BTreeSet<Key>,
    journal: Vec<(Key, Option<Entry>)>,
    /// Entries noted after this place in the journal need not be noted again. `None`: no checkpoint, no journal.
    floor: Option<usize>,
}

/// What is known of a key. Invariant: not nothing.
#[derive(Default)]
struct Known {
    /// What the view below has.
    below: Option<Option<Value>>,
    change: Option<Entry>,
}

impl Known {
    /// The value with the changes so far, if it is known.
    fn value(&self) -> Option<&Option<Value>> {
        self.change.as_ref().map(|entry| &entry.new).or(self.below.as_ref())
    }
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
        Self { base, keys: HashMap::default(), changes: Changes::default(), recording: None }
    }

    /// No changes over `base`, and a record of everything that is read from it.
    #[must_use]
    pub fn recording(base: Arc<dyn StateView>) -> Self {
        Self { recording: Some(Box::default()), ..Self::new(base) }
    }

    /// The value of `key` with the changes so far.
    ///
    /// # Errors
    /// [`StateError`] if the view below cannot be read.
    pub fn get(&mut self, key: &Key) -> Result<Option<Value>, StateError> {
        let slot = match self.keys.entry(key.clone()) {
            Slot::Occupied(slot) => return Ok(slot.get().value().cloned().flatten()),
            Slot::Vacant(slot) => slot,
        };
        let value = self.base.get(key)?;
        slot.insert(Known { below: Some(value.clone()), change: None });
        if let Some(record) = &mut self.recording {
            record.points.insert(key.clone(), value.clone());
        }
        Ok(value)
    }

    /// The value under a flat key with the changes so far, if it was read or changed before: what can be told without
    /// asking the view below.
    #[must_use]
    pub fn known(&self, flat: &[u8]) -> Option<&Option<Value>> {
        self.keys.get(flat)?.value()
    }

    /// The length in bytes of the value of `key` with the changes so far.
    ///
    /// # Errors
    /// [`StateError`] if the view below cannot be read.
    pub fn length(&mut self, key: &Key) -> Result<Option<u32>, StateError> {
        if let Some(value) = self.known(key.as_bytes()) {
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

    /// As [`Overlay::put`], and gives the length of the value before.
    ///
    /// # Errors
    /// [`StateError`] if the view below cannot be read; then nothing changes.
    pub fn replace(&mut self, key: Key, value: Value) -> Result<Option<u32>, StateError> {
        let (before, known) = match self.keys.entry(key.clone()) {
            Slot::Occupied(slot) => (slot.get().value().and_then(Option::as_ref).map(value_length), slot.into_mut()),
            Slot::Vacant(slot) => {
                let before = self.base.length(&key)?;
                if let Some(record) = &mut self.recording {
                    record.lengths.insert(key.clone(), before);
                }
                // What is not there is known as a whole; without that a key that is set and removed again would be passed by
                // scans for as long as the overlay lives.
                (before, slot.insert(Known { below: before.is_none().then_some(None), change: None }))
            }
        };
        self.changes.change(key, known, Some(value));
        Ok(before)
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
        let checkpoint = Checkpoint { journal: self.changes.journal.len(), outer: self.changes.floor };
        self.changes.floor = Some(self.changes.journal.len());
        checkpoint
    }

    /// Takes back every change since `checkpoint`, which must come from this overlay. What was read stays known.
    pub fn rollback(&mut self, checkpoint: Checkpoint) {
        while self.changes.journal.len() > checkpoint.journal {
            let Some((key, before)) = self.changes.journal.pop() else { break };
            self.set_back(key, before);
        }
        self.changes.floor = checkpoint.outer;
    }

    /// The keys that were set or removed since `checkpoint`, in the order of their first change, without what was rolled
    /// back; a key may come twice, and may have been set to what it was.
    pub fn changed_since(&self, checkpoint: &Checkpoint) -> impl Iterator<Item = &Key> {
        self.changes.journal.get(checkpoint.journal..).unwrap_or_default().iter().map(|(key, _)| key)
    }

    /// The number of keys changed at present, counting those set to what they were.
    #[must_use]
    pub fn changed_keys(&self) -> usize {
        self.changes.changed.len()
    }

    /// The changes so far, with the old values that reads have shown.
    #[must_use]
    pub fn changes(&self) -> ChangeSet {
        let change = |key: &Key| {
            let known = self.keys.get(key)?;
            let new = known.change.as_ref()?.new.clone();
            Some((key.clone(), Change { old: known.below.clone(), new }))
        };
        ChangeSet::from_sorted(self.changes.changed.iter().filter_map(change))
    }

    /// As [`Overlay::changes`], ending the overlay.
    #[must_use]
    pub fn into_changes(self) -> ChangeSet {
        let Self { mut keys, changes, .. } = self;
        let change = |key: Key| {
            let known = keys.remove(&key)?;
            Some((key, Change { old: known.below, new: known.change?.new }))
        };
        ChangeSet::from_sorted(changes.changed.into_iter().filter_map(change))
    }

    /// The present state of this overlay, frozen: a view that later changes do not affect.
    #[must_use]
    pub fn freeze(&self) -> Layer {
        Layer { base: self.base.clone(), changes: Arc::new(self.changes()) }
    }

    /// What was read so far; empty unless this is a [`Overlay::recording`] overlay.
    #[must_use]
    pub fn read_set(&self) -> ReadSet {
        self.recording.as_deref().cloned().unwrap_or_default()
    }

    fn change(&mut self, key: Key, new: Option<Value>) {
        let known = self.keys.entry(key.clone()).or_default();
        self.changes.change(key, known, new);
    }

    /// Takes back what happened to the change of `key` since it was `before`.
    fn set_back(&mut self, key: Key, before: Option<Entry>) {
        if before.is_some() {
            self.changes.changed.insert(key.clone());
        } else {
            self.changes.changed.remove(&key);
        }
        match self.keys.entry(key) {
            Slot::Occupied(slot) if before.is_none() && slot.get().below.is_none() => drop(slot.remove()),
            slot => slot.or_default().change = before,
        }
    }

    fn scan_merged(&self, range: &Range, limit: usize) -> Result<Scanned, StateError> {
        let (from, to) = range.flat_bounds();
        if is_empty_range(&from, &to) {
            return Ok(Scanned { finished: true, ..Scanned::default() });
        }
        let bounds = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
        let changes = self.changes.changed.range::<[u8], _>(bounds).filter_map(|key| {
            let entry = self.keys.get(key)?.change.as_ref()?;
            Some((key, &entry.new))
        });
        match range.order {
            Order::Forward => merge_scan(self.base.as_ref(), changes, range, limit, Steps::All),
            Order::Backward => merge_scan(self.base.as_ref(), changes.rev(), range, limit, Steps::All),
        }
    }
}

impl Changes {
    /// Changes a key of which this is known.
    fn change(&mut self, key: Key, known: &mut Known, new: Option<Value>) {
        let before = known.change.as_ref();
        let (first, mut noted_at) = (before.is_none(), before.map_or(0, |entry| entry.noted_at));
        // One note per key and checkpoint is enough, however often the key is written.
        if self.floor.is_some_and(|floor| first || noted_at <= floor) {
            self.journal.push((key.clone(), before.cloned()));
            noted_at = self.journal.len();
        }
        if new.is_none() && known.below == Some(None) {
            // Scans need not pass what is absent below as well.
            known.change = None;
            self.changed.remove(&key);
        } else {
            known.change = Some(Entry { new, noted_at });
            if first {
                self.changed.insert(key);
            }
        }
    }
}
