//! Committed state: values in a key-value store, blocks in an append-only file, the tree in memory.

mod backend;
mod cache;
mod checkpoint;
mod commit;
#[cfg(feature = "rocksdb")]
mod disk;
mod file;
mod first;
mod history;
#[cfg(feature = "rocksdb")]
mod import;
#[cfg(feature = "rocksdb")]
mod inspect;
mod log;
mod many;
mod memory;
mod open;
mod options;
mod past;
mod pending;
#[cfg(feature = "rocksdb")]
mod rocks;
mod shared;
mod snapshot;
mod stats;
mod step;
mod verify;

pub use backend::{Backend, Batch, Table, TableRange, Write};
pub use commit::{BlockId, FORMAT, Head, Store};
pub use file::FileLog;
#[cfg(feature = "rocksdb")]
pub use import::{Accepted, Import, chunk_name};
#[cfg(feature = "rocksdb")]
pub use inspect::{Inspection, Record};
pub use log::{BODY_BYTES_MAX, Block, BlockLog};
pub use memory::{MemoryBackend, MemoryLog};
pub use open::{Parts, Recovery, TreeSource};
pub use options::Options;
pub use past::Past;
pub use pending::Pending;
#[cfg(feature = "rocksdb")]
pub use rocks::PlainRocks;
pub(crate) use shared::Shared;
pub use snapshot::{CHUNK_BYTES, ExportedChunk};
pub use stats::{MemoryUse, Stats};
pub use verify::Verified;
