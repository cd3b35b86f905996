//! The reference executor: wasmi, its fuel off, its stack limits out of reach, its NaNs canonical (docs/decisions/0002).
//!
//! An instance is made once and used again: after each run its memory and mutable globals are set back to how they began
//! ([`instance`]), and it waits in a pool of bounded size ([`pool`]) for the next run of its program.

mod config;
mod host;
mod instance;
mod pages;
mod pool;
mod self_test;

use self::config::config;
use self::host::{Link, link};
use self::instance::{Instance, Start};
use self::pages::Pages;
use self::pool::Pool;
use super::{Executor, Program};
use crate::abi::{self, Guest};
use crate::outcome::{Abort, Budget, Fault, Status, Trap};
use crate::profile::ProfileId;
use crate::session::{FrameKind, Phase, Session};
use crate::trace::POSSIBLE;
use std::sync::{Arc, OnceLock};
use unfork_gas::{Counter, Prepared};
use wasmi::errors::ErrorKind;
use wasmi::{Engine, Error, Module, TrapCode};

/// Host memory of a program, measured generously (`engine/tests/kept_memory.rs`): of any, and per byte of instrumented code,
/// translated whole. Only the cache's bound depends on it.
const BYTES_PER_PROGRAM: usize = 16 << 10;
const BYTES_PER_CODE_BYTE: usize = 16;

/// See the module's description.
pub(crate) struct Wasmi {
    pool: Arc<Pool>,
    pages: Arc<Pages>,
}

impl Wasmi {
    /// Makes the executor, after it has shown on this machine and in this build what must hold. It keeps at most
    /// `pool_bytes` of instances that wait for their next run.
    ///
    /// # Errors
    /// A fault when the self-test fails.
    pub fn new(pool_bytes: usize) -> Result<Self, Fault> {
        self_test::self_test()?;
        Ok(Self { pool: Arc::new(Pool::new(pool_bytes)), pages: Arc::new(Pages::new()) })
    }
}

impl Executor for Wasmi {
    fn translate(&self, code: Prepared, profile: ProfileId) -> Result<Arc<dyn Program>, Fault> {
        // One engine a program: an engine keeps what it has translated for as long as it lives.
        let engine = Engine::new(&config());
        let module = Module::new(&engine, code.code()).map_err(|error| report("translating", &error))?;
        let links = code.imports().iter().map(|(module, name)| {
            let unknown = || Fault::internal(format!("admitted code imports {module}.{name}, which nothing offers"));
            link(profile, module, name).ok_or_else(unknown)
        });
        Ok(Arc::new(WasmiProgram {
            id: self.pool.new_program(),
            pool: Arc::clone(&self.pool),
            pages: Arc::clone(&self.pages),
            links: links.collect::<Result<_, _>>()?,
            module,
            profile,
            start: OnceLock::new(),
            mutable_globals: code.mutable_globals().into(),
            initial_data: code.initial_data().into(),
            reusable: code.keeps_segments_and_tables() && !code.is_located(),
            overhead_bytes: instance::overhead_bytes(&code),
            located: code.is_located(),
            instantiation_gas: code.instantiation_gas(),
            memory_pages_min: code.memory_pages_min(),
            bytes: code.code().len().saturating_mul(BYTES_PER_CODE_BYTE).saturating_add(BYTES_PER_PROGRAM),
        }))
    }

    fn idle_bytes(&self) -> usize {
        self.pool.bytes()
    }
}

/// A translated contract.
struct WasmiProgram {
    id: u64,
    pool: Arc<Pool>,
    pages: Arc<Pages>,
    module: Module,
    /// The imports in the order of the module, found once.
    links: Box<[Link]>,
    profile: ProfileId,
    /// How the memory of an instance begins; known once there has been one.
    start: OnceLock<Start>,
    mutable_globals: Box<[u32]>,
    /// What segments fill of the memory, as (offset, length).
    initial_data: Box<[(u32, u32)]>,
    /// Whether memory and mutable globals are all that a run can change.
    reusable: bool,
    /// Host memory of an instance besides its memory.
    overhead_bytes: usize,
    /// Whether the code notes where it is.
    located: bool,
    instantiation_gas: u64,
    memory_pages_min: u32,
    bytes: usize,
}

impl Program for WasmiProgram {
    fn run(&self, session: Box<Session>, kind: FrameKind) -> (Box<Session>, Result<Status, Abort>) {
        let made = self.pool.take(self.id).map_or_else(|| Instance::new(self), Ok);
        let mut instance = match made {
            Ok(instance) => instance,
            Err(fault) => return (session, Err(Abort::Fault(fault))),
        };
        session.watch(Phase::Execute);
        let mut running = instance.running();
        let mut guest = Guest::new(&mut running, session);
        let result = abi::run_entry(self.profile, kind, &mut guest);
        let mut session = guest.into_session();
        session.watch(Phase::Reset);
        if POSSIBLE
            && self.located
            && !matches!(result, Ok(Status::Returned) | Err(Abort::Stop(Status::Returned | Status::Reverted)))
        {
            session.places = instance.places();
        }
        let faulty = matches!(result, Err(Abort::Fault(_)));
        if self.reusable
            && !faulty
            && self.pool.keeps(instance.bytes())
            && let Some(start) = self.start.get()
            && instance.set_back(start, &self.pages)
        {
            self.pool.put(self.id, instance);
        }
        (session, result)
    }

    fn instantiation_gas(&self) -> u64 {
        self.instantiation_gas
    }

    fn memory_pages_min(&self) -> u32 {
        self.memory_pages_min
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for WasmiProgram {
    fn drop(&mut self) {
        self.pool.forget(self.id);
    }
}

fn report(during: &str, error: &Error) -> Fault {
    Fault::executor(format!("wasmi, {during}: {error}"))
}

/// What an error of wasmi means. This is the only list; what is not on it is a fault.
fn classify(error: &Error, left: Counter) -> Result<Status, Fault> {
    let trap = match error.kind() {
        ErrorKind::TrapCode(code) => *code,
        _ => return Err(report("running", error)),
    };
    Ok(Status::Trapped(match trap {
        TrapCode::UnreachableCodeReached if left.gas < 0 => return Ok(Status::OutOfGas),
        TrapCode::UnreachableCodeReached if left.stack < 0 => {
            return Ok(Status::Exhausted(Budget::Stack));
        }
        TrapCode::UnreachableCodeReached => Trap::Unreachable,
        TrapCode::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
        TrapCode::TableOutOfBounds => Trap::TableOutOfBounds,
        TrapCode::IndirectCallToNull => Trap::IndirectCallToNull,
        TrapCode::BadSignature => Trap::IndirectCallType,
        TrapCode::IntegerDivisionByZero => Trap::DivisionByZero,
        TrapCode::IntegerOverflow => Trap::IntegerOverflow,
        TrapCode::BadConversionToInteger => Trap::InvalidConversion,
        TrapCode::OutOfSystemMemory => return Err(Fault::host_memory("the interpreter's stack")),
        // Admitted, instrumented code reaches none of wasmi's own limits.
        TrapCode::StackOverflow | TrapCode::OutOfFuel | TrapCode::GrowthOperationLimited => {
            return Err(report("running", error));
        }
    }))
}
