//! The nodes above a few leaves, computed level by level so that lanes are filled.
#![allow(clippy::arithmetic_side_effects, reason = "depths up to 128 and indices into vectors built here")]

use unfork_proof::{DEPTH_MAX, EMPTY, Hash, digit};

use super::leaf::Leaf;
use crate::keccak::{Block, Lanes, block_of_four, hash_blocks};

/// The preimage of an inner node over nothing.
const NO_CHILDREN: Block = block_of_four(TAG_INNER);
const TAG_INNER: u8 = 1;

/// What stands at one place of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) hash: Hash,
    pub(crate) kind: Kind,
}

/// How many leaves are below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// None.
    #[default]
    Empty,
    /// One: the node is that leaf.
    Leaf,
    /// Two or more.
    Inner,
}

impl Kind {
    /// From the two lowest bits.
    pub(crate) fn unpack(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Empty,
            1 => Self::Leaf,
            _ => Self::Inner,
        }
    }
}

impl Node {
    pub(crate) const EMPTY: Self = Self { hash: EMPTY, kind: Kind::Empty };
}

/// The node over four others; `None` if its hash must be computed from theirs.
pub(crate) fn join(hashes: &[Hash; 4], kinds: [Kind; 4]) -> Option<Node> {
    let mut occupied = kinds.iter().zip(hashes).filter(|(kind, _)| **kind != Kind::Empty);
    match (occupied.next(), occupied.next()) {
        (None, _) => Some(Node::EMPTY),
        (Some((Kind::Leaf, hash)), None) => Some(Node { hash: *hash, kind: Kind::Leaf }),
        _ => None,
    }
}

/// Adds the preimage of an inner node, padded.
pub(crate) fn push_inner(blocks: &mut Vec<Block>, children: &[Hash; 4]) {
    blocks.push(NO_CHILDREN);
    if let Some(block) = blocks.last_mut() {
        block.as_chunks_mut().0.copy_from_slice(children);
    }
}

fn set_child(block: &mut Block, slot: usize, hash: &Hash) {
    block.as_chunks_mut().0[slot] = *hash;
}

/// A subtree under construction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subtree {
    Empty,
    Leaf(Hash),
    /// The n-th inner node at its depth.
    Inner(usize),
}

/// Inner nodes under construction, by depth.
#[derive(Default)]
pub(crate) struct Builder {
    depths: Vec<Level>,
}

#[derive(Default)]
struct Level {
    groups: Vec<Block>,
    /// Children that are inner nodes themselves: node, slot, and which node of the next depth.
    links: Vec<(usize, usize, usize)>,
    hashes: Vec<Hash>,
}

impl Builder {
    /// The subtree at `depth` over `leaves`, which are sorted by path and agree in their first `depth` digits.
    pub(crate) fn add(&mut self, leaves: &[Leaf], depth: usize) -> Subtree {
        match leaves {
            [] => return Subtree::Empty,
            [only] => return Subtree::Leaf(only.hash),
            _ => {}
        }
        // Two leaves with one path would be a collision of Keccak-256; their keys are distinct.
        debug_assert!(depth < DEPTH_MAX, "two leaves share a path");
        while self.depths.len() <= depth {
            self.depths.push(Level::default());
        }
        let number = self.depths[depth].groups.len();
        self.depths[depth].groups.push(NO_CHILDREN);
        let mut rest = leaves;
        for slot in 0..4 {
            let (own, others) = rest.split_at(rest.iter().take_while(|leaf| digit(&leaf.path, depth) <= slot).count());
            rest = others;
            match self.add(own, depth + 1) {
                Subtree::Empty => {}
                Subtree::Leaf(hash) => set_child(&mut self.depths[depth].groups[number], slot, &hash),
                Subtree::Inner(child) => self.depths[depth].links.push((number, slot, child)),
            }
        }
        Subtree::Inner(number)
    }

    /// Hashes everything added, deepest first.
    pub(crate) fn finish(&mut self, lanes: Lanes) {
        let mut below: &[Hash] = &[];
        for level in self.depths.iter_mut().rev() {
            for (number, slot, child) in &level.links {
                set_child(&mut level.groups[*number], *slot, &below[*child]);
            }
            hash_blocks(lanes, &level.groups, &mut level.hashes);
            below = &level.hashes;
        }
    }

    /// Forgets what was added, but keeps the memory.
    pub(crate) fn clear(&mut self) {
        for level in &mut self.depths {
            level.groups.clear();
            level.links.clear();
            level.hashes.clear();
        }
    }

    /// The node of a subtree that was added at `depth`, after [`Builder::finish`].
    pub(crate) fn node(&self, subtree: Subtree, depth: usize) -> Node {
        match subtree {
            Subtree::Empty => Node::EMPTY,
            Subtree::Leaf(hash) => Node { hash, kind: Kind::Leaf },
            Subtree::Inner(number) => Node { hash: self.depths[depth].hashes[number], kind: Kind::Inner },
        }
    }

    /// The children of an inner node that was added at `depth`, after [`Builder::finish`].
    pub(crate) fn children(&self, number: usize, depth: usize) -> [Hash; 4] {
        let mut children = [EMPTY; 4];
        children.copy_from_slice(self.depths[depth].groups[number].as_chunks().0);
        children
    }

    /// The inner node in `slot` of an inner node that was added at `depth`.
    pub(crate) fn inner_child(&self, number: usize, depth: usize, slot: usize) -> Option<usize> {
        let links = &self.depths[depth].links;
        links.iter().find(|(node, at, _)| (*node, *at) == (number, slot)).map(|(_, _, child)| *child)
    }
}

/// The node at `depth` over `leaves`.
pub(crate) fn node_over(leaves: &[Leaf], depth: usize, lanes: Lanes) -> Node {
    let mut builder = Builder::default();
    let subtree = builder.add(leaves, depth);
    builder.finish(lanes);
    builder.node(subtree, depth)
}
