//! What `check` and `instrument` share: reading contract code, and the rules to hold it against.

use super::Failed;
use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::io::Write;
use std::path::Path;
use unfork_engine::{ProfileId, Rules};
use unfork_gas::{Refusal, function_at};

/// The rules that code is held against.
#[derive(clap::Args)]
pub struct Against {
    /// The host interface that the code is written for.
    #[arg(long, value_parser = profiles(), default_value = "seal")]
    pub profile: ProfileId,
    /// The protocol version whose prices and limits hold.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub protocol_version: u32,
}

impl Against {
    /// Prices and limits.
    pub fn rules(&self) -> Result<Rules, Failed> {
        let unknown = || Failed::usage(anyhow::anyhow!("this build has no protocol version {}", self.protocol_version));
        Rules::released(self.protocol_version).ok_or_else(unknown)
    }
}

/// Profiles by name.
fn profiles() -> impl TypedValueParser<Value = ProfileId> {
    let names = ProfileId::ALL.iter().map(|profile| profile.name());
    PossibleValuesParser::new(names).map(|name| {
        // The parser has let no other name through.
        ProfileId::ALL.iter().copied().find(|profile| profile.name() == name).unwrap_or(ProfileId::Seal)
    })
}

/// The largest file that is read, in bytes; the limit for code is far below.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Reads a file of code.
pub fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let name = || format!("reading {}", file.display());
    let size = std::fs::metadata(file).with_context(name)?.len();
    anyhow::ensure!(size <= FILE_BYTES_MAX, "{}: the file has {size} bytes, at most {FILE_BYTES_MAX} are read", name());
    std::fs::read(file).with_context(name)
}

/// Says why code was refused and what helps.
pub fn print_refused(out: &mut impl Write, file: &Path, code: &[u8], refusal: &Refusal) -> std::io::Result<()> {
    let Refusal { code: reason, offset, .. } = refusal;
    writeln!(out, "{}: refused: {} (code {}) at byte {offset}", file.display(), reason.name(), reason.number())?;
    writeln!(out, "  meaning   {}", reason.meaning())?;
    if let Some(function) = function_at(code, *offset) {
        writeln!(out, "  function  {}", called(function.index, function.name.as_deref()))?;
    }
    if let (Some(limit), Some(found)) = (refusal.limit, refusal.found) {
        writeln!(out, "  found     {found}, the limit is {limit}")?;
    }
    if !refusal.detail.is_empty() {
        writeln!(out, "  detail    {}", on_one_line(&refusal.detail))?;
    }
    writeln!(out, "  remedy    {}", reason.remedy())
}

/// A function as people know it.
pub fn called(index: u32, name: Option<&str>) -> String {
    name.map_or_else(|| index.to_string(), |name| format!("{index} {}", on_one_line(name)))
}

/// Some details have several lines, and names stand in the module as somebody wished: nothing of it moves the cursor.
fn on_one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .chars()
        .flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] })
        .collect()
}
