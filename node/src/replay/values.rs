//! Compares the stored values with the executed state, and says what a key is about.

use super::{Replay, Writer};
use crate::compare::hexadecimal;
use std::collections::btree_map::Entry;
use unfork_engine::Fault;
use unfork_state::{Key, Value};

/// Values read at a time.
const CHUNK: usize = 4096;

/// Compares every value of the store with the executed state; gives how many the store has. The first difference is
/// reported with who wrote the key last, and how many more there are.
pub(super) fn compare(replay: &mut Replay<'_>) -> Result<Option<u64>, Fault> {
    let view = replay.executor.store().view();
    let mut differences: u64 = 0;
    let mut first: Option<(Option<Writer>, String)> = None;
    let mut count: u64 = 0;
    // What was written and never found in the store must be absent from the state too.
    let mut unseen = replay.writers.clone();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let chunk = match replay.store.values(after.as_deref(), CHUNK) {
            Ok(chunk) => chunk,
            Err(error) => {
                replay.find(None, None, format!("its values cannot be read: {error}"));
                return Ok(None);
            }
        };
        for (flat, stored) in &chunk {
            count += 1;
            let Ok(key) = Key::from_flat(flat) else {
                differences += 1;
                let what = format!("{} is no key that a store has", hexadecimal(flat));
                first.get_or_insert((None, what));
                continue;
            };
            let executed = view.get(&key)?;
            let writer = match unseen.entry(key.clone()) {
                Entry::Occupied(entry) => Some(entry.remove()),
                Entry::Vacant(_) => None,
            };
            if executed.as_ref() != Some(stored) {
                differences += 1;
                first.get_or_insert_with(|| (writer, difference(&key, Some(stored), executed.as_ref())));
            }
        }
        let Some((last, _)) = chunk.into_iter().last() else { break };
        after = Some(last);
    }
    for (key, writer) in &unseen {
        if let Some(executed) = view.get(key)? {
            differences += 1;
            first.get_or_insert_with(|| (Some(*writer), difference(key, None, Some(&executed))));
        }
    }
    if let Some((writer, what)) = first {
        let more = if differences > 1 { format!("; {} more values differ", differences - 1) } else { String::new() };
        let by = match writer {
            Some(Writer { block: 0, .. }) => "; last written by the genesis",
            Some(Writer { transaction: None, .. }) => "; last written by the block itself, not by a transaction",
            Some(_) => "; last written by this transaction",
            None => "; no block writes this key",
        };
        let (block, transaction) = writer.map_or((None, None), |by| (Some(by.block), by.transaction));
        // Values are those of the head, whatever block wrote them: the range does not hide them.
        replay.result.differences += 1;
        (replay.report)(super::Finding { block, transaction, what: format!("{what}{by}{more}") });
    }
    Ok(Some(count))
}

fn difference(key: &Key, stored: Option<&Value>, executed: Option<&Value>) -> String {
    let (stored, executed) = (shown(stored.map(AsRef::as_ref)), shown(executed.map(AsRef::as_ref)));
    format!("value of {}: stored {stored}, executed {executed}", describe(key))
}

/// A value for a message, cut where it would flood it.
pub(super) fn shown(value: Option<&[u8]>) -> String {
    const SHOWN_MAX: usize = 64;
    match value {
        None => "nothing".to_string(),
        Some(bytes) if bytes.len() > SHOWN_MAX => {
            format!("{}… ({} bytes)", hexadecimal(&bytes[..SHOWN_MAX]), bytes.len())
        }
        Some(bytes) => hexadecimal(bytes),
    }
}

/// What a key is about. The kinds of system keys are those of docs/format.md.
pub fn describe(key: &Key) -> String {
    if let Some((contract, _)) = key.space().owner() {
        return format!("key {} of contract {}", hexadecimal(key.raw()), hexadecimal(contract));
    }
    let kinds = [
        "the chain record",
        "account",
        "contract record",
        "the bytes of code",
        "code record",
        "incarnations of",
        "storage to be swept of",
    ];
    let kind = key.raw().split_first().and_then(|(tag, rest)| Some((kinds.get(usize::from(*tag))?, rest)));
    match kind {
        Some((kind, [])) => kind.to_string(),
        Some((kind, rest)) => format!("{kind} {}", hexadecimal(rest)),
        None => format!("system key {}", hexadecimal(key.raw())),
    }
}
