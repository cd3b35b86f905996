//! How far apart time and gas are: nanoseconds for a unit of gas, over whole transactions of a chain that checks signatures,
//! and of one that does not.

use crate::measure::{median, timed};
use std::path::Path;
use unfork_benches::signed::Signer;
use unfork_benches::token::{BLOCK, Tokens, Work};
use unfork_engine::Engine;

/// Turns; the first warms up, and medians of the others count.
const ROUNDS: u32 = 12;

/// Executions of one transaction in each turn; their median counts.
const IN_A_ROW: u32 = 7;

/// Whole blocks of these are committed.
const IN_BLOCKS: [Work; 3] = [Work::Noop, Work::Transfer, Work::InkTransfer];

/// Prints the table and the ratios.
pub fn print(engine: &Engine) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let [signed, plain] = [Some(Signer::known()), None].map(|signer| {
        let name = if signer.is_some() { "signed" } else { "plain" };
        Chain::new(engine, &directory.path().join(name), signer)
    });
    let [signed, plain] = measure(engine, [signed, plain]);
    // The price of a transaction contains a signature, so the chain of the first column checks one.
    println!("\nNanoseconds for a unit of gas, in committed blocks of {BLOCK}; first calls find no cache:");
    println!(
        "{:<20} {:>12} {:>12} {:>10} {:>14} {:>10}",
        "", "gas", "signed, ns", "ns/gas", "not signed, ns", "ns/gas"
    );
    for (one, other) in signed.iter().zip(&plain) {
        let Row { name, gas, nanoseconds } = one;
        println!(
            "{name:<20} {gas:>12} {nanoseconds:>12.0} {:>10.4} {:>14.0} {:>10.4}",
            one.each(),
            other.nanoseconds,
            other.each()
        );
    }
    println!("ratio gas_time_spread {:.1}", spread(&signed));
    println!("ratio gas_time_spread_without_signatures {:.1}", spread(&plain));
}

/// What one transaction took and cost.
struct Row {
    name: &'static str,
    nanoseconds: f64,
    gas: u64,
}

impl Row {
    fn each(&self) -> f64 {
        self.nanoseconds / self.gas as f64
    }
}

/// The worst by the best nanoseconds for a unit of gas.
fn spread(rows: &[Row]) -> f64 {
    let each = rows.iter().map(Row::each);
    let (best, worst) = each.fold((f64::INFINITY, 0f64), |(best, worst), each| (best.min(each), worst.max(each)));
    worst / best
}

/// A chain, and what each kind of block took.
struct Chain {
    tokens: Tokens,
    in_blocks: [Vec<f64>; 3],
}

impl Chain {
    fn new(engine: &Engine, directory: &Path, signer: Option<Signer>) -> Self {
        Self { tokens: Tokens::on_disk(engine, directory, signer), in_blocks: Default::default() }
    }

    fn commit(&mut self) {
        for (work, times) in IN_BLOCKS.into_iter().zip(&mut self.in_blocks) {
            let block = self.tokens.block(work, BLOCK);
            timed(times, || drop(self.tokens.commit(block)));
        }
    }

    /// All rows; those that were executed `alone` took with them what a transaction of a no-op block takes beside its
    /// execution, which is `executed`.
    fn rows(&self, executed: f64, alone: &[(Work, &'static str, Vec<f64>)]) -> Vec<Row> {
        let in_blocks = IN_BLOCKS.into_iter().zip(&self.in_blocks);
        let in_blocks = in_blocks.map(|(work, times)| (work, work.name(), middle(times) / BLOCK as f64));
        let beside = middle(&self.in_blocks[0]) / BLOCK as f64 - executed;
        let alone = alone.iter().map(|(work, name, times)| (*work, *name, middle(times) + beside));
        let row = |(work, name, nanoseconds)| Row { name, nanoseconds, gas: self.tokens.gas(work) };
        in_blocks.chain(alone).map(row).collect()
    }
}

/// Everything in turns, so that whatever disturbs the machine disturbs all rows alike.
fn measure(warm: &Engine, mut chains: [Chain; 2]) -> [Vec<Row>; 2] {
    let cold = Engine::with_bounds(0, 0).expect("the self-test passes");
    let engines = [&cold, &cold, &cold, warm, warm];
    let mut alone = [
        (Work::Noop, "noop, first", Vec::new()),
        (Work::Transfer, "transfer, first", Vec::new()),
        (Work::InkTransfer, "ink-transfer, first", Vec::new()),
        (Work::Sha256, "sha256-10k", Vec::new()),
        (Work::Fibonacci, "fib-25", Vec::new()),
    ];
    let mut executed = Vec::new();
    for _ in 0..ROUNDS {
        for chain in &mut chains {
            chain.commit();
        }
        let tokens = &chains[1].tokens;
        let block = tokens.block(Work::Noop, BLOCK);
        timed(&mut executed, || drop(tokens.execute(warm, &block)));
        for ((work, _, times), engine) in alone.iter_mut().zip(engines) {
            // Several in a row: what is empty is the cache of programs, not the processor's.
            let block = tokens.block(*work, 1);
            let mut row = Vec::new();
            (0..IN_A_ROW).for_each(|_| timed(&mut row, || drop(tokens.execute(engine, &block))));
            times.push(median(row));
        }
    }
    let executed = middle(&executed) / BLOCK as f64;
    chains.map(|chain| chain.rows(executed, &alone))
}

/// The median without the first.
fn middle(times: &[f64]) -> f64 {
    median(times.get(1..).unwrap_or_default().to_vec())
}
