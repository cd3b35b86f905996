//! `unfork build`: a contract project becomes code that a chain takes.

use super::{Failed, Verdict};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use unfork::compare::hexadecimal;
use unfork::project::{BuildError, build};
use unfork::scenario::code_hash;
use unfork_engine::{ProfileId, Rules};

/// Compiles contracts written with unfork-contract, strips and checks them; NAME.wasm, its interface NAME.json and the names of its functions, NAME.names, lie beside the sources then.
///
/// Needs the standard library for wasm32: `rustup target add wasm32-unknown-unknown`. RUSTC may name another compiler.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folders of packages.
    #[arg(default_value = ".", value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// A panic tells in a debug message what has happened and where, which `unfork run -v` shows. The code is another one, and
    /// larger: for looking into failures.
    #[arg(long)]
    panics: bool,
    /// One JSON object per line and contract.
    #[arg(long)]
    json: bool,
}

/// Builds and checks each.
pub fn run(arguments: &Arguments) -> Result<Verdict, Failed> {
    let missing = || Failed::environment(anyhow::anyhow!("this build has no protocol version 1"));
    let rules = Rules::released(1).ok_or_else(missing)?;
    let mut verdict = Verdict::Well;
    for folder in &arguments.folders {
        let built = build(folder, arguments.panics).map_err(|error| match error {
            BuildError::NoTarget { .. } | BuildError::Program(..) => Failed::environment(error),
            _ => Failed::usage(error),
        })?;
        let checked = unfork_gas::admit(
            &built.code,
            rules.schedule(),
            rules.limits(),
            &ProfileId::Seal.for_admission(rules.version()),
        );
        let (file, hash) = (built.file.display().to_string(), hexadecimal(&code_hash(&built.code)));
        let refusal = checked.err().map(|refusal| refusal.to_string());
        let mut out = std::io::stdout().lock();
        if arguments.json {
            let interface = built.interface.map(|path| path.display().to_string());
            let bytes = built.code.len();
            let object =
                json!({"file": file, "bytes": bytes, "code_hash": hash, "interface": interface, "refused": refusal});
            writeln!(out, "{object}")?;
        } else {
            writeln!(out, "{file}: {} bytes, code hash {hash}", built.code.len())?;
            if let Some(refusal) = &refusal {
                writeln!(out, "  no chain takes it: {refusal}")?;
            }
        }
        if refusal.is_some() {
            verdict = Verdict::Found;
        }
    }
    Ok(verdict)
}
