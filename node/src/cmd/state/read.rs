//! `unfork state get`, `scan` and `contracts`.

use super::super::{Failed, Verdict};
use super::{Database, keys, shown};
use serde_json::json;
use std::ops::Bound;
use unfork::scenario::parse_hex;
use unfork_engine::{Account, Address, Contract, RecordKey, read_record};
use unfork_state::{Key, Order, Range, Space, StateError, StateView};

/// The values of keys.
#[derive(clap::Args)]
pub struct Get {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    keys: keys::Keys,
}

/// What a contract has stored, in the order of its keys; without a contract the engine's own records.
#[derive(clap::Args)]
pub struct Scan {
    #[command(flatten)]
    database: Database,
    /// The contract.
    #[arg(long, value_name = "ADDRESS")]
    contract: Option<String>,
    /// The first raw key in hexadecimal; of a contract's keys the form byte (00 or 01) comes first.
    #[arg(long, value_name = "KEY")]
    from: Option<String>,
    /// Largest key first.
    #[arg(long)]
    backward: bool,
    /// At most so many values.
    #[arg(long, value_name = "NUMBER", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
}

/// Values read at a time.
const CHUNK: usize = 1024;

/// `unfork state get`.
pub fn get(arguments: &Get) -> Result<Verdict, Failed> {
    let (_, store) = arguments.database.open()?;
    let view = store.view();
    let (mut objects, mut lines) = (Vec::new(), Vec::new());
    for key in arguments.keys.parse(view.as_ref())? {
        let value = view.get(&key).map_err(Failed::environment)?.as_deref().map(shown);
        let flat = shown(key.as_bytes());
        lines.push(format!("{flat}  {}", value.as_deref().unwrap_or("absent")));
        objects.push(json!({ "key": flat, "value": value }));
    }
    arguments.database.print(&json!({ "values": objects }), &lines)?;
    Ok(Verdict::Well)
}

/// `unfork state scan`.
pub fn scan(arguments: &Scan) -> Result<Verdict, Failed> {
    let (_, store) = arguments.database.open()?;
    let view = store.view();
    let contract = arguments.contract.as_deref();
    let space = match contract {
        Some(address) => keys::contract_space(view.as_ref(), address)?,
        None => Space::system(),
    };
    let from = arguments.from.as_deref().map(parse_hex).transpose();
    let from = from.map_err(|error| Failed::Usage(anyhow::anyhow!("--from: {error}")))?;
    let bound = from.map_or(Bound::Unbounded, Bound::Included);
    let (from, to, order) = if arguments.backward {
        (Bound::Unbounded, bound, Order::Backward)
    } else {
        (bound, Bound::Unbounded, Order::Forward)
    };
    let (mut objects, mut lines) = (Vec::new(), Vec::new());
    each(view.as_ref(), Range { space, from, to, order }, arguments.limit, &mut |key, value| {
        let (raw, flat, value) = (key.raw(), shown(key.as_bytes()), shown(value));
        // A contract's own key is shown without its form byte.
        let (form, own) = match (contract, raw.split_first()) {
            (Some(_), Some((form, own))) => (Some(*form), shown(own)),
            _ => (None, shown(raw)),
        };
        lines.push(format!("{own}  {value}"));
        objects.push(json!({ "key": own, "form": form, "flat_key": flat, "value": value }));
        Ok(())
    })?;
    lines.push(format!("{} items", objects.len()));
    arguments.database.print(&json!({ "contract": contract, "storage": objects }), &lines)?;
    Ok(Verdict::Well)
}

/// `unfork state contracts`.
pub fn contracts(database: &Database) -> Result<Verdict, Failed> {
    let (_, store) = database.open()?;
    let view = store.view();
    let (mut objects, mut lines) = (Vec::new(), Vec::new());
    // Contract records have the tag 2 (docs/format.md).
    let (from, to) = (Bound::Included(vec![2]), Bound::Excluded(vec![3]));
    let range = Range { space: Space::system(), from, to, order: Order::Forward };
    each(view.as_ref(), range, usize::MAX, &mut |key, _| {
        let Some(address) = key.raw().get(1..).and_then(Address::new) else { return Ok(()) };
        let contract = read_record::<Contract>(view.as_ref(), RecordKey::Contract(&address))?;
        let Some(contract) = contract else { return Ok(()) };
        let account: Account = read_record(view.as_ref(), RecordKey::Account(&address))?.unwrap_or_default();
        let (address, code) = (shown(address.as_bytes()), shown(&contract.code_hash));
        objects.push(json!({
            "address": address, "code_hash": code, "items": contract.items, "bytes": contract.bytes,
            "balance": account.balance.to_string(),
        }));
        let Contract { items, bytes, .. } = contract;
        lines.push(format!("{address}  code {code}  {items} items, {bytes} bytes  balance {}", account.balance));
        Ok(())
    })?;
    lines.push(format!("{} contracts", objects.len()));
    database.print(&json!({ "contracts": objects }), &lines)?;
    Ok(Verdict::Well)
}

/// What is done with each key and its value.
type Visit<'a> = dyn FnMut(&Key, &[u8]) -> Result<(), StateError> + 'a;

fn each(view: &dyn StateView, mut range: Range, limit: usize, visit: &mut Visit<'_>) -> Result<(), Failed> {
    let mut left = limit;
    while left > 0 {
        let items = view.scan(&range, left.min(CHUNK)).map_err(Failed::environment)?;
        for (key, value) in &items {
            visit(key, value).map_err(Failed::environment)?;
        }
        left = left.saturating_sub(items.len());
        match items.last() {
            Some((last, _)) => range = range.after(last),
            None => break,
        }
    }
    Ok(())
}
