//! Overlay, store, tree and proofs against a plain sorted map and a root computed the naive way: siblings, earlier states,
//! rollback, pruning, checkpoints of the tree, opening again.

use super::Reached;
use arbitrary::{Result, Unstructured};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use unfork_proof::{EMPTY, digit, state_inner, state_leaf, state_path};
use unfork_state::testing::FaultyDisk;
use unfork_state::{
    Backend, ChangeSet, Checkpoint, Key, Options, Order, Overlay, Parts, Pending, Range, Scanned, Space, StateView,
    Store, Value,
};

const CHAIN: [u8; 32] = [0xc4; 32];

/// Steps of one input at most.
const STEPS_MAX: usize = 300;

type Map = BTreeMap<Key, Value>;

/// What stands between the store and its disk.
pub type Wrap<'a> = dyn Fn(Box<dyn Backend>) -> Box<dyn Backend> + 'a;

/// The oracle over the engine's own store.
pub fn state_model(data: &[u8]) -> Reached {
    state_model_of(data, &|backend| backend)
}

/// The oracle over a store on any backend.
///
/// # Panics
/// When a rule is broken.
pub fn state_model_of(data: &[u8], wrap: &Wrap<'_>) -> Reached {
    let mut u = Unstructured::new(data);
    let mut run = Run::new(wrap, options(&mut u));
    for _ in 0..STEPS_MAX {
        if u.is_empty() || run.step(&mut u).is_err() {
            break;
        }
    }
    run.finish()
}

/// With and without a cache, checkpoints all the time or never, leaves in memory or not.
fn options(u: &mut Unstructured<'_>) -> Options {
    let mut flag = || u.arbitrary().unwrap_or(false);
    Options {
        cache_bytes: if flag() { 1 << 16 } else { 0 },
        tree_bytes: if flag() { 1 << 30 } else { 1 << 10 },
        checkpoint_updates: if flag() { 2 } else { u64::MAX },
        retained_blocks: None,
    }
}

/// An overlay on a store, and what both should hold.
struct Run<'a> {
    wrap: &'a Wrap<'a>,
    options: Options,
    disk: FaultyDisk,
    store: Store,
    overlay: Overlay,
    /// Points to roll back to, with what the overlay held there.
    checkpoints: Vec<(Checkpoint, Map)>,
    committed: Map,
    present: Map,
    /// The state after each block.
    heights: Vec<Map>,
    /// How often blocks were taken back: blocks of another branch have other ids.
    branch: u8,
    /// Snapshots, which must stay as they are.
    snapshots: Vec<(Arc<dyn StateView>, Map)>,
}

impl<'a> Run<'a> {
    fn new(wrap: &'a Wrap<'a>, options: Options) -> Self {
        let disk = FaultyDisk::new();
        let genesis = ChangeSet::genesis([]);
        let parts = parts(wrap, &disk, options);
        let store = Store::create_from(parts, CHAIN, genesis, [0; 32], Vec::new()).expect("a new store");
        let overlay = Overlay::new(store.view());
        let (committed, present, heights) = (Map::new(), Map::new(), vec![Map::new()]);
        let (checkpoints, snapshots) = (Vec::new(), Vec::new());
        Self { wrap, options, disk, store, overlay, checkpoints, committed, present, heights, branch: 0, snapshots }
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=19u8)? {
            0..=4 => {
                let (key, value) = (key(u)?, value(u)?);
                self.overlay.put(key.clone(), value.clone());
                self.present.insert(key, value);
            }
            5 | 6 => {
                let key = key(u)?;
                self.overlay.remove(&key);
                self.present.remove(&key);
            }
            7 => {
                let key = key(u)?;
                let found = self.overlay.get(&key).expect("a readable state");
                assert_eq!(found.as_ref(), self.present.get(&key), "the overlay's value of {key:?}");
            }
            8 => {
                let key = key(u)?;
                let found = self.overlay.length(&key).expect("a readable state");
                assert_eq!(found, self.present.get(&key).map(length), "the overlay's length of {key:?}");
            }
            9 | 10 => self.scan(&range(u)?, u.int_in_range(0..=12)?),
            11 => self.checkpoints.push((self.overlay.checkpoint(), self.present.clone())),
            12 => {
                let kept = u.int_in_range(0..=self.checkpoints.len())?;
                // The outermost of those dropped is rolled back to, which takes the others with it.
                if let Some((checkpoint, present)) = self.checkpoints.drain(kept..).next() {
                    self.overlay.rollback(checkpoint);
                    self.present = present;
                }
            }
            13 => drop(self.checkpoints.pop()),
            14 => self.end_block(u)?,
            16 => self.roll_back(u)?,
            17 => {
                let height = self.past_height(u)?;
                self.store.prune(height).expect("a height that is there");
                assert_eq!(self.store.oldest(), height, "the oldest height");
            }
            18 => self.store.checkpoint().expect("a disk in order"),
            19 => self.check_past(u)?,
            _ => self.snapshots.push((self.store.view(), self.committed.clone())),
        }
        Ok(())
    }

    fn scan(&mut self, range: &Range, limit: usize) {
        let found = self.overlay.scan(range, limit).expect("a readable state");
        assert_eq!(found, scanned(&self.committed, &self.present, range, limit), "a scan of {range:?} up to {limit}");
    }

    /// Makes a block of what has changed, and commits it, drops it, or commits it under a child.
    fn end_block(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.checkpoints.clear();
        let changes = std::mem::replace(&mut self.overlay, Overlay::new(self.store.view())).into_changes();
        check_encoding(&changes);
        let parent = self.store.head().id;
        let (root, pending) = self.store.prepare(parent, changes).expect("changes over the head");
        assert_eq!(root, naive_root(&self.present), "the root of {} keys", self.present.len());
        self.check_proofs(u, &pending, root)?;
        match u.int_in_range(0..=4u8)? {
            0 => self.present = self.committed.clone(),
            1 => {
                let extra = key(u)?;
                let mut overlay = Overlay::new(pending.view());
                overlay.put(extra.clone(), Value::from([7].as_slice()));
                let (_, child) = pending.prepare(overlay.into_changes()).expect("changes over a prepared block");
                self.commit(pending);
                self.present.insert(extra, Value::from([7].as_slice()));
                assert_eq!(child.root(), naive_root(&self.present), "the root of a child");
                self.commit(child);
            }
            _ => self.commit(pending),
        }
        if u.ratio(1, 4)? {
            self.reopen();
        }
        self.overlay = Overlay::new(self.store.view());
        Ok(())
    }

    fn past_height(&self, u: &mut Unstructured<'_>) -> Result<u64> {
        u.int_in_range(self.store.oldest()..=self.store.head().height)
    }

    /// Takes blocks back, and what was not committed with them.
    fn roll_back(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let height = self.past_height(u)?;
        self.store.rollback(height).expect("a height that is there");
        self.heights.truncate(usize::try_from(height).expect("a small height") + 1);
        self.committed = self.heights.last().cloned().unwrap_or_default();
        assert_eq!(self.store.head().root, naive_root(&self.committed), "the root after taking blocks back");
        self.branch = self.branch.wrapping_add(1);
        self.present = self.committed.clone();
        self.checkpoints.clear();
        self.overlay = Overlay::new(self.store.view());
        Ok(())
    }

    fn check_past(&self, u: &mut Unstructured<'_>) -> Result<()> {
        let height = self.past_height(u)?;
        let map = self.heights.get(usize::try_from(height).expect("a small height")).expect("a height committed");
        let past = self.store.at(height).expect("a height that is there");
        assert_eq!(past.head().root, naive_root(map), "the root at {height}");
        let (key, range) = (key(u)?, range(u)?);
        let value = map.get(&key);
        assert_eq!(
            past.view().get(&key).expect("a readable state").as_ref(),
            value,
            "the value of {key:?} at {height}"
        );
        let found = past.view().scan(&range, usize::MAX).expect("a readable state");
        let expected: Vec<_> = if impossible(&range) { Vec::new() } else { inside(map, &range).collect() };
        let mut found: Vec<_> = found.iter().map(|(key, value)| (key, value)).collect();
        if range.order == Order::Backward {
            found.reverse();
        }
        assert_eq!(found, expected, "a scan of {range:?} at {height}");
        let proof = past.prove(&key).expect("a proof");
        let value = value.map(|value| &value[..]);
        assert_eq!(proof.verify(&past.head().root, key.as_bytes(), value), Ok(()), "the proof of {key:?} at {height}");
        Ok(())
    }

    fn check_proofs(&self, u: &mut Unstructured<'_>, pending: &Pending, root: [u8; 32]) -> Result<()> {
        for _ in 0..3 {
            let key = key(u)?;
            let proof = pending.prove(&key).expect("a proof");
            let value = self.present.get(&key).map(|value| &value[..]);
            let decoded = unfork_proof::Proof::decode(&proof.encode()).expect("a proof's encoding");
            assert_eq!(decoded, proof, "a proof read back");
            assert_eq!(decoded.verify(&root, key.as_bytes(), value), Ok(()), "the proof of {key:?}");
            let other = value.is_none().then_some(&[][..]);
            assert!(proof.verify(&root, key.as_bytes(), other).is_err(), "the proof of {key:?} shows its opposite");
        }
        Ok(())
    }

    fn commit(&mut self, pending: Pending) {
        let height = self.store.head().height + 1;
        let mut id = [0xb1; 32];
        id[..8].copy_from_slice(&height.to_le_bytes());
        id[8] = self.branch;
        self.store.commit(pending, height, id, height.to_le_bytes().to_vec()).expect("a commit on the head");
        self.committed = self.present.clone();
        self.heights.push(self.committed.clone());
    }

    fn reopen(&mut self) {
        let head = self.store.head();
        let parts = parts(self.wrap, &self.disk, self.options);
        self.store = Store::open_from(parts, CHAIN).expect("a store that was left in order");
        assert_eq!(self.store.head(), head, "the head after opening again");
        // What was read from the former handle belongs to it.
        self.snapshots.clear();
    }

    fn finish(self) -> Reached {
        for (view, map) in self.snapshots.iter().chain([&(self.store.view(), self.committed.clone())]) {
            for space in spaces() {
                let all = Range::all(space);
                let found = view.scan(&all, usize::MAX).expect("a readable state");
                let expected: Vec<_> = inside(map, &all).collect();
                let found: Vec<_> = found.iter().map(|(key, value)| (key, value)).collect();
                assert_eq!(found, expected, "a snapshot, or the head");
            }
        }
        let verified = self.store.verify(&mut |_, _| {}).expect("a store in order");
        assert_eq!(verified.keys, length_of(self.committed.len()), "keys at the head");
        format!("committed {} blocks", self.store.head().height.min(8))
    }
}

fn parts(wrap: &Wrap<'_>, disk: &FaultyDisk, options: Options) -> Parts {
    Parts { backend: wrap(disk.backend()), log: disk.block_log(), trees: Some(disk.tree_files()), options }
}

/// What a scan should find.
fn scanned(committed: &Map, present: &Map, range: &Range, limit: usize) -> Scanned {
    if impossible(range) {
        return Scanned { finished: true, ..Scanned::default() };
    }
    let mut keys: Vec<&Key> = inside(committed, range).chain(inside(present, range)).map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    if range.order == Order::Backward {
        keys.reverse();
    }
    let mut found = Scanned { finished: keys.len() < limit, ..Scanned::default() };
    for key in keys.into_iter().take(limit) {
        match present.get(key) {
            Some(value) => found.items.push((key.clone(), value.clone())),
            None => found.tombstones += 1,
        }
        found.last = Some(key.clone());
    }
    found
}

/// Whether the bounds exclude every key.
fn impossible(range: &Range) -> bool {
    let first = Bound::Included(Vec::new());
    let from = if range.from == Bound::Unbounded { &first } else { &range.from };
    match (from, &range.to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        _ => false,
    }
}

fn inside<'m>(map: &'m Map, range: &'m Range) -> impl Iterator<Item = (&'m Key, &'m Value)> {
    map.iter().filter(|(key, _)| key.space() == range.space && range.contains(key))
}

/// The root by its definition: split the sorted paths by their next two bits until at most one is left.
fn naive_root(map: &Map) -> [u8; 32] {
    let leaves = map.iter().map(|(key, value)| {
        let path = state_path(key.as_bytes());
        (path, state_leaf(&path, value))
    });
    subtree(&leaves.collect::<Vec<_>>(), 0)
}

fn subtree(leaves: &[([u8; 32], [u8; 32])], depth: usize) -> [u8; 32] {
    match leaves {
        [] => EMPTY,
        [(_, hash)] => *hash,
        _ => {
            let child = |slot| {
                let below: Vec<_> = leaves.iter().copied().filter(|(path, _)| digit(path, depth) == slot).collect();
                subtree(&below, depth + 1)
            };
            state_inner(&[child(0), child(1), child(2), child(3)])
        }
    }
}

fn check_encoding(changes: &ChangeSet) {
    let encoded = changes.encode();
    let decoded = ChangeSet::decode(&encoded).expect("the encoding of changes");
    assert_eq!(decoded.encode(), encoded, "changes read back");
    assert!(
        decoded
            .iter()
            .map(|(key, change)| (key, &change.new))
            .eq(changes.iter().map(|(key, change)| (key, &change.new)))
    );
}

fn spaces() -> [Space; 4] {
    let storage = |address: &[u8], incarnation| Space::storage(address, incarnation).expect("a short address");
    [Space::system(), storage(&[1], 0), storage(&[1, 0], u64::MAX), storage(&[7; 32], 1)]
}

/// Few keys, some of them prefixes of each other, so that they meet again.
fn key(u: &mut Unstructured<'_>) -> Result<Key> {
    Ok(Key::new(&spaces()[u.choose_index(4)?], &raw(u)?))
}

fn raw(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    const BYTES: [u8; 4] = [0, 1, 0x7f, 0xff];
    (0..u.int_in_range(0..=2u8)?).map(|_| Ok(*u.choose(&BYTES)?)).collect()
}

/// Lengths that matter: empty, at the limit up to which a value stands in its leaf, above it.
fn value(u: &mut Unstructured<'_>) -> Result<Value> {
    let length = match u.int_in_range(0..=7u8)? {
        0 => 0,
        1 => 96,
        2 => 97,
        _ => 2,
    };
    Ok(Value::from(vec![u.arbitrary::<u8>()?; length]))
}

fn range(u: &mut Unstructured<'_>) -> Result<Range> {
    let space = spaces()[u.choose_index(4)?].clone();
    let order = if u.arbitrary()? { Order::Forward } else { Order::Backward };
    Ok(Range { space, from: bound(u)?, to: bound(u)?, order })
}

fn bound(u: &mut Unstructured<'_>) -> Result<Bound<Vec<u8>>> {
    Ok(match u.int_in_range(0..=2u8)? {
        0 => Bound::Unbounded,
        1 => Bound::Included(raw(u)?),
        _ => Bound::Excluded(raw(u)?),
    })
}

fn length(value: &Value) -> u32 {
    u32::try_from(value.len()).expect("a short value")
}

fn length_of(count: usize) -> u64 {
    u64::try_from(count).expect("a count")
}
