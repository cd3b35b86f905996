//! What a block is, byte by byte (docs/format.md, "Blocks").

use crate::rules::tagged_hash;
use crate::transaction::{Format, Receipt, Transaction};
use crate::types::Hash;
use parity_scale_codec::{Decode, Encode};
use unfork_proof::{ListProof, ListTree};
use unfork_state::{keccak256_each, list_leaves};

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

/// The root of the list tree over the encodings of `items`.
#[must_use]
pub fn list_root<T: Encode>(items: &[T]) -> Hash {
    let encoded: Vec<Vec<u8>> = items.iter().map(Encode::encode).collect();
    ListTree::from_leaves(list_leaves(&encoded)).root()
}

/// The proof that the item at `index` stands in the list tree over the encodings of `items`.
#[must_use]
pub fn list_proof<T: Encode>(items: &[T], index: u32) -> Option<ListProof> {
    let encoded: Vec<Vec<u8>> = items.iter().map(Encode::encode).collect();
    ListTree::new(&encoded).prove(index)
}

/// The root of the list tree over the summaries of `receipts`. All hashes of a kind are computed together, as many at once
/// as the processor can.
pub(crate) fn receipts_root(receipts: &[Receipt]) -> Hash {
    let outputs: Vec<&[u8]> = receipts.iter().map(|receipt| receipt.output.as_slice()).collect();
    let events: Vec<Vec<u8>> = receipts.iter().flat_map(|receipt| &receipt.events).map(Encode::encode).collect();
    let (output_hashes, leaves) = (keccak256_each(&outputs), list_leaves(&events));
    let no_events = ListTree::from_leaves(Vec::new()).root();
    let mut rest = leaves.as_slice();
    let summaries = receipts.iter().zip(output_hashes).map(|(receipt, output_hash)| {
        let (own, behind) = rest.split_at_checked(receipt.events.len()).unwrap_or((rest, &[]));
        rest = behind;
        let events_root = if own.is_empty() { no_events } else { ListTree::from_leaves(own.to_vec()).root() };
        receipt.summary_with(output_hash, events_root)
    });
    list_root(&summaries.collect::<Vec<_>>())
}
