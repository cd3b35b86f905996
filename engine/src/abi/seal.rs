//! The `seal` profile: pointers and lengths of the guest to and from the operations of `host/` (docs/abi.md).
//!
//! The order of charges is consensus, since a contract can see its gas. It is the same in every function: the host
//! call, then arguments in the order they stand in the signature, then the operation, then the result written back.

use super::Guest;
use crate::call::{Ended, run_frame};
use crate::host::call::{self, CallRequest, InstantiateRequest, Planned};
use crate::host::crypto::{self, HashKind};
use crate::host::{accounts, events, storage};
use crate::outcome::{Abort, Refused, Status, Trap};
use crate::records::{self, RecordKey};
use crate::types::{Address, Balance, Hash};
use parity_scale_codec::{Compact, Encode};

pub(crate) use super::seal_imports::for_each_seal_import;

/// Return codes of the profile.
mod code {
    pub const SUCCESS: u32 = 0;
    pub const CALLEE_TRAPPED: u32 = 1;
    pub const CALLEE_REVERTED: u32 = 2;
    pub const KEY_NOT_FOUND: u32 = 3;
    pub const TRANSFER_FAILED: u32 = 5;
    pub const CODE_NOT_FOUND: u32 = 7;
    pub const NOT_CALLABLE: u32 = 8;
    pub const ECDSA_RECOVERY_FAILED: u32 = 11;
}

/// "No such value" as a length, and "do not write the output" as a pointer.
const SENTINEL: u32 = u32::MAX;

/// Flags of `call` and `delegate_call`.
mod flag {
    pub const FORWARD_INPUT: u32 = 1;
    pub const CLONE_INPUT: u32 = 2;
    pub const TAIL_CALL: u32 = 4;
    pub const ALLOW_REENTRY: u32 = 8;
    pub const READ_ONLY: u32 = 16;
    pub const ALL: u32 = 31;
}

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

// Storage

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

// Storage of one transaction

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

// Input, output, end

pub(crate) fn input(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let (base, each) = (guest.session().prices().input_base, guest.session().prices().input_byte);
    let input = guest.session().frame_mut()?.input.take().ok_or(Trap::InputConsumed)?;
    guest.session().gas.charge_linear(base, each, input.len())?;
    write_output(guest, out, out_len, &input, false)
}

/// Ends the frame with an output. Bit 0 of the flags asks for the changes to be rolled back.
pub(crate) fn seal_return(guest: &mut Guest<'_>, flags: u32, data: u32, data_len: u32) -> Result<(), Abort> {
    if flags > 1 {
        return Err(Trap::InvalidArgument.into());
    }
    if u64::from(data_len) > guest.session().limits().output_bytes_max {
        return Err(Trap::OutputTooLong.into());
    }
    let (base, each) = (guest.session().prices().return_base, guest.session().prices().return_byte);
    let length = usize::try_from(data_len).unwrap_or(usize::MAX);
    guest.session().gas.charge_linear(base, each, length)?;
    let output = guest.read(data, data_len)?;
    guest.session().frame_mut()?.output = output;
    Err(Abort::Stop(if flags & 1 == 1 { Status::Reverted } else { Status::Returned }))
}

/// Writes `bytes` to `out` and their number to `out_len`, where the contract has put how much room there is.
fn write_output(guest: &mut Guest<'_>, out: u32, out_len: u32, bytes: &[u8], may_skip: bool) -> Result<(), Abort> {
    if may_skip && out == SENTINEL {
        return Ok(());
    }
    let room = u32::from_le_bytes(guest.read_array(out_len)?);
    let length = u32::try_from(bytes.len()).map_err(|_| Trap::OutputBufferTooSmall)?;
    if length > room {
        return Err(Trap::OutputBufferTooSmall.into());
    }
    guest.write(out, bytes)?;
    guest.write(out_len, &length.to_le_bytes())
}

// Context

/// Charges for a look at the context and writes what was seen.
fn tell(guest: &mut Guest<'_>, out: u32, out_len: u32, bytes: &[u8]) -> Result<(), Abort> {
    let price = guest.session().prices().context_read;
    guest.session().gas.charge(price)?;
    write_output(guest, out, out_len, bytes, false)
}

pub(crate) fn caller(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let caller = guest.session().frame()?.caller.clone();
    tell(guest, out, out_len, caller.as_bytes())
}

pub(crate) fn address(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let contract = guest.session().frame()?.contract.clone();
    tell(guest, out, out_len, contract.as_bytes())
}

pub(crate) fn value_transferred(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let value = guest.session().frame()?.value;
    tell(guest, out, out_len, &value.to_le_bytes())
}

/// Block time in milliseconds, as contracts of this profile expect it.
pub(crate) fn now(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let milliseconds = guest.session().block.time.checked_div(1_000_000).unwrap_or(0);
    tell(guest, out, out_len, &milliseconds.to_le_bytes())
}

/// Block height in 32 bits, as contracts of this profile expect it; the largest number from height 2^32 - 1 on.
pub(crate) fn block_number(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let height = u32::try_from(guest.session().block.height).unwrap_or(u32::MAX);
    tell(guest, out, out_len, &height.to_le_bytes())
}

pub(crate) fn minimum_balance(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    tell(guest, out, out_len, &Balance::MIN.to_le_bytes())
}

pub(crate) fn gas_left_0(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let price = guest.session().prices().gas_left;
    guest.session().gas.charge(price)?;
    let left = guest.session().gas.available();
    write_output(guest, out, out_len, &left.to_le_bytes(), false)
}

pub(crate) fn gas_left_1(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let price = guest.session().prices().gas_left;
    guest.session().gas.charge(price)?;
    let left = (Compact(guest.session().gas.available()), Compact(0u64)).encode();
    write_output(guest, out, out_len, &left, false)
}

pub(crate) fn weight_to_fee_0(guest: &mut Guest<'_>, gas: u64, out: u32, out_len: u32) -> Result<(), Abort> {
    let fee = guest.session().gas_price.saturating_mul(Balance::from(gas));
    tell(guest, out, out_len, &fee.to_le_bytes())
}

/// Proof sizes have no price here.
pub(crate) fn weight_to_fee_1(guest: &mut Guest<'_>, gas: u64, _: u64, out: u32, len: u32) -> Result<(), Abort> {
    weight_to_fee_0(guest, gas, out, len)
}

pub(crate) fn balance(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let price = guest.session().prices().balance_read;
    guest.session().gas.charge(price)?;
    let contract = guest.session().frame()?.contract.clone();
    let balance = accounts::account(&mut guest.session().overlay, &contract)?.balance;
    write_output(guest, out, out_len, &balance.to_le_bytes(), false)
}

pub(crate) fn caller_is_origin(guest: &mut Guest<'_>) -> Result<u32, Abort> {
    let session = guest.session();
    let price = session.prices().context_read;
    session.gas.charge(price)?;
    Ok(u32::from(session.frame()?.caller == session.origin))
}

/// Nobody on this chain is root.
pub(crate) fn caller_is_root(guest: &mut Guest<'_>) -> Result<u32, Abort> {
    let price = guest.session().prices().context_read;
    guest.session().gas.charge(price)?;
    Ok(0)
}

pub(crate) fn is_contract(guest: &mut Guest<'_>, account: u32) -> Result<u32, Abort> {
    Ok(u32::from(contract_at(guest, account)?.is_some()))
}

pub(crate) fn code_hash(guest: &mut Guest<'_>, account: u32, out: u32, out_len: u32) -> Result<u32, Abort> {
    match contract_at(guest, account)? {
        Some(contract) => write_output(guest, out, out_len, &contract.code_hash, false).map(|()| code::SUCCESS),
        None => Ok(code::KEY_NOT_FOUND),
    }
}

fn contract_at(guest: &mut Guest<'_>, account: u32) -> Result<Option<records::Contract>, Abort> {
    let address = read_address(guest, account)?;
    let price = guest.session().prices().code_hash_read;
    guest.session().gas.charge(price)?;
    storage::contract(guest.session(), &address)
}

pub(crate) fn own_code_hash(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let hash = guest.session().frame()?.code_hash;
    tell(guest, out, out_len, &hash)
}

pub(crate) fn instantiation_nonce(guest: &mut Guest<'_>) -> Result<u64, Abort> {
    let session = guest.session();
    let price = session.prices().context_read;
    session.gas.charge(price)?;
    let chain: Option<records::Chain> = records::get(&mut session.overlay, RecordKey::Chain)?;
    Ok(chain.map_or(0, |chain| chain.instantiations))
}

pub(crate) fn reentrance_count(guest: &mut Guest<'_>) -> Result<u32, Abort> {
    let contract = guest.session().frame()?.contract.clone();
    Ok(frames_of(guest, &contract)?.saturating_sub(1))
}

pub(crate) fn account_reentrance_count(guest: &mut Guest<'_>, account: u32) -> Result<u32, Abort> {
    let address = read_address(guest, account)?;
    frames_of(guest, &address)
}

fn frames_of(guest: &mut Guest<'_>, address: &Address) -> Result<u32, Abort> {
    let price = guest.session().prices().context_read;
    guest.session().gas.charge(price)?;
    Ok(u32::try_from(call::frames_of(guest.session(), address)).unwrap_or(u32::MAX))
}

pub(crate) fn noop(_: &mut Guest<'_>) -> Result<(), Abort> {
    Ok(())
}

// Events and messages

pub(crate) fn deposit_event(
    guest: &mut Guest<'_>,
    topics: u32,
    topics_len: u32,
    data: u32,
    data_len: u32,
) -> Result<(), Abort> {
    guest.session().require_writable()?;
    let topics = read_topics(guest, topics, topics_len)?;
    if u64::from(data_len) > guest.session().limits().event_bytes_max {
        return Err(Trap::EventTooLong.into());
    }
    let data = guest.read(data, data_len)?;
    events::emit(guest.session(), topics, data)
}

/// Topics come as a SCALE vector of 32-byte hashes; no bytes at all mean none.
fn read_topics(guest: &mut Guest<'_>, pointer: u32, length: u32) -> Result<Vec<Hash>, Abort> {
    if length == 0 {
        return Ok(Vec::new());
    }
    // One byte tells the number of up to 63 topics; more are too many in any case.
    let max = guest.session().limits().topics_max.min(63);
    if u64::from(length) > max.saturating_mul(32).saturating_add(4) {
        return Err(Trap::TooManyTopics.into());
    }
    let bytes = guest.read(pointer, length)?;
    let Some((first, hashes)) = bytes.split_first() else { return Ok(Vec::new()) };
    let count = usize::from(first >> 2);
    if first & 3 != 0 || hashes.len() != count.saturating_mul(32) {
        return Err(Trap::InvalidArgument.into());
    }
    Ok(hashes.chunks_exact(32).filter_map(|hash| hash.try_into().ok()).collect())
}

/// Always answers "success": whether somebody listens is not the contract's business.
pub(crate) fn debug_message(guest: &mut Guest<'_>, text: u32, text_len: u32) -> Result<u32, Abort> {
    if u64::from(text_len) > guest.session().limits().debug_bytes_max {
        return Err(Trap::DebugMessageTooLong.into());
    }
    let message = guest.read(text, text_len)?;
    events::debug(guest.session(), &message)?;
    Ok(code::SUCCESS)
}

// Hashes and signatures

fn hash(guest: &mut Guest<'_>, kind: HashKind, data: u32, data_len: u32, out: u32) -> Result<(), Abort> {
    let data = guest.read(data, data_len)?;
    let hash = crypto::hash(guest.session(), kind, &data)?;
    guest.write(out, &hash)
}

pub(crate) fn hash_sha2_256(guest: &mut Guest<'_>, data: u32, data_len: u32, out: u32) -> Result<(), Abort> {
    hash(guest, HashKind::Sha2_256, data, data_len, out)
}

pub(crate) fn hash_keccak_256(guest: &mut Guest<'_>, data: u32, data_len: u32, out: u32) -> Result<(), Abort> {
    hash(guest, HashKind::Keccak256, data, data_len, out)
}

pub(crate) fn hash_blake2_256(guest: &mut Guest<'_>, data: u32, data_len: u32, out: u32) -> Result<(), Abort> {
    hash(guest, HashKind::Blake2_256, data, data_len, out)
}

pub(crate) fn hash_blake2_128(guest: &mut Guest<'_>, data: u32, data_len: u32, out: u32) -> Result<(), Abort> {
    hash(guest, HashKind::Blake2_128, data, data_len, out)
}

pub(crate) fn ecdsa_recover(guest: &mut Guest<'_>, signature: u32, hash: u32, out: u32) -> Result<u32, Abort> {
    let signature = guest.read_array(signature)?;
    let hash = guest.read_array(hash)?;
    match crypto::ecdsa_recover(guest.session(), &signature, &hash)? {
        Some(key) => guest.write(out, &key).map(|()| code::SUCCESS),
        None => Ok(code::ECDSA_RECOVERY_FAILED),
    }
}

pub(crate) fn ecdsa_to_eth_address(guest: &mut Guest<'_>, key: u32, out: u32) -> Result<u32, Abort> {
    let key = guest.read_array(key)?;
    match crypto::ecdsa_to_eth_address(guest.session(), &key)? {
        Some(address) => guest.write(out, &address).map(|()| code::SUCCESS),
        None => Ok(code::ECDSA_RECOVERY_FAILED),
    }
}

// Balances and calls

fn read_address(guest: &mut Guest<'_>, pointer: u32) -> Result<Address, Abort> {
    Ok(Address::from(guest.read_array::<32>(pointer)?))
}

fn read_balance(guest: &mut Guest<'_>, pointer: u32) -> Result<Balance, Abort> {
    Ok(Balance::from_le_bytes(guest.read_array(pointer)?))
}

pub(crate) fn transfer(guest: &mut Guest<'_>, account: u32, _: u32, value: u32, _: u32) -> Result<u32, Abort> {
    guest.session().require_writable()?;
    let to = read_address(guest, account)?;
    let value = read_balance(guest, value)?;
    let session = guest.session();
    let price = session.prices().transfer_base;
    session.gas.charge(price)?;
    let from = session.frame()?.contract.clone();
    let moved = accounts::transfer(&mut session.overlay, &from, &to, value)?;
    Ok(if moved.is_ok() { code::SUCCESS } else { code::TRANSFER_FAILED })
}

/// The arguments that all forms of `call` have.
struct CallArguments {
    flags: u32,
    callee: u32,
    gas: u64,
    value: u32,
    input: u32,
    input_len: u32,
    out: u32,
    out_len: u32,
}

fn call(guest: &mut Guest<'_>, arguments: CallArguments) -> Result<u32, Abort> {
    let CallArguments { flags, callee, gas, value, input, input_len, out, out_len } = arguments;
    if flags & !flag::ALL != 0 {
        return Err(Trap::InvalidArgument.into());
    }
    let callee = read_address(guest, callee)?;
    let value = read_balance(guest, value)?;
    let input = input_for_call(guest, flags, input, input_len)?;
    let request = CallRequest {
        callee,
        value,
        input,
        gas,
        read_only: flags & flag::READ_ONLY != 0,
        allow_reentry: flags & flag::ALLOW_REENTRY != 0,
    };
    let planned = call::plan_call(guest.session(), request)?;
    let ended = run_planned(guest, planned, false)?;
    finish(guest, flags, ended, out, out_len)
}

/// Where the callee's input comes from: the caller's own input, forwarded or copied, or its memory.
fn input_for_call(guest: &mut Guest<'_>, flags: u32, input: u32, input_len: u32) -> Result<Vec<u8>, Abort> {
    let own = &mut guest.session().frame_mut()?.input;
    if flags & flag::FORWARD_INPUT != 0 {
        return Ok(own.take().ok_or(Trap::InputConsumed)?);
    }
    if flags & flag::CLONE_INPUT != 0 {
        let copy = own.clone().ok_or(Trap::InputConsumed)?;
        let (base, each) = (guest.session().prices().input_base, guest.session().prices().input_byte);
        guest.session().gas.charge_linear(base, each, copy.len())?;
        return Ok(copy);
    }
    if u64::from(input_len) > guest.session().limits().input_bytes_max {
        return Err(Trap::InputTooLong.into());
    }
    guest.read(input, input_len)
}

/// Runs what was planned; a refusal stands for itself.
fn run_planned(guest: &mut Guest<'_>, planned: Planned, constructor: bool) -> Result<Result<Ended, Refused>, Abort> {
    let (frame, gas) = match planned {
        Ok(planned) => planned,
        Err(refused) => return Ok(Err(refused)),
    };
    let ended = guest.nested(|session| {
        if constructor { call::run_constructor(session, frame, gas) } else { run_frame(session, frame, gas) }
    })?;
    // The leave, or its refusal, was for this one call.
    guest.session().frame_mut()?.allow_reentry = true;
    Ok(Ok(ended))
}

/// Gives the caller its return code and the callee's output, or, for a tail call, ends the caller with both.
fn finish(
    guest: &mut Guest<'_>,
    flags: u32,
    ended: Result<Ended, Refused>,
    out: u32,
    out_len: u32,
) -> Result<u32, Abort> {
    match ended {
        Ok(Ended { status: status @ (Status::Returned | Status::Reverted), output }) => {
            if flags & flag::TAIL_CALL != 0 {
                guest.session().frame_mut()?.output = output;
                return Err(Abort::Stop(status));
            }
            write_output(guest, out, out_len, &output, true)?;
            Ok(return_code(status))
        }
        Ok(Ended { status, .. }) => Ok(return_code(status)),
        Err(refused) => Ok(return_code(Status::Refused(refused))),
    }
}

fn return_code(status: Status) -> u32 {
    match status {
        Status::Returned => code::SUCCESS,
        Status::Reverted => code::CALLEE_REVERTED,
        Status::Trapped(_) | Status::OutOfGas | Status::Exhausted(_) => code::CALLEE_TRAPPED,
        Status::Refused(Refused::CodeNotFound) => code::CODE_NOT_FOUND,
        Status::Refused(Refused::InsufficientBalance | Refused::BalanceOverflow) => code::TRANSFER_FAILED,
        Status::Refused(Refused::ContractNotFound) => code::NOT_CALLABLE,
        Status::Refused(_) => code::CALLEE_TRAPPED,
    }
}

#[expect(clippy::too_many_arguments, reason = "the signature of the import")]
pub(crate) fn call_0(
    guest: &mut Guest<'_>,
    callee: u32,
    _: u32,
    gas: u64,
    value: u32,
    _: u32,
    input: u32,
    input_len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Abort> {
    call(guest, CallArguments { flags: flag::ALLOW_REENTRY, callee, gas, value, input, input_len, out, out_len })
}

#[expect(clippy::too_many_arguments, reason = "the signature of the import")]
pub(crate) fn call_1(
    guest: &mut Guest<'_>,
    flags: u32,
    callee: u32,
    gas: u64,
    value: u32,
    input: u32,
    input_len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Abort> {
    call(guest, CallArguments { flags, callee, gas, value, input, input_len, out, out_len })
}

/// Proof sizes and storage deposits have no limits here; both arguments are ignored.
#[expect(clippy::too_many_arguments, reason = "the signature of the import")]
pub(crate) fn call_2(
    guest: &mut Guest<'_>,
    flags: u32,
    callee: u32,
    gas: u64,
    _: u64,
    _: u32,
    value: u32,
    input: u32,
    input_len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Abort> {
    call(guest, CallArguments { flags, callee, gas, value, input, input_len, out, out_len })
}

pub(crate) fn delegate_call(
    guest: &mut Guest<'_>,
    flags: u32,
    code_hash: u32,
    input: u32,
    input_len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Abort> {
    // Reentrancy and read-only are the caller's and cannot be chosen again.
    if flags & !(flag::FORWARD_INPUT | flag::CLONE_INPUT | flag::TAIL_CALL) != 0 {
        return Err(Trap::InvalidArgument.into());
    }
    let code_hash = guest.read_array(code_hash)?;
    let input = input_for_call(guest, flags, input, input_len)?;
    let planned = call::plan_delegate(guest.session(), code_hash, input)?;
    let ended = run_planned(guest, planned, false)?;
    finish(guest, flags, ended, out, out_len)
}

/// The arguments that all forms of `instantiate` have.
struct InstantiateArguments {
    code_hash: u32,
    gas: u64,
    value: u32,
    input: u32,
    input_len: u32,
    address: u32,
    address_len: u32,
    out: u32,
    out_len: u32,
    salt: u32,
    salt_len: u32,
}

fn instantiate(guest: &mut Guest<'_>, arguments: InstantiateArguments) -> Result<u32, Abort> {
    let code_hash = guest.read_array(arguments.code_hash)?;
    let value = read_balance(guest, arguments.value)?;
    let input = input_for_call(guest, 0, arguments.input, arguments.input_len)?;
    if u64::from(arguments.salt_len) > guest.session().limits().salt_bytes_max {
        return Err(Trap::SaltTooLong.into());
    }
    let salt = guest.read(arguments.salt, arguments.salt_len)?;
    let request = InstantiateRequest { code_hash, value, input, salt, gas: arguments.gas };
    let planned = call::plan_instantiate(guest.session(), request)?;
    if let Err(Refused::DuplicateContract) = planned {
        return Err(Trap::DuplicateContract.into());
    }
    let created = planned.as_ref().ok().map(|(frame, _)| frame.contract.clone());
    let ended = run_planned(guest, planned, true)?;
    if let (Ok(Ended { status: Status::Returned, .. }), Some(created)) = (&ended, created) {
        write_output(guest, arguments.address, arguments.address_len, created.as_bytes(), true)?;
    }
    finish(guest, 0, ended, arguments.out, arguments.out_len)
}

#[expect(clippy::too_many_arguments, reason = "the signature of the import")]
pub(crate) fn instantiate_0(
    guest: &mut Guest<'_>,
    code_hash: u32,
    _: u32,
    gas: u64,
    value: u32,
    _: u32,
    input: u32,
    input_len: u32,
    address: u32,
    address_len: u32,
    out: u32,
    out_len: u32,
    salt: u32,
    salt_len: u32,
) -> Result<u32, Abort> {
    instantiate_1(guest, code_hash, gas, value, input, input_len, address, address_len, out, out_len, salt, salt_len)
}

#[expect(clippy::too_many_arguments, reason = "the signature of the import")]
pub(crate) fn instantiate_1(
    guest: &mut Guest<'_>,
    code_hash: u32,
    gas: u64,
    value: u32,
    input: u32,
    input_len: u32,
    address: u32,
    address_len: u32,
    out: u32,
    out_len: u32,
    salt: u32,
    salt_len: u32,
) -> Result<u32, Abort> {
    let arguments = InstantiateArguments {
        code_hash,
        gas,
        value,
        input,
        input_len,
        address,
        address_len,
        out,
        out_len,
        salt,
        salt_len,
    };
    instantiate(guest, arguments)
}

/// Proof sizes and storage deposits have no limits here; both arguments are ignored.
#[expect(clippy::too_many_arguments, reason = "the signature of the import")]
pub(crate) fn instantiate_2(
    guest: &mut Guest<'_>,
    code_hash: u32,
    gas: u64,
    _: u64,
    _: u32,
    value: u32,
    input: u32,
    input_len: u32,
    address: u32,
    address_len: u32,
    out: u32,
    out_len: u32,
    salt: u32,
    salt_len: u32,
) -> Result<u32, Abort> {
    instantiate_1(guest, code_hash, gas, value, input, input_len, address, address_len, out, out_len, salt, salt_len)
}

pub(crate) fn terminate_0(guest: &mut Guest<'_>, beneficiary: u32, _: u32) -> Result<(), Abort> {
    terminate_1(guest, beneficiary)
}

pub(crate) fn terminate_1(guest: &mut Guest<'_>, beneficiary: u32) -> Result<(), Abort> {
    guest.session().require_writable()?;
    let beneficiary = read_address(guest, beneficiary)?;
    call::terminate(guest.session(), &beneficiary)
}

pub(crate) fn set_code_hash(guest: &mut Guest<'_>, code_hash: u32) -> Result<u32, Abort> {
    guest.session().require_writable()?;
    let code_hash = guest.read_array(code_hash)?;
    Ok(match call::set_code(guest.session(), code_hash)? {
        Ok(()) => code::SUCCESS,
        Err(refused) => return_code(Status::Refused(refused)),
    })
}

// What this chain does not offer: one rule for all of it

fn unavailable<R>(guest: &mut Guest<'_>) -> Result<R, Abort> {
    let price = guest.session().prices().unavailable;
    guest.session().gas.charge(price)?;
    Err(Trap::Unavailable.into())
}

macro_rules! unavailable_imports {
    ($($name:ident($($argument:ident),*) -> $result:ty;)*) => {
        $(
            #[expect(clippy::allow_attributes, reason = "only the longest of them has too many arguments")]
            #[allow(clippy::too_many_arguments, reason = "the signature of the import")]
            pub(crate) fn $name(guest: &mut Guest<'_>, $($argument: u32),*) -> Result<$result, Abort> {
                let _ = ($($argument,)*);
                unavailable(guest)
            }
        )*
    };
}
unavailable_imports! {
    unavailable_2(a, b) -> u32;
    unavailable_4(a, b, c, d) -> u32;
    unavailable_5(a, b, c, d, e) -> u32;
    unavailable_1_no_result(a) -> ();
    unavailable_2_no_result(a, b) -> ();
    unavailable_4_no_result(a, b, c, d) -> ();
    unavailable_5_no_result(a, b, c, d, e) -> ();
    unavailable_8_no_result(a, b, c, d, e, f, g, h) -> ();
}
