//! Running prepared code on wasmi, as an engine would: set both globals, call, look at them.
#![allow(dead_code, missing_docs, reason = "each test binary uses its part")]

pub mod bombs;
pub mod edges;
pub mod modules;

use unfork_gas::{Counter, EXPORT_COUNTER, Entry, Floats, Import, Linking, Prepared, Profile, ValueType};
use wasmi::{Engine, Linker, Module, Store, TrapCode, Val};

pub const STACK: i64 = 10_000;

/// One entry `run` without parameters and results, and a few host functions.
pub const PLAIN: Profile<'static> = Profile {
    name: "plain",
    imports: &[
        Import { module: "env", name: "gas_left", params: &[], results: &[ValueType::I64] },
        Import { module: "env", name: "note", params: &[ValueType::I64], results: &[] },
        Import { module: "env", name: "zero", params: &[], results: &[ValueType::I32] },
    ],
    entries: &[Entry { name: "run", params: &[], results: &[], required: true }],
    memory_import: Some(("env", "memory")),
    floats: Floats::Forbid,
    linking: Linking::Closed,
};

/// Nothing is imported, nothing need be exported.
pub const EMPTY: Profile<'static> = Profile {
    name: "empty",
    imports: &[],
    entries: &[],
    memory_import: None,
    floats: Floats::Forbid,
    linking: Linking::Closed,
};

/// How a run ended. Gas is what was used, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Returned(i64),
    Unreachable(i64),
    OutOfGas,
    StackExhausted,
    Trapped(TrapCode),
}

/// What the host saw: gas used at each host call, and the values noted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub gas_at_calls: Vec<i64>,
    pub notes: Vec<i64>,
    limit: i64,
}

pub fn run(prepared: &Prepared, gas: i64, stack: i64) -> (Ended, Seen) {
    let mut config = wasmi::Config::default();
    config.set_max_recursion_depth(100_000);
    config.set_max_stack_height(100_000_000);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, prepared.code()).expect("instrumented code validates");
    let mut store = Store::new(&engine, Seen { limit: gas, ..Seen::default() });
    let mut linker = Linker::<Seen>::new(&engine);
    linker
        .func_wrap("env", "gas_left", |mut caller: wasmi::Caller<'_, Seen>| -> Result<i64, wasmi::Error> {
            let left = read(&mut caller)?;
            Ok(left)
        })
        .unwrap()
        .func_wrap("env", "note", |mut caller: wasmi::Caller<'_, Seen>, value: i64| -> Result<(), wasmi::Error> {
            read(&mut caller)?;
            caller.data_mut().notes.push(value);
            Ok(())
        })
        .unwrap()
        .func_wrap("env", "zero", |mut caller: wasmi::Caller<'_, Seen>| -> Result<i32, wasmi::Error> {
            read(&mut caller)?;
            Ok(0)
        })
        .unwrap();
    let instance = linker.instantiate_and_start(&mut store, &module).expect("instance");
    let counter = instance.get_global(&store, EXPORT_COUNTER).unwrap();
    let given = Counter { gas, stack };
    assert_eq!(Counter::read(given.value()), given, "a counter cannot hold what is given");
    counter.set(&mut store, Val::I64(given.value())).unwrap();
    let entry = instance.get_func(&store, "run").unwrap();
    let result = entry.call(&mut store, &[], &mut []);
    let left = Counter::read(counter.get(&store).i64().unwrap());
    let used = gas - left.gas;
    let ended = match result {
        Ok(()) if left.gas < 0 => Ended::OutOfGas,
        Ok(()) => {
            assert_eq!(left.stack, stack, "all frames give back what they took");
            Ended::Returned(used)
        }
        Err(error) => match error.as_trap_code() {
            Some(TrapCode::UnreachableCodeReached) if left.gas < 0 => Ended::OutOfGas,
            Some(TrapCode::UnreachableCodeReached) if left.stack < 0 => Ended::StackExhausted,
            Some(TrapCode::UnreachableCodeReached) => Ended::Unreachable(used),
            Some(code) => Ended::Trapped(code),
            None if left.gas < 0 => Ended::OutOfGas,
            None if left.stack < 0 => Ended::StackExhausted,
            None => panic!("{error}"),
        },
    };
    (ended, store.into_data())
}

/// The gas left at a host call; exhausted gas or stack ends the frame there.
fn read(caller: &mut wasmi::Caller<'_, Seen>) -> Result<i64, wasmi::Error> {
    let counter = caller.get_export(EXPORT_COUNTER).unwrap().into_global().unwrap().get(&*caller).i64().unwrap();
    let left = Counter::read(counter);
    if left.gas < 0 || left.stack < 0 {
        return Err(wasmi::Error::new("exhausted at a host call"));
    }
    let used = caller.data().limit - left.gas;
    caller.data_mut().gas_at_calls.push(used);
    Ok(left.gas)
}

trait GlobalValue {
    fn i64(&self) -> Option<i64>;
}

impl GlobalValue for Val {
    fn i64(&self) -> Option<i64> {
        match self {
            Val::I64(value) => Some(*value),
            _ => None,
        }
    }
}
