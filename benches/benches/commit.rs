//! A block of 1,000 updates on a state of 100,000 keys: reading the old values, hashing, and one synced commit.
#![allow(missing_docs, reason = "what criterion's macros make")]
#![allow(clippy::arithmetic_side_effects, reason = "counts blocks")]

use criterion::{BatchSize, Bencher, Criterion, Throughput, criterion_group, criterion_main};
use unfork_benches::keys::{CHAIN, UPDATES, block, genesis};
use unfork_state::{ChangeSet, Store};

fn commit(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let on_disk = Store::create(directory.path(), CHAIN, genesis(), [0; 32], Vec::new()).expect("a store on disk");
    let in_memory = Store::memory(CHAIN, genesis(), [0; 32], Vec::new()).expect("a store in memory");
    let mut group = criterion.benchmark_group("commit");
    group.throughput(Throughput::Elements(UPDATES));
    for (name, mut store) in [("rocksdb", on_disk), ("memory", in_memory)] {
        let mut height = 0;
        group.bench_function(name, |bencher| blocks(bencher, &mut store, &mut height));
    }
    group.finish();
}

/// Commits block after block; making up what a block changes is not measured.
fn blocks(bencher: &mut Bencher<'_>, store: &mut Store, height: &mut u64) {
    let mut prepared = *height;
    let setup = || {
        prepared += 1;
        block(prepared)
    };
    let routine = |changes: ChangeSet| {
        *height += 1;
        let (_, pending) = store.prepare(store.head().id, changes).expect("changes over the head");
        let mut id = [0xb1; 32];
        id[..8].copy_from_slice(&height.to_le_bytes());
        store.commit(pending, *height, id, vec![0; 200]).expect("a commit");
    };
    bencher.iter_batched(setup, routine, BatchSize::PerIteration);
}

criterion_group!(benches, commit);
criterion_main!(benches);
