//! What a segment of the tree is made of: arrays of node hashes, and buckets of leaves.

use std::borrow::Cow;

use unfork_proof::Hash;

use super::super::build::{Kind, Node};
use super::super::leaf::{Leaf, LeafChange};
use super::{NOWHERE, Pages, at, narrow};
use crate::error::StateError;
use crate::prefetch::prefetch;

/// Nodes of some levels, all of each; four siblings lie side by side, as they are hashed.
#[derive(Default)]
pub(super) struct Array {
    pub(super) hashes: Vec<Siblings>,
    /// The kinds of four siblings, two bits each, the first lowest.
    pub(super) kinds: Vec<u8>,
}

/// Two cache lines.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Siblings(pub(super) [Hash; 4]);

#[derive(Default)]
pub(super) struct Segment {
    pub(super) depth: usize,
    /// Levels 1 to `depth` below the segment's own node.
    pub(super) nodes: Array,
    /// 4^depth of them; none at all while the segment is empty.
    pub(super) buckets: Vec<Bucket>,
    pub(super) leaves: usize,
    /// The leaves that are in memory, those of a bucket together. One allocation for all of them: small ones, made and
    /// freed one by one, would lie between everything else that a node allocates.
    pub(super) slab: Vec<Leaf>,
    /// Places of the slab that no bucket has.
    pub(super) waste: usize,
}

/// Leaves that share the path's digits above.
#[derive(Clone, Copy)]
pub(super) struct Bucket {
    /// Where its leaves begin in the slab; [`NOWHERE`] if they are only on disk, or there are none.
    pub(super) start: u32,
    pub(super) count: u32,
    /// Places it has in the slab.
    pub(super) room: u32,
    /// Where the two checkpoint files have these leaves, if they have.
    pub(super) places: [u32; 2],
}

impl Array {
    pub(super) fn of(nodes: usize) -> Self {
        Self { hashes: vec![Siblings([[0; 32]; 4]); nodes / 4], kinds: vec![0; nodes / 4] }
    }

    pub(super) fn get(&self, at: usize) -> Node {
        Node { hash: self.hashes[at / 4].0[at % 4], kind: Kind::unpack(self.kinds[at / 4] >> (2 * (at % 4))) }
    }

    pub(super) fn set(&mut self, at: usize, node: Node) {
        let (four, shift) = (at / 4, 2 * (at % 4));
        self.hashes[four].0[at % 4] = node.hash;
        self.kinds[four] = self.kinds[four] & !(3 << shift) | (node.kind as u8) << shift;
    }

    /// Asks for a node and its siblings.
    pub(super) fn ask_for(&self, at: usize) {
        if let (Some(hashes), Some(kinds)) = (self.hashes.get(at / 4), self.kinds.get(at / 4)) {
            prefetch(hashes);
            prefetch(kinds);
        }
    }

    /// Four siblings, the first of which is at `at`.
    pub(super) fn four(&self, at: usize) -> ([Hash; 4], [Kind; 4]) {
        let kinds = self.kinds[at / 4];
        (self.hashes[at / 4].0, [0, 2, 4, 6].map(|shift| Kind::unpack(kinds >> shift)))
    }

    pub(super) fn bytes(&self) -> usize {
        self.kinds.len() * (4 * 32 + 1)
    }
}

impl Bucket {
    pub(super) const EMPTY: Self = Self { start: NOWHERE, count: 0, room: 0, places: [NOWHERE; 2] };

    /// Its leaves, if they are in memory.
    pub(super) fn resident<'a>(&self, slab: &'a [Leaf]) -> Option<&'a [Leaf]> {
        let start = at(u64::from(self.start));
        if self.start == NOWHERE { None } else { slab.get(start..start + at(u64::from(self.count))) }
    }

    /// Its leaves, from `slot`'s checkpoint if they are not in memory.
    pub(super) fn read<'a>(
        &self,
        slab: &'a [Leaf],
        slot: usize,
        pages: &dyn Pages,
    ) -> Result<Cow<'a, [Leaf]>, StateError> {
        match (self.resident(slab), self.places[slot]) {
            (Some(leaves), _) => Ok(Cow::Borrowed(leaves)),
            (None, _) if self.count == 0 => Ok(Cow::default()),
            (None, place) if place != NOWHERE => Ok(Cow::Owned(pages.leaves(slot, place, self.count)?)),
            (None, _) => Err(StateError::corrupt("leaves of the tree are neither in memory nor in a checkpoint")),
        }
    }
}

impl Segment {
    /// Bytes of the leaves in memory.
    pub(super) fn resident_bytes(&self) -> u64 {
        u64::try_from(self.slab.capacity() * size_of::<Leaf>()).unwrap_or(u64::MAX >> 8)
    }

    /// Makes `changes` to a bucket if no leaf comes or goes and all are in memory.
    pub(super) fn replace(&mut self, bucket: usize, changes: &[LeafChange]) -> bool {
        let Some(own) = self.buckets.get_mut(bucket) else { return false };
        let start = at(u64::from(own.start));
        let Some(leaves) = self.slab.get_mut(start..start + at(u64::from(own.count))) else { return false };
        if own.start == NOWHERE || !changes.iter().all(|change| change.old && change.new.is_some()) {
            return false;
        }
        for change in changes {
            let leaf = leaves.iter_mut().find(|leaf| leaf.path == change.path);
            leaf.into_iter().zip(change.new).for_each(|(leaf, hash)| leaf.hash = hash);
        }
        own.places = [NOWHERE; 2];
        true
    }

    /// Puts `leaves` in place of a bucket's.
    pub(super) fn set(&mut self, bucket: usize, leaves: &[Leaf]) {
        let mut own = self.buckets[bucket];
        let count = narrow(leaves.len());
        if count > own.room {
            self.waste += at(u64::from(own.room));
            // An even number of places: every other growth finds room.
            own.room = count.next_multiple_of(2);
            own.start = narrow(self.slab.len());
            let room = at(u64::from(own.room));
            if self.slab.len() + room > self.slab.capacity() {
                self.slab.reserve_exact(room.max(self.slab.len() / 8));
            }
            self.slab.resize(self.slab.len() + room, Leaf::NONE);
        }
        let start = at(u64::from(own.start));
        if let Some(places) = self.slab.get_mut(start..start + leaves.len()) {
            places.copy_from_slice(leaves);
        }
        self.leaves = self.leaves + leaves.len() - at(u64::from(own.count));
        self.buckets[bucket] = Bucket { count, places: [NOWHERE; 2], ..own };
        if self.waste > self.slab.len() / 8 {
            self.compact();
        }
    }

    /// Gives back the places that no bucket needs.
    pub(super) fn compact(&mut self) {
        let mut order: Vec<(u32, u32)> = Vec::with_capacity(self.buckets.len());
        for (bucket, number) in self.buckets.iter().zip(0..) {
            if bucket.room > 0 {
                order.push((bucket.start, number));
            }
        }
        order.sort_unstable();
        let mut end = 0;
        for (start, number) in order {
            let bucket = &mut self.buckets[at(u64::from(number))];
            let (start, count) = (at(u64::from(start)), at(u64::from(bucket.count)));
            self.slab.copy_within(start..start + count, end);
            bucket.start = narrow(end);
            bucket.room = bucket.room.min(bucket.count.next_multiple_of(2));
            end += at(u64::from(bucket.room));
        }
        self.slab.truncate(end);
        self.waste = 0;
        // Else what it grows by next is there.
        if self.slab.capacity() > end + end / 2 {
            self.slab.shrink_to(end + end / 8);
        }
    }
}
