//! The project's store as it is shipped: undo records, indices, block file, two synced writes a block.

use crate::rocks::change_set;
use crate::side::{SCANNED, Side};
use crate::workload::Change;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use unfork_state::{ChangeSet, Key, Options, Order, Range, StateView, Store};

const CHAIN: [u8; 32] = [0xbe; 32];

/// Bytes of a block's body, which plain RocksDB does not have to keep.
const BODY_BYTES: usize = 200;

/// The bound of the side "bounded" in MiB, a quarter of what is usual.
pub const BOUND_MIB: u64 = 256;

/// With a bound on the tree's memory in MiB; 0 stands for the usual one.
pub struct Shipped<const TREE_MIB: u64> {
    store: Store,
    view: Arc<dyn StateView>,
}

impl<const TREE_MIB: u64> Side for Shipped<TREE_MIB> {
    type Block = ChangeSet;

    fn open(directory: &Path, _keys: u64) -> Self {
        let usual = Options::default();
        let tree_bytes = if TREE_MIB == 0 { usual.tree_bytes } else { TREE_MIB << 20 };
        let options = Options { tree_bytes, ..usual };
        let store = if directory.join("blocks.log").exists() {
            Store::open_with_options(directory, CHAIN, options)
        } else {
            let genesis = ChangeSet::new();
            Store::create_with_options(directory, CHAIN, genesis, [0; 32], vec![0; BODY_BYTES], options)
        };
        let store = store.expect("the store opens");
        let view = store.view();
        Self { store, view }
    }

    fn block(changes: Vec<Change>) -> Self::Block {
        change_set(changes)
    }

    fn commit(&mut self, changes: Self::Block) {
        let head = self.store.head();
        let (_, pending) = self.store.prepare(head.id, changes).expect("changes over the head");
        let height = head.height + 1;
        let mut id = [0xb1; 32];
        id[..8].copy_from_slice(&height.to_le_bytes());
        self.store.commit(pending, height, id, vec![0; BODY_BYTES]).expect("a commit");
        self.view = self.store.view();
    }

    fn tree_bytes(&self) -> Option<u64> {
        Some(self.store.stats().tree_bytes)
    }

    fn settle(&mut self) {
        self.store.settle().expect("settled");
    }

    fn read(&self, key: &Key) -> Option<usize> {
        self.view.get(key).expect("readable").map(|value| value.len())
    }

    fn scan(&self, key: &Key) -> Option<usize> {
        let from = Bound::Included(key.raw().to_vec());
        let range = Range { space: key.space(), from, to: Bound::Unbounded, order: Order::Forward };
        Some(self.view.scan(&range, SCANNED).expect("readable").len())
    }

    fn prove(&self, key: &Key) -> Option<usize> {
        Some(self.store.prove(key).expect("a proof").encode().len())
    }

    fn close(mut self) {
        self.store.checkpoint().expect("a checkpoint");
    }

    fn open_by_rebuilding(directory: &Path, keys: u64) -> Option<Self> {
        let checkpoints = ["tree.0", "tree.1"].map(|name| directory.join(name));
        let removed = checkpoints.iter().filter(|file| std::fs::remove_file(file).is_ok()).count();
        (removed > 0).then(|| Self::open(directory, keys))
    }
}
