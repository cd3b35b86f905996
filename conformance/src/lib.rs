//! Vectors, hostile contracts and oracles that every executor and store of the engine must agree on.
//!
//! [`generators`] turn bytes into contracts and chains; [`oracles`] run something on them and panic when a rule of the
//! engine is broken. Both are plain functions of their bytes, so that a fuzzer, a saved corpus and a seeded stream of
//! numbers can drive the same code: `fuzz/` does the first, `tests/corpora.rs` the other two.
#![forbid(unsafe_code)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "nothing here is consensus: an overflow is a finding like any other"
)]

use unfork_gas::{Limits, Prepared, Profile, Refusal, Schedule};

pub(crate) mod executor;
pub mod generators;
pub mod linked;
pub mod oracles;
pub mod reference;

/// Admits code. Preparing it, which validates no body, must give the same, code and facts; what is refused may be prepared or
/// not, but nothing may panic.
///
/// # Errors
/// As admission refuses.
///
/// # Panics
/// When admitted code is prepared to something else.
pub fn admit(code: &[u8], schedule: &Schedule, limits: &Limits, profile: &Profile<'_>) -> Result<Prepared, Refusal> {
    let admitted = unfork_gas::admit(code, schedule, limits, profile);
    let prepared = unfork_gas::prepare(code, schedule, limits, profile);
    if admitted.is_ok() && admitted != prepared {
        panic!("preparing gives other code or facts than admission: {:?}", prepared.map(|_| ()));
    }
    admitted
}
