//! The hash function and the preimages of the state tree's nodes.
//!
//! Every preimage ends in a tag byte, and each tag fixes the layout in front of it, so no two nodes of different kind
//! or content share a preimage. Leaf and inner preimages are at most 129 bytes: one Keccak-256 block.

use sha3::{Digest, Keccak256};

/// A Keccak-256 digest.
pub type Hash = [u8; 32];

/// The hash of an empty subtree: 32 zero bytes, a value nobody can find a preimage of.
pub const EMPTY: Hash = [0; 32];

/// Levels of the state tree at most: a path has 256 bits and each level consumes two.
pub const DEPTH_MAX: usize = 128;

/// Longest value in bytes that stands in its leaf's preimage itself; of a longer one its hash does.
pub const INLINE_VALUE_BYTES_MAX: usize = 96;

const TAG_LEAF_INLINE: u8 = 0x00;
const TAG_INNER: u8 = 0x01;
const TAG_LEAF_HASHED: u8 = 0x02;

/// The Keccak-256 (original padding, as in Ethereum; not SHA3-256) of the concatenation of `parts`.
#[must_use]
pub fn keccak256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Where a key stands in the tree: the Keccak-256 of its flat bytes (space prefix and raw key).
#[must_use]
pub fn state_path(key: &[u8]) -> Hash {
    keccak256(&[key])
}

/// The hash of the leaf at `path` with `value`. An empty value has a leaf; an absent one has none.
#[must_use]
pub fn state_leaf(path: &Hash, value: &[u8]) -> Hash {
    if value.len() <= INLINE_VALUE_BYTES_MAX {
        keccak256(&[path, value, &[TAG_LEAF_INLINE]])
    } else {
        state_leaf_of_hash(path, &keccak256(&[value]))
    }
}

/// The hash of the leaf at `path` whose value, longer than [`INLINE_VALUE_BYTES_MAX`], has the hash `value_hash`.
#[must_use]
pub fn state_leaf_of_hash(path: &Hash, value_hash: &Hash) -> Hash {
    keccak256(&[path, value_hash, &[TAG_LEAF_HASHED]])
}

/// The hash of an inner node. Only a subtree of two leaves or more has one.
#[must_use]
pub fn state_inner(children: &[Hash; 4]) -> Hash {
    keccak256(&[children.as_flattened(), &[TAG_INNER]])
}

/// Which of the four children of a node at `depth` (0 = root) leads to `path`: two bits, most significant first.
/// At [`DEPTH_MAX`] and below there is nothing left to choose, and the answer is 0.
#[must_use]
pub fn digit(path: &Hash, depth: usize) -> usize {
    let Some(byte) = path.get(depth >> 2) else { return 0 };
    let shift = match depth & 3 {
        0 => 6,
        1 => 4,
        2 => 2,
        _ => 0,
    };
    usize::from((byte >> shift) & 3)
}
