//! Memory that one block's diff leaves to the next. Taken and freed with each block, it would lie now here, now there
//! between everything else that a node allocates, and never be in the processor's cache.

use std::mem;
use std::sync::{Mutex, PoisonError};

use super::build::Node;
use super::diff::Tools;
use super::leaf::{LeafChange, LeafHasher};

/// Memory of diffs with more changes than this is freed.
const CHANGES_MAX: usize = 1 << 14;

/// As is that of messages when there are more blocks of them: values may be long.
const BLOCKS_MAX: usize = 1 << 14;

/// Changed nodes by level.
pub(super) type Levels = Vec<Vec<(u64, Node)>>;

#[derive(Default)]
pub(crate) struct Spare(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    hasher: LeafHasher,
    tools: Tools,
    leaf_changes: Vec<LeafChange>,
    levels: Levels,
}

impl Spare {
    /// A hasher and the memory of leaf changes.
    pub(crate) fn hasher(&self) -> (LeafHasher, Vec<LeafChange>) {
        self.with(|memory| (mem::take(&mut memory.hasher), mem::take(&mut memory.leaf_changes)))
    }

    pub(crate) fn keep_hasher(&self, hasher: LeafHasher) {
        if hasher.room() <= BLOCKS_MAX {
            self.with(|memory| memory.hasher = hasher);
        }
    }

    pub(super) fn tools(&self) -> (Tools, Levels) {
        self.with(|memory| (mem::take(&mut memory.tools), mem::take(&mut memory.levels)))
    }

    pub(super) fn keep_tools(&self, tools: Tools) {
        self.with(|memory| memory.tools = tools);
    }

    /// Takes what a diff consisted of.
    pub(super) fn keep(&self, mut leaf_changes: Vec<LeafChange>, mut levels: Levels) {
        if leaf_changes.capacity() <= CHANGES_MAX {
            leaf_changes.clear();
            levels.iter_mut().for_each(Vec::clear);
            self.with(|memory| (memory.leaf_changes, memory.levels) = (leaf_changes, levels));
        } else {
            self.with(|memory| *memory = Memory::default());
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Memory) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
