//! `unfork state export` and `import`: the state in files, each checked against the block before it is used.

use super::super::{Failed, Verdict, bar};
use super::{Database, print, shown};
use anyhow::anyhow;
use parity_scale_codec::DecodeAll;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use unfork::chain::{CHAIN_FILE, ChainFile};
use unfork::scenario::parse_hex;
use unfork_engine::StoredBlock;
use unfork_state::{Accepted, CHUNK_BYTES, Manifest, SnapshotHead, StateError, chunk_name};

/// Writes the state at the head into a directory: chain.json, a manifest, and chunks.
#[derive(clap::Args)]
pub struct Export {
    #[command(flatten)]
    database: Database,
    /// An empty directory, or one that does not exist yet.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Bytes of keys and values in a chunk on average.
    #[arg(long, value_name = "BYTES", default_value_t = CHUNK_BYTES)]
    chunk_bytes: u64,
}

/// Makes a chain from an exported state. Run again, it goes on where it was interrupted, or asks for what was refused.
#[derive(clap::Args)]
pub struct Import {
    /// The directory with the exported files.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The directory of the new chain.
    #[arg(long, value_name = "DIR")]
    db: PathBuf,
    /// The id of the block that is trusted, in hexadecimal. Everything that is imported follows from it.
    #[arg(long, value_name = "ID")]
    block: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

const MANIFEST: &str = "manifest";

/// `unfork state export`.
pub fn export(arguments: &Export) -> Result<Verdict, Failed> {
    let to = &arguments.to;
    fs::create_dir_all(to)?;
    if fs::read_dir(to)?.next().is_some() {
        return Err(Failed::Usage(anyhow!("--to: {} is not empty", to.display())));
    }
    let (_, store) = arguments.database.open()?;
    fs::copy(arguments.database.db.join(CHAIN_FILE), to.join(CHAIN_FILE))?;
    let bar = bar("exporting");
    let (mut chunks, mut bytes) = (0_u64, 0_u64);
    let manifest = store.export(arguments.chunk_bytes, &mut |chunk| {
        bar.set_length(u64::from(chunk.parts));
        bar.set_position(u64::from(chunk.index));
        chunks = chunks.saturating_add(1);
        bytes = bytes.saturating_add(u64::try_from(chunk.bytes.len()).unwrap_or(u64::MAX));
        let io = |error: std::io::Error| StateError::Io { during: "writing a chunk", text: error.to_string() };
        fs::write(to.join(chunk_name(chunk.index)), chunk.bytes).map_err(io)
    });
    bar.finish_and_clear();
    let manifest = manifest.map_err(Failed::environment)?;
    // It comes last: what has a manifest is complete.
    fs::write(to.join(MANIFEST), manifest.encode())?;
    let head = manifest.head();
    let (id, root) = (shown(&head.id), shown(&head.root));
    let lines = [
        format!("exported height {}, {chunks} chunks, {bytes} bytes", head.height),
        format!("root   {root}"),
        format!("block  {id}"),
    ];
    let object = json!({ "height": head.height, "id": id, "root": root, "chunks": chunks, "bytes": bytes });
    arguments.database.print(&object, &lines)?;
    Ok(Verdict::Well)
}

/// `unfork state import`.
pub fn import(arguments: &Import) -> Result<Verdict, Failed> {
    let (from, db) = (&arguments.from, &arguments.db);
    let usage = |error: anyhow::Error| Failed::Usage(error);
    let file =
        |name: &str| fs::read(from.join(name)).map_err(|error| usage(anyhow!("{}/{name}: {error}", from.display())));
    let chain = ChainFile::read(from).map_err(|error| usage(anyhow!(error)))?;
    let chain_id = chain.spec().map_err(|error| usage(anyhow!(error)))?.chain_id();
    let manifest = file(MANIFEST)?;
    let trusted = trusted_head(&manifest, &arguments.block, chain_id)?;
    let mut import = unfork_state::Import::begin(db, &trusted, &manifest).map_err(Failed::environment)?;
    let missing = import.missing();
    let bar = bar("importing");
    bar.set_length(u64::try_from(missing.len()).unwrap_or(u64::MAX));
    let mut refused = Vec::new();
    for index in missing {
        let name = chunk_name(index);
        let why = match fs::read(from.join(&name)) {
            Err(error) => error.to_string(),
            Ok(chunk) => match import.accept(&chunk).map_err(Failed::environment)? {
                Accepted::New(found) | Accepted::Known(found) if found == index => {
                    bar.inc(1);
                    continue;
                }
                Accepted::New(found) | Accepted::Known(found) => format!("it is chunk {found}"),
                Accepted::Refused(why) => why.to_string(),
            },
        };
        refused.push((name, why));
    }
    bar.finish_and_clear();
    if !refused.is_empty() {
        let objects: Vec<_> = refused.iter().map(|(name, why)| json!({ "chunk": name, "why": why })).collect();
        let mut lines: Vec<_> =
            refused.iter().map(|(name, why)| format!("REFUSED {}: {why}", from.join(name).display())).collect();
        lines.push(format!(
            "{} chunks are refused; the others are kept: get these again, and import again",
            refused.len()
        ));
        print(arguments.json, &json!({ "imported": false, "refused": objects }), &lines)?;
        return Ok(Verdict::Found);
    }
    // Before the store, so that a store is never without it.
    fs::copy(from.join(CHAIN_FILE), db.join(CHAIN_FILE))?;
    let bar = super::super::bar("making the store");
    let store = import.finish(&mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let head = store.map_err(Failed::environment)?.head();
    let (id, root) = (shown(&head.id), shown(&head.root));
    let line = format!("imported height {}, root {root}", head.height);
    print(arguments.json, &json!({ "imported": true, "height": head.height, "id": id, "root": root }), &[line])?;
    Ok(Verdict::Well)
}

/// What the trusted block says: the manifest brings the block, whose id is the hash of its header.
fn trusted_head(manifest: &[u8], block: &str, chain_id: [u8; 32]) -> Result<SnapshotHead, Failed> {
    let usage = |what: String| Failed::Usage(anyhow!(what));
    let id = parse_hex(block).map_err(|error| usage(format!("--block: {error}")))?;
    let id: [u8; 32] = id.try_into().map_err(|_| usage("--block: an id has 32 bytes".to_string()))?;
    let manifest = Manifest::decode(manifest).map_err(|error| usage(format!("{MANIFEST}: {error}")))?;
    let stored = StoredBlock::decode_all(&mut manifest.body());
    let header = stored.map_err(|error| usage(format!("{MANIFEST}: the block: {error}")))?.block.header;
    if header.id() != id {
        return Err(usage(format!(
            "{MANIFEST} is of block {}, not of the trusted {}",
            shown(&header.id()),
            shown(&id)
        )));
    }
    if header.chain_id != chain_id {
        return Err(usage(format!(
            "the block is of chain {}, {CHAIN_FILE} gives {}",
            shown(&header.chain_id),
            shown(&chain_id)
        )));
    }
    Ok(SnapshotHead { chain_id, height: header.height, id, root: header.state_root })
}
