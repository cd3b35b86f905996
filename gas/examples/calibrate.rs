//! Measures what code costs on the reference executor, and proposes prices: run by `make calibrate`, never by a node.
//!
//! Each kernel is a loop over a few operators. How many operators of each class it executes is counted by running it under
//! schedules in which one price is 1 and all others are 0; how long it takes is measured; the nanoseconds of each class are
//! then the non-negative least-squares fit, and the proposal is that in whole gas, raised until no kernel takes longer than a
//! nanosecond for each gas. Code is measured as it runs on chain: prepared, with its charges and checks in it.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::float_arithmetic, clippy::cast_precision_loss)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::disallowed_types)]

#[path = "../tests/support/bombs.rs"]
mod bombs;
#[allow(dead_code, reason = "made for tests")]
#[path = "../tests/support/modules.rs"]
mod contracts;
#[path = "calibrate/fit.rs"]
mod fit;
#[path = "calibrate/kernels.rs"]
mod kernels;
#[path = "calibrate/modules.rs"]
mod modules;

use std::time::Instant;

use fit::{Measured, Unknowns};
use kernels::{Kernel, PROFILE, kernels};
use unfork_gas::{Counter, EXPORT_COUNTER, LIMITS_V1, Prepared, Schedule, V1, prepare};
use wasmi::{Engine, Func, Linker, Module, Store, Val};

/// Price fields that kernels determine.
fn operator_prices() -> Vec<&'static str> {
    let instrumented = |name: &&str| !name.starts_with("instance_");
    let names = Schedule::ROWS.iter().map(|row| row.0).take_while(instrumented);
    names.filter(|name| !NOT_MEASURED.contains(name)).chain([HOST_CALL]).collect()
}

/// What a host pays for, not the code: the boundary that a call crosses.
const HOST_CALL: &str = "host_call_base";
/// No price, and prices of growing memory, which cannot be grown again and again: [`modules`] measures pages.
const NOT_MEASURED: [&str; 3] = ["return_check_above", "grow_page", "grow_element"];

fn main() {
    let names = operator_prices();
    let mut measured = Vec::new();
    for kernel in kernels() {
        let counts = names.iter().map(|name| count(&kernel, name)).collect();
        let nanoseconds = time(&kernel);
        measured.push(Measured { name: kernel.name, counts, nanoseconds });
    }
    let unknowns = Unknowns::fit(&names, &measured);
    unknowns.print(&measured);
    modules::measure();
}

/// The schedule in which only `name` has a price, of 1.
fn only(name: &str) -> Schedule {
    let mut schedule = V1;
    for (field, _) in V1.fields() {
        assert!(schedule.set(field, u64::from(field == name)));
    }
    schedule
}

/// How often one turn of the kernel pays the price: exact, from the gas of two runs.
fn count(kernel: &Kernel, name: &str) -> f64 {
    if name == HOST_CALL {
        return kernel.host_calls as f64;
    }
    let code = wat::parse_str(&kernel.text).unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
    let prepared =
        prepare(&code, &only(name), &LIMITS_V1, &PROFILE).unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
    let mut running = Running::new(&prepared);
    let few = running.run(2);
    let more = running.run(2 + COUNTED_TURNS);
    (more - few) as f64 / f64::from(COUNTED_TURNS)
}

/// Turns for counting: enough for every arm of a kernel to come up as often as in the long run.
const COUNTED_TURNS: i32 = 64;
/// A run is repeated this often, and the shortest counts: what is added by other work on the machine is never negative.
const REPEATS: usize = 9;
/// Turns are doubled until a run takes at least this long, in nanoseconds.
const RUN_NANOSECONDS: f64 = 4e6;

/// Nanoseconds of one turn, with the released prices in the code.
fn time(kernel: &Kernel) -> f64 {
    let code = wat::parse_str(&kernel.text).unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
    let prepared = prepare(&code, &V1, &LIMITS_V1, &PROFILE).unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
    let mut running = Running::new(&prepared);
    let mut timed = |turns: i32| {
        let start = Instant::now();
        running.run(turns);
        start.elapsed().as_nanos() as f64
    };
    let mut turns = 16;
    while timed(turns) < RUN_NANOSECONDS && turns < 1 << 28 {
        turns *= 2;
    }
    let best =
        |turns: i32, timed: &mut dyn FnMut(i32) -> f64| (0..REPEATS).map(|_| timed(turns)).fold(f64::MAX, f64::min);
    // The call itself is in both, and falls out.
    let (long, short) = (best(turns, &mut timed), best(turns / 2, &mut timed));
    ((long - short) / f64::from(turns - turns / 2)).max(0.0)
}

/// A kernel in an instance.
struct Running {
    store: Store<()>,
    entry: Func,
    counter: wasmi::Global,
}

impl Running {
    fn new(prepared: &Prepared) -> Running {
        let engine = Engine::default();
        let module = Module::new(&engine, prepared.code()).expect("prepared code validates");
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::<()>::new(&engine);
        linker.func_wrap("env", "host", |value: i32| value).expect("one host function");
        let instance = linker.instantiate_and_start(&mut store, &module).expect("an instance");
        let entry = instance.get_func(&store, "run").expect("the entry");
        let counter = instance.get_global(&store, EXPORT_COUNTER).expect("the counter");
        Running { store, entry, counter }
    }

    /// Runs that many turns; the gas used comes back.
    fn run(&mut self, turns: i32) -> i64 {
        let given = Counter { gas: Counter::GAS_MAX, stack: 100_000 };
        self.counter.set(&mut self.store, Val::I64(given.value())).expect("set");
        self.entry.call(&mut self.store, &[Val::I32(turns)], &mut []).expect("kernels do not trap");
        match self.counter.get(&self.store) {
            Val::I64(left) => given.gas - Counter::read(left).gas,
            _ => unreachable!("the counter is an i64"),
        }
    }
}
