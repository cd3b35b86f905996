//! How far apart time and gas are: nanoseconds for a unit of gas, over whole transactions of a chain that checks signatures.

use crate::measure::median;
use std::time::Instant;
use unfork_benches::signed::Signer;
use unfork_benches::token::{BLOCK, Tokens, Work};
use unfork_engine::{Engine, Transaction};

/// Blocks, or calls, of each kind.
const ROUNDS: u32 = 11;
/// First calls of each kind.
const FIRST_CALLS: u32 = 51;

/// What one transaction took and cost.
struct Row {
    name: &'static str,
    nanoseconds: f64,
    gas: u64,
}

/// Prints the table and the ratios. The price of a transaction contains a signature, so one is checked; what it took is
/// left out in the last column, and in the second ratio.
pub fn print(engine: &Engine) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut tokens = Tokens::on_disk(engine, directory.path(), Some(Signer::known()));
    let signature = signature(&tokens);
    let rows = rows(&mut tokens);
    println!(
        "\nNanoseconds for a unit of gas: signed transactions in committed blocks of {BLOCK}, and first calls, which find no \
         cache. Checking a signature takes {signature:.0} ns of each."
    );
    println!("{:<20} {:>12} {:>12} {:>10} {:>12}", "", "ns", "gas", "ns/gas", "not signed");
    for Row { name, nanoseconds, gas } in &rows {
        let each = |nanoseconds: f64| nanoseconds / *gas as f64;
        let (signed, unsigned) = (each(*nanoseconds), each(nanoseconds - signature));
        println!("{name:<20} {nanoseconds:>12.0} {gas:>12} {signed:>10.4} {unsigned:>12.4}");
    }
    println!("ratio gas_time_spread {:.1}", spread(&rows, 0.0));
    println!("ratio gas_time_spread_without_signatures {:.1}", spread(&rows, signature));
}

/// The worst by the best nanoseconds for a unit of gas, without `left_out` nanoseconds of each transaction.
fn spread(rows: &[Row], left_out: f64) -> f64 {
    let each = rows.iter().map(|row| (row.nanoseconds - left_out) / row.gas as f64);
    let (best, worst) = each.fold((f64::INFINITY, 0f64), |(best, worst), each| (best.min(each), worst.max(each)));
    worst / best
}

fn rows(tokens: &mut Tokens) -> Vec<Row> {
    let mut rows = Vec::new();
    for (work, name) in [(Work::Noop, "noop"), (Work::Transfer, "transfer"), (Work::InkTransfer, "ink-transfer")] {
        let times = (0..ROUNDS).map(|_| {
            let block = tokens.block(work, BLOCK);
            timed(|| drop(tokens.commit(block))) / BLOCK as f64
        });
        rows.push(Row { name, nanoseconds: median(times.collect()), gas: tokens.gas(work) });
    }
    // What a transaction of a committed block takes beside its execution.
    let block = tokens.block(Work::Noop, BLOCK);
    let warm = tokens.engine().clone();
    let executed = median((0..ROUNDS).map(|_| execution(tokens, &warm, &block)).collect()) / BLOCK as f64;
    let share = rows[0].nanoseconds - executed;
    let cold = Engine::with_bounds(0, 0).expect("the self-test passes");
    let alone = [
        (Work::Sha256, "sha256-10k", &warm, ROUNDS),
        (Work::Fibonacci, "fib-25", &warm, ROUNDS),
        (Work::Noop, "noop, first", &cold, FIRST_CALLS),
        (Work::Transfer, "transfer, first", &cold, FIRST_CALLS),
        (Work::InkTransfer, "ink-transfer, first", &cold, FIRST_CALLS),
    ];
    for (work, name, engine, rounds) in alone {
        let block = tokens.block(work, 1);
        let times = (0..rounds).map(|_| execution(tokens, engine, &block)).collect();
        rows.push(Row { name, nanoseconds: median(times) + share, gas: tokens.gas(work) });
    }
    rows
}

fn execution(tokens: &Tokens, engine: &Engine, block: &[Transaction]) -> f64 {
    timed(|| drop(tokens.execute(engine, block)))
}

/// Nanoseconds that checking one signature takes.
fn signature(tokens: &Tokens) -> f64 {
    let block = tokens.block(Work::Noop, BLOCK);
    let check = |_| {
        timed(|| {
            for transaction in &block {
                tokens.hooks().authorise(transaction).expect("a good signature");
            }
        })
    };
    median((0..ROUNDS).map(check).collect()) / BLOCK as f64
}

fn timed(body: impl FnOnce()) -> f64 {
    let start = Instant::now();
    body();
    start.elapsed().as_secs_f64() * 1e9
}
