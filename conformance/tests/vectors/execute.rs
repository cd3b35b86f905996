//! Executes a vector and keeps everything that must not depend on how.

use parity_scale_codec::Encode;
use std::path::Path;
use unfork::scenario::{BlockReport, RunError, Scenario, Sent, Summary, Watch, run_in_memory};
use unfork_engine::{CACHE_BYTES_DEFAULT, Engine};
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

/// A way to execute something. None may make a difference.
pub struct Way<'a> {
    pub engine: &'a Engine,
    pub watch: Watch,
    /// Where the store is; in memory, if nowhere.
    pub directory: Option<&'a Path>,
}

/// Engines of which each keeps something else from one run to the next.
pub struct Engines {
    /// Nothing.
    cold: Engine,
    /// Programs and instances.
    warm: Engine,
    /// Programs.
    unpooled: Engine,
}

impl Engines {
    pub fn new() -> Self {
        let made = |cache, pool| Engine::with_bounds(cache, pool).expect("the self-test passes");
        Self { cold: made(0, 0), warm: super::engine(), unpooled: made(CACHE_BYTES_DEFAULT, 0) }
    }

    /// Runs something in every way there is, and compares what comes of each with what came of the first.
    pub fn in_every_way<T>(&self, run: impl Fn(&Way<'_>) -> T, compare: impl Fn(&T, &T, &str)) -> T {
        let first = run(&Way { engine: &self.cold, watch: Watch::Nothing, directory: None });
        // The second finds what the first has left in the cache, and its instances.
        for (how, engine, watch) in [
            ("filling cache and pool", &self.warm, Watch::Nothing),
            ("with a warm cache and pool", &self.warm, Watch::Nothing),
            ("warm and watched", &self.warm, Watch::Calls),
            ("filling the cache, without a pool", &self.unpooled, Watch::Nothing),
            ("with a warm cache, without a pool", &self.unpooled, Watch::Nothing),
        ] {
            compare(&first, &run(&Way { engine, watch, directory: None }), how);
        }
        #[cfg(feature = "rocksdb")]
        {
            let directory = tempfile::tempdir().expect("a folder");
            let way = Way { engine: &self.warm, watch: Watch::Nothing, directory: Some(directory.path()) };
            compare(&first, &run(&way), "on disk");
        }
        first
    }

    /// Executes `scenario` in every way. Each must give the same and meet what the file expects, which must be a status for
    /// every transaction.
    pub fn run(&self, name: &str, scenario: &Scenario) -> Ran {
        for (index, step) in scenario.steps.iter().enumerate() {
            let says = step.expect.status.is_some() || !step.action.is_transaction();
            assert!(says, "{name}: step {} (line {}) expects no status", index + 1, step.line);
        }
        let run = |way: &Way<'_>| match way.directory {
            None => in_memory(scenario, way.engine, way.watch),
            #[cfg(feature = "rocksdb")]
            Some(directory) => on_disk(scenario, way.engine, way.watch, directory),
            #[cfg(not(feature = "rocksdb"))]
            Some(_) => unreachable!("nothing is on disk without RocksDB"),
        };
        let first = self.in_every_way(run, |one, other, how| one.assert_same(other, name, how));
        first.assert_met(name);
        first
    }

    /// Whether each has kept what it should, and nothing else.
    pub fn assert_kept(&self) {
        let ((programs, instances), (unpooled, none)) = (self.warm.kept_bytes(), self.unpooled.kept_bytes());
        assert!(programs > 0 && instances > 0 && unpooled > 0, "nothing was kept");
        assert_eq!((none, self.cold.kept_bytes()), (0, (0, 0)), "what should keep nothing does");
    }
}

/// Executes `scenario` on a chain in memory.
pub fn in_memory(scenario: &Scenario, engine: &Engine, watch: Watch) -> Ran {
    collect(scenario, |observe| run_in_memory(scenario, engine, watch, observe))
}

/// Executes `scenario` on a new chain in `directory`.
#[cfg(feature = "rocksdb")]
pub fn on_disk(scenario: &Scenario, engine: &Engine, watch: Watch, directory: &Path) -> Ran {
    let chain = unfork::chain::ChainFile::of_scenario(&scenario.chain);
    let executor = unfork::disk::open_or_create(directory, &chain, engine).expect("a new chain");
    collect(scenario, |observe| unfork::scenario::run(scenario, executor, engine, watch, observe))
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
