//! `unfork new`: a contract project to begin with.

use super::{Failed, Verdict};
use std::io::Write;
use std::path::{Path, PathBuf};
use unfork::project::{CreateError, create};

/// Makes the folder NAME with a contract that builds, tests and deploys.
#[derive(clap::Args)]
pub struct Arguments {
    /// The contract's name: lower-case letters, digits and `-`.
    name: String,
    /// The folder of the crate unfork-contract.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/sdk"))]
    sdk: PathBuf,
}

/// Writes the files and says how to go on.
pub fn run(arguments: &Arguments) -> Result<Verdict, Failed> {
    let created = create(Path::new("."), &arguments.name, &arguments.sdk);
    let folder = created.map_err(|error| match error {
        CreateError::Files(..) => Failed::environment(error),
        _ => Failed::usage(error),
    })?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} is there. In it:", folder.display())?;
    for (command, what) in [
        ("cargo test", "runs its tests natively"),
        ("unfork build", "compiles it and checks it"),
        ("unfork run scenario.json -v", "deploys and calls it"),
    ] {
        writeln!(out, "  {command:<30} {what}")?;
    }
    Ok(Verdict::Well)
}
