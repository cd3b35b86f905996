//! What the tests compare against: a plain map, its root computed the naive way, and a seeded stream of numbers.
#![allow(dead_code, clippy::disallowed_methods, clippy::unwrap_used, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;
use std::ops::Bound;

use sha3::{Digest, Keccak256};
use unfork_state::{ChangeSet, Key, Order, Range, Space, Value};

pub type Map = BTreeMap<Vec<u8>, Vec<u8>>;

pub const CHAIN: [u8; 32] = [0xc4; 32];

/// A seed from UNFORK_SEED or the given one; printed, so that a failure can be repeated.
pub fn seed(default: u64) -> Random {
    let seed = std::env::var("UNFORK_SEED").ok().map_or(default, |text| text.parse().unwrap());
    println!("UNFORK_SEED={seed}");
    Random(seed)
}

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// A key of one of a few spaces, prefixes of each other included.
    pub fn key(&mut self, keys: u64) -> Key {
        let space = match self.below(5) {
            0 => Space::system(),
            1 => Space::storage(&[1], 0).unwrap(),
            2 => Space::storage(&[1, 0], u64::MAX).unwrap(),
            _ => Space::storage(&[7; 32], 1).unwrap(),
        };
        let number = self.below(keys).to_be_bytes();
        let raw = match self.below(3) {
            0 => &number[7..],
            1 => &number[5..],
            _ => number.split_at(8).0,
        };
        Key::new(&space, raw)
    }

    /// Values of all lengths that matter: empty, around the inline limit, long.
    pub fn value(&mut self) -> Vec<u8> {
        let length = match self.below(12) {
            0 => 0,
            1 => 96,
            2 => 97,
            3 => 1000,
            _ => self.below(64),
        };
        self.bytes(usize::try_from(length).unwrap())
    }

    pub fn range(&mut self) -> Range {
        let bound = |random: &mut Self| {
            let raw = random.key(40).raw().to_vec();
            match random.below(3) {
                0 => Bound::Included(raw),
                1 => Bound::Excluded(raw),
                _ => Bound::Unbounded,
            }
        };
        let (from, to) = (bound(self), bound(self));
        let order = if self.below(2) == 0 { Order::Forward } else { Order::Backward };
        Range { space: self.key(1).space(), from, to, order }
    }
}

pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Keccak256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// The root by its definition: split the leaves by two bits at a time until at most one is left.
pub fn naive_root(map: &Map) -> [u8; 32] {
    let leaf = |(key, value): (&Vec<u8>, &Vec<u8>)| {
        let path = hash(&[key]);
        let digits: Vec<u8> =
            path.iter().flat_map(|byte| [byte >> 6, byte >> 4 & 3, byte >> 2 & 3, byte & 3]).collect();
        let content =
            if value.len() <= 96 { [value.as_slice(), &[0]].concat() } else { [&hash(&[value])[..], &[2]].concat() };
        (digits, hash(&[&path, &content]))
    };
    fn subtree(leaves: &[(Vec<u8>, [u8; 32])], depth: usize) -> [u8; 32] {
        match leaves {
            [] => [0; 32],
            [(_, only)] => *only,
            _ => {
                let mut preimage = Vec::new();
                for digit in 0..4 {
                    let child: Vec<_> = leaves.iter().filter(|(digits, _)| digits[depth] == digit).cloned().collect();
                    preimage.extend(subtree(&child, depth + 1));
                }
                preimage.push(1);
                hash(&[&preimage])
            }
        }
    }
    subtree(&map.iter().map(leaf).collect::<Vec<_>>(), 0)
}

/// What `range` selects of the map, by testing every entry.
pub fn naive_scan(map: &Map, range: &Range, limit: usize) -> Vec<(Key, Value)> {
    let key = |flat: &[u8]| Key::from_flat(flat).unwrap();
    let inside = |key: &Key| {
        key.space() == range.space
            && match &range.from {
                Bound::Included(from) => key.raw() >= from.as_slice(),
                Bound::Excluded(from) => key.raw() > from.as_slice(),
                Bound::Unbounded => true,
            }
            && match &range.to {
                Bound::Included(to) => key.raw() <= to.as_slice(),
                Bound::Excluded(to) => key.raw() < to.as_slice(),
                Bound::Unbounded => true,
            }
    };
    let mut found: Vec<_> = map.iter().map(|(flat, value)| (key(flat), Value::from(value.as_slice()))).collect();
    found.retain(|(key, _)| inside(key));
    if range.order == Order::Backward {
        found.reverse();
    }
    found.truncate(limit);
    found
}

/// Applies a change set to the map.
pub fn apply(map: &mut Map, changes: &ChangeSet) {
    for (key, change) in changes.iter() {
        match &change.new {
            Some(value) => drop(map.insert(key.as_bytes().to_vec(), value.to_vec())),
            None => drop(map.remove(key.as_bytes())),
        }
    }
}

/// An id for a block, as an engine would derive one from its content.
pub fn id(height: u64, salt: u64) -> [u8; 32] {
    hash(&[&height.to_le_bytes(), &salt.to_le_bytes()])
}
