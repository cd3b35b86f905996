//! One store under the workload, and what is measured of it.

use crate::measure::{bytes_written, disk, forget_cached, memory, processor_time, thread_time};
use crate::workload::{Change, Workload};
use std::path::Path;
use std::time::{Duration, Instant};
use unfork_state::Key;

/// Keys read, scanned from and proven at a time, and those read again and again.
const READS: usize = 100_000;
const HOT: usize = 10_000;
const COLD_READS: usize = 3_000;
const SCANS: usize = 2_000;
pub const SCANNED: usize = 100;
const PROOFS: usize = 10_000;

/// What is measured.
pub trait Side: Sized {
    /// What a block is turned into before its commit is measured.
    type Block;

    /// Opens or creates the store in `directory`.
    fn open(directory: &Path, keys: u64) -> Self;

    fn block(changes: Vec<Change>) -> Self::Block;

    /// Commits a block and computes its root; it survives a loss of power after that.
    fn commit(&mut self, block: Self::Block);

    /// Writes what is in memory only to its final place, and waits for what goes on in the background.
    fn settle(&mut self);

    /// The length of a key's value.
    fn read(&self, key: &Key) -> Option<usize>;

    /// How many of the [`SCANNED`] values from `key` on there are; `None` if the store has no order.
    fn scan(&self, _key: &Key) -> Option<usize> {
        None
    }

    /// The length of the proof of `key`, encoded; `None` if the store proves nothing.
    fn prove(&self, _key: &Key) -> Option<usize> {
        None
    }

    /// Bytes that a tree takes in memory by its own account.
    fn tree_bytes(&self) -> Option<u64> {
        None
    }

    /// Ends as a node that stops does.
    fn close(self) {}

    /// Opens the store without what it keeps to be opened fast; `None` if it keeps nothing of the kind.
    fn open_by_rebuilding(_directory: &Path, _keys: u64) -> Option<Self> {
        None
    }
}

/// Prints `NAME VALUE` for the parent process.
fn tell(name: &str, value: f64) {
    println!("{name} {value}");
}

fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Runs the whole workload: fills the store with `keys` keys, commits `updates` changes for each of the sizes of blocks,
/// then reads, scans, proves, and opens again.
pub fn run<S: Side>(directory: &Path, keys: u64, sizes: &[u64], updates: u64) {
    let mut workload = Workload::new();
    let empty = memory();
    let start = Instant::now();
    let mut side = S::open(directory, keys);
    loop {
        let changes = workload.fill(keys);
        if changes.is_empty() {
            break;
        }
        side.commit(S::block(changes));
    }
    side.settle();
    tell("fill_seconds", start.elapsed().as_secs_f64());
    for size in sizes {
        commits(&mut side, &mut workload, directory, *size, updates.div_ceil(*size));
    }
    // The workload's own bookkeeping is 4 bytes a key.
    tell("memory", memory().saturating_sub(empty).saturating_sub(4 * keys) as f64);
    if let Some(bytes) = side.tree_bytes() {
        tell("tree_memory", bytes as f64);
    }
    tell("disk", disk(directory) as f64);
    reads(&side, &mut workload);
    side.close();
    openings::<S>(directory, keys, &mut workload);
}

fn commits<S: Side>(side: &mut S, workload: &mut Workload, directory: &Path, size: u64, blocks: u64) {
    let updates = (blocks * size) as f64;
    let (cpu, written, before) = (processor_time(), bytes_written(), disk(directory));
    let (mut aside, mut wall) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..blocks {
        let making = thread_time();
        let block = S::block(workload.block(size));
        aside += thread_time() - making;
        let start = Instant::now();
        side.commit(block);
        wall += start.elapsed();
    }
    let start = Instant::now();
    side.settle();
    wall += start.elapsed();
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / updates;
    tell(&format!("cpu_{size}"), micros(processor_time() - cpu - aside));
    tell(&format!("wall_{size}"), micros(wall));
    tell(&format!("written_{size}"), (bytes_written() - written) as f64 / updates);
    tell(&format!("disk_{size}"), (disk(directory) as f64 - before as f64) / updates);
}

fn reads<S: Side>(side: &S, workload: &mut Workload) {
    let keys = workload.present_keys(READS);
    let read = |key: &Key| assert_eq!(side.read(key), Some(64), "a present key");
    keys.iter().for_each(read);
    let start = Instant::now();
    keys.iter().for_each(read);
    tell("reads_warm", per_second(keys.len(), start.elapsed()));
    let hot = &keys[..HOT];
    hot.iter().for_each(read);
    let start = Instant::now();
    (0..READS / HOT).for_each(|_| hot.iter().for_each(read));
    tell("reads_hot", per_second(READS, start.elapsed()));

    let start = Instant::now();
    let found: Option<usize> = keys.iter().take(SCANS).map(|key| side.scan(key)).sum();
    if let Some(found) = found {
        tell("scanned", per_second(found, start.elapsed()));
    }
    let start = Instant::now();
    let bytes: Option<usize> = keys.iter().take(PROOFS).map(|key| side.prove(key)).sum();
    if let Some(bytes) = bytes {
        tell("proofs", per_second(PROOFS, start.elapsed()));
        tell("proof_bytes", bytes as f64 / PROOFS as f64);
    }
}

fn openings<S: Side>(directory: &Path, keys: u64, workload: &mut Workload) {
    forget_cached(directory);
    let start = Instant::now();
    let side = S::open(directory, keys);
    tell("open_cold_seconds", start.elapsed().as_secs_f64());
    forget_cached(directory);
    let chosen = workload.present_keys(COLD_READS);
    let start = Instant::now();
    chosen.iter().for_each(|key| assert_eq!(side.read(key), Some(64), "a present key"));
    tell("reads_cold", per_second(chosen.len(), start.elapsed()));
    drop(side);
    // Both openings from cached files, so that they differ in what they compute.
    drop(S::open(directory, keys));
    let start = Instant::now();
    drop(S::open(directory, keys));
    tell("open_seconds", start.elapsed().as_secs_f64());
    let start = Instant::now();
    if let Some(side) = S::open_by_rebuilding(directory, keys) {
        tell("rebuild_seconds", start.elapsed().as_secs_f64());
        drop(side);
    }
}
