//! A chain inside a test: deploy and call contracts by method name; look at answers, events, gas and call trees.
//!
//! ```
//! use unfork_testkit::{Chain, Code};
//!
//! let mut chain = Chain::new(); // alice, bob, carol, dave and eve are there
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/fixtures/ink-5.1");
//! let code = Code::file(format!("{folder}/erc20.wasm")); // with its interface from erc20.json
//! let token = chain.deploy(code).constructor("new(1_000)").contract();
//!
//! chain
//!     .call(&token, "transfer(bob, 300)")
//!     .succeeds()
//!     .returns("Ok(())")
//!     .emits("Transfer(from: Some(alice), to: Some(bob), value: 300)");
//! chain.call(&token, "balance_of(bob)").dry().returns("300");
//!
//! // A failure is an answer like any other; time and state are the test's.
//! let before = chain.snapshot();
//! chain.advance(10);
//! chain.call(&token, "transfer(alice, 1)").by("carol").fails("reverted").returns("Err(InsufficientBalance)");
//! chain.revert(&before);
//! ```
//!
//! Contracts without an interface are called with bytes, or with an ink! selector and SCALE values:
//!
//! ```
//! use unfork_testkit::{Chain, Code, message};
//!
//! let mut chain = Chain::new();
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/fixtures/ink-5.1");
//! let code = Code::file(format!("{folder}/flipper.wasm"));
//! let flipper = chain.deploy(code).constructor(message("new").arg(true)).contract();
//! assert!(chain.call(&flipper, message("get")).dry().decoded::<Result<bool, ()>>().unwrap());
//! chain.call(&flipper, [0x63, 0x3a, 0xa5, 0x51]).succeeds().gas_at_most(2_000_000);
//! assert!(!chain.call(&flipper, message("get")).dry().decoded::<Result<bool, ()>>().unwrap());
//! ```
//!
//! When something is not as a test says, it panics with what was expected, what was found, and the call tree.
//!
//! [`interface`] and [`CallTree`] are what `unfork run` prints with, too.
#![forbid(unsafe_code)]

mod chain;
mod code;
mod functions;
mod input;
pub mod interface;
pub mod names;
mod ran;
mod state;
mod tree;

pub use chain::{ACCOUNTS, BALANCE, Call, Chain, Contract, Deploy, Snapshot};
pub use code::Code;
pub use functions::{FunctionNames, function_names, names_file};
pub use input::{Input, Message, message};
pub use interface::{Interface, InterfaceError};
pub use names::Labels;
pub use ran::Ran;
pub use state::{account, stored_item};
pub use tree::{CallTree, Detail};
