//! wasmi, set up as the engine sets it up and watched from closer by: every host call, how a call ends, and what it leaves
//! behind.

mod expose;
#[path = "../../../engine/src/executor/wasmi/config.rs"]
mod wasmi_config;

pub(crate) use expose::{Cutting, Exposing, Shared};

use crate::reference::host::{Answer, Host};
use crate::reference::{Contents, End, Event, Trap, Value};
use std::borrow::Cow;
use std::sync::OnceLock;
use unfork_gas::Counter;
use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{
    Caller, CompilationMode, Config, Error, F32, F64, Func, FuncType, Global, Instance, Memory, Store, TrapCode, Val,
    ValType,
};

/// The engine's configuration, but that every function is translated at once: what cannot be is noticed without a call.
pub(crate) fn config() -> Config {
    let mut config = wasmi_config::config();
    config.compilation_mode(CompilationMode::Eager);
    config
}

/// What a call of prepared code showed; the counterpart of the meter's report.
#[derive(Clone, Debug)]
pub struct Observed {
    /// How it ended.
    pub end: End,
    /// Exact gas, where the frame is charged that.
    pub gas: Option<u64>,
    /// Host calls.
    pub events: Vec<Event>,
}

/// What host functions need, and what they write down.
pub(crate) struct Watch {
    host: Host,
    gas_given: i64,
    /// None where the code is as its author wrote it.
    counter: Option<Global>,
    /// The memory that host functions see.
    memory: Option<Memory>,
    events: Vec<Event>,
    out_of_gas: bool,
}

impl Watch {
    pub fn new(host: Host) -> Self {
        Watch { host, gas_given: 0, counter: None, memory: None, events: Vec::new(), out_of_gas: false }
    }
}

/// Gives a store's code what it may use, before a call.
pub(crate) fn give(
    store: &mut Store<Watch>,
    counter: Option<Global>,
    memory: Option<Memory>,
    budget: crate::reference::Budget,
) {
    let gas_given = i64::try_from(budget.gas).expect("gas within 63 bits");
    if let Some(counter) = counter {
        let given = Counter { gas: gas_given, stack: i64::try_from(budget.stack).expect("a budget") };
        assert_eq!(Counter::read(given.value()), given, "a counter cannot hold what is given");
        counter.set(&mut *store, Val::I64(given.value())).expect("mutable");
    }
    let host = store.data().host;
    *store.data_mut() = Watch { gas_given, counter, memory, ..Watch::new(host) };
}

/// What a call showed, from how it came back.
pub(crate) fn observe(store: &mut Store<Watch>, result: Result<(), Error>, results: &[Val]) -> Observed {
    let events = std::mem::take(&mut store.data_mut().events);
    let Watch { gas_given, counter, out_of_gas, .. } = *store.data();
    let Some(counter) = counter else {
        let nothing = Counter { gas: 0, stack: 0 };
        return Observed { end: end(result, results, nothing, false), gas: None, events };
    };
    let left = read(&counter, &*store);
    if let Err(error) = &result {
        let limit = matches!(error.kind(), ErrorKind::TrapCode(TrapCode::StackOverflow));
        assert!(!limit, "prepared code came to the executor's own limit of the stack");
    }
    let end = end(result, results, left, out_of_gas);
    let exact = matches!(end, End::Returned(_) | End::Unreachable);
    let gas = exact.then(|| u64::try_from(gas_given - left.gas).expect("gas is not given back"));
    Observed { end, gas, events }
}

fn read(counter: &Global, context: impl wasmi::AsContext) -> Counter {
    Counter::read(counter.get(context).i64().expect("the counter is an i64"))
}

/// What the contract of docs/gas.md, section 7, says about a result.
fn end(result: Result<(), Error>, results: &[Val], left: Counter, out_of_gas: bool) -> End {
    let code = match result {
        Ok(()) if left.gas < 0 => return End::OutOfGas,
        Ok(()) => return End::Returned(results.iter().map(from_val).collect()),
        Err(_) if out_of_gas => return End::OutOfGas,
        Err(error) => match error.kind() {
            ErrorKind::TrapCode(code) => *code,
            ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => TrapCode::TableOutOfBounds,
            ErrorKind::Memory(_) => TrapCode::MemoryOutOfBounds,
            _ => panic!("the executor fails: {error}"),
        },
    };
    End::Trapped(match code {
        TrapCode::UnreachableCodeReached if left.gas < 0 => return End::OutOfGas,
        TrapCode::UnreachableCodeReached if left.stack < 0 => return End::StackExhausted,
        TrapCode::UnreachableCodeReached => return End::Unreachable,
        TrapCode::StackOverflow => return End::StackExhausted,
        TrapCode::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
        TrapCode::TableOutOfBounds => Trap::TableOutOfBounds,
        TrapCode::IndirectCallToNull => Trap::IndirectCallToNull,
        TrapCode::BadSignature => Trap::IndirectCallType,
        TrapCode::IntegerDivisionByZero => Trap::DivisionByZero,
        TrapCode::IntegerOverflow => Trap::IntegerOverflow,
        TrapCode::BadConversionToInteger => Trap::InvalidConversion,
        other => panic!("the executor came to a limit of its own: {other:?}"),
    })
}

/// A host function: out of gas when the gas is below 0, before it does anything and after what it charges; else the stack
/// is exhausted when it is below 0.
pub(crate) fn host_function(store: &mut Store<Watch>, of_type: &FuncType, function: u32) -> Func {
    let results_types: Vec<wasmparser::ValType> = of_type.results().iter().map(|each| parsed_type(*each)).collect();
    Func::new(store, of_type.clone(), move |mut caller: Caller<'_, Watch>, arguments, results| {
        let out_of_gas = |caller: &mut Caller<'_, Watch>| {
            caller.data_mut().out_of_gas = true;
            Err(Error::new("out of gas"))
        };
        let Watch { counter, memory, gas_given, .. } = *caller.data();
        let left = match counter {
            Some(counter) => read(&counter, &caller),
            None => Counter { gas: gas_given, stack: 0 },
        };
        if left.gas < 0 {
            return out_of_gas(&mut caller);
        }
        if left.stack < 0 {
            return Err(Error::from(TrapCode::UnreachableCodeReached));
        }
        let arguments: Vec<Value> = arguments.iter().map(from_val).collect();
        let (bytes, data) = match &memory {
            Some(memory) => memory.data_and_store_mut(&mut caller),
            None => (&mut [][..], caller.data_mut()),
        };
        let answer: Answer = data.host.answer(data.events.len(), &arguments, &results_types, bytes);
        let gas = u64::try_from(gas_given - left.gas).expect("gas is not given back");
        let stack = u64::try_from(left.stack).expect("checked above");
        data.events.push(Event { function, arguments, gas, stack });
        for (place, value) in results.iter_mut().zip(&answer.results) {
            *place = to_val(value);
        }
        let Some(counter) = counter else { return Ok(()) };
        let left = Counter { gas: left.gas - i64::try_from(answer.gas).expect("a small charge"), ..left };
        counter.set(&mut caller, Val::I64(left.value())).expect("mutable");
        if left.gas < 0 { out_of_gas(&mut caller) } else { Ok(()) }
    })
}

/// What an instance of exposed code holds.
pub(crate) fn contents<'s>(store: &'s Store<Watch>, instance: &Instance, exposed: &Exposing) -> Contents<'s> {
    let global = |number| instance.get_global(store, &expose::global(number)).expect("exposed");
    let table = |number| instance.get_table(store, &expose::table(number)).expect("exposed");
    let null = |table: &wasmi::Table, at| table.get(store, at).expect("within").is_null();
    let memory = instance.get_memory(store, expose::MEMORY);
    Contents {
        memory: Cow::Borrowed(memory.map_or(&[][..], |memory| memory_bytes(store, &memory))),
        globals: (0..exposed.globals).map(|number| from_val(&global(number).get(store))).collect(),
        nulls: (0..exposed.tables)
            .map(table)
            .map(|table| (0..table.size(store)).map(|at| null(&table, at)).collect())
            .collect(),
    }
}

fn memory_bytes<'s>(store: &'s Store<Watch>, memory: &Memory) -> &'s [u8] {
    memory.data(store)
}

/// Leaves the interpreter's stack full of what is no zero, so that a register which is read before it is set shows.
pub(crate) fn litter(store: &mut Store<Watch>) {
    static MODULE: OnceLock<Vec<u8>> = OnceLock::new();
    let code = MODULE.get_or_init(|| {
        let locals = "i64 ".repeat(200);
        let set: String = (0..200).map(|local| format!("(local.set {local} (i64.const -7777777777777777))")).collect();
        wat::parse_str(format!(r#"(module (func (export "run") (local {locals}) {set}))"#)).expect("it is a module")
    });
    let module = wasmi::Module::new(store.engine(), code).expect("the executor takes it");
    let instance = Instance::new(&mut *store, &module, &[]).expect("no imports");
    let run = instance.get_typed_func::<(), ()>(&*store, "run").expect("as written");
    run.call(store, ()).expect("it only sets locals");
}

fn parsed_type(of_type: ValType) -> wasmparser::ValType {
    match of_type {
        ValType::I32 => wasmparser::ValType::I32,
        ValType::I64 => wasmparser::ValType::I64,
        ValType::F32 => wasmparser::ValType::F32,
        ValType::F64 => wasmparser::ValType::F64,
        ValType::FuncRef => wasmparser::ValType::FUNCREF,
        other => panic!("{other:?} is not admitted"),
    }
}

pub(crate) fn from_val(value: &Val) -> Value {
    match value {
        Val::I32(value) => Value::I32(value.cast_unsigned()),
        Val::I64(value) => Value::I64(value.cast_unsigned()),
        Val::F32(value) => Value::F32(value.to_bits()),
        Val::F64(value) => Value::F64(value.to_bits()),
        Val::FuncRef(function) => Value::Function(if function.is_null() { None } else { Some(0) }),
        other => panic!("{other:?} is not admitted"),
    }
}

/// The only reference that goes in is null.
pub(crate) fn to_val(value: &Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(value.cast_signed()),
        Value::I64(value) => Val::I64(value.cast_signed()),
        Value::F32(bits) => Val::F32(F32::from_bits(*bits)),
        Value::F64(bits) => Val::F64(F64::from_bits(*bits)),
        Value::Function(function) => {
            assert_eq!(*function, None, "a reference from the host");
            Val::FuncRef(wasmi::Nullable::Null)
        }
    }
}
