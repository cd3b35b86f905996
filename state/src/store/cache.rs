//! Values of the head that were read or written lately, so that reading them again does not go through RocksDB.
//!
//! The cache holds the head's values only; older and uncommitted states correct what they find there, as they correct
//! what they find in the key-value store. What must never happen is that a value read before a commit is put here after
//! it. So readers note the epoch before they read, and what they found is taken only while that epoch lasts; a commit
//! ends the epoch before it writes, and a new one begins when the cache has the new values.

#![allow(
    clippy::disallowed_types,
    reason = "the map's order is never looked at; its seed protects it from chosen keys"
)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::changes::ChangeSet;
use crate::key::Key;
use crate::view::Value;

/// Parts of the cache, each with its own lock.
const SHARDS: usize = 64;

/// What an entry takes beside its key and value: two counted allocations, a slot, an entry of the index.
const ENTRY_BYTES: usize = 160;

pub(crate) struct Cache {
    shards: Vec<Mutex<Shard>>,
    /// Odd while a commit is under way.
    epoch: AtomicU64,
    enabled: bool,
}

/// When a value was read.
#[derive(Clone, Copy)]
pub(crate) struct Epoch(u64);

#[derive(Default)]
struct Shard {
    index: HashMap<Key, usize>,
    slots: Vec<Slot>,
    /// The next slot to be looked at for removal.
    hand: usize,
    bytes: usize,
    bytes_max: usize,
}

struct Slot {
    key: Key,
    /// `None`: the key is known to be absent.
    value: Option<Value>,
    /// Read since the hand passed last.
    used: bool,
}

impl Cache {
    /// A cache of about `bytes_max` bytes; of 0 it holds nothing.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let each = usize::try_from(bytes_max).unwrap_or(usize::MAX) / SHARDS;
        let shard = || Mutex::new(Shard { bytes_max: each, ..Shard::default() });
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), epoch: AtomicU64::new(0), enabled: each > 0 }
    }

    /// The head's value of `key`, if it is known.
    pub(crate) fn get(&self, key: &Key) -> Option<Option<Value>> {
        if !self.enabled {
            return None;
        }
        let mut shard = self.shard(key)?;
        let at = *shard.index.get(key.as_bytes())?;
        let slot = shard.slots.get_mut(at)?;
        slot.used = true;
        Some(slot.value.clone())
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
        let Some(mut shard) = self.shard(key) else { return };
        // Asked under the lock that a commit needs to renew this shard: it has not begun, or will come after.
        if self.epoch.load(Ordering::SeqCst) == epoch.0 {
            shard.insert(key, value.clone());
        }
    }

    /// A commit begins: what is read from now on may be either value.
    pub(crate) fn begin(&self) {
        self.epoch.fetch_or(1, Ordering::SeqCst);
    }

    /// The commit was made.
    pub(crate) fn finish(&self, changes: &ChangeSet) {
        if self.enabled {
            for (key, change) in changes.iter() {
                if let Some(mut shard) = self.shard(key) {
                    shard.renew(key, &change.new);
                }
            }
        }
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = |shard: &Mutex<Shard>| shard.lock().unwrap_or_else(PoisonError::into_inner).bytes;
        self.shards.iter().map(|shard| u64::try_from(bytes(shard)).unwrap_or(u64::MAX)).fold(0, u64::saturating_add)
    }

    fn shard(&self, key: &Key) -> Option<MutexGuard<'_, Shard>> {
        // Few bits of the key's last bytes spread the locks well enough.
        let mixed = key
            .as_bytes()
            .iter()
            .rev()
            .take(8)
            .fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        let shard = self.shards.get(mixed % SHARDS)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shard {
    fn renew(&mut self, key: &Key, value: &Option<Value>) {
        if self.index.contains_key(key.as_bytes()) {
            self.insert(key, value.clone());
        }
    }

    fn insert(&mut self, key: &Key, value: Option<Value>) {
        let bytes = entry_bytes(key, &value);
        if let Some(slot) = self.index.get(key.as_bytes()).copied().and_then(|at| self.slots.get_mut(at)) {
            self.bytes = self.bytes.saturating_sub(entry_bytes(key, &slot.value)).saturating_add(bytes);
            slot.value = value;
        } else if bytes <= self.bytes_max / 4 {
            self.index.insert(key.clone(), self.slots.len());
            self.slots.push(Slot { key: key.clone(), value, used: false });
            self.bytes = self.bytes.saturating_add(bytes);
        }
        while self.bytes > self.bytes_max {
            self.evict();
        }
    }

    /// Removes the next entry that was not read since the hand passed it.
    fn evict(&mut self) {
        loop {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            let Some(slot) = self.slots.get_mut(self.hand) else {
                self.bytes = 0;
                return;
            };
            if !std::mem::take(&mut slot.used) {
                break;
            }
            self.hand = self.hand.saturating_add(1);
        }
        let removed = self.slots.swap_remove(self.hand);
        self.index.remove(removed.key.as_bytes());
        self.bytes = self.bytes.saturating_sub(entry_bytes(&removed.key, &removed.value));
        if let Some(moved) = self.slots.get(self.hand)
            && let Some(at) = self.index.get_mut(moved.key.as_bytes())
        {
            *at = self.hand;
        }
    }
}

fn entry_bytes(key: &Key, value: &Option<Value>) -> usize {
    key.as_bytes().len().saturating_add(value.as_ref().map_or(0, |value| value.len())).saturating_add(ENTRY_BYTES)
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
        assert!((5000..7000).contains(&kept), "{kept}");
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
        cache.finish(&ChangeSet::from_map([(one.clone(), change)].into()));
        cache.offer(during, &key(3), &value(3));
        cache.offer(before, &key(2), &value(2));
        assert_eq!((cache.get(&key(2)), cache.get(&key(3)), cache.get(&one)), (None, None, Some(None)));
        cache.offer(cache.epoch(), &key(2), &value(4));
        assert_eq!(cache.get(&key(2)), Some(value(4)));
    }
}
