//! Values of the head that were read or written lately, so that reading them again does not go through RocksDB.
//!
//! The cache holds the head's values only; older and uncommitted states correct what they find there, as they correct
//! what they find in the key-value store. What must never happen is that a value read before a commit is put here after
//! it. So readers note the epoch before they read, and what they found is taken only while that epoch lasts; a commit
//! ends the epoch before it writes, and a new one begins when cache and key-value store have the new values.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "indices below a table's length, a power of two, and counts in memory"
)]

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::changes::ChangeSet;
use crate::key::Key;
use crate::view::Value;

/// Parts of the cache, each with its own lock.
const SHARDS: usize = 64;

/// What an entry takes beside the bytes of its key and value: two counted allocations and its part of the table, which is
/// between three eighths and three quarters full.
const ENTRY_BYTES: usize = 192;

/// Places of a table that is not empty, at least.
const PLACES_MIN: usize = 16;

pub(crate) struct Cache {
    shards: Vec<Shard>,
    /// Odd while a commit is under way.
    epoch: AtomicU64,
    enabled: bool,
    /// Nobody else knows it, so nobody can choose keys that meet in one place.
    seeds: [u64; 2],
}

/// When a value was read.
#[derive(Clone, Copy)]
pub(crate) struct Epoch(u64);

/// Locks of different shards do not share a cache line.
#[repr(align(64))]
struct Shard(Mutex<Table>);

/// Entries by hash: each at the place that its hash says or at one of those after it, with no empty one between.
#[derive(Default)]
struct Table {
    /// None, or a power of two.
    places: Vec<Place>,
    entries: usize,
    /// The next place to be looked at for removal.
    hand: usize,
    bytes: usize,
    bytes_max: usize,
}

/// One cache line, so that finding a value takes as few as can be.
#[derive(Default)]
#[repr(align(64))]
struct Place(Option<Entry>);

struct Entry {
    hash: u64,
    key: Key,
    /// `None`: the key is known to be absent.
    value: Option<Value>,
    /// Read since the hand passed last.
    used: bool,
}

const _: () = assert!(size_of::<Place>() == 64);

impl Cache {
    /// A cache of about `bytes_max` bytes; of 0 it holds nothing.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let each = usize::try_from(bytes_max).unwrap_or(usize::MAX) / SHARDS;
        let shard = || Shard(Mutex::new(Table { bytes_max: each, ..Table::default() }));
        let random = RandomState::new();
        let seeds = [0, 1].map(|number: u64| random.hash_one(number));
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), epoch: AtomicU64::new(0), enabled: each > 0, seeds }
    }

    /// The head's value of `key`, if it is known.
    pub(crate) fn get(&self, key: &Key) -> Option<Option<Value>> {
        if !self.enabled {
            return None;
        }
        let hash = self.hash(key);
        let mut table = self.table(hash);
        let at = table.find(hash, key)?;
        let entry = table.places[at].0.as_mut()?;
        entry.used = true;
        Some(entry.value.clone())
    }

    /// To be asked before a value is read that may be offered.
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::SeqCst))
    }

    /// Takes what was read from the key-value store, unless there was a commit since.
    pub(crate) fn offer(&self, epoch: Epoch, key: &Key, value: &Option<Value>) {
        if !self.enabled || epoch.0 & 1 == 1 {
            return;
        }
        let hash = self.hash(key);
        let mut table = self.table(hash);
        // Asked under the lock that a commit needs to renew this shard: it has not begun, or will come after.
        if self.epoch.load(Ordering::SeqCst) == epoch.0 {
            table.insert(hash, key, value.clone());
        }
    }

    /// A commit begins: what is read from now on may be either value.
    pub(crate) fn begin(&self) {
        self.epoch.fetch_or(1, Ordering::SeqCst);
    }

    /// Takes the values that the commit under way writes. Whoever reads an earlier state corrects them.
    pub(crate) fn renew(&self, changes: &ChangeSet) {
        if self.enabled {
            for (key, change) in changes.iter() {
                let hash = self.hash(key);
                let mut table = self.table(hash);
                if table.find(hash, key).is_some() {
                    table.insert(hash, key, change.new.clone());
                }
            }
        }
    }

    /// The commit was made.
    pub(crate) fn finish(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = |shard: &Shard| shard.0.lock().unwrap_or_else(PoisonError::into_inner).bytes;
        self.shards.iter().map(|shard| u64::try_from(bytes(shard)).unwrap_or(u64::MAX)).fold(0, u64::saturating_add)
    }

    /// A hash of nothing but this cache. Its upper half says the shard, its lower the place.
    fn hash(&self, key: &Key) -> u64 {
        // A product of 128 bits, folded: every bit of both halves of 16 bytes reaches every bit of the result.
        let fold = |state: u64, low: [u8; 8], high: [u8; 8]| {
            let low = state ^ u64::from_le_bytes(low);
            let (low, high) = low.carrying_mul(u64::from_le_bytes(high) ^ self.seeds[1], 0);
            low ^ high
        };
        let bytes = key.as_bytes();
        let (pairs, rest) = bytes.as_chunks::<16>();
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let state = pairs.iter().chain([&last]).fold(self.seeds[0] ^ length, |state, pair| {
            let [low, high] = [0, 8].map(|at| pair[at..].first_chunk().copied().unwrap_or_default());
            fold(state, low, high)
        });
        fold(state, self.seeds[0].to_le_bytes(), length.to_le_bytes())
    }

    fn table(&self, hash: u64) -> MutexGuard<'_, Table> {
        let shard = usize::try_from(hash >> 32).unwrap_or(0) % SHARDS;
        self.shards[shard].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Where `key` stands.
    fn find(&self, hash: u64, key: &Key) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let mut at = self.home(hash);
        // There is an empty place: a table is never full.
        while let Some(entry) = &self.places[at].0 {
            if entry.hash == hash && entry.key == *key {
                return Some(at);
            }
            at = self.next(at);
        }
        None
    }

    fn insert(&mut self, hash: u64, key: &Key, value: Option<Value>) {
        let bytes = entry_bytes(key, &value);
        let known = self.find(hash, key).and_then(|at| self.places[at].0.as_mut());
        if let Some(entry) = known {
            self.bytes = self.bytes - entry_bytes(key, &entry.value) + bytes;
            entry.value = value;
        } else if bytes <= self.bytes_max / 4 {
            if 4 * (self.entries + 1) > 3 * self.places.len() {
                self.grow();
            }
            self.place(Entry { hash, key: key.clone(), value, used: false });
            self.bytes += bytes;
        }
        while self.bytes > self.bytes_max {
            self.evict();
        }
    }

    /// Puts a new entry where it belongs.
    fn place(&mut self, entry: Entry) {
        let mut at = self.home(entry.hash);
        while self.places[at].0.is_some() {
            at = self.next(at);
        }
        self.places[at].0 = Some(entry);
        self.entries += 1;
    }

    fn grow(&mut self) {
        let length = (2 * self.places.len()).max(PLACES_MIN);
        let mut places = Vec::new();
        places.resize_with(length, Place::default);
        let former = std::mem::replace(&mut self.places, places);
        self.entries = 0;
        former.into_iter().filter_map(|place| place.0).for_each(|entry| self.place(entry));
    }

    /// Removes the next entry that was not read since the hand passed it.
    fn evict(&mut self) {
        while self.entries > 0 {
            self.hand = self.next(self.hand);
            let unused = |entry: &mut Entry| !std::mem::take(&mut entry.used);
            if self.places[self.hand].0.as_mut().is_some_and(unused) {
                return self.remove(self.hand);
            }
        }
        self.bytes = 0;
    }

    /// Empties a place, and moves up what stands after it only because it was taken.
    fn remove(&mut self, at: usize) {
        let Some(removed) = self.places[at].0.take() else { return };
        self.bytes -= entry_bytes(&removed.key, &removed.value);
        self.entries -= 1;
        let mut empty = at;
        let mut from = self.next(at);
        while let Some(entry) = &self.places[from].0 {
            let home = self.home(entry.hash);
            // How far it stands from its home, and how far the empty place does.
            let distance = |place: usize| place.wrapping_sub(home) & (self.places.len() - 1);
            if distance(empty) < distance(from) {
                self.places[empty].0 = self.places[from].0.take();
                empty = from;
            }
            from = self.next(from);
        }
    }

    fn home(&self, hash: u64) -> usize {
        usize::try_from(hash & 0xffff_ffff).unwrap_or(0) & (self.places.len() - 1)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
    }
}

fn entry_bytes(key: &Key, value: &Option<Value>) -> usize {
    key.as_bytes().len() + value.as_ref().map_or(0, |value| value.len()) + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::Cache;
    use crate::changes::{Change, ChangeSet};
    use crate::key::{Key, Space};
    use crate::view::Value;

    fn key(number: u32) -> Key {
        Key::new(&Space::system(), &number.to_le_bytes())
    }

    fn value(number: u32) -> Option<Value> {
        Some(Value::from(number.to_le_bytes().as_slice()))
    }

    #[test]
    fn it_stays_inside_its_bound_and_keeps_what_is_read() {
        let cache = Cache::new(1 << 20);
        for number in 0..100_000 {
            cache.offer(cache.epoch(), &key(number), &value(number));
            assert_eq!(cache.get(&key(0)), Some(value(0)), "read all the time");
            assert!(cache.bytes() <= 1 << 20);
        }
        let kept = (0..100_000).filter(|number| cache.get(&key(*number)) == Some(value(*number))).count();
        assert!((4500..5500).contains(&kept), "{kept}");
    }

    #[test]
    fn what_was_read_before_a_commit_is_not_taken_after_it() {
        let cache = Cache::new(1 << 20);
        let (before, one) = (cache.epoch(), key(1));
        cache.offer(before, &one, &value(1));
        cache.begin();
        let during = cache.epoch();
        cache.offer(before, &key(2), &value(2));
        cache.offer(during, &key(3), &value(3));
        let change = Change { old: Some(value(1)), new: None };
        cache.renew(&ChangeSet::from_map([(one.clone(), change)].into()));
        cache.offer(during, &key(3), &value(3));
        cache.finish();
        cache.offer(during, &key(3), &value(3));
        cache.offer(before, &key(2), &value(2));
        assert_eq!((cache.get(&key(2)), cache.get(&key(3)), cache.get(&one)), (None, None, Some(None)));
        cache.offer(cache.epoch(), &key(2), &value(4));
        assert_eq!(cache.get(&key(2)), Some(value(4)));
    }

    #[test]
    fn whatever_it_knows_is_true() {
        // Few keys in few bytes: entries go, others move up into their places, and all of them change.
        let cache = Cache::new(64 * 4000);
        let mut truth = std::collections::BTreeMap::new();
        let (mut state, mut known) = (1_u64, 0);
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from((state >> 33) % below).unwrap()
        };
        for round in 0..200_000 {
            let one = next(4000);
            let expected = truth.get(&one).cloned().flatten();
            if next(8) == 0 {
                let new = if next(4) == 0 { None } else { value(round) };
                cache.begin();
                cache.renew(&ChangeSet::from_map([(key(one), Change { old: None, new: new.clone() })].into()));
                cache.finish();
                truth.insert(one, new);
            } else if let Some(found) = cache.get(&key(one)) {
                assert_eq!(found, expected);
                known += 1;
            } else {
                cache.offer(cache.epoch(), &key(one), &expected);
            }
        }
        assert!((20_000..150_000).contains(&known), "{known}");
    }
}
