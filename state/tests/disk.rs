//! The store on disk: creating, reopening, locks, and what becomes of damaged or missing files.
#![cfg(feature = "rocksdb")]
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod model;

use std::fs;
use std::path::Path;

use model::{CHAIN, Map, Random, apply, id, naive_root, naive_scan, seed};
use unfork_state::{ChangeSet, Key, Options, Overlay, Space, StateError, Store, Value};

fn create(directory: &Path) -> Result<Store, StateError> {
    let value = Value::from([1].as_slice());
    let genesis = ChangeSet::genesis((0..20_u8).map(|raw| (Key::new(&Space::system(), &[raw]), value.clone())));
    Store::create(directory, CHAIN, genesis, id(0, 0), b"genesis".to_vec())
}

fn next_block(store: &mut Store, map: &mut Map, random: &mut Random) {
    let mut overlay = Overlay::new(store.view());
    for _ in 0..20 {
        let key = random.key(60);
        if random.below(3) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
    }
    let (_, pending) = store.prepare(store.head().id, overlay.into_changes()).unwrap();
    apply(map, pending.changes());
    let height = store.head().height + 1;
    store.commit(pending, height, id(height, 0), height.to_le_bytes().to_vec()).unwrap();
}

fn chain(directory: &Path, blocks: u64) -> Map {
    let mut store = create(directory).unwrap();
    let mut random = Random(31);
    let mut map: Map = (0..20_u8).map(|raw| (vec![0, raw], vec![1])).collect();
    for block in 0..blocks {
        if block == 6 {
            // Opening writes what the log holds into sorted files, so that there are some.
            drop(store);
            store = Store::open(directory, CHAIN).unwrap();
        }
        next_block(&mut store, &mut map, &mut random);
    }
    map
}

fn refused(result: Result<Store, StateError>) -> String {
    match result {
        Err(error @ StateError::Refused { .. }) => error.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn it_agrees_with_the_model_and_the_memory_store_across_reopening() {
    let mut random = seed(30);
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("not/yet/there");
    let mut store = create(&directory).unwrap();
    let value = Value::from([1].as_slice());
    let genesis = ChangeSet::genesis((0..20_u8).map(|raw| (Key::new(&Space::system(), &[raw]), value.clone())));
    let mut memory = Store::memory(CHAIN, genesis, id(0, 0), b"genesis".to_vec()).unwrap();
    let mut map: Map = (0..20_u8).map(|raw| (vec![0, raw], vec![1])).collect();
    for round in 0..40 {
        let mut copy = Random(random.0);
        let mut memory_map = map.clone();
        let before = (store.view(), map.clone());
        next_block(&mut store, &mut map, &mut random);
        next_block(&mut memory, &mut memory_map, &mut copy);
        assert_eq!(store.head(), memory.head());
        assert_eq!(store.head().root, naive_root(&map));
        for (view, map) in [(store.view(), &map), (before.0, &before.1)] {
            for _ in 0..10 {
                let (range, limit) = (random.range(), usize::try_from(random.below(20)).unwrap());
                assert_eq!(view.scan(&range, limit).unwrap(), naive_scan(map, &range, limit));
                let key = random.key(60);
                let expected = map.get(key.as_bytes()).map(Vec::as_slice);
                assert_eq!(view.get(&key).unwrap().as_deref(), expected);
                assert_eq!(view.length(&key).unwrap(), expected.map(|value| u32::try_from(value.len()).unwrap()));
            }
        }
        let key = random.key(60);
        let expected = map.get(key.as_bytes()).map(Vec::as_slice);
        store.prove(&key).unwrap().verify(&store.head().root, key.as_bytes(), expected).unwrap();
        if round % 10 == 9 {
            let head = store.head();
            drop(store);
            store = Store::open(&directory, CHAIN).unwrap();
            assert_eq!((store.head(), store.recovery()), (head, Default::default()));
        }
    }
    let verified = store.verify(&mut |_, _| ()).unwrap();
    assert_eq!((verified.blocks, verified.keys), (41, map.len() as u64));
    assert_eq!(Store::stored_chain_id(&directory).unwrap(), CHAIN);
}

#[test]
fn it_is_created_once_and_opened_once() {
    let place = tempfile::tempdir().unwrap();
    assert!(refused(Store::open(place.path(), CHAIN)).contains("there is no store in"));
    let store = create(place.path()).unwrap();
    assert!(matches!(Store::open(place.path(), CHAIN), Err(StateError::Locked { .. })));
    assert!(matches!(create(place.path()), Err(StateError::Locked { .. })));
    let reader = Store::open_read_only(place.path(), CHAIN).unwrap();
    assert_eq!(reader.head(), store.head());
    reader.verify(&mut |_, _| ()).unwrap();
    drop((store, reader));
    assert!(refused(create(place.path())).contains("there is a store in"));
    assert!(refused(Store::open(place.path(), [1; 32])).contains("belongs to chain"));
    assert!(refused(Store::open_read_only(place.path(), [1; 32])).contains("belongs to chain"));
    let mut reader = Store::open_read_only(place.path(), CHAIN).unwrap();
    let (_, pending) = reader.prepare(id(0, 0), ChangeSet::new()).unwrap();
    assert!(reader.commit(pending, 1, id(1, 0), Vec::new()).is_err());
    drop(reader);
    assert_eq!(Store::open(place.path(), CHAIN).unwrap().head().height, 0);
}

#[test]
fn a_creation_cut_off_before_its_block_file_has_its_name_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("blocks.log.new"), b"UNFORK").unwrap();
    assert!(refused(Store::open(place.path(), CHAIN)).contains("there is no store in"));
    let head = create(place.path()).unwrap().head();
    // Cut off later, the database is missing or empty; opening finishes what creating began.
    fs::remove_dir_all(place.path().join("db")).unwrap();
    assert_eq!(Store::open(place.path(), CHAIN).unwrap().head(), head);
}

#[test]
fn the_database_is_rebuilt_from_the_block_file() {
    let place = tempfile::tempdir().unwrap();
    let map = chain(place.path(), 12);
    fs::remove_dir_all(place.path().join("db")).unwrap();
    assert!(refused(Store::open_read_only(place.path(), CHAIN)).contains("the database is empty or missing"));
    let store = Store::open(place.path(), CHAIN).unwrap();
    assert_eq!(store.recovery().blocks_replayed, 12);
    assert_eq!(store.head().root, naive_root(&map));
    store.verify(&mut |_, _| ()).unwrap();
}

#[test]
fn a_missing_block_file_is_refused() {
    let place = tempfile::tempdir().unwrap();
    chain(place.path(), 2);
    fs::rename(place.path().join("blocks.log"), place.path().join("away")).unwrap();
    assert!(refused(Store::open(place.path(), CHAIN)).contains("has a database but no block file"));
    fs::write(place.path().join("blocks.log"), b"").unwrap();
    assert!(refused(Store::open(place.path(), CHAIN)).contains("shorter than its header"));
}

/// 400 blocks, each of which gives the same 20 keys other values of 4,000 bytes.
fn rewrite_all_the_time(directory: &Path, retained_blocks: Option<u64>) -> Store {
    let options = Options { retained_blocks, ..Options::default() };
    let genesis = ChangeSet::genesis((0..20_u8).map(|raw| (Key::new(&Space::system(), &[raw]), [0; 4000].into())));
    let mut store = Store::create_with_options(directory, CHAIN, genesis, id(0, 0), Vec::new(), options).unwrap();
    let mut random = Random(33);
    for height in 1..=400 {
        let mut overlay = Overlay::new(store.view());
        for raw in 0..20 {
            overlay.get(&Key::new(&Space::system(), &[raw])).unwrap();
            overlay.put(Key::new(&Space::system(), &[raw]), random.bytes(4000).into());
        }
        let (_, pending) = store.prepare(store.head().id, overlay.into_changes()).unwrap();
        store.commit(pending, height, id(height, 0), Vec::new()).unwrap();
    }
    store
}

/// Bytes that the files of a store's database have, when all is written out.
fn database_bytes(store: &Store, directory: &Path) -> u64 {
    store.settle().unwrap();
    // The log that came before stays for a moment; tables are what is kept.
    let tables = fs::read_dir(directory.join("db")).unwrap().map(Result::unwrap);
    tables
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "sst"))
        .map(|file| file.metadata().unwrap().len())
        .sum()
}

#[test]
fn pruning_frees_disk() {
    const UNDO_BYTES: u64 = 20 * 4000;
    let place = tempfile::tempdir().unwrap();
    let mut store = rewrite_all_the_time(place.path(), None);
    let before = database_bytes(&store, place.path());
    store.prune(300).unwrap();
    let pruned = database_bytes(&store, place.path());
    store.prune(400).unwrap();
    let after = database_bytes(&store, place.path());
    println!("database: {before} bytes, {pruned} without the states below 300, {after} without those below 400");
    assert!(before > 400 * UNDO_BYTES, "{before}");
    assert!(before - pruned >= 300 * UNDO_BYTES, "{before} {pruned}");
    assert!(after < 5 * UNDO_BYTES, "values alone are left: {after}");
    store.verify(&mut |_, _| ()).unwrap();
    drop(store);
    let store = Store::open(place.path(), CHAIN).unwrap();
    assert_eq!((store.oldest(), store.head().height), (400, 400));

    // The same happens by itself to what has left the window.
    let place = tempfile::tempdir().unwrap();
    let store = rewrite_all_the_time(place.path(), Some(10));
    let within = database_bytes(&store, place.path());
    println!("database with a window of 10 blocks: {within} bytes");
    assert!(store.oldest() >= 256 - 10 && within < before - store.oldest() * UNDO_BYTES / 2, "{within}");
}
