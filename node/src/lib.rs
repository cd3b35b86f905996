//! What the binary `unfork` is made of, as a library, so that the conformance tests run the same code.
//!
//! - [`scenario`]: the files that describe a chain, its transactions and what should come of them, and their execution.
//! - [`chain`]: the chain specification as people write it.
//! - `replay`: executes the blocks of a store again and compares (with the feature `rocksdb`).
//! - `disk`: a chain in a directory (with the feature `rocksdb`).
//! - [`project`]: a new contract project, and building one.
//! - [`compare`]: differences between what is stored and what executing gives.
//!
//! Consensus is not decided here: everything that is hashed comes from `unfork-engine`.
#![forbid(unsafe_code)]

pub mod chain;
pub mod compare;
#[cfg(feature = "rocksdb")]
pub mod disk;
pub mod project;
#[cfg(feature = "rocksdb")]
pub mod replay;
pub mod scenario;
