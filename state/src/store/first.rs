//! What a store begins with: the record of genesis or a snapshot's values in the block file, and what the key-value store
//! learns from either.

use std::ops::Bound;

use unfork_proof::state_path;

use super::backend::{Backend, Batch, Table, TableRange, Write};
use super::commit::{BlockId, FORMAT, HASH_NAME, Head, META_CHAIN, META_FORMAT, META_HASH, META_HEAD, META_OLDEST};
use super::log::{BlockLog, Content, FILE_HEADER_BYTES, Found, Record, file_header, read_record};
use super::open::tree_of_values;
use super::pending::Pending;
use super::step::{block_entries, encode_head, state_batch};
use crate::changes::ChangeSet;
use crate::error::{StateError, length_u64};
use crate::key::Order;

pub(crate) fn write_genesis_record(
    log: &dyn BlockLog,
    chain_id: &[u8; 32],
    genesis: &ChangeSet,
    id: BlockId,
    body: Vec<u8>,
) -> Result<(), StateError> {
    let pending = Pending::of_genesis(genesis.clone())?;
    let head = Head { height: 0, id, root: pending.root() };
    let header = file_header(chain_id);
    let content = Content { part: false, head, parent: [0; 32], body, changes: pending.changes() };
    let record = Record::encode(chain_id, length_u64(&header), content)?;
    let [fields, body, rest] = record.parts();
    log.append(&[&header, fields, body, rest])?;
    log.sync()
}

/// The height of the first block: 0, or that of the snapshot that the chain was made from.
pub(crate) fn first_height(log: &dyn BlockLog, chain_id: &[u8; 32]) -> Result<u64, StateError> {
    Ok(match read_record(log, chain_id, FILE_HEADER_BYTES as u64)? {
        Found::Part(block, _) => block.height,
        _ => 0,
    })
}

/// Fills an empty key-value store from the genesis record, or from the snapshot that stands in its place.
pub(super) fn write_first_state(
    backend: &dyn Backend,
    log: &dyn BlockLog,
    chain_id: &[u8; 32],
) -> Result<(), StateError> {
    let mut offset = FILE_HEADER_BYTES as u64;
    let (mut found, mut parts) = (read_record(log, chain_id, offset)?, false);
    while let Found::Part(part, end) = found {
        backend.write(part_batch(&part.changes))?;
        parts = true;
        offset = end;
        found = read_record(log, chain_id, offset)?;
    }
    let Found::Block(block, end) = found else {
        return Err(StateError::refused(
            "the block file has no first block and the key-value store is empty",
            "the store was never completely created, or is lost: remove its directory and create it again",
        ));
    };
    let wrong =
        |what: &str| StateError::refused(format!("the {what} does not lead to its root"), "restore the block file");
    let head = Head { height: block.height, id: block.id, root: block.root };
    let mut batch = if parts {
        if !block.changes.is_empty() || tree_of_values(backend)?.root() != block.root {
            return Err(wrong("snapshot in the block file"));
        }
        first_batch(head, offset, end)
    } else {
        let pending = Pending::of_genesis(block.changes)?;
        if block.height != 0 || block.parent != [0; 32] || pending.root() != block.root {
            return Err(wrong("genesis block"));
        }
        let mut batch = state_batch(pending.diff(), head, end);
        block_entries(&mut batch, pending.changes(), head, offset);
        batch
    };
    batch.put(Table::Meta, META_FORMAT, &FORMAT.to_le_bytes());
    batch.put(Table::Meta, META_CHAIN, chain_id);
    batch.put(Table::Meta, META_HASH, HASH_NAME);
    backend.write(batch)
}

/// What the key-value store learns from values of a snapshot.
fn part_batch(values: &ChangeSet) -> Batch {
    let mut batch = Batch::default();
    for (key, change) in values.iter() {
        let (flat, path) = (key.as_bytes(), state_path(key.as_bytes()));
        batch.write(Write { table: Table::Values, key: flat, value: change.new.as_deref() });
        batch.write(Write { table: Table::Keys, key: &path, value: Some(flat) });
    }
    batch
}

/// What it learns from the block that a snapshot was taken after.
fn first_batch(head: Head, offset: u64, log_end: u64) -> Batch {
    let mut batch = Batch::default();
    batch.put(Table::Blocks, &head.height.to_be_bytes(), &offset.to_le_bytes());
    batch.put(Table::Ids, &head.id, &head.height.to_le_bytes());
    batch.put(Table::Meta, META_HEAD, &encode_head(head, log_end));
    batch.put(Table::Meta, META_OLDEST, &head.height.to_le_bytes());
    batch
}

pub(super) fn is_empty(backend: &dyn Backend) -> Result<bool, StateError> {
    let all = TableRange { from: Bound::Unbounded, to: Bound::Unbounded, order: Order::Forward };
    for table in Table::ALL {
        if !backend.scan(table, &all, 1)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}
