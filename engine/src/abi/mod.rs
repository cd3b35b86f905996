//! Profiles carried out: names, signatures and memory conventions over the host operations.

pub(crate) mod cosmwasm;
pub(crate) mod seal;
pub(crate) mod seal_imports;

use crate::outcome::{Abort, Budget, Fault, Status, Trap};
use crate::profile::ProfileId;
use crate::session::{FrameKind, Session, spend};
use unfork_state::Value;

/// A contract's instance while it runs, from outside or from inside a host function; what executors offer to profiles.
pub(crate) trait GuestInstance {
    /// The memory; empty where there is none.
    fn memory(&mut self) -> &mut [u8];
    /// Calls an export that takes these words, and gives none (called without arguments) or one, with the gas of the
    /// session. Whatever happens the session comes back; without it nothing can go on.
    fn call(
        &mut self,
        session: Box<Session>,
        stack: i64,
        export: &str,
        arguments: &[u32],
    ) -> (Option<Box<Session>>, Result<u32, Abort>);
}

/// The running contract as a profile sees it: its memory, its exports, and the session that goes with it.
///
/// Every byte that crosses the boundary is checked, counted and paid for here. Exports may be called before, inside and
/// after the entry point, on one instance: metered, and inside a host function counted as one level of depth.
pub(crate) struct Guest<'a> {
    instance: &'a mut dyn GuestInstance,
    /// Invariant: present, except while the contract or a nested frame has it.
    session: Option<Box<Session>>,
    /// Stack units for what is called from here.
    stack: i64,
    /// Whether a host function is running.
    inside: bool,
}

impl<'a> Guest<'a> {
    /// The contract seen from outside, before and after it runs.
    pub fn new(instance: &'a mut dyn GuestInstance, session: Box<Session>) -> Self {
        let stack = session.budgets.stack;
        Self { instance, session: Some(session), stack, inside: false }
    }

    /// The contract seen from inside a host function, with the stack units that are left there.
    pub fn inside(instance: &'a mut dyn GuestInstance, session: Box<Session>, stack: i64) -> Self {
        Self { instance, session: Some(session), stack, inside: true }
    }

    /// Gives the session back to the executor.
    pub fn into_session(self) -> Box<Session> {
        match self.session {
            Some(session) => session,
            None => unreachable!("a nested frame kept the session"),
        }
    }

    pub fn session(&mut self) -> &mut Session {
        match &mut self.session {
            Some(session) => session,
            None => unreachable!("a nested frame kept the session"),
        }
    }

    fn take_session(&mut self) -> Result<Box<Session>, Abort> {
        self.session.take().ok_or_else(|| Fault::internal("a nested frame kept the session").into())
    }

    /// Lets `nested` run with the session and takes it back.
    pub fn nested<R>(
        &mut self,
        nested: impl FnOnce(Box<Session>) -> (Box<Session>, Result<R, Fault>),
    ) -> Result<R, Abort> {
        let mut session = self.take_session()?;
        session.budgets.stack = self.stack;
        let (session, result) = nested(session);
        self.session = Some(session);
        result.map_err(Abort::Fault)
    }

    /// Calls an export on this very instance. With arguments it gives a word, without arguments it gives nothing (0).
    pub fn call(&mut self, export: &str, arguments: &[u32]) -> Result<u32, Abort> {
        let mut session = self.take_session()?;
        if self.inside
            && let Err(abort) = session.enter_guest()
        {
            self.session = Some(session);
            return Err(abort);
        }
        let (session, result) = self.instance.call(session, self.stack, export, arguments);
        self.session = session;
        let session = self.session.as_mut().ok_or_else(|| Fault::internal("the session is gone from its store"))?;
        if self.inside {
            session.leave_guest();
        }
        result
    }

    /// What every host call costs, and the moment at which the host notices an empty counter.
    pub fn charge_host_call(&mut self) -> Result<(), Abort> {
        let exhausted = self.stack < 0;
        let session = self.session();
        if session.gas.left < 0 {
            return Err(Abort::Stop(Status::OutOfGas));
        }
        if exhausted {
            return Err(Budget::Stack.into());
        }
        let price = session.prices().host_call_base;
        session.gas.charge(price)
    }

    /// Copies `length` bytes out of the contract's memory. Bounds first, then gas, then the copy.
    pub fn read(&mut self, pointer: u32, length: u32) -> Result<Vec<u8>, Abort> {
        self.paid_slice(pointer, length).map(<[u8]>::to_vec)
    }

    /// As [`Guest::read`], with `before` in front of what was read.
    pub fn read_after(&mut self, before: &[u8], pointer: u32, length: u32) -> Result<Vec<u8>, Abort> {
        let bytes = self.paid_slice(pointer, length)?;
        let mut read = Vec::with_capacity(before.len().saturating_add(bytes.len()));
        read.extend_from_slice(before);
        read.extend_from_slice(bytes);
        Ok(read)
    }

    /// As [`Guest::read`], to be stored.
    pub fn read_shared(&mut self, pointer: u32, length: u32) -> Result<Value, Abort> {
        self.paid_slice(pointer, length).map(Value::from)
    }

    /// Copies a fixed number of bytes out of the contract's memory.
    pub fn read_array<const N: usize>(&mut self, pointer: u32) -> Result<[u8; N], Abort> {
        let length = u32::try_from(N).map_err(|_| Trap::PointerOutOfBounds)?;
        self.paid_slice(pointer, length)?.try_into().map_err(|_| Trap::PointerOutOfBounds.into())
    }

    /// Copies `bytes` into the contract's memory.
    pub fn write(&mut self, pointer: u32, bytes: &[u8]) -> Result<(), Abort> {
        let length = u32::try_from(bytes.len()).map_err(|_| Trap::PointerOutOfBounds)?;
        let (place, session) = self.slice(pointer, length)?;
        pay_copy(session, session.prices().guest_write_byte, length)?;
        place.copy_from_slice(bytes);
        Ok(())
    }

    /// Bytes of the contract's memory that are to be copied out, paid for.
    fn paid_slice(&mut self, pointer: u32, length: u32) -> Result<&[u8], Abort> {
        let (place, session) = self.slice(pointer, length)?;
        pay_copy(session, session.prices().guest_read_byte, length)?;
        Ok(place)
    }

    /// Bytes of the contract's memory, with the session that goes with it.
    fn slice(&mut self, pointer: u32, length: u32) -> Result<(&mut [u8], &mut Session), Abort> {
        let Some(session) = &mut self.session else { unreachable!("a nested frame kept the session") };
        let range = range(pointer, length).ok_or(Trap::PointerOutOfBounds)?;
        let place = self.instance.memory().get_mut(range).ok_or(Trap::PointerOutOfBounds)?;
        Ok((place, session))
    }
}

/// The range in 64 bits, so that nothing wraps where pointers are 32 bits wide.
fn range(pointer: u32, length: u32) -> Option<std::ops::Range<usize>> {
    let end = u64::from(pointer).checked_add(u64::from(length))?;
    Some(usize::try_from(pointer).ok()?..usize::try_from(end).ok()?)
}

fn pay_copy(session: &mut Session, price: u64, length: u32) -> Result<(), Abort> {
    session.gas.charge(price.saturating_mul(u64::from(length)))?;
    spend(&mut session.budgets.copied_bytes, u64::from(length), Budget::CopiedBytes)
}

/// Runs a contract by the script of its profile.
pub(crate) fn run_entry(profile: ProfileId, kind: FrameKind, guest: &mut Guest<'_>) -> Result<Status, Abort> {
    match profile {
        ProfileId::Seal => seal::run_entry(kind, guest),
        ProfileId::CosmWasm => cosmwasm::run_entry(kind, guest),
    }
}
