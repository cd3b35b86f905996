//! Executes contract messages, transactions and blocks, deterministically and metered.
//!
//! Three layers, each usable without the next:
//! [`execute_message`] runs one message whose caller is known on a view of the state;
//! [`execute_transaction`] adds envelope, nonce and the node's hooks;
//! [`BlockExecutor`] makes, checks and commits blocks on a store.
#![deny(missing_docs)]

mod abi;
mod block;
mod cache;
mod call;
mod engine;
mod executor;
mod host;
mod message;
mod outcome;
mod records;
mod rules;
mod session;
mod trace;
mod transaction;
mod types;

pub use abi::ProfileId;
pub use block::{
    Block, BlockError, BlockExecutor, BlockOutcome, Checked, Header, InvalidBlock, LeftOut, Reason, StoredBlock,
    execute_block, genesis, list_proof, list_root, select_block,
};
pub use cache::CACHE_BYTES_DEFAULT;
pub use engine::Engine;
pub use host::accounts::{Accounts, TransferError};
pub use host::call::contract_address;
pub use message::{Action, Environment, Message, Outcome, execute_message};
pub use outcome::{Budget, Fault, FaultKind, Refused, Status, Trap};
pub use records::{Account, Chain, Code, Contract, RecordKey, read as read_record};
pub use rules::{Activation, ChainSpec, Rules, SpecError};
pub use session::FrameKind;
pub use trace::TraceEvent;
pub use transaction::{
    Executed, Format, Hooks, Invalid, OpenHooks, Payload, Receipt, ReceiptSummary, Transaction, execute_transaction,
};
pub use types::{ADDRESS_BYTES_MAX, Address, Balance, BlockContext, Event, Hash};
