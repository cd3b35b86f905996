//! Profiles carried out: names, signatures and memory conventions over the host operations.

pub(crate) mod seal;
pub(crate) mod seal_imports;

use crate::outcome::{Abort, Budget, Fault, Status, Trap};
use crate::session::{Session, spend};

/// The running contract as a profile's functions see it: its memory, and the session that goes with it.
///
/// Every byte that crosses the boundary is checked, counted and paid for here.
pub(crate) struct Guest<'a> {
    memory: &'a mut [u8],
    /// Invariant: present, except while a nested frame has it.
    session: Option<Box<Session>>,
}

impl<'a> Guest<'a> {
    pub fn new(memory: &'a mut [u8], session: Box<Session>) -> Self {
        Self { memory, session: Some(session) }
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

    /// Lets `nested` run with the session and takes it back.
    pub fn nested<R>(
        &mut self,
        nested: impl FnOnce(Box<Session>) -> (Box<Session>, Result<R, Fault>),
    ) -> Result<R, Abort> {
        let session = self.session.take().ok_or_else(|| Fault::internal("a nested frame kept the session"))?;
        let (session, result) = nested(session);
        self.session = Some(session);
        result.map_err(Abort::Fault)
    }

    /// What every host call costs, and the moment at which the host notices an empty counter.
    pub fn charge_host_call(&mut self) -> Result<(), Abort> {
        let session = self.session();
        if session.gas.left < 0 {
            return Err(Abort::Stop(Status::OutOfGas));
        }
        let price = session.prices().host_call_base;
        session.gas.charge(price)
    }

    /// Copies `length` bytes out of the contract's memory. Bounds first, then gas, then the copy.
    pub fn read(&mut self, pointer: u32, length: u32) -> Result<Vec<u8>, Abort> {
        self.check(pointer, length)?;
        let price = self.session().prices().guest_read_byte;
        self.pay_copy(price, length)?;
        Ok(self.slice(pointer, length)?.to_vec())
    }

    /// Copies a fixed number of bytes out of the contract's memory.
    pub fn read_array<const N: usize>(&mut self, pointer: u32) -> Result<[u8; N], Abort> {
        let length = u32::try_from(N).map_err(|_| Trap::PointerOutOfBounds)?;
        self.check(pointer, length)?;
        let price = self.session().prices().guest_read_byte;
        self.pay_copy(price, length)?;
        self.slice(pointer, length)?.try_into().map_err(|_| Trap::PointerOutOfBounds.into())
    }

    /// Copies `bytes` into the contract's memory.
    pub fn write(&mut self, pointer: u32, bytes: &[u8]) -> Result<(), Abort> {
        let length = u32::try_from(bytes.len()).map_err(|_| Trap::PointerOutOfBounds)?;
        self.check(pointer, length)?;
        let price = self.session().prices().guest_write_byte;
        self.pay_copy(price, length)?;
        let range = Self::range(pointer, length).ok_or(Trap::PointerOutOfBounds)?;
        self.memory.get_mut(range).ok_or(Trap::PointerOutOfBounds)?.copy_from_slice(bytes);
        Ok(())
    }

    fn check(&self, pointer: u32, length: u32) -> Result<(), Abort> {
        self.slice(pointer, length).map(drop)
    }

    fn slice(&self, pointer: u32, length: u32) -> Result<&[u8], Abort> {
        let range = Self::range(pointer, length).ok_or(Trap::PointerOutOfBounds)?;
        self.memory.get(range).ok_or(Trap::PointerOutOfBounds.into())
    }

    /// The range in 64 bits, so that nothing wraps where pointers are 32 bits wide.
    fn range(pointer: u32, length: u32) -> Option<std::ops::Range<usize>> {
        let end = u64::from(pointer).checked_add(u64::from(length))?;
        Some(usize::try_from(pointer).ok()?..usize::try_from(end).ok()?)
    }

    fn pay_copy(&mut self, price: u64, length: u32) -> Result<(), Abort> {
        let session = self.session();
        session.gas.charge(price.saturating_mul(u64::from(length)))?;
        spend(&mut session.budgets.copied_bytes, u64::from(length), Budget::CopiedBytes)
    }
}
