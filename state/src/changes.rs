//! What a transaction or block does to state: a sorted set of changes, and its canonical encoding.

use std::collections::BTreeMap;

use parity_scale_codec::{Compact, Decode, Encode};

use crate::error::StateError;
use crate::key::{ADDRESS_BYTES_MAX, Key, VALUE_BYTES_MAX};
use crate::view::Value;

/// Longest encoding of a change set in bytes.
pub const CHANGES_BYTES_MAX: u32 = 1 << 30;

/// Bytes of a key that are not written again: the kind of space, the address with its length, the incarnation.
const SHARED_BYTES_MAX: usize = 1 + 1 + ADDRESS_BYTES_MAX + 8;

/// The change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The value before, if it is known: `Some(None)` says that the key was absent.
    pub old: Option<Option<Value>>,
    /// The value after; `None` removes the key.
    pub new: Option<Value>,
}

/// The changes of a transaction or block.
///
/// Invariant: sorted by key, no key twice, and no change whose new value equals its known old one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    changes: Vec<(Key, Change)>,
}

/// Which part of an encoding is not as the format says. The input may come from anywhere; this is no node fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed encoding: {0}")]
pub struct DecodeError(pub &'static str);

impl ChangeSet {
    /// No changes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The changes in `map`; those that change nothing are dropped.
    #[must_use]
    pub fn from_map(map: BTreeMap<Key, Change>) -> Self {
        Self::from_sorted(map.into_iter())
    }

    /// As [`ChangeSet::from_map`], of changes that rise by key, no key twice.
    pub(crate) fn from_sorted(changes: impl Iterator<Item = (Key, Change)>) -> Self {
        let changes: Vec<_> = changes.filter(|(_, change)| changes_something(change)).collect();
        debug_assert!(changes.is_sorted_by(|(a, _), (b, _)| a < b));
        Self { changes }
    }

    /// The values a chain starts with.
    #[must_use]
    pub fn genesis(values: impl IntoIterator<Item = (Key, Value)>) -> Self {
        let absent = |value| Change { old: Some(None), new: Some(value) };
        Self::from_map(values.into_iter().map(|(key, value)| (key, absent(value))).collect())
    }

    /// The number of keys changed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes, sorted by key.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Key, &Change)> + Clone {
        self.changes.iter().map(|(key, change)| (key, change))
    }

    /// The same as a slice.
    pub(crate) fn entries(&self) -> &[(Key, Change)] {
        &self.changes
    }

    /// The same with all old values, those not known looked up; changes without effect are dropped. `check` sees each key
    /// and new value first.
    pub(crate) fn complete(
        mut self,
        mut check: impl FnMut(&Key, Option<&Value>) -> Result<(), StateError>,
        mut look_up: impl FnMut(&Key) -> Result<Option<Value>, StateError>,
    ) -> Result<Self, StateError> {
        let mut without_effect = false;
        for (key, change) in &mut self.changes {
            check(key, change.new.as_ref())?;
            if change.old.is_none() {
                change.old = Some(look_up(key)?);
                without_effect |= !changes_something(change);
            }
        }
        if without_effect {
            self.changes.retain(|(_, change)| changes_something(change));
        }
        Ok(self)
    }

    /// The change of one key, if there is one.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Change> {
        let at = self.changes.binary_search_by(|(other, _)| other.cmp(key)).ok()?;
        self.changes.get(at).map(|(_, change)| change)
    }

    /// The changes from the first key that is not before `from` (`past`: that is after it), sorted.
    pub(crate) fn starting_at(&self, from: &[u8], past: bool) -> &[(Key, Change)] {
        let at =
            self.changes.partition_point(|(key, _)| if past { key.as_bytes() <= from } else { key.as_bytes() < from });
        self.changes.get(at..).unwrap_or_default()
    }

    /// What `earlier` and then `later` do together.
    #[must_use]
    pub fn merge(earlier: Self, later: Self) -> Self {
        let mut merged: BTreeMap<Key, Change> = earlier.changes.into_iter().collect();
        for (key, change) in later.changes {
            match merged.entry(key) {
                std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(change)),
                std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().new = change.new,
            }
        }
        Self::from_map(merged)
    }

    /// What takes these changes back. An unknown old value counts as absent.
    #[must_use]
    pub(crate) fn inverse(&self) -> Self {
        let turn = |change: &Change| Change { old: Some(change.new.clone()), new: change.old.clone().flatten() };
        Self { changes: self.changes.iter().map(|(key, change)| (key.clone(), turn(change))).collect() }
    }

    /// The canonical encoding, in which neighbours share the beginnings of their keys. Old values are not part of it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_to(&mut out);
        out
    }

    /// Appends the same to `out`.
    pub(crate) fn encode_to(&self, out: &mut Vec<u8>) {
        // Lengths take up to five bytes each, what is shared and the flag one.
        let size = |(key, change): &(Key, Change)| {
            let value = change.new.as_ref().map_or(0, |value| value.len());
            key.as_bytes().len().saturating_add(value).saturating_add(12)
        };
        out.reserve(self.changes.iter().map(size).fold(5, usize::saturating_add));
        Compact(u32::try_from(self.changes.len()).unwrap_or(u32::MAX)).encode_to(out);
        let mut before: &[u8] = &[];
        for (key, change) in &self.changes {
            let shared = shared_bytes(before, key.as_bytes());
            out.push(shared);
            key.as_bytes().split_at(usize::from(shared)).1.encode_to(out);
            encode_value(change.new.as_ref(), out);
            before = key.as_bytes();
        }
    }

    /// Appends the old values alone, in the order of the keys: with the encoding of the changes, what takes them back.
    pub(crate) fn encode_old_values(&self, out: &mut Vec<u8>) {
        let size = |(_, change): &(Key, Change)| match &change.old {
            Some(Some(value)) => value.len().saturating_add(6),
            _ => 1,
        };
        out.reserve(self.changes.iter().map(size).fold(5, usize::saturating_add));
        Compact(u32::try_from(self.changes.len()).unwrap_or(u32::MAX)).encode_to(out);
        for (_, change) in &self.changes {
            encode_value(change.old.as_ref().and_then(Option::as_ref), out);
        }
    }

    /// These changes with the old values that [`ChangeSet::encode_old_values`] wrote.
    pub(crate) fn with_old_values(mut self, mut input: &[u8]) -> Result<Self, DecodeError> {
        let input = &mut input;
        if compact(input, "count of old values")? != self.changes.len() {
            return Err(DecodeError("count of old values"));
        }
        for (_, change) in &mut self.changes {
            change.old = Some(decode_value(input)?);
        }
        if input.is_empty() { Ok(self) } else { Err(DecodeError("bytes follow the old values")) }
    }

    /// Reads an encoding back; the old values are unknown.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but what [`ChangeSet::encode`] writes: keys sorted and distinct, lengths inside
    /// their limits, nothing left over.
    pub fn decode(mut input: &[u8]) -> Result<Self, DecodeError> {
        let input = &mut input;
        let count = compact(input, "change count")?;
        // A change takes at least three bytes, so the input bounds the allocation.
        let mut changes: Vec<(Key, Change)> = Vec::with_capacity(count.min(input.len() / 3));
        let mut flat = Vec::new();
        for _ in 0..count {
            let before = changes.last().map_or([].as_slice(), |(last, _)| last.as_bytes());
            let shared = take(input, 1, "shared bytes of a key")?.first().copied().unwrap_or_default();
            let length = compact(input, "key length")?;
            flat.clear();
            flat.extend_from_slice(before.get(..usize::from(shared)).ok_or(DecodeError("shared bytes of a key"))?);
            flat.extend_from_slice(take(input, length, "key")?);
            if !changes.is_empty() && before >= flat.as_slice() {
                return Err(DecodeError("keys are not sorted and distinct"));
            }
            if shared_bytes(before, &flat) != shared {
                return Err(DecodeError("shared bytes of a key"));
            }
            let key = Key::from_flat(&flat)?;
            let new = decode_value(input)?;
            changes.push((key, Change { old: None, new }));
        }
        if input.is_empty() { Ok(Self { changes }) } else { Err(DecodeError("bytes follow the changes")) }
    }
}

/// How many of its first bytes a key has in common with the key before, the longest prefix of a space at most: what the
/// keys of one contract share, and a bound for what few bytes of input can become.
fn shared_bytes(before: &[u8], key: &[u8]) -> u8 {
    let same = before.iter().zip(key).take(SHARED_BYTES_MAX).take_while(|(one, other)| one == other).count();
    u8::try_from(same).unwrap_or(u8::MAX)
}

fn encode_value(value: Option<&Value>, out: &mut Vec<u8>) {
    match value {
        None => out.push(0),
        Some(value) => {
            out.push(1);
            value.as_ref().encode_to(out);
        }
    }
}

fn decode_value(input: &mut &[u8]) -> Result<Option<Value>, DecodeError> {
    match take(input, 1, "value flag")? {
        [0] => Ok(None),
        [1] => {
            let length = compact(input, "value length")?;
            if length > VALUE_BYTES_MAX as usize {
                return Err(DecodeError("value length"));
            }
            Ok(Some(Value::from(take(input, length, "value")?)))
        }
        _ => Err(DecodeError("value flag")),
    }
}

fn changes_something(change: &Change) -> bool {
    change.old.as_ref() != Some(&change.new)
}

fn compact(input: &mut &[u8], what: &'static str) -> Result<usize, DecodeError> {
    let number = Compact::<u32>::decode(input).map_err(|_| DecodeError(what))?.0;
    usize::try_from(number).map_err(|_| DecodeError(what))
}

fn take<'a>(input: &mut &'a [u8], length: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
    let (taken, rest) = input.split_at_checked(length).ok_or(DecodeError(what))?;
    *input = rest;
    Ok(taken)
}
