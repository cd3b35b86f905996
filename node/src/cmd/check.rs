//! `unfork check`: would a chain take this code?

use super::{Failed, Verdict};
use anyhow::Context;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use unfork::compare::hexadecimal;
use unfork::scenario::code_hash;
use unfork_engine::{ProfileId, Rules};
use unfork_gas::{Prepared, Refusal};

/// Says whether contract code would be admitted, and if not, why, where, and what helps.
///
/// Any file may be given: what is no WebAssembly module is refused with a reason like any other.
#[derive(clap::Args)]
pub struct Arguments {
    /// Compiled contracts (.wasm).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The host interface that the code is written for.
    #[arg(long, value_enum, default_value_t = Profile::Seal)]
    profile: Profile,
    /// One JSON object per line and file.
    #[arg(long)]
    json: bool,
}

/// The host interfaces there are.
#[derive(Clone, Copy, ValueEnum)]
enum Profile {
    /// What ink! contracts import.
    Seal,
}

impl Profile {
    fn id(self) -> ProfileId {
        match self {
            Profile::Seal => ProfileId::Seal,
        }
    }
}

/// The largest file that is read, in bytes; the limit for code is far below.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Checks each file.
pub fn run(arguments: &Arguments) -> Result<Verdict, Failed> {
    let missing = || Failed::environment(anyhow::anyhow!("this build has no protocol version 1"));
    let rules = Rules::released(1).ok_or_else(missing)?;
    let mut out = std::io::stdout().lock();
    let mut verdict = Verdict::Well;
    let mut unreadable = None;
    for file in &arguments.files {
        let bytes = match read(file) {
            Ok(bytes) => bytes,
            Err(error) => {
                // The other files are still checked; the last trouble decides how the command ends.
                if let Some(earlier) = unreadable.replace(error) {
                    eprintln!("unfork: {earlier:#}");
                }
                continue;
            }
        };
        let profile = arguments.profile.id();
        let admission = profile.for_admission(rules.version());
        let result = unfork_gas::prepare(&bytes, rules.schedule(), rules.limits(), &admission);
        if result.is_err() {
            verdict = Verdict::Found;
        }
        if arguments.json {
            writeln!(out, "{}", as_json(file, &bytes, profile, rules.version(), &result))?;
            continue;
        }
        match result {
            Ok(prepared) => print_accepted(&mut out, file, &bytes, profile, rules.version(), &prepared)?,
            Err(refusal) => print_refused(&mut out, file, &refusal)?,
        }
    }
    unreadable.map_or(Ok(verdict), |error| Err(Failed::Environment(error)))
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let name = || format!("reading {}", file.display());
    let size = std::fs::metadata(file).with_context(name)?.len();
    anyhow::ensure!(size <= FILE_BYTES_MAX, "{}: the file has {size} bytes, at most {FILE_BYTES_MAX} are read", name());
    std::fs::read(file).with_context(name)
}

fn print_accepted(
    out: &mut impl Write,
    file: &Path,
    bytes: &[u8],
    profile: ProfileId,
    version: u32,
    prepared: &Prepared,
) -> std::io::Result<()> {
    let imports = prepared.imports();
    let names: Vec<String> = imports.iter().map(|(module, name)| format!("{module}.{name}")).collect();
    writeln!(out, "{}: accepted ({}, protocol version {version})", file.display(), profile.name())?;
    writeln!(out, "  code hash  {}", hexadecimal(&code_hash(bytes)))?;
    writeln!(out, "  bytes      {} uploaded, {} instrumented", bytes.len(), prepared.code().len())?;
    writeln!(out, "  functions  {}, {} of them imported", prepared.functions(), imports.len())?;
    match prepared.has_memory() {
        true => {
            let (first, most) = (prepared.memory_pages_min(), prepared.memory_pages_max());
            writeln!(out, "  memory     {first} pages of 64 KiB, at most {most}")?;
        }
        false => writeln!(out, "  memory     none")?,
    }
    writeln!(out, "  imports    {}", if names.is_empty() { "none".to_string() } else { names.join(" ") })
}

fn print_refused(out: &mut impl Write, file: &Path, refusal: &Refusal) -> std::io::Result<()> {
    let (code, offset) = (refusal.code, refusal.offset);
    writeln!(out, "{}: refused: {} (code {}) at byte {offset}", file.display(), code.name(), code.number())?;
    if let (Some(limit), Some(found)) = (refusal.limit, refusal.found) {
        writeln!(out, "  found   {found}, the limit is {limit}")?;
    }
    if !refusal.detail.is_empty() {
        // Some details of the parser have several lines.
        let detail: Vec<&str> = refusal.detail.split_whitespace().collect();
        writeln!(out, "  detail  {}", detail.join(" "))?;
    }
    writeln!(out, "  remedy  {}", code.remedy())
}

fn as_json(file: &Path, bytes: &[u8], profile: ProfileId, version: u32, result: &Result<Prepared, Refusal>) -> Value {
    let file = file.display().to_string();
    match result {
        Ok(prepared) => json!({
            "file": file,
            "accepted": true,
            "profile": profile.name(),
            "protocol_version": version,
            "code_hash": hexadecimal(&code_hash(bytes)),
            "bytes_uploaded": bytes.len(),
            "bytes_instrumented": prepared.code().len(),
            "functions": prepared.functions(),
            "memory_pages_min": prepared.memory_pages_min(),
            "memory_pages_max": prepared.memory_pages_max(),
            "imports": prepared.imports().iter().map(|(module, name)| format!("{module}.{name}")).collect::<Vec<_>>(),
        }),
        Err(refusal) => json!({
            "file": file,
            "accepted": false,
            "profile": profile.name(),
            "protocol_version": version,
            "code": refusal.code.number(),
            "name": refusal.code.name(),
            "offset": refusal.offset,
            "limit": refusal.limit,
            "found": refusal.found,
            "detail": refusal.detail,
            "remedy": refusal.code.remedy(),
        }),
    }
}
