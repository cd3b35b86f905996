//! Scenario files: a chain, its transactions, and what should come of them, in one JSON file.
//!
//! `unfork run` executes them, and the conformance vectors are such files. [`load()`] reads and checks a whole file before
//! anything runs: every name must be known where it is used and every value must fit its type, so that a mistake is
//! reported with file, line, step and field and never turns into a surprising receipt.
//!
//! [`run()`] executes a loaded scenario, in memory or on a store, and compares what comes of it with what is expected.

mod code;
mod expect;
mod load;
mod model;
mod report;
mod run;
mod value;

pub use expect::Failure;
pub use load::{FILE_BYTES_MAX, STEPS_MAX, ScenarioError, load, parse};
pub use model::*;
pub use report::{BlockReport, Ended, Sent, Watch};
pub use run::{RunError, Summary, run, run_in_memory};
pub use unfork_testkit::names::{Bytes32, account_address, code_hash, parse_hex, parse_hex32, selector};
pub use value::{
    Data, ENCODED_BYTES_MAX, EncodeError, Entry, Fill, Hex, Hex32, Input, Integer, Message, Output, Value, Variant,
    resolve_address, resolve_code,
};
