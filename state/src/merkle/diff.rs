//! What one block changes in the tree: nodes and buckets beside the committed ones.
#![allow(clippy::arithmetic_side_effects, reason = "levels, and indices into vectors built here")]

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use unfork_proof::Hash;

use super::base::{Base, LEVELS, Pages, TOP, prefix};
use super::build::{Builder, Kind, Node, Subtree, hash_inner, join};
use super::leaf::{Leaf, LeafChange};
use crate::changes::ChangeSet;
use crate::error::StateError;
use crate::key::Key;

/// Changes made together, about: few enough for all they need to fit a processor's cache, many enough to fill lanes.
const GROUP: usize = 128;
/// Leaves that a changed bucket has, about.
const LEAVES_PER_CHANGE: usize = 6;

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
        let mut making = Making::new(&stack, leaf_changes.len());
        let mut rest = leaf_changes.as_slice();
        while !rest.is_empty() {
            let (group, others) = rest.split_at(whole_segments(rest));
            making.add(group)?;
            rest = others;
        }
        (0..TOP).rev().for_each(|level| making.raise(level, 0, 0));
        let Making { levels, buckets, bucket_leaves, leaves, .. } = making;
        let root = levels.first().and_then(|level| level.first()).map_or_else(|| stack.root(), |(_, node)| node.hash);
        let parent = Mutex::new(stack.diffs.first().cloned());
        let below = stack.diffs.first().map_or(committed.token, |diff| diff.token);
        Ok(Self {
            token,
            below,
            parent,
            layout: committed.base.layout(),
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

/// How many of `changes` make a group: at least [`GROUP`], if there are as many, and all of a segment together.
fn whole_segments(changes: &[LeafChange]) -> usize {
    let Some(last) = changes.get(GROUP - 1) else { return changes.len() };
    let segment = Base::segment_of(&last.path);
    let more = changes.iter().skip(GROUP).take_while(|change| Base::segment_of(&change.path) == segment).count();
    GROUP + more
}

/// A diff under construction. It grows by groups of changes, each with all levels of its segments, so that what a group
/// needs is still near when the next level is computed.
struct Making<'a> {
    stack: &'a Stack<'a>,
    changes: usize,
    levels: Vec<Vec<(u64, Node)>>,
    buckets: Vec<Changed>,
    bucket_leaves: Vec<Leaf>,
    leaves: u64,
    builder: Builder,
    subtrees: Vec<Subtree>,
    /// Nodes of one level to be hashed: their children, which of the level's nodes they are, and their hashes.
    groups: Vec<[Hash; 4]>,
    open: Vec<usize>,
    hashes: Vec<Hash>,
}

impl<'a> Making<'a> {
    fn new(stack: &'a Stack<'a>, changes: usize) -> Self {
        Self {
            stack,
            changes,
            levels: vec![Vec::new(); LEVELS],
            buckets: Vec::with_capacity(changes),
            bucket_leaves: Vec::with_capacity(changes * LEAVES_PER_CHANGE),
            leaves: stack.leaves(),
            builder: Builder::default(),
            subtrees: Vec::new(),
            groups: Vec::new(),
            open: Vec::new(),
            hashes: Vec::new(),
        }
    }

    /// Makes the changes of whole segments, up to the nodes of these.
    fn add(&mut self, changes: &[LeafChange]) -> Result<(), Stale> {
        let base = self.stack.committed.base;
        base.touch(changes.iter().map(|change| &change.path));
        let starts: Vec<usize> = self.levels.iter().map(Vec::len).collect();
        let first = self.buckets.len();
        let mut deepest = TOP;
        let mut rest = changes;
        while let Some(change) = rest.first() {
            let level = base.bucket_level(&change.path);
            let number = prefix(&change.path, level);
            let run = rest.iter().take_while(|change| prefix(&change.path, level) == number).count();
            let (own, others) = rest.split_at(run);
            rest = others;
            let old = self.stack.bucket(level, number)?;
            let from = self.bucket_leaves.len();
            merge(&old, own, &mut self.bucket_leaves)?;
            let merged = &self.bucket_leaves[from..];
            self.leaves = self.leaves - count(&old) + count(merged);
            self.subtrees.push(self.builder.add(merged, level));
            self.buckets.push(Changed { level, number, from, to: self.bucket_leaves.len() });
            deepest = deepest.max(level);
        }
        self.builder.finish(base.lanes);
        for (bucket, subtree) in self.buckets[first..].iter().zip(self.subtrees.drain(..)) {
            self.levels[bucket.level].push((bucket.number, self.builder.node(subtree, bucket.level)));
        }
        self.builder.clear();
        (TOP..deepest).rev().for_each(|level| self.raise(level, starts[level], starts[level + 1]));
        Ok(())
    }

    /// Adds to `level` the nodes above those of the next from its `below`-th on. What `level` has from `from` on was added
    /// for buckets of the same group.
    fn raise(&mut self, level: usize, from: usize, below: usize) {
        let (upper, lower) = self.levels.split_at_mut(level + 1);
        let (Some(above), Some(changed)) = (upper.last_mut(), lower.first().and_then(|nodes| nodes.get(below..)))
        else {
            return;
        };
        if above.is_empty() {
            above.reserve(self.changes.min(1 << (2 * level)));
        }
        let mixed = above.len() > from;
        self.groups.clear();
        self.open.clear();
        for own in changed.chunk_by(|(one, _), (other, _)| one >> 2 == other >> 2) {
            let Some((first, _)) = own.first() else { continue };
            let number = first >> 2;
            let (mut hashes, mut kinds) = self.stack.children(level, number);
            for (child, node) in own {
                let slot = usize::try_from(child & 3).unwrap_or(0);
                (hashes[slot], kinds[slot]) = (node.hash, node.kind);
            }
            let joined = join(&hashes, kinds).unwrap_or_else(|| {
                self.groups.push(hashes);
                self.open.push(above.len());
                Node { hash: [0; 32], kind: Kind::Inner }
            });
            above.push((number, joined));
        }
        hash_inner(self.stack.committed.base.lanes, &self.groups, &mut self.hashes);
        for (at, hash) in self.open.iter().zip(&self.hashes) {
            above[*at].1.hash = *hash;
        }
        if mixed {
            above[from..].sort_unstable_by_key(|(number, _)| *number);
        }
    }
}
