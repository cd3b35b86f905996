//! The store against a map and its naive root: siblings, grandchildren, snapshots, reopening, proofs.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod model;

use std::sync::Arc;

use model::{CHAIN, Map, Random, apply, id, naive_root, naive_scan, seed};
use unfork_state::testing::FaultyDisk;
use unfork_state::{Backend, Batch, ChangeSet, Overlay, StateError, StateView, Store, Table, TableRange, Value};

/// Changes made through an overlay over `view`, with some old values known and some not.
fn random_changes(random: &mut Random, view: Arc<dyn StateView>) -> ChangeSet {
    let mut overlay = Overlay::new(view);
    for _ in 0..random.below(30) {
        let key = random.key(60);
        if random.below(2) == 0 {
            overlay.get(&key).unwrap();
        }
        if random.below(3) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
    }
    overlay.into_changes()
}

fn check_view(view: &dyn StateView, map: &Map, random: &mut Random) {
    for _ in 0..5 {
        let key = random.key(60);
        let expected = map.get(key.as_bytes()).map(|value| Value::from(value.as_slice()));
        assert_eq!(view.length(&key).unwrap(), expected.as_ref().map(|value| u32::try_from(value.len()).unwrap()));
        assert_eq!(view.get(&key).unwrap(), expected);
        let (range, limit) = (random.range(), usize::try_from(random.below(20)).unwrap());
        assert_eq!(view.scan(&range, limit).unwrap(), naive_scan(map, &range, limit));
    }
}

fn create(disk: &FaultyDisk, genesis: ChangeSet) -> Store {
    Store::create_with(disk.backend(), disk.block_log(), CHAIN, genesis, id(0, 0), b"genesis".to_vec()).unwrap()
}

#[test]
fn random_chains_agree_with_a_map() {
    let mut random = seed(10);
    let (mut blocks, mut proofs) = (0, 0);
    for _ in 0..12 {
        let disk = FaultyDisk::new();
        let genesis = random_changes(&mut random, Arc::new(unfork_state::EmptyView));
        let mut map = Map::new();
        apply(&mut map, &genesis);
        let mut store = create(&disk, genesis);
        let mut snapshots = Vec::new();
        let mut roots = vec![store.head().root];
        for height in 1..40 {
            blocks += 1;
            assert_eq!(store.head().root, naive_root(&map));
            snapshots.push((store.view(), map.clone()));
            // Siblings and a grandchild, all readable before any commit.
            let mut children = Vec::new();
            for _ in 0..=random.below(3) {
                let changes = random_changes(&mut random, store.view());
                let mut child_map = map.clone();
                apply(&mut child_map, &changes);
                let (root, pending) = store.prepare(store.head().id, changes).unwrap();
                assert_eq!(root, naive_root(&child_map));
                check_view(pending.view().as_ref(), &child_map, &mut random);
                children.push((pending, child_map));
            }
            let (chosen, chosen_map) = children.remove(usize::try_from(random.below(children.len() as u64)).unwrap());
            let grandchild_changes = random_changes(&mut random, chosen.view());
            let (_, grandchild) = chosen.prepare(grandchild_changes.clone()).unwrap();
            let body = random.bytes(30);
            store.commit(chosen, height, id(height, 0), body.clone()).unwrap();
            map = chosen_map;
            roots.push(store.head().root);
            for (sibling, _) in children {
                assert!(store.commit(sibling, height + 1, id(height, 1), Vec::new()).is_err());
            }
            let mut grandchild_map = map.clone();
            apply(&mut grandchild_map, &grandchild_changes);
            assert_eq!(grandchild.root(), naive_root(&grandchild_map));
            check_view(grandchild.view().as_ref(), &grandchild_map, &mut random);
            assert_eq!(store.block(height).unwrap(), Some(body.clone()));
            assert_eq!(store.block_by_id(&id(height, 0)).unwrap(), Some((height, body)));
            assert_eq!(store.block_by_id(&id(height, 1)).unwrap(), None);
            for _ in 0..6 {
                proofs += 1;
                let key = random.key(60);
                let expected = map.get(key.as_bytes()).map(Vec::as_slice);
                store.prove(&key).unwrap().verify(&store.head().root, key.as_bytes(), expected).unwrap();
            }
            let keys: Vec<_> =
                (0..8).map(|_| random.key(60)).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
            let claims: Vec<_> =
                keys.iter().map(|key| (key.as_bytes(), map.get(key.as_bytes()).map(Vec::as_slice))).collect();
            unfork_proof::verify_many(&store.prove_many(&keys).unwrap(), &store.head().root, &claims).unwrap();
            for (view, map) in &snapshots {
                check_view(view.as_ref(), map, &mut random);
            }
            if random.below(8) == 0 {
                let head = store.head();
                drop(store);
                snapshots.clear();
                store = Store::with_backend(disk.backend(), disk.block_log(), CHAIN).unwrap();
                assert_eq!((store.head(), store.recovery()), (head, Default::default()));
            }
        }
        for (height, root) in (0..).zip(&roots) {
            assert_eq!(store.root_at(height).unwrap(), Some(*root));
        }
        assert_eq!(store.root_at(40).unwrap(), None);
        let verified = store.verify(&mut |_, _| ()).unwrap();
        assert_eq!((verified.blocks, verified.keys), (40, map.len() as u64));
    }
    println!("{blocks} blocks, {proofs} proofs");
}

#[test]
fn the_root_depends_on_the_set_only() {
    let mut random = seed(11);
    for _ in 0..20 {
        let mut one = Store::memory(CHAIN, ChangeSet::new(), id(0, 0), Vec::new()).unwrap();
        assert_eq!(one.head().root, [0; 32], "the empty state");
        let mut map = Map::new();
        for height in 1..20 {
            let changes = random_changes(&mut random, one.view());
            apply(&mut map, &changes);
            let (_, pending) = one.prepare(one.head().id, changes).unwrap();
            one.commit(pending, height, id(height, 0), Vec::new()).unwrap();
        }
        let entries =
            map.iter().map(|(key, value)| (unfork_state::Key::from_flat(key).unwrap(), Value::from(value.as_slice())));
        let other = Store::memory(CHAIN, ChangeSet::genesis(entries), id(0, 0), Vec::new()).unwrap();
        assert_eq!(one.head().root, other.head().root);
        // Removing everything leads back to the empty root.
        let mut overlay = Overlay::new(one.view());
        map.keys().for_each(|key| overlay.remove(&unfork_state::Key::from_flat(key).unwrap()));
        assert_eq!(one.prepare(one.head().id, overlay.into_changes()).unwrap().0, [0; 32]);
    }
}

#[test]
fn an_old_value_from_another_state_is_noticed() {
    let key = unfork_state::Key::new(&unfork_state::Space::system(), b"k");
    let store = Store::memory(CHAIN, ChangeSet::new(), id(0, 0), Vec::new()).unwrap();
    let change = unfork_state::Change { old: Some(Some(Value::from([1].as_slice()))), new: None };
    let changes = ChangeSet::from_map([(key, change)].into());
    assert!(store.prepare(id(0, 0), changes).unwrap_err().to_string().contains("contradicts the tree"));
}

#[test]
fn what_does_not_follow_the_head_is_refused_and_changes_nothing() {
    let mut store = Store::memory(CHAIN, ChangeSet::new(), id(0, 0), Vec::new()).unwrap();
    assert!(store.prepare(id(9, 9), ChangeSet::new()).unwrap_err().to_string().contains("its parent is"));
    let (_, pending) = store.prepare(id(0, 0), ChangeSet::new()).unwrap();
    assert!(store.commit(pending, 2, id(2, 0), Vec::new()).unwrap_err().to_string().contains("its height is 2"));
    let (_, pending) = store.prepare(id(0, 0), ChangeSet::new()).unwrap();
    store.commit(pending, 1, id(1, 0), Vec::new()).unwrap();
    let long = unfork_state::Key::new(&unfork_state::Space::system(), &vec![0; (1 << 16) + 1]);
    let changes = ChangeSet::genesis([(long, Value::from([].as_slice()))]);
    let error = store.prepare(id(1, 0), changes).unwrap_err().to_string();
    assert_eq!(error, "raw key has 65537 bytes, the limit is 65536");
}

#[test]
fn old_values_that_were_read_are_not_read_again() {
    let disk = FaultyDisk::new();
    let key = |raw: u8| unfork_state::Key::new(&unfork_state::Space::system(), &[raw]);
    let value = |byte: u8| Value::from([byte].as_slice());
    let options = unfork_state::Options { cache_bytes: 0, ..Default::default() };
    let parts = unfork_state::Parts { options, ..unfork_state::Parts::new(disk.backend(), disk.block_log()) };
    let genesis = ChangeSet::genesis((0..10).map(|raw| (key(raw), value(raw))));
    let mut store = Store::create_from(parts, CHAIN, genesis, id(0, 0), Vec::new()).unwrap();
    for (height, read, expected) in [(1, true, 0), (2, false, 20)] {
        let mut overlay = Overlay::new(store.view());
        // Half of them are there, half are not.
        for raw in (0..20).map(|raw| raw + u8::try_from(height).unwrap() - 1) {
            if read {
                overlay.get(&key(raw)).unwrap();
            }
            overlay.put(key(raw), value(200));
        }
        disk.fail_after(u64::MAX, true);
        let (_, pending) = store.prepare(store.head().id, overlay.into_changes()).unwrap();
        let reads = disk.operations();
        store.commit(pending, height, id(height, 0), Vec::new()).unwrap();
        // The record appended and synced, and one write.
        assert_eq!((reads, disk.operations() - reads), (expected, 3), "read before: {read}");
        disk.restart();
    }
}

#[test]
fn a_long_chain_of_snapshots_is_let_go_without_recursion() {
    let mut store = Store::memory(CHAIN, ChangeSet::new(), id(0, 0), Vec::new()).unwrap();
    let first = store.view();
    for height in 1..=30_000 {
        let (_, pending) = store.prepare(store.head().id, ChangeSet::new()).unwrap();
        store.commit(pending, height, id(height, 0), Vec::new()).unwrap();
    }
    let dropped = std::thread::Builder::new().stack_size(1 << 16).spawn(move || drop(first)).unwrap();
    dropped.join().unwrap();
}

/// The disk of the tests with a pause after each read, so that a commit falls between a snapshot's read and its
/// correction, which is where a mistake would show.
struct SlowReads(FaultyDisk);

impl Backend for SlowReads {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, StateError> {
        let found = self.0.get(table, key);
        std::thread::yield_now();
        found
    }

    fn scan(&self, table: Table, range: &TableRange, limit: usize) -> Result<Vec<(Vec<u8>, Value)>, StateError> {
        let found = self.0.scan(table, range, limit);
        std::thread::yield_now();
        found
    }

    fn write(&self, batch: Batch) -> Result<(), StateError> {
        self.0.write(batch)?;
        // Readers run between the write and the new head.
        std::thread::yield_now();
        Ok(())
    }
}

#[test]
fn a_snapshot_does_not_move_while_blocks_are_committed() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let mut random = seed(12);
    let disk = FaultyDisk::new();
    let genesis = random_changes(&mut random, Arc::new(unfork_state::EmptyView));
    let mut map = Map::new();
    apply(&mut map, &genesis);
    let backend = Box::new(SlowReads(disk.clone()));
    let mut store = Store::create_with(backend, disk.block_log(), CHAIN, genesis, id(0, 0), Vec::new()).unwrap();
    for round in 0..8 {
        let (view, snapshot) = (store.view(), map.clone());
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut random = Random(round);
                let mut reads = 0_u64;
                while !stop.load(Ordering::Relaxed) || reads < 3 {
                    check_view(view.as_ref(), &snapshot, &mut random);
                    reads += 1;
                }
            });
            for _ in 0..6 {
                let changes = random_changes(&mut random, store.view());
                apply(&mut map, &changes);
                let (_, pending) = store.prepare(store.head().id, changes).unwrap();
                let height = store.head().height + 1;
                store.commit(pending, height, id(height, 0), Vec::new()).unwrap();
            }
            stop.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
    }
}
