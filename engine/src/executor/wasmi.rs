//! The reference executor: wasmi, its fuel off, its stack limits out of reach, its NaNs canonical (docs/decisions/0002).

use super::{Executor, Program};
use crate::abi::Guest;
use crate::abi::seal::{self, for_each_seal_import};
use crate::outcome::{Abort, Budget, Fault, Status, Trap};
use crate::profile::ProfileId;
use crate::session::Session;
use std::sync::Arc;
use unfork_gas::{EXPORT_GAS, EXPORT_MEMORY, EXPORT_STACK, Prepared};
use wasmi::errors::{ErrorKind, MemoryError, TableError};
use wasmi::{
    Caller, CompilationMode, Config, Engine, Error, Global, Instance, Linker, Memory, Module, ResourceLimiter, Store,
    TrapCode, Val,
};
use wasmi_core::LimiterError;

/// wasmi's own bound on nested Wasm calls. The injected stack budget ends a contract long before.
const RECURSION_MAX: usize = 1 << 20;
/// wasmi's own bound on its value stack in bytes; likewise out of reach.
const STACK_BYTES_MAX: usize = 256 << 20;
/// Host memory per byte of instrumented code, measured generously; only the cache's bound depends on it.
const BYTES_PER_CODE_BYTE: usize = 12;

/// See the module's description.
pub(crate) struct Wasmi(());

impl Wasmi {
    /// Makes the executor, after it has shown on this machine and in this build what must hold.
    ///
    /// # Errors
    /// A fault when the self-test fails.
    pub fn new() -> Result<Self, Fault> {
        self_test()?;
        Ok(Self(()))
    }
}

/// The configuration: an explicit list, since defaults change with versions.
fn config() -> Config {
    let mut config = Config::default();
    config
        .compilation_mode(CompilationMode::Eager)
        .consume_fuel(false)
        .ignore_custom_sections(true)
        .allow_start_fn(false)
        .set_max_recursion_depth(RECURSION_MAX)
        .set_max_stack_height(STACK_BYTES_MAX)
        .wasm_mutable_global(true)
        .wasm_sign_extension(true)
        .wasm_saturating_float_to_int(true)
        .wasm_multi_value(true)
        .wasm_bulk_memory(true)
        .wasm_reference_types(true)
        .wasm_extended_const(true)
        .floats(true)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false);
    config
}

impl Executor for Wasmi {
    fn translate(&self, code: Prepared, profile: ProfileId) -> Result<Arc<dyn Program>, Fault> {
        // One engine a program: an engine keeps what it has translated for as long as it lives.
        let engine = Engine::new(&config());
        let module = Module::new(&engine, code.code()).map_err(|error| report("translating", &error))?;
        let mut linker = Linker::new(&engine);
        match profile {
            ProfileId::Seal => link_seal(&mut linker),
        }
        .map_err(|error| report("linking", &error))?;
        Ok(Arc::new(WasmiProgram {
            module,
            linker,
            profile,
            instantiation_gas: code.instantiation_gas(),
            memory_pages_min: code.memory_pages_min(),
            bytes: code.code().len().saturating_mul(BYTES_PER_CODE_BYTE),
        }))
    }
}

/// A translated contract.
struct WasmiProgram {
    module: Module,
    linker: Linker<Host>,
    profile: ProfileId,
    instantiation_gas: u64,
    memory_pages_min: u32,
    bytes: usize,
}

/// What wasmi hands back to host functions.
struct Host {
    session: Option<Box<Session>>,
    counters: Option<Counters>,
    /// Set once the instance exists: what it began with is counted before.
    growing: bool,
    /// Set when growing would exceed what all live instances of the transaction may have.
    live_memory_exhausted: bool,
    /// Set when the host itself had no memory: never the contract's business.
    host_memory: Option<&'static str>,
}

/// The injected counters and the memory of an instance.
#[derive(Clone, Copy)]
struct Counters {
    gas: Global,
    stack: Global,
    memory: Option<Memory>,
}

impl Program for WasmiProgram {
    fn run(&self, session: Box<Session>, entry: &str) -> (Box<Session>, Result<Status, Fault>) {
        let host = Host {
            session: Some(session),
            counters: None,
            growing: false,
            live_memory_exhausted: false,
            host_memory: None,
        };
        let mut store = Store::new(self.module.engine(), host);
        store.limiter(|host| host);
        let result = self.run_in(&mut store, entry);
        let mut host = store.into_data();
        match host.session.take() {
            Some(session) => (session, result),
            // The session is put back by every path out of a host function; without it nothing can go on.
            None => unreachable!("a host function kept the session"),
        }
    }

    fn profile(&self) -> ProfileId {
        self.profile
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

impl WasmiProgram {
    fn run_in(&self, store: &mut Store<Host>, entry: &str) -> Result<Status, Fault> {
        let instance = self
            .linker
            .instantiate_and_start(&mut *store, &self.module)
            .map_err(|error| store.data().memory_fault().unwrap_or_else(|| report("instantiating", &error)))?;
        let counters = counters(&instance, store)?;
        let function = instance
            .get_typed_func::<(), ()>(&*store, entry)
            .map_err(|error| report("looking for the entry point", &error))?;
        let host = store.data_mut();
        host.counters = Some(counters);
        host.growing = true;
        let (gas, stack) = host.session.as_ref().map_or((0, 0), |session| (session.gas.left, session.budgets.stack));
        set(&counters.gas, &mut *store, gas)?;
        set(&counters.stack, &mut *store, stack)?;
        let result = function.call(&mut *store, ());
        if let Some(fault) = store.data().memory_fault() {
            return Err(fault);
        }
        if store.data().live_memory_exhausted {
            return Ok(Status::Exhausted(Budget::LiveMemory));
        }
        let (gas, stack) = (get(&counters.gas, &*store)?, get(&counters.stack, &*store)?);
        let session = store.data_mut().session.as_mut().ok_or_else(lost_session)?;
        if session.abort.is_some() {
            // A host function ended the run and left the exact gas in the session.
            return Ok(Status::Returned);
        }
        session.gas.left = gas;
        match result {
            Ok(()) if gas < 0 => Ok(Status::OutOfGas),
            Ok(()) => Ok(Status::Returned),
            Err(error) => classify(&error, gas, stack),
        }
    }
}

fn counters(instance: &Instance, store: &Store<Host>) -> Result<Counters, Fault> {
    let global = |name| {
        let missing = || Fault::internal(format!("prepared code does not export {name}"));
        instance.get_global(store, name).ok_or_else(missing)
    };
    Ok(Counters {
        gas: global(EXPORT_GAS)?,
        stack: global(EXPORT_STACK)?,
        memory: instance.get_memory(store, EXPORT_MEMORY),
    })
}

fn get(global: &Global, context: impl wasmi::AsContext) -> Result<i64, Fault> {
    match global.get(context) {
        Val::I64(value) => Ok(value),
        _ => Err(Fault::internal("an injected counter is no i64")),
    }
}

fn set(global: &Global, context: impl wasmi::AsContextMut, value: i64) -> Result<(), Fault> {
    global.set(context, Val::I64(value)).map_err(|error| Fault::executor(format!("setting a counter: {error}")))
}

fn lost_session() -> Fault {
    Fault::internal("the session is gone from its store")
}

fn report(during: &str, error: &Error) -> Fault {
    Fault::executor(format!("wasmi, {during}: {error}"))
}

/// What an error of wasmi means. This is the only list; what is not on it is a fault.
fn classify(error: &Error, gas: i64, stack: i64) -> Result<Status, Fault> {
    let trap = match error.kind() {
        ErrorKind::TrapCode(code) => *code,
        _ => return Err(report("running", error)),
    };
    Ok(Status::Trapped(match trap {
        TrapCode::UnreachableCodeReached if gas < 0 => return Ok(Status::OutOfGas),
        TrapCode::UnreachableCodeReached if stack < 0 => {
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

impl Host {
    fn memory_fault(&self) -> Option<Fault> {
        self.host_memory.map(Fault::host_memory)
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
        if !self.growing {
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

/// One host call: takes the exact gas from the injected counter, runs `body`, and gives the rest back.
fn enter<R>(mut caller: Caller<'_, Host>, body: impl FnOnce(&mut Guest<'_>) -> Result<R, Abort>) -> Result<R, Error> {
    let stopped = || Error::host(Stopped);
    let counters = caller.data().counters.ok_or_else(stopped)?;
    let gas = get(&counters.gas, &caller).map_err(|_| stopped())?;
    let stack = get(&counters.stack, &caller).map_err(|_| stopped())?;
    let (memory, host) = match &counters.memory {
        Some(memory) => memory.data_and_store_mut(&mut caller),
        None => (&mut [][..], caller.data_mut()),
    };
    let Some(mut session) = host.session.take() else { return Err(stopped()) };
    session.gas.left = gas;
    session.budgets.stack = stack;
    let mut guest = Guest::new(memory, session);
    let result = guest.charge_host_call().and_then(|()| body(&mut guest));
    let mut session = guest.into_session();
    let left = session.gas.left;
    let result = result.map_err(|abort| {
        session.abort = Some(abort);
        stopped()
    });
    host.session = Some(session);
    set(&counters.gas, &mut caller, left).map_err(|_| stopped())?;
    result
}

macro_rules! link_seal_functions {
    ($($module:literal $name:literal $alias:tt ($($argument:ident: $type:ty),*) -> $result:ty, $body:ident;)*) => {
        /// Offers the imports of the `seal` profile.
        fn link_seal(linker: &mut Linker<Host>) -> Result<(), Error> {
            $(
                let function = |caller: Caller<'_, Host>, $($argument: $type),*| -> Result<$result, Error> {
                    enter(caller, |guest| seal::$body(guest, $($argument),*))
                };
                linker.func_wrap($module, $name, function)?;
                if $alias {
                    linker.func_wrap($module, concat!("seal_", $name), function)?;
                }
            )*
            Ok(())
        }
    };
}
for_each_seal_import!(link_seal_functions);

/// Shows that this build, on this machine, does what consensus needs: NaNs are canonical, and running an operator
/// leaves nothing on the host stack, however often it runs. Takes about a millisecond.
///
/// wasmi jumps from operator to operator where the compiler makes jumps of its calls. Whether it does depends on
/// target, optimisation level and operator; where it does not, a contract's loop would overflow the node's stack.
fn self_test() -> Result<(), Fault> {
    let failed = |what: String| Fault::internal(format!("self-test of the interpreter: {what}"));
    let during = |error: Error| report("self-test", &error);
    let linking = |error| during(Error::from(error));
    let engine = Engine::new(&config());
    let module = Module::new(&engine, SELF_TEST).map_err(during)?;
    let mut linker = Linker::<Vec<usize>>::new(&engine);
    linker.func_wrap("self_test", "probe", probe_stack).map_err(linking)?;
    linker.func_wrap("self_test", "nothing", || ()).map_err(linking)?;
    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate_and_start(&mut store, &module).map_err(during)?;
    let mut call = |name: &str, argument: i64| {
        let function = instance.get_typed_func::<i64, i64>(&store, name);
        function.and_then(|function| function.call(&mut store, argument)).map_err(during)
    };
    // 0/0 in both widths, with the sign that x86-64 would give removed.
    if call("nan64", 0)? != 0x7ff8_0000_0000_0000 || call("nan32", 0)? != 0x7fc0_0000 {
        return Err(failed("a NaN is not canonical".into()));
    }
    if call("dispatch", SELF_TEST_TURNS)? != 0 {
        return Err(failed("a loop miscounts".into()));
    }
    match store.data().as_slice() {
        [before, after] if before.abs_diff(*after) <= SELF_TEST_STACK_BYTES_MAX => Ok(()),
        [before, after] => Err(failed(format!(
            "{SELF_TEST_TURNS} turns of a loop keep {} bytes of the host stack; build this crate and wasmi at the \
             same optimisation level, 2 or more, or with the feature portable-dispatch",
            before.abs_diff(*after)
        ))),
        _ => Err(failed("the stack was not probed twice".into())),
    }
}

/// Notes where the host stack is.
fn probe_stack(mut caller: Caller<'_, Vec<usize>>) {
    let here = 0u8;
    let address = std::ptr::from_ref(std::hint::black_box(&here)).addr();
    caller.data_mut().push(address);
}

/// Turns of the self-test's loop. One frame kept in each would be some 100 bytes.
const SELF_TEST_TURNS: i64 = 256;
/// How far apart the two probes may be.
const SELF_TEST_STACK_BYTES_MAX: usize = 4 << 10;

/// `self_test.wat`, assembled; a test keeps the two together.
const SELF_TEST: &[u8] = include_bytes!("self_test.wasm");

#[cfg(test)]
mod tests {
    use super::{SELF_TEST, self_test};

    #[test]
    fn the_self_test_is_the_text_beside_it_and_passes() {
        assert_eq!(wat::parse_str(include_str!("self_test.wat")).expect("the text assembles"), SELF_TEST);
        self_test().expect("the self-test passes");
    }
}
