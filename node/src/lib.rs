//! What the binary `unfork` is made of, as a library, so that the conformance tests run the same code.
//!
//! - [`scenario`]: the files that describe a chain, its transactions and what should come of them, and their execution.
//! - [`chain`]: the chain specification as people write it.
//! - [`compare`]: differences between what is stored and what executing gives.
//!
//! Consensus is not decided here: everything that is hashed comes from `unfork-engine`.
#![forbid(unsafe_code)]

pub mod chain;
pub mod compare;
pub mod scenario;
