//! `unfork-gas` alone: instruments a module, and runs it on two executors that have nothing in common but the bytes:
//! wasmi translates into register code, tinywasm interprets a stack machine. Gas, the depth at which the stack ends and the
//! bits of floats come out the same. `cargo run --release -p unfork-gas --example two_executors`
#![allow(missing_docs)]

use std::error::Error;

use unfork_gas::{Counter, EXPORT_COUNTER, Entry, Floats, Import, LIMITS_V1, Prepared, Profile, V1, ValueType, admit};

/// What the module below may import and must export.
pub const PROFILE: Profile<'static> = Profile {
    name: "example",
    imports: &[Import { module: "env", name: "note", params: &[ValueType::I64], results: &[] }],
    entries: &[Entry { name: "run", params: &[ValueType::I32], results: &[], required: true }],
    memory_import: None,
    floats: Floats::Canonical,
    linking: unfork_gas::Linking::Closed,
};

/// Notes a not-a-number that division makes, recurses as deep as told and notes each depth, then sums up memory.
const MODULE: &str = r#"(module
  (import "env" "note" (func $note (param i64)))
  (memory 1)
  (func $deep (param $depth i32)
    (call $note (i64.extend_i32_u (local.get $depth)))
    (if (local.get $depth) (then (call $deep (i32.sub (local.get $depth) (i32.const 1))))))
  (func (export "run") (param $depth i32) (local $i i32) (local $sum i64)
    (call $note (i64.reinterpret_f64 (f64.div (f64.const 0) (f64.const -0))))
    (call $note (i64.extend_i32_u (i32.reinterpret_f32 (f32.sqrt (f32.const -2)))))
    (memory.fill (i32.const 0) (i32.const 3) (i32.const 4096))
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.load (local.get $i))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 4096))))
    (call $note (local.get $sum))
    (call $deep (local.get $depth))))"#;

/// How a run ended, in the terms of docs/gas.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With the gas it used.
    Returned(i64),
    /// With the gas it used.
    Unreachable(i64),
    OutOfGas,
    StackExhausted,
    /// Any other trap: it takes all gas.
    Trapped,
}

/// How a run ended, what it noted on the way, and the i32 it returned, if any.
pub type Outcome = (Ended, Vec<i64>);

/// What an executor says about a call.
enum Answer {
    Returned,
    Unreachable,
    Trapped,
}

/// The rule of docs/gas.md §7 for what the counter says after a call.
fn ended(answer: Answer, given: i64, counter: i64) -> Ended {
    let left = Counter::read(counter);
    match answer {
        Answer::Returned | Answer::Unreachable if left.gas < 0 => Ended::OutOfGas,
        Answer::Returned => Ended::Returned(given.saturating_sub(left.gas)),
        Answer::Unreachable if left.stack < 0 => Ended::StackExhausted,
        Answer::Unreachable => Ended::Unreachable(given.saturating_sub(left.gas)),
        Answer::Trapped => Ended::Trapped,
    }
}

/// Whether a host function may do what it is for: it looks at the counter before.
fn may_go_on(counter: i64) -> bool {
    let left = Counter::read(counter);
    left.gas >= 0 && left.stack >= 0
}

/// Calls `run(argument)` on wasmi.
pub fn on_wasmi(prepared: &Prepared, argument: i32, gas: i64, stack: i64) -> Result<Outcome, Box<dyn Error>> {
    use wasmi::{Caller, Engine, Extern, Linker, Module, Store, TrapCode, Val};
    // Its own limits stay behind ours.
    let mut config = wasmi::Config::default();
    config.set_max_recursion_depth(100_000);
    config.set_max_stack_height(100_000_000);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, prepared.code())?;
    let mut store = Store::new(&engine, Vec::<i64>::new());
    let mut linker = Linker::<Vec<i64>>::new(&engine);
    linker.func_wrap("env", "note", |mut caller: Caller<'_, Vec<i64>>, value: i64| -> Result<(), wasmi::Error> {
        let counter = caller.get_export(EXPORT_COUNTER).and_then(Extern::into_global);
        match counter.map(|counter| counter.get(&caller)) {
            Some(Val::I64(counter)) if may_go_on(counter) => caller.data_mut().push(value),
            _ => return Err(wasmi::Error::new("exhausted")),
        }
        Ok(())
    })?;
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    let counter = instance.get_global(&store, EXPORT_COUNTER).ok_or("no counter")?;
    counter.set(&mut store, Val::I64(Counter { gas, stack }.value()))?;
    let run = instance.get_func(&store, "run").ok_or("no such function")?;
    let mut results = vec![Val::I32(0); run.ty(&store).results().len()];
    let result = run.call(&mut store, &[Val::I32(argument)], &mut results);
    let Val::I64(counter) = counter.get(&store) else { return Err("the counter is no i64".into()) };
    let answer = match result {
        Ok(()) => Answer::Returned,
        Err(error) => match error.as_trap_code() {
            Some(TrapCode::UnreachableCodeReached) => Answer::Unreachable,
            // The host's own error, which it makes for nothing else.
            None if !may_go_on(counter) => Answer::Unreachable,
            Some(TrapCode::StackOverflow) | None => return Err(error.into()),
            Some(_) => Answer::Trapped,
        },
    };
    let mut notes = store.into_data();
    if !matches!(answer, Answer::Returned) {
        results.clear();
    }
    notes.extend(results.iter().filter_map(Val::i32).map(i64::from));
    Ok((ended(answer, gas, counter), notes))
}

/// Calls `run(argument)` on tinywasm.
pub fn on_tinywasm(prepared: &Prepared, argument: i32, gas: i64, stack: i64) -> Result<Outcome, Box<dyn Error>> {
    use std::sync::{Arc, Mutex};
    use tinywasm::engine::{Config, StackConfig};
    use tinywasm::types::WasmValue;
    use tinywasm::{Engine, FuncContext, HostFunction, Imports, ModuleInstance, Store, Trap};
    let told = |error: tinywasm::Error| error.to_string();
    // Its own limits stay behind ours.
    let deep = StackConfig::dynamic(1 << 10, 1 << 24);
    let config = Config::new().with_value_stack(deep).with_call_stack(deep);
    let mut store = Store::new(Engine::new(config));
    let module = tinywasm::parse_bytes(prepared.code()).map_err(|error| error.to_string())?;
    let notes = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&notes);
    let note = HostFunction::from(&mut store, move |context: FuncContext<'_>, value: i64| {
        match context.global_get(EXPORT_COUNTER)? {
            WasmValue::I64(counter) if may_go_on(counter) => {
                noted.lock().map_err(|_| tinywasm::Error::Other("poisoned".into()))?.push(value);
            }
            _ => return Err(tinywasm::Error::Trap(Trap::Unreachable)),
        }
        Ok(())
    });
    let mut imports = Imports::new();
    imports.define("env", "note", note);
    let instance = ModuleInstance::instantiate(&mut store, &module, Some(imports)).map_err(told)?;
    let given = WasmValue::I64(Counter { gas, stack }.value());
    instance.global_set(&mut store, EXPORT_COUNTER, given).map_err(told)?;
    let run = instance.func_untyped(&store, "run").map_err(told)?;
    let result = run.call(&mut store, &[WasmValue::I32(argument)]);
    let Ok(WasmValue::I64(counter)) = instance.global_get(&store, EXPORT_COUNTER) else {
        return Err("the counter is no i64".into());
    };
    let mut results = Vec::new();
    let answer = match result {
        Ok(values) => {
            results = values;
            Answer::Returned
        }
        // The host's own error, which it makes for nothing else, is told apart by the counter.
        Err(tinywasm::Error::Trap(Trap::Unreachable | Trap::HostFunction(_))) => Answer::Unreachable,
        Err(tinywasm::Error::Trap(trap @ (Trap::CallStackOverflow | Trap::ValueStackOverflow))) => {
            return Err(trap.to_string().into());
        }
        Err(tinywasm::Error::Trap(_)) => Answer::Trapped,
        Err(error) => return Err(told(error).into()),
    };
    let outcome = ended(answer, gas, counter);
    let mut notes = notes.lock().map_err(|_| "poisoned")?.clone();
    notes.extend(
        results
            .iter()
            .filter_map(|value| if let WasmValue::I32(value) = value { Some(i64::from(*value)) } else { None }),
    );
    Ok((outcome, notes))
}

/// Runs on both and gives the one outcome.
///
/// # Errors
///
/// Where the two differ, or one cannot run the module at all.
pub fn on_both(prepared: &Prepared, argument: i32, gas: i64, stack: i64) -> Result<Outcome, Box<dyn Error>> {
    let (one, other) = (on_wasmi(prepared, argument, gas, stack)?, on_tinywasm(prepared, argument, gas, stack)?);
    if one == other { Ok(one) } else { Err(format!("wasmi {one:?}, tinywasm {other:?}").into()) }
}

#[allow(dead_code, reason = "a test reads this file too")]
fn main() -> Result<(), Box<dyn Error>> {
    let code = wat::parse_str(MODULE)?;
    let prepared = admit(&code, &V1, &LIMITS_V1, &PROFILE)?;
    println!("{} bytes became {}", code.len(), prepared.code().len());
    println!("{:>8} {:>12} {:>8}  wasmi and tinywasm alike", "depth", "gas given", "units");
    for (depth, gas, stack) in
        [(3, 1_000_000, 100_000), (50, 1_000_000, 100_000), (50, 5_600, 100_000), (1_000, 1_000_000, 500)]
    {
        let (ended, notes) = on_both(&prepared, depth, gas, stack)?;
        println!(
            "{depth:>8} {gas:>12} {stack:>8}  {ended:?}, {} notes, NaNs {:#018x} {:#010x}",
            notes.len(),
            notes[0],
            notes[1]
        );
    }
    Ok(())
}
