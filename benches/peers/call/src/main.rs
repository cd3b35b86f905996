//! One contract call, ours and others' in turns in one process, then what ours costs on disk. Prints a table, where the
//! time goes, and lines `ratio NAME VALUE`; README.md beside says what each side does.

#[cfg(feature = "rocksdb")]
mod disk;
mod evm;
mod measure;
mod parts;

use measure::{Case, of, print, run};
use std::cell::RefCell;
use std::time::Instant;
use unfork_benches::token::{BLOCK, C_TOKEN, INK_TOKEN, Tokens, Work};
use unfork_engine::Engine;

/// Measurements of each case; the median counts.
const ROUNDS: u32 = 11;

fn main() {
    let engine = Engine::new().expect("the self-test passes");
    let tokens = Tokens::in_memory(&engine);
    let revm = RefCell::new(evm::Revm::new());
    let mut cases = Vec::new();
    for work in Work::ALL {
        let count = if matches!(work, Work::Sha256 | Work::Fibonacci) { 4 } else { BLOCK };
        let block = tokens.block(work, count);
        let (tokens, engine) = (&tokens, &engine);
        let body = move |_| drop(tokens.execute(engine, &block));
        cases.push(Case::new(format!("ours {}", work.name()), u32::try_from(count).expect("a small count"), body));
    }
    let all = u32::try_from(BLOCK).expect("a small count");
    cases.push(Case::new("revm noop, each committed", all, |count| revm.borrow_mut().noop(count)));
    cases.push(Case::new("revm noop, block", all, |count| revm.borrow_mut().noop_block(count)));
    cases.push(Case::new("revm transfer, each committed", all, |count| revm.borrow_mut().transfer(count)));
    cases.push(Case::new("revm transfer, block", all, |count| revm.borrow_mut().transfer_block(count)));
    // With an argument only the cases whose names contain it, for profilers.
    if let Some(wanted) = std::env::args().nth(1) {
        cases.retain(|case| case.name.contains(&wanted));
    }
    run(ROUNDS, &mut cases);
    print(&cases);
    for work in ["noop", "transfer"] {
        let ours = of(&cases, &format!("ours {work}"));
        println!("ratio {work}_over_revm {:.2}", ours / of(&cases, &format!("revm {work}, each committed")));
        println!("ratio {work}_over_revm_block {:.2}", ours / of(&cases, &format!("revm {work}, block")));
    }
    if std::env::args().len() > 1 {
        return;
    }
    parts::print(&engine, &tokens);
    memory(&engine, &tokens);
    let cold = Engine::with_bounds(0, 0).expect("the self-test passes");
    #[cfg(feature = "rocksdb")]
    gas_time(disk::measure(&engine), &tokens, &cold);
    #[cfg(not(feature = "rocksdb"))]
    gas_time(in_memory(&cases, &tokens), &tokens, &cold);
}

#[cfg(not(feature = "rocksdb"))]
fn in_memory(cases: &[Case<'_>], tokens: &Tokens) -> Vec<(Work, f64, u64)> {
    let one = |work: Work| (work, of(cases, &format!("ours {}", work.name())), tokens.gas(work));
    Work::ALL.into_iter().map(one).collect()
}

/// Nanoseconds for a unit of gas over all workloads and a first call that finds no cache.
fn gas_time(mut measured: Vec<(Work, f64, u64)>, tokens: &Tokens, cold: &Engine) {
    let block = tokens.block(Work::Transfer, 1);
    let mut firsts: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            drop(tokens.execute(cold, &block));
            start.elapsed().as_secs_f64() * 1e9
        })
        .collect();
    firsts.sort_by(f64::total_cmp);
    measured.push((Work::Transfer, firsts[firsts.len() / 2], tokens.gas(Work::Transfer)));
    println!("\nNanoseconds for a unit of gas (the last is a first call, without cache):");
    let (mut best, mut worst) = (f64::INFINITY, 0f64);
    for (work, nanoseconds, gas) in measured {
        let each = nanoseconds / gas as f64;
        println!("{:<14} {nanoseconds:>14.0} ns {gas:>12} gas {each:>8.4} ns/gas", work.name());
        (best, worst) = (best.min(each), worst.max(each));
    }
    println!("ratio gas_time_spread {:.1}", worst / best);
}

/// What the cache and the pool count for one program and one instance.
fn memory(engine: &Engine, tokens: &Tokens) {
    engine.clear_cache();
    for work in [Work::Transfer, Work::InkTransfer] {
        let before = engine.kept_bytes();
        drop(tokens.execute(engine, &tokens.block(work, 1)));
        let after = engine.kept_bytes();
        let code = if work == Work::Transfer { C_TOKEN.len() } else { INK_TOKEN.len() };
        println!(
            "memory of {}: program {} bytes = {:.1} × its code, waiting instance {} bytes",
            work.name(),
            after.0 - before.0,
            (after.0 - before.0) as f64 / code as f64,
            after.1.saturating_sub(before.1)
        );
    }
}
