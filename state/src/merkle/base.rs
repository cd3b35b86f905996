//! The committed tree: dense arrays above, buckets of leaves below.

#![allow(clippy::arithmetic_side_effects, reason = "levels up to 16, and sums of counts and sizes that are in memory")]

mod segment;

use std::borrow::Cow;

use unfork_proof::Hash;

use self::segment::{Array, Bucket, Segment};
use super::build::{Builder, Kind, Node, join, node_over, push_inner};
use super::leaf::{Leaf, LeafChange, replay};
use crate::error::StateError;
use crate::keccak::{Lanes, hash_blocks};
use crate::prefetch::prefetch;

/// Levels kept for the whole tree.
pub(crate) const TOP: usize = 5;
/// Subtrees below them.
pub(crate) const SEGMENTS: usize = 1 << (2 * TOP);
/// A segment gets another level when its buckets hold more leaves than this on average.
const LEAVES_PER_BUCKET_MAX: usize = 12;
/// Levels of a segment at most; beyond, buckets grow.
const DEPTH_MAX: usize = 11;
/// Levels of nodes outside of buckets.
pub(crate) const LEVELS: usize = TOP + DEPTH_MAX + 1;
/// No place in a file.
const NOWHERE: u32 = u32::MAX;

/// The leaves that are not in memory: where checkpoints keep them.
pub(crate) trait Pages: Send + Sync {
    /// The `count` leaves from `place` on in the checkpoint file `slot`.
    fn leaves(&self, slot: usize, place: u32, count: u32) -> Result<Vec<Leaf>, StateError>;
}

/// The tree at the head.
pub(crate) struct Base {
    top: Array,
    segments: Vec<Segment>,
    leaves: u64,
    /// Counts changes of any segment's depth: bucket numbers before and after are not the same.
    layout: u64,
    /// Bytes of the leaves in memory.
    resident_bytes: u64,
    /// The checkpoint file whose places are good.
    slot: usize,
    /// The next segment whose leaves leave memory.
    hand: usize,
    pub(crate) lanes: Lanes,
}

/// The first `levels` digits of a path as a number.
pub(crate) fn prefix(path: &Hash, levels: usize) -> u64 {
    let first = path.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    if levels == 0 { 0 } else { first >> (64 - 2 * levels) }
}

fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn at(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Where level `level` begins in the arrays of the top, so that siblings are aligned; the root is by itself. In those of
/// a segment, whose own node is not among them, it is four less.
fn start(level: usize) -> usize {
    ((1 << (2 * level)) - 1) / 3 + 3
}

impl Base {
    pub(crate) fn new(lanes: Lanes) -> Self {
        let mut segments = Vec::new();
        segments.resize_with(SEGMENTS, Segment::default);
        Self {
            top: Array::of(start(TOP + 1)),
            segments,
            leaves: 0,
            layout: 0,
            resident_bytes: 0,
            slot: 0,
            hand: 0,
            lanes,
        }
    }

    /// The tree over `segments`: the leaves of each, in any order.
    pub(crate) fn of_segments(segments: Vec<Vec<Leaf>>, lanes: Lanes) -> Self {
        let mut base = Self::new(lanes);
        for (segment, mut leaves) in segments.into_iter().enumerate().take(SEGMENTS) {
            leaves.sort_unstable_by_key(|leaf| leaf.path);
            base.fill_segment(segment, &leaves, None);
        }
        base.finish_top();
        base
    }

    /// The segment that a path belongs to.
    pub(crate) fn segment_of(path: &Hash) -> usize {
        at(prefix(path, TOP))
    }

    /// Makes one segment of `leaves`, which lie from `place` on in the checkpoint file `slot` if that is given.
    /// [`Base::finish_top`] must follow.
    pub(crate) fn fill_segment(&mut self, segment: usize, leaves: &[Leaf], place: Option<(usize, u32)>) {
        self.leaves += u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        self.segments[segment].leaves = leaves.len();
        let depth = depth_for(leaves.len(), 0);
        self.regroup(segment, depth, leaves, &[(leaves.len(), places(place))]);
    }

    /// Computes the levels above all segments.
    pub(crate) fn finish_top(&mut self) {
        for level in (0..TOP).rev() {
            for node in 0..1_usize << (2 * level) {
                let (hashes, kinds) = self.top.four(start(level + 1) + 4 * node);
                let joined = join(&hashes, kinds)
                    .unwrap_or_else(|| Node { hash: unfork_proof::state_inner(&hashes), kind: Kind::Inner });
                self.top.set(start(level) + node, joined);
            }
        }
    }

    pub(crate) fn root(&self) -> Hash {
        self.top.get(start(0)).hash
    }

    pub(crate) fn leaves(&self) -> u64 {
        self.leaves
    }

    pub(crate) fn layout(&self) -> u64 {
        self.layout
    }

    /// Bytes in memory: leaves, nodes, and what keeps them.
    pub(crate) fn bytes(&self) -> u64 {
        let segment = |segment: &Segment| segment.nodes.bytes() + segment.buckets.len() * size_of::<Bucket>();
        let fixed: usize = self.segments.iter().map(segment).sum();
        let fixed = fixed + self.top.bytes() + SEGMENTS * size_of::<Segment>();
        self.resident_bytes + u64::try_from(fixed).unwrap_or(u64::MAX >> 1)
    }

    /// Bytes that the tree may have when it is to take `bytes_max`: more where nodes, which stay, would leave less than a
    /// quarter of that to leaves.
    pub(crate) fn granted(&self, bytes_max: u64) -> u64 {
        let fixed = self.bytes() - self.resident_bytes;
        bytes_max.max(fixed + bytes_max / 4)
    }

    /// Bytes of leaves that should not be in memory when all of the tree is to take `bytes_max`.
    pub(crate) fn excess(&self, bytes_max: u64) -> u64 {
        self.bytes().saturating_sub(self.granted(bytes_max))
    }

    /// Lets go of leaves that the checkpoint has as well, until no more than `bytes_max` are taken or all are gone.
    pub(crate) fn evict(&mut self, bytes_max: u64) {
        let mut excess = self.excess(bytes_max);
        let slot = self.slot;
        for _ in 0..SEGMENTS {
            if excess == 0 {
                return;
            }
            let segment = &mut self.segments[self.hand];
            let before = segment.resident_bytes();
            let mut some = false;
            for bucket in &mut segment.buckets {
                if bucket.places[slot] != NOWHERE && bucket.start != NOWHERE {
                    (bucket.start, bucket.room) = (NOWHERE, 0);
                    some = true;
                }
            }
            if some {
                segment.compact();
            }
            let freed = before.saturating_sub(segment.resident_bytes());
            self.hand = (self.hand + 1) % SEGMENTS;
            self.resident_bytes -= freed;
            excess = excess.saturating_sub(freed);
        }
    }

    /// The checkpoint file that is whole.
    pub(crate) fn slot(&self) -> usize {
        self.slot
    }

    /// A checkpoint in `slot` has become whole: every leaf is in memory or there.
    pub(crate) fn use_slot(&mut self, slot: usize) {
        self.slot = slot;
    }

    /// All leaves of a segment.
    pub(crate) fn segment(&self, segment: usize, pages: &dyn Pages) -> Result<Vec<Leaf>, StateError> {
        let segment = &self.segments[segment];
        let mut leaves = Vec::with_capacity(segment.leaves);
        for bucket in &segment.buckets {
            leaves.extend_from_slice(&bucket.read(&segment.slab, self.slot, pages)?);
        }
        Ok(leaves)
    }

    /// Notes that a segment's leaves were written to the file `slot`, from `place` on.
    pub(crate) fn place(&mut self, segment: usize, slot: usize, mut place: u32) {
        for bucket in &mut self.segments[segment].buckets {
            bucket.places[slot] = if bucket.count == 0 { NOWHERE } else { place };
            place += bucket.count;
        }
    }

    /// The level at which buckets stand on the way to `path`.
    pub(crate) fn bucket_level(&self, path: &Hash) -> usize {
        TOP + self.segments[at(prefix(path, TOP))].depth
    }

    /// The node with the number `node` in `level`, at most the level of its bucket.
    pub(crate) fn node(&self, level: usize, node: u64) -> Node {
        let (array, index) = self.find(level, node);
        array.get(index)
    }

    /// The four children of a node above the buckets.
    pub(crate) fn children(&self, level: usize, node: u64) -> ([Hash; 4], [Kind; 4]) {
        let (array, index) = self.find(level + 1, node << 2);
        array.four(index)
    }

    fn find(&self, level: usize, node: u64) -> (&Array, usize) {
        match level.checked_sub(TOP) {
            None | Some(0) => (&self.top, start(level) + at(node)),
            Some(below) => (&self.segments[at(node >> (2 * below))].nodes, local(below, node)),
        }
    }

    /// Asks for what says where the leaves of the bucket at `path` are.
    pub(crate) fn ask_for_bucket(&self, path: &Hash) {
        if let Some(bucket) = self.bucket_at(path).1 {
            prefetch(bucket);
        }
    }

    /// Asks for the leaves of the bucket at `path`, and the nodes above that no group of changes before has used.
    pub(crate) fn ask_for_leaves(&self, path: &Hash) {
        const LEVELS: usize = 3;
        let (segment, bucket) = self.bucket_at(path);
        if let Some(leaves) = bucket.and_then(|bucket| bucket.resident(&segment.slab)) {
            prefetch(leaves);
        }
        for below in segment.depth.saturating_sub(LEVELS - 1).max(1)..=segment.depth {
            segment.nodes.ask_for(local(below, prefix(path, TOP + below)));
        }
    }

    pub(crate) fn ask_for_node(&self, level: usize, number: u64) {
        let (array, at) = self.find(level, number);
        array.ask_for(at);
    }

    fn bucket_at(&self, path: &Hash) -> (&Segment, Option<&Bucket>) {
        let segment = &self.segments[at(prefix(path, TOP))];
        (segment, segment.buckets.get(at(prefix(path, TOP + segment.depth) & mask(segment.depth))))
    }

    /// The leaves of a bucket.
    pub(crate) fn bucket(&self, level: usize, number: u64, pages: &dyn Pages) -> Result<Cow<'_, [Leaf]>, StateError> {
        let (segment, bucket) = place(level, number);
        let segment = &self.segments[segment];
        let Some(bucket) = segment.buckets.get(bucket) else { return Ok(Cow::Borrowed(&[])) };
        let leaves = bucket.read(&segment.slab, self.slot, pages)?;
        // What was read from a file must be what its node was made of.
        if let Cow::Owned(read) = &leaves
            && node_over(read, level, self.lanes) != self.node(level, number)
        {
            return Err(StateError::corrupt(format!(
                "leaves in the tree's checkpoint file at {} do not hash to their node",
                bucket.places[self.slot]
            )));
        }
        Ok(leaves)
    }

    /// Whether there is a leaf at `path`.
    pub(crate) fn contains(&self, path: &Hash, pages: &dyn Pages) -> Result<bool, StateError> {
        let level = self.bucket_level(path);
        let leaves = self.bucket(level, prefix(path, level), pages)?;
        Ok(leaves.binary_search_by(|leaf| leaf.path.cmp(path)).is_ok())
    }

    pub(crate) fn set_node(&mut self, level: usize, node: u64, value: Node) {
        match level.checked_sub(TOP) {
            None | Some(0) => self.top.set(start(level) + at(node), value),
            Some(below) => self.segments[at(node >> (2 * below))].nodes.set(local(below, node), value),
        }
    }

    pub(crate) fn set_bucket(&mut self, level: usize, number: u64, leaves: &[Leaf]) {
        let (segment, bucket) = place(level, number);
        let segment = &mut self.segments[segment];
        if segment.buckets.is_empty() {
            segment.buckets = vec![Bucket::EMPTY; 1 << (2 * (level - TOP))];
        }
        let (before, bytes_before) = (segment.leaves, segment.resident_bytes());
        segment.set(bucket, leaves);
        let count = |leaves: usize| u64::try_from(leaves).unwrap_or(u64::MAX >> 8);
        self.leaves = self.leaves + count(segment.leaves) - count(before);
        self.resident_bytes = self.resident_bytes + segment.resident_bytes() - bytes_before;
    }

    /// Whether the leaves of a bucket are in memory, or there are none.
    pub(crate) fn is_resident(&self, level: usize, number: u64) -> bool {
        let (segment, bucket) = place(level, number);
        let bucket = self.segments[segment].buckets.get(bucket);
        bucket.is_none_or(|bucket| bucket.start != NOWHERE || bucket.count == 0)
    }

    /// Makes `changes` to a bucket whose leaves are in memory. Between its leaves and them, `merged` is overwritten.
    pub(crate) fn change_bucket(&mut self, level: usize, number: u64, changes: &[LeafChange], merged: &mut Vec<Leaf>) {
        let (segment, bucket) = place(level, number);
        let segment = &mut self.segments[segment];
        if segment.replace(bucket, changes) {
            return;
        }
        let leaves = segment.buckets.get(bucket).and_then(|bucket| bucket.resident(&segment.slab));
        replay(leaves.unwrap_or_default(), changes, merged);
        self.set_bucket(level, number, merged);
    }

    /// Gives a segment the depth that its leaves need. Nothing changes if they cannot be read: that is
    /// made up for later.
    pub(crate) fn balance(&mut self, index: usize, pages: &dyn Pages) {
        let segment = &self.segments[index];
        let depth = depth_for(segment.leaves, segment.depth);
        if depth == segment.depth {
            return;
        }
        let Ok(leaves) = self.segment(index, pages) else { return };
        let mut end = 0;
        let ends = segment.buckets.iter().map(|bucket| {
            end += at(u64::from(bucket.count));
            (end, bucket.places)
        });
        let former: Vec<(usize, [u32; 2])> = ends.collect();
        self.regroup(index, depth, &leaves, &former);
        self.layout += 1;
    }

    /// Divides `leaves`, all of a segment's, over 4^depth buckets and computes the nodes above. `former` says of each
    /// bucket before with how many leaves it ends and where these lie on disk.
    fn regroup(&mut self, index: usize, depth: usize, leaves: &[Leaf], former: &[(usize, [u32; 2])]) {
        let lanes = self.lanes;
        let segment = &mut self.segments[index];
        self.resident_bytes -= segment.resident_bytes();
        segment.buckets = Vec::with_capacity(1 << (2 * depth));
        segment.slab = leaves.to_vec();
        segment.waste = 0;
        self.resident_bytes += segment.resident_bytes();
        segment.depth = depth;
        segment.nodes = Array::of(start(depth + 1) - 4);
        let level = TOP + depth;
        let mut builder = Builder::default();
        let mut subtrees = Vec::new();
        let mut rest = leaves;
        let mut passed = 0;
        let first = u64::try_from(index << (2 * depth)).unwrap_or(u64::MAX);
        for number in 0..1_u64 << (2 * depth) {
            let mine = rest.iter().take_while(|leaf| prefix(&leaf.path, level) == first + number).count();
            let (own, others) = rest.split_at(mine);
            rest = others;
            subtrees.push(builder.add(own, level));
            let (first, count) = (narrow(passed), narrow(mine));
            let places = place_of(former, passed, mine);
            segment.buckets.push(Bucket { start: first, count, room: count, places });
            passed += mine;
        }
        builder.finish(lanes);
        let mut nodes: Vec<Node> = subtrees.into_iter().map(|subtree| builder.node(subtree, level)).collect();
        for below in (1..=depth).rev() {
            for (number, node) in nodes.iter().enumerate() {
                segment.nodes.set(start(below) - 4 + number, *node);
            }
            nodes = join_all(&nodes, lanes);
        }
        if leaves.is_empty() && depth == 0 {
            segment.buckets = Vec::new();
        }
        self.top.set(start(TOP) + index, nodes[0]);
    }
}

fn places(place: Option<(usize, u32)>) -> [u32; 2] {
    match place {
        None => [NOWHERE; 2],
        Some((0, place)) => [place, NOWHERE],
        Some((_, place)) => [NOWHERE, place],
    }
}

/// Where a new bucket's leaves lie on disk, given where the former buckets end and lie: a part of one of them does.
fn place_of(former: &[(usize, [u32; 2])], from: usize, count: usize) -> [u32; 2] {
    let index = former.partition_point(|(end, _)| *end <= from);
    let start = index.checked_sub(1).and_then(|before| former.get(before)).map_or(0, |(end, _)| *end);
    match former.get(index) {
        Some((end, places)) if count > 0 && from + count <= *end => {
            let offset = u32::try_from(from - start).unwrap_or(u32::MAX);
            places.map(|place| if place == NOWHERE { NOWHERE } else { place + offset })
        }
        _ => [NOWHERE; 2],
    }
}

/// The level above: each four nodes joined.
fn join_all(nodes: &[Node], lanes: Lanes) -> Vec<Node> {
    let mut joined = Vec::with_capacity(nodes.len() / 4);
    let (mut groups, mut open) = (Vec::new(), Vec::new());
    for four in nodes.as_chunks::<4>().0 {
        let hashes = four.map(|node| node.hash);
        joined.push(join(&hashes, four.map(|node| node.kind)).unwrap_or_else(|| {
            push_inner(&mut groups, &hashes);
            open.push(joined.len());
            Node { hash: [0; 32], kind: Kind::Inner }
        }));
    }
    let mut hashes = Vec::new();
    hash_blocks(lanes, &groups, &mut hashes);
    for (number, hash) in open.into_iter().zip(hashes) {
        joined[number].hash = hash;
    }
    joined
}

/// The depth of a segment of `leaves` leaves that has the depth `now`: it changes only when buckets became too full or
/// nearly empty, so that single leaves do not swing it.
fn depth_for(leaves: usize, now: usize) -> usize {
    let mut depth = now;
    while depth < DEPTH_MAX && leaves > LEAVES_PER_BUCKET_MAX << (2 * depth) {
        depth += 1;
    }
    while depth > 0 && leaves < 1 << (2 * depth) {
        depth -= 1;
    }
    depth
}

fn mask(below: usize) -> u64 {
    (1 << (2 * below)) - 1
}

/// The segment of a bucket, and the bucket's index in it.
fn place(level: usize, number: u64) -> (usize, usize) {
    let below = level - TOP;
    (at(number >> (2 * below)), at(number & mask(below)))
}

/// The index of a node in its segment's array.
fn local(below: usize, node: u64) -> usize {
    start(below) - 4 + at(node & mask(below))
}
