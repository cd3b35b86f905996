//! Persistent and transient storage of the contract that runs.

use crate::outcome::{Abort, Budget, Fault, Trap};
use crate::records::{self, Contract, RecordKey};
use crate::session::{Session, spend};
use crate::trace::TraceEvent;
use crate::types::Address;
use std::ops::Bound;
use unfork_state::{Key, Order, Range, Value};

/// What the record of a contract counts as in changed bytes, whatever it has (docs/abi.md, section 4).
const CONTRACT_BYTES: u64 = 192;

/// Reads the value under `raw`, charged by its length.
pub(crate) fn read(session: &mut Session, raw: &[u8]) -> Result<Option<Value>, Abort> {
    let key = charged_key(session, session.prices().storage_read_base, raw)?;
    let value = session.in_overlay(|overlay| overlay.get(&key))?;
    let each = session.prices().storage_read_byte;
    session.gas.charge_linear(0, each, value.as_ref().map_or(0, |value| value.len()))?;
    Ok(value)
}

/// The length of the value under `raw`.
pub(crate) fn length(session: &mut Session, raw: &[u8]) -> Result<Option<u32>, Abort> {
    let key = charged_key(session, session.prices().storage_exists_base, raw)?;
    Ok(session.in_overlay(|overlay| overlay.length(&key))?)
}

/// Writes `value` under `raw` and gives the length of what was there.
pub(crate) fn write(session: &mut Session, raw: &[u8], value: Value) -> Result<Option<u32>, Abort> {
    session.require_writable()?;
    if value.len() > usize::try_from(session.limits().value_bytes_max).unwrap_or(usize::MAX) {
        return Err(Trap::ValueTooLong.into());
    }
    let (base, each) = (session.prices().storage_write_base, session.prices().storage_write_byte);
    session.gas.charge_linear(base, each, raw.len().saturating_add(value.len()))?;
    let key = charged_key(session, 0, raw)?;
    spend_changed(session, raw.len().saturating_add(value.len()))?;
    let (length, after) = (value.len(), session.trace.is_on().then(|| value.clone()));
    let before = session.in_overlay(|overlay| overlay.replace(key, value))?;
    if let Some(after) = after {
        note_change(session, raw, before, Some(&after));
    }
    account_for(session, raw.len(), before, Some(length))?;
    Ok(before)
}

/// Removes the value under `raw` and gives its length.
pub(crate) fn remove(session: &mut Session, raw: &[u8]) -> Result<Option<u32>, Abort> {
    session.require_writable()?;
    let key = charged_key(session, session.prices().storage_remove_base, raw)?;
    spend_changed(session, raw.len())?;
    let before = session.in_overlay(|overlay| overlay.length(&key))?;
    if before.is_some() {
        session.in_overlay(|overlay| overlay.remove(&key));
        account_for(session, raw.len(), before, None)?;
        note_change(session, raw, before, None);
    }
    Ok(before)
}

/// Removes the value under `raw` and gives it.
pub(crate) fn take(session: &mut Session, raw: &[u8]) -> Result<Option<Value>, Abort> {
    session.require_writable()?;
    let value = read(session, raw)?;
    if value.is_some() {
        remove(session, raw)?;
    }
    Ok(value)
}

/// Tells whoever watches of a change of storage.
fn note_change(session: &mut Session, raw: &[u8], before: Option<u32>, after: Option<&[u8]>) {
    session.note(|contract| TraceEvent::Stored {
        contract: contract.clone(),
        transient: false,
        key: raw.to_vec(),
        before,
        after: after.map(<[u8]>::to_vec),
    });
}

/// Opens a scan over the raw keys from `from` on and before `to`; it sees what is not committed. Gives its number in the
/// frame.
pub(crate) fn open_scan(session: &mut Session, from: Vec<u8>, to: Vec<u8>, order: Order) -> Result<u32, Abort> {
    let price = session.prices().storage_scan_base;
    session.gas.charge(price)?;
    let frame = session.frame_mut()?;
    let number = u32::try_from(frame.scans.len()).map_err(|_| Trap::InvalidArgument)?;
    let space = frame.storage.clone();
    frame.scans.push(Some(Range { space, from: Bound::Included(from), to: Bound::Excluded(to), order }));
    Ok(number)
}

/// The next entry of a scan as raw key and value; `None` at its end.
pub(crate) fn next(session: &mut Session, scan: u32) -> Result<Option<(Vec<u8>, Value)>, Abort> {
    let place = usize::try_from(scan).map_err(|_| Trap::InvalidArgument)?;
    let rest = session.frame_mut()?.scans.get_mut(place).ok_or(Trap::InvalidArgument)?.take();
    let Some(rest) = rest else { return Ok(None) };
    let found = step(session, rest)?;
    let Some((key, value, rest)) = found else { return Ok(None) };
    let each = session.prices().storage_scan_byte;
    session.gas.charge_linear(0, each, key.raw().len().saturating_add(value.len()))?;
    if let Some(scan) = session.frame_mut()?.scans.get_mut(place) {
        *scan = Some(rest);
    }
    Ok(Some((key.raw().to_vec(), value)))
}

/// The first raw key of a range; `None` where there is none. Charged as opening a scan and taking one step of it.
pub(crate) fn first_key(session: &mut Session, range: Range) -> Result<Option<Vec<u8>>, Abort> {
    let price = session.prices().storage_scan_base;
    session.gas.charge(price)?;
    let Some((key, ..)) = step(session, range)? else { return Ok(None) };
    let each = session.prices().storage_scan_byte;
    session.gas.charge_linear(0, each, key.raw().len())?;
    Ok(Some(key.raw().to_vec()))
}

/// The first entry of a range, and what is left behind it. Each key passed is paid for, removed ones too.
fn step(session: &mut Session, mut rest: Range) -> Result<Option<(Key, Value, Range)>, Abort> {
    loop {
        let price = session.prices().storage_scan_item;
        session.gas.charge(price)?;
        let scanned = session.in_overlay(|overlay| overlay.scan(&rest, 1))?;
        if let Some(last) = &scanned.last {
            rest = rest.after(last);
        }
        if let Some((key, value)) = scanned.items.into_iter().next() {
            return Ok(Some((key, value, rest)));
        }
        if scanned.finished || scanned.last.is_none() {
            return Ok(None);
        }
    }
}

/// Reads from the storage that lasts for this transaction.
pub(crate) fn transient_read(session: &mut Session, raw: &[u8]) -> Result<Option<Value>, Abort> {
    session.gas.charge(session.rules.schedule().transient_read_base)?;
    check_key(session, raw)?;
    let contract = session.frame()?.contract.clone();
    let value = session.transient.get(&contract, raw);
    let each = session.prices().transient_read_byte;
    session.gas.charge_linear(0, each, value.as_ref().map_or(0, |value| value.len()))?;
    Ok(value)
}

/// Writes to, or with `None` removes from, the storage that lasts for this transaction; gives what was there.
pub(crate) fn transient_write(session: &mut Session, raw: &[u8], value: Option<Value>) -> Result<Option<Value>, Abort> {
    session.require_writable()?;
    let length = value.as_ref().map_or(0, |value| value.len());
    if length > usize::try_from(session.limits().value_bytes_max).unwrap_or(usize::MAX) {
        return Err(Trap::ValueTooLong.into());
    }
    let bytes = raw.len().saturating_add(length);
    let (base, each) = (session.prices().transient_write_base, session.prices().transient_write_byte);
    session.gas.charge_linear(base, each, bytes)?;
    check_key(session, raw)?;
    spend_changed(session, bytes)?;
    let contract = session.frame()?.contract.clone();
    let after = session.trace.is_on().then(|| value.clone());
    let before = session.transient.replace(&contract, raw, value);
    if let Some(after) = after {
        let length = before.as_ref().map(|value| u32::try_from(value.len()).unwrap_or(u32::MAX));
        let (key, after) = (raw.to_vec(), after.map(|value| value.to_vec()));
        session.note(|_| TraceEvent::Stored { contract, transient: true, key, before: length, after });
    }
    Ok(before)
}

fn charged_key(session: &mut Session, price: u64, raw: &[u8]) -> Result<Key, Abort> {
    session.gas.charge(price)?;
    check_key(session, raw)?;
    Ok(Key::new(&session.frame()?.storage, raw))
}

/// A raw key carries one byte that tells its form, before the contract's own bytes.
fn check_key(session: &Session, raw: &[u8]) -> Result<(), Abort> {
    let own = u64::try_from(raw.len()).unwrap_or(u64::MAX).saturating_sub(1);
    if own > session.limits().key_bytes_max { Err(Trap::KeyLength.into()) } else { Ok(()) }
}

/// Counts the record of a contract as changed.
pub(crate) fn spend_contract(session: &mut Session) -> Result<(), Abort> {
    spend(&mut session.budgets.changed_bytes, CONTRACT_BYTES, Budget::ChangedBytes)
}

fn spend_changed(session: &mut Session, bytes: usize) -> Result<(), Abort> {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    spend(&mut session.budgets.changed_bytes, bytes, Budget::ChangedBytes)
}

/// Keeps the item and byte counts in the contract's record true.
fn account_for(session: &mut Session, key: usize, before: Option<u32>, after: Option<usize>) -> Result<(), Abort> {
    let key = u64::try_from(key).unwrap_or(u64::MAX);
    let held = before.map_or(0, |length| u64::from(length).saturating_add(key));
    let holds = after.map_or(0, |length| u64::try_from(length).unwrap_or(u64::MAX).saturating_add(key));
    if before.is_some() == after.is_some() && held == holds {
        return Ok(());
    }
    if !std::mem::replace(&mut session.frame_mut()?.counts_changed, true) {
        spend_contract(session)?;
    }
    let address = session.frame()?.contract.clone();
    let mut contract = contract(session, &address)?.ok_or_else(|| Fault::internal("a frame without its contract"))?;
    contract.items =
        contract.items.saturating_sub(u64::from(before.is_some())).saturating_add(u64::from(after.is_some()));
    contract.bytes = contract.bytes.saturating_sub(held).saturating_add(holds);
    set_contract(session, &address, &contract);
    Ok(())
}

/// The record of the contract at `address`.
pub(crate) fn contract(session: &mut Session, address: &Address) -> Result<Option<Contract>, Abort> {
    Ok(records::get(&mut session.overlay, RecordKey::Contract(address))?)
}

/// Writes the record of the contract at `address`.
pub(crate) fn set_contract(session: &mut Session, address: &Address, contract: &Contract) {
    records::put(&mut session.overlay, RecordKey::Contract(address), contract);
}
