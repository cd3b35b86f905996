//! From keys and values to paths and leaf hashes, many at a time.

use unfork_proof::{EMPTY, Hash, INLINE_VALUE_BYTES_MAX};

use crate::changes::ChangeSet;
use crate::keccak::{Lanes, Messages};

const TAG_LEAF_INLINE: u8 = 0;
const TAG_LEAF_HASHED: u8 = 2;

/// Messages hashed together: they fit a processor's cache.
const CHUNK: usize = 256;

/// One key of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) path: Hash,
    pub(crate) hash: Hash,
}

impl Leaf {
    /// Stands where there is room for a leaf.
    pub(crate) const NONE: Self = Self { path: [0; 32], hash: [0; 32] };
}

/// The change of one leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeafChange {
    pub(crate) path: Hash,
    /// Which change of the change set it is.
    pub(crate) number: u32,
    /// Whether the key was present before.
    pub(crate) old: bool,
    /// The new leaf hash; `None` removes the leaf.
    pub(crate) new: Option<Hash>,
}

/// Puts `leaves` after `changes`, both sorted by path, in place of what is in `merged`, whether or not they were made
/// before; of several changes of one path the last counts.
pub(crate) fn replay(leaves: &[Leaf], changes: &[LeafChange], merged: &mut Vec<Leaf>) {
    merged.clear();
    let mut rest = leaves;
    for same in changes.chunk_by(|one, other| one.path == other.path) {
        let Some(last) = same.last() else { continue };
        let (before, after) = rest.split_at(rest.partition_point(|leaf| leaf.path < last.path));
        merged.extend_from_slice(before);
        let present = after.first().is_some_and(|leaf| leaf.path == last.path);
        rest = if present { after.get(1..).unwrap_or_default() } else { after };
        merged.extend(last.new.map(|hash| Leaf { path: last.path, hash }));
    }
    merged.extend_from_slice(rest);
}

/// The leaves of `entries`, in their order.
pub(crate) fn leaves_of<K: AsRef<[u8]>, V: AsRef<[u8]>>(entries: &[(K, V)], lanes: Lanes) -> Vec<Leaf> {
    let mut leaves = Vec::with_capacity(entries.len());
    let mut hasher = LeafHasher::default();
    for chunk in entries.chunks(CHUNK) {
        let pairs = chunk.iter().map(|(key, value)| (key.as_ref(), Some(value.as_ref())));
        hasher.run(lanes, pairs, |path, hash| leaves.extend(hash.map(|hash| Leaf { path, hash })));
    }
    leaves
}

/// Hashes keys and values, in memory that is taken once.
#[derive(Default)]
pub(crate) struct LeafHasher {
    messages: Messages,
    paths: Vec<Hash>,
    value_hashes: Vec<Hash>,
    leaf_hashes: Vec<Hash>,
    unsorted: Vec<LeafChange>,
    order: Vec<(u64, usize)>,
}

impl LeafHasher {
    /// Blocks of messages that it has memory for.
    pub(super) fn room(&self) -> usize {
        self.messages.room()
    }

    /// Puts the changes of the tree, sorted by path, in place of what is in `sorted`. An unknown old value counts as
    /// absent.
    pub(crate) fn leaf_changes(&mut self, changes: &ChangeSet, lanes: Lanes, sorted: &mut Vec<LeafChange>) {
        let entries = changes.entries();
        let mut unsorted = std::mem::take(&mut self.unsorted);
        unsorted.clear();
        for chunk in entries.chunks(CHUNK) {
            let pairs = chunk.iter().map(|(key, change)| (key.as_bytes(), change.new.as_deref()));
            self.run(lanes, pairs, |path, new| {
                let number = u32::try_from(unsorted.len()).unwrap_or(u32::MAX);
                let old = entries.get(unsorted.len()).is_some_and(|(_, change)| matches!(change.old, Some(Some(_))));
                unsorted.push(LeafChange { path, number, old, new });
            });
        }
        // The first bytes of most paths are enough, and small things are quicker to move.
        let first = |change: &LeafChange| change.path.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let path = |at: &usize| unsorted.get(*at).map(|change| change.path);
        self.order.clear();
        self.order.extend(unsorted.iter().map(first).zip(0..));
        self.order.sort_unstable_by(|(one, at), (other, its)| one.cmp(other).then_with(|| path(at).cmp(&path(its))));
        sorted.clear();
        sorted.extend(self.order.iter().filter_map(|(_, at)| unsorted.get(*at)));
        self.unsorted = unsorted;
    }

    /// Tells `found` the path of each pair's key, and the leaf hash if there is a value.
    fn run<'a>(
        &mut self,
        lanes: Lanes,
        pairs: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + Clone,
        mut found: impl FnMut(Hash, Option<Hash>),
    ) {
        let Self { messages, paths, value_hashes, leaf_hashes, .. } = self;
        messages.clear();
        pairs.clone().for_each(|(key, _)| messages.push(&[key]));
        messages.hash(lanes, paths);
        messages.clear();
        let long = |value: &&[u8]| value.len() > INLINE_VALUE_BYTES_MAX;
        pairs.clone().filter_map(|(_, value)| value.filter(long)).for_each(|value| messages.push(&[value]));
        messages.hash(lanes, value_hashes);
        messages.clear();
        let mut long_values = value_hashes.iter();
        for ((_, value), path) in pairs.clone().zip(&*paths) {
            match value {
                None => {}
                Some(value) if long(&value) => {
                    let hash = long_values.next().unwrap_or(&EMPTY);
                    messages.push(&[path, hash, &[TAG_LEAF_HASHED]]);
                }
                Some(value) => messages.push(&[path, value, &[TAG_LEAF_INLINE]]),
            }
        }
        messages.hash(lanes, leaf_hashes);
        let mut hashes = leaf_hashes.iter();
        for ((_, value), path) in pairs.zip(paths) {
            found(*path, value.and_then(|_| hashes.next()).copied());
        }
    }
}
