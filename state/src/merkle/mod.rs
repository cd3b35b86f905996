//! The state tree. Its hashes are defined in `unfork-proof` and `docs/format.md`; here is how they are computed fast.
//!
//! ```text
//!   levels 0 to 5      dense arrays of node hashes                                  1,024 nodes in level 5
//!   below each         a segment: dense arrays of as many levels as its keys need, then buckets
//!   bucket             some leaves, sorted by path: (path, leaf hash); nodes inside are computed when needed
//! ```
//! How leaves are grouped is nowhere to be seen: the root is a function of the set of (path, leaf hash). A [`Diff`] is
//! what one block changes; several may stand side by side on one [`Base`], and on each other. Nothing here knows keys'
//! values, or writes.

mod base;
mod build;
mod diff;
mod leaf;
mod spare;
mod walk;

pub(crate) use base::{Base, Pages, SEGMENTS};
pub(crate) use diff::{Committed, Diff, Stack, Stale};
pub(crate) use leaf::{Leaf, LeafChange, LeafHasher, leaves_of, replay};
pub(crate) use spare::Spare;
