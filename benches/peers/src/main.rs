//! Our operations and those of others, alternately in one process. Prints `ratio NAME VALUE` lines: the other's time
//! divided by ours, so that above 1 we are faster.

use std::time::{Duration, Instant};
use unfork_benches::contracts::fixtures;
use unfork_gas::{LIMITS_V1, V1, admit};
use wasm_instrument::gas_metering::{ConstantCostRules, inject, mutable_global};
use wasm_instrument::{inject_stack_limiter, parity_wasm};

/// Measurements of each side; the median counts.
const ROUNDS: usize = 15;

/// How long one measurement lasts at least.
const ROUND: Duration = Duration::from_millis(20);

fn main() {
    let (mut product, mut count) = (1.0, 0);
    for fixture in fixtures() {
        let code = fixture.code;
        if let Err(refusal) = wasm_instrument(code) {
            println!("# prepare/{}: wasm-instrument 0.4.0 refuses it: {refusal}", fixture.name);
            continue;
        }
        let ours = || drop(admit(code, &V1, &LIMITS_V1, &fixture.profile).expect("an admitted fixture"));
        let theirs = || drop(wasm_instrument(code).expect("it was accepted before"));
        let (ours, theirs) = alternately(&ours, &theirs);
        println!(
            "ratio prepare/{} {:.2}  # ours {ours:?}, wasm-instrument {theirs:?}",
            fixture.name,
            ratio(theirs, ours)
        );
        (product, count) = (product * ratio(theirs, ours), count + 1);
    }
    println!("ratio prepare {:.2}  # geometric mean of {count}", product.powf(1.0 / f64::from(count)));
}

/// What admission would be with wasm-instrument: validate, parse, inject gas and stack height, write.
fn wasm_instrument(code: &[u8]) -> Result<Vec<u8>, String> {
    wasmparser::validate(code).map_err(|error| error.to_string())?;
    let module =
        parity_wasm::deserialize_buffer(code).map_err(|error: parity_wasm::elements::Error| error.to_string())?;
    let backend = mutable_global::Injector::new("gas_left");
    let metered = inject(module, backend, &ConstantCostRules::default()).map_err(|_| "gas cannot be injected")?;
    let limited = inject_stack_limiter(metered, 1024).map_err(|error| error.to_string())?;
    parity_wasm::serialize(limited).map_err(|error| error.to_string())
}

/// The median time of each, measured in turns so that both see the same machine.
fn alternately(first: &dyn Fn(), second: &dyn Fn()) -> (Duration, Duration) {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (operation, times) in [first, second].into_iter().zip(&mut times) {
            times.push(measure(operation));
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[ROUNDS / 2]
    };
    let [first, second] = &mut times;
    (median(first), median(second))
}

fn measure(operation: &dyn Fn()) -> Duration {
    let (start, mut runs) = (Instant::now(), 0);
    while start.elapsed() < ROUND {
        operation();
        runs += 1;
    }
    start.elapsed() / runs
}

fn ratio(theirs: Duration, ours: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64()
}
