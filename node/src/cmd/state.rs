//! `unfork state`: looks at what a chain holds, proves it, checks it, and carries it from one place to another.

mod change;
mod keys;
mod proof;
mod read;
mod snapshot;

use super::{Failed, Verdict, bar, waiting};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use unfork::chain::CHAIN_FILE;
use unfork_engine::ChainSpec;
use unfork_state::{MemoryUse, Options, StateError, Store};

/// Looks at the state of a chain, proves it, checks it, exports and imports it.
///
/// Whatever only looks may be used while another process has the chain open.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Height, id, root and protocol version of the last block.
    Head(Database),
    /// Keys, sizes on disk, and memory: what is used and what may be.
    Stats(Database),
    /// All contracts.
    Contracts(Database),
    Get(read::Get),
    Scan(read::Scan),
    Prove(proof::Prove),
    VerifyProof(proof::VerifyProof),
    /// Computes again every root, checksum and index, and compares. Exit code 1 says that the store is not sound.
    Verify(Database),
    Prune(change::Prune),
    Rollback(change::Rollback),
    Export(snapshot::Export),
    Import(snapshot::Import),
}

/// What is shown while a store is opened.
const OPENING: &str = "opening the store";

/// Which chain, and how the answer is printed.
#[derive(clap::Args)]
struct Database {
    /// The directory of the chain.
    #[arg(long, value_name = "DIR")]
    db: PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Does what was asked for.
pub fn run(arguments: &Arguments) -> Result<Verdict, Failed> {
    match &arguments.command {
        Command::Head(database) => head(database),
        Command::Stats(database) => stats(database),
        Command::Contracts(database) => read::contracts(database),
        Command::Get(get) => read::get(get),
        Command::Scan(scan) => read::scan(scan),
        Command::Prove(prove) => proof::prove(prove),
        Command::VerifyProof(verify) => proof::verify(verify),
        Command::Verify(database) => verify(database),
        Command::Prune(prune) => change::prune(prune),
        Command::Rollback(rollback) => change::rollback(rollback),
        Command::Export(export) => snapshot::export(export),
        Command::Import(import) => snapshot::import(import),
    }
}

impl Database {
    fn open(&self) -> Result<(ChainSpec, Store), Failed> {
        self.opened().map_err(|error| Failed::Environment(anyhow::anyhow!(error)))
    }

    /// Opening may have to read all values.
    fn opened(&self) -> Result<(ChainSpec, Store), String> {
        waiting(OPENING, || unfork::disk::open_read_only(&self.db))
    }

    fn print(&self, object: &Value, lines: &[String]) -> std::io::Result<()> {
        print(self.json, object, lines)
    }
}

/// Prints either the object or the lines.
fn print(json: bool, object: &Value, lines: &[String]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        return writeln!(out, "{object}");
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// Bytes as they are shown.
fn shown(bytes: &[u8]) -> String {
    unfork::compare::hexadecimal(bytes)
}

fn head(database: &Database) -> Result<Verdict, Failed> {
    let (spec, store) = database.open()?;
    let head = store.head();
    let (id, root, chain) = (shown(&head.id), shown(&head.root), shown(&store.chain_id()));
    let version = spec.rules_at(head.height).version();
    let object = json!({
        "height": head.height, "id": id, "root": root, "keys": store.keys(),
        "chain": spec.name(), "chain_id": chain, "protocol_version": version,
    });
    let lines = [
        format!("height   {}", head.height),
        format!("block    {id}"),
        format!("root     {root}"),
        format!("keys     {}", store.keys()),
        format!("chain    {} ({chain})", spec.name()),
        format!("version  {version}"),
    ];
    database.print(&object, &lines)?;
    Ok(Verdict::Well)
}

fn stats(database: &Database) -> Result<Verdict, Failed> {
    let (_, store) = database.open()?;
    let (mut files, mut total) = (serde_json::Map::new(), 0);
    for entry in std::fs::read_dir(&database.db)?.collect::<Result<Vec<_>, _>>()? {
        let bytes = size(&entry.path())?;
        total += bytes;
        files.insert(entry.file_name().to_string_lossy().into_owned(), bytes.into());
    }
    let (head, stats, oldest, memory) =
        (store.head(), store.stats(), store.oldest(), store.memory_use(&Options::default()));
    let mut lines = vec![
        format!("height  {}, states from {oldest} on", head.height),
        format!("keys    {}", stats.keys),
        format!("tree    {} bytes in memory, opened from {}", stats.tree_bytes, store.tree_source()),
        format!("disk    {total} bytes"),
    ];
    lines.extend(files.iter().map(|(name, bytes)| format!("        {bytes:>12}  {name}")));
    // Used is what this process has, which only looks; the bounds are those of one that keeps the chain.
    lines.push("memory          used       at most".to_owned());
    lines.extend(memory.iter().map(|MemoryUse { part, used, max }| {
        let max = max.map_or("its files".to_owned(), |max| max.to_string());
        format!("        {used:>12}  {max:>12}  {part}")
    }));
    let memory: serde_json::Map<_, _> =
        memory.iter().map(|one| (one.part.to_owned(), json!({ "used": one.used, "max": one.max }))).collect();
    let object = json!({
        "height": head.height, "oldest": oldest, "keys": stats.keys, "tree_bytes": stats.tree_bytes,
        "tree_from": store.tree_source().to_string(),
        "disk_bytes": total, "files": files, "memory": memory,
    });
    database.print(&object, &lines)?;
    Ok(Verdict::Well)
}

/// Bytes of a file, or of the files below a directory.
fn size(path: &std::path::Path) -> std::io::Result<u64> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    std::fs::read_dir(path)?.try_fold(0, |sum: u64, entry| Ok(sum.saturating_add(size(&entry?.path())?)))
}

fn verify(database: &Database) -> Result<Verdict, Failed> {
    let not_sound = |what: String| -> Result<Verdict, Failed> {
        database.print(&json!({ "verified": false, "what": what }), &[format!("not sound: {what}")])?;
        Ok(Verdict::Found)
    };
    let store = match database.opened() {
        Ok((_, store)) => store,
        // Whoever asks whether a store is sound gets an answer, not an error.
        Err(error) if database.db.join(CHAIN_FILE).exists() => return not_sound(error),
        Err(error) => return Err(Failed::Environment(anyhow::anyhow!(error))),
    };
    let bar = bar("verifying");
    let mut progress = |height, last| {
        bar.set_length(last);
        bar.set_position(height);
    };
    let verified = store.verify(&mut progress);
    bar.finish_and_clear();
    match verified {
        Ok(verified) => {
            let object = json!({ "verified": true, "blocks": verified.blocks, "keys": verified.keys });
            let line = format!("verified {} blocks and {} values: all agree", verified.blocks, verified.keys);
            database.print(&object, &[line])?;
            Ok(Verdict::Well)
        }
        Err(error @ StateError::Corrupt { .. }) => not_sound(error.to_string()),
        Err(error) => Err(Failed::environment(error)),
    }
}
