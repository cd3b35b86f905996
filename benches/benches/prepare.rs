//! Admission: validating, limiting and instrumenting each fixture.
#![allow(missing_docs, reason = "what criterion's macros make")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use unfork_benches::contracts::fixtures;
use unfork_gas::{LIMITS_V1, V1, admit};

fn prepare(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("prepare");
    for fixture in fixtures() {
        if let Err(refusal) = admit(fixture.code, &V1, &LIMITS_V1, &fixture.profile) {
            panic!("{}: {refusal}", fixture.name);
        }
        group.throughput(Throughput::Bytes(u64::try_from(fixture.code.len()).expect("a length")));
        group.bench_function(fixture.name, |bencher| {
            bencher.iter(|| admit(black_box(fixture.code), &V1, &LIMITS_V1, &fixture.profile));
        });
    }
    group.finish();
}

criterion_group!(benches, prepare);
criterion_main!(benches);
