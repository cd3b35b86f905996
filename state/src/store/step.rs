//! The way from one block to the next in the key-value store.

use std::sync::Arc;

use super::backend::{Batch, Table, Write};
use super::commit::{Head, META_HEAD};
use crate::changes::ChangeSet;
use crate::key::Key;
use crate::merkle::Diff;
use crate::view::Value;

/// The way from the head to another block.
pub(crate) struct Step {
    pub(crate) diff: Arc<Diff>,
    pub(crate) batch: Batch,
    pub(crate) head: Head,
    /// Where the block's record ends in the block file.
    pub(crate) log_end: u64,
    /// The lowest height whose state is kept from then on, where that is another one.
    pub(crate) forget: Option<u64>,
}

/// What leads the key-value store from one state to another: values, keys of the tree, head.
pub(crate) fn state_batch(diff: &Diff, head: Head, log_end: u64) -> Batch {
    let changes = diff.changes();
    // Room for the block's values before and after; a quarter more for keys of the tree and the block's own entries.
    let length = |value: Option<&Value>| value.map_or(0, |value| value.len());
    let bytes = changes.iter().fold(4096_usize, |sum, (key, change)| {
        let before = length(change.old.as_ref().and_then(Option::as_ref));
        sum.saturating_add(key.as_bytes().len()).saturating_add(length(change.new.as_ref())).saturating_add(before)
    });
    let more = |count: usize| count.saturating_add(count / 4);
    let mut batch = Batch::with_room(more(changes.len()), more(bytes));
    for (key, change) in changes.iter() {
        batch.write(Write { table: Table::Values, key: key.as_bytes(), value: change.new.as_deref() });
    }
    for leaf in diff.leaf_changes().iter().filter(|leaf| leaf.old != leaf.new.is_some()) {
        let key = usize::try_from(leaf.number).ok().and_then(|at| changes.entries().get(at)).map(|(key, _)| key);
        let value = key.filter(|_| leaf.new.is_some()).map(Key::as_bytes);
        batch.write(Write { table: Table::Keys, key: &leaf.path, value });
    }
    batch.put(Table::Meta, META_HEAD, &encode_head(head, log_end));
    batch
}

/// What a block leaves beside its state: the values before it, and its place in the indices.
pub(crate) fn block_entries(batch: &mut Batch, changes: &ChangeSet, head: Head, offset: u64) {
    let height = head.height.to_be_bytes();
    if head.height > 0 {
        batch.put_with(Table::Undo, &height, |out| changes.encode_old_values(out));
    }
    batch.put(Table::Blocks, &height, &offset.to_le_bytes());
    batch.put(Table::Ids, &head.id, &head.height.to_le_bytes());
}

/// height u64 LE ++ id ++ root ++ end of its record in the block file u64 LE: 80 bytes.
pub(crate) fn encode_head(head: Head, log_end: u64) -> Vec<u8> {
    [head.height.to_le_bytes().as_slice(), &head.id, &head.root, &log_end.to_le_bytes()].concat()
}

pub(crate) fn decode_head(bytes: &[u8]) -> Option<(Head, u64)> {
    let (height, bytes) = bytes.split_first_chunk::<8>()?;
    let (id, bytes) = bytes.split_first_chunk::<32>()?;
    let (root, bytes) = bytes.split_first_chunk::<32>()?;
    let log_end = u64::from_le_bytes(bytes.try_into().ok()?);
    Some((Head { height: u64::from_le_bytes(*height), id: *id, root: *root }, log_end))
}
