//! What a block costs on disk: execution, root, and both syncs, beside a plain synced RocksDB batch of the same writes.

use crate::measure::{Case, median, of, print, run};
use std::cell::RefCell;
use std::time::Instant;
use unfork_benches::token::{BLOCK, Tokens, Work};
use unfork_engine::Engine;
use unfork_state::testing::PlainRocks;

/// Blocks of each kind.
const BLOCKS: u32 = 11;

/// Prints the table and the ratio.
pub fn measure(engine: &Engine) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let tokens = RefCell::new(Tokens::on_disk(engine, &directory.path().join("ours"), None));
    let plain = PlainRocks::create(&directory.path().join("plain")).expect("a plain database");
    let mut cases = Vec::new();
    for work in [Work::Noop, Work::Transfer, Work::InkTransfer] {
        let (tokens, plain) = (&tokens, &plain);
        let in_memory = move |_| {
            let tokens = tokens.borrow();
            let block = tokens.block(work, BLOCK);
            drop(tokens.execute(engine, &block));
        };
        let committed = move |_| {
            let block = tokens.borrow().block(work, BLOCK);
            drop(tokens.borrow_mut().commit(&block));
        };
        let name = work.name();
        cases.push(Case::new(format!("block of {name}: executed"), 1, in_memory));
        cases.push(Case::new(format!("block of {name}: executed, root, both syncs"), 1, committed));
        if work == Work::Transfer {
            let changes = {
                let tokens = tokens.borrow();
                let block = tokens.block(work, BLOCK);
                tokens.execute(engine, &block).changes
            };
            println!("# a block of {name} changes {} keys", changes.len());
            let batch = move |_| {
                let pairs = changes.iter().map(|(key, change)| (key.as_bytes(), change.new.as_deref()));
                plain.write(pairs).expect("a synced batch");
            };
            cases.push(Case::new("plain synced batch of the same writes", 1, batch));
        }
    }
    run(BLOCKS, &mut cases);
    println!("\nBlocks of {BLOCK} on RocksDB (µs a block):");
    print(&cases);
    let executed = of(&cases, "block of transfer: executed");
    let committed = of(&cases, "block of transfer: executed, root, both syncs");
    let plain = of(&cases, "plain synced batch of the same writes");
    println!("ratio commit_over_plain_batch {:.2}", (committed - executed) / plain);
    parts(&mut tokens.borrow_mut(), executed);
}

/// Where the time of a committed block of transfers goes, `executed` nanoseconds of it into executing.
fn parts(tokens: &mut Tokens, executed: f64) {
    let (mut checked_in, mut kept_in) = (Vec::new(), Vec::new());
    for _ in 0..BLOCKS {
        let block = tokens.block(Work::Transfer, BLOCK);
        let start = Instant::now();
        let checked = tokens.check(&block);
        checked_in.push(start.elapsed().as_secs_f64() * 1e9);
        let start = Instant::now();
        drop(tokens.keep(checked));
        kept_in.push(start.elapsed().as_secs_f64() * 1e9);
    }
    let [checked, kept] = [median(checked_in), median(kept_in)];
    println!(
        "parts of a block of transfers (µs): execute {:.0} · roots of state, transactions, receipts {:.0} · write, both syncs {:.0}",
        executed / 1e3,
        (checked - executed) / 1e3,
        kept / 1e3
    );
}
