//! Storage that lasts, and storage of one transaction.

use super::{SENTINEL, code, write_output};
use crate::abi::Guest;
use crate::host::storage;
use crate::outcome::{Abort, Trap};
use std::ops::Bound;
use unfork_state::{Order, Range, Value};

/// The forms a storage key may have. The tag keeps them apart in one space.
pub(crate) enum RawKey {
    /// 32 bytes at this pointer.
    Fixed(u32),
    /// As many bytes at this pointer as are said.
    Variable(u32, u32),
}

impl RawKey {
    fn read(self, guest: &mut Guest<'_>) -> Result<Vec<u8>, Abort> {
        let (tag, pointer, length) = match self {
            Self::Fixed(pointer) => (0, pointer, 32),
            Self::Variable(pointer, length) => (1, pointer, length),
        };
        if u64::from(length) > guest.session().limits().key_bytes_max {
            return Err(Trap::KeyLength.into());
        }
        guest.read_after(&[tag], pointer, length)
    }
}

/// A value longer than the limit is refused before a byte of it is copied.
fn check_length(guest: &mut Guest<'_>, value_len: u32) -> Result<(), Abort> {
    let max = guest.session().limits().value_bytes_max;
    if u64::from(value_len) > max { Err(Trap::ValueTooLong.into()) } else { Ok(()) }
}

pub(crate) fn store(guest: &mut Guest<'_>, key: RawKey, value: u32, value_len: u32) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    check_length(guest, value_len)?;
    let value = guest.read_shared(value, value_len)?;
    Ok(storage::write(guest.session(), &raw, value)?.unwrap_or(SENTINEL))
}

pub(crate) fn store_without_answer(guest: &mut Guest<'_>, key: RawKey, value: u32, len: u32) -> Result<(), Abort> {
    store(guest, key, value, len).map(drop)
}

pub(crate) fn clear(guest: &mut Guest<'_>, key: RawKey) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    Ok(storage::remove(guest.session(), &raw)?.unwrap_or(SENTINEL))
}

pub(crate) fn clear_without_answer(guest: &mut Guest<'_>, key: RawKey) -> Result<(), Abort> {
    clear(guest, key).map(drop)
}

/// Gives what was found to the contract, or the code for nothing.
fn give(guest: &mut Guest<'_>, value: Option<&[u8]>, out: u32, out_len: u32) -> Result<u32, Abort> {
    match value {
        Some(value) => write_output(guest, out, out_len, value, false).map(|()| code::SUCCESS),
        None => Ok(code::KEY_NOT_FOUND),
    }
}

pub(crate) fn load(guest: &mut Guest<'_>, key: RawKey, out: u32, out_len: u32) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    let value = storage::read(guest.session(), &raw)?;
    give(guest, value.as_deref(), out, out_len)
}

pub(crate) fn contains(guest: &mut Guest<'_>, key: RawKey) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    Ok(storage::length(guest.session(), &raw)?.unwrap_or(SENTINEL))
}

pub(crate) fn take(guest: &mut Guest<'_>, key: RawKey, out: u32, out_len: u32) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    let value = storage::take(guest.session(), &raw)?;
    give(guest, value.as_deref(), out, out_len)
}

fn length_or_sentinel(value: Option<Value>) -> u32 {
    value.and_then(|value| u32::try_from(value.len()).ok()).unwrap_or(SENTINEL)
}

pub(crate) fn store_transient(guest: &mut Guest<'_>, key: RawKey, value: u32, value_len: u32) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    check_length(guest, value_len)?;
    let value = guest.read_shared(value, value_len)?;
    Ok(length_or_sentinel(storage::transient_write(guest.session(), &raw, Some(value))?))
}

pub(crate) fn clear_transient(guest: &mut Guest<'_>, key: RawKey) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    Ok(length_or_sentinel(storage::transient_write(guest.session(), &raw, None)?))
}

pub(crate) fn load_transient(guest: &mut Guest<'_>, key: RawKey, out: u32, out_len: u32) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    let value = storage::transient_read(guest.session(), &raw)?;
    give(guest, value.as_deref(), out, out_len)
}

pub(crate) fn contains_transient(guest: &mut Guest<'_>, key: RawKey) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    Ok(length_or_sentinel(storage::transient_read(guest.session(), &raw)?))
}

pub(crate) fn take_transient(guest: &mut Guest<'_>, key: RawKey, out: u32, out_len: u32) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    let value = storage::transient_write(guest.session(), &raw, None)?;
    give(guest, value.as_deref(), out, out_len)
}

/// The arguments of `storage_next`.
pub(crate) struct NextKey {
    pub key: u32,
    pub key_len: u32,
    pub end: u32,
    pub end_len: u32,
    pub descending: u32,
    pub out: u32,
    pub out_len: u32,
}

/// The variable key that follows `key`: rising, the first after it and before `end`; falling, the last before it and not
/// before `end`. Without `end` to the last or first key; falling without `key`, from the last one.
pub(crate) fn next_key(guest: &mut Guest<'_>, arguments: NextKey) -> Result<u32, Abort> {
    let NextKey { key, key_len, end, end_len, descending, out, out_len } = arguments;
    let key = RawKey::Variable(key, key_len).read(guest)?;
    let end = RawKey::Variable(end, end_len).read(guest)?;
    let behind_all = || Bound::Excluded(vec![2]);
    let space = guest.session().frame()?.storage.clone();
    let range = match descending {
        0 => {
            let to = if end_len == 0 { behind_all() } else { Bound::Excluded(end) };
            Range { space, from: Bound::Excluded(key), to, order: Order::Forward }
        }
        1 => {
            let to = if key_len == 0 { behind_all() } else { Bound::Excluded(key) };
            Range { space, from: Bound::Included(end), to, order: Order::Backward }
        }
        _ => return Err(Trap::InvalidArgument.into()),
    };
    let found = storage::first_key(guest.session(), range)?;
    give(guest, found.as_deref().and_then(|raw| raw.get(1..)), out, out_len)
}
