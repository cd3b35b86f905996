//! Proofs in a state of 100,000 keys: making one, and verifying it from its encoding.
#![allow(missing_docs, reason = "what criterion's macros make")]

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use unfork_benches::keys::{CHAIN, KEYS, genesis, key};
use unfork_state::{Proof, Store};

fn proof(criterion: &mut Criterion) {
    let store = Store::memory(CHAIN, genesis(), [0; 32], Vec::new()).expect("a store in memory");
    let (root, view) = (store.head().root, store.view());
    let mut group = criterion.benchmark_group("proof");
    for (name, number) in [("present", KEYS / 2), ("absent", KEYS + 7)] {
        let key = key(number);
        let value = view.get(&key).expect("a readable state");
        let encoded = store.prove(&key).expect("a proof").encode();
        println!("proof/{name}: {} bytes", encoded.len());
        group.bench_function(format!("{name}-prove"), |bencher| {
            bencher.iter(|| store.prove(black_box(&key)).expect("a proof").encode());
        });
        group.bench_function(format!("{name}-verify"), |bencher| {
            bencher.iter(|| {
                let proof = Proof::decode(black_box(&encoded)).expect("a proof's encoding");
                assert_eq!(proof.verify(&root, key.as_bytes(), value.as_deref()), Ok(()));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, proof);
criterion_main!(benches);
