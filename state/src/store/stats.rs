//! How large a store is, on disk and in memory.

use super::commit::Store;
use super::options::Options;

/// How large a store is at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys in the state at the head.
    pub keys: u64,
    /// Bytes the tree takes in memory.
    pub tree_bytes: u64,
    /// Bytes of cached values, about.
    pub cache_bytes: u64,
    /// Bytes of the block file.
    pub block_file_bytes: u64,
}

/// What one part of a store takes in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// The part.
    pub part: &'static str,
    /// Bytes it has at present.
    pub used: u64,
    /// Bytes it may have; `None` for what grows with the store.
    pub max: Option<u64>,
}

impl Store {
    /// How large this store is at present.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (keys, tree_bytes) = {
            let tree = self.shared.tree();
            (tree.base.leaves(), tree.base.bytes())
        };
        Stats { keys, tree_bytes, cache_bytes: self.shared.cache.bytes(), block_file_bytes: self.log_end }
    }

    /// What this store takes in memory, part by part, beside the blocks under way, and what one may take that is opened for
    /// writing with these `options`: the tree and the cached values, then what the key-value store has. Leaves of the tree
    /// that have changed since the last checkpoint stay above its bound until the next. A store that was opened for reading
    /// has all of the tree.
    #[must_use]
    pub fn memory_use(&self, options: &Options) -> Vec<MemoryUse> {
        let tree = self.shared.tree();
        let (used, max) = (tree.base.bytes(), tree.base.granted(options.tree_bytes));
        drop(tree);
        let mut parts = vec![
            MemoryUse { part: "tree", used, max: Some(max) },
            MemoryUse { part: "values", used: self.shared.cache.bytes(), max: Some(options.cache_bytes) },
        ];
        parts.extend(self.shared.backend.memory_use());
        parts
    }
}
