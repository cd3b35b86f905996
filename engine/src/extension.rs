//! Functions of the node's own that contracts reach through `call_chain_extension`. Which there are, from which height on
//! and at what price is data in the chain specification; what they do is the node's code, over the kernel alone.

use crate::host::{accounts, events, storage};
use crate::outcome::{Abort, Fault, Status, Trap};
use crate::session::Session;
use crate::types::{Address, Balance, BlockContext, Hash};
use parity_scale_codec::Encode;
use unfork_state::Value;

/// What a chain declares about one function of its extension. Part of the chain specification's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode)]
pub struct ExtensionFunction {
    /// The number that contracts call it by. A function that is to behave differently gets a new one.
    pub id: u32,
    /// The first height at which it can be called.
    pub since: u64,
    /// Gas for a call, charged before it.
    pub base: u64,
    /// Gas for each byte of input, charged before the call.
    pub per_byte: u64,
}

/// What a function of an extension answers to the contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtensionAnswer {
    /// The number that `call_chain_extension` gives.
    pub code: u32,
    /// The output, at most `output_bytes_max`.
    pub output: Vec<u8>,
}

/// A node's own host functions. What one does must depend on its input and the kernel alone: no clock, no thread, no
/// memory of former calls.
pub trait ChainExtension: Send + Sync {
    /// Carries out the function `id`, which the chain specification declares, and whose price is paid.
    ///
    /// # Errors
    /// [`Stopped`], as an operation of the kernel gave it, or made by [`Kernel::trap`] and [`Kernel::fault`].
    fn call(&self, id: u32, input: &[u8], kernel: &mut Kernel<'_>) -> Result<ExtensionAnswer, Stopped>;
}

/// The contract does not go on: out of gas, a trap, or a fault of the node. To be handed on; an operation of the kernel that
/// gave it stops the contract either way.
#[derive(Debug)]
pub struct Stopped(
    /// Why; `None` where the kernel has kept the reason.
    Option<Abort>,
);

/// The journaled, metered operations that an extension may use, in the name of the contract that called it.
pub struct Kernel<'a> {
    session: &'a mut Session,
    id: u32,
    /// Why an operation could not be carried out, the first time. No extension can make a fault of the node a result.
    stopped: Option<Abort>,
}

impl<'a> Kernel<'a> {
    pub(crate) fn new(session: &'a mut Session, id: u32) -> Self {
        Self { session, id, stopped: None }
    }

    /// Does `operation`, unless one before it could not be carried out; keeps the reason why it could not.
    fn done<T>(&mut self, operation: impl FnOnce(&mut Session) -> Result<T, Abort>) -> Result<T, Stopped> {
        if self.stopped.is_some() {
            return Err(Stopped(None));
        }
        operation(self.session).map_err(|abort| {
            self.stopped = Some(abort);
            Stopped(None)
        })
    }

    /// The contract that called.
    ///
    /// # Errors
    /// A fault: only our own bug.
    pub fn contract(&self) -> Result<Address, Stopped> {
        Ok(self.session.frame().map_err(|abort| Stopped(Some(abort)))?.contract.clone())
    }

    /// Who called the contract.
    ///
    /// # Errors
    /// As [`Kernel::contract`].
    pub fn caller(&self) -> Result<Address, Stopped> {
        Ok(self.session.frame().map_err(|abort| Stopped(Some(abort)))?.caller.clone())
    }

    /// The block.
    #[must_use]
    pub fn block(&self) -> BlockContext {
        self.session.block
    }

    /// Charges `gas` more, before the work it pays for.
    ///
    /// # Errors
    /// Out of gas.
    pub fn charge(&mut self, gas: u64) -> Result<(), Stopped> {
        self.done(|session| session.gas.charge(gas))
    }

    /// Reads what this function has stored with the contract; the contract itself cannot reach it.
    ///
    /// # Errors
    /// Out of gas, a key that is too long, a fault.
    pub fn read(&mut self, key: &[u8]) -> Result<Option<Value>, Stopped> {
        let raw = self.raw(key);
        self.done(|session| storage::read(session, &raw))
    }

    /// Stores a value with the contract.
    ///
    /// # Errors
    /// Out of gas, a key or value that is too long, a frame that may only read, a budget, a fault.
    pub fn write(&mut self, key: &[u8], value: &[u8]) -> Result<(), Stopped> {
        let raw = self.raw(key);
        self.done(|session| storage::write(session, &raw, Value::from(value)).map(drop))
    }

    /// Removes a value.
    ///
    /// # Errors
    /// As [`Kernel::write`].
    pub fn remove(&mut self, key: &[u8]) -> Result<(), Stopped> {
        let raw = self.raw(key);
        self.done(|session| storage::remove(session, &raw).map(drop))
    }

    /// The balance of an account.
    ///
    /// # Errors
    /// Out of gas, a fault.
    pub fn balance(&mut self, address: &Address) -> Result<Balance, Stopped> {
        self.done(|session| {
            let price = session.prices().balance_read;
            session.gas.charge(price)?;
            Ok(accounts::account(&mut session.overlay, address)?.balance)
        })
    }

    /// Moves balance of the contract; whether it moved.
    ///
    /// # Errors
    /// Out of gas, a frame that may only read, a fault.
    pub fn transfer(&mut self, to: &Address, value: Balance) -> Result<bool, Stopped> {
        self.done(|session| Ok(accounts::pay(session, to, value)?.is_ok()))
    }

    /// Emits an event in the name of the contract.
    ///
    /// # Errors
    /// Out of gas, a frame that may only read, a limit, a budget.
    pub fn emit(&mut self, topics: Vec<Hash>, data: Vec<u8>) -> Result<(), Stopped> {
        self.done(|session| events::emit(session, topics, data))
    }

    /// Ends the contract with the trap `invalid_argument`, since its input means nothing.
    #[must_use]
    pub fn trap() -> Stopped {
        Stopped(Some(Abort::Stop(Status::Trapped(Trap::InvalidArgument))))
    }

    /// Stops the node: the extension cannot do what every other node can.
    #[must_use]
    pub fn fault(what: impl Into<std::borrow::Cow<'static, str>>) -> Stopped {
        Stopped(Some(Abort::Fault(Fault::internal(what))))
    }

    /// Keys of extensions are a form of their own, told apart by the function.
    fn raw(&self, key: &[u8]) -> Vec<u8> {
        [[2].as_slice(), &self.id.to_be_bytes(), key].concat()
    }
}

/// Calls the function `id`, whose declared price is charged first.
pub(crate) fn call(session: &mut Session, function: ExtensionFunction, input: &[u8]) -> Result<ExtensionAnswer, Abort> {
    let base = session.prices().chain_extension_base.saturating_add(function.base);
    session.gas.charge_linear(base, function.per_byte, input.len())?;
    let missing = || Fault::internal("the chain declares extension functions, and this engine was given no extension");
    let extension = session.machine.extension().ok_or_else(missing)?;
    let mut kernel = Kernel::new(session, function.id);
    let answered = extension.call(function.id, input, &mut kernel);
    // What the kernel could not do comes first, also where the extension went on without it.
    if let Some(abort) = kernel.stopped {
        return Err(abort);
    }
    let unknown = || Abort::from(Fault::internal("an extension handed on a reason from another call"));
    let answer = answered.map_err(|stopped| stopped.0.unwrap_or_else(unknown))?;
    if u64::try_from(answer.output.len()).unwrap_or(u64::MAX) > session.limits().output_bytes_max {
        return Err(Trap::OutputTooLong.into());
    }
    Ok(answer)
}
