//! `unfork instrument`: the code that an executor runs, as a file.

use super::code::{Against, print_refused, read};
use super::{Failed, Verdict};
use anyhow::Context;
use serde_json::json;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Writes contract code as executors run it: with gas, stack depth and bulk costs in it.
///
/// Any WebAssembly executor runs the result with the same gas: docs/gas.md §7 says what to set and read. A chain wants the
/// original bytes; prepared code is refused as an upload.
#[derive(clap::Args)]
pub struct Arguments {
    /// A compiled contract (.wasm).
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// Where the prepared code goes. A file that is there already is kept, and the command fails.
    #[arg(value_name = "OUT")]
    to: PathBuf,
    #[command(flatten)]
    against: Against,
    /// Write over a file that is there already.
    #[arg(long)]
    force: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Admits, instruments and writes.
pub fn run(arguments: &Arguments) -> Result<Verdict, Failed> {
    let rules = arguments.against.rules()?;
    let code = read(&arguments.from).map_err(Failed::Environment)?;
    let profile = arguments.against.profile.for_admission(rules.version());
    let mut out = std::io::stdout().lock();
    let prepared = match unfork_gas::admit(&code, rules.schedule(), rules.limits(), &profile) {
        Ok(prepared) => prepared,
        Err(refusal) => {
            print_refused(&mut out, &arguments.from, &code, &refusal)?;
            return Ok(Verdict::Found);
        }
    };
    write(&arguments.to, prepared.code(), arguments.force)?;
    let (before, after) = (code.len(), prepared.code().len());
    // In thousandths; admitted code is never empty.
    let growth = after.saturating_mul(1000).checked_div(before).unwrap_or(0);
    if arguments.json {
        let object = json!({
            "file": arguments.to.display().to_string(),
            "profile": arguments.against.profile.name(),
            "protocol_version": rules.version(),
            "bytes_uploaded": before,
            "bytes_instrumented": after,
            "growth_thousandths": growth,
            "instance_gas": prepared.instantiation_gas(),
        });
        writeln!(out, "{object}")?;
    } else {
        let file = arguments.to.display();
        writeln!(out, "{file}: {before} bytes became {after}, {}.{:03} times", growth / 1000, growth % 1000)?;
    }
    Ok(Verdict::Well)
}

fn write(file: &Path, code: &[u8], force: bool) -> Result<(), Failed> {
    let name = || format!("writing {}", file.display());
    let opened = if force { File::create(file) } else { File::create_new(file) };
    let mut opened = match opened {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let there = anyhow::anyhow!("{} is there already; --force writes over it", file.display());
            return Err(Failed::Usage(there));
        }
        opened => opened.with_context(name).map_err(Failed::Environment)?,
    };
    opened.write_all(code).with_context(name).map_err(Failed::Environment)
}
