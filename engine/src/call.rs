//! ENTRY POINT of one contract call: find the code, load it, run it in a frame of its own, keep or roll back.
//!
//! ```text
//! begin frame ─▶ move value ─▶ load code (priced, as if cold) ─▶ instantiate (priced) ─▶ executor.run
//!      ▲                                                                                        │
//!      └── roll back unless Returned ◀── what is left of its gas goes back to the caller ◀──────┘
//! ```

use crate::executor::Program;
use crate::host::accounts;
use crate::host::call::{CallRequest, plan_call, plan_reply};
use crate::outcome::{Abort, Budget, Fault, Refused, Status, Trap};
use crate::session::{Frame, FrameKind, Gas, Met, Phase, Queued, Reply, Session, spend};
use crate::trace::TraceEvent;
use crate::types::Hash;
use std::sync::Arc;

/// What a frame came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub status: Status,
    pub output: Vec<u8>,
}

/// Runs `frame` with `gas_limit` of the caller's gas; unused gas goes back. The caller has made sure that there is
/// room on the call stack. A fault leaves the session usable for nothing but being rolled back.
pub(crate) fn run_frame(
    mut session: Box<Session>,
    frame: Frame,
    gas_limit: u64,
) -> (Box<Session>, Result<Ended, Fault>) {
    let depth = session.frames.len();
    let caller_gas = session.gas.left.saturating_sub_unsigned(gas_limit);
    let caller_stack = session.budgets.stack;
    let start = session.begin();
    session.trace.note(|| TraceEvent::FrameStarted {
        depth,
        kind: frame.kind,
        contract: frame.contract.clone(),
        code_hash: frame.code_hash,
        caller: frame.caller.clone(),
        read_only: frame.read_only,
        value: frame.value,
        input: frame.input.clone().unwrap_or_default(),
        gas_limit,
    });
    session.gas = Gas { left: i64::try_from(gas_limit).unwrap_or(i64::MAX) };
    session.frames.push(frame);

    let (session, result) = run_pushed(session);
    let (mut session, result) = match result {
        Ok(Status::Returned) | Err(Abort::Stop(Status::Returned)) => run_queue(session),
        other => (session, other),
    };
    let output = session.frames.pop().map(|frame| {
        session.budgets.live_memory_pages = session.budgets.live_memory_pages.saturating_add(frame.memory_pages);
        frame.output
    });
    session.budgets.stack = caller_stack;
    let status = match result {
        Ok(status) => status,
        Err(Abort::Stop(status)) => status,
        Err(Abort::Fault(fault)) => return (session, Err(fault)),
    };
    if !status.is_success() {
        session.roll_back(start);
    }
    let left = if takes_all_gas(status) { 0 } else { session.gas.available() };
    session.gas = Gas { left: caller_gas.saturating_add_unsigned(left) };
    let output = match status {
        Status::Returned | Status::Reverted => output.unwrap_or_default(),
        _ => Vec::new(),
    };
    let gas_used = gas_limit.saturating_sub(left);
    let places = std::mem::take(&mut session.places);
    session.trace.note(|| TraceEvent::FrameEnded { depth, status, gas_used, output: output.clone(), places });
    (session, Ok(Ended { status, output }))
}

/// Whether a frame that ends so loses all gas it was given (docs/gas.md, "What a trap costs").
///
/// A trap of an operator is only noticed after the fact, so it takes everything; `unreachable` and the traps of host
/// functions happen where the exact count is known, and cost what ran.
pub(crate) fn takes_all_gas(status: Status) -> bool {
    match status {
        Status::OutOfGas | Status::Exhausted(Budget::Stack | Budget::LiveMemory) => true,
        Status::Trapped(trap) => trap.code() < 32 && trap != Trap::Unreachable,
        Status::Returned | Status::Reverted | Status::Exhausted(_) | Status::Refused(_) => false,
    }
}

/// Runs the frame on top of the stack.
fn run_pushed(mut session: Box<Session>) -> (Box<Session>, Result<Status, Abort>) {
    match set_up(&mut session) {
        Ok((program, kind)) => {
            session.watch(Phase::Instantiate);
            let (session, result) = program.run(session, kind);
            session.watch(Phase::Other);
            (session, result)
        }
        Err(abort) => (session, Err(abort)),
    }
}

/// Carries out what the contract has queued, one after the other, what each queues itself before the next. One that fails
/// without the contract wanting to be told is a failure of the contract.
fn run_queue(mut session: Box<Session>) -> (Box<Session>, Result<Status, Abort>) {
    let queue = match session.frame_mut() {
        Ok(frame) => std::mem::take(&mut frame.queue),
        Err(abort) => return (session, Err(abort)),
    };
    for queued in queue {
        let result;
        (session, result) = run_queued(session, queued);
        match result {
            Ok(Status::Returned) => {}
            other => return (session, other),
        }
    }
    (session, Ok(Status::Returned))
}

fn run_queued(mut session: Box<Session>, queued: Queued) -> (Box<Session>, Result<Status, Abort>) {
    let Queued { callee, value, input, gas, reply_on, id, payload } = queued;
    let request = CallRequest { callee, value, input, gas, read_only: false, allow_reentry: true };
    let ended = match plan_call(&mut session, request) {
        Ok(Ok((frame, gas))) => {
            let result;
            (session, result) = run_frame(session, frame, gas);
            match result {
                Ok(ended) => ended,
                Err(fault) => return (session, Err(Abort::Fault(fault))),
            }
        }
        Ok(Err(refused)) => Ended { status: Status::Refused(refused), output: Vec::new() },
        Err(abort) => return (session, Err(abort)),
    };
    let success = ended.status.is_success();
    if !reply_on.wants(success) {
        return (session, Ok(if success { Status::Returned } else { Status::Reverted }));
    }
    let (frame, gas) = match plan_reply(&mut session, Reply { id, payload, status: ended.status, output: ended.output })
    {
        Ok(planned) => planned,
        Err(abort) => return (session, Err(abort)),
    };
    let (mut session, told) = run_frame(session, frame, gas);
    let result = told.map_err(Abort::Fault).and_then(|told| {
        if !told.status.is_success() {
            return Ok(Status::Reverted);
        }
        // What the reply gives stands for what the contract gave.
        if !told.output.is_empty() {
            session.frame_mut()?.output = told.output;
        }
        Ok(Status::Returned)
    });
    (session, result)
}

/// Moves the value and pays for code and instance, in this order.
fn set_up(session: &mut Session) -> Result<(Arc<dyn Program>, FrameKind), Abort> {
    let frame_base = session.prices().frame_base;
    session.gas.charge(frame_base)?;
    let frame = session.frame()?;
    let (kind, code_hash, value) = (frame.kind, frame.code_hash, frame.value);
    if kind != FrameKind::Delegate && value > 0 {
        let transfer_base = session.prices().transfer_base;
        session.gas.charge(transfer_base)?;
        let frame = session.frame()?;
        let (from, to) = (frame.caller.clone(), frame.contract.clone());
        let moved = accounts::transfer_counted(session, &from, &to, value)?;
        moved.map_err(|error| Abort::Stop(Status::Refused(Refused::from(error))))?;
    }
    let program = load(session, code_hash)?;
    session.gas.charge(program.instantiation_gas())?;
    let pages = u64::from(program.memory_pages_min());
    spend(&mut session.budgets.live_memory_pages, pages, Budget::LiveMemory)?;
    session.frame_mut()?.memory_pages = pages;
    Ok((program, kind))
}

/// The program of a code. Its first use in a transaction pays for loading it cold, whatever any cache holds. A frame that
/// cannot pay that has not loaded it: the next one pays.
fn load(session: &mut Session, code_hash: Hash) -> Result<Arc<dyn Program>, Abort> {
    let Some(Met { code, program }) = session.code(&code_hash)? else {
        return Err(Abort::Stop(Status::Refused(Refused::CodeNotFound)));
    };
    if let Some(program) = program {
        return Ok(Arc::clone(program));
    }
    let code = *code;
    let cost = session.prices().loading_gas(code.loading);
    session.gas.charge(cost)?;
    session.watch(Phase::LookUp);
    let Session { machine, spec, rules, overlay, locate, .. } = session;
    let program = machine.program(spec, rules, overlay, &code_hash, code, *locate)?;
    session.loaded(&code_hash, code.loading, &program)?;
    Ok(program)
}
