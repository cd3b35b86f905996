//! The state tree in memory: pure, no I/O. Its hashes are defined in `unfork-proof` and `docs/format.md`.

mod tree;

pub(crate) use tree::{Tree, Update};
