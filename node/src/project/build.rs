//! Compiles a contract project.

use super::wasm::{Stripped, strip};
use serde::Deserialize;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What contracts are compiled for.
const TARGET: &str = "wasm32-unknown-unknown";

/// The stack in bytes, in the memory's beginning. The linker's own default takes 16 pages of memory.
const STACK_BYTES: u32 = 64 << 10;

/// A contract that was built.
#[derive(Debug)]
pub struct Built {
    /// The code, as it is to be uploaded.
    pub code: Vec<u8>,
    /// Where it was written.
    pub file: PathBuf,
    /// Where its interface was written, if it has one.
    pub interface: Option<PathBuf>,
    /// Where the names of its functions were written.
    pub names: PathBuf,
}

/// Why nothing was built.
#[derive(Debug)]
pub enum BuildError {
    /// The compiler has no standard library for wasm32.
    NoTarget {
        /// The compiler.
        compiler: String,
    },
    /// A program could not be started.
    Program(String, io::Error),
    /// cargo has said why.
    Cargo,
    /// The package has no library of the kind `cdylib`.
    NoModule,
    /// What was compiled is not what it should be.
    Module(String),
    /// A file could not be read or written.
    Files(PathBuf, io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::NoTarget { compiler } => write!(
                f,
                "{compiler} has no standard library for {TARGET}: `rustup target add {TARGET}` adds it, \
                 and the environment variable RUSTC may name a compiler that has it"
            ),
            BuildError::Program(program, error) => write!(f, "starting {program}: {error}"),
            BuildError::Cargo => write!(f, "cargo could not build the contract"),
            BuildError::NoModule => write!(f, "the package has no library with crate-type \"cdylib\""),
            BuildError::Module(what) => write!(f, "what was compiled {what}"),
            BuildError::Files(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for BuildError {}

/// The part of cargo's messages that is read.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Compiles the package in `folder` and writes there `NAME.wasm`, `NAME.names` (what its functions are called, which the code
/// says no more) and, if it has an interface, `NAME.json`.
///
/// With `panics` the contract tells them in debug messages.
///
/// cargo and the compiler are those of the environment (`CARGO`, `RUSTC`). A compiler without the library for wasm32 but with
/// library sources builds it itself, if `RUSTC_BOOTSTRAP` is 1.
///
/// # Errors
/// The compiler lacks the target, cargo fails, or the result is no module.
pub fn build(folder: &Path, panics: bool) -> Result<Built, BuildError> {
    let files = |path: &Path, error| BuildError::Files(path.to_path_buf(), error);
    let folder = folder.canonicalize().map_err(|error| files(folder, error))?;
    let manifest = folder.join("Cargo.toml");
    std::fs::metadata(&manifest).map_err(|error| files(&manifest, error))?;
    let sysroot = sysroot(&folder)?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&folder).args(["rustc", "--release", "--lib", "--crate-type", "cdylib", "--target", TARGET]);
    cargo.arg("--message-format=json-render-diagnostics").args(library_arguments(&sysroot)?);
    if panics {
        cargo.args(["--features", "unfork-contract/panic-messages"]);
    }
    // Behind `--` stands what counts for this package alone; the dependencies are compiled once for all contracts.
    cargo.arg("--").arg(format!("-Clink-arg=-zstack-size={STACK_BYTES}")).arg("-Clink-arg=--strip-debug");
    cargo.arg(format!("--remap-path-prefix={}=contract", folder.display()));
    cargo.env("RUSTFLAGS", flags(&sysroot)).stderr(Stdio::inherit());
    let output = cargo.output().map_err(|error| BuildError::Program("cargo".to_string(), error))?;
    if !output.status.success() {
        return Err(BuildError::Cargo);
    }
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let mut own = messages.filter(|message| {
        message.reason == "compiler-artifact" && message.manifest_path.as_deref() == Some(manifest.as_path())
    });
    let module = own.find_map(|message| {
        message.filenames.into_iter().find(|file| file.extension().is_some_and(|end| end == "wasm"))
    });
    let module = module.ok_or(BuildError::NoModule)?;
    let bytes = std::fs::read(&module).map_err(|error| files(&module, error))?;
    let Stripped { code, interface } = strip(&bytes).ok_or_else(|| BuildError::Module("is no module".to_string()))?;
    // cargo writes names of packages with `_`; the file has the package's own.
    let name = module.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
    let file = folder.join(format!("{name}.wasm"));
    std::fs::write(&file, &code).map_err(|error| files(&file, error))?;
    let names = folder.join(format!("{name}.names"));
    let known = unfork_testkit::function_names(&bytes, None);
    std::fs::write(&names, unfork_testkit::names_file(&code, &known)).map_err(|error| files(&names, error))?;
    let Some(interface) = interface else { return Ok(Built { code, file, interface: None, names }) };
    let beside = folder.join(format!("{name}.json"));
    std::fs::write(&beside, interface).map_err(|error| files(&beside, error))?;
    Ok(Built { code, file, interface: Some(beside), names })
}

/// The compiler that cargo will use.
fn compiler() -> OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// Where the compiler has its libraries, as it says itself in the project's folder, where rustup may choose another.
fn sysroot(folder: &Path) -> Result<PathBuf, BuildError> {
    let program = compiler();
    let asked = Command::new(&program).current_dir(folder).args(["--print", "sysroot"]).output();
    let asked = asked.map_err(|error| BuildError::Program(program.to_string_lossy().into_owned(), error))?;
    Ok(PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim()))
}

/// Arguments for a compiler that must build the standard library itself; none where the library is there.
fn library_arguments(sysroot: &Path) -> Result<Vec<&'static str>, BuildError> {
    let libraries = sysroot.join("lib/rustlib");
    if libraries.join(TARGET).join("lib").exists() {
        return Ok(Vec::new());
    }
    let bootstrap = std::env::var_os("RUSTC_BOOTSTRAP").is_some_and(|value| value == "1");
    if bootstrap && libraries.join("src/rust/library").exists() {
        return Ok(vec!["-Zbuild-std=core,alloc"]);
    }
    Err(BuildError::NoTarget { compiler: compiler().to_string_lossy().into_owned() })
}

/// No paths of this machine in the code, which would make it another one on each.
fn flags(sysroot: &Path) -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let remaps = [(home.map(|home| home.join("registry/src")), "registry"), (Some(sysroot.to_path_buf()), "rust")];
    let remaps = remaps.into_iter().filter_map(|(path, name)| {
        // Spaces separate the flags.
        let path = path?.to_str().filter(|path| !path.contains(' '))?.to_string();
        Some(format!("--remap-path-prefix={path}={name}"))
    });
    remaps.collect::<Vec<_>>().join(" ")
}
