//! Earlier states, rollback, pruning, checkpoints of the tree and the cache, against a list of maps: one for each height.
//! `UNFORK_EVIDENCE` makes the random runs long.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod model;

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use model::{CHAIN, Map, Random, apply, id, naive_root, naive_scan, seed};
use unfork_state::testing::FaultyDisk;
use unfork_state::{
    Backend, Batch, ChangeSet, EmptyView, Hash, Key, Options, Overlay, Parts, Past, StateError, StateView, Store,
    Table, TableRange, TreeSource, Value,
};

/// Everything small, so that everything happens: leaves leave memory, the cache is always full.
const SMALL: Options =
    Options { cache_bytes: 1 << 16, tree_bytes: 4096, checkpoint_updates: 40, retained_blocks: None };

fn parts(disk: &FaultyDisk, options: Options) -> Parts {
    Parts { backend: disk.backend(), log: disk.block_log(), trees: Some(disk.tree_files()), options }
}

/// What a run has done.
#[derive(Default)]
struct Done {
    /// Reads, writes and removals of blocks, and whatever was done to or asked of a store.
    operations: u64,
    blocks: u64,
    siblings: u64,
    rolled: u64,
    crashed: u64,
    reopened: u64,
    from_checkpoint: u64,
    snapshots: u64,
}

fn changes(random: &mut Random, view: Arc<dyn StateView>, most: u64) -> Result<ChangeSet, StateError> {
    counted_changes(random, view, most, &mut Done::default())
}

fn counted_changes(
    random: &mut Random,
    view: Arc<dyn StateView>,
    most: u64,
    done: &mut Done,
) -> Result<ChangeSet, StateError> {
    let mut overlay = Overlay::new(view);
    for _ in 0..random.below(most) {
        done.operations += 1;
        let key = random.key(200);
        if random.below(2) == 0 {
            overlay.get(&key)?;
        }
        if random.below(3) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
    }
    Ok(overlay.into_changes())
}

/// A store and what each of its heights holds.
struct Chain {
    disk: FaultyDisk,
    options: Options,
    store: Store,
    states: Vec<(Map, Hash)>,
    /// Blocks of another branch have other ids.
    branch: u64,
}

impl Chain {
    fn new(random: &mut Random, options: Options) -> Self {
        let disk = FaultyDisk::new();
        let genesis = changes(random, Arc::new(EmptyView), 100).unwrap();
        let mut map = Map::new();
        apply(&mut map, &genesis);
        let store = Store::create_from(parts(&disk, options), CHAIN, genesis, id(0, 0), b"genesis".to_vec()).unwrap();
        let root = store.head().root;
        Self { disk, options, store, states: vec![(map, root)], branch: 0 }
    }

    fn commit(&mut self, random: &mut Random) -> Result<(), StateError> {
        self.commit_counted(random, &mut Done::default())
    }

    /// Prepares some blocks side by side, commits one of them, and perhaps a child that was prepared on it before.
    fn commit_counted(&mut self, random: &mut Random, done: &mut Done) -> Result<(), StateError> {
        let mut prepared = Vec::new();
        for _ in 0..1 + random.below(6) / 4 * random.below(3) {
            let changes = counted_changes(random, self.store.view(), 60, done)?;
            let map = after(&self.states.last().unwrap().0, &changes);
            let (root, pending) = self.store.prepare(self.store.head().id, changes)?;
            assert_eq!(root, naive_root(&map));
            prepared.push((map, root, pending));
        }
        for (map, root, pending) in &prepared {
            let key = random.key(200);
            let value = map.get(key.as_bytes()).map(Vec::as_slice);
            assert_eq!(pending.view().get(&key)?.as_deref(), value);
            pending.prove(&key)?.verify(root, key.as_bytes(), value).unwrap();
            done.operations += 2;
        }
        let chosen = usize::try_from(random.below(prepared.len() as u64)).unwrap();
        let (map, root, pending) = prepared.swap_remove(chosen);
        let child = if random.below(6) == 0 {
            let changes = counted_changes(random, pending.view(), 20, done)?;
            let map = after(&map, &changes);
            let (root, pending) = pending.prepare(changes)?;
            assert_eq!(root, naive_root(&map));
            Some((map, root, pending))
        } else {
            None
        };
        for (map, root, pending) in [(map, root, pending)].into_iter().chain(child) {
            let height = self.store.head().height + 1;
            self.store.commit(pending, height, id(height, self.branch), random.bytes(20))?;
            self.states.push((map, root));
            done.blocks += 1;
            done.operations += 1;
        }
        for (_, _, pending) in prepared {
            let height = self.store.head().height + 1;
            let refused = self.store.commit(pending, height, id(height, self.branch), Vec::new());
            assert!(matches!(refused, Err(StateError::Order { .. })), "a sibling of what was committed");
            done.siblings += 1;
        }
        Ok(())
    }

    /// A snapshot of the head has what the head has.
    fn check_snapshot(&self, random: &mut Random) {
        let (map, root) = self.states.last().unwrap();
        let mut found = Map::new();
        let mut chunks = Vec::new();
        let take = &mut |chunk: unfork_state::ExportedChunk<'_>| {
            chunks.push(chunk.bytes.to_vec());
            Ok(())
        };
        let manifest = self.store.export(random.below(4000), take).unwrap();
        assert_eq!(manifest.head().root, *root);
        for chunk in &chunks {
            let (_, entries) = manifest.check_chunk(chunk).unwrap();
            found.extend(entries.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
        }
        assert_eq!(found, *map);
    }

    fn reopen(&mut self) -> Result<(), StateError> {
        self.store = Store::open_from(parts(&self.disk, self.options), CHAIN)?;
        Ok(())
    }

    fn check_height(&self, random: &mut Random, height: u64) -> Past {
        let past = self.store.at(height).unwrap();
        let (map, root) = &self.states[usize::try_from(height).unwrap()];
        assert_eq!((past.head().height, past.head().root), (height, *root));
        assert_eq!(self.store.root_at(height).unwrap(), Some(*root));
        check(&past, map, random);
        past
    }

    fn check_head(&self, random: &mut Random) {
        let (map, root) = self.states.last().unwrap();
        assert_eq!((self.store.head().height + 1, self.store.head().root), (self.states.len() as u64, *root));
        assert_eq!(self.store.keys(), map.len() as u64);
        for _ in 0..5 {
            let key = random.key(200);
            let value = map.get(key.as_bytes()).map(Vec::as_slice);
            for _ in 0..2 {
                // The second time from the cache.
                assert_eq!(self.store.view().get(&key).unwrap().as_deref(), value);
            }
            self.store.prove(&key).unwrap().verify(root, key.as_bytes(), value).unwrap();
        }
    }
}

fn after(map: &Map, changes: &ChangeSet) -> Map {
    let mut map = map.clone();
    apply(&mut map, changes);
    map
}

fn check(past: &Past, map: &Map, random: &mut Random) {
    let view = past.view();
    for _ in 0..3 {
        let key = random.key(200);
        let value = map.get(key.as_bytes()).map(Vec::as_slice);
        assert_eq!(view.get(&key).unwrap().as_deref(), value);
        assert_eq!(view.length(&key).unwrap(), value.map(|value| u32::try_from(value.len()).unwrap()));
        past.prove(&key).unwrap().verify(&past.head().root, key.as_bytes(), value).unwrap();
        let (range, limit) = (random.range(), usize::try_from(random.below(20)).unwrap());
        assert_eq!(view.scan(&range, limit).unwrap(), naive_scan(map, &range, limit));
    }
}

#[test]
fn random_histories_agree_with_a_list_of_maps() {
    let mut random = seed(50);
    let rounds = if std::env::var_os("UNFORK_EVIDENCE").is_some() { 1200 } else { 12 };
    let mut done = Done::default();
    for _ in 0..rounds {
        let checkpoint_updates = 1 << random.below(9);
        let tree_bytes = if random.below(2) == 0 { 4096 } else { 1 << 30 };
        let mut chain = Chain::new(&mut random, Options { checkpoint_updates, tree_bytes, ..SMALL });
        let mut kept: Vec<(Past, Map)> = Vec::new();
        for _ in 0..60 {
            // What the step does, one look at the head and two at earlier states.
            done.operations += 4;
            match random.below(17) {
                0..=8 => chain.commit_counted(&mut random, &mut done).unwrap(),
                9 => {
                    let oldest = chain.store.oldest();
                    let height = oldest + random.below(chain.store.head().height - oldest + 1);
                    done.rolled += chain.store.head().height - height;
                    chain.store.rollback(height).unwrap();
                    chain.states.truncate(usize::try_from(height).unwrap() + 1);
                    chain.branch += 1;
                }
                10 if random.below(3) == 0 => {
                    let oldest = chain.store.oldest();
                    let height = oldest + random.below((chain.store.head().height - oldest) / 2 + 1);
                    chain.store.prune(height).unwrap();
                    assert_eq!(chain.store.oldest(), height);
                    assert!(height == 0 || chain.store.at(height - 1).map(drop).is_err());
                    assert!(height == 0 || chain.store.rollback(height - 1).is_err());
                }
                11 => {
                    kept.clear();
                    chain.reopen().unwrap();
                    done.reopened += 1;
                    assert_eq!(chain.store.recovery(), Default::default());
                    done.from_checkpoint +=
                        u64::from(matches!(chain.store.tree_source(), TreeSource::Checkpoint { .. }));
                }
                12 => chain.store.checkpoint().unwrap(),
                13 => {
                    // Whatever happens at the next operations: what comes back is a head that was or is to be.
                    let before = chain.states.clone();
                    let oldest = chain.store.oldest();
                    chain.disk.fail_after(random.below(8), random.below(2) == 0);
                    let attempt = match random.below(3) {
                        0 => chain.store.rollback(oldest.max(chain.store.head().height.saturating_sub(2))),
                        1 => chain.store.checkpoint(),
                        _ => chain.commit_counted(&mut random, &mut done),
                    };
                    done.crashed += u64::from(attempt.is_err());
                    kept.clear();
                    chain.disk.restart();
                    chain.reopen().unwrap();
                    let height = usize::try_from(chain.store.head().height).unwrap();
                    if height >= chain.states.len() {
                        // The block was not acknowledged, and is there; what it holds is told by its record.
                        let mut map = chain.states.last().unwrap().0.clone();
                        apply(&mut map, &chain.store.block_record(chain.store.head().height).unwrap().unwrap().changes);
                        assert_eq!(chain.store.head().root, naive_root(&map));
                        chain.states.push((map, chain.store.head().root));
                    } else if height + 1 < chain.states.len() {
                        assert!(before.len() - height <= 3, "blocks taken back at most");
                        chain.states.truncate(height + 1);
                        chain.branch += 1;
                    }
                    // What was committed on a height that was taken back may not come again under the same id.
                    chain.branch += 1;
                }
                14 if kept.len() < 4 => {
                    let oldest = chain.store.oldest();
                    let height = oldest + random.below(chain.store.head().height - oldest + 1);
                    let past = chain.check_height(&mut random, height);
                    kept.push((past, chain.states[usize::try_from(height).unwrap()].0.clone()));
                }
                15 => {
                    chain.check_snapshot(&mut random);
                    done.snapshots += 1;
                }
                _ => {
                    let slot = usize::try_from(random.below(2)).unwrap();
                    if random.below(4) == 0 && chain.options.tree_bytes > 4096 {
                        let at = random.next();
                        kept.clear();
                        let damage = |bytes: &mut Vec<u8>| {
                            if !bytes.is_empty() {
                                let at = usize::try_from(at % bytes.len() as u64).unwrap();
                                if at % 5 == 0 { bytes.truncate(at) } else { bytes[at] ^= 1 << (at % 8) }
                            }
                        };
                        chain.disk.damage_tree(slot, damage).unwrap();
                        chain.reopen().unwrap();
                    }
                }
            }
            chain.check_head(&mut random);
            let oldest = chain.store.oldest();
            let height = oldest + random.below(chain.store.head().height - oldest + 1);
            chain.check_height(&mut random, height);
            for (past, map) in &kept {
                check(past, map, &mut random);
            }
        }
        let verified = chain.store.verify(&mut |_, _| ()).unwrap();
        assert_eq!(verified.keys, chain.states.last().unwrap().0.len() as u64);
    }
    let Done { operations, blocks, siblings, rolled, crashed, reopened, from_checkpoint, snapshots } = done;
    println!(
        "{operations} operations: {blocks} blocks, {siblings} siblings dropped, {rolled} blocks taken back, {snapshots} \
         snapshots, {crashed} failures, {reopened} times reopened, {from_checkpoint} from a checkpoint"
    );
    assert!(siblings > 0 && rolled > 0 && crashed > 0 && from_checkpoint > 0 && snapshots > 0);
    assert!(rounds < 1000 || operations >= 1_000_000, "a run that counts as evidence has a million operations");
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_values_are_used_instead() {
    let mut random = seed(51);
    let options = Options { tree_bytes: 1 << 30, ..SMALL };
    let mut chain = Chain::new(&mut random, options);
    for _ in 0..5 {
        chain.commit(&mut random).unwrap();
    }
    chain.store.checkpoint().unwrap();
    chain.commit(&mut random).unwrap();
    chain.reopen().unwrap();
    assert_eq!(chain.store.tree_source(), &TreeSource::Checkpoint { begun: 5 });
    let mut whole = [Vec::new(), Vec::new()];
    for (slot, whole) in whole.iter_mut().enumerate() {
        chain.disk.damage_tree(slot, |bytes| whole.clone_from(bytes)).unwrap();
    }
    let latest = usize::from(whole[0].len() < whole[1].len());
    let other = 1 - latest;
    chain.disk.damage_tree(other, Vec::clear).unwrap();
    let (mut told, mut unnoticed) = (0, 0);
    for at in 0..whole[latest].len() {
        // Most of the file is headers of empty segments: some bytes of each kind are enough.
        if at % 97 != 0 && at > 64 && at + 64 < whole[latest].len() {
            continue;
        }
        chain.disk.damage_tree(latest, |bytes| bytes[at] ^= 4).unwrap();
        chain.reopen().unwrap();
        match chain.store.tree_source() {
            TreeSource::ValuesInstead { why } => {
                assert!(why.contains("tree."), "{why}");
                told += 1;
            }
            // Without its footer a file is none: as after a crash while it was written.
            TreeSource::Values => {
                assert!(at >= whole[latest].len() - 64, "byte {at}");
                unnoticed += 1;
            }
            TreeSource::Checkpoint { .. } => panic!("byte {at} is not protected"),
        }
        assert_eq!(chain.store.head().root, chain.states.last().unwrap().1);
        chain.disk.damage_tree(latest, |bytes| bytes.clone_from(&whole[latest])).unwrap();
    }
    println!("{told} flipped bytes told, {unnoticed} in the footer");
    chain.reopen().unwrap();
    assert_eq!(chain.store.tree_source(), &TreeSource::Checkpoint { begun: 5 });
}

#[test]
fn history_outside_the_window_is_forgotten() {
    let mut random = seed(52);
    let mut chain = Chain::new(&mut random, Options { retained_blocks: Some(10), ..SMALL });
    for _ in 0..600 {
        let key = random.key(5);
        let mut overlay = Overlay::new(chain.store.view());
        overlay.put(key, random.value().into());
        let (root, pending) = chain.store.prepare(chain.store.head().id, overlay.into_changes()).unwrap();
        let height = chain.store.head().height + 1;
        let mut map = chain.states.last().unwrap().0.clone();
        apply(&mut map, pending.changes());
        chain.store.commit(pending, height, id(height, 0), Vec::new()).unwrap();
        chain.states.push((map, root));
    }
    let oldest = chain.store.oldest();
    assert!((600 - 10 - 256..=600 - 10).contains(&oldest), "{oldest}");
    let undo = |height: u64| chain.disk.backend().get(unfork_state::Table::Undo, &height.to_be_bytes()).unwrap();
    assert!(undo(oldest).is_none() && undo(oldest + 1).is_some());
    let message = chain.store.at(oldest - 1).map(drop).unwrap_err().to_string();
    assert!(message.contains("was pruned; the oldest is that at"), "{message}");
    chain.check_height(&mut random, oldest);
    assert_eq!(chain.store.block(3).unwrap(), Some(Vec::new()), "blocks stay");
    chain.reopen().unwrap();
    assert_eq!(chain.store.oldest(), oldest);
    chain.store.rollback(oldest).unwrap();
    chain.states.truncate(usize::try_from(oldest).unwrap() + 1);
    chain.check_head(&mut random);
    assert!(chain.store.at(601).is_err());
}

/// A disk that takes as long to free what was pruned as the test wants.
struct SlowToFree {
    disk: FaultyDisk,
    freed: Mutex<Receiver<()>>,
}

impl Backend for SlowToFree {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.disk.get(table, key)
    }

    fn scan(&self, table: Table, range: &TableRange, limit: usize) -> Result<Vec<(Vec<u8>, Value)>, StateError> {
        self.disk.scan(table, range, limit)
    }

    fn write(&self, batch: Batch) -> Result<(), StateError> {
        self.disk.write(batch)
    }

    fn free_below(&self, table: Table, key: &[u8]) {
        assert_eq!((table, key), (Table::Undo, 9_u64.to_be_bytes().as_slice()));
        self.freed.lock().unwrap().recv().unwrap();
    }
}

#[test]
fn blocks_are_committed_while_what_was_pruned_is_freed() {
    let mut random = seed(55);
    let mut chain = Chain::new(&mut random, SMALL);
    let (freed, waiting) = channel();
    let disk = SlowToFree { disk: chain.disk.clone(), freed: Mutex::new(waiting) };
    let slow = Parts { backend: Box::new(disk), ..parts(&chain.disk, SMALL) };
    chain.store = Store::open_from(slow, CHAIN).unwrap();
    for _ in 0..10 {
        chain.commit(&mut random).unwrap();
    }
    chain.store.prune(8).unwrap();
    for _ in 0..10 {
        chain.commit(&mut random).unwrap();
        chain.check_head(&mut random);
        chain.check_height(&mut random, 8);
    }
    assert!(chain.store.at(7).map(drop).is_err());
    chain.store.rollback(8).unwrap();
    chain.states.truncate(9);
    chain.check_head(&mut random);
    // Nothing of that has waited. Now it may end, and the store with it.
    freed.send(()).unwrap();
    chain.store.settle().unwrap();
    chain.reopen().unwrap();
    assert_eq!(chain.store.oldest(), 8);
}

#[test]
fn the_tree_stays_inside_its_memory() {
    let space = unfork_state::Space::system();
    let value = |number: u32| Value::from(number.to_le_bytes().as_slice());
    let genesis = ChangeSet::genesis((0..30_000_u32).map(|raw| (Key::new(&space, &raw.to_le_bytes()), value(raw))));
    let disk = FaultyDisk::new();
    let options = Options { tree_bytes: 2_000_000, checkpoint_updates: 1 << 40, ..SMALL };
    let mut store = Store::create_from(parts(&disk, options), CHAIN, genesis, id(0, 0), Vec::new()).unwrap();
    let unbounded = store.stats().tree_bytes;
    for height in 1..=30_u32 {
        let mut overlay = Overlay::new(store.view());
        for number in 0..1000 {
            let raw = (height * 7919 + number * 31) % 30_000;
            overlay.put(Key::new(&space, &raw.to_le_bytes()), value(height));
        }
        let (_, pending) = store.prepare(store.head().id, overlay.into_changes()).unwrap();
        let height = u64::from(height);
        store.commit(pending, height, id(height, 0), Vec::new()).unwrap();
    }
    let bounded = store.stats().tree_bytes;
    println!("{unbounded} bytes without, {bounded} with a bound of {}", options.tree_bytes);
    assert!(unbounded > 2_300_000 && bounded <= options.tree_bytes);
    store.verify(&mut |_, _| ()).unwrap();
    let head = store.head();
    drop(store);
    let store = Store::open_from(parts(&disk, options), CHAIN).unwrap();
    assert_eq!(store.head(), head);
    assert!(matches!(store.tree_source(), TreeSource::Checkpoint { .. }), "{:?}", store.tree_source());
    assert!(store.stats().tree_bytes <= options.tree_bytes);
}

#[test]
fn leaves_may_leave_memory_between_preparing_and_committing() {
    let space = unfork_state::Space::system();
    let key = |number: u32| Key::new(&space, &number.to_le_bytes());
    let genesis = || ChangeSet::genesis((0..3000).map(|number| (key(number), Value::from([0].as_slice()))));
    let disk = FaultyDisk::new();
    let options = Options { checkpoint_updates: 1 << 40, ..SMALL };
    let mut store = Store::create_from(parts(&disk, options), CHAIN, genesis(), id(0, 0), Vec::new()).unwrap();
    let mut memory = Store::memory(CHAIN, genesis(), id(0, 0), Vec::new()).unwrap();
    for height in 1..=20 {
        let (mut block, mut child) = (Overlay::new(store.view()), Overlay::new(store.view()));
        for number in (0..3000).filter(|number| number % 97 == u32::try_from(height).unwrap()) {
            block.put(key(number), Value::from([1].as_slice()));
            block.put(key(number + 10_000), Value::from([2].as_slice()));
            block.remove(&key(number + 1));
            child.put(key(number + 20_000), Value::from([3].as_slice()));
        }
        let (block, child) = (block.into_changes(), child.into_changes());
        // One of them with its leaves in memory, the other without.
        let before = store.prepare(store.head().id, block.clone()).unwrap();
        store.checkpoint().unwrap();
        let after = store.prepare(store.head().id, block.clone()).unwrap();
        assert_eq!(before.0, after.0);
        let (root, pending) = if height % 2 == 0 { before } else { after };
        let (child_root, child_pending) = pending.prepare(child.clone()).unwrap();
        for (changes, pending, expected, salt) in [(block, pending, root, 0), (child, child_pending, child_root, 1)] {
            let (plain_root, plain) = memory.prepare(memory.head().id, changes).unwrap();
            assert_eq!(plain_root, expected);
            let height = store.head().height + 1;
            memory.commit(plain, height, id(height, salt), Vec::new()).unwrap();
            store.commit(pending, height, id(height, salt), Vec::new()).unwrap();
        }
        store.verify(&mut |_, _| ()).unwrap();
    }
}

#[test]
fn an_earlier_state_is_proven_while_blocks_are_committed() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let mut random = seed(53);
    let mut chain = Chain::new(&mut random, SMALL);
    for _ in 0..6 {
        chain.commit(&mut random).unwrap();
    }
    let past = chain.check_height(&mut random, 3);
    let map = chain.states[3].0.clone();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut random, mut checks) = (Random(5), 0_u32);
            while !stop.load(Ordering::Relaxed) || checks < 3 {
                check(&past, &map, &mut random);
                checks += 1;
            }
            checks
        });
        for _ in 0..40 {
            chain.commit(&mut random).unwrap();
        }
        chain.store.rollback(20).unwrap();
        stop.store(true, Ordering::Relaxed);
        println!("{} checks during 40 commits", reader.join().unwrap());
    });
    chain.states.truncate(21);
    chain.check_head(&mut random);
    check(&past, &map, &mut random);
}

#[test]
fn a_sibling_of_what_was_committed_can_be_dropped_only() {
    let mut random = seed(54);
    let mut chain = Chain::new(&mut random, SMALL);
    let parent = chain.store.head().id;
    let (_, one) = chain.store.prepare(parent, changes(&mut random, chain.store.view(), 40).unwrap()).unwrap();
    let (_, other) = chain.store.prepare(parent, changes(&mut random, chain.store.view(), 40).unwrap()).unwrap();
    let key = random.key(200);
    other.prove(&key).unwrap();
    chain.store.commit(one, 1, id(1, 0), Vec::new()).unwrap();
    let error = other.prove(&key).map(drop).unwrap_err().to_string();
    assert!(error.contains("another block was committed meanwhile"), "{error}");
    assert!(other.prepare(ChangeSet::new()).is_err());
    assert!(chain.store.commit(other, 2, id(2, 0), Vec::new()).is_err());
}

/// Reads of the disk that a proof at a thousand blocks behind the head takes over `keys` keys, the blocks changing three
/// keys each: to find the state, for the first proof, and for the second.
fn reads_of_a_past_proof(keys: u32) -> [u64; 3] {
    const BACK: u64 = 1000;
    let space = unfork_state::Space::system();
    let key = |number: u32| Key::new(&space, &number.to_be_bytes());
    let value = |number: u64| Value::from(number.to_le_bytes().as_slice());
    let genesis = ChangeSet::genesis((0..keys).map(|number| (key(number), value(0))));
    let disk = FaultyDisk::new();
    // No value is in memory, but the whole tree is.
    let options = Options { cache_bytes: 0, tree_bytes: 1 << 30, ..SMALL };
    let mut store = Store::create_from(parts(&disk, options), CHAIN, genesis, id(0, 0), Vec::new()).unwrap();
    let (mut random, mut root) = (Random(9), store.head().root);
    for height in 1..=BACK + 1 {
        let mut overlay = Overlay::new(store.view());
        (0..3).for_each(|_| overlay.put(key(u32::try_from(random.below(u64::from(keys))).unwrap()), value(height)));
        let (_, pending) = store.prepare(store.head().id, overlay.into_changes()).unwrap();
        store.commit(pending, height, id(height, 0), Vec::new()).unwrap();
        if height == 1 {
            root = store.head().root;
        }
    }
    disk.fail_after(u64::MAX, true);
    let past = store.at(1).unwrap();
    let found = disk.operations();
    let mut proven = [0; 2];
    for (number, reads) in (0..).zip(&mut proven) {
        let before = disk.operations();
        let proof = past.prove(&key(number)).unwrap();
        *reads = disk.operations() - before;
        let value = past.view().get(&key(number)).unwrap();
        proof.verify(&root, key(number).as_bytes(), value.as_deref()).unwrap();
    }
    [found, proven[0], proven[1]]
}

#[test]
fn a_past_proof_costs_what_has_changed_since_and_not_what_there_is() {
    let few = reads_of_a_past_proof(1000);
    let many = reads_of_a_past_proof(100_000);
    println!("1,000 blocks of 3 changes behind the head: reads {few:?} with 1,000 keys, {many:?} with 100,000");
    // Of each block its place, its record in three reads, and the values before it; of the last its root once more.
    assert_eq!((few, many[0]), (many, 5 * 1000 + 4));
    assert!(few[1] <= 2 && few[2] <= 2, "the tree is in memory, old values are known: {few:?}");
}
