//! `unfork run`: executes a scenario file.

use super::{Failed, Verdict, show};
use std::io::{self, Write};
use std::path::PathBuf;
use unfork::compare::hexadecimal;
use unfork::scenario::{BlockReport, RunError, Scenario, Summary, Watch, load, run_in_memory};
use unfork_engine::Engine;

/// Executes a scenario: a JSON file with a chain, its transactions, and what should come of them.
///
/// Without --db everything stays in memory. With it, blocks are kept in a directory; running the same scenario on the
/// same directory again goes on where it stopped.
#[derive(clap::Args)]
pub struct Arguments {
    /// The scenario file.
    scenario: PathBuf,
    /// The directory that keeps the chain; made where it is missing.
    #[cfg(feature = "rocksdb")]
    #[arg(long, value_name = "DIR")]
    db: Option<PathBuf>,
    /// Says why: debug messages, and the calls inside what failed. -vv: the calls inside every transaction; -vvv: with
    /// storage changes, events and transfers; -vvvv: with inputs and outputs as they are.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Shows only expectations that are not met, and the last line.
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Tries each transaction before it is executed, and tells the smallest gas limit at which the same comes of it, and how
    /// many values it reads and writes.
    #[arg(long)]
    gas: bool,
    /// One JSON object per line: each block, then a summary. With -v to -vvvv each transaction has in `tree` what these show.
    #[arg(long)]
    json: bool,
}

/// Runs the scenario.
pub fn run(arguments: &Arguments) -> Result<Verdict, Failed> {
    let scenario = load(&arguments.scenario).map_err(Failed::usage)?;
    let engine = Engine::new().map_err(Failed::environment)?;
    let mut out = io::stdout().lock();
    if !arguments.json && !arguments.quiet {
        writeln!(out, "scenario {}: {}", scenario.name, scenario.about)?;
    }
    // The run cannot be stopped from inside; what follows a failed write is not printed.
    let mut written: io::Result<()> = Ok(());
    let mut observe = |report: &BlockReport<'_>| {
        if written.is_ok() {
            written = print(&mut out, arguments, &scenario, report);
        }
    };
    let summary = execute(arguments, &scenario, &engine, &mut observe);
    written?;
    let summary = match summary {
        Ok(summary) => summary,
        Err(error @ RunError::Differs { .. }) => {
            writeln!(out, "{}: {error}", arguments.scenario.display())?;
            return Ok(Verdict::Found);
        }
        Err(RunError::Fault(fault)) => return Err(Failed::environment(fault)),
        Err(error) => return Err(Failed::Usage(anyhow::anyhow!("{}: {error}", arguments.scenario.display()))),
    };
    finish(&mut out, arguments, &summary)
}

fn print(out: &mut dyn Write, arguments: &Arguments, scenario: &Scenario, report: &BlockReport<'_>) -> io::Result<()> {
    if arguments.json {
        return writeln!(out, "{}", show::block_json(scenario, report, arguments.verbose));
    }
    if arguments.quiet { Ok(()) } else { show::block(out, scenario, report, arguments.verbose) }
}

fn watch(arguments: &Arguments) -> Watch {
    match (arguments.gas, arguments.verbose) {
        (true, _) => Watch::Gas,
        (false, 0) => Watch::Nothing,
        (false, _) => Watch::Calls,
    }
}

fn finish(out: &mut dyn Write, arguments: &Arguments, summary: &Summary) -> Result<Verdict, Failed> {
    if arguments.json {
        writeln!(out, "{}", show::summary_json(summary))?;
    } else {
        for failure in &summary.failures {
            writeln!(out, "NOT MET {failure}")?;
        }
        let (failed, compared) = (summary.failures.len(), summary.expectations);
        let Summary { height, transactions, root, .. } = summary;
        writeln!(out, "{compared} expectations, {failed} not met")?;
        writeln!(out, "executed {height} blocks, {transactions} transactions, root {}", hexadecimal(root))?;
    }
    Ok(if summary.failures.is_empty() { Verdict::Well } else { Verdict::Found })
}

#[cfg(not(feature = "rocksdb"))]
fn execute(
    arguments: &Arguments,
    scenario: &Scenario,
    engine: &Engine,
    observe: &mut dyn FnMut(&BlockReport<'_>),
) -> Result<Summary, RunError> {
    run_in_memory(scenario, engine, watch(arguments), observe)
}

#[cfg(feature = "rocksdb")]
fn execute(
    arguments: &Arguments,
    scenario: &Scenario,
    engine: &Engine,
    observe: &mut dyn FnMut(&BlockReport<'_>),
) -> Result<Summary, RunError> {
    let watch = watch(arguments);
    let Some(directory) = &arguments.db else { return run_in_memory(scenario, engine, watch, observe) };
    let chain = unfork::chain::ChainFile::of_scenario(&scenario.chain);
    let executor = unfork::disk::open_or_create(directory, &chain, engine)?;
    let recovery = executor.store().recovery();
    if recovery.blocks_replayed > 0 || recovery.torn_bytes > 0 {
        let (blocks, bytes) = (recovery.blocks_replayed, recovery.torn_bytes);
        eprintln!(
            "unfork: the last run was cut off: {blocks} blocks applied again, {bytes} bytes of a torn one removed"
        );
    }
    unfork::scenario::run(scenario, executor, engine, watch, observe)
}
