//! The hash tree of contract state and the verification of its proofs; no I/O, no allocator beyond alloc.
//!
//! Two trees are defined here, both over Keccak-256 and both described byte by byte in `docs/format.md`:
//!
//! * the **state tree**, a sparse 4-ary tree over the Keccak-256 of every key, whose root depends only on the set of
//!   (key, value) pairs: [`Proof`] shows that a key has a value, or that it is absent;
//! * the **list tree** over an ordered list of byte strings (transactions, receipts, events): [`ListProof`] shows
//!   that an item stands at an index.
//!
//! [`verify_many`] and [`verify_list_many`] verify one proof for many keys or items; [`Manifest`] verifies the chunks of a
//! snapshot of the whole state.
//!
//! A light client needs nothing but this crate. It does not store anything and does not build state trees.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod hash;
mod list;
mod many;
mod snapshot;
mod state;

pub use hash::{
    DEPTH_MAX, EMPTY, Hash, INLINE_VALUE_BYTES_MAX, digit, keccak256, state_inner, state_leaf, state_leaf_of_hash,
    state_path,
};
pub use list::{
    LIST_DEPTH_MAX, LIST_INNER_TAG, LIST_ITEMS_MAX, LIST_LEAF_TAG, LIST_ROOT_TAG, ListProof, ListTree, list_leaf,
    list_root,
};
pub use many::{Claim, ListClaim, join_proofs, verify_list_many, verify_many};
pub use snapshot::{Entry, Manifest, Part, SNAPSHOT_DEPTH_MAX, SnapshotHead, encode_chunk, part_of, part_of_leaves};
pub use state::{Level, OtherLeaf, PROOF_BYTES_MAX, Proof, ProofError, Terminal};
