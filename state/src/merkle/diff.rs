//! What one block changes in the tree: nodes and buckets beside the committed ones.
#![allow(clippy::arithmetic_side_effects, reason = "levels, and indices into vectors built here")]

use std::borrow::Cow;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use unfork_proof::Hash;

use super::base::{Base, LEVELS, Pages, TOP, prefix};
use super::build::{Builder, Kind, Node, Subtree, join, push_inner};
use super::leaf::{Leaf, LeafChange, replay};
use super::spare::{Levels, Spare};
use crate::changes::ChangeSet;
use crate::error::StateError;
use crate::keccak::{Block, hash_blocks};
use crate::key::Key;

/// Changes made together, about: few enough for all they need to fit a processor's cache, many enough to fill lanes.
const GROUP: usize = 128;

/// Changes by which memory is asked for before it is needed.
const AHEAD: usize = 8;

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
    levels: Levels,
    /// Changed buckets whose leaves were not in memory, sorted by path, with what they are after the changes. All others
    /// are those of the state below and [`Diff::leaf_changes`].
    fetched: Vec<Fetched>,
    /// The changes that led here.
    changes: Arc<ChangeSet>,
    /// The same, sorted by path.
    leaf_changes: Vec<LeafChange>,
    leaves: u64,
    root: Hash,
    /// Where its memory goes in the end.
    spare: Arc<Spare>,
}

struct Fetched {
    level: usize,
    number: u64,
    leaves: Vec<Leaf>,
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
                let new = Diff::new(committed, renewed.as_ref(), diff.token, changes, leaf_changes, &diff.spare)?;
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
        let fetched = |diff: &'_ Arc<Diff>| diff.fetched(level, number).is_some();
        let whole = self.diffs.iter().position(fetched);
        let mut leaves = match whole.and_then(|at| self.diffs.get(at)?.fetched(level, number)) {
            Some(leaves) => Cow::Borrowed(leaves),
            None => self.committed.base.bucket(level, number, self.committed.pages)?,
        };
        for diff in self.diffs.iter().take(whole.unwrap_or(self.diffs.len())).rev() {
            let changes = diff.changes_in(level, number);
            if !changes.is_empty() {
                let mut merged = Vec::new();
                replay(&leaves, changes, &mut merged);
                leaves = Cow::Owned(merged);
            }
        }
        Ok(leaves)
    }

    fn leaves(&self) -> u64 {
        self.diffs.first().map_or_else(|| self.committed.base.leaves(), |diff| diff.leaves)
    }

    fn root(&self) -> Hash {
        self.diffs.first().map_or_else(|| self.committed.base.root(), |diff| diff.root)
    }
}

impl Drop for Diff {
    fn drop(&mut self) {
        self.spare.keep(mem::take(&mut self.leaf_changes), mem::take(&mut self.levels));
    }
}

impl Fetched {
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
        spare: &Arc<Spare>,
    ) -> Result<Self, Stale> {
        let stack = Stack::new(committed, below)?;
        let mut making = Making::new(&stack, leaf_changes.len(), spare);
        // What says where the leaves of a group lie is asked for while the group before is made, then the leaves together.
        let mut groups = Groups(&leaf_changes).peekable();
        groups.peek().into_iter().for_each(|group| making.ask_for_buckets(group));
        while let Some(group) = groups.next() {
            groups.peek().into_iter().for_each(|next| making.ask_for_buckets(next));
            making.ask_for_leaves(group);
            making.add(group)?;
        }
        (0..TOP).rev().for_each(|level| making.raise(level, 0, 0));
        let Making { levels, fetched, leaves, tools, .. } = making;
        spare.keep_tools(tools);
        let root = levels.first().and_then(|level| level.first()).map_or_else(|| stack.root(), |(_, node)| node.hash);
        let parent = Mutex::new(stack.diffs.first().cloned());
        let below = stack.diffs.first().map_or(committed.token, |diff| diff.token);
        Ok(Self {
            token,
            below,
            parent,
            layout: committed.base.layout(),
            levels,
            fetched,
            changes,
            leaf_changes,
            leaves,
            root,
            spare: spare.clone(),
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
        // What may fail comes first.
        let mut late = Vec::new();
        let mut rest = diff.leaf_changes.as_slice();
        while let Some((level, number, _, others)) = split_bucket(base, rest) {
            rest = others;
            rest.get(2 * AHEAD).into_iter().for_each(|change| base.ask_for_bucket(&change.path));
            if !base.is_resident(level, number) && diff.fetched(level, number).is_none() {
                late.push(Fetched { level, number, leaves: base.bucket(level, number, pages)?.into_owned() });
            }
        }
        for bucket in diff.fetched.iter().chain(&late) {
            base.set_bucket(bucket.level, bucket.number, &bucket.leaves);
        }
        let mut merged = Vec::new();
        let mut rest = diff.leaf_changes.as_slice();
        while let Some((level, number, own, others)) = split_bucket(base, rest) {
            rest = others;
            rest.get(AHEAD).into_iter().for_each(|change| base.ask_for_leaves(&change.path));
            base.change_bucket(level, number, own, &mut merged);
        }
        for (level, nodes) in diff.levels.iter().enumerate() {
            for (at, (number, node)) in nodes.iter().enumerate() {
                nodes.get(at + AHEAD).into_iter().for_each(|(number, _)| base.ask_for_node(level, *number));
                base.set_node(level, *number, *node);
            }
        }
        let segment = |change: &LeafChange| Base::segment_of(&change.path);
        for own in diff.leaf_changes.chunk_by(|one, other| segment(one) == segment(other)) {
            own.iter().take(1).for_each(|change| base.balance(segment(change), pages));
        }
        // Whoever builds on this finds everything in the base now; the chain must not grow with the chain of blocks.
        *self.parent.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    fn parent(&self) -> Option<Arc<Self>> {
        self.parent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The leaves of a bucket, if they are kept here.
    fn fetched(&self, level: usize, number: u64) -> Option<&[Leaf]> {
        if self.fetched.is_empty() {
            return None;
        }
        let at = self.fetched.binary_search_by_key(&(number << (64 - 2 * level)), Fetched::position).ok()?;
        self.fetched.get(at).map(|bucket| bucket.leaves.as_slice())
    }

    /// The changes of a bucket's leaves.
    fn changes_in(&self, level: usize, number: u64) -> &[LeafChange] {
        let start = self.leaf_changes.partition_point(|change| prefix(&change.path, level) < number);
        let rest = self.leaf_changes.get(start..).unwrap_or_default();
        let end = rest.iter().take_while(|change| prefix(&change.path, level) == number).count();
        rest.get(..end).unwrap_or_default()
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

/// The bucket of the first of `changes`: its level and number, its changes and the others.
fn split_bucket<'a>(
    base: &Base,
    changes: &'a [LeafChange],
) -> Option<(usize, u64, &'a [LeafChange], &'a [LeafChange])> {
    let level = base.bucket_level(&changes.first()?.path);
    let number = prefix(&changes.first()?.path, level);
    let (own, others) =
        changes.split_at(changes.iter().take_while(|change| prefix(&change.path, level) == number).count());
    Some((level, number, own, others))
}

/// Changes in groups: at least [`GROUP`] in each but the last, and all of a segment in the same.
struct Groups<'a>(&'a [LeafChange]);

impl<'a> Iterator for Groups<'a> {
    type Item = &'a [LeafChange];

    fn next(&mut self) -> Option<&'a [LeafChange]> {
        let Self(rest) = self;
        let least = GROUP.min(rest.len());
        let segment = Base::segment_of(&rest.get(least.checked_sub(1)?)?.path);
        let more = rest.iter().skip(least).take_while(|change| Base::segment_of(&change.path) == segment).count();
        let (group, others) = rest.split_at(least + more);
        *rest = others;
        Some(group)
    }
}

/// A diff under construction. It grows by groups of changes, each with all levels of its segments, so that what a group
/// needs is still near when the next level is computed.
struct Making<'a> {
    stack: &'a Stack<'a>,
    changes: usize,
    levels: Levels,
    fetched: Vec<Fetched>,
    leaves: u64,
    tools: Tools,
}

/// What is needed while a diff is made. All is empty between groups; only its memory counts.
#[derive(Default)]
pub(super) struct Tools {
    /// The leaves of a bucket after the changes.
    merged: Vec<Leaf>,
    builder: Builder,
    /// The changed buckets of a group: level, number, what is built of them.
    built: Vec<(usize, u64, Subtree)>,
    /// Nodes of one level to be hashed: their preimages, which of the level's nodes they are, and their hashes.
    groups: Vec<Block>,
    open: Vec<usize>,
    hashes: Vec<Hash>,
}

impl<'a> Making<'a> {
    fn new(stack: &'a Stack<'a>, changes: usize, spare: &Spare) -> Self {
        let (tools, mut levels) = spare.tools();
        levels.resize_with(LEVELS, Vec::new);
        Self { stack, changes, levels, fetched: Vec::new(), leaves: stack.leaves(), tools }
    }

    fn ask_for_buckets(&self, changes: &[LeafChange]) {
        changes.iter().for_each(|change| self.stack.committed.base.ask_for_bucket(&change.path));
    }

    fn ask_for_leaves(&self, changes: &[LeafChange]) {
        changes.iter().for_each(|change| self.stack.committed.base.ask_for_leaves(&change.path));
    }

    /// Makes the changes of whole segments, up to the nodes of these.
    fn add(&mut self, changes: &[LeafChange]) -> Result<(), Stale> {
        let base = self.stack.committed.base;
        let starts: Vec<usize> = self.levels.iter().map(Vec::len).collect();
        let Tools { merged, builder, built, .. } = &mut self.tools;
        let mut deepest = TOP;
        let mut rest = changes;
        while let Some((level, number, own, others)) = split_bucket(base, rest) {
            rest = others;
            let old = self.stack.bucket(level, number)?;
            merged.clear();
            merge(&old, own, merged)?;
            self.leaves = self.leaves - count(&old) + count(merged);
            built.push((level, number, builder.add(merged, level)));
            if let Cow::Owned(_) = old {
                self.fetched.push(Fetched { level, number, leaves: merged.clone() });
            }
            deepest = deepest.max(level);
        }
        builder.finish(base.lanes);
        for (level, number, subtree) in built.drain(..) {
            self.levels[level].push((number, builder.node(subtree, level)));
        }
        builder.clear();
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
        let Tools { groups, open, hashes: done, .. } = &mut self.tools;
        groups.clear();
        open.clear();
        for own in changed.chunk_by(|(one, _), (other, _)| one >> 2 == other >> 2) {
            let Some((first, _)) = own.first() else { continue };
            let number = first >> 2;
            let (mut hashes, mut kinds) = self.stack.children(level, number);
            for (child, node) in own {
                let slot = usize::try_from(child & 3).unwrap_or(0);
                (hashes[slot], kinds[slot]) = (node.hash, node.kind);
            }
            let joined = join(&hashes, kinds).unwrap_or_else(|| {
                push_inner(groups, &hashes);
                open.push(above.len());
                Node { hash: [0; 32], kind: Kind::Inner }
            });
            above.push((number, joined));
        }
        hash_blocks(self.stack.committed.base.lanes, groups, done);
        for (at, hash) in open.iter().zip(done) {
            above[*at].1.hash = *hash;
        }
        if mixed {
            above[from..].sort_unstable_by_key(|(number, _)| *number);
        }
    }
}
