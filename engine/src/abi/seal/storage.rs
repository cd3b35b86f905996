//! Storage that lasts, and storage of one transaction.

use super::{SENTINEL, code, write_output};
use crate::abi::Guest;
use crate::host::storage;
use crate::outcome::{Abort, Trap};

/// The forms a storage key may have. The tag keeps them apart in one space.
enum RawKey {
    Fixed(u32),
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
        let mut raw = vec![tag];
        raw.extend_from_slice(&guest.read(pointer, length)?);
        Ok(raw)
    }
}

fn store(guest: &mut Guest<'_>, key: RawKey, value: u32, value_len: u32) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    let value_len = limited(guest, value_len)?;
    let value = guest.read(value, value_len)?;
    Ok(storage::write(guest.session(), &raw, &value)?.unwrap_or(SENTINEL))
}

/// A value longer than the limit is refused before a byte of it is copied.
fn limited(guest: &mut Guest<'_>, value_len: u32) -> Result<u32, Abort> {
    let max = guest.session().limits().value_bytes_max;
    if u64::from(value_len) > max { Err(Trap::ValueTooLong.into()) } else { Ok(value_len) }
}

pub(crate) fn set_storage_fixed_no_result(guest: &mut Guest<'_>, key: u32, value: u32, len: u32) -> Result<(), Abort> {
    store(guest, RawKey::Fixed(key), value, len).map(drop)
}

pub(crate) fn set_storage_fixed(guest: &mut Guest<'_>, key: u32, value: u32, len: u32) -> Result<u32, Abort> {
    store(guest, RawKey::Fixed(key), value, len)
}

pub(crate) fn set_storage(guest: &mut Guest<'_>, key: u32, key_len: u32, value: u32, len: u32) -> Result<u32, Abort> {
    store(guest, RawKey::Variable(key, key_len), value, len)
}

fn clear(guest: &mut Guest<'_>, key: RawKey) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    Ok(storage::remove(guest.session(), &raw)?.unwrap_or(SENTINEL))
}

pub(crate) fn clear_storage_fixed(guest: &mut Guest<'_>, key: u32) -> Result<(), Abort> {
    clear(guest, RawKey::Fixed(key)).map(drop)
}

pub(crate) fn clear_storage(guest: &mut Guest<'_>, key: u32, key_len: u32) -> Result<u32, Abort> {
    clear(guest, RawKey::Variable(key, key_len))
}

fn load(guest: &mut Guest<'_>, key: RawKey, out: u32, out_len: u32) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    match storage::read(guest.session(), &raw)? {
        Some(value) => write_output(guest, out, out_len, &value, false).map(|()| code::SUCCESS),
        None => Ok(code::KEY_NOT_FOUND),
    }
}

pub(crate) fn get_storage_fixed(guest: &mut Guest<'_>, key: u32, out: u32, out_len: u32) -> Result<u32, Abort> {
    load(guest, RawKey::Fixed(key), out, out_len)
}

pub(crate) fn get_storage(guest: &mut Guest<'_>, key: u32, key_len: u32, out: u32, len: u32) -> Result<u32, Abort> {
    load(guest, RawKey::Variable(key, key_len), out, len)
}

fn contains(guest: &mut Guest<'_>, key: RawKey) -> Result<u32, Abort> {
    let raw = key.read(guest)?;
    Ok(storage::length(guest.session(), &raw)?.unwrap_or(SENTINEL))
}

pub(crate) fn contains_storage_fixed(guest: &mut Guest<'_>, key: u32) -> Result<u32, Abort> {
    contains(guest, RawKey::Fixed(key))
}

pub(crate) fn contains_storage(guest: &mut Guest<'_>, key: u32, key_len: u32) -> Result<u32, Abort> {
    contains(guest, RawKey::Variable(key, key_len))
}

pub(crate) fn take_storage(guest: &mut Guest<'_>, key: u32, key_len: u32, out: u32, len: u32) -> Result<u32, Abort> {
    let raw = RawKey::Variable(key, key_len).read(guest)?;
    match storage::take(guest.session(), &raw)? {
        Some(value) => write_output(guest, out, len, &value, false).map(|()| code::SUCCESS),
        None => Ok(code::KEY_NOT_FOUND),
    }
}

fn length_or_sentinel(value: Option<Vec<u8>>) -> u32 {
    value.and_then(|value| u32::try_from(value.len()).ok()).unwrap_or(SENTINEL)
}

pub(crate) fn set_transient_storage(
    guest: &mut Guest<'_>,
    key: u32,
    key_len: u32,
    value: u32,
    value_len: u32,
) -> Result<u32, Abort> {
    let raw = RawKey::Variable(key, key_len).read(guest)?;
    let value_len = limited(guest, value_len)?;
    let value = guest.read(value, value_len)?;
    Ok(length_or_sentinel(storage::transient_write(guest.session(), &raw, Some(value))?))
}

pub(crate) fn clear_transient_storage(guest: &mut Guest<'_>, key: u32, key_len: u32) -> Result<u32, Abort> {
    let raw = RawKey::Variable(key, key_len).read(guest)?;
    Ok(length_or_sentinel(storage::transient_write(guest.session(), &raw, None)?))
}

pub(crate) fn get_transient_storage(
    guest: &mut Guest<'_>,
    key: u32,
    key_len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Abort> {
    let raw = RawKey::Variable(key, key_len).read(guest)?;
    match storage::transient_read(guest.session(), &raw)? {
        Some(value) => write_output(guest, out, out_len, &value, false).map(|()| code::SUCCESS),
        None => Ok(code::KEY_NOT_FOUND),
    }
}

pub(crate) fn contains_transient_storage(guest: &mut Guest<'_>, key: u32, key_len: u32) -> Result<u32, Abort> {
    let raw = RawKey::Variable(key, key_len).read(guest)?;
    Ok(length_or_sentinel(storage::transient_read(guest.session(), &raw)?))
}

pub(crate) fn take_transient_storage(
    guest: &mut Guest<'_>,
    key: u32,
    key_len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Abort> {
    let raw = RawKey::Variable(key, key_len).read(guest)?;
    match storage::transient_write(guest.session(), &raw, None)? {
        Some(value) => write_output(guest, out, out_len, &value, false).map(|()| code::SUCCESS),
        None => Ok(code::KEY_NOT_FOUND),
    }
}
