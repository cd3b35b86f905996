//! `unfork state`: looks at what a chain holds.

use super::{Failed, Verdict, bar};
use serde_json::{Value, json};
use std::io::Write;
use std::ops::Bound;
use std::path::PathBuf;
use unfork::chain::CHAIN_FILE;
use unfork::compare::hexadecimal;
use unfork::scenario::parse_hex;
use unfork_engine::{Account, Address, ChainSpec, Contract, RecordKey, read_record};
use unfork_state::{Key, Order, Range, Space, StateError, StateView, Store};

/// Shows the head of a chain, its contracts, storage and proofs, or verifies all of it.
///
/// Without further options: height, block id, state root and chain of the head. The directory is only read, and may
/// be in use by another process.
#[derive(clap::Args)]
pub struct Arguments {
    /// The directory of the chain.
    #[arg(long, value_name = "DIR")]
    db: PathBuf,
    #[command(flatten)]
    what: What,
    /// With --proof: the contract that has the key; without it, the key is one of the whole state.
    #[arg(long, value_name = "ADDRESS", requires = "proof")]
    contract: Option<String>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What to show.
#[derive(clap::Args)]
#[group(multiple = false)]
struct What {
    /// Lists all contracts.
    #[arg(long)]
    contracts: bool,
    /// Lists what a contract has stored.
    #[arg(long, value_name = "ADDRESS")]
    storage: Option<String>,
    /// Proves under the state root that a key has its value, or that it is absent.
    #[arg(long, value_name = "KEY")]
    proof: Option<String>,
    /// Computes again every root, checksum and index, and compares.
    #[arg(long)]
    verify: bool,
}

/// Keys read at a time.
const CHUNK: usize = 1024;

/// Shows what was asked for.
pub fn run(arguments: &Arguments) -> Result<Verdict, Failed> {
    let opened = unfork::disk::open_read_only(&arguments.db);
    let (spec, store) = match opened {
        Ok(opened) => opened,
        Err(error) if arguments.what.verify && arguments.db.join(CHAIN_FILE).exists() => {
            // Whoever asks whether a store is sound gets an answer, not an error.
            let answer = json!({ "verified": false, "what": error });
            print(arguments, &answer, &[format!("not sound: {error}")])?;
            return Ok(Verdict::Found);
        }
        Err(error) => return Err(Failed::Environment(anyhow::anyhow!(error))),
    };
    let What { contracts, storage, proof, verify } = &arguments.what;
    if *contracts {
        return list_contracts(arguments, store.view().as_ref());
    }
    if let Some(address) = storage {
        return list_storage(arguments, store.view().as_ref(), &parse_address("--storage", address)?);
    }
    if let Some(key) = proof {
        return prove(arguments, &store, key);
    }
    if *verify { verify_all(arguments, &store) } else { head(arguments, &spec, &store) }
}

/// Prints either the object or the lines.
fn print(arguments: &Arguments, object: &Value, lines: &[String]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if arguments.json {
        return writeln!(out, "{object}");
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn head(arguments: &Arguments, spec: &ChainSpec, store: &Store) -> Result<Verdict, Failed> {
    let head = store.head();
    let (id, root, chain) = (hexadecimal(&head.id), hexadecimal(&head.root), hexadecimal(&store.chain_id()));
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
    print(arguments, &object, &lines)?;
    Ok(Verdict::Well)
}

fn list_contracts(arguments: &Arguments, view: &dyn StateView) -> Result<Verdict, Failed> {
    let (mut objects, mut lines) = (Vec::new(), Vec::new());
    // Contract records have the tag 2 (docs/format.md).
    let (from, to) = (Bound::Included(vec![2]), Bound::Excluded(vec![3]));
    let range = Range { space: Space::system(), from, to, order: Order::Forward };
    each(view, range, &mut |key, _| {
        let Some(address) = key.raw().get(1..).and_then(Address::new) else { return Ok(()) };
        let Some(contract) = read_record::<Contract>(view, RecordKey::Contract(&address))? else { return Ok(()) };
        let account: Account = read_record(view, RecordKey::Account(&address))?.unwrap_or_default();
        let (address, code) = (hexadecimal(address.as_bytes()), hexadecimal(&contract.code_hash));
        objects.push(json!({
            "address": address, "code_hash": code, "items": contract.items, "bytes": contract.bytes,
            "balance": account.balance.to_string(),
        }));
        let Contract { items, bytes, .. } = contract;
        lines.push(format!("{address}  code {code}  {items} items, {bytes} bytes  balance {}", account.balance));
        Ok(())
    })?;
    lines.push(format!("{} contracts", objects.len()));
    print(arguments, &json!({ "contracts": objects }), &lines)?;
    Ok(Verdict::Well)
}

fn list_storage(arguments: &Arguments, view: &dyn StateView, address: &Address) -> Result<Verdict, Failed> {
    let space = storage_space(view, address)?;
    let (mut objects, mut lines) = (Vec::new(), Vec::new());
    each(view, Range::all(space), &mut |key, value| {
        // The first byte tells the form of the contract's own key: 0 for 32 bytes, 1 for any length.
        let (form, own) = key.raw().split_first().map_or((0, &[][..]), |(form, own)| (*form, own));
        let (own, flat, value) = (hexadecimal(own), hexadecimal(key.as_bytes()), hexadecimal(value));
        lines.push(format!("{own}  {value}"));
        objects.push(json!({ "key": own, "form": form, "flat_key": flat, "value": value }));
        Ok(())
    })?;
    lines.push(format!("{} items", objects.len()));
    print(arguments, &json!({ "contract": hexadecimal(address.as_bytes()), "storage": objects }), &lines)?;
    Ok(Verdict::Well)
}

fn prove(arguments: &Arguments, store: &Store, text: &str) -> Result<Verdict, Failed> {
    let view = store.view();
    let bytes = parse_hex(text).map_err(|error| Failed::Usage(anyhow::anyhow!("--proof: {error}")))?;
    let key = match &arguments.contract {
        None => Key::from_flat(&bytes).map_err(|error| Failed::Usage(anyhow::anyhow!("--proof: {error}")))?,
        Some(address) => {
            let space = storage_space(view.as_ref(), &parse_address("--contract", address)?)?;
            // A key of 32 bytes may be of either form: the one that is there, else the one of exactly 32 bytes.
            let fixed = Key::new(&space, &[&[0], &bytes[..]].concat());
            let variable = Key::new(&space, &[&[1], &bytes[..]].concat());
            let is_fixed = bytes.len() == 32
                && (view.length(&variable).map_err(Failed::environment)?.is_none()
                    || view.length(&fixed).map_err(Failed::environment)?.is_some());
            if is_fixed { fixed } else { variable }
        }
    };
    let value = view.get(&key).map_err(Failed::environment)?;
    let proof = store.prove(&key).map_err(Failed::environment)?;
    let root = store.head().root;
    let checked = proof.verify(&root, key.as_bytes(), value.as_deref());
    checked.map_err(|error| Failed::Environment(anyhow::anyhow!("the proof does not hold: {error}")))?;
    let shown = value.as_deref().map(hexadecimal);
    let (flat, encoded, root) = (hexadecimal(key.as_bytes()), hexadecimal(&proof.encode()), hexadecimal(&root));
    let object = json!({ "root": root, "flat_key": flat, "value": shown, "proof": encoded });
    let lines = [
        format!("root   {root}"),
        format!("key    {flat}"),
        format!("value  {}", shown.unwrap_or_else(|| "absent".to_string())),
        format!("proof  {encoded}"),
        "the proof holds under the root".to_string(),
    ];
    print(arguments, &object, &lines)?;
    Ok(Verdict::Well)
}

fn verify_all(arguments: &Arguments, store: &Store) -> Result<Verdict, Failed> {
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
            print(arguments, &object, &[line])?;
            Ok(Verdict::Well)
        }
        Err(error @ StateError::Corrupt { .. }) => {
            let error = error.to_string();
            print(arguments, &json!({ "verified": false, "what": error }), &[format!("not sound: {error}")])?;
            Ok(Verdict::Found)
        }
        Err(error) => Err(Failed::environment(error)),
    }
}

fn parse_address(option: &str, text: &str) -> Result<Address, Failed> {
    let bytes = parse_hex(text).map_err(|error| Failed::Usage(anyhow::anyhow!("{option}: {error}")))?;
    Address::new(&bytes).ok_or_else(|| Failed::Usage(anyhow::anyhow!("{option}: an address has 1 to 64 bytes")))
}

fn storage_space(view: &dyn StateView, address: &Address) -> Result<Space, Failed> {
    let contract: Option<Contract> = read_record(view, RecordKey::Contract(address)).map_err(Failed::environment)?;
    let none = || Failed::Usage(anyhow::anyhow!("there is no contract at {}", hexadecimal(address.as_bytes())));
    let incarnation = contract.ok_or_else(none)?.incarnation;
    Space::storage(address.as_bytes(), incarnation).map_err(Failed::environment)
}

/// What is done with each key and its value.
type Visit<'a> = dyn FnMut(&Key, &[u8]) -> Result<(), StateError> + 'a;

fn each(view: &dyn StateView, mut range: Range, visit: &mut Visit<'_>) -> Result<(), Failed> {
    loop {
        let items = view.scan(&range, CHUNK).map_err(Failed::environment)?;
        for (key, value) in &items {
            visit(key, value).map_err(Failed::environment)?;
        }
        match items.last() {
            Some((last, _)) => range = range.after(last),
            None => return Ok(()),
        }
    }
}
