//! The tree over an ordered list of byte strings: transactions, receipts, events.
//!
//! ```text
//!   root = H(count: u32 LE ++ top ++ 0x12)
//!   top  = the only node of the last level; 32 zero bytes for an empty list
//!   node = H(c0 ++ c1 ++ c2 ++ c3 ++ 0x11), missing children at the right are 32 zero bytes
//!   leaf = H(item ++ 0x10)
//! ```

use alloc::vec::Vec;

use crate::hash::{EMPTY, Hash, keccak256};
use crate::state::{ProofError, Reader};

/// Items a list may have: its count is a u32.
pub const LIST_ITEMS_MAX: u32 = u32::MAX;

/// Levels above the leaves at most: 4^16 covers every u32.
pub const LIST_DEPTH_MAX: usize = 16;

/// What stands behind an item where its leaf is hashed.
pub const LIST_LEAF_TAG: u8 = 0x10;
/// What stands behind the four children where a node is hashed.
pub const LIST_INNER_TAG: u8 = 0x11;
/// What stands behind count and top where a root is hashed.
pub const LIST_ROOT_TAG: u8 = 0x12;
const VERSION: u8 = 1;

/// The hash of one item.
#[must_use]
pub fn list_leaf(item: &[u8]) -> Hash {
    keccak256(&[item, &[LIST_LEAF_TAG]])
}

/// The root over `items` in their order.
#[must_use]
pub fn list_root<I: AsRef<[u8]>>(items: &[I]) -> Hash {
    ListTree::new(items).root()
}

/// All levels of the tree over one list, to take proofs from.
///
/// Invariant: `levels[0]` are the leaves, every further level is a quarter as wide (rounded up), the last has one node;
/// there is no level for an empty list.
#[derive(Clone, Debug)]
pub struct ListTree {
    levels: Vec<Vec<Hash>>,
    count: u32,
}

impl ListTree {
    /// The tree over `items`.
    ///
    /// # Panics
    /// Above [`LIST_ITEMS_MAX`] items, which do not fit into the memory the caller would need for them.
    #[must_use]
    pub fn new<I: AsRef<[u8]>>(items: &[I]) -> Self {
        Self::from_leaves(items.iter().map(|item| list_leaf(item.as_ref())).collect())
    }

    /// The tree over items of which the leaf hashes are known already.
    ///
    /// # Panics
    /// As [`ListTree::new`].
    #[must_use]
    #[expect(clippy::expect_used, reason = "a list of 2^32 hashes is 128 GiB; no caller can hold one")]
    pub fn from_leaves(leaves: Vec<Hash>) -> Self {
        let count = u32::try_from(leaves.len()).expect("a list has at most u32::MAX items");
        let mut levels = Vec::new();
        if count == 0 {
            return Self { levels, count };
        }
        let mut level = leaves;
        while level.len() > 1 {
            let above = level.chunks(4).map(inner).collect();
            levels.push(core::mem::replace(&mut level, above));
        }
        levels.push(level);
        Self { levels, count }
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Hash {
        let top = self.levels.last().and_then(|level| level.first()).copied().unwrap_or(EMPTY);
        root_of(self.count, &top)
    }

    /// The number of items.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn levels(&self) -> &[Vec<Hash>] {
        &self.levels
    }

    /// The proof that the item at `index` stands there, or `None` beyond the end of the list.
    #[must_use]
    pub fn prove(&self, index: u32) -> Option<ListProof> {
        if index >= self.count {
            return None;
        }
        let mut siblings = Vec::new();
        let mut position = usize::try_from(index).ok()?;
        for level in &self.levels {
            if level.len() == 1 {
                break;
            }
            let group = level.chunks(4).nth(position >> 2)?;
            siblings.extend(group.iter().enumerate().filter(|(slot, _)| *slot != position & 3).map(|(_, hash)| *hash));
            position >>= 2;
        }
        Some(ListProof { index, count: self.count, siblings })
    }
}

pub(crate) fn inner(group: &[Hash]) -> Hash {
    let mut children = [EMPTY; 4];
    for (child, hash) in children.iter_mut().zip(group) {
        *child = *hash;
    }
    keccak256(&[children.as_flattened(), &[LIST_INNER_TAG]])
}

pub(crate) fn root_of(count: u32, top: &Hash) -> Hash {
    keccak256(&[&count.to_le_bytes(), top, &[LIST_ROOT_TAG]])
}

/// How many of the four slots around `position` are used in a level of `width` nodes; `width` is above `position`.
pub(crate) fn group_size(position: u32, width: u32) -> u32 {
    width.saturating_sub(position & !3).min(4)
}

/// Shows that an item stands at an index of a list with a given root.
///
/// Invariant: index is below count, and there are exactly as many siblings as (index, count) demand. The siblings run
/// from the leaves upwards, in slot order within a level, missing ones at the right edge left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListProof {
    index: u32,
    count: u32,
    siblings: Vec<Hash>,
}

impl ListProof {
    /// The index of the item, from 0.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The number of items in the list; the root commits to it.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Accepts if and only if this proof shows, under `root`, that `item` stands at `index`.
    ///
    /// # Errors
    /// [`ProofError::WrongKey`] for another index, [`ProofError::RootMismatch`] for all else that does not fit.
    pub fn verify(&self, root: &Hash, index: u32, item: &[u8]) -> Result<(), ProofError> {
        if self.index != index {
            return Err(ProofError::WrongKey);
        }
        let mut hash = list_leaf(item);
        let (mut position, mut width) = (self.index, self.count);
        let mut siblings = self.siblings.iter();
        while width > 1 {
            let mut group = [EMPTY; 4];
            for (slot, child) in (0..group_size(position, width)).zip(group.iter_mut()) {
                *child = if slot == position & 3 { hash } else { *siblings.next().ok_or(ProofError::Truncated)? };
            }
            hash = inner(&group);
            (position, width) = (position >> 2, width.div_ceil(4));
        }
        if siblings.next().is_some() {
            return Err(ProofError::TrailingBytes);
        }
        if root_of(self.count, &hash) == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
    }

    /// The canonical encoding: version 0x01, index u32 LE, count u32 LE, siblings of 32 bytes each.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.push(VERSION);
        out.extend_from_slice(&self.index.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(self.siblings.as_flattened());
        out
    }

    /// Reads a proof back. Accepts exactly the bytes that [`ListProof::encode`] writes for some proof.
    ///
    /// # Errors
    /// [`ProofError`] naming the first part that is not as it should be.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut input = Reader { rest: bytes };
        let version = input.byte()?;
        if version != VERSION {
            return Err(ProofError::Version { found: version });
        }
        let (index, count) = (input.u32()?, input.u32()?);
        if index >= count {
            return Err(ProofError::NotCanonical("index is not below count"));
        }
        let mut siblings = Vec::new();
        let (mut position, mut width) = (index, count);
        while width > 1 {
            for _ in 1..group_size(position, width) {
                siblings.push(input.hash()?);
            }
            (position, width) = (position >> 2, width.div_ceil(4));
        }
        input.finish()?;
        Ok(Self { index, count, siblings })
    }
}
