//! `unfork rules`: what things cost, and how much of anything there may be.

use super::{Failed, Verdict};
use serde_json::{Map, Value, json};
use std::io::Write;
use unfork_engine::Rules;
use unfork_gas::{Limits, Schedule};

/// Lists prices and limits of a protocol version, with units: the names that chain specifications may change.
#[derive(clap::Args)]
pub struct Arguments {
    /// The protocol version.
    #[arg(long, default_value_t = 1)]
    version: u32,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Prints the tables.
pub fn run(arguments: &Arguments) -> Result<Verdict, Failed> {
    let unknown = || Failed::usage(anyhow::anyhow!("this build has no protocol version {}", arguments.version));
    let rules = Rules::released(arguments.version).ok_or_else(unknown)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let table = |fields: &mut dyn Iterator<Item = (&'static str, u64)>| -> Map<String, Value> {
            fields.map(|(name, value)| (name.to_string(), value.into())).collect()
        };
        let (schedule, limits) = (table(&mut rules.schedule().fields()), table(&mut rules.limits().fields()));
        writeln!(out, "{}", json!({ "version": rules.version(), "schedule": schedule, "limits": limits }))?;
        return Ok(Verdict::Well);
    }
    let tables: [(&str, _, Vec<_>); 2] = [
        ("schedule", Schedule::ROWS, rules.schedule().fields().collect()),
        ("limits", Limits::ROWS, rules.limits().fields().collect()),
    ];
    for (title, rows, fields) in tables {
        writeln!(out, "{title}")?;
        for ((name, unit, what), (_, value)) in rows.iter().zip(fields) {
            writeln!(out, "  {name:<28} {value:>14} {unit:<24} {what}")?;
        }
    }
    Ok(Verdict::Well)
}
