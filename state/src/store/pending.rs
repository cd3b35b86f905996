//! A block that was prepared and is not committed: its changes, its root, the state after it.

use std::fmt;
use std::sync::Arc;

use unfork_proof::{Hash, Proof};

use super::shared::Shared;
use crate::changes::ChangeSet;
use crate::error::{StateError, hexadecimal, length_u64};
use crate::key::{Key, RAW_KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::merkle::Diff;
use crate::view::{EmptyView, Layer, StateView};

/// A block's changes with their root, ready to be committed or dropped.
pub struct Pending {
    pub(super) shared: Arc<Shared>,
    below: Arc<dyn StateView>,
    pub(super) diff: Arc<Diff>,
}

impl Pending {
    /// Invariant: every old value of `changes` is known, and no change is without effect.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        parent: Option<&Arc<Diff>>,
        below: Arc<dyn StateView>,
        changes: ChangeSet,
    ) -> Result<Self, StateError> {
        let changes = changes.complete(check_sizes, |key| below.get(key))?;
        let diff = shared.change(parent, changes)?;
        Ok(Self { shared: shared.clone(), below, diff })
    }

    /// The block that makes an empty state the one a chain starts with.
    pub(crate) fn of_genesis(changes: ChangeSet) -> Result<Self, StateError> {
        let shared = Arc::new(Shared::alone());
        Self::new(&shared, None, Arc::new(EmptyView), changes)
    }

    pub(crate) fn diff(&self) -> &Diff {
        &self.diff
    }

    /// The state root after this block.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.diff.root()
    }

    /// What this block changes, with all old values; changes without effect are gone.
    #[must_use]
    pub fn changes(&self) -> &ChangeSet {
        self.diff.changes()
    }

    /// The state after this block.
    #[must_use]
    pub fn view(&self) -> Arc<dyn StateView> {
        Arc::new(Layer { base: self.below.clone(), changes: self.diff.changes().clone() })
    }

    /// Prepares a child of this block, which can be committed once this one is the head.
    ///
    /// # Errors
    /// As [`Store::prepare`](super::Store::prepare).
    pub fn prepare(&self, changes: ChangeSet) -> Result<(Hash, Self), StateError> {
        let child = Self::new(&self.shared, Some(&self.diff), self.view(), changes)?;
        Ok((child.root(), child))
    }

    /// The proof, under this block's root, that `key` has the value it has or that it is absent.
    ///
    /// # Errors
    /// As [`Store::prove`](super::Store::prove).
    pub fn prove(&self, key: &Key) -> Result<Proof, StateError> {
        self.shared.prove(Some(&self.diff), self.view().as_ref(), key)
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = hexadecimal(&self.root());
        f.debug_struct("Pending").field("root", &root).field("changes", &self.changes().len()).finish_non_exhaustive()
    }
}

fn check_sizes(key: &Key, value: Option<&crate::view::Value>) -> Result<(), StateError> {
    check_size("raw key", length_u64(key.raw()), RAW_KEY_BYTES_MAX)?;
    check_size("value", value.map_or(0, |value| length_u64(value)), VALUE_BYTES_MAX)
}

fn check_size(what: &'static str, found: u64, limit: u32) -> Result<(), StateError> {
    if found > u64::from(limit) {
        return Err(StateError::Limit { what, found, limit: u64::from(limit) });
    }
    Ok(())
}
