//! The `seal` profile: pointers and lengths of the guest to and from the operations of `host/` (docs/abi.md).
//!
//! The order of charges is consensus, since a contract can see its gas. It is the same in every function: the host
//! call, then arguments in the order they stand in the signature, then the operation, then the result written back.

mod call;
mod context;
mod crypto;
mod events;
mod extension;
mod storage;

use super::Guest;
use crate::outcome::{Abort, Status, Trap};
use crate::session::FrameKind;
use crate::types::{Address, Balance};

pub(crate) use self::{call::*, context::*, crypto::*, events::*, extension::*, storage::*};
pub(crate) use super::seal_imports::for_each_seal_import;

/// One export, once; it ends by returning or inside a host function.
pub(crate) fn run_entry(kind: FrameKind, guest: &mut Guest<'_>) -> Result<Status, Abort> {
    let entry = if kind == FrameKind::Deploy { "deploy" } else { "call" };
    guest.call(entry, &[]).map(|_| Status::Returned)
}

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
    pub const SR25519_VERIFY_FAILED: u32 = 12;
}

/// "No such value" as a length, and "do not write the output" as a pointer.
const SENTINEL: u32 = u32::MAX;

pub(crate) fn input(guest: &mut Guest<'_>, out: u32, out_len: u32) -> Result<(), Abort> {
    let (base, each) = (guest.session().prices().input_base, guest.session().prices().input_byte);
    let input = guest.session().frame_mut()?.input.take().ok_or(Trap::InputConsumed)?;
    guest.session().gas.charge_linear(base, each, input.len())?;
    write_output(guest, out, out_len, &input, false)?;
    // Reading does not consume it: what an ink! contract has read it may still forward.
    guest.session().frame_mut()?.input = Some(input);
    Ok(())
}

/// Ends the frame with an output. Bit 0 of the flags asks for the changes to be rolled back.
pub(crate) fn seal_return(guest: &mut Guest<'_>, flags: u32, data: u32, data_len: u32) -> Result<(), Abort> {
    if flags > 1 {
        return Err(Trap::InvalidArgument.into());
    }
    if u64::from(data_len) > guest.session().limits().output_bytes_max {
        return Err(Trap::OutputTooLong.into());
    }
    let output = guest.read(data, data_len)?;
    let (base, each) = (guest.session().prices().return_base, guest.session().prices().return_byte);
    guest.session().gas.charge_linear(base, each, output.len())?;
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

fn read_address(guest: &mut Guest<'_>, pointer: u32) -> Result<Address, Abort> {
    Ok(Address::from(guest.read_array::<32>(pointer)?))
}

fn read_balance(guest: &mut Guest<'_>, pointer: u32) -> Result<Balance, Abort> {
    Ok(Balance::from_le_bytes(guest.read_array(pointer)?))
}

/// What every function that this chain does not offer answers.
pub(crate) fn unavailable<R>(guest: &mut Guest<'_>) -> Result<R, Abort> {
    let price = guest.session().prices().unavailable;
    guest.session().gas.charge(price)?;
    Err(Trap::Unavailable.into())
}
