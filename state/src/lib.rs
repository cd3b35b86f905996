//! Contract state: overlays, a canonical Merkle tree, and the stores that keep it.
//!
//! ```text
//!   Overlay (one transaction or block, journaled)          Key = space prefix ++ raw key
//!      │ reads through                                     path = Keccak-256(key)
//!      ▼
//!   StateView ◀── Layer (changes over a view) ◀── Pending::view
//!      ▲                                             ▲
//!      │ snapshot of the head                        │ prepare(parent, ChangeSet) → (root, Pending)
//!   Store ── commit(Pending): block file synced, then one atomic batch; the tree follows in memory
//! ```
//!
//! The flat values and the block file are the truth; the tree is derived and checked whenever a store is opened.
//! Everything hashed or stored is described byte by byte in `docs/format.md`. This crate knows no Wasm, no gas and no
//! transactions; an error from it is always a fault of the node, never something a contract did.
#![deny(unsafe_code)]

mod changes;
mod error;
mod keccak;
mod key;
mod lists;
mod merge;
mod merkle;
mod overlay;
mod prefetch;
mod seeded;
mod store;
pub mod testing;
mod view;
mod worker;

pub use changes::{CHANGES_BYTES_MAX, Change, ChangeSet, DecodeError};
pub use error::StateError;
pub use keccak::Lanes;
pub use key::{ADDRESS_BYTES_MAX, Key, Order, RAW_KEY_BYTES_MAX, Range, Space, VALUE_BYTES_MAX};
pub use lists::{keccak256_each, list_leaves, list_roots};
pub use merge::Scanned;
pub use overlay::{Checkpoint, Overlay, ReadSet};
#[cfg(feature = "rocksdb")]
pub use store::{Accepted, Import, Inspection, Record, chunk_name};
pub use store::{
    BODY_BYTES_MAX, Backend, Batch, Block, BlockId, BlockLog, CHUNK_BYTES, ExportedChunk, FORMAT, FileLog, Head,
    MemoryBackend, MemoryLog, MemoryUse, Options, Parts, Past, Pending, Recovery, Stats, Store, Table, TableRange,
    TreeSource, Verified, Write,
};
pub use unfork_proof::{Hash, Manifest, Proof, ProofError, SnapshotHead, verify_many};
pub use view::{EmptyView, Layer, StateView, Value};
pub use worker::{Task, Worker};
