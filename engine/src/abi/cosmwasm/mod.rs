//! A thin slice of CosmWasm (cosmwasm-std 2): enough to show that the kernel knows no ABI. Contracts allocate for the host,
//! answer in JSON, and queue messages with replies. No released rules admit this profile yet (docs/abi.md §7).

mod json;

use super::Guest;
use crate::host::{events, storage};
use crate::outcome::{Abort, Status, Trap};
use crate::session::{FrameKind, Reply};
use crate::types::Address;
use parity_scale_codec::Encode;
use unfork_gas::{Import, ValueType};
use unfork_state::{Order, Value};

/// Calls the macro given with all rows, in the form of `seal_imports`.
macro_rules! for_each_cosmwasm_import {
    ($each:ident) => {
        $each! {
            1 "env" "abort" false (message: u32) -> () = abort(message);
            1 "env" "db_next" false (scan: u32) -> u32 = db_next(scan);
            1 "env" "db_read" false (key: u32) -> u32 = db_read(key);
            1 "env" "db_remove" false (key: u32) -> () = db_remove(key);
            1 "env" "db_scan" false (start: u32, end: u32, order: u32) -> u32 = db_scan(start, end, order);
            1 "env" "db_write" false (key: u32, value: u32) -> () = db_write(key, value);
            1 "env" "debug" false (message: u32) -> () = debug(message);
        }
    };
}
pub(crate) use for_each_cosmwasm_import;

const fn import(name: &'static str, params: &'static [ValueType], results: &'static [ValueType]) -> Import<'static> {
    Import { module: "env", name, params, results }
}

const ONE: &[ValueType] = &[ValueType::I32];

/// The imports that code of the profile may have, sorted by name.
pub(crate) const IMPORTS: &[Import<'static>] = &[
    import("abort", ONE, &[]),
    import("db_next", ONE, ONE),
    import("db_read", ONE, ONE),
    import("db_remove", ONE, &[]),
    import("db_scan", &[ValueType::I32, ValueType::I32, ValueType::I32], ONE),
    import("db_write", &[ValueType::I32, ValueType::I32], &[]),
    import("debug", ONE, &[]),
];

/// In front of the contract's own keys; a constant, so that their order stays.
const TAG: u8 = 3;

/// The script: the contract allocates room for its arguments, runs, and answers; the answer is carried out.
pub(crate) fn run_entry(kind: FrameKind, guest: &mut Guest<'_>) -> Result<Status, Abort> {
    let frame = guest.session().frame_mut()?;
    let (caller, contract, value) = (frame.caller.clone(), frame.contract.clone(), frame.value);
    let (input, reply) = (frame.input.take().unwrap_or_default(), frame.reply.take());
    let block = guest.session().block;
    let env = json::env(block, &contract);
    let answer = match (kind, reply) {
        (FrameKind::Reply, Some(reply)) => {
            let (env, reply) = (give(guest, &env)?, give(guest, &json::reply(&reply))?);
            guest.call("reply", &[env, reply])?
        }
        _ => {
            let entry = if kind == FrameKind::Deploy { "instantiate" } else { "execute" };
            let (env, info) = (give(guest, &env)?, give(guest, &json::info(&caller, value))?);
            let message = give(guest, &input)?;
            guest.call(entry, &[env, info, message])?
        }
    };
    let most = guest.session().limits().output_bytes_max;
    let answer = read_region(guest, answer, most)?;
    let (base, each) = (guest.session().prices().return_base, guest.session().prices().return_byte);
    guest.session().gas.charge_linear(base, each, answer.len())?;
    carry_out(guest, &answer)
}

/// Queues the messages, emits the attributes, keeps the data as output.
fn carry_out(guest: &mut Guest<'_>, answer: &[u8]) -> Result<Status, Abort> {
    let response = match json::answer(answer).ok_or(Trap::InvalidArgument)? {
        Ok(response) => response,
        Err(error) => {
            guest.session().frame_mut()?.output = error;
            return Ok(Status::Reverted);
        }
    };
    if !response.attributes.is_empty() {
        events::emit(guest.session(), Vec::new(), response.attributes.encode())?;
    }
    if !response.messages.is_empty() {
        guest.session().require_writable()?;
    }
    let frame = guest.session().frame_mut()?;
    frame.output = response.data;
    frame.queue = response.messages;
    Ok(Status::Returned)
}

/// The bytes of a region: where they are, how much room there is, how many they are.
fn read_region(guest: &mut Guest<'_>, region: u32, most: u64) -> Result<Vec<u8>, Abort> {
    let (offset, _, length) = region_parts(guest, region)?;
    if u64::from(length) > most {
        return Err(Trap::InvalidArgument.into());
    }
    guest.read(offset, length)
}

fn region_parts(guest: &mut Guest<'_>, region: u32) -> Result<(u32, u32, u32), Abort> {
    let bytes: [u8; 12] = guest.read_array(region)?;
    let word = |at: usize| {
        bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).map_or(0, |word| u32::from_le_bytes(*word))
    };
    let (offset, capacity, length) = (word(0), word(4), word(8));
    if length > capacity { Err(Trap::InvalidArgument.into()) } else { Ok((offset, capacity, length)) }
}

/// Lets the contract allocate, and puts `bytes` there.
fn give(guest: &mut Guest<'_>, bytes: &[u8]) -> Result<u32, Abort> {
    let length = u32::try_from(bytes.len()).map_err(|_| Trap::InvalidArgument)?;
    let region = guest.call("allocate", &[length])?;
    let (offset, capacity, _) = region_parts(guest, region)?;
    if length > capacity {
        return Err(Trap::OutputBufferTooSmall.into());
    }
    guest.write(offset, bytes)?;
    let length_at = region.checked_add(8).ok_or(Trap::PointerOutOfBounds)?;
    guest.write(length_at, &length.to_le_bytes())?;
    Ok(region)
}

fn read_key(guest: &mut Guest<'_>, region: u32) -> Result<Vec<u8>, Abort> {
    let most = guest.session().limits().key_bytes_max;
    let key = read_region(guest, region, most)?;
    Ok([[TAG].as_slice(), &key].concat())
}

pub(crate) fn db_read(guest: &mut Guest<'_>, key: u32) -> Result<u32, Abort> {
    let raw = read_key(guest, key)?;
    match storage::read(guest.session(), &raw)? {
        Some(value) => give(guest, &value),
        None => Ok(0),
    }
}

pub(crate) fn db_write(guest: &mut Guest<'_>, key: u32, value: u32) -> Result<(), Abort> {
    let raw = read_key(guest, key)?;
    let most = guest.session().limits().value_bytes_max;
    let value = read_region(guest, value, most)?;
    storage::write(guest.session(), &raw, Value::from(value)).map(drop)
}

pub(crate) fn db_remove(guest: &mut Guest<'_>, key: u32) -> Result<(), Abort> {
    let raw = read_key(guest, key)?;
    storage::remove(guest.session(), &raw).map(drop)
}

/// From `start` (0: the first) to before `end` (0: the last); order 1 is rising, 2 falling.
pub(crate) fn db_scan(guest: &mut Guest<'_>, start: u32, end: u32, order: u32) -> Result<u32, Abort> {
    let from = if start == 0 { vec![TAG] } else { read_key(guest, start)? };
    let to = if end == 0 { vec![TAG.saturating_add(1)] } else { read_key(guest, end)? };
    let order = match order {
        1 => Order::Forward,
        2 => Order::Backward,
        _ => return Err(Trap::InvalidArgument.into()),
    };
    storage::open_scan(guest.session(), from, to, order)
}

/// The next entry as sections: key, its length, value, its length (big-endian); two empty sections at the end.
pub(crate) fn db_next(guest: &mut Guest<'_>, scan: u32) -> Result<u32, Abort> {
    let (key, value) = storage::next(guest.session(), scan)?.unwrap_or_default();
    let mut sections = Vec::new();
    for part in [key.get(1..).unwrap_or_default(), &value] {
        sections.extend_from_slice(part);
        sections.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    }
    give(guest, &sections)
}

pub(crate) fn debug(guest: &mut Guest<'_>, message: u32) -> Result<(), Abort> {
    let most = guest.session().limits().debug_bytes_max;
    let message = read_region(guest, message, most)?;
    events::debug(guest.session(), &message)
}

/// A panic of the contract.
pub(crate) fn abort(guest: &mut Guest<'_>, message: u32) -> Result<(), Abort> {
    debug(guest, message)?;
    Err(Trap::Unreachable.into())
}

/// What JSON writes addresses as: lower-case hexadecimal.
fn hexadecimal(address: &Address) -> String {
    format!("{address:?}").split_off(2)
}

/// A reply's outcome in the contract's words.
fn succeeded(reply: &Reply) -> bool {
    reply.status == Status::Returned
}
