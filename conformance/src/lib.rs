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

pub(crate) mod executor;
pub mod generators;
pub mod linked;
pub mod oracles;
pub mod reference;
