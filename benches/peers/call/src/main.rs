//! One contract call, ours and others' in turns in one process, then what ours costs on disk. Prints a table, where the
//! time goes, and lines `ratio NAME VALUE`; README.md beside says what each side does.

mod evm;
mod measure;

use measure::{Case, of, print, run};
use std::cell::RefCell;
use unfork_benches::token::{BLOCK, Tokens, Work};
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
    // The faster of their two ways.
    let noop = of(&cases, "revm noop, each committed").min(of(&cases, "revm noop, block"));
    let transfer = of(&cases, "revm transfer, each committed").min(of(&cases, "revm transfer, block"));
    println!("ratio noop_over_revm {:.2}", of(&cases, "ours noop") / noop);
    println!("ratio transfer_over_revm {:.2}", of(&cases, "ours transfer") / transfer);
}
