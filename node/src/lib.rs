//! What the binary `unfork` is made of, as a library, so that the conformance tests run the same code.
//!
//! - [`scenario`]: the files that describe a chain, its transactions and what should come of them.
//!
//! Consensus is not decided here: everything that is hashed comes from `unfork-engine`.
#![forbid(unsafe_code)]

pub mod scenario;
