//! One call of a contract in memory, from a message to its outcome and changes.
#![allow(missing_docs, reason = "what criterion's macros make")]

use criterion::{Criterion, criterion_group, criterion_main};
use unfork_benches::calls::Deployed;
use unfork_engine::Engine;

fn call(criterion: &mut Criterion) {
    let warm = Engine::new().expect("the self-test passes");
    let cold = Engine::with_cache_bytes(0).expect("the self-test passes");
    let deployed = Deployed::new(&warm);
    let messages = [("flipper-get", &deployed.flipper_get), ("erc20-transfer", &deployed.erc20_transfer)];
    for (how, engine) in [("warm", &warm), ("cold", &cold)] {
        let mut group = criterion.benchmark_group(format!("call-{how}"));
        for (name, message) in messages {
            group.bench_function(name, |bencher| bencher.iter(|| deployed.run(engine, message)));
        }
        group.finish();
    }
}

criterion_group!(benches, call);
criterion_main!(benches);
