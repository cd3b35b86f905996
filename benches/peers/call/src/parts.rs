//! Where the time of a call goes, told by the engine's stopwatch. Looking at the clock is part of what it shows.

use std::sync::{Arc, Mutex};
use std::time::Instant;
use unfork_benches::token::{BLOCK, Tokens, Work};
use unfork_engine::{Engine, Phase};

const PHASES: [(Phase, &str); 7] = [
    (Phase::Other, "envelope, frame, receipt"),
    (Phase::LookUp, "cache look-up"),
    (Phase::Instantiate, "instantiate"),
    (Phase::Execute, "execute"),
    (Phase::Host, "host"),
    (Phase::Overlay, "overlay"),
    (Phase::Reset, "set back"),
];

/// Prints nanoseconds a call by part, for calls in a block in memory.
pub fn print(engine: &Engine, tokens: &Tokens) {
    println!("\nParts of a call in memory (ns, each with a look at the clock):");
    for work in [Work::Noop, Work::Transfer, Work::InkTransfer] {
        let block = tokens.block(work, BLOCK);
        let spent = Arc::new(Mutex::new(([0u128; 7], Phase::Other, Instant::now())));
        let told = Arc::clone(&spent);
        let stopwatch = Arc::new(move |phase| {
            let mut spent = told.lock().expect("one thread");
            let place = PHASES.iter().position(|(known, _)| *known == spent.1).unwrap_or(0);
            let now = Instant::now();
            spent.0[place] += now.duration_since(spent.2).as_nanos();
            (spent.1, spent.2) = (phase, now);
        });
        drop(tokens.execute(engine, &block));
        spent.lock().expect("one thread").2 = Instant::now();
        drop(tokens.execute_watched(engine, &block, stopwatch));
        let spent = spent.lock().expect("one thread").0;
        let parts = PHASES.iter().zip(spent).map(|((_, name), spent)| format!("{name} {}", spent / u128::from(BLOCK)));
        println!("{:<14} {}", work.name(), parts.collect::<Vec<_>>().join(" · "));
    }
}
