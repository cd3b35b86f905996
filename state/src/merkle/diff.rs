//! What one block changes in the tree: nodes and buckets beside the committed ones.
#![allow(clippy::arithmetic_side_effects, reason = "levels, and indices into vectors built here")]

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use unfork_proof::Hash;

use super::base::{Base, Pages, prefix};
use super::build::{Builder, Kind, Node, hash_inner, join};
use super::leaf::{Leaf, LeafChange};
use crate::changes::ChangeSet;
use crate::error::StateError;
use crate::key::Key;

/// Changes whose places in the tree are brought near together: what they take fits a processor's cache.
const TOUCHED: usize = 128;

/// The tree of a state that is not committed, as what differs from the state below it.
pub(crate) struct Diff {
    /// The state this is.
    token: u64,
    /// The state below.
    below: u64,
    /// The uncommitted state below; `None` once that is committed, or if the committed one always was below.
    parent: Mutex<Option<Arc<Diff>>>,
    /// The base's layout that level and number of the buckets go by.
    layout: u64,
    /// Changed nodes by level, each level sorted by number.
    levels: Vec<Vec<(u64, Node)>>,
    /// Changed buckets, sorted by path.
    buckets: Vec<Changed>,
    /// Their leaves.
    bucket_leaves: Vec<Leaf>,
    /// The changes that led here.
    changes: Arc<ChangeSet>,
    /// The same, sorted by path.
    leaf_changes: Vec<LeafChange>,
    leaves: u64,
    root: Hash,
}

struct Changed {
    level: usize,
    number: u64,
    /// Which of all buckets' leaves are its.
    from: usize,
    to: usize,
}

/// Why a diff cannot be used.
#[derive(Debug)]
pub(crate) enum Stale {
    /// Another block than the one below was committed.
    HeadMoved,
    /// A key's presence is not as the change says: the n-th change.
    Contradicts(u32),
    /// Leaves could not be read.
    Unreadable(StateError),
}

impl From<StateError> for Stale {
    fn from(error: StateError) -> Self {
        Self::Unreadable(error)
    }
}

/// The committed tree, with what it needs to be read: which state it is, and the leaves on disk.
#[derive(Clone, Copy)]
pub(crate) struct Committed<'a> {
    pub(crate) base: &'a Base,
    pub(crate) token: u64,
    pub(crate) pages: &'a dyn Pages,
}

/// A state read through the diffs above the base, newest first.
pub(crate) struct Stack<'a> {
    pub(crate) committed: Committed<'a>,
    diffs: Vec<Arc<Diff>>,
}

impl<'a> Stack<'a> {
    /// The state of `top`, or the committed one.
    pub(crate) fn new(committed: Committed<'a>, top: Option<&Arc<Diff>>) -> Result<Self, Stale> {
        let mut diffs = Vec::new();
        let mut next = top.cloned();
        let mut state = top.map_or(committed.token, |diff| diff.token);
        while state != committed.token {
            let diff = next.ok_or(Stale::HeadMoved)?;
            state = diff.below;
            next = diff.parent();
            diffs.push(diff);
        }
        // Numbers of buckets must mean the same everywhere.
        if diffs.iter().any(|diff| diff.layout != committed.base.layout()) {
            let mut renewed: Option<Arc<Diff>> = None;
            for diff in diffs.iter().rev() {
                let (changes, leaf_changes) = (diff.changes.clone(), diff.leaf_changes.clone());
                let new = Diff::new(committed, renewed.as_ref(), diff.token, changes, leaf_changes)?;
                renewed = Some(Arc::new(new));
            }
            return Self::new(committed, renewed.as_ref());
        }
        Ok(Self { committed, diffs })
    }

    pub(crate) fn node(&self, level: usize, number: u64) -> Node {
        let changed = self.diffs.iter().find_map(|diff| diff.node(level, number));
        changed.unwrap_or_else(|| self.committed.base.node(level, number))
    }

    pub(crate) fn children(&self, level: usize, number: u64) -> ([Hash; 4], [Kind; 4]) {
        let (mut hashes, mut kinds) = self.committed.base.children(level, number);
        for diff in self.diffs.iter().rev() {
            for (child, node) in diff.nodes(level + 1, number << 2, (number << 2) + 4) {
                let slot = usize::try_from(child & 3).unwrap_or(0);
                (hashes[slot], kinds[slot]) = (node.hash, node.kind);
            }
        }
        (hashes, kinds)
    }

    pub(crate) fn bucket(&self, level: usize, number: u64) -> Result<Cow<'_, [Leaf]>, StateError> {
        for diff in &self.diffs {
            let found = diff.buckets.binary_search_by_key(&(number << (64 - 2 * level)), Changed::position);
            if let Some(changed) = found.ok().and_then(|at| diff.buckets.get(at)) {
                return Ok(Cow::Borrowed(diff.leaves_of(changed)));
            }
        }
        self.committed.base.bucket(level, number, self.committed.pages)
    }

    fn leaves(&self) -> u64 {
        self.diffs.first().map_or_else(|| self.committed.base.leaves(), |diff| diff.leaves)
    }

    fn root(&self) -> Hash {
        self.diffs.first().map_or_else(|| self.committed.base.root(), |diff| diff.root)
    }
}

impl Changed {
    /// Where the bucket begins on the line of all paths; buckets do not overlap.
    fn position(&self) -> u64 {
        self.number << (64 - 2 * self.level)
    }
}

impl Diff {
    /// The state `token` after `changes`, which `leaf_changes` are for the tree, to the state `below`, or to the committed
    /// one.
    pub(crate) fn new(
        committed: Committed<'_>,
        below: Option<&Arc<Self>>,
        token: u64,
        changes: Arc<ChangeSet>,
        leaf_changes: Vec<LeafChange>,
    ) -> Result<Self, Stale> {
        let stack = Stack::new(committed, below)?;
        let base = committed.base;
        let mut builder = Builder::default();
        let mut buckets: Vec<Changed> = Vec::with_capacity(leaf_changes.len());
        let mut subtrees = Vec::with_capacity(leaf_changes.len());
        let mut leaves = stack.leaves();
        let mut bucket_leaves: Vec<Leaf> = Vec::with_capacity(leaf_changes.len() * 6);
        let mut rest = leaf_changes.as_slice();
        let mut untouched = leaf_changes.chunks(TOUCHED);
        let mut touched = 0;
        while let Some(first) = rest.first() {
            if touched < leaf_changes.len() - rest.len() + 1
                && let Some(next) = untouched.next()
            {
                base.touch(next.iter().map(|change| &change.path));
                touched += next.len();
            }
            let level = base.bucket_level(&first.path);
            let number = prefix(&first.path, level);
            let run = rest.iter().take_while(|change| prefix(&change.path, level) == number).count();
            let (own, others) = rest.split_at(run);
            rest = others;
            let old = stack.bucket(level, number)?;
            let from = bucket_leaves.len();
            merge(&old, own, &mut bucket_leaves)?;
            let merged = &bucket_leaves[from..];
            leaves = leaves - count(&old) + count(merged);
            subtrees.push(builder.add(merged, level));
            buckets.push(Changed { level, number, from, to: bucket_leaves.len() });
        }
        builder.finish(base.lanes);
        let deepest = buckets.iter().map(|bucket| bucket.level).max().unwrap_or(0);
        let mut levels: Vec<Vec<(u64, Node)>> = vec![Vec::new(); deepest + 1];
        for (bucket, subtree) in buckets.iter().zip(subtrees) {
            levels[bucket.level].push((bucket.number, builder.node(subtree, bucket.level)));
        }
        for level in (0..deepest).rev() {
            let above = parents(&stack, level, &levels[level + 1]);
            // Buckets of other segments may stand in this level as well.
            let merge = !levels[level].is_empty();
            levels[level].extend(above);
            if merge {
                levels[level].sort_unstable_by_key(|(number, _)| *number);
            }
        }
        let root = levels.first().and_then(|level| level.first()).map_or_else(|| stack.root(), |(_, node)| node.hash);
        let parent = Mutex::new(stack.diffs.first().cloned());
        let below = stack.diffs.first().map_or(committed.token, |diff| diff.token);
        Ok(Self {
            token,
            below,
            parent,
            layout: base.layout(),
            levels,
            buckets,
            bucket_leaves,
            changes,
            leaf_changes,
            leaves,
            root,
        })
    }

    pub(crate) fn root(&self) -> Hash {
        self.root
    }

    pub(crate) fn token(&self) -> u64 {
        self.token
    }

    /// The state below.
    pub(crate) fn below(&self) -> u64 {
        self.below
    }

    pub(crate) fn changes(&self) -> &Arc<ChangeSet> {
        &self.changes
    }

    pub(crate) fn leaf_changes(&self) -> &[LeafChange] {
        &self.leaf_changes
    }

    /// The key whose path is `path`, if this or an uncommitted state below changes it.
    pub(crate) fn key_of(&self, path: &Hash) -> Option<Key> {
        let found = self.leaf_changes.binary_search_by(|change| change.path.cmp(path)).ok();
        match found.and_then(|at| self.leaf_changes.get(at)) {
            Some(change) => {
                let number = usize::try_from(change.number).ok()?;
                self.changes.entries().get(number).map(|(key, _)| key.clone())
            }
            None => self.parent()?.key_of(path),
        }
    }

    /// Makes the committed tree this one. It must be what is below.
    pub(crate) fn commit(self: &Arc<Self>, base: &mut Base, token: u64, pages: &dyn Pages) -> Result<(), Stale> {
        let stack = Stack::new(Committed { base, token, pages }, Some(self))?;
        let [diff] = stack.diffs.as_slice() else { return Err(Stale::HeadMoved) };
        let diff = diff.clone();
        for (level, nodes) in diff.levels.iter().enumerate() {
            for (number, node) in nodes {
                base.set_node(level, *number, *node);
            }
        }
        for bucket in &diff.buckets {
            base.set_bucket(bucket.level, bucket.number, diff.leaves_of(bucket));
        }
        for bucket in &diff.buckets {
            // A segment's depth may have changed for a bucket before; then it is what it should be.
            base.balance(bucket.level, bucket.number, pages);
        }
        // Whoever builds on this finds everything in the base now; the chain must not grow with the chain of blocks.
        *self.parent.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    fn parent(&self) -> Option<Arc<Self>> {
        self.parent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn leaves_of(&self, bucket: &Changed) -> &[Leaf] {
        self.bucket_leaves.get(bucket.from..bucket.to).unwrap_or_default()
    }

    fn node(&self, level: usize, number: u64) -> Option<Node> {
        let nodes = self.levels.get(level)?;
        let at = nodes.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        nodes.get(at).map(|(_, node)| *node)
    }

    /// The changed nodes of `level` with numbers in a range.
    fn nodes(&self, level: usize, from: u64, to: u64) -> &[(u64, Node)] {
        let Some(nodes) = self.levels.get(level) else { return &[] };
        let start = nodes.partition_point(|(number, _)| *number < from);
        let rest = nodes.get(start..).unwrap_or_default();
        rest.get(..rest.iter().take_while(|(number, _)| *number < to).count()).unwrap_or_default()
    }
}

fn count(leaves: &[Leaf]) -> u64 {
    u64::try_from(leaves.len()).unwrap_or(u64::MAX)
}

/// Makes `changes`, all of one bucket, to its leaves.
fn merge(old: &[Leaf], changes: &[LeafChange], merged: &mut Vec<Leaf>) -> Result<(), Stale> {
    let mut rest = old;
    for change in changes {
        let (before, after) = rest.split_at(rest.iter().take_while(|leaf| leaf.path < change.path).count());
        merged.extend_from_slice(before);
        let present = after.first().is_some_and(|leaf| leaf.path == change.path);
        if present != change.old {
            return Err(Stale::Contradicts(change.number));
        }
        rest = if present { after.get(1..).unwrap_or_default() } else { after };
        merged.extend(change.new.map(|hash| Leaf { path: change.path, hash }));
    }
    merged.extend_from_slice(rest);
    Ok(())
}

/// The nodes of `level` above `changed` ones of the next.
fn parents(stack: &Stack<'_>, level: usize, changed: &[(u64, Node)]) -> Vec<(u64, Node)> {
    let mut parents: Vec<(u64, Node)> = Vec::with_capacity(changed.len());
    let (mut groups, mut open) = (Vec::with_capacity(changed.len()), Vec::with_capacity(changed.len()));
    for own in changed.chunk_by(|(one, _), (other, _)| one >> 2 == other >> 2) {
        let Some((first, _)) = own.first() else { continue };
        let number = first >> 2;
        let (mut hashes, mut kinds) = stack.children(level, number);
        for (child, node) in own {
            let slot = usize::try_from(child & 3).unwrap_or(0);
            (hashes[slot], kinds[slot]) = (node.hash, node.kind);
        }
        let joined = join(&hashes, kinds).unwrap_or_else(|| {
            groups.push(hashes);
            open.push(parents.len());
            Node { hash: [0; 32], kind: Kind::Inner }
        });
        parents.push((number, joined));
    }
    for (at, hash) in open.into_iter().zip(hash_inner(stack.committed.base.lanes, &groups)) {
        parents[at].1.hash = hash;
    }
    parents
}
