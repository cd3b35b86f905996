//! RocksDB with the options of the project's store, and the two sides that are little more: plain batches, and batches
//! with the root of our tree.

use crate::side::{SCANNED, Side};
use crate::workload::Change;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode,
    FlushOptions, IteratorMode, Options, WaitForCompactOptions, WriteBatch, WriteOptions,
};
use std::collections::BTreeMap;
use std::path::Path;
use unfork_state::testing::BareTree;
use unfork_state::{ChangeSet, Key};

/// Opens a database with the options of state/src/store/rocks.rs; the run compares what RocksDB has noted of
/// them.
pub fn open(directory: &Path, tables: &[&str]) -> DB {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    options.set_atomic_flush(true);
    options.set_max_open_files(512);
    options.set_keep_log_file_num(2);
    options.set_bytes_per_sync(1 << 20);
    let cache = Cache::new_lru_cache(64 << 20);
    let describe = |name: &&str| {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&cache);
        blocks.set_bloom_filter(10.0, false);
        let mut options = Options::default();
        options.set_block_based_table_factory(&blocks);
        options.set_compression_type(DBCompressionType::None);
        options.set_write_buffer_size(32 << 20);
        ColumnFamilyDescriptor::new(*name, options)
    };
    let tables = tables.iter().map(describe);
    DB::open_cf_descriptors(&options, directory.join("db"), tables).expect("the database opens")
}

pub fn table<'a>(database: &'a DB, name: &str) -> &'a ColumnFamily {
    database.cf_handle(name).expect("a table that was opened")
}

pub fn write(database: &DB, batch: WriteBatch) {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    database.write_opt(batch, &options).expect("the database can be written");
}

pub fn settle(database: &DB, tables: &[&str]) {
    let tables: Vec<_> = tables.iter().map(|name| table(database, name)).collect();
    database.flush_cfs_opt(&tables, &FlushOptions::default()).expect("flushed");
    database.wait_for_compact(&WaitForCompactOptions::default()).expect("compacted");
}

const TABLES: [&str; 2] = ["values", "meta"];

/// The limit: one synced batch of the values and the height.
pub struct Plain {
    database: DB,
    height: u64,
}

impl Plain {
    fn batch(&mut self, changes: &ChangeSet) -> WriteBatch {
        self.height += 1;
        let mut batch = WriteBatch::default();
        let values = table(&self.database, "values");
        for (key, change) in changes.iter() {
            match &change.new {
                Some(value) => batch.put_cf(values, key.as_bytes(), value),
                None => batch.delete_cf(values, key.as_bytes()),
            }
        }
        batch.put_cf(table(&self.database, "meta"), b"head", self.height.to_le_bytes());
        batch
    }
}

impl Side for Plain {
    type Block = ChangeSet;

    fn open(directory: &Path, _keys: u64) -> Self {
        Self { database: open(directory, &TABLES), height: 0 }
    }

    fn block(changes: Vec<Change>) -> Self::Block {
        change_set(changes)
    }

    fn commit(&mut self, changes: Self::Block) {
        let batch = self.batch(&changes);
        write(&self.database, batch);
    }

    fn settle(&mut self) {
        settle(&self.database, &TABLES);
    }

    fn read(&self, key: &Key) -> Option<usize> {
        let value = self.database.get_pinned_cf(table(&self.database, "values"), key.as_bytes());
        value.expect("readable").map(|value| value.len())
    }

    fn scan(&self, key: &Key) -> Option<usize> {
        let from = IteratorMode::From(key.as_bytes(), rocksdb::Direction::Forward);
        let entries = self.database.iterator_cf(table(&self.database, "values"), from);
        let space = key.space();
        let inside = |entry: &Result<(Box<[u8]>, Box<[u8]>), _>| {
            entry.as_ref().is_ok_and(|(key, _)| key.starts_with(space.prefix()))
        };
        Some(entries.take_while(inside).take(SCANNED).count())
    }
}

/// [`Plain`] and the root of our tree, which is kept in memory and never written: what a root alone costs.
pub struct Bare {
    plain: Plain,
    tree: BareTree,
}

impl Side for Bare {
    type Block = ChangeSet;

    /// Only a new store can be opened: the tree is nowhere on disk.
    fn open(directory: &Path, keys: u64) -> Self {
        Self { plain: Plain::open(directory, keys), tree: BareTree::default() }
    }

    fn block(changes: Vec<Change>) -> Self::Block {
        change_set(changes)
    }

    fn commit(&mut self, changes: Self::Block) {
        let root = self.tree.apply(&changes);
        let mut batch = self.plain.batch(&changes);
        batch.put_cf(table(&self.plain.database, "meta"), b"root", root);
        write(&self.plain.database, batch);
    }

    fn settle(&mut self) {
        self.plain.settle();
    }

    fn read(&self, key: &Key) -> Option<usize> {
        self.plain.read(key)
    }

    fn scan(&self, key: &Key) -> Option<usize> {
        self.plain.scan(key)
    }
}

/// The changes as the project's store takes them, which are also those of plain RocksDB: what they take to be made and
/// dropped is the same.
pub fn change_set(changes: Vec<Change>) -> ChangeSet {
    let change = |Change { key, old, new }| (key, unfork_state::Change { old: Some(old), new });
    ChangeSet::from_map(changes.into_iter().map(change).collect::<BTreeMap<_, _>>())
}
