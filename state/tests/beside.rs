//! While the block file is being written, memory is ahead of the disk already: nobody who reads may notice, whatever becomes
//! of the block; and nothing is written to the key-value store or acknowledged before it is synced.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects)]

mod model;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{CHAIN, Map, Random, apply, id, naive_root, naive_scan, seed};
use unfork_state::testing::FaultyDisk;
use unfork_state::{
    Backend, Batch, BlockLog, ChangeSet, Options, Overlay, Past, Pending, StateError, StateView, Store, Table,
    TableRange, Value,
};

/// What an operation does on its way: it says that it has begun, waits until it may go on, and then may fail.
struct Gate {
    reached: Sender<()>,
    passed: Receiver<()>,
    fails: bool,
}

/// Where the next operation of a kind finds its gate, if there is one.
type Gates = Arc<Mutex<Option<Gate>>>;

/// Goes through the gate, if there is one; whether the operation is to fail.
fn pass(gates: &Gates) -> bool {
    let gate = gates.lock().unwrap().take();
    gate.is_some_and(|gate| {
        gate.reached.send(()).unwrap();
        // Whoever holds it may have ended with a panic.
        let _ = gate.passed.recv();
        gate.fails
    })
}

/// A gate, what says that it was reached, and what lets pass.
fn gate(fails: bool) -> (Option<Gate>, Receiver<()>, Sender<()>) {
    let ((reached, begun), (go_on, passed)) = (channel(), channel());
    (Some(Gate { reached, passed, fails }), begun, go_on)
}

/// A block file whose next sync goes through the gate, if there is one.
struct HeldLog {
    log: Box<dyn BlockLog>,
    gate: Gates,
}

impl BlockLog for HeldLog {
    fn length(&self) -> Result<u64, StateError> {
        self.log.length()
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, StateError> {
        self.log.read(offset, length)
    }

    fn append(&self, parts: &[&[u8]]) -> Result<(), StateError> {
        self.log.append(parts)
    }

    fn sync(&self) -> Result<(), StateError> {
        if pass(&self.gate) {
            return Err(StateError::Io { during: "syncing the test's block file", text: "no".to_owned() });
        }
        self.log.sync()
    }

    fn truncate(&self, length: u64) -> Result<(), StateError> {
        self.log.truncate(length)
    }
}

/// A key-value store that counts its writes, and whose next answer goes through the gate, if there is one.
struct Watched {
    disk: FaultyDisk,
    writes: Arc<AtomicU64>,
    gate: Gates,
}

impl Backend for Watched {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, StateError> {
        let found = self.disk.get(table, key);
        pass(&self.gate);
        found
    }

    fn scan(&self, table: Table, range: &TableRange, limit: usize) -> Result<Vec<(Vec<u8>, Value)>, StateError> {
        self.disk.scan(table, range, limit)
    }

    fn write(&self, batch: Batch) -> Result<(), StateError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.disk.write(batch)
    }
}

fn changes(random: &mut Random, view: Arc<dyn StateView>) -> ChangeSet {
    let mut overlay = Overlay::new(view);
    for _ in 0..25 {
        let key = random.key(60);
        if random.below(3) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
    }
    overlay.into_changes()
}

fn expected(map: &Map, key: &unfork_state::Key) -> Option<Value> {
    map.get(key.as_bytes()).map(|value| Value::from(value.as_slice()))
}

fn check_view(view: &dyn StateView, map: &Map, random: &mut Random) {
    let key = random.key(60);
    let length = expected(map, &key).map(|value| u32::try_from(value.len()).unwrap());
    assert_eq!((view.get(&key).unwrap(), view.length(&key).unwrap()), (expected(map, &key), length));
    let range = random.range();
    assert_eq!(view.scan(&range, 20).unwrap(), naive_scan(map, &range, 20));
}

/// Everybody who may read while a block is committed on the state `map`.
struct Readers {
    view: Arc<dyn StateView>,
    map: Map,
    past: Vec<(Past, Map)>,
    sibling: Pending,
    sibling_map: Map,
}

impl Readers {
    fn check(&self, random: &mut Random) {
        check_view(self.view.as_ref(), &self.map, random);
        for (past, map) in &self.past {
            check_view(past.view().as_ref(), map, random);
            let key = random.key(60);
            let value = expected(map, &key);
            past.prove(&key).unwrap().verify(&past.head().root, key.as_bytes(), value.as_deref()).unwrap();
        }
        check_view(self.sibling.view().as_ref(), &self.sibling_map, random);
        let key = random.key(60);
        match self.sibling.prove(&key) {
            Ok(proof) => {
                let value = expected(&self.sibling_map, &key);
                proof.verify(&self.sibling.root(), key.as_bytes(), value.as_deref()).unwrap();
            }
            Err(error) => assert!(matches!(error, StateError::Order { .. }), "{error}"),
        }
    }
}

#[test]
fn whoever_reads_while_the_block_file_is_written_reads_what_was() {
    let mut random = seed(50);
    let (mut failed, mut reads) = (0, 0);
    for round in 0..12 {
        let disk = FaultyDisk::new();
        let syncing = Gates::default();
        let log = Box::new(HeldLog { log: disk.block_log(), gate: syncing.clone() });
        let genesis = changes(&mut random, Arc::new(unfork_state::EmptyView));
        let mut map = Map::new();
        apply(&mut map, &genesis);
        let options = Options { cache_bytes: if round % 3 == 0 { 0 } else { 1 << 20 }, ..Options::default() };
        let writes = Arc::new(AtomicU64::new(0));
        let backend = Box::new(Watched { disk: disk.clone(), writes: writes.clone(), gate: Gates::default() });
        let parts = unfork_state::Parts { backend, log, trees: Some(disk.tree_files()), options };
        let mut store = Store::create_from(parts, CHAIN, genesis, id(0, 0), Vec::new()).unwrap();
        let mut maps = vec![map.clone()];
        for height in 1..8 {
            let offered = changes(&mut random, store.view());
            let mut next = map.clone();
            apply(&mut next, &offered);
            let (root, pending) = store.prepare(store.head().id, offered).unwrap();
            let other = changes(&mut random, store.view());
            let mut sibling_map = map.clone();
            apply(&mut sibling_map, &other);
            let (_, sibling) = store.prepare(store.head().id, other).unwrap();
            let past = (0..height).step_by(3).chain([height - 1]);
            let past = past.map(|at| (store.at(at).unwrap(), maps[usize::try_from(at).unwrap()].clone())).collect();
            let readers = Readers { view: store.view(), map: map.clone(), past, sibling, sibling_map };
            let (held, begun, go_on) = gate(height == 7 && round % 2 == 0);
            *syncing.lock().unwrap() = held;
            let before = writes.load(Ordering::SeqCst);
            let committed = std::thread::scope(|scope| {
                let go_on = go_on;
                let commit = scope.spawn(|| store.commit(pending, height, id(height, 0), vec![9; 200]));
                begun.recv_timeout(Duration::from_secs(60)).expect("the block file is synced");
                for _ in 0..30 {
                    readers.check(&mut random);
                    std::thread::yield_now();
                    reads += 1;
                }
                // Nothing is written before the block file is synced, and nothing acknowledged.
                assert_eq!((writes.load(Ordering::SeqCst), commit.is_finished()), (before, false));
                go_on.send(()).unwrap();
                commit.join().unwrap()
            });
            let written = u64::from(committed.is_ok());
            assert_eq!(writes.load(Ordering::SeqCst), before + written, "one write once it is synced, else none");
            readers.check(&mut random);
            if committed.is_err() {
                assert!(matches!(store.prove(&random.key(60)), Err(StateError::Poisoned { .. })));
                assert!(matches!(store.at(0), Err(StateError::Poisoned { .. })));
                assert_eq!(store.head().root, naive_root(&map), "the old head is what is shown");
                check_view(store.view().as_ref(), &map, &mut random);
                failed += 1;
                break;
            }
            assert_eq!((store.head().root, root), (root, naive_root(&next)));
            map = next;
            maps.push(map.clone());
        }
        drop(store);
        // What was not synced may be there all the same.
        disk.restart();
        let store = Store::with_backend(disk.backend(), disk.block_log(), CHAIN).unwrap();
        assert_eq!(store.head().height, 7);
        store.verify(&mut |_, _| ()).unwrap();
    }
    println!("{reads} rounds of reading, {failed} failed syncs");
    assert_eq!(failed, 6);
}

/// A reader has the old value from the key-value store and is slow to come back with it: it arrives when memory has the new
/// one. The cache of values must not take it.
#[test]
fn what_was_read_before_a_commit_is_not_kept_after_it() {
    let disk = FaultyDisk::new();
    let (syncing, reading) = (Gates::default(), Gates::default());
    let log = Box::new(HeldLog { log: disk.block_log(), gate: syncing.clone() });
    let backend = Box::new(Watched { disk: disk.clone(), writes: Arc::new(AtomicU64::new(0)), gate: reading.clone() });
    let key = seed(51).key(60);
    let set = |view: Arc<dyn StateView>, value: &[u8]| {
        let mut overlay = Overlay::new(view);
        overlay.put(key.clone(), value.into());
        overlay.into_changes()
    };
    let options = Options { cache_bytes: 1 << 20, ..Options::default() };
    let parts = unfork_state::Parts { backend, log, trees: Some(disk.tree_files()), options };
    let genesis = set(Arc::new(unfork_state::EmptyView), b"old");
    let mut store = Store::create_from(parts, CHAIN, genesis, id(0, 0), Vec::new()).unwrap();
    let view = store.view();
    let (held, read, come_back) = gate(false);
    *reading.lock().unwrap() = held;
    let (held, synced, go_on) = gate(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| view.get(&key).unwrap());
        read.recv_timeout(Duration::from_secs(60)).expect("the value is not in the cache");
        let (_, pending) = store.prepare(store.head().id, set(store.view(), b"new")).unwrap();
        *syncing.lock().unwrap() = held;
        let commit = scope.spawn(|| store.commit(pending, 1, id(1, 0), Vec::new()));
        synced.recv_timeout(Duration::from_secs(60)).expect("the block file is synced");
        come_back.send(()).unwrap();
        assert_eq!(reader.join().unwrap().as_deref(), Some(b"old".as_slice()), "its view is of the former head");
        go_on.send(()).unwrap();
        commit.join().unwrap().unwrap();
    });
    assert_eq!(store.view().get(&key).unwrap().as_deref(), Some(b"new".as_slice()));
}
