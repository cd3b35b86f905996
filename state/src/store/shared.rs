//! What a store, its views and its prepared blocks have in common.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use unfork_proof::{Hash, OtherLeaf, Proof, ProofError, Terminal, state_path};

use super::backend::{Backend, Table};
use super::cache::Cache;
use super::memory::MemoryBackend;
use crate::changes::ChangeSet;
use crate::error::{StateError, hexadecimal};
use crate::keccak::Lanes;
use crate::key::Key;
use crate::merkle::{Base, Committed, Diff, Leaf, LeafChange, Pages, Spare, Stack, Stale};
use crate::view::StateView;

/// The key-value store and the committed tree.
pub(crate) struct Shared {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) cache: Cache,
    tree: RwLock<Tree>,
    pages: Arc<dyn Pages>,
    lanes: Lanes,
    spare: Arc<Spare>,
}

/// The tree of the head.
pub(crate) struct Tree {
    pub(crate) base: Base,
    /// Which prepared block the head was, so that children prepared on it can follow.
    pub(crate) token: u64,
}

/// A store without checkpoints: all leaves are in memory.
pub(crate) struct NoPages;

impl Pages for NoPages {
    fn leaves(&self, _: usize, place: u32, _: u32) -> Result<Vec<Leaf>, StateError> {
        Err(StateError::corrupt(format!("there is no checkpoint to read leaves from, at {place}")))
    }
}

impl Shared {
    pub(crate) fn new(backend: Arc<dyn Backend>, base: Base, pages: Arc<dyn Pages>, cache_bytes: u64) -> Self {
        let lanes = base.lanes;
        let cache = Cache::new(cache_bytes);
        Self {
            backend,
            cache,
            tree: RwLock::new(Tree { base, token: next_token() }),
            pages,
            lanes,
            spare: Arc::default(),
        }
    }

    /// A tree without a store.
    pub(crate) fn alone() -> Self {
        let (backend, base) = (Arc::new(MemoryBackend::default()), Base::new(Lanes::widest()));
        Self::new(backend, base, Arc::new(NoPages), 0)
    }

    /// The state that the committed tree is of.
    pub(crate) fn token(&self) -> u64 {
        self.tree().token
    }

    /// Takes another tree of the same state.
    pub(crate) fn replace(&self, base: Base) {
        self.tree_mut().base = base;
    }

    pub(crate) fn tree(&self) -> RwLockReadGuard<'_, Tree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tree_mut(&self) -> RwLockWriteGuard<'_, Tree> {
        self.tree.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pages(&self) -> &dyn Pages {
        self.pages.as_ref()
    }

    /// The tree after `changes`, whose old values are known, to the state `below`, or to the committed one.
    pub(crate) fn change(&self, below: Option<&Arc<Diff>>, changes: ChangeSet) -> Result<Arc<Diff>, StateError> {
        let leaf_changes = self.leaf_changes(&changes);
        let changes = Arc::new(changes);
        let tree = self.tree();
        let diff = Diff::new(self.committed(&tree), below, next_token(), changes.clone(), leaf_changes, &self.spare);
        diff.map(Arc::new).map_err(|stale| explain(stale, &changes))
    }

    /// Makes `changes` to a tree that no store has, and returns the root. Old values that are not known are made up for.
    pub(crate) fn apply(&self, changes: &ChangeSet) -> Result<Hash, StateError> {
        let mut leaf_changes = self.leaf_changes(changes);
        let known = changes.iter().all(|(_, change)| change.old.is_some());
        let diff = {
            let tree = self.tree();
            for change in leaf_changes.iter_mut().filter(|_| !known) {
                change.old = tree.base.contains(&change.path, self.pages())?;
            }
            let diff = Diff::new(self.committed(&tree), None, next_token(), Arc::default(), leaf_changes, &self.spare);
            Arc::new(diff.map_err(|stale| explain(stale, changes))?)
        };
        self.commit(&diff)?;
        Ok(diff.root())
    }

    fn leaf_changes(&self, changes: &ChangeSet) -> Vec<LeafChange> {
        let (mut hasher, mut sorted) = self.spare.hasher();
        hasher.leaf_changes(changes, self.lanes, &mut sorted);
        self.spare.keep_hasher(hasher);
        sorted
    }

    /// The root of the committed tree.
    pub(crate) fn root(&self) -> Hash {
        self.tree().base.root()
    }

    /// Makes the committed tree that of a change, which must have been prepared on it.
    pub(crate) fn commit(&self, diff: &Arc<Diff>) -> Result<(), StateError> {
        let mut tree = self.tree_mut();
        let Tree { base, token } = &mut *tree;
        diff.commit(base, *token, self.pages()).map_err(|stale| explain(stale, diff.changes()))?;
        *token = diff.token();
        Ok(())
    }

    /// The proof of `key` in the uncommitted state `diff`, or in the committed one; `view` is that state.
    pub(crate) fn prove(&self, diff: Option<&Arc<Diff>>, view: &dyn StateView, key: &Key) -> Result<Proof, StateError> {
        let path = state_path(key.as_bytes());
        let way = {
            let tree = self.tree();
            let stack = Stack::new(self.committed(&tree), diff);
            let nothing = ChangeSet::new();
            stack.map_err(|stale| explain(stale, diff.map_or(&nothing, |diff| diff.changes())))?.walk(&path)?
        };
        let terminal = match way.end {
            None => Terminal::Empty,
            Some(other) if other == path => Terminal::Present,
            Some(other) => {
                let key = match diff.and_then(|diff| diff.key_of(&other)) {
                    Some(key) => key,
                    None => self.stored_key(&other)?,
                };
                let absent = || StateError::corrupt(format!("{key:?} is in the tree but has no value"));
                Terminal::Other(OtherLeaf::new(other, &view.get(&key)?.ok_or_else(absent)?))
            }
        };
        let too_deep = |error: ProofError| StateError::corrupt(format!("the tree yields no proof: {error}"));
        Proof::new(way.levels, terminal).map_err(too_deep)
    }

    /// The key whose path is `path`, which must be in the committed state.
    fn stored_key(&self, path: &Hash) -> Result<Key, StateError> {
        let stored = self.backend.get(Table::Keys, path)?;
        let lost = || StateError::corrupt(format!("the table of keys has no path {}", hexadecimal(path)));
        Key::from_flat(&stored.ok_or_else(lost)?).map_err(|error| StateError::corrupt(format!("a stored key: {error}")))
    }

    fn committed<'a>(&'a self, tree: &'a Tree) -> Committed<'a> {
        Committed { base: &tree.base, token: tree.token, pages: self.pages() }
    }
}

/// Distinguishes prepared blocks of all stores in this process.
pub(crate) fn next_token() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn explain(stale: Stale, changes: &ChangeSet) -> StateError {
    match stale {
        Stale::HeadMoved => StateError::Order { what: "another block was committed meanwhile".to_owned() },
        Stale::Contradicts(number) => {
            let key = usize::try_from(number).ok().and_then(|at| changes.entries().get(at)).map(|(key, _)| key);
            StateError::corrupt(format!("the old value of {key:?} contradicts the tree"))
        }
        Stale::Unreadable(error) => error,
    }
}
