//! What an operator decides: how much memory, how much history. Nothing of it changes a root.

/// How a store uses memory and disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of values kept in memory for reading them again.
    pub cache_bytes: u64,
    /// Bytes the tree may take in memory. Leaves beyond that are read from the last checkpoint when they are needed. What
    /// has changed since the last checkpoint stays in memory until the next, and a rebuild takes as much as it needs.
    pub tree_bytes: u64,
    /// Updates between two checkpoints of the tree at least; with more keys than that, as many updates as there are keys.
    pub checkpoint_updates: u64,
    /// Blocks behind the head whose state can be read, and that can be taken back. `None` keeps all: an archive.
    pub retained_blocks: Option<u64>,
}

impl Default for Options {
    /// 64 MiB of values, a tree of about 10 million keys in memory, 10,000 blocks of history.
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, tree_bytes: 1 << 30, checkpoint_updates: 200_000, retained_blocks: Some(10_000) }
    }
}
