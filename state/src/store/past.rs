//! States behind the head: reading and proving at an earlier height, taking blocks back, forgetting.
//!
//! For each block the store keeps the values before it. What takes the head back to a height are those of the blocks
//! since, the oldest winning; over the head's values and tree they are one change set like any other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use unfork_proof::Proof;

use super::backend::{Batch, Table};
use super::commit::{BlockId, Head, META_OLDEST, Store};
use super::history::{StoreView, Version};
use super::shared::Shared;
use super::step::{Step, state_batch};
use crate::changes::{Change, ChangeSet};
use crate::error::StateError;
use crate::key::Key;
use crate::merkle::Diff;
use crate::view::{Layer, StateView};
use crate::worker::Task;

/// The state after an earlier block. It stays readable and provable while later blocks are committed.
pub struct Past {
    shared: Arc<Shared>,
    head: Head,
    view: Arc<dyn StateView>,
    /// What takes back the blocks between that state and the head at which this was made.
    changes: Arc<ChangeSet>,
    /// That head.
    version: Arc<Version>,
    token: u64,
    /// The tree of this state over the committed one, which moves.
    diff: Mutex<Option<Arc<Diff>>>,
}

impl Store {
    /// The lowest height whose state [`Store::at`] serves.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// The state after the block at `height`. Costs reading what the blocks since have changed.
    ///
    /// # Errors
    /// [`StateError::Order`] if the height is above the head, [`StateError::Refused`] if that state was pruned, and any
    /// error of reading.
    pub fn at(&self, height: u64) -> Result<Past, StateError> {
        self.check_open()?;
        self.check_retained(height)?;
        let mut since: BTreeMap<Key, Change> = BTreeMap::new();
        let mut head = self.head;
        for above in (height.saturating_add(1)..=self.head.height).rev() {
            let (changes, parent) = self.undo(above)?;
            head.id = parent;
            for (key, change) in changes.iter() {
                let old = change.old.clone().flatten();
                let back = || Change { old: Some(change.new.clone()), new: None };
                since.entry(key.clone()).or_insert_with(back).new = old;
            }
        }
        if height < self.head.height {
            let missing = || StateError::corrupt(format!("block {height} is missing"));
            (head.height, head.root) = (height, self.root_at(height)?.ok_or_else(missing)?);
        }
        let changes = Arc::new(ChangeSet::from_map(since));
        let base = Arc::new(StoreView { shared: self.shared.clone(), version: self.version.clone() });
        let view = Arc::new(Layer { base, changes: changes.clone() });
        let (shared, version) = (self.shared.clone(), self.version.clone());
        let token = shared.token();
        Ok(Past { shared, head, view, changes, version, token, diff: Mutex::default() })
    }

    /// Takes back the blocks above `height`, the newest first, in the key-value store and in the block file. A crash
    /// leaves the store at one of the heights between.
    ///
    /// # Errors
    /// [`StateError::Order`] if the height is above the head, [`StateError::Refused`] if what is needed was pruned, and any
    /// error of reading or writing; after one of writing the handle is closed.
    pub fn rollback(&mut self, height: u64) -> Result<(), StateError> {
        self.check_open()?;
        self.check_retained(height)?;
        while self.head.height > height {
            let done = self.roll_back_one();
            done.inspect_err(|error| self.poison(error))?;
        }
        Ok(())
    }

    fn roll_back_one(&mut self) -> Result<(), StateError> {
        let height = self.head.height;
        let (changes, id) = self.undo(height)?;
        let missing = || StateError::corrupt(format!("there is no block below {height}"));
        let below = height.checked_sub(1).ok_or_else(missing)?;
        let before = Head { height: below, id, root: self.root_at(below)?.ok_or_else(missing)? };
        let diff = self.shared.change(None, changes.inverse())?;
        if diff.root() != before.root {
            return Err(StateError::corrupt(format!(
                "taking back block {height} does not lead to the root of the block before"
            )));
        }
        let end = self.offset_of(height)?;
        let mut batch = state_batch(&diff, before, end);
        let height = height.to_be_bytes();
        batch.delete(Table::Undo, &height);
        batch.delete(Table::Blocks, &height);
        batch.delete(Table::Ids, &self.head.id);
        // Values first: a block file that is ahead is a crash's ordinary trace, one that is behind is a loss.
        self.drop_checkpoint();
        let step = Step { diff, batch, head: before, log_end: end, forget: None };
        drop(self.take(step, &Task::done(Ok(())))?);
        self.log.truncate(end)
    }

    /// Forgets the states below `height`; blocks stay readable. The disk that they took is freed by a thread of the store's
    /// own, while blocks are committed: [`Store::settle`] waits for it, and so does dropping the store.
    ///
    /// # Errors
    /// [`StateError::Order`] if the height is above the head, and any error of writing.
    pub fn prune(&mut self, height: u64) -> Result<(), StateError> {
        self.check_open()?;
        if height > self.head.height {
            return Err(StateError::Order { what: format!("height {height} is above the head's") });
        }
        if height <= self.oldest {
            return Ok(());
        }
        let mut batch = Batch::default();
        batch.put(Table::Meta, META_OLDEST, &height.to_le_bytes());
        let done = self.shared.backend.write(batch).and_then(|()| self.forget_below(height));
        done.inspect_err(|error| self.poison(error))?;
        let shared = self.shared.clone();
        self.tidier.leave(move || shared.backend.free_below(Table::Undo, &first_needed(height)));
        Ok(())
    }

    /// Removes what leads to states below `height`, which is the oldest already by what is stored.
    pub(crate) fn forget_below(&mut self, height: u64) -> Result<(), StateError> {
        self.oldest = height;
        self.shared.backend.remove_below(Table::Undo, &first_needed(height))
    }

    /// What the block at `height` changed, with the values before, and the id of the block before.
    fn undo(&self, height: u64) -> Result<(ChangeSet, BlockId), StateError> {
        let missing = || StateError::corrupt(format!("block {height} is missing"));
        let block = self.block_record(height)?.ok_or_else(missing)?;
        let values = self.shared.backend.get(Table::Undo, &height.to_be_bytes())?;
        let lost = || StateError::corrupt(format!("the values before block {height} are missing"));
        let changes = block.changes.with_old_values(&values.ok_or_else(lost)?);
        let damaged = |error| StateError::corrupt(format!("the values before block {height}: {error}"));
        Ok((changes.map_err(damaged)?, block.parent))
    }

    fn check_retained(&self, height: u64) -> Result<(), StateError> {
        if height > self.head.height {
            return Err(StateError::Order { what: format!("height {height} is above the head's") });
        }
        if height < self.oldest {
            return Err(StateError::refused(
                format!("the state at height {height} was pruned; the oldest is that at {}", self.oldest),
                "ask for a later one, or replay the blocks in another directory",
            ));
        }
        Ok(())
    }
}

/// The first of the values before a block that a history from `oldest` on needs.
fn first_needed(oldest: u64) -> [u8; 8] {
    oldest.saturating_add(1).to_be_bytes()
}

impl Past {
    /// The block this is the state after.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// This state.
    #[must_use]
    pub fn view(&self) -> Arc<dyn StateView> {
        self.view.clone()
    }

    /// The proof, under that block's root, that `key` had the value it had or that it was absent. The first costs as
    /// much as the keys changed since, later ones little until another block is committed.
    ///
    /// # Errors
    /// [`StateError`] if the state cannot be read, or does not agree with the tree.
    pub fn prove(&self, key: &Key) -> Result<Proof, StateError> {
        loop {
            let diff = self.diff()?;
            match self.shared.prove(Some(&diff), self.view.as_ref(), key) {
                // A block was committed meanwhile: what leads back from it is another way.
                Err(_) if diff.below() != self.shared.token() => {}
                answer => return answer,
            }
        }
    }

    fn diff(&self) -> Result<Arc<Diff>, StateError> {
        let mut kept = self.diff.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let token = self.shared.token();
            if let Some(diff) = kept.as_ref().filter(|diff| diff.below() == token) {
                return Ok(diff.clone());
            }
            match self.way_back(token).map(|back| self.shared.change(None, back)) {
                Some(Ok(diff)) if diff.root() == self.head.root => return Ok(kept.insert(diff).clone()),
                // A block was committed meanwhile.
                _ if token != self.shared.token() => {}
                Some(Err(error)) => return Err(error),
                _ => {
                    let height = self.head.height;
                    return Err(StateError::corrupt(format!(
                        "what is kept does not lead back to the root at {height}"
                    )));
                }
            }
        }
    }

    /// What takes the head `token` back to this state; `None` if that head is none since this was made.
    fn way_back(&self, token: u64) -> Option<ChangeSet> {
        let mut back: BTreeMap<Key, Change> = BTreeMap::new();
        let mut reached = self.token;
        let mut since = self.version.since();
        while reached != token {
            let (changes, head) = since.next()?;
            reached = head;
            for (key, change) in changes.iter() {
                let old = || Change { old: None, new: change.old.clone().flatten() };
                back.entry(key.clone()).or_insert_with(old).old = Some(change.new.clone());
            }
        }
        for (key, change) in self.changes.iter() {
            back.entry(key.clone()).or_insert_with(|| change.clone()).new.clone_from(&change.new);
        }
        Some(ChangeSet::from_map(back))
    }
}
