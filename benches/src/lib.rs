//! Shared inputs of the benches: contracts with their profiles, a chain to call them on, signed or not, and a state of many keys.
#![forbid(unsafe_code)]
#![allow(clippy::arithmetic_side_effects, reason = "counts and sizes of inputs made here")]

pub mod calls;
pub mod contracts;
pub mod keys;
pub mod signed;
pub mod token;
