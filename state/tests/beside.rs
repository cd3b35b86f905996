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

/// What a sync does on its way: it says that it has begun, waits until it may go on, and then may fail.
struct Gate {
    reached: Sender<()>,
    passed: Receiver<()>,
    fails: bool,
}

/// A block file whose next sync goes through the gate, if there is one.
struct HeldLog {
    log: Box<dyn BlockLog>,
    gate: Arc<Mutex<Option<Gate>>>,
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
        let gate = self.gate.lock().unwrap().take();
        let fails = gate.is_some_and(|gate| {
            gate.reached.send(()).unwrap();
            // Whoever reads may have ended with a panic.
            let _ = gate.passed.recv();
            gate.fails
        });
        if fails {
            return Err(StateError::Io { during: "syncing the test's block file", text: "no".to_owned() });
        }
        self.log.sync()
    }

    fn truncate(&self, length: u64) -> Result<(), StateError> {
        self.log.truncate(length)
    }
}

/// A key-value store that counts its writes.
struct Watched {
    disk: FaultyDisk,
    writes: Arc<AtomicU64>,
}

impl Backend for Watched {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.disk.get(table, key)
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
        let gate = Arc::new(Mutex::new(None));
        let log = Box::new(HeldLog { log: disk.block_log(), gate: gate.clone() });
        let genesis = changes(&mut random, Arc::new(unfork_state::EmptyView));
        let mut map = Map::new();
        apply(&mut map, &genesis);
        let options = Options { cache_bytes: if round % 3 == 0 { 0 } else { 1 << 20 }, ..Options::default() };
        let writes = Arc::new(AtomicU64::new(0));
        let backend = Box::new(Watched { disk: disk.clone(), writes: writes.clone() });
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
            let ((reached, begun), (go_on, passed)) = (channel(), channel());
            *gate.lock().unwrap() = Some(Gate { reached, passed, fails: height == 7 && round % 2 == 0 });
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
