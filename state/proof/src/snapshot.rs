//! Snapshots of a state in chunks, each of which is checked against the state root before any of it is used.
//!
//! The tree is cut at a depth: each chunk holds the keys below one of the 4^depth places there, in the order of their
//! paths. The manifest has the hash of every place; together they give the root, and each gives its chunk.

use alloc::vec::Vec;

use crate::hash::{DEPTH_MAX, EMPTY, Hash, digit, keccak256, state_inner, state_leaf, state_path};
use crate::state::{ProofError, Reader};

/// Depth at which a tree may be cut at most: 65,536 chunks.
pub const SNAPSHOT_DEPTH_MAX: u8 = 8;

const MAGIC: &[u8; 8] = b"UNFORKSN";
const VERSION: u8 = 1;

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotHead {
    /// The chain.
    pub chain_id: [u8; 32],
    /// The height of the block after which the state was taken.
    pub height: u64,
    /// That block's id.
    pub id: [u8; 32],
    /// The state root after it.
    pub root: Hash,
}

/// What stands at one of the places where the tree is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// No key.
    Empty,
    /// One key, whose leaf this is the hash of, and none in the three places beside it: it stands higher in the tree.
    Lone(Hash),
    /// Everything else: the hash of the subtree.
    Subtree(Hash),
}

/// The list of a snapshot's parts.
///
/// Invariant: 4^depth parts, which lead to the head's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    head: SnapshotHead,
    body: Vec<u8>,
    depth: u8,
    parts: Vec<Part>,
}

/// One key and its value.
pub type Entry<'a> = (&'a [u8], &'a [u8]);

/// Which part a path lies in when the tree is cut at `depth`: the number that its first digits make.
#[must_use]
pub fn part_of(path: &Hash, depth: u8) -> u32 {
    (0..usize::from(depth)).fold(0, |part, depth| (part << 2) | u32::try_from(digit(path, depth)).unwrap_or(0))
}

/// The encoding of the chunk of the part `index`. The entries must be in the order of their keys' paths.
#[must_use]
pub fn encode_chunk(index: u32, entries: &[Entry<'_>]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::new();
    out.push(VERSION);
    out.extend_from_slice(&index.to_le_bytes());
    out.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(u32::MAX).to_le_bytes());
    for (key, value) in entries {
        out.extend_from_slice(&length(key));
        out.extend_from_slice(key);
        out.extend_from_slice(&length(value));
        out.extend_from_slice(value);
    }
    out
}

/// The part that the given leaves, (path, leaf hash) in the order of their paths, make at `depth`.
#[must_use]
pub fn part_of_leaves(leaves: &[(Hash, Hash)], depth: u8) -> Part {
    match leaves {
        [] => Part::Empty,
        [(_, leaf)] => Part::Lone(*leaf),
        leaves => Part::Subtree(subtree(leaves, usize::from(depth))),
    }
}

fn subtree(leaves: &[(Hash, Hash)], depth: usize) -> Hash {
    match leaves {
        [] => return EMPTY,
        [(_, leaf)] => return *leaf,
        // Two leaves of one path: no honest tree has them.
        _ if depth >= DEPTH_MAX => return EMPTY,
        _ => {}
    }
    let mut rest = leaves;
    let mut slot = 0_usize;
    let children = [EMPTY; 4].map(|_| {
        let (own, others) = rest.split_at(rest.partition_point(|(path, _)| digit(path, depth) <= slot));
        rest = others;
        slot = slot.saturating_add(1);
        subtree(own, depth.saturating_add(1))
    });
    state_inner(&children)
}

impl Manifest {
    /// The manifest of `parts`, as [`part_of_leaves`] has made them, in their order.
    ///
    /// # Errors
    /// [`ProofError::TooLarge`] above [`SNAPSHOT_DEPTH_MAX`], [`ProofError::NotCanonical`] if the parts are not
    /// 4^depth, [`ProofError::RootMismatch`] if they do not lead to the head's root.
    pub fn new(head: SnapshotHead, body: Vec<u8>, depth: u8, mut parts: Vec<Part>) -> Result<Self, ProofError> {
        // A lone leaf is told from other subtrees only where that makes a difference.
        for group in parts.chunks_mut(4) {
            let alone = group.len() == 4 && group.iter().filter(|part| **part != Part::Empty).count() == 1;
            for part in group {
                if let Part::Lone(hash) = *part
                    && !alone
                {
                    *part = Part::Subtree(hash);
                }
            }
        }
        Self { head, body, depth, parts }.checked()
    }

    fn checked(self) -> Result<Self, ProofError> {
        if self.depth > SNAPSHOT_DEPTH_MAX {
            return Err(ProofError::TooLarge("depth of a snapshot"));
        }
        if self.parts.len() != parts_at(self.depth) {
            return Err(ProofError::NotCanonical("number of parts"));
        }
        let mut parts = self.parts.clone();
        if self.depth == 0 && matches!(parts.as_slice(), [Part::Lone(_)]) {
            return Err(ProofError::NotCanonical("a lone leaf among others"));
        }
        for level in 0..self.depth {
            parts = parts.chunks(4).map(|group| join(group, level == 0)).collect::<Result<_, _>>()?;
        }
        let root = match parts.as_slice() {
            [Part::Lone(hash) | Part::Subtree(hash)] => *hash,
            _ => EMPTY,
        };
        if root == self.head.root { Ok(self) } else { Err(ProofError::RootMismatch) }
    }

    /// What the snapshot is of.
    #[must_use]
    pub fn head(&self) -> &SnapshotHead {
        &self.head
    }

    /// The block after which the state was taken, as the engine encodes it. Nothing here checks that its id is the
    /// head's: who knows blocks must.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The numbers of the chunks there are: those of the parts that have a key.
    pub fn chunks(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.parts).filter(|(_, part)| **part != Part::Empty).map(|(index, _)| index)
    }

    /// Checks a chunk: returns its number and its entries if and only if it is the chunk of that part.
    ///
    /// # Errors
    /// [`ProofError`] naming what is wrong; nothing of the chunk may be used then.
    pub fn check_chunk<'a>(&self, chunk: &'a [u8]) -> Result<(u32, Vec<Entry<'a>>), ProofError> {
        let mut input = Reader { rest: chunk };
        let version = input.byte()?;
        if version != VERSION {
            return Err(ProofError::Version { found: version });
        }
        let (index, count) = (input.u32()?, input.u32()?);
        let part = usize::try_from(index).ok().and_then(|index| self.parts.get(index));
        let hash = match part {
            Some(Part::Lone(hash) | Part::Subtree(hash)) => *hash,
            _ => return Err(ProofError::NotCanonical("there is no such chunk")),
        };
        let (mut entries, mut leaves) = (Vec::new(), Vec::<(Hash, Hash)>::new());
        for _ in 0..count {
            let key = input.bytes()?;
            let value = input.bytes()?;
            let path = state_path(key);
            if part_of(&path, self.depth) != index {
                return Err(ProofError::WrongKey);
            }
            if leaves.last().is_some_and(|(last, _)| *last >= path) {
                return Err(ProofError::NotCanonical("order of keys"));
            }
            leaves.push((path, state_leaf(&path, value)));
            entries.push((key, value));
        }
        input.finish()?;
        let found = subtree(&leaves, usize::from(self.depth));
        if found == hash { Ok((index, entries)) } else { Err(ProofError::RootMismatch) }
    }

    /// The canonical encoding; its layout is in `docs/format.md`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let SnapshotHead { chain_id, height, id, root } = &self.head;
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.extend_from_slice(chain_id);
        out.extend_from_slice(&height.to_le_bytes());
        out.extend_from_slice(id);
        out.extend_from_slice(root);
        out.extend_from_slice(&u32::try_from(self.body.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&self.body);
        out.push(self.depth);
        for part in &self.parts {
            let (kind, hash) = match part {
                Part::Empty => (0, None),
                Part::Subtree(hash) => (1, Some(hash)),
                Part::Lone(hash) => (2, Some(hash)),
            };
            out.push(kind);
            out.extend_from_slice(hash.map_or(&[], Hash::as_slice));
        }
        let digest = keccak256(&[&out]);
        out.extend_from_slice(&digest);
        out
    }

    /// Reads a manifest back. What it says of itself must still be compared with a header that is trusted: its parts
    /// lead to the root that it names, nothing more.
    ///
    /// # Errors
    /// [`ProofError`] naming the first part that is not as it should be.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        let (content, digest) = bytes.split_last_chunk::<32>().ok_or(ProofError::Truncated)?;
        if keccak256(&[content]) != *digest {
            return Err(ProofError::NotCanonical("digest of the manifest"));
        }
        let mut input = Reader { rest: content };
        if input.take(MAGIC.len())? != MAGIC {
            return Err(ProofError::NotCanonical("magic of a manifest"));
        }
        let version = input.byte()?;
        if version != VERSION {
            return Err(ProofError::Version { found: version });
        }
        let chain_id = input.hash()?;
        let height = input.u64()?;
        let (id, root) = (input.hash()?, input.hash()?);
        let body = input.bytes()?.to_vec();
        let depth = input.byte()?;
        if depth > SNAPSHOT_DEPTH_MAX {
            return Err(ProofError::TooLarge("depth of a snapshot"));
        }
        let mut parts = Vec::with_capacity(parts_at(depth));
        for _ in 0..parts_at(depth) {
            parts.push(match input.byte()? {
                0 => Part::Empty,
                1 => Part::Subtree(input.hash()?),
                2 => Part::Lone(input.hash()?),
                _ => return Err(ProofError::NotCanonical("kind of a part")),
            });
        }
        input.finish()?;
        if parts.iter().any(|part| matches!(part, Part::Subtree(EMPTY) | Part::Lone(EMPTY))) {
            return Err(ProofError::NotCanonical("an empty part is written out"));
        }
        Self { head: SnapshotHead { chain_id, height, id, root }, body, depth, parts }.checked()
    }
}

/// 4^depth; at most 65,536.
fn parts_at(depth: u8) -> usize {
    (0..depth).fold(1_usize, |parts, _| parts.saturating_mul(4))
}

/// The part one level up. At the `lowest` level a part that is no lone leaf may still be a leaf beside others.
fn join(group: &[Part], lowest: bool) -> Result<Part, ProofError> {
    let mut hashes = [EMPTY; 4];
    for (hash, part) in hashes.iter_mut().zip(group) {
        if let Part::Lone(found) | Part::Subtree(found) = part {
            *hash = *found;
        }
    }
    let mut present = group.iter().filter(|part| **part != Part::Empty);
    match (present.next(), present.next()) {
        (None, _) => Ok(Part::Empty),
        (Some(Part::Lone(hash)), None) => Ok(Part::Lone(*hash)),
        (Some(_), None) => Ok(Part::Subtree(state_inner(&hashes))),
        _ if lowest && group.iter().any(|part| matches!(part, Part::Lone(_))) => {
            Err(ProofError::NotCanonical("a lone leaf among others"))
        }
        _ => Ok(Part::Subtree(state_inner(&hashes))),
    }
}
