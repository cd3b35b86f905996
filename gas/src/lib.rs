//! Admission and instrumentation of contract code: gas, stack depth and bulk costs, in one linear walk.
//!
//! ```text
//! uploaded bytes ──admit──▶ Prepared (validated, metered, bounded)   or   Refusal (code, offset, limit, remedy)
//!                            │
//!                            ▼ code(): a module that any executor runs with the same gas
//! ```
//!
//! The prepared module exports a mutable `i64` global, [`EXPORT_COUNTER`], appended after the contract's own so that no
//! index moves: gas and stack units left, as [`Counter`] reads them. Whoever runs it sets it before each call, reads it at
//! every host call and at the end, and tells after an `unreachable` trap what happened: gas below 0 is out of gas, else
//! stack below 0 is an exhausted stack, else it was the contract's own. `docs/gas.md` is the specification.
//!
//! This crate knows no executor, no state and no host, needs no standard library, and names no type of its parser in
//! its interface.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod counter;
mod encode;
mod explain;
mod function;
mod growth;
mod limits;
mod located;
mod module;
mod operator;
mod prepared;
mod profile;
mod refusal;
mod refuse;
mod schedule;
mod table;

pub use counter::Counter;
pub use explain::{Explanation, FunctionFacts, FunctionName, Usage, explain, function_at, function_names};
pub use limits::{LIMITS_LARGE, LIMITS_V1, Limits};
pub use located::places;
pub use module::{admit, prepare};
pub use prepared::{Loading, Prepared};
pub use profile::{Entry, Floats, Import, Linking, Profile, ValueType};
pub use refusal::{Refusal, RefusalCode};
pub use schedule::{PRICE_MAX, Schedule, V1};

/// Not part of the interface: what `make bench-gas` needs to tell apart the costs of gas, of the stack and of float bits.
#[doc(hidden)]
pub mod measure {
    pub use crate::module::{Injected, admit_with};
}

/// Export of the gas and stack units left: a mutable `i64` global that [`Counter`] reads.
pub const EXPORT_COUNTER: &str = "unfork:counter";
/// Export of the memory, where there is one.
pub const EXPORT_MEMORY: &str = "unfork:memory";
/// Exports of the contract's own mutable globals: this and the index in decimal, for whoever sets an instance back to how
/// it began ([`Prepared::mutable_globals`]).
pub const EXPORT_GLOBAL: &str = "unfork:global:";
/// Exports of located code ([`Prepared::located`]): this and 0 to 3, `i64` globals for [`places()`].
pub const EXPORT_PLACES: &str = "unfork:places:";
/// The innermost so many functions are told.
pub const PLACES_MAX: usize = 16;
/// Beginning of the names that a contract must not use.
pub const RESERVED_PREFIX: &str = "unfork:";
