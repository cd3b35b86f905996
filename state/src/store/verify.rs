//! Checking a whole store: everything that is derived is computed again from what it is derived from.

use super::backend::Table;
use super::commit::Store;
use super::log::{Found, read_record};
use super::open::tree_of_values;
use super::shared::Shared;
use crate::error::{StateError, hexadecimal};

/// What [`Store::verify`] went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Blocks whose records, index entries and roots were checked, genesis included.
    pub blocks: u64,
    /// Keys at the head.
    pub keys: u64,
}

impl Store {
    /// Recomputes the head's root from the values, and every block's root from the changes in the block file; checks
    /// every record's checksum, its parent, and its entries in the indices. `progress` is told the height reached and
    /// the head's height.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] naming the first thing that does not agree, and any error of reading.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, StateError> {
        let values = tree_of_values(self.shared.backend.as_ref())?;
        let hex = |hash| hexadecimal(hash);
        if values.root() != self.head.root {
            let (found, root) = (hex(&values.root()), hex(&self.head.root));
            return Err(StateError::corrupt(format!("the values hash to {found}, the head's root is {root}")));
        }
        let tree = Shared::alone();
        let mut parent = [0; 32];
        let mut offset = super::log::FILE_HEADER_BYTES as u64;
        let mut first = 0;
        // A chain that was made from a snapshot begins with its values.
        while let Found::Part(part, end) = read_record(self.log.as_ref(), &self.chain_id, offset)? {
            tree.apply(&part.changes)?;
            (first, offset) = (part.height, end);
        }
        for height in first..=self.head.height {
            let wrong =
                |what: &str| StateError::corrupt(format!("block {height} at {offset} of the block file: {what}"));
            let (block, end) = match read_record(self.log.as_ref(), &self.chain_id, offset)? {
                Found::Block(block, end) => (block, end),
                Found::Part(..) => return Err(wrong("a snapshot stands here")),
                Found::End => return Err(wrong("the file ends here")),
                Found::Damaged { what, .. } => return Err(wrong(what)),
            };
            if block.height != height || block.parent != parent {
                return Err(wrong("it does not follow the block before"));
            }
            if tree.apply(&block.changes)? != block.root {
                return Err(wrong("its changes do not lead to its root"));
            }
            let indexed = self.shared.backend.get(Table::Blocks, &height.to_be_bytes())?;
            if indexed.as_deref() != Some(offset.to_le_bytes().as_slice()) {
                return Err(wrong("the index of heights disagrees"));
            }
            let indexed = self.shared.backend.get(Table::Ids, &block.id)?;
            if indexed.as_deref() != Some(height.to_le_bytes().as_slice()) {
                return Err(wrong("the index of ids disagrees"));
            }
            (parent, offset) = (block.id, end);
            progress(height, self.head.height);
        }
        if parent != self.head.id || tree.root() != self.head.root || offset != self.log_end {
            return Err(StateError::corrupt("the last block of the block file is not the head"));
        }
        let blocks = self.head.height.saturating_sub(first).saturating_add(1);
        Ok(Verified { blocks, keys: values.leaves() })
    }
}
