//! What a cached program and a waiting instance take: resident bytes of the process before and after many of them.
//!
//! A program of its own, with the C library's allocator: memory that was freed before must not be what is taken again.
//!
//!   cargo run --release --locked -p unfork-benches --no-default-features --example memory
#![allow(clippy::arithmetic_side_effects, clippy::disallowed_methods, clippy::disallowed_types, reason = "measures")]
#![allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "bytes on average")]

use unfork_benches::token::{C_TOKEN, INK_TOKEN, Tokens};
use unfork_engine::Engine;

/// Contracts, each of a code of its own.
const COPIES: u32 = 300;

/// Prints bytes for one program and one instance.
fn main() {
    let engine = Engine::new().expect("the self-test passes");
    let supply = [[0x9b, 0xae, 0x9d, 0x5e].as_slice(), &1u128.to_le_bytes()].concat();
    // A call of the C token that does nothing, and `total_supply` of the ink! token.
    let works =
        [("C token", C_TOKEN, Vec::new(), vec![0; 5]), ("ink! token", INK_TOKEN, supply, vec![0xdb, 0x63, 0x75, 0xa8])];
    for (name, code, constructor, call) in works {
        let mut tokens = Tokens::in_memory(&engine);
        let contracts = tokens.create_copies(code, &constructor, COPIES);
        let block = tokens.calls(&contracts, &call);
        let (large, none) = (1 << 30, 0);
        let (keeping, pooling) = [none, large].map(|pool| Engine::with_bounds(large, pool)).into();
        let (keeping, pooling) = (keeping.expect("an engine"), pooling.expect("an engine"));
        let [program, both] = [&keeping, &pooling].map(|engine| {
            let before = resident();
            drop(tokens.execute(engine, &block));
            (resident() - before) / f64::from(COPIES)
        });
        let counted = pooling.kept_bytes();
        let each = |bytes: usize| bytes as f64 / f64::from(COPIES);
        println!(
            "memory of the {name}, {} bytes of code: program {program:.0} bytes, {:.1} × its code (counted as {:.0}); \
             waiting instance {:.0} bytes (counted as {:.0})",
            code.len(),
            program / code.len() as f64,
            each(counted.0),
            both - program,
            each(counted.1)
        );
    }
}

/// Resident bytes of this process.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kibibytes.map_or(f64::NAN, |kibibytes| kibibytes * 1024.0)
}
