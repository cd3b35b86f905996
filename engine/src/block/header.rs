//! What a block is, byte by byte (docs/format.md, "Blocks").

use crate::rules::tagged_hash;
use crate::transaction::{Format, Receipt, Transaction};
use crate::types::Hash;
use parity_scale_codec::{Decode, Encode};
use unfork_proof::{ListProof, ListTree};

/// The header of a block. Its hash is the block's id.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// Version of the format.
    pub format: Format,
    /// The chain.
    pub chain_id: Hash,
    /// Id of the block before; zero for the genesis.
    pub parent: Hash,
    /// 0 for the genesis, one more for each block.
    pub height: u64,
    /// Nanoseconds since 1970; never less than the parent's.
    pub time: u64,
    /// The protocol version whose rules hold, as the chain specification says for the height.
    pub protocol_version: u32,
    /// Root of the list tree over the encoded transactions.
    pub transactions_root: Hash,
    /// Root of the list tree over the encoded receipt summaries.
    pub receipts_root: Hash,
    /// Root of the state after the block.
    pub state_root: Hash,
}

impl Header {
    /// The block's id: Keccak-256 over the header.
    #[must_use]
    pub fn id(&self) -> Hash {
        tagged_hash(b"unfork/header", self)
    }
}

/// A block as it is proposed and checked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// The transactions, in order.
    pub transactions: Vec<Transaction>,
}

/// A block as it is stored: with its receipts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StoredBlock {
    /// The block.
    pub block: Block,
    /// One receipt for each transaction.
    pub receipts: Vec<Receipt>,
}

/// The proof that the item at `index` stands in the list tree over the encodings of `items`.
#[must_use]
pub fn list_proof<T: Encode>(items: &[T], index: u32) -> Option<ListProof> {
    let encoded: Vec<Vec<u8>> = items.iter().map(Encode::encode).collect();
    ListTree::new(&encoded).prove(index)
}
