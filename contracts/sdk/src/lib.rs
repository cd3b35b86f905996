//! Contracts for Unfork.
//!
//! ```
//! #[unfork_contract::contract]
//! mod switch {
//!     use unfork_contract::prelude::*;
//!
//!     /// A switch that anybody can flip.
//!     #[storage]
//!     pub struct Switch {
//!         on: Cell<bool>,
//!         flips: Map<AccountId, u32>,
//!     }
//!
//!     #[event]
//!     pub struct Flipped {
//!         #[indexed]
//!         by: AccountId,
//!     }
//!
//!     impl Switch {
//!         #[constructor]
//!         pub fn new(&mut self, on: bool) {
//!             self.on.set(&on);
//!         }
//!
//!         /// Gives how often the caller has flipped it.
//!         #[method]
//!         pub fn flip(&mut self) -> u32 {
//!             let (by, on) = (env::caller(), self.is_on());
//!             self.on.set(&!on);
//!             let flips = self.flips.get_or_default(&by) + 1;
//!             self.flips.insert(&by, &flips);
//!             env::emit(&Flipped { by });
//!             flips
//!         }
//!
//!         #[method]
//!         pub fn is_on(&self) -> bool {
//!             self.on.get_or_default()
//!         }
//!     }
//! }
//!
//! # fn main() {
//! // Natively the same code runs on a chain on the test bench.
//! use switch::{Switch, SwitchRef};
//! use unfork_contract::{bench, prelude::*};
//! bench::reset();
//! let code = bench::upload::<Switch>();
//! let switch = SwitchRef::deploy_new(Deploy::of(code), true).unwrap();
//! assert_eq!(switch.flip(), Ok(1));
//! assert_eq!(switch.is_on(), Ok(false));
//! assert_eq!(bench::events().len(), 1);
//! # }
//! ```
//!
//! - [`contract`]: the attribute that makes a module a contract: entry points, a client for other contracts and for tests
//!   (`SwitchRef`), and the interface file (docs/interface.md), which the compiled code carries in a custom section.
//! - [`storage`]: values and maps that are read and written one by one.
//! - [`env`]: who calls, with how much; events, transfers, hashes, code.
//! - [`call`]: calls of other contracts; what goes wrong there is a value.
//! - [`bench`]: the chain on which tests run.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;
// Its own tests use the attribute, which writes paths from outside.
#[cfg(test)]
extern crate self as unfork_contract;

pub mod call;
pub mod entry;
pub mod env;
mod host;
pub mod storage;
mod types;

#[cfg(not(target_arch = "wasm32"))]
pub use host::bench;
pub use parity_scale_codec as codec;
pub use types::{AccountId, Balance, BlockNumber, Hash, Timestamp};
pub use unfork_contract_macro::contract;

/// What a contract needs.
pub mod prelude {
    pub use crate::call::{CallError, Deploy};
    pub use crate::codec::{Decode, Encode};
    pub use crate::storage::{Cell, Map, Ordered};
    pub use crate::{env, AccountId, Balance, BlockNumber, Hash, Timestamp};
    pub use alloc::{format, string::String, vec, vec::Vec};
}

#[cfg(test)]
mod tests;
