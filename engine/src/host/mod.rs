//! What a contract may ask of the engine, in Rust types. Each operation charges its own gas first, works through the
//! journal of the session, and knows nothing of pointers, ABIs or executors.

pub(crate) mod accounts;
pub(crate) mod call;
pub(crate) mod crypto;
pub(crate) mod events;
pub(crate) mod storage;
