//! What a commit costs beside a plain RocksDB batch: CPU time of all threads and bytes written per update, flush and
//! compactions included. A quick look while working on the store; `make bench-state` measures it in full.
//!
//!   cargo run --release -p unfork-state --features rocksdb --example commit_cost -- [keys] [updates] [blocks] [rounds]
//!
//! Keys are storage of contracts (42 bytes of space and 32 of key), values have 64 bytes; a block changes 80 % existing
//! keys, adds 10 % and removes 10 %. Old values are known, as they are after a block was executed. Sides take turns.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::disallowed_methods, clippy::disallowed_types)]
#![allow(clippy::float_arithmetic, clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use std::path::Path;
use std::time::Instant;

use unfork_state::testing::{BareTree, PlainRocks};
use unfork_state::{Change, ChangeSet, Key, Space, Store, Value};

const CHAIN: [u8; 32] = [7; 32];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Which keys exist, and the version of each one's value.
struct Workload {
    random: Random,
    live: Vec<(u64, u64)>,
    next: u64,
    spaces: Vec<Space>,
}

impl Workload {
    fn new(keys: u64) -> Self {
        let spaces = (0..16_u8).map(|owner| Space::storage(&[owner; 32], 1).unwrap()).collect();
        Self { random: Random(1), live: (0..keys).map(|key| (key, 0)).collect(), next: keys, spaces }
    }

    fn key(&self, number: u64) -> Key {
        let mut random = Random(number.wrapping_mul(0xd1b5_4a32_d192_ed03));
        let raw: Vec<u8> = (0..4).flat_map(|_| random.next().to_be_bytes()).collect();
        Key::new(&self.spaces[(number % 16) as usize], &raw)
    }

    fn value(number: u64, version: u64) -> Value {
        let mut random = Random(number ^ version.rotate_left(32));
        (0..8).flat_map(|_| random.next().to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn genesis(&self) -> Vec<(Key, Value)> {
        self.live.iter().map(|(number, version)| (self.key(*number), Self::value(*number, *version))).collect()
    }

    fn block(&mut self, updates: usize) -> ChangeSet {
        let mut changes = std::collections::BTreeMap::new();
        let version = self.random.next();
        while changes.len() < updates {
            let at = (self.random.next() % self.live.len() as u64) as usize;
            let (number, before) = self.live[at];
            let old = Some(Some(Self::value(number, before)));
            match changes.len() % 10 {
                0 => {
                    let key = self.key(self.next);
                    let new = Some(Self::value(self.next, version));
                    self.live.push((self.next, version));
                    self.next += 1;
                    changes.insert(key, Change { old: Some(None), new });
                }
                place => {
                    let key = self.key(number);
                    if changes.contains_key(&key) {
                        continue;
                    }
                    if place == 1 {
                        self.live.swap_remove(at);
                        changes.insert(key, Change { old, new: None });
                    } else {
                        self.live[at].1 = version;
                        changes.insert(key, Change { old, new: Some(Self::value(number, version)) });
                    }
                }
            }
        }
        ChangeSet::from_map(changes)
    }
}

#[derive(Clone, Copy)]
struct Used {
    cpu: f64,
    wall: Instant,
    written: u64,
}

fn used() -> Used {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap().parse().unwrap();
    Used { cpu: ticks / 100.0, wall: Instant::now(), written }
}

#[derive(Default, Clone)]
struct Total {
    cpu: Vec<f64>,
    wall: f64,
    written: u64,
    updates: usize,
}

impl Total {
    fn add(&mut self, before: Used, updates: usize) {
        let after = used();
        self.cpu.push((after.cpu - before.cpu) * 1e6 / updates as f64);
        self.wall += before.wall.elapsed().as_secs_f64();
        self.written += after.written - before.written;
        self.updates += updates;
    }

    fn print(&self, name: &str) -> f64 {
        let mut sorted = self.cpu.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        let mean = self.cpu.iter().sum::<f64>() / self.cpu.len() as f64;
        println!(
            "{name:8} CPU {median:6.2} us/update (median of rounds; mean {mean:.2}, least {:.2})  wall {:6.2} us  written {:5} B",
            sorted[0],
            self.wall * 1e6 / self.updates as f64,
            self.written / self.updates as u64
        );
        mean
    }
}

fn rss() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 4096.0 / 1e6
}

/// The sizes of a run.
struct Sizes {
    keys: u64,
    updates: usize,
    blocks: u64,
    rounds: u64,
}

impl Sizes {
    fn of_arguments() -> Self {
        let arguments: Vec<u64> = std::env::args().skip(1).map(|text| text.parse().unwrap()).collect();
        let argument = |at: usize, default: u64| arguments.get(at).copied().unwrap_or(default);
        let (keys, updates, blocks, rounds) =
            (argument(0, 100_000), argument(1, 1000), argument(2, 100), argument(3, 5));
        Self { keys, updates: updates as usize, blocks, rounds }
    }
}

fn main() {
    let sizes = Sizes::of_arguments();
    let place = tempfile::tempdir_in(std::env::var("UNFORK_BENCH_DIR").unwrap_or("/tmp".into())).unwrap();
    let mut workload = Workload::new(sizes.keys);
    let genesis = workload.genesis();
    let start = rss();
    let mut bare_tree = BareTree::default();
    bare_tree.apply(&ChangeSet::genesis(genesis.iter().cloned()));
    println!(
        "{} keys: tree {:.0} bytes a key counted, {:.0} by RSS",
        sizes.keys,
        bare_tree.bytes() as f64 / sizes.keys as f64,
        (rss() - start) * 1e6 / sizes.keys as f64
    );
    tree_alone(&mut workload_copy(&workload), &mut bare_tree, sizes.updates);
    let mut bare_tree = BareTree::default();
    bare_tree.apply(&ChangeSet::genesis(genesis.iter().cloned()));
    let plain = PlainRocks::create(&place.path().join("plain")).unwrap();
    let bare = PlainRocks::create(&place.path().join("bare")).unwrap();
    for chunk in genesis.chunks(10_000) {
        let pairs = || chunk.iter().map(|(key, value)| (key.as_bytes(), Some(value.as_ref())));
        plain.write(pairs()).unwrap();
        bare.write(pairs()).unwrap();
    }
    let directory = place.path().join("store");
    let genesis = ChangeSet::genesis(genesis);
    let store = Store::create(&directory, CHAIN, genesis, [0; 32], Vec::new()).unwrap();
    let mut sides = Sides { plain, bare, bare_tree, store };
    println!("RSS with all three sides {:.0} MB", rss());
    sides.commits(&mut workload, &sizes);
    let Sides { plain, bare, bare_tree, store } = sides;
    drop(bare);
    assert_eq!(bare_tree.root(), store.head().root);
    let root = store.head().root;
    reads_and_proofs(&store, &plain, &workload);
    drop(store);
    open(&directory, root);
    std::fs::remove_file(directory.join("tree.0")).unwrap();
    std::fs::remove_file(directory.join("tree.1")).unwrap();
    open(&directory, root).checkpoint().unwrap();
    open(&directory, root);
}

/// What is compared: a key-value store alone, one beside a tree in memory, and the store.
struct Sides {
    plain: PlainRocks,
    bare: PlainRocks,
    bare_tree: BareTree,
    store: Store,
}

impl Sides {
    /// The same blocks on all sides in turn.
    fn commits(&mut self, workload: &mut Workload, sizes: &Sizes) {
        let Sizes { keys, updates, blocks, rounds } = *sizes;
        let Self { plain, bare, bare_tree, store } = self;
        store.settle().unwrap();
        plain.settle().unwrap();
        bare.settle().unwrap();
        let (mut plain_used, mut bare_used, mut shipped_used) = (Total::default(), Total::default(), Total::default());
        for _ in 0..rounds {
            let changes: Vec<ChangeSet> = (0..blocks).map(|_| workload.block(updates)).collect();
            let count = changes.iter().map(ChangeSet::len).sum();
            let before = used();
            for changes in &changes {
                plain.write(changes.iter().map(|(key, change)| (key.as_bytes(), change.new.as_deref()))).unwrap();
            }
            plain.settle().unwrap();
            plain_used.add(before, count);

            let before = used();
            for changes in &changes {
                bare_tree.apply(changes);
                bare.write(changes.iter().map(|(key, change)| (key.as_bytes(), change.new.as_deref()))).unwrap();
            }
            bare.settle().unwrap();
            bare_used.add(before, count);

            let before = used();
            for changes in changes {
                let (_, pending) = store.prepare(store.head().id, changes).unwrap();
                let height = store.head().height + 1;
                let mut id = [0; 32];
                id[..8].copy_from_slice(&height.to_le_bytes());
                store.commit(pending, height, id, vec![0; 200]).unwrap();
            }
            store.settle().unwrap();
            shipped_used.add(before, count);
        }
        println!("{keys} keys, {updates} updates per block, {rounds} rounds of {blocks} blocks");
        let plain = plain_used.print("plain");
        let bare = bare_used.print("bare");
        let shipped = shipped_used.print("shipped");
        println!(
            "ratio bare_over_plain {:.2}  shipped_over_plain {:.2}  bytes_shipped_over_plain {:.2}",
            bare / plain,
            shipped / plain,
            shipped_used.written as f64 / plain_used.written as f64
        );
    }
}

fn reads_and_proofs(store: &Store, plain: &PlainRocks, workload: &Workload) {
    let head = store.head();
    let view = store.view();
    let hot: Vec<Key> = workload.live.iter().take(20_000).map(|(number, _)| workload.key(*number)).collect();
    for (name, repeat) in [("first", 1), ("hot", 20)] {
        let start = Instant::now();
        for key in (0..repeat).flat_map(|_| &hot) {
            assert!(view.get(key).unwrap().is_some());
        }
        println!("{name} reads: ours {:.2} us", start.elapsed().as_secs_f64() * 1e6 / (repeat * hot.len()) as f64);
    }
    let start = Instant::now();
    for key in (0..5).flat_map(|_| &hot) {
        assert!(plain.get(key.as_bytes()).unwrap().is_some());
    }
    println!("warm reads: plain {:.2} us", start.elapsed().as_secs_f64() * 1e6 / (5 * hot.len()) as f64);
    let start = Instant::now();
    for key in &hot[..5000] {
        store.prove(key).unwrap();
    }
    println!("proofs: {:.2} us each", start.elapsed().as_secs_f64() * 1e6 / 5000.0);
    for back in [10, 100] {
        let start = Instant::now();
        let past = store.at(head.height - back.min(head.height)).unwrap();
        past.prove(&hot[0]).unwrap();
        println!("a proof {back} blocks back: {:.3} s", start.elapsed().as_secs_f64());
    }
}

/// The tree without any disk, which shows what a change of its code does.
fn tree_alone(workload: &mut Workload, tree: &mut BareTree, updates: usize) {
    let mut times = Vec::new();
    for _ in 0..200 {
        let changes = workload.block(updates);
        let start = Instant::now();
        tree.apply(&changes);
        times.push(start.elapsed().as_secs_f64() * 1e6 / updates as f64);
    }
    times.sort_by(f64::total_cmp);
    println!("tree alone: {:.2} us/update wall, least {:.2}", times[times.len() / 2], times[0]);
}

fn workload_copy(workload: &Workload) -> Workload {
    Workload { random: Random(9), live: workload.live.clone(), next: workload.next, spaces: workload.spaces.clone() }
}

fn open(directory: &Path, root: [u8; 32]) -> Store {
    let before = used();
    let store = Store::open(directory, CHAIN).unwrap();
    let after = used();
    assert_eq!(store.head().root, root);
    println!(
        "open {:.3} s wall, {:.2} s CPU: {:?}",
        before.wall.elapsed().as_secs_f64(),
        after.cpu - before.cpu,
        store.tree_source()
    );
    store
}
