//! A node's own state, written from docs/format.md and from the documentation of [`StateView`] alone: values in a sorted map,
//! and a root that is computed from all of them. No overlay, no tree that is kept, no file, nothing of `unfork-state` but the
//! types of its seam. It is slow and short on purpose: what it gives is easy to judge, and the engine must give the same on it.
#![forbid(unsafe_code)]

mod reader;

pub use reader::{Record, read_block_file, verify};

use sha3::{Digest, Keccak256};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use unfork_state::{ChangeSet, Key, Order, Range, StateError, StateView, Value};

/// A hash of 32 bytes.
pub type Hash = [u8; 32];

/// Values longer than this stand in the tree as their hash (docs/format.md §1.2).
const SHORT_VALUE_BYTES_MAX: usize = 96;

/// A state: every value under its flat key. A clone is a state of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    values: BTreeMap<Vec<u8>, Value>,
}

impl State {
    /// The state after `changes` to this one.
    #[must_use]
    pub fn after(&self, changes: &ChangeSet) -> Self {
        let mut values = self.values.clone();
        for (key, change) in changes.iter() {
            match &change.new {
                Some(value) => values.insert(key.as_bytes().to_vec(), Arc::clone(value)),
                None => values.remove(key.as_bytes()),
            };
        }
        Self { values }
    }

    /// The value of a flat key.
    #[must_use]
    pub fn value(&self, flat_key: &[u8]) -> Option<&[u8]> {
        self.values.get(flat_key).map(AsRef::as_ref)
    }

    /// The number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The root of the tree over all values (docs/format.md §1.2).
    #[must_use]
    pub fn root(&self) -> Hash {
        let with_path = |(key, value): (&Vec<u8>, &Value)| {
            let path = hash(&[key]);
            (path, leaf(&path, value))
        };
        let mut leaves: Vec<(Hash, Hash)> = self.values.iter().map(with_path).collect();
        leaves.sort_unstable();
        subtree(&leaves, 0)
    }
}

impl StateView for State {
    fn get(&self, key: &Key) -> Result<Option<Value>, StateError> {
        Ok(self.values.get(key.as_bytes()).cloned())
    }

    fn length(&self, key: &Key) -> Result<Option<u32>, StateError> {
        let value = self.values.get(key.as_bytes());
        Ok(value.map(|value| u32::try_from(value.len()).expect("no value has 2^32 bytes")))
    }

    fn scan(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Value)>, StateError> {
        let prefix = range.space.prefix();
        let passes = |raw: &[u8]| {
            let after_begin = match &range.from {
                Bound::Included(from) => raw >= from.as_slice(),
                Bound::Excluded(from) => raw > from.as_slice(),
                Bound::Unbounded => true,
            };
            let before_end = match &range.to {
                Bound::Included(to) => raw <= to.as_slice(),
                Bound::Excluded(to) => raw < to.as_slice(),
                Bound::Unbounded => true,
            };
            after_begin && before_end
        };
        // Keys of a space begin with its prefix, and no keys of another space do.
        let of_space = self.values.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        let mut found: Vec<_> = of_space.filter(|(key, _)| passes(&key[prefix.len()..])).collect();
        if range.order == Order::Backward {
            found.reverse();
        }
        found.truncate(limit);
        Ok(found
            .into_iter()
            .map(|(key, value)| (Key::new(&range.space, &key[prefix.len()..]), Arc::clone(value)))
            .collect())
    }
}

/// Keccak-256 of the parts joined.
#[must_use]
pub fn hash(parts: &[&[u8]]) -> Hash {
    let mut hasher = Keccak256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// The leaf of a value at a path.
fn leaf(path: &Hash, value: &[u8]) -> Hash {
    if value.len() <= SHORT_VALUE_BYTES_MAX {
        hash(&[path, value, &[0x00]])
    } else {
        leaf_of_hash(path, &hash(&[value]))
    }
}

/// The same of a longer value, which stands there as its hash.
fn leaf_of_hash(path: &Hash, value_hash: &Hash) -> Hash {
    hash(&[path, value_hash, &[0x02]])
}

/// The hash of the subtree of these leaves, whose paths ascend and have their first `depth` digits in common.
fn subtree(leaves: &[(Hash, Hash)], depth: usize) -> Hash {
    if let [] | [_] = leaves {
        return leaves.first().map_or([0; 32], |(_, leaf)| *leaf);
    }
    // Two bits are a digit, four digits a byte, the most significant first.
    let digit = |path: &Hash| path[depth / 4] >> (6 - depth % 4 * 2) & 3;
    let children = [0, 1, 2, 3].map(|child| {
        let begin = leaves.partition_point(|(path, _)| digit(path) < child);
        let end = leaves.partition_point(|(path, _)| digit(path) <= child);
        subtree(&leaves[begin..end], depth + 1)
    });
    hash(&[&children.concat(), &[0x01]])
}

/// The root over a list of byte strings (docs/format.md §2).
#[must_use]
pub fn list_root(items: &[Vec<u8>]) -> Hash {
    let mut level: Vec<Hash> = items.iter().map(|item| hash(&[item, &[0x10]])).collect();
    while level.len() > 1 {
        let parent = |group: &[Hash]| {
            let missing = vec![0; 32 * (4 - group.len())];
            hash(&[&group.concat(), &missing, &[0x11]])
        };
        level = level.chunks(4).map(parent).collect();
    }
    let top = level.first().copied().unwrap_or_default();
    let count = u32::try_from(items.len()).expect("a list of less than 2^32 items");
    hash(&[&count.to_le_bytes(), &top, &[0x12]])
}
