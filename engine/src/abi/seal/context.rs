//! What a contract may know: itself, its caller, the block, its gas, other contracts.

use super::{code, read_address, write_output};
use crate::abi::Guest;
use crate::host::{accounts, call, storage};
use crate::outcome::Abort;
use crate::records::{self, RecordKey};
use crate::trace::TraceEvent;
use crate::types::{Address, Balance};
use parity_scale_codec::{Compact, Encode};

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
    let minimum = guest.session().spec.minimum_balance();
    tell(guest, out, out_len, &minimum.to_le_bytes())
}

pub(crate) fn gas_left_0(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let price = guest.session().prices().gas_left;
    guest.session().gas.charge(price)?;
    guest.session().trace.note(|| TraceEvent::GasRead);
    let left = guest.session().gas.available();
    write_output(guest, out, out_len, &left.to_le_bytes(), false)
}

pub(crate) fn gas_left_1(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let price = guest.session().prices().gas_left;
    guest.session().gas.charge(price)?;
    guest.session().trace.note(|| TraceEvent::GasRead);
    let left = (Compact(guest.session().gas.available()), Compact(0u64)).encode();
    write_output(guest, out, out_len, &left, false)
}

/// Proof sizes have no price here.
pub(crate) fn weight_to_fee(guest: &mut Guest<'_>, gas: u64, out: u32, out_len: u32) -> Result<(), Abort> {
    let fee = guest.session().gas_price.saturating_mul(Balance::from(gas));
    tell(guest, out, out_len, &fee.to_le_bytes())
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

/// Whether the caller is the chain itself, in a call that begins or ends a block.
pub(crate) fn caller_is_root(guest: &mut Guest<'_>) -> Result<u32, Abort> {
    let session = guest.session();
    let price = session.prices().context_read;
    session.gas.charge(price)?;
    Ok(u32::from(session.root && session.frames.len() == 1))
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
