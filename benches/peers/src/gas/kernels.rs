//! Running the kernels: without metering, with ours, and with that of others.

use crate::measure::{geomean, medians, ratio};
use crate::peers;
use unfork_benches::contracts::fixtures;
use unfork_gas::measure::{Injected, admit_with};
use unfork_gas::{Counter, EXPORT_COUNTER, LIMITS_V1, V1};
use wasmi::{CompilationMode, Config, Engine, Error, Linker, Module, Store, TypedFunc, Val};

/// Kernels with the argument that makes each run for some hundredths of a second.
const KERNELS: &[(&str, i32)] = &[
    ("kernels/crc", 150),
    ("kernels/fib", 31),
    ("kernels/json", 30),
    ("kernels/keccak", 800),
    ("kernels/matmul", 128),
    ("kernels/sha256", 80),
    ("kernels/sort", 100_000),
    ("kernels/tak", 24),
];

/// The sides; what they are is in [`Side`].
const SIDES: [&str; 6] = ["unmetered", "gas+stack", "gas only", "wasmi fuel", "wasm-instrument", "finite-wasm"];

/// Prints the table and the ratios.
pub fn run() {
    println!("# time of each kernel divided by its time without metering");
    println!(
        "# {:16} {:>9} {}",
        "kernel",
        "ms",
        SIDES[1..].iter().map(|side| format!("{side:>16}")).collect::<String>()
    );
    let mut ratios: [Vec<f64>; SIDES.len()] = Default::default();
    for (name, argument) in KERNELS {
        let fixture = fixtures().into_iter().find(|fixture| fixture.name == *name).expect("a fixture");
        let admitted = |gas_only: bool| {
            let injected = Injected { stack: !gas_only, canonical_nans: true };
            let admitted = admit_with(injected, fixture.code, &V1, &LIMITS_V1, &fixture.profile);
            admitted.expect("an admitted fixture").into_code()
        };
        let mut sides = [
            Side::new(fixture.code, false),
            Side::new(&admitted(false), false),
            Side::new(&admitted(true), false),
            Side::new(fixture.code, true),
            Side::new(&peers::wasm_instrument(fixture.code).expect("it accepts the kernels"), false),
            Side::new(&peers::finite_wasm(fixture.code).expect("it accepts the kernels"), false),
        ];
        let expected = sides[0].run(*argument);
        for (side, name) in sides.iter_mut().zip(SIDES) {
            assert_eq!(side.run(*argument), expected, "{name} computes something else");
        }
        let mut operations: Vec<Box<dyn FnMut() + '_>> = Vec::new();
        for side in &mut sides {
            operations.push(Box::new(|| assert_eq!(side.run(*argument), expected)));
        }
        let times = medians(&mut operations);
        let each: Vec<f64> = times.iter().map(|time| ratio(*time, times[0])).collect();
        let cells: String = each[1..].iter().map(|each| format!("{each:16.3}")).collect();
        println!("# {name:16} {:9.2} {cells}", times[0].as_secs_f64() * 1e3);
        each.iter().zip(&mut ratios).for_each(|(each, ratios)| ratios.push(*each));
    }
    let means = ratios.map(|each| geomean(each.into_iter()));
    println!(
        "# {:16} {:>9} {}",
        "geometric mean",
        "",
        means[1..].iter().map(|mean| format!("{mean:16.3}")).collect::<String>()
    );
    println!("ratio metered_over_unmetered_geomean {:.3}", means[1]);
    println!("ratio gas_only_over_unmetered_geomean {:.3}", means[2]);
    println!("ratio wasmi_fuel_over_unmetered_geomean {:.3}", means[3]);
    println!("ratio wasm_instrument_over_ours {:.3}", means[4] / means[1]);
    println!("ratio finite_wasm_over_ours {:.3}", means[5] / means[1]);
}

/// A kernel made ready in one way.
struct Side {
    store: Store<Counters>,
    run: TypedFunc<i32, i32>,
    /// Counters that are filled before each run, and with what.
    globals: Vec<(wasmi::Global, i64)>,
    fuel: bool,
}

/// What finite-wasm's host functions count.
#[derive(Default)]
struct Counters {
    gas: u64,
    stack: u64,
}

impl Side {
    fn new(code: &[u8], fuel: bool) -> Side {
        let engine = Engine::new(&config(fuel, CompilationMode::Eager));
        let module = Module::new(&engine, code).expect("the executor accepts it");
        let mut store = Store::new(&engine, Counters::default());
        let instance = linker(&engine).instantiate_and_start(&mut store, &module).expect("it makes an instance");
        let plenty = Counter { gas: Counter::GAS_MAX, stack: Counter::STACK_MAX }.value();
        let counters = [(EXPORT_COUNTER, plenty), (peers::GAS_GLOBAL, 1 << 60)];
        let globals = counters.into_iter().filter_map(|(name, full)| Some((instance.get_global(&store, name)?, full)));
        let globals = globals.collect();
        let run = instance.get_typed_func(&store, "run").expect("kernels export run");
        Side { store, run, globals, fuel }
    }

    fn run(&mut self, argument: i32) -> i32 {
        for (global, full) in &self.globals {
            global.set(&mut self.store, Val::I64(*full)).expect("a counter");
        }
        *self.store.data_mut() = Counters { gas: 1 << 60, stack: 1 << 30 };
        if self.fuel {
            self.store.set_fuel(1 << 60).expect("fuel is on");
        }
        self.run.call(&mut self.store, argument).expect("kernels return")
    }
}

/// The configuration of the engine's executor (`engine/src/executor/wasmi/config.rs`), but for fuel, and for when
/// functions are translated.
pub fn config(fuel: bool, mode: CompilationMode) -> Config {
    let mut config = Config::default();
    config
        .compilation_mode(mode)
        .consume_fuel(fuel)
        .ignore_custom_sections(true)
        .set_max_recursion_depth(1 << 20)
        .set_max_stack_height(256 << 20)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false);
    config
}

/// finite-wasm's functions, each as cheap as it can be: a subtraction and a comparison.
fn linker(engine: &Engine) -> Linker<Counters> {
    let mut linker = Linker::new(engine);
    let exhausted = || Error::new("exhausted");
    linker
        .func_wrap(
            peers::FINITE_WASM_MODULE,
            "finite_wasm_gas",
            move |mut caller: wasmi::Caller<'_, Counters>, gas: u64| {
                let counters = caller.data_mut();
                counters.gas = counters.gas.checked_sub(gas).ok_or_else(exhausted)?;
                Ok(())
            },
        )
        .and_then(|linker| {
            linker.func_wrap(
                peers::FINITE_WASM_MODULE,
                "finite_wasm_stack",
                move |mut caller: wasmi::Caller<'_, Counters>, operands: u64, frame: u64| {
                    let counters = caller.data_mut();
                    counters.stack = counters.stack.checked_sub(operands.wrapping_add(frame)).ok_or_else(exhausted)?;
                    Ok(())
                },
            )
        })
        .and_then(|linker| {
            linker.func_wrap(
                peers::FINITE_WASM_MODULE,
                "finite_wasm_unstack",
                |mut caller: wasmi::Caller<'_, Counters>, operands: u64, frame: u64| {
                    let counters = caller.data_mut();
                    counters.stack = counters.stack.wrapping_add(operands.wrapping_add(frame));
                },
            )
        })
        .expect("each is defined once");
    // The others it imports are never called by these kernels, but their signatures must fit.
    for operator in ["memory_copy", "memory_fill", "memory_init", "table_copy", "table_fill", "table_init"] {
        let name = format!("finite_wasm_{operator}");
        let never = |count: u32, _: u64, _: u64| count;
        linker.func_wrap(peers::FINITE_WASM_MODULE, &name, never).expect("each is defined once");
    }
    linker
}
