//! Transfers, calls, creation, end and replacement of contracts.

use super::{code, read_address, read_balance, write_output};
use crate::abi::Guest;
use crate::call::{Ended, run_frame};
use crate::host::accounts;
use crate::host::call::{self, CallRequest, InstantiateRequest, Planned};
use crate::outcome::{Abort, Refused, Status, Trap};
use crate::trace::TraceEvent;

/// Flags of `call` and `delegate_call`.
pub(crate) mod flag {
    pub const FORWARD_INPUT: u32 = 1;
    pub const CLONE_INPUT: u32 = 2;
    pub const TAIL_CALL: u32 = 4;
    pub const ALLOW_REENTRY: u32 = 8;
    pub const READ_ONLY: u32 = 16;
    pub const ALL: u32 = 31;
}

pub(crate) fn transfer(guest: &mut Guest<'_>, account: u32, value: u32) -> Result<u32, Abort> {
    guest.session().require_writable()?;
    let to = read_address(guest, account)?;
    let value = read_balance(guest, value)?;
    let moved = accounts::pay(guest.session(), &to, value)?;
    Ok(if moved.is_ok() { code::SUCCESS } else { code::TRANSFER_FAILED })
}

/// The arguments that all forms of `call` have. Proof sizes and storage deposits have no limits here.
pub(crate) struct CallArguments {
    pub flags: u32,
    pub callee: u32,
    pub gas: u64,
    pub value: u32,
    pub input: u32,
    pub input_len: u32,
    pub out: u32,
    pub out_len: u32,
}

pub(crate) fn call(guest: &mut Guest<'_>, arguments: CallArguments) -> Result<u32, Abort> {
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
    // With both flags it is a copy.
    if flags & flag::CLONE_INPUT != 0 {
        let length = own.as_ref().ok_or(Trap::InputConsumed)?.len();
        let (base, each) = (guest.session().prices().input_base, guest.session().prices().input_byte);
        guest.session().gas.charge_linear(base, each, length)?;
        return Ok(guest.session().frame()?.input.clone().ok_or(Trap::InputConsumed)?);
    }
    if flags & flag::FORWARD_INPUT != 0 {
        return Ok(own.take().ok_or(Trap::InputConsumed)?);
    }
    if u64::from(input_len) > guest.session().limits().input_bytes_max {
        return Err(Trap::InputTooLong.into());
    }
    guest.read(input, input_len)
}

/// Runs what was planned; a refusal stands for itself.
fn run_planned(guest: &mut Guest<'_>, planned: Planned, constructor: bool) -> Result<Result<Ended, Refused>, Abort> {
    let ended = match planned {
        Ok((frame, gas)) => Ok(guest.nested(|session| {
            if constructor { call::run_constructor(session, frame, gas) } else { run_frame(session, frame, gas) }
        })?),
        Err(reason) => {
            guest.session().trace.note(|| TraceEvent::NotStarted { reason });
            Err(reason)
        }
    };
    // The leave, or its refusal, was for this one call, whether or not a frame began.
    guest.session().frame_mut()?.allow_reentry = true;
    Ok(ended)
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
        Status::Refused(Refused::InsufficientBalance | Refused::BalanceOverflow | Refused::BelowMinimum) => {
            code::TRANSFER_FAILED
        }
        Status::Refused(Refused::ContractNotFound) => code::NOT_CALLABLE,
        Status::Refused(_) => code::CALLEE_TRAPPED,
    }
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

/// The arguments that all forms of `instantiate` have. Proof sizes and storage deposits have no limits here.
pub(crate) struct InstantiateArguments {
    pub code_hash: u32,
    pub gas: u64,
    pub value: u32,
    pub input: u32,
    pub input_len: u32,
    pub address: u32,
    pub address_len: u32,
    pub out: u32,
    pub out_len: u32,
    pub salt: u32,
    pub salt_len: u32,
}

pub(crate) fn instantiate(guest: &mut Guest<'_>, arguments: InstantiateArguments) -> Result<u32, Abort> {
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

pub(crate) fn terminate(guest: &mut Guest<'_>, beneficiary: u32) -> Result<(), Abort> {
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

pub(crate) fn lock_delegate_dependency(guest: &mut Guest<'_>, code_hash: u32) -> Result<(), Abort> {
    guest.session().require_writable()?;
    let code_hash = guest.read_array(code_hash)?;
    call::lock_dependency(guest.session(), code_hash)
}

pub(crate) fn unlock_delegate_dependency(guest: &mut Guest<'_>, code_hash: u32) -> Result<(), Abort> {
    guest.session().require_writable()?;
    let code_hash = guest.read_array(code_hash)?;
    call::unlock_dependency(guest.session(), &code_hash)
}
