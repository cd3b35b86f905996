//! Executes contract messages, transactions and blocks, deterministically and metered.
//!
//! Three layers, each usable without the next:
//!
//! | layer | entry | gives | for a node that |
//! |---|---|---|---|
//! | message | [`execute_message`] | [`Outcome`] and change set | has transactions, accounts and a store of its own |
//! | transaction | [`execute_transaction`] | [`Receipt`] and change set | has blocks and a store of its own |
//! | block | [`BlockExecutor`] | blocks with roots, committed | has a consensus engine |
//!
//! ```text
//! bytes ──admit──▶ code in the state        prepare ─▶ translate (cached)
//!                                                          │
//! message ─▶ frame ─▶ Program::run(session) ─▶ import ─▶ profile (pointers ↔ bytes) ─▶ host (gas, then effect)
//!               ▲                                                                          │
//!               └────────────── contracts call contracts, all over one journal ◀───────────┘
//! block: for each transaction ─▶ receipt;  journal ─▶ change set ─▶ state root ─▶ header ─▶ commit or drop
//! ```
//!
//! What a contract did ([`Status`]), what is refused before anything runs ([`Invalid`], [`InvalidBlock`]) and what is
//! the node's own trouble ([`Fault`]) are different types, and nothing turns one into another.
//!
//! # A block
//!
//! ```
//! use std::sync::Arc;
//! use unfork_engine::{Address, BlockExecutor, ChainSpec, Engine, Format, OpenHooks, Payload, Status, Transaction};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A chain in memory with one account. A store on disk: `unfork_state::Store::create`, then `BlockExecutor::new`.
//! let alice = Address::from([1; 32]);
//! let spec = Arc::new(ChainSpec::released("my chain", 0, vec![(alice.clone(), 1_000_000)])?);
//! let mut chain = BlockExecutor::in_memory(Engine::new()?, spec, Arc::new(OpenHooks))?;
//!
//! let transaction = Transaction {
//!     format: Format::V1,
//!     chain_id: chain.chain_id(),
//!     sender: alice,
//!     nonce: 0,
//!     gas_limit: 10_000_000,
//!     gas_price: 0,
//!     payload: Payload::Transfer { to: Address::from([2; 32]), value: 7 },
//!     authentication: Vec::new(),
//! };
//! // The proposer makes a block and sends it; everybody checks it, agrees on it, and commits it.
//! let block = chain.propose(1_000_000_000, vec![transaction])?.stored.block;
//! let checked = chain.check(block)?;
//! let stored = chain.commit(checked)?;
//! assert_eq!(stored.receipts[0].status, Status::Returned);
//! println!("block {} has the state root {:02x?}", chain.head().height, chain.head().state_root);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/own_node.rs` is a node with transactions, accounts and a store of its own, over the first layer alone.
#![deny(missing_docs)]

mod abi;
mod block;
mod cache;
mod call;
mod engine;
mod executor;
mod extension;
mod host;
mod message;
mod outcome;
mod profile;
mod records;
mod rules;
mod session;
mod simulate;
mod trace;
mod transaction;
mod types;

pub use block::{
    Block, BlockError, BlockExecutor, BlockOutcome, BlockTotal, Checked, Header, InvalidBlock, LeftOut, Reason,
    Snapshot, StoredBlock, execute_block, genesis, list_proof, list_root, select_block,
};
pub use cache::CACHE_BYTES_DEFAULT;
pub use engine::{Engine, POOL_BYTES_DEFAULT};
pub use extension::{ChainExtension, ExtensionAnswer, ExtensionFunction, Kernel, Stopped};
pub use host::accounts::{Accounts, TransferError};
pub use host::call::contract_address;
pub use message::{Action, Message, Outcome, execute_message};
pub use outcome::{Budget, Fault, FaultKind, Refused, Status, Trap};
pub use profile::ProfileId;
pub use records::{Account, Chain, Code, Contract, RecordKey, read as read_record};
pub use rules::{Activation, ChainSpec, Environment, Rules, SpecError};
pub use session::{FrameKind, Phase, Stopwatch};
pub use simulate::{GasDependence, Simulation, simulate};
pub use trace::TraceEvent;
pub use transaction::{
    Executed, Format, Hooks, Invalid, Moment, OpenHooks, Payload, Receipt, ReceiptSummary, Transaction,
    execute_transaction,
};
pub use types::{ADDRESS_BYTES_MAX, Address, Balance, BlockContext, Event, Hash};
pub use unfork_gas::function_names;
