//! From the root to a path: what proofs are made of.
#![allow(clippy::arithmetic_side_effects, reason = "depths up to 128")]

use unfork_proof::{EMPTY, Hash, Level, digit};

use super::base::prefix;
use super::build::{Builder, Kind, Subtree};
use super::diff::Stack;
use super::leaf::Leaf;
use crate::error::StateError;

/// What a walk from the root to a path met.
pub(crate) struct Way {
    pub(crate) levels: Vec<Level>,
    /// The path of the leaf at the end, if there is one.
    pub(crate) end: Option<Hash>,
}

impl Stack<'_> {
    /// The siblings on the way to `path`, and the leaf at its end.
    pub(crate) fn walk(&self, path: &Hash) -> Result<Way, StateError> {
        let bucket_level = self.committed.base.bucket_level(path);
        let mut levels = Vec::new();
        for level in 0..=bucket_level {
            let number = prefix(path, level);
            match self.node(level, number).kind {
                Kind::Empty => return Ok(Way { levels, end: None }),
                Kind::Leaf => return Ok(Way { levels, end: Some(self.only_leaf(level, number)?) }),
                Kind::Inner if level == bucket_level => break,
                Kind::Inner => levels.push(siblings(&self.children(level, number).0, digit(path, level))),
            }
        }
        let leaves = self.bucket(bucket_level, prefix(path, bucket_level))?;
        let end = self.inside(&leaves, bucket_level, path, &mut levels);
        Ok(Way { levels, end })
    }

    /// The path of the one leaf below a node.
    fn only_leaf(&self, mut level: usize, mut number: u64) -> Result<Hash, StateError> {
        let (top, first) = (level, number);
        let lost = || StateError::corrupt(format!("the tree has no leaf below node {first} of level {top}"));
        loop {
            let path = path_of(level, number);
            if level == self.committed.base.bucket_level(&path) {
                return self.bucket(level, number)?.first().map(|leaf| leaf.path).ok_or_else(lost);
            }
            let (_, kinds) = self.children(level, number);
            let slot = (0..4_u64).zip(kinds).find(|(_, kind)| *kind != Kind::Empty).map(|(slot, _)| slot);
            (level, number) = (level + 1, (number << 2) + slot.ok_or_else(lost)?);
        }
    }

    /// The rest of the way, between the leaves of one bucket.
    fn inside(&self, leaves: &[Leaf], depth: usize, path: &Hash, levels: &mut Vec<Level>) -> Option<Hash> {
        let mut builder = Builder::default();
        let mut subtree = builder.add(leaves, depth);
        builder.finish(self.committed.base.lanes);
        let (mut depth, mut rest) = (depth, leaves);
        while let Subtree::Inner(number) = subtree {
            let own = digit(path, depth);
            let children = builder.children(number, depth);
            levels.push(siblings(&children, own));
            rest = {
                let from = rest.partition_point(|leaf| digit(&leaf.path, depth) < own);
                let to = rest.partition_point(|leaf| digit(&leaf.path, depth) <= own);
                rest.get(from..to).unwrap_or_default()
            };
            subtree = match builder.inner_child(number, depth, own) {
                Some(child) => Subtree::Inner(child),
                None if children[own] == EMPTY => Subtree::Empty,
                None => Subtree::Leaf(children[own]),
            };
            depth += 1;
        }
        rest.first().map(|leaf| leaf.path)
    }
}

/// Any path whose first digits are `number`.
fn path_of(level: usize, number: u64) -> Hash {
    let mut path = [0; 32];
    if let (Some(first), true) = (path.first_chunk_mut::<8>(), level > 0) {
        *first = (number << (64 - 2 * level)).to_be_bytes();
    }
    path
}

fn siblings(children: &[Hash; 4], own: usize) -> Level {
    let mut level = [EMPTY; 3];
    let others = children.iter().enumerate().filter(|(slot, _)| *slot != own);
    for (to, (_, from)) in level.iter_mut().zip(others) {
        *to = *from;
    }
    level
}
