//! `unfork state prove` and `verify-proof`: a proof as a JSON file that is checked without any chain.

use super::super::{Failed, Verdict};
use super::{Database, keys, print, shown};
use anyhow::anyhow;
use serde::Deserialize;
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};
use unfork::scenario::parse_hex;
use unfork_state::verify_many;

/// Proves under the state root that keys have their values, or are absent: one proof for all of them.
#[derive(clap::Args)]
pub struct Prove {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    keys: keys::Keys,
}

/// Checks what `unfork state prove --json` has printed; needs no chain.
#[derive(clap::Args)]
pub struct VerifyProof {
    /// The file; - is standard input.
    file: PathBuf,
    /// The state root that is trusted, in hexadecimal. Without it the proof is checked under the root that it names.
    #[arg(long, value_name = "ROOT")]
    root: Option<String>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// A proof in a file.
#[derive(Deserialize)]
struct ProofFile {
    root: String,
    claims: Vec<Claim>,
    /// As docs/format.md §1.4 says.
    proof: String,
}

#[derive(Deserialize)]
struct Claim {
    key: String,
    value: Option<String>,
}

/// A proof has less than 17 KiB for each of its keys; no file of a sensible number of keys is longer, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// `unfork state prove`.
pub fn prove(arguments: &Prove) -> Result<Verdict, Failed> {
    let (_, store) = arguments.database.open()?;
    let view = store.view();
    let mut keys = arguments.keys.parse(view.as_ref())?;
    keys.sort();
    keys.dedup();
    let values = keys.iter().map(|key| view.get(key)).collect::<Result<Vec<_>, _>>().map_err(Failed::environment)?;
    let proof = store.prove_many(&keys).map_err(Failed::environment)?;
    let root = store.head().root;
    let claims: Vec<_> = keys.iter().zip(&values).map(|(key, value)| (key.as_bytes(), value.as_deref())).collect();
    verify_many(&proof, &root, &claims)
        .map_err(|error| Failed::Environment(anyhow!("the proof does not hold: {error}")))?;
    let (root, encoded) = (shown(&root), shown(&proof));
    let mut lines = vec![format!("root   {root}")];
    let mut objects = Vec::new();
    for (key, value) in claims {
        let (key, value) = (shown(key), value.map(shown));
        lines.push(format!("key    {key}"));
        lines.push(format!("value  {}", value.as_deref().unwrap_or("absent")));
        objects.push(json!({ "key": key, "value": value }));
    }
    lines.push(format!("proof  {encoded}"));
    lines.push(format!("the proof holds under the root; {} bytes for {} keys", proof.len(), keys.len()));
    let object = json!({ "height": store.head().height, "root": root, "claims": objects, "proof": encoded });
    arguments.database.print(&object, &lines)?;
    Ok(Verdict::Well)
}

/// `unfork state verify-proof`.
pub fn verify(arguments: &VerifyProof) -> Result<Verdict, Failed> {
    let text = read(&arguments.file)?;
    let file: ProofFile =
        serde_json::from_str(&text).map_err(|error| Failed::Usage(anyhow!("{}: {error}", arguments.file.display())))?;
    let hex = |what: &str, text: &str| parse_hex(text).map_err(|error| Failed::Usage(anyhow!("{what}: {error}")));
    let root = match &arguments.root {
        Some(root) => hex("--root", root)?,
        None => hex("root", &file.root)?,
    };
    let root: [u8; 32] = root.try_into().map_err(|_| Failed::Usage(anyhow!("a root has 32 bytes")))?;
    let mut claims = Vec::new();
    for claim in &file.claims {
        let value = claim.value.as_deref().map(|value| hex("value", value)).transpose()?;
        claims.push((hex("key", &claim.key)?, value));
    }
    let claims: Vec<_> = claims.iter().map(|(key, value)| (key.as_slice(), value.as_deref())).collect();
    let checked = verify_many(&hex("proof", &file.proof)?, &root, &claims);
    let (holds, what) = (checked.is_ok(), checked.err().map(|error| error.to_string()));
    let line = match &what {
        None => format!("holds for {} keys under {}", claims.len(), shown(&root)),
        Some(what) => format!("does not hold under {}: {what}", shown(&root)),
    };
    let object = json!({ "holds": holds, "root": shown(&root), "keys": claims.len(), "what": what });
    print(arguments.json, &object, &[line])?;
    Ok(if holds { Verdict::Well } else { Verdict::Found })
}

fn read(file: &Path) -> Result<String, Failed> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(FILE_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(FILE_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| Failed::Usage(anyhow!("{}: {error}", file.display())))?;
    Ok(text)
}
