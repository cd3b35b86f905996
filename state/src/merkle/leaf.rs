//! From keys and values to paths and leaf hashes, many at a time.

use unfork_proof::{Hash, INLINE_VALUE_BYTES_MAX};

use crate::changes::ChangeSet;
use crate::keccak::{Lanes, Messages};

const TAG_LEAF_INLINE: u8 = 0;
const TAG_LEAF_HASHED: u8 = 2;

/// Messages hashed together: they fit a processor's cache, and their memory is taken once.
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

/// The changes of the tree, sorted by path. An unknown old value counts as absent.
pub(crate) fn leaf_changes(changes: &ChangeSet, lanes: Lanes) -> Vec<LeafChange> {
    let entries = changes.entries();
    let mut done: Vec<LeafChange> = Vec::with_capacity(entries.len());
    let mut hasher = LeafHasher::new(lanes);
    for chunk in entries.chunks(CHUNK) {
        let pairs = chunk.iter().map(|(key, change)| (key.as_bytes(), change.new.as_deref()));
        hasher.run(pairs, |path, new| {
            let number = u32::try_from(done.len()).unwrap_or(u32::MAX);
            let old = entries.get(done.len()).is_some_and(|(_, change)| matches!(change.old, Some(Some(_))));
            done.push(LeafChange { path, number, old, new });
        });
    }
    sorted(&done)
}

/// The changes sorted by path. The first bytes of most paths are enough, and small things are quicker to move.
fn sorted(changes: &[LeafChange]) -> Vec<LeafChange> {
    let first = |change: &LeafChange| change.path.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let mut order: Vec<(u64, &LeafChange)> = changes.iter().map(|change| (first(change), change)).collect();
    order.sort_unstable_by(|(one, change), (other, its)| one.cmp(other).then_with(|| change.path.cmp(&its.path)));
    order.into_iter().map(|(_, change)| *change).collect()
}

/// Makes `changes` to `leaves`, both sorted by path, whether or not they were made before; of several changes of one path
/// the last counts.
pub(crate) fn replay(leaves: &[Leaf], changes: &[LeafChange]) -> Vec<Leaf> {
    let mut merged = Vec::with_capacity(leaves.len().saturating_add(changes.len()));
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
    merged
}

/// The leaves of `entries`, in their order.
pub(crate) fn leaves_of<K: AsRef<[u8]>, V: AsRef<[u8]>>(entries: &[(K, V)], lanes: Lanes) -> Vec<Leaf> {
    let mut leaves = Vec::with_capacity(entries.len());
    let mut hasher = LeafHasher::new(lanes);
    for chunk in entries.chunks(CHUNK) {
        let pairs = chunk.iter().map(|(key, value)| (key.as_ref(), Some(value.as_ref())));
        hasher.run(pairs, |path, hash| leaves.extend(hash.map(|hash| Leaf { path, hash })));
    }
    leaves
}

struct LeafHasher {
    lanes: Lanes,
    messages: Messages,
}

impl LeafHasher {
    fn new(lanes: Lanes) -> Self {
        Self { lanes, messages: Messages::with_room(CHUNK) }
    }

    /// Tells `found` the path of each pair's key, and the leaf hash if there is a value.
    fn run<'a>(
        &mut self,
        pairs: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + Clone,
        mut found: impl FnMut(Hash, Option<Hash>),
    ) {
        self.messages.clear();
        pairs.clone().for_each(|(key, _)| self.messages.push(&[key]));
        let paths = self.messages.hash(self.lanes);
        self.messages.clear();
        let long = |value: &&[u8]| value.len() > INLINE_VALUE_BYTES_MAX;
        pairs.clone().filter_map(|(_, value)| value.filter(long)).for_each(|value| self.messages.push(&[value]));
        let mut value_hashes = self.messages.hash(self.lanes).into_iter();
        self.messages.clear();
        for ((_, value), path) in pairs.clone().zip(&paths) {
            match value {
                None => {}
                Some(value) if long(&value) => {
                    let hash = value_hashes.next().unwrap_or_default();
                    self.messages.push(&[path, &hash, &[TAG_LEAF_HASHED]]);
                }
                Some(value) => self.messages.push(&[path, value, &[TAG_LEAF_INLINE]]),
            }
        }
        let mut hashes = self.messages.hash(self.lanes).into_iter();
        for ((_, value), path) in pairs.zip(paths) {
            found(path, value.and_then(|_| hashes.next()));
        }
    }
}
