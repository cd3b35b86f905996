//! One contract call, ours and others' in turns in one process, then what ours costs on disk. Prints a table, where the
//! time goes, and lines `ratio NAME VALUE`; README.md beside says what each side does.

#[cfg(feature = "cosmwasm")]
mod cosmwasm;
#[cfg(feature = "rocksdb")]
mod disk;
mod evm;
#[cfg(feature = "rocksdb")]
mod gas;
mod measure;
mod parts;
#[cfg(feature = "soroban")]
mod soroban;

use measure::{Case, of, print, run};
use std::cell::RefCell;
use unfork_benches::token::{BLOCK, Tokens, Work};
use unfork_engine::Engine;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measurements of each case; the median counts.
const ROUNDS: u32 = 11;

fn main() {
    let engine = Engine::new().expect("the self-test passes");
    let rounds = std::env::args().nth(2).map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let tokens = Tokens::in_memory(&engine);
    let revm = RefCell::new(evm::Revm::new());
    #[cfg(feature = "cosmwasm")]
    let cosmwasm = RefCell::new(cosmwasm::CosmWasm::new());
    #[cfg(feature = "soroban")]
    let soroban = RefCell::new(soroban::Soroban::new());
    let mut cases = ours(&engine, &tokens);
    #[cfg(feature = "cosmwasm")]
    for work in [Work::Noop, Work::Transfer, Work::Sha256, Work::Fibonacci] {
        let count = if matches!(work, Work::Sha256 | Work::Fibonacci) { 4 } else { 200 };
        let cosmwasm = &cosmwasm;
        let body = move |count| cosmwasm.borrow_mut().run(work, count);
        cases.push(Case::new(format!("cosmwasm-vm {}", work.name()), count, body));
    }
    #[cfg(feature = "soroban")]
    for work in [Work::Noop, Work::Transfer] {
        let count = 200;
        let soroban = &soroban;
        // One more for the round that warms up.
        let rounds = (0..=rounds).map(|_| soroban.borrow_mut().transactions(work == Work::Transfer, count));
        let mut rounds = rounds.collect::<Vec<_>>().into_iter();
        let body = move |_| soroban.borrow_mut().run(&rounds.next().expect("transactions for each round"));
        cases.push(Case::new(format!("soroban-env-host {}", work.name()), count, body));
    }
    let all = u32::try_from(BLOCK).expect("a small count");
    cases.push(Case::new("revm noop, each committed", all, |count| revm.borrow_mut().noop(count)));
    cases.push(Case::new("revm noop, block", all, |count| revm.borrow_mut().noop_block(count)));
    cases.push(Case::new("revm transfer, each committed", all, |count| revm.borrow_mut().transfer(count)));
    cases.push(Case::new("revm transfer, block", all, |count| revm.borrow_mut().transfer_block(count)));
    // With an argument only the cases whose names contain it, with a second so many rounds of them: for profilers.
    if let Some(wanted) = std::env::args().nth(1) {
        cases.retain(|case| case.name.contains(&wanted));
    }
    run(rounds, &mut cases);
    print(&cases);
    if std::env::args().len() > 1 {
        return;
    }
    ratios(&cases);
    parts::print(&engine, &tokens);
    #[cfg(feature = "rocksdb")]
    {
        disk::measure(&engine);
        gas::print(&engine);
    }
    #[cfg(not(feature = "rocksdb"))]
    println!("left out without the feature rocksdb: blocks on disk, commit_over_plain_batch, gas_time_spread");
}

fn ours<'a>(engine: &'a Engine, tokens: &'a Tokens) -> Vec<Case<'a>> {
    let case = |work: Work| {
        let count = if matches!(work, Work::Sha256 | Work::Fibonacci) { 4 } else { BLOCK };
        let block = tokens.block(work, count);
        let body = move |_| drop(tokens.execute(engine, &block));
        Case::new(format!("ours {}", work.name()), u32::try_from(count).expect("a small count"), body)
    };
    Work::ALL.into_iter().map(case).collect()
}

fn ratios(cases: &[Case<'_>]) {
    for work in ["noop", "transfer"] {
        let ours = of(cases, &format!("ours {work}"));
        println!("ratio {work}_over_revm {:.2}", ours / of(cases, &format!("revm {work}, each committed")));
        println!("ratio {work}_over_revm_block {:.2}", ours / of(cases, &format!("revm {work}, block")));
    }
    #[cfg(feature = "cosmwasm")]
    for work in ["noop", "transfer", "sha256-10k", "fib-25"] {
        let ratio = of(cases, &format!("cosmwasm-vm {work}")) / of(cases, &format!("ours {work}"));
        println!("ratio cosmwasm_over_{work} {ratio:.2}");
    }
    #[cfg(feature = "soroban")]
    for work in ["noop", "transfer"] {
        let ratio = of(cases, &format!("soroban-env-host {work}")) / of(cases, &format!("ours {work}"));
        println!("ratio soroban_over_{work} {ratio:.2}");
    }
}
