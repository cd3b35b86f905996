//! The Jellyfish Merkle tree of the crate jmt over the same RocksDB: nodes and values in tables of their own, nodes that
//! are no longer needed deleted in the same batch, so that it keeps as little history as it can.

use crate::rocks;
use crate::side::Side;
use crate::workload::Change;
use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, SimpleHasher, Version};
use rocksdb::{DB, WriteBatch};
use std::path::Path;
use unfork_proof::keccak256;
use unfork_state::Key;

const TABLES: [&str; 3] = ["values", "nodes", "meta"];

/// Keccak-256, as on every side. What is hashed is collected first, because it comes in a few small pieces.
struct Keccak(Vec<u8>);

impl SimpleHasher for Keccak {
    fn new() -> Self {
        Self(Vec::with_capacity(136))
    }

    fn update(&mut self, data: &[u8]) {
        self.0.extend_from_slice(data);
    }

    fn finalize(self) -> [u8; 32] {
        keccak256(&[&self.0])
    }

    fn hash(data: impl AsRef<[u8]>) -> [u8; 32] {
        keccak256(&[data.as_ref()])
    }
}

struct Reader(DB);

fn node_key(key: &NodeKey) -> Vec<u8> {
    let mut bytes = key.version().to_be_bytes().to_vec();
    borsh::to_writer(&mut bytes, key.nibble_path()).expect("memory takes all");
    bytes
}

fn value_key(key: &KeyHash, version: Version) -> Vec<u8> {
    [key.0.as_slice(), &version.to_be_bytes()].concat()
}

impl TreeReader for Reader {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let node = self.0.get_pinned_cf(rocks::table(&self.0, "nodes"), node_key(key))?;
        Ok(node.map(|bytes| borsh::from_slice(&bytes)).transpose()?)
    }

    fn get_value_option(&self, version: Version, key: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        let mut entries = self.0.raw_iterator_cf(rocks::table(&self.0, "values"));
        entries.seek_for_prev(value_key(&key, version));
        let found = entries.item().filter(|(found, _)| found.starts_with(&key.0));
        // An empty value says that the key was removed; the workload has no empty values.
        Ok(found.map(|(_, value)| value.to_vec()).filter(|value| !value.is_empty()))
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }
}

pub struct Jmt {
    reader: Reader,
    version: Version,
}

fn path(key: &Key) -> KeyHash {
    KeyHash(keccak256(&[key.as_bytes()]))
}

impl Jmt {
    fn tree(&self) -> JellyfishMerkleTree<'_, Reader, Keccak> {
        JellyfishMerkleTree::new(&self.reader)
    }
}

impl Side for Jmt {
    type Block = Vec<Change>;

    fn open(directory: &Path, _keys: u64) -> Self {
        let database = rocks::open(directory, &TABLES);
        let head = database.get_cf(rocks::table(&database, "meta"), b"head").expect("readable");
        let version = head.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().expect("8 bytes")));
        Self { reader: Reader(database), version }
    }

    fn block(changes: Vec<Change>) -> Self::Block {
        changes
    }

    fn commit(&mut self, changes: Self::Block) {
        let version = self.version + 1;
        let set = changes.iter().map(|change| (path(&change.key), change.new.as_deref().map(<[u8]>::to_vec)));
        let (_, update) = self.tree().put_value_set(set, version).expect("a root");
        let database = &self.reader.0;
        let (nodes, values) = (rocks::table(database, "nodes"), rocks::table(database, "values"));
        let mut batch = WriteBatch::default();
        for (key, node) in update.node_batch.nodes() {
            batch.put_cf(nodes, node_key(key), borsh::to_vec(node).expect("memory takes all"));
        }
        for ((version, key), value) in update.node_batch.values() {
            batch.put_cf(values, value_key(key, *version), value.as_deref().unwrap_or_default());
        }
        for stale in &update.stale_node_index_batch {
            batch.delete_cf(nodes, node_key(&stale.node_key));
        }
        batch.put_cf(rocks::table(database, "meta"), b"head", version.to_le_bytes());
        rocks::write(database, batch);
        self.version = version;
    }

    fn settle(&mut self) {
        rocks::settle(&self.reader.0, &TABLES);
    }

    fn read(&self, key: &Key) -> Option<usize> {
        self.reader.get_value_option(self.version, path(key)).expect("readable").map(|value| value.len())
    }

    fn prove(&self, key: &Key) -> Option<usize> {
        let (_, proof) = self.tree().get_with_proof(path(key), self.version).expect("a proof");
        Some(borsh::to_vec(&proof).expect("memory takes all").len())
    }
}
