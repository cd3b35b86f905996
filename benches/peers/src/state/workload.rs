//! The one workload that every store gets: keys of 100 contracts, values of 64 bytes, and blocks of which eight changes
//! in ten give a present key a new value, one adds a key and one removes a key. The number of keys stays as it is.

use unfork_state::{Key, Space, Value};

/// Contracts that the keys belong to.
const CONTRACTS: u64 = 100;

/// Keys that are made at a time while a store is filled.
pub const FILL: u64 = 50_000;

/// A change of one key. Its old value is known, as it is to whoever has executed a transaction.
pub struct Change {
    pub key: Key,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

/// SplitMix64, a small generator of which every run is the same.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Which keys there are, and at which version their values are.
pub struct Workload {
    spaces: Vec<Space>,
    /// The version of each key's value; 0 says that there is no such key.
    versions: Vec<u32>,
    version: u32,
    random: Random,
}

impl Workload {
    pub fn new() -> Self {
        let space = |contract: u64| Space::storage(&bytes(contract ^ (1 << 60)), 0).expect("an address of 32 bytes");
        Self { spaces: (0..CONTRACTS).map(space).collect(), versions: Vec::new(), version: 1, random: Random(42) }
    }

    /// The first `count` keys, all new, up to `keys` in the end; empty when there are as many.
    pub fn fill(&mut self, keys: u64) -> Vec<Change> {
        let from = self.versions.len() as u64;
        self.versions.resize(from.saturating_add(FILL).min(keys) as usize, 1);
        let new = |number| Change { key: self.key(number), old: None, new: Some(value(number, 1)) };
        sorted((from..self.versions.len() as u64).map(new).collect())
    }

    /// The next block of `size` changes.
    pub fn block(&mut self, size: u64) -> Vec<Change> {
        self.version += 1;
        let version = self.version;
        let (mut changes, mut removed) = (Vec::with_capacity(size as usize), Vec::new());
        for turn in 0..size {
            if turn % 10 == 9 {
                let number = self.versions.len() as u64;
                self.versions.push(version);
                changes.push(Change { key: self.key(number), old: None, new: Some(value(number, version)) });
                continue;
            }
            // What has this block's version is not chosen again in it.
            let number = self.present(Some(version));
            let old = std::mem::replace(&mut self.versions[number as usize], version);
            let new = (turn % 10 != 8).then(|| value(number, version));
            if new.is_none() {
                removed.push(number);
            }
            changes.push(Change { key: self.key(number), old: Some(value(number, old)), new });
        }
        removed.into_iter().for_each(|number| self.versions[number as usize] = 0);
        sorted(changes)
    }

    /// `count` keys that are present, chosen at random.
    pub fn present_keys(&mut self, count: usize) -> Vec<Key> {
        (0..count)
            .map(|_| {
                let number = self.present(None);
                self.key(number)
            })
            .collect()
    }

    /// A key that is present and was not changed at version `except`.
    fn present(&mut self, except: Option<u32>) -> u64 {
        loop {
            let number = self.random.below(self.versions.len() as u64);
            let version = self.versions[number as usize];
            if version != 0 && Some(version) != except {
                return number;
            }
        }
    }

    fn key(&self, number: u64) -> Key {
        Key::new(&self.spaces[(mix(number) % CONTRACTS) as usize], &bytes(number))
    }
}

fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_unstable_by(|one, other| one.key.cmp(&other.key));
    changes
}

/// 32 bytes that look like a hash.
fn bytes(number: u64) -> [u8; 32] {
    let mut random = Random(number.wrapping_mul(0xd1b5_4a32_d192_ed03));
    let mut bytes = [0; 32];
    bytes.chunks_exact_mut(8).for_each(|word| word.copy_from_slice(&random.next().to_be_bytes()));
    bytes
}

/// 64 bytes that cannot be compressed.
fn value(number: u64, version: u32) -> Value {
    let mut random = Random(number ^ u64::from(version).rotate_left(40));
    (0..8).flat_map(|_| random.next().to_le_bytes()).collect()
}
