//! The third layer: blocks. A header, the transactions, their receipts; execution, and what a node drives.

mod body;
mod execute;
mod executor;
mod header;

pub use body::list_root;
pub use execute::{BlockError, BlockOutcome, BlockTotal, LeftOut, Reason, execute_block, select_block};
pub use executor::{BlockExecutor, Checked, InvalidBlock, Snapshot, genesis};
pub use header::{Block, Header, StoredBlock, list_proof};
