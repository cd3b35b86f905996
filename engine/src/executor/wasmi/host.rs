//! What wasmi hands back to host functions, and the host functions themselves.

use super::instance::{Handles, Running};
use crate::abi::Guest;
use crate::abi::cosmwasm::{self, for_each_cosmwasm_import};
use crate::abi::seal::{
    self, CallArguments, HashKind, InstantiateArguments, NextKey, RawKey, flag, for_each_seal_import,
};
use crate::outcome::{Abort, Fault};
use crate::profile::ProfileId;
use crate::session::{Phase, Session};
use unfork_gas::Counter;
use wasmi::errors::{MemoryError, TableError};
use wasmi::{Caller, Error, Func, ResourceLimiter, Store};
use wasmi_core::LimiterError;

/// The data of a store.
#[derive(Default)]
pub(super) struct Host {
    /// Here while the contract itself runs; elsewhere while a host function does.
    pub session: Option<Box<Session>>,
    /// Set once the instance exists: what it began with is counted before.
    handles: Option<Handles>,
    /// Set when growing would exceed what all live instances of the transaction may have.
    live_memory_exhausted: bool,
    /// Set when the host itself had no memory: never the contract's business.
    host_memory: Option<&'static str>,
}

impl Host {
    /// From now on, growing counts.
    pub fn started(&mut self, handles: Handles) {
        self.handles = Some(handles);
    }

    pub fn memory_fault(&self) -> Option<Fault> {
        self.host_memory.map(Fault::host_memory)
    }

    pub fn live_memory_exhausted(&self) -> bool {
        self.live_memory_exhausted
    }
}

/// Growing answers −1 by the rule in the prepared code alone: past the maximum that stands there, before wasmi is asked.
/// The pages that all live instances of a transaction may have together are a budget, whose end ends the contract.
/// When the host has no memory, growing must not answer −1 but stop the node.
impl ResourceLimiter for Host {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        if self.handles.is_none() {
            return Ok(true);
        }
        let pages = u64::try_from(desired.saturating_sub(current) >> 16).unwrap_or(u64::MAX);
        let taken = self.session.as_mut().and_then(|session| {
            session.budgets.live_memory_pages = session.budgets.live_memory_pages.checked_sub(pages)?;
            let frame = session.frames.last_mut()?;
            frame.memory_pages = frame.memory_pages.saturating_add(pages);
            Some(())
        });
        if taken.is_none() {
            self.live_memory_exhausted = true;
            return Err(LimiterError::ResourceLimiterDeniedAllocation);
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: &MemoryError) -> Result<(), LimiterError> {
        if !matches!(error, MemoryError::OutOfSystemMemory) {
            return Ok(());
        }
        self.host_memory = Some("a contract's memory");
        Err(LimiterError::ResourceLimiterDeniedAllocation)
    }

    fn table_grow_failed(&mut self, error: &TableError) -> Result<(), LimiterError> {
        if !matches!(error, TableError::OutOfSystemMemory) {
            return Ok(());
        }
        self.host_memory = Some("a contract's table");
        Err(LimiterError::ResourceLimiterDeniedAllocation)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        usize::MAX
    }

    fn memories(&self) -> usize {
        1
    }
}

/// Told to wasmi when a host function does not return; the reason is in the session.
#[derive(Debug)]
struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stopped by a host function")
    }
}

impl wasmi::errors::HostError for Stopped {}

/// One host call: takes the exact gas from the injected counter, runs `body`, and gives the rest back. Out of gas it was
/// before the stack was exhausted.
fn enter<R>(mut caller: Caller<'_, Host>, body: impl FnOnce(&mut Guest<'_>) -> Result<R, Abort>) -> Result<R, Error> {
    let stopped = || Error::host(Stopped);
    let host = caller.data_mut();
    let handles = host.handles.ok_or_else(stopped)?;
    let Some(mut session) = host.session.take() else { return Err(stopped()) };
    session.watch(Phase::Host);
    let mut running = Running { context: caller, handles };
    let left = running.left().map_err(|_| stopped())?;
    session.gas.left = left.gas;
    let mut guest = Guest::inside(&mut running, session, left.stack);
    let result = guest.charge_host_call().and_then(|()| body(&mut guest));
    let mut session = guest.into_session();
    let left = Counter { gas: session.gas.left, ..left };
    let result = result.map_err(|abort| {
        session.abort = Some(abort);
        stopped()
    });
    session.watch(Phase::Execute);
    running.context.data_mut().session = Some(session);
    running.set_left(left).map_err(|_| stopped())?;
    result
}

/// Puts a host function into a store.
pub(super) type Link = fn(&mut Store<Host>) -> Func;

/// The function that a profile offers under this name.
pub(super) fn link(profile: ProfileId, module: &str, name: &str) -> Option<Link> {
    match profile {
        ProfileId::Seal => link_seal(module, name),
        ProfileId::CosmWasm => link_cosmwasm(module, name),
    }
}

macro_rules! link_functions {
    ($link:ident $profile:ident; $($since:literal $module:literal $name:literal $alias:tt ($($argument:ident: $type:ty),*) -> $result:ty = $body:ident($($passed:expr),*);)*) => {
        /// The imports of a profile. Typed closures: dynamic ones cost half as much again per call.
        #[allow(unused_variables, reason = "some arguments are ignored by rule")]
        fn $link(module: &str, name: &str) -> Option<Link> {
            $(
                // Names first: they are told apart by their length in most cases.
                if (name == $name || ($alias && name == concat!("seal_", $name))) && module == $module {
                    return Some(|store| {
                        Func::wrap(store, |caller: Caller<'_, Host>, $($argument: $type),*| -> Result<$result, Error> {
                            enter(caller, |guest| $profile::$body(guest, $($passed),*))
                        })
                    });
                }
            )*
            None
        }
    };
}
macro_rules! link_seal_functions {
    ($($rows:tt)*) => { link_functions! { link_seal seal; $($rows)* } };
}
macro_rules! link_cosmwasm_functions {
    ($($rows:tt)*) => { link_functions! { link_cosmwasm cosmwasm; $($rows)* } };
}
for_each_seal_import!(link_seal_functions);
for_each_cosmwasm_import!(link_cosmwasm_functions);
