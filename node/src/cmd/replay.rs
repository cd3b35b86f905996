//! `unfork replay`: executes stored blocks again and compares.

use super::{Failed, Verdict, bar};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use unfork::chain::ChainFile;
use unfork::compare::hexadecimal;
use unfork::replay::{Finding, Heights, Replayed, replay};
use unfork_engine::Engine;
use unfork_state::Inspection;

/// Executes the blocks of a chain again, from its genesis on, and compares receipts, gas, roots and all values.
///
/// Each difference is named by block, transaction and field. The directory is only read.
#[derive(clap::Args)]
pub struct Arguments {
    /// The directory of the chain.
    #[arg(long, value_name = "DIR")]
    db: PathBuf,
    /// The first block to compare; earlier ones are executed and not compared.
    #[arg(long, value_name = "HEIGHT", default_value_t = 0)]
    from: u64,
    /// The last block to compare. Values are compared only when the head lies at or before it.
    #[arg(long, value_name = "HEIGHT", default_value_t = u64::MAX, hide_default_value = true)]
    to: u64,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Findings that are printed as JSON; the others are counted.
const FINDINGS_MAX: usize = 1_000;
/// Findings that are printed for people: once one thing differs, much that comes after it does too.
const PRINTED_MAX: usize = 10;

/// Replays the chain.
pub fn run(arguments: &Arguments) -> Result<Verdict, Failed> {
    let Arguments { db, from, to, json } = arguments;
    if from > to {
        return Err(Failed::Usage(anyhow::anyhow!("--from {from} lies after --to {to}")));
    }
    let spec = ChainFile::read(db).and_then(|chain| chain.spec()).map_err(Failed::environment)?;
    let store = Inspection::open(db).map_err(Failed::environment)?;
    let engine = Engine::new().map_err(Failed::environment)?;
    let bar = bar("replaying");
    let mut progress = |height, last| {
        bar.set_length(last);
        bar.set_position(height);
    };
    let mut findings: Vec<Finding> = Vec::new();
    let mut report = |finding| {
        if findings.len() < FINDINGS_MAX {
            findings.push(finding);
        }
    };
    let heights = Heights { from: *from, to: *to };
    let replayed = replay(&store, Arc::new(spec), &engine, heights, &mut progress, &mut report);
    bar.finish_and_clear();
    let replayed = replayed.map_err(Failed::environment)?;
    print(&findings, &replayed, *json)?;
    Ok(if replayed.differences == 0 { Verdict::Well } else { Verdict::Found })
}

fn print(findings: &[Finding], replayed: &Replayed, as_json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let Replayed { blocks, transactions, differences, height, root, values, torn } = replayed;
    if as_json {
        let findings = findings
            .iter()
            .map(|finding| json!({ "block": finding.block, "transaction": finding.transaction, "what": finding.what }));
        let report = json!({
            "blocks": blocks,
            "transactions": transactions,
            "differences": differences,
            "findings": findings.collect::<Vec<_>>(),
            "height": height,
            "root": hexadecimal(root),
            "values": values,
            "torn": torn,
        });
        return writeln!(out, "{report}");
    }
    for finding in findings.iter().take(PRINTED_MAX) {
        writeln!(out, "DIFFERENT {finding}")?;
    }
    let more = differences.saturating_sub(PRINTED_MAX as u64);
    if more > 0 {
        writeln!(out, "and {more} more")?;
    }
    if *torn {
        writeln!(
            out,
            "after block {height} stand the remains of a commit that was cut off: the next run removes them"
        )?;
    }
    match values {
        Some(values) => writeln!(out, "compared {values} values with the state after block {height}")?,
        None => writeln!(out, "values not compared: the last block executed is not the store's head")?,
    }
    let root = hexadecimal(root);
    writeln!(out, "replayed {blocks} blocks, {transactions} transactions: {differences} differences, root {root}")
}
