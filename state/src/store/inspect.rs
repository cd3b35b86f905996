//! Looking at a store that may be damaged: block file and key-value store as they are, without opening them as a
//! [`crate::Store`], which refuses what does not agree. Nothing here says that what it gives is right.

use std::ops::Bound;
use std::path::Path;

use super::backend::{Backend, Table, TableRange};
use super::commit::{Head, META_HEAD};
use super::disk::{Layout, check_present, take_lock};
use super::file::FileLog;
use super::log::{Block, BlockLog, FILE_HEADER_BYTES, Found, read_record, stored_chain_id};
use super::rocks::RocksBackend;
use super::step::decode_head;
use crate::error::StateError;
use crate::key::Order;
use crate::view::Value;

/// The parts of a store, each as it is.
pub struct Inspection {
    backend: Box<dyn Backend>,
    log: Box<dyn BlockLog>,
    chain_id: [u8; 32],
}

/// What stands at an offset of the block file.
#[derive(Debug)]
pub enum Record {
    /// A record that agrees with its checksum and place.
    Block {
        /// The record.
        block: Box<Block>,
        /// Where the next one begins.
        next: u64,
    },
    /// Values of the snapshot that the chain was made from.
    Part {
        /// The values, with height, id and root of the first block.
        block: Box<Block>,
        /// Where the next record begins.
        next: u64,
    },
    /// The end of the file.
    End,
    /// Bytes that are no such record.
    Damaged {
        /// What is wrong with them.
        what: &'static str,
        /// Where the next record would begin, where that is known.
        next: Option<u64>,
    },
}

impl Inspection {
    /// The offset of the first record of a block file.
    pub const FIRST_RECORD: u64 = FILE_HEADER_BYTES as u64;

    /// Opens the store in `directory` for reading, even while another process has it open.
    ///
    /// # Errors
    /// When the key-value store does not open, or the header of the block file is missing or of another format.
    pub fn open(directory: &Path) -> Result<Self, StateError> {
        let layout = Layout::of(directory);
        check_present(directory, &layout)?;
        let log = FileLog::open_read_only(&layout.log)?;
        let chain_id = stored_chain_id(&log)?;
        let backend = RocksBackend::open_read_only(&layout.database)?;
        Ok(Self { backend: Box::new(backend), log: Box::new(log), chain_id })
    }

    /// As [`Inspection::open`], taking the store's lock and with a key-value store that can be written to: for what
    /// repairs a store, and for tests that damage one. Nothing is repaired by opening.
    ///
    /// # Errors
    /// As [`Inspection::open`]; [`StateError::Locked`] if another process has it open.
    pub fn open_writable(directory: &Path) -> Result<Self, StateError> {
        let layout = Layout::of(directory);
        check_present(directory, &layout)?;
        let lock = take_lock(directory, &layout.lock)?;
        let log = FileLog::open_read_only(&layout.log)?;
        let chain_id = stored_chain_id(&log)?;
        let backend = RocksBackend::open(&layout.database, lock)?;
        Ok(Self { backend: Box::new(backend), log: Box::new(log), chain_id })
    }

    /// The chain that the block file names.
    #[must_use]
    pub fn chain_id(&self) -> [u8; 32] {
        self.chain_id
    }

    /// The head that the key-value store names; `None` where it names none, or nothing that can be read.
    ///
    /// # Errors
    /// [`StateError::Backend`] if it cannot be read.
    pub fn head(&self) -> Result<Option<Head>, StateError> {
        let head = self.backend.get(Table::Meta, META_HEAD)?;
        Ok(head.as_deref().and_then(decode_head).map(|(head, _)| head))
    }

    /// What stands at `offset` of the block file.
    ///
    /// # Errors
    /// [`StateError::Io`] if it cannot be read.
    pub fn record(&self, offset: u64) -> Result<Record, StateError> {
        Ok(match read_record(self.log.as_ref(), &self.chain_id, offset)? {
            Found::Block(block, next) => Record::Block { block, next },
            Found::Part(block, next) => Record::Part { block, next },
            Found::End => Record::End,
            Found::Damaged { what, next } => Record::Damaged { what, next },
        })
    }

    /// The first `limit` entries of the table of values behind the flat key `after`, as they are: the keys need not be
    /// well-formed.
    ///
    /// # Errors
    /// [`StateError::Backend`] if they cannot be read.
    pub fn values(&self, after: Option<&[u8]>, limit: usize) -> Result<Vec<(Vec<u8>, Value)>, StateError> {
        let from = after.map_or(Bound::Unbounded, |key| Bound::Excluded(key.to_vec()));
        self.backend.scan(Table::Values, &TableRange { from, to: Bound::Unbounded, order: Order::Forward }, limit)
    }

    /// The key-value store itself.
    #[must_use]
    pub fn backend(&self) -> &dyn Backend {
        self.backend.as_ref()
    }
}
