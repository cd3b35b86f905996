//! Measures what host functions take, beside the gas that they cost: part of `make calibrate`, never run by a node.
//!
//! Each row is a contract that calls one function in a loop. A call with many turns less one with few is the function
//! alone, in nanoseconds and in gas. State is in memory and warm: prices of storage are higher by what a disk takes.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::disallowed_types
)]

#[path = "host_calls/rows.rs"]
mod rows;

use rows::{Row, rows};
use std::time::Instant;
use unfork_benches::token::Tokens;
use unfork_engine::{Address, Engine, Transaction};

/// Turns of the loop.
const FEW: u32 = 10;
const MANY: u32 = 110;
/// Measurements; the least counts.
const ROUNDS: u32 = 21;

/// A row with what it took and cost, for one call of the function.
struct Measured {
    name: String,
    nanoseconds: f64,
    gas: f64,
}

impl Measured {
    fn each(&self) -> f64 {
        self.nanoseconds / self.gas
    }
}

fn main() {
    let engine = Engine::new().expect("the self-test passes");
    let mut tokens = Tokens::in_memory(&engine);
    let mut measured: Vec<Measured> = rows().iter().map(|row| measure(&engine, &mut tokens, row)).collect();
    measured.sort_by(|one, other| other.each().total_cmp(&one.each()));
    println!("\n{:<44} {:>10} {:>10} {:>8}", "host function, one call", "ns", "gas", "ns/gas");
    for row in &measured {
        println!("{:<44} {:>10.0} {:>10.0} {:>8.2}", row.name, row.nanoseconds, row.gas, row.each());
    }
    println!("worst {:.2} ns/gas, best {:.3}", measured[0].each(), measured[measured.len() - 1].each());
}

fn measure(engine: &Engine, tokens: &mut Tokens, row: &Row) -> Measured {
    let [few, many] = [FEW, MANY].map(|turns| {
        let code = wat::parse_str(row.module(turns)).unwrap_or_else(|error| panic!("{}: {error}", row.name));
        let contract = tokens.create(&code, row.data.clone());
        let block = call(tokens, &contract, &row.data);
        let outcome = tokens.execute(engine, &block);
        let gas = outcome.receipts[0].gas_used;
        let time = |_| {
            let start = Instant::now();
            drop(tokens.execute(engine, &block));
            start.elapsed().as_nanos()
        };
        let least = (0..ROUNDS).map(time).min().unwrap_or(0);
        (least as f64, gas as f64)
    });
    let turns = f64::from(MANY - FEW);
    Measured { name: row.name.clone(), nanoseconds: (many.0 - few.0) / turns, gas: (many.1 - few.1) / turns }
}

fn call(tokens: &Tokens, contract: &Address, input: &[u8]) -> Vec<Transaction> {
    let calls = tokens.calls(std::slice::from_ref(contract), input);
    calls.into_iter().map(|call| Transaction { gas_limit: 1_000_000_000, ..call }).collect()
}
