//! The key-value store under a [`crate::Store`].

use std::ops::Bound;

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
    /// Height (u64 big-endian) → what takes the block's changes back.
    Undo,
    /// Height (u64 big-endian) → offset in the block file (u64 little-endian).
    Blocks,
    /// Block id → height (u64 little-endian).
    Ids,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 5] = [Self::Meta, Self::Values, Self::Undo, Self::Blocks, Self::Ids];

    /// Its name on disk.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Values => "values",
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

/// Writes that happen together, in this order.
#[derive(Debug, Default)]
pub struct Batch {
    /// The writes.
    pub writes: Vec<Write>,
}

/// One write of a batch.
#[derive(Debug)]
pub struct Write {
    /// The table written to.
    pub table: Table,
    /// The key.
    pub key: Vec<u8>,
    /// The new value, `None` to delete the key.
    pub value: Option<Value>,
}

impl Batch {
    pub(crate) fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.writes.push(Write { table, key: key.to_vec(), value: Some(value.into()) });
    }
}
