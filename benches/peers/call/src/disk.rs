//! What a block costs on disk: execution, root, and both syncs, beside a plain synced RocksDB batch of the same writes.

use crate::measure::{Case, median, more, of, print, run, timed};
use std::cell::RefCell;
use std::path::Path;
use unfork_benches::token::{BLOCK, Tokens, Work};
use unfork_engine::{Engine, list_root};
use unfork_state::testing::PlainRocks;
use unfork_state::{BlockLog, FileLog};

/// Blocks of each kind.
const BLOCKS: u32 = 31;

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
            drop(tokens.borrow_mut().commit(block));
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
    let committing = more(&cases, "block of transfer: executed, root, both syncs", "block of transfer: executed");
    println!("ratio commit_over_plain_batch {:.2}", committing / of(&cases, "plain synced batch of the same writes"));
    parts(&mut tokens.borrow_mut(), engine, directory.path());
}

/// Where the time of a committed block of transfers goes. What is done at the same time is measured alone as well.
fn parts(tokens: &mut Tokens, engine: &Engine, directory: &Path) {
    let file = FileLog::create(&directory.join("block file alone")).expect("a file");
    let [mut executed, mut roots, mut state, mut lists, mut kept, mut logged] = [const { Vec::new() }; 6];
    for _ in 0..BLOCKS {
        let block = tokens.block(Work::Transfer, BLOCK);
        // So that neither of the timed ones is the first to touch what the block is about.
        drop(tokens.execute(engine, &block));
        let outcome = timed(&mut executed, || tokens.execute(engine, &block));
        timed(&mut lists, || (list_root(&block), outcome.receipts_root()));
        let head = tokens.executor.head().id();
        drop(timed(&mut state, || tokens.executor.store().prepare(head, outcome.changes)).expect("a root"));
        let good = timed(&mut roots, || tokens.check(block));
        let before = tokens.executor.store().stats().block_file_bytes;
        drop(timed(&mut kept, || tokens.keep(good)));
        let bytes = tokens.executor.store().stats().block_file_bytes - before;
        let record = vec![0x5a; usize::try_from(bytes).expect("a length")];
        timed(&mut logged, || file.append(&[&record]).and_then(|()| file.sync())).expect("a synced file");
    }
    let roots = roots.iter().zip(&executed).map(|(checked, executed)| checked - executed).collect();
    let [executed, roots, state, lists, kept, logged] =
        [executed, roots, state, lists, kept, logged].map(|samples| median(samples) / 1e3);
    println!("parts of a block of transfers (µs): execute {executed:.0} · roots {roots:.0} · write {kept:.0}");
    println!("  of the roots, alone: state {state:.0} · transactions and receipts, on another thread {lists:.0}");
    println!("  of writing, alone: block file appended and synced, on another thread {logged:.0}");
    let each = 1e3 / BLOCK as f64;
    println!("parts of a transfer beside its call (ns): root {:.0} · write {:.0}", roots * each, kept * each);
}
