//! Snapshots: the whole state at the head in chunks, for nodes that do not want to execute everything from genesis on.
//!
//! What a snapshot is, and how a chunk is checked, stands in `unfork-proof`. Here one is taken from a store, and a store
//! is made from one.

use std::ops::Bound;

use unfork_proof::{Hash, Manifest, Part, SNAPSHOT_DEPTH_MAX, SnapshotHead, encode_chunk, part_of, part_of_leaves};
use unfork_proof::{state_leaf, state_path};

use super::backend::{Table, TableRange};
use super::commit::Store;
use crate::error::{StateError, length_u64};
use crate::key::Order;
use crate::view::Value;

/// Bytes of keys and values that a chunk has on average; the usual choice.
pub const CHUNK_BYTES: u64 = 1 << 20;

/// Bytes of keys and values that are collected at a time while a snapshot is taken. The state is read once for each.
const COLLECTED_BYTES: u64 = 256 << 20;

/// Values read at a time.
const READ: usize = 4096;

/// A chunk of a snapshot that is being taken.
#[derive(Clone, Copy, Debug)]
pub struct ExportedChunk<'a> {
    /// Its number.
    pub index: u32,
    /// How many numbers there are; parts without a key have no chunk.
    pub parts: u32,
    /// Its encoding.
    pub bytes: &'a [u8],
}

/// One key, by its path.
type Collected = (Hash, Vec<u8>, Value);

impl Store {
    /// Takes a snapshot of the state at the head: gives `put` one chunk after the other, and returns the manifest. The
    /// bytes depend on the state, the block and `chunk_bytes` (an average, [`CHUNK_BYTES`] as a rule) only.
    ///
    /// # Errors
    /// [`StateError`] if the state cannot be read or does not agree with the head, and what `put` fails with.
    pub fn export(
        &self,
        chunk_bytes: u64,
        put: &mut dyn FnMut(ExportedChunk<'_>) -> Result<(), StateError>,
    ) -> Result<Manifest, StateError> {
        let head = self.head();
        let body = self.block(head.height)?.ok_or_else(|| StateError::corrupt("the head's block is missing"))?;
        let (depth, sizes) = self.cut(chunk_bytes)?;
        let count = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
        let mut parts = Vec::with_capacity(sizes.len());
        let mut rest = sizes.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0_u64;
            let fitting = rest.iter().take_while(|size| {
                bytes = bytes.saturating_add(**size);
                bytes <= COLLECTED_BYTES
            });
            let (now, later) = rest.split_at(fitting.count().max(1));
            rest = later;
            let first = u32::try_from(parts.len()).unwrap_or(u32::MAX);
            let end = first.saturating_add(u32::try_from(now.len()).unwrap_or(u32::MAX));
            let mut collected = self.collect(depth, first..end)?;
            for index in first..end {
                let own = collected.partition_point(|(path, _, _)| part_of(path, depth) <= index);
                let own: Vec<Collected> = collected.drain(..own).collect();
                parts.push(part(&own, depth));
                if !own.is_empty() {
                    let entries: Vec<_> = own.iter().map(|(_, key, value)| (key.as_slice(), value.as_ref())).collect();
                    put(ExportedChunk { index, parts: count, bytes: &encode_chunk(index, &entries) })?;
                }
            }
        }
        let snapshot = SnapshotHead { chain_id: self.chain_id(), height: head.height, id: head.id, root: head.root };
        let differs = |error| StateError::corrupt(format!("the values do not lead to the head's root: {error}"));
        Manifest::new(snapshot, body, depth, parts).map_err(differs)
    }

    /// The depth at which parts have `chunk_bytes` on average or less, and how many bytes each part has there.
    fn cut(&self, chunk_bytes: u64) -> Result<(u8, Vec<u64>), StateError> {
        let mut sizes = vec![0_u64; 1 << (2 * SNAPSHOT_DEPTH_MAX)];
        self.each_value(&mut |path, key, value| {
            let part = usize::try_from(part_of(path, SNAPSHOT_DEPTH_MAX)).unwrap_or(usize::MAX);
            if let Some(size) = sizes.get_mut(part) {
                *size = size.saturating_add(length_u64(key)).saturating_add(length_u64(value));
            }
        })?;
        let total = sizes.iter().fold(0, |total: u64, size| total.saturating_add(*size));
        let (mut depth, mut parts) = (0_u8, 1_u64);
        while depth < SNAPSHOT_DEPTH_MAX && total.div_euclid(parts) > chunk_bytes {
            (depth, parts) = (depth.saturating_add(1), parts.saturating_mul(4));
        }
        for _ in depth..SNAPSHOT_DEPTH_MAX {
            sizes =
                sizes.chunks(4).map(|group| group.iter().fold(0, |sum: u64, size| sum.saturating_add(*size))).collect();
        }
        Ok((depth, sizes))
    }

    /// The keys of some parts, in the order of their paths.
    fn collect(&self, depth: u8, parts: std::ops::Range<u32>) -> Result<Vec<Collected>, StateError> {
        let mut collected = Vec::new();
        self.each_value(&mut |path, key, value| {
            if parts.contains(&part_of(path, depth)) {
                collected.push((*path, key.to_vec(), value.clone()));
            }
        })?;
        collected.sort_unstable_by_key(|(path, _, _)| *path);
        Ok(collected)
    }

    fn each_value(&self, visit: &mut dyn FnMut(&Hash, &[u8], &Value)) -> Result<(), StateError> {
        let mut range = TableRange { from: Bound::Unbounded, to: Bound::Unbounded, order: Order::Forward };
        loop {
            let entries = self.shared.backend.scan(Table::Values, &range, READ)?;
            for (key, value) in &entries {
                visit(&state_path(key), key, value);
            }
            match entries.into_iter().next_back() {
                Some((last, _)) => range.from = Bound::Excluded(last),
                None => return Ok(()),
            }
        }
    }
}

fn part(entries: &[Collected], depth: u8) -> Part {
    let leaves: Vec<_> = entries.iter().map(|(path, _, value)| (*path, state_leaf(path, value))).collect();
    part_of_leaves(&leaves, depth)
}
