//! RocksDB as a [`Backend`]. No type of it leaves this module.

use std::fs::File;
use std::ops::Bound;
use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, CompactOptions, DBCompressionType,
    DBRawIteratorWithThreadMode, DBRecoveryMode, DBWithThreadMode, FlushOptions, Options, ReadOptions, SingleThreaded,
    WaitForCompactOptions, WriteBatch, WriteOptions,
    properties::{self, PropName},
};

use super::backend::{Backend, Batch, Table, TableRange};
use super::stats::MemoryUse;
use crate::error::StateError;
use crate::key::{Order, is_empty_range};
use crate::view::Value;

/// Bytes of blocks read from disk that are kept in memory, over all tables.
const CACHE_BYTES: usize = 64 << 20;
/// Bytes that each table collects in memory before all are written to sorted files together.
const BUFFER_BYTES: usize = 32 << 20;
/// The same for old values: they come to fewer bytes than the new ones, and must not be what decides.
const UNDO_BUFFER_BYTES: usize = 64 << 20;
/// What RocksDB takes at a time for a table that holds little.
const SMALL_ARENA_BYTES: usize = 256 << 10;
/// Files of the table of keys before they are merged: each has keys from everywhere, so that merging rewrites all.
const KEY_FILES_MERGED: i32 = 12;
/// Files RocksDB keeps open.
const OPEN_FILES_MAX: i32 = 512;

/// The database by its explicit type: what the alias `rocksdb::DB` means depends on features another crate may turn on.
type Database = DBWithThreadMode<SingleThreaded>;

/// The key-value store of a store on disk, one column family a table.
pub(crate) struct RocksBackend {
    database: Database,
    read_only: bool,
    /// Held until the database is closed: fields are dropped in this order.
    _lock: Option<File>,
}

impl RocksBackend {
    /// Creates an empty database in `directory`, with all its tables, and closes it.
    pub(crate) fn create(directory: &Path) -> Result<(), StateError> {
        let mut options = database_options();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_error_if_exists(true);
        Database::open_cf_descriptors(&options, directory, tables()).map(drop).map_err(unopened)
    }

    /// Opens the database in `directory`. Nothing that is missing is created: a table that a damaged manifest has
    /// forgotten must not come back empty.
    pub(crate) fn open(directory: &Path, lock: File) -> Result<Self, StateError> {
        let database = Database::open_cf_descriptors(&database_options(), directory, tables()).map_err(unopened)?;
        Ok(Self { database, read_only: false, _lock: Some(lock) })
    }

    /// Opens the database in `directory` for reading, as it is at this moment.
    pub(crate) fn open_read_only(directory: &Path) -> Result<Self, StateError> {
        // RocksDB would leave a directory behind where there is none, and nothing would be rebuilt in its place.
        if !directory.try_exists().map_err(|error| StateError::io("looking for the database", &error))? {
            return Err(StateError::refused(
                "the store has no database",
                "open it for writing once: the database is rebuilt from the block file",
            ));
        }
        let opened = Database::open_cf_descriptors_read_only(&database_options(), directory, tables(), false);
        Ok(Self { database: opened.map_err(unopened)?, read_only: true, _lock: None })
    }

    fn table(&self, table: Table) -> Result<&ColumnFamily, StateError> {
        self.database.cf_handle(table.name()).ok_or_else(|| StateError::Backend {
            during: "finding a table",
            text: format!("RocksDB has no column family {}", table.name()),
        })
    }

    /// All tables, in the order of [`Table::ALL`].
    fn tables(&self) -> Result<Vec<&ColumnFamily>, StateError> {
        Table::ALL.iter().map(|table| self.table(*table)).collect()
    }
}

fn database_options() -> Options {
    let mut options = Options::default();
    options.set_paranoid_checks(true);
    // A damaged tail of its log makes RocksDB open at an earlier point; the block file then supplies what is missing.
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    // All tables reach their sorted files together, so that whatever a damaged manifest forgets, it forgets of all.
    options.set_atomic_flush(true);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_keep_log_file_num(2);
    options.set_bytes_per_sync(1 << 20);
    options
}

fn tables() -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(CACHE_BYTES);
    let describe = |table: Table| {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&cache);
        // Ten bits a key: a look-up of an absent key rarely touches the disk.
        blocks.set_bloom_filter(10.0, false);
        let mut options = Options::default();
        options.set_block_based_table_factory(&blocks);
        options.set_compression_type(DBCompressionType::None);
        options.set_write_buffer_size(buffer_bytes(table));
        if table != Table::Values {
            options.set_arena_block_size(SMALL_ARENA_BYTES);
        }
        if table == Table::Keys {
            options.set_level_zero_file_num_compaction_trigger(KEY_FILES_MERGED);
        }
        ColumnFamilyDescriptor::new(table.name(), options)
    };
    Table::ALL.map(describe).into()
}

/// Bytes that a table collects in memory.
fn buffer_bytes(table: Table) -> usize {
    if table == Table::Undo { UNDO_BUFFER_BYTES } else { BUFFER_BYTES }
}

fn unopened(error: rocksdb::Error) -> StateError {
    StateError::refused(
        format!("RocksDB does not open: {}", error.into_string()),
        "if another program has it open, stop that; if it is damaged, move the directory `db` away and open again: \
         it is rebuilt from the block file",
    )
}

fn failed(during: &'static str) -> impl Fn(rocksdb::Error) -> StateError {
    move |error| StateError::Backend { during, text: error.into_string() }
}

impl Backend for RocksBackend {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, StateError> {
        let found = self.database.get_pinned_cf(self.table(table)?, key);
        Ok(found.map_err(failed("reading a value"))?.map(|bytes| Value::from(bytes.as_ref())))
    }

    fn length(&self, table: Table, key: &[u8]) -> Result<Option<u32>, StateError> {
        let found = self.database.get_pinned_cf(self.table(table)?, key).map_err(failed("reading a value"))?;
        Ok(found.map(|bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX)))
    }

    fn scan(&self, table: Table, range: &TableRange, limit: usize) -> Result<Vec<(Vec<u8>, Value)>, StateError> {
        if is_empty_range(&range.from, &range.to) {
            return Ok(Vec::new());
        }
        let mut options = ReadOptions::default();
        // RocksDB's lower bound is inclusive and its upper bound exclusive; the key itself and a zero byte is the next.
        match &range.from {
            Bound::Included(from) => options.set_iterate_lower_bound(from.clone()),
            Bound::Excluded(from) => options.set_iterate_lower_bound(successor(from)),
            Bound::Unbounded => {}
        }
        match &range.to {
            Bound::Included(to) => options.set_iterate_upper_bound(successor(to)),
            Bound::Excluded(to) => options.set_iterate_upper_bound(to.clone()),
            Bound::Unbounded => {}
        }
        let mut entries = self.database.raw_iterator_cf_opt(self.table(table)?, options);
        let step: fn(&mut DBRawIteratorWithThreadMode<'_, Database>) = match range.order {
            Order::Forward => {
                entries.seek_to_first();
                |entries| entries.next()
            }
            Order::Backward => {
                entries.seek_to_last();
                |entries| entries.prev()
            }
        };
        let mut found = Vec::new();
        while found.len() < limit {
            let Some((key, value)) = entries.item() else { break };
            found.push((key.to_vec(), Value::from(value)));
            step(&mut entries);
        }
        // An iterator that met an error just ends; only its status tells.
        entries.status().map_err(failed("scanning values"))?;
        Ok(found)
    }

    fn write(&self, batch: Batch) -> Result<(), StateError> {
        self.write_after(batch, &mut || Ok(()))
    }

    fn write_after(&self, batch: Batch, ready: &mut dyn FnMut() -> Result<(), StateError>) -> Result<(), StateError> {
        if self.read_only {
            return Err(StateError::Backend { during: "writing a block", text: "the store is open read-only".into() });
        }
        // Beside a key and a value stand their lengths, the table and what kind of write it is.
        let size = batch.size().saturating_add(batch.writes().count().saturating_mul(12));
        let mut writes = WriteBatch::with_capacity_bytes(size);
        let tables = self.tables()?;
        for write in batch.writes() {
            let Some(table) = tables.get(write.table as usize) else { continue };
            match write.value {
                Some(value) => writes.put_cf(table, write.key, value),
                None => writes.delete_cf(table, write.key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(true);
        ready()?;
        self.database.write_opt(writes, &options).map_err(failed("writing a block"))
    }

    fn remove_below(&self, table: Table, key: &[u8]) -> Result<(), StateError> {
        let failed = failed("removing old entries");
        let table = self.table(table)?;
        // One mark in the log says that they are gone; files that hold nothing else are dropped without being read.
        self.database.delete_range_cf(table, [].as_slice(), key).map_err(&failed)?;
        self.database.delete_file_in_range_cf(table, [].as_slice(), key).map_err(&failed)
    }

    fn free_below(&self, table: Table, key: &[u8]) {
        let Ok(table) = self.table(table) else { return };
        let mut options = CompactOptions::default();
        // Other tables are tidied up meanwhile, so that writing never waits for this.
        options.set_exclusive_manual_compaction(false);
        self.database.compact_range_cf_opt(table, None::<&[u8]>, Some(key), &options);
    }

    fn memory_use(&self) -> Vec<MemoryUse> {
        let of = |table: &Table, property: &PropName| -> u64 {
            let column = self.table(*table).ok();
            column.and_then(|column| self.database.property_int_value_cf(column, property).ok()?).unwrap_or_default()
        };
        let all = |property| Table::ALL.iter().map(|table| of(table, property)).fold(0, u64::saturating_add);
        let bytes = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        // While one buffer of a table is written to disk, another is filled; then writing waits.
        let buffers = Table::ALL.iter().map(|table| bytes(buffer_bytes(*table))).fold(0, u64::saturating_add);
        vec![
            MemoryUse {
                part: "database blocks",
                // All tables share them.
                used: of(&Table::Values, properties::BLOCK_CACHE_USAGE),
                max: Some(bytes(CACHE_BYTES)),
            },
            MemoryUse {
                part: "database buffers",
                used: all(properties::SIZE_ALL_MEM_TABLES),
                max: Some(buffers.saturating_mul(2)),
            },
            MemoryUse {
                part: "database filters and indices",
                used: all(properties::ESTIMATE_TABLE_READERS_MEM),
                max: None,
            },
        ]
    }

    fn settle(&self) -> Result<(), StateError> {
        settle(&self.database, &self.tables()?)
    }
}

/// RocksDB with the options of the table of values and nothing around it: what the store is measured against.
pub struct PlainRocks {
    database: Database,
}

impl PlainRocks {
    /// An empty database in `directory`.
    ///
    /// # Errors
    /// [`StateError::Refused`] if it cannot be created.
    pub fn create(directory: &Path) -> Result<Self, StateError> {
        let mut options = database_options();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let values = tables().into_iter().filter(|table| table.name() == Table::Values.name());
        let database = Database::open_cf_descriptors(&options, directory, values).map_err(unopened)?;
        Ok(Self { database })
    }

    /// Writes `pairs` (a value, or none to remove the key) in one synced batch.
    ///
    /// # Errors
    /// [`StateError::Backend`] if that failed.
    pub fn write<'a>(&self, pairs: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Result<(), StateError> {
        let table = self.table()?;
        let mut writes = WriteBatch::default();
        for (key, value) in pairs {
            match value {
                Some(value) => writes.put_cf(table, key, value),
                None => writes.delete_cf(table, key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.database.write_opt(writes, &options).map_err(failed("writing a plain batch"))
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// [`StateError::Backend`] if it cannot be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.database.get_cf(self.table()?, key).map_err(failed("reading a value"))
    }

    /// Writes what is in memory to sorted files and waits for their compaction.
    ///
    /// # Errors
    /// [`StateError::Backend`] if that failed.
    pub fn settle(&self) -> Result<(), StateError> {
        settle(&self.database, &[self.table()?])
    }

    fn table(&self) -> Result<&ColumnFamily, StateError> {
        let missing = || StateError::Backend { during: "finding a table", text: "it is missing".to_owned() };
        self.database.cf_handle(Table::Values.name()).ok_or_else(missing)
    }
}

fn settle(database: &Database, tables: &[&ColumnFamily]) -> Result<(), StateError> {
    database.flush_cfs_opt(tables, &FlushOptions::default()).map_err(failed("flushing"))?;
    let options = WaitForCompactOptions::default();
    database.wait_for_compact(&options).map_err(failed("waiting for compactions"))
}

/// The smallest key after `key`.
fn successor(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}
