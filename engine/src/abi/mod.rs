//! Profiles: names, signatures and memory conventions over the host operations. A profile is chosen at upload, stored
//! with the code and never guessed.

pub(crate) mod seal;
pub(crate) mod seal_imports;

use crate::outcome::{Abort, Budget, Fault, Status, Trap};
use crate::session::{Session, spend};
use parity_scale_codec::{Decode, Encode};
use unfork_gas::{Entry, Floats, Profile};

/// The profiles there are; the numbers are consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[repr(u8)]
pub enum ProfileId {
    /// `seal`: what ink! 5 and small contracts in C, Rust, Zig and AssemblyScript are written against (docs/abi.md).
    #[codec(index = 1)]
    Seal = 1,
}

impl ProfileId {
    /// Every profile.
    pub const ALL: &'static [Self] = &[Self::Seal];

    /// The number in transactions and records.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Seal => 1,
        }
    }

    /// The profile of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|profile| profile.number() == number)
    }

    /// The name people use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
        }
    }

    /// What admission checks code of this profile against: imports, entry points, memory, floats.
    #[must_use]
    pub fn for_admission(self) -> Profile<'static> {
        match self {
            Self::Seal => Profile {
                name: "seal",
                imports: seal_imports::sorted(),
                entries: &[
                    Entry { name: "call", params: &[], results: &[] },
                    Entry { name: "deploy", params: &[], results: &[] },
                ],
                memory_import: Some(("env", "memory")),
                floats: Floats::Forbid,
            },
        }
    }

    /// The only length of address it can work with, if there is one.
    #[must_use]
    pub fn address_length(self) -> Option<usize> {
        match self {
            Self::Seal => Some(32),
        }
    }

    pub(crate) fn entry_deploy(self) -> &'static str {
        match self {
            Self::Seal => "deploy",
        }
    }

    pub(crate) fn entry_call(self) -> &'static str {
        match self {
            Self::Seal => "call",
        }
    }
}

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
