//! nomt, a store of its own on pages and io_uring, with Keccak-256 in place of Blake3. Its caches are larger than
//! RocksDB's here (512 MiB each for pages and leaves), which is its usual setting. It keeps no history either.

use crate::side::Side;
use crate::workload::Change;
use nomt::hasher::{BinaryHash, BinaryHasher};
use nomt::{KeyReadWrite, Nomt as Database, Options, SessionParams, WitnessMode};
use std::path::Path;
use unfork_proof::keccak256;
use unfork_state::Key;

pub struct Keccak;

impl BinaryHash for Keccak {
    fn hash(input: &[u8]) -> [u8; 32] {
        keccak256(&[input])
    }
}

pub struct Nomt(Database<BinaryHasher<Keccak>>);

fn path(key: &Key) -> [u8; 32] {
    keccak256(&[key.as_bytes()])
}

impl Side for Nomt {
    type Block = Vec<Change>;

    fn open(directory: &Path, keys: u64) -> Self {
        let mut options = Options::new();
        options.path(directory.join("nomt"));
        options.commit_concurrency(1);
        options.bitbox_seed([7; 16]);
        // A page holds some keys' nodes; a fifth of the keys leaves the table half empty.
        options.hashtable_buckets(u32::try_from((keys / 5).max(64_000)).unwrap_or(u32::MAX));
        options.page_cache_size(512);
        options.leaf_cache_size(512);
        Self(Database::open(options).expect("nomt opens"))
    }

    fn block(changes: Vec<Change>) -> Self::Block {
        changes
    }

    fn commit(&mut self, changes: Self::Block) {
        let session = self.0.begin_session(SessionParams::default().witness_mode(WitnessMode::disabled()));
        let write =
            |change: &Change| (path(&change.key), KeyReadWrite::Write(change.new.as_deref().map(<[u8]>::to_vec)));
        let mut writes: Vec<_> = changes.iter().map(write).collect();
        writes.sort_unstable_by_key(|(path, _)| *path);
        writes.iter().for_each(|(path, _)| session.warm_up(*path));
        let finished = session.finish(writes).expect("a root");
        finished.commit(&self.0).expect("a commit");
    }

    fn settle(&mut self) {}

    fn read(&self, key: &Key) -> Option<usize> {
        self.0.read(path(key)).expect("readable").map(|value| value.len())
    }

    fn prove(&self, key: &Key) -> Option<usize> {
        let session = self.0.begin_session(SessionParams::default());
        let proof = session.prove(path(key)).expect("a proof");
        // It has no encoding of its own: the siblings, and the path and value hash of the leaf at the end.
        Some(proof.siblings.len() * 32 + 64)
    }
}
