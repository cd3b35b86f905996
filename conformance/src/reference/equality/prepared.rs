//! Prepared code on wasmi, watched closely: every host call, how it ends, and what it leaves behind.

use super::super::host::{Answer, Host};
use super::super::{End, Event, Module, Start, Trap, Value};
use std::sync::OnceLock;
use unfork_gas::{EXPORT_GAS, EXPORT_MEMORY, EXPORT_STACK, Prepared};
use wasm_encoder::reencode::{Error as Reencoding, Reencode, utils};
use wasmi::errors::ErrorKind;
use wasmi::{
    Caller, CompilationMode, Config, Engine, Error, ExternType, F32, F64, Func, FuncType, Global, Linker, Memory,
    Store, TrapCode, Val, ValType,
};

/// Prefix of the exports that let the test see globals and tables.
const SEEN: &str = "seen:";

/// Prepared code, translated.
pub struct Ready {
    engine: Engine,
    module: wasmi::Module,
    litter: wasmi::Module,
    globals: usize,
    tables: usize,
    host: Host,
}

/// What a run of prepared code showed; the counterpart of the meter's report.
pub struct Observed {
    /// How it ended.
    pub end: End,
    /// Exact gas, where the frame is charged that.
    pub gas: Option<u64>,
    /// Host calls.
    pub events: Vec<Event>,
    /// Memory at the end.
    pub memory: Vec<u8>,
    /// Globals of the original module at the end.
    pub globals: Vec<Value>,
    /// For each table, which elements are null.
    pub nulls: Vec<Vec<bool>>,
}

/// What host functions need.
struct Data {
    host: Host,
    gas_given: i64,
    gas: Option<Global>,
    stack: Option<Global>,
    memory: Option<Memory>,
    events: Vec<Event>,
    out_of_gas: bool,
}

/// The configuration of the engine's executor, in which nothing is left to defaults.
fn config() -> Config {
    let mut config = Config::default();
    config
        .compilation_mode(CompilationMode::Eager)
        .consume_fuel(false)
        .ignore_custom_sections(true)
        .allow_start_fn(false)
        .set_max_recursion_depth(1 << 20)
        .set_max_stack_height(256 << 20)
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

impl Ready {
    /// Translates prepared code.
    ///
    /// # Panics
    /// When the executor refuses it.
    #[must_use]
    pub fn new(prepared: &Prepared, original: &Module<'_>, host: Host) -> Self {
        let (globals, tables) = (original.globals(), original.tables());
        let mut code = wasm_encoder::Module::new();
        Exposing { globals, tables }
            .parse_core_module(&mut code, wasmparser::Parser::new(0), prepared.code())
            .unwrap_or_else(|error| panic!("prepared code does not parse: {error}"));
        let engine = Engine::new(&config());
        let module = wasmi::Module::new(&engine, code.finish())
            .unwrap_or_else(|error| panic!("the executor refuses prepared code: {error}"));
        let litter = wasmi::Module::new(&engine, litter()).expect("the executor takes it");
        Ready { engine, module, litter, globals, tables, host }
    }

    /// Runs an entry to its end.
    ///
    /// # Panics
    /// When something happens that an executor must never show: one of its own limits, or an unknown trap.
    #[must_use]
    pub fn run(&self, start: Start<'_>) -> Observed {
        let gas_given = i64::try_from(start.gas).expect("gas within 63 bits");
        let data = Data {
            host: self.host,
            gas_given,
            gas: None,
            stack: None,
            memory: None,
            events: Vec::new(),
            out_of_gas: false,
        };
        let mut store = Store::new(&self.engine, data);
        let mut linker = Linker::<Data>::new(&self.engine);
        let mut linked = Vec::new();
        for (number, import) in self.module.imports().enumerate() {
            let ExternType::Func(of_type) = import.ty() else { panic!("only functions are imported") };
            let number = u32::try_from(number).expect("few imports");
            if !linked.contains(&(import.module(), import.name())) {
                linked.push((import.module(), import.name()));
                let function = host_function(&mut store, of_type, number);
                linker.define(import.module(), import.name(), function).expect("defined once");
            }
        }
        let litter = linker.instantiate_and_start(&mut store, &self.litter).expect("no imports");
        let litter = litter.get_typed_func::<(), ()>(&store, "run").expect("as written");
        litter.call(&mut store, ()).expect("it only sets locals");
        let instance = linker.instantiate_and_start(&mut store, &self.module).expect("prepared code makes an instance");
        let counter = |name: &str| instance.get_global(&store, name).expect("prepared code exports its counters");
        let (gas, stack) = (counter(EXPORT_GAS), counter(EXPORT_STACK));
        let memory = instance.get_memory(&store, EXPORT_MEMORY);
        gas.set(&mut store, Val::I64(gas_given)).expect("mutable");
        stack.set(&mut store, Val::I64(i64::try_from(start.stack).expect("a budget"))).expect("mutable");
        let data = store.data_mut();
        (data.gas, data.stack, data.memory) = (Some(gas), Some(stack), memory);
        let entry = instance.get_func(&store, start.entry).expect("the entry is exported");
        let arguments: Vec<Val> = start.arguments.iter().map(to_val).collect();
        let mut results = vec![Val::I32(0); entry.ty(&store).results().len()];
        let result = entry.call(&mut store, &arguments, &mut results);
        let (left, stack_left) = (number(&gas, &store), number(&stack, &store));
        let end = end(result, &results, left, stack_left, store.data().out_of_gas);
        let exact = matches!(end, End::Returned(_) | End::Unreachable);
        let global = |number| instance.get_global(&store, &format!("{SEEN}global:{number}")).expect("exposed");
        let table = |number| instance.get_table(&store, &format!("{SEEN}table:{number}")).expect("exposed");
        let null = |table: &wasmi::Table, at| table.get(&store, at).expect("within").is_null();
        Observed {
            end,
            gas: exact.then(|| u64::try_from(gas_given - left).expect("gas is not given back")),
            memory: memory.map(|memory| memory.data(&store).to_vec()).unwrap_or_default(),
            globals: (0..self.globals).map(|number| from_val(&global(number).get(&store))).collect(),
            nulls: (0..self.tables)
                .map(table)
                .map(|table| (0..table.size(&store)).map(|at| null(&table, at)).collect())
                .collect(),
            events: std::mem::take(&mut store.data_mut().events),
        }
    }
}

/// A module that leaves the interpreter's stack full of what is no zero, so that a register which is read before it is set
/// shows.
fn litter() -> &'static [u8] {
    static MODULE: OnceLock<Vec<u8>> = OnceLock::new();
    MODULE.get_or_init(|| {
        let locals = "i64 ".repeat(200);
        let set: String = (0..200).map(|local| format!("(local.set {local} (i64.const -7777777777777777))")).collect();
        wat::parse_str(format!(r#"(module (func (export "run") (local {locals}) {set}))"#)).expect("it is a module")
    })
}

fn number(counter: &Global, context: impl wasmi::AsContext) -> i64 {
    counter.get(context).i64().expect("counters are i64")
}

/// What the contract of docs/gas.md, section 7, says about a result.
fn end(result: Result<(), Error>, results: &[Val], gas: i64, stack: i64, out_of_gas: bool) -> End {
    let code = match result {
        Ok(()) if gas < 0 => return End::OutOfGas,
        Ok(()) => return End::Returned(results.iter().map(from_val).collect()),
        Err(_) if out_of_gas => return End::OutOfGas,
        Err(error) => match error.kind() {
            ErrorKind::TrapCode(code) => *code,
            _ => panic!("the executor fails: {error}"),
        },
    };
    End::Trapped(match code {
        TrapCode::UnreachableCodeReached if gas < 0 => return End::OutOfGas,
        TrapCode::UnreachableCodeReached if stack < 0 => return End::StackExhausted,
        TrapCode::UnreachableCodeReached => return End::Unreachable,
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

/// A host function: out of gas when the counter is below 0, before it does anything and after what it charges.
fn host_function(store: &mut Store<Data>, of_type: &FuncType, function: u32) -> Func {
    let results_types: Vec<wasmparser::ValType> = of_type.results().iter().map(|each| parsed_type(*each)).collect();
    Func::new(store, of_type.clone(), move |mut caller: Caller<'_, Data>, arguments, results| {
        let out_of_gas = |caller: &mut Caller<'_, Data>| {
            caller.data_mut().out_of_gas = true;
            Err(Error::new("out of gas"))
        };
        let data = caller.data();
        let (gas, stack, memory) = (data.gas.expect("set"), data.stack.expect("set"), data.memory);
        let (left, stack_left) = (number(&gas, &caller), number(&stack, &caller));
        if left < 0 {
            return out_of_gas(&mut caller);
        }
        let arguments: Vec<Value> = arguments.iter().map(from_val).collect();
        let (bytes, data) = match &memory {
            Some(memory) => memory.data_and_store_mut(&mut caller),
            None => (&mut [][..], caller.data_mut()),
        };
        let answer: Answer = data.host.answer(data.events.len(), &arguments, &results_types, bytes);
        let used = u64::try_from(data.gas_given - left).expect("gas is not given back");
        let stack = u64::try_from(stack_left).expect("an exhausted stack ends before a host call");
        data.events.push(Event { function, arguments, gas: used, stack });
        for (place, value) in results.iter_mut().zip(&answer.results) {
            *place = to_val(value);
        }
        let left = left - i64::try_from(answer.gas).expect("a small charge");
        gas.set(&mut caller, Val::I64(left)).expect("mutable");
        if left < 0 { out_of_gas(&mut caller) } else { Ok(()) }
    })
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

fn from_val(value: &Val) -> Value {
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
fn to_val(value: &Value) -> Val {
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

/// Copies a module, exporting the first globals and tables besides.
struct Exposing {
    globals: usize,
    tables: usize,
}

impl Reencode for Exposing {
    type Error = std::convert::Infallible;

    fn parse_export_section(
        &mut self,
        exports: &mut wasm_encoder::ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), Reencoding<Self::Error>> {
        utils::parse_export_section(self, exports, section)?;
        for (number, index) in (0..self.globals).zip(0..) {
            exports.export(&format!("{SEEN}global:{number}"), wasm_encoder::ExportKind::Global, index);
        }
        for (number, index) in (0..self.tables).zip(0..) {
            exports.export(&format!("{SEEN}table:{number}"), wasm_encoder::ExportKind::Table, index);
        }
        Ok(())
    }
}
