//! Executes a vector and keeps everything that must not depend on how.

use parity_scale_codec::Encode;
use unfork::scenario::{BlockReport, RunError, Scenario, Sent, Summary, Watch, run_in_memory};
use unfork_engine::Engine;
use unfork_gas::Schedule;

/// What came of a vector.
pub struct Ran {
    pub summary: Summary,
    /// Each block with its receipts, encoded as it is stored.
    pub blocks: Vec<Vec<u8>>,
    /// What was sent, in the order of the file.
    pub sent: Vec<Sent>,
}

impl Ran {
    pub fn assert_met(&self, name: &str) {
        let failures: Vec<String> = self.summary.failures.iter().map(ToString::to_string).collect();
        assert!(failures.is_empty(), "{name}:\n{}", failures.join("\n"));
        assert!(self.summary.expectations > 0, "{name}: expects nothing");
    }

    pub fn assert_same(&self, other: &Ran, name: &str, how: &str) {
        for (height, (one, two)) in (1..).zip(self.blocks.iter().zip(&other.blocks)) {
            assert!(one == two, "{name}: block {height} is another one {how}");
        }
        assert_eq!(self.blocks.len(), other.blocks.len(), "{name}, {how}");
        assert_eq!(self.summary, other.summary, "{name}, {how}");
    }
}

/// Executes `scenario` on a chain in memory.
pub fn in_memory(scenario: &Scenario, engine: &Engine, watch: Watch) -> Ran {
    collect(scenario, |observe| run_in_memory(scenario, engine, watch, observe))
}

/// Executes `scenario` on a new chain in `directory`.
#[cfg(feature = "rocksdb")]
pub fn on_disk(scenario: &Scenario, engine: &Engine, directory: &std::path::Path) -> Ran {
    let chain = unfork::chain::ChainFile::of_scenario(&scenario.chain);
    let executor = unfork::disk::open_or_create(directory, &chain, engine).expect("a new chain");
    collect(scenario, |observe| unfork::scenario::run(scenario, executor, engine, Watch::Nothing, observe))
}

type Run<'a> = dyn FnMut(&BlockReport<'_>) + 'a;

fn collect(scenario: &Scenario, run: impl FnOnce(&mut Run<'_>) -> Result<Summary, RunError>) -> Ran {
    let (mut blocks, mut sent) = (Vec::new(), Vec::new());
    let summary = run(&mut |report| {
        blocks.push(report.stored.encode());
        sent.extend(report.sent.iter().map(copy));
    });
    let summary = summary.unwrap_or_else(|error| panic!("{}: {error}", scenario.file.display()));
    Ran { summary, blocks, sent }
}

/// What was sent, without what was watched.
fn copy(sent: &Sent) -> Sent {
    use unfork::scenario::Ended;
    let ended = match &sent.ended {
        Ended::InBlock { receipt, .. } => Ended::InBlock { receipt: receipt.clone(), trace: Vec::new() },
        Ended::Invalid(invalid) => Ended::Invalid(*invalid),
    };
    Sent { step: sent.step, repetition: sent.repetition, transaction: sent.transaction.clone(), ended, dry_run: None }
}

/// Each price larger by another amount. The smallest goes to what is paid for in the largest numbers, so that a contract
/// that could pay for 2^32 bytes still can.
pub fn shifted_prices(released: &Schedule) -> Schedule {
    let mut shifted = released.clone();
    let (rows, first) = (Schedule::ROWS.len(), Schedule::ROWS.iter().position(|row| row.0 == "bulk_memory_byte"));
    let first = first.expect("a price of bulk memory");
    for (place, (name, price)) in released.fields().enumerate() {
        let amount = u64::try_from((place + rows - first) % rows + 1).expect("few prices");
        assert!(shifted.set(name, price + amount));
    }
    shifted
}
