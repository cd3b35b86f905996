//! The key-value store under a [`crate::Store`].

use std::ops::Bound;

use super::stats::MemoryUse;
use crate::error::StateError;
use crate::key::Order;
use crate::view::Value;

/// What a key-value store must do for us: four operations over a few tables of ordered byte keys.
///
/// It must survive being read from several threads, while one of them writes.
pub trait Backend: Send + Sync {
    /// The value of `key` in `table`.
    ///
    /// # Errors
    /// [`StateError::Backend`] if it cannot be read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, StateError>;

    /// The length in bytes of the value of `key` in `table`.
    ///
    /// # Errors
    /// [`StateError::Backend`] if it cannot be read.
    fn length(&self, table: Table, key: &[u8]) -> Result<Option<u32>, StateError> {
        Ok(self.get(table, key)?.as_ref().map(crate::view::value_length))
    }

    /// The first `limit` entries of `range` in its order, as they were at one moment.
    ///
    /// # Errors
    /// [`StateError::Backend`] if they cannot be read.
    fn scan(&self, table: Table, range: &TableRange, limit: usize) -> Result<Vec<(Vec<u8>, Value)>, StateError>;

    /// Makes all writes of `batch`, or none. They are durable when this returns.
    ///
    /// # Errors
    /// [`StateError::Backend`] if they may not be; then nothing is known until the store is opened again.
    fn write(&self, batch: Batch) -> Result<(), StateError>;

    /// As [`Backend::write`], once `ready` has said that it may: what can be prepared without writing is prepared before.
    ///
    /// # Errors
    /// Those of `ready`, after which nothing is written, and those of [`Backend::write`].
    fn write_after(&self, batch: Batch, ready: &mut dyn FnMut() -> Result<(), StateError>) -> Result<(), StateError> {
        ready()?;
        self.write(batch)
    }

    /// Removes all entries of `table` with keys below `key`, as a batch would, but not necessarily durably. Takes no longer
    /// than a write.
    ///
    /// # Errors
    /// [`StateError::Backend`] if that failed.
    fn remove_below(&self, table: Table, key: &[u8]) -> Result<(), StateError> {
        let range = TableRange { from: Bound::Unbounded, to: Bound::Excluded(key.to_vec()), order: Order::Forward };
        let mut batch = Batch::default();
        for (key, _) in self.scan(table, &range, usize::MAX)? {
            batch.delete(table, &key);
        }
        self.write(batch)
    }

    /// Frees the disk that entries of `table` below `key` took which are removed. Takes as long as it takes: it is read and
    /// written to meanwhile. A store that frees at once has nothing to do.
    fn free_below(&self, table: Table, key: &[u8]) {
        let _ = (table, key);
    }

    /// What the key-value store takes in memory, part by part; nothing for one whose memory is where it keeps the entries.
    fn memory_use(&self) -> Vec<MemoryUse> {
        Vec::new()
    }

    /// Brings what is durable in a log only into its final form, and does the tidying that is due. Changes nothing that
    /// can be read; a store that works in place has nothing to do.
    ///
    /// # Errors
    /// [`StateError::Backend`] if that failed.
    fn settle(&self) -> Result<(), StateError> {
        Ok(())
    }
}

/// The tables of a store. What each holds is described in `docs/format.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Format version, chain id, hash name, head.
    Meta,
    /// Flat key → value: the state.
    Values,
    /// Path → flat key, for every key of the state: what stands at a place of the tree.
    Keys,
    /// Height (u64 big-endian) → what takes the block's changes back.
    Undo,
    /// Height (u64 big-endian) → offset in the block file (u64 little-endian).
    Blocks,
    /// Block id → height (u64 little-endian).
    Ids,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 6] = [Self::Meta, Self::Values, Self::Keys, Self::Undo, Self::Blocks, Self::Ids];

    /// Its name on disk.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Values => "values",
            Self::Keys => "keys",
            Self::Undo => "undo",
            Self::Blocks => "blocks",
            Self::Ids => "ids",
        }
    }
}

/// A range of a table's keys, with a direction. The bounds enclose at least one possible key.
#[derive(Clone, Debug)]
pub struct TableRange {
    /// The lower bound, whatever the direction.
    pub from: Bound<Vec<u8>>,
    /// The upper bound, whatever the direction.
    pub to: Bound<Vec<u8>>,
    /// The direction.
    pub order: Order,
}

/// Writes that happen together, in this order. A later write of a key wins over an earlier one.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Keys and values, one after the other.
    bytes: Vec<u8>,
    writes: Vec<Place>,
}

/// One write: where its key and its value end in the bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    table: Table,
    key_end: usize,
    /// `None` deletes the key.
    value_end: Option<usize>,
}

/// One write of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'a> {
    /// The table written to.
    pub table: Table,
    /// The key.
    pub key: &'a [u8],
    /// The new value, `None` to delete the key.
    pub value: Option<&'a [u8]>,
}

impl Batch {
    /// An empty batch with room for `writes` writes of `bytes` bytes together.
    pub(crate) fn with_room(writes: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), writes: Vec::with_capacity(writes) }
    }

    /// Bytes of all keys and values.
    #[cfg(feature = "rocksdb")]
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Sets the value of `key` in `table`.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.write(Write { table, key, value: Some(value) });
    }

    /// Sets the value of `key` in `table` to what `encode` appends.
    pub(crate) fn put_with(&mut self, table: Table, key: &[u8], encode: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        encode(&mut self.bytes);
        self.writes.push(Place { table, key_end, value_end: Some(self.bytes.len()) });
    }

    /// Deletes `key` from `table`.
    pub fn delete(&mut self, table: Table, key: &[u8]) {
        self.write(Write { table, key, value: None });
    }

    /// Adds one write.
    pub fn write(&mut self, write: Write<'_>) {
        self.bytes.extend_from_slice(write.key);
        let key_end = self.bytes.len();
        let value_end = write.value.map(|value| {
            self.bytes.extend_from_slice(value);
            self.bytes.len()
        });
        self.writes.push(Place { table: write.table, key_end, value_end });
    }

    /// The writes, first to last.
    pub fn writes(&self) -> impl Iterator<Item = Write<'_>> {
        let mut start = 0;
        self.writes.iter().map(move |place| {
            let key = self.bytes.get(start..place.key_end).unwrap_or_default();
            let value = place.value_end.map(|end| self.bytes.get(place.key_end..end).unwrap_or_default());
            start = place.value_end.unwrap_or(place.key_end);
            Write { table: place.table, key, value }
        })
    }
}
