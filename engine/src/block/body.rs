//! A block as it is stored, encoded once, and the roots over its lists: what is hashed is hashed where it stands.

use super::header::Header;
use crate::transaction::{Receipt, Transaction};
use crate::types::Hash;
use parity_scale_codec::{Compact, Encode};
use std::ops::Range;
use unfork_proof::keccak256;
use unfork_state::{keccak256_each, list_leaves, list_roots};

/// Bytes of an encoded header, all of whose fields have fixed lengths.
pub(super) const HEADER_BYTES: usize = 181;

/// The transactions of a block in what is stored of it.
pub(super) struct Transactions {
    /// Room for the header, then the list.
    bytes: Vec<u8>,
    pub(super) root: Hash,
}

/// What is stored of a block, but for its header.
pub(super) struct Body {
    bytes: Vec<u8>,
    pub(super) transactions_root: Hash,
    pub(super) receipts_root: Hash,
}

impl Transactions {
    pub(super) fn new(transactions: &[Transaction]) -> Self {
        let mut bytes = vec![0; HEADER_BYTES];
        let root = add_list(transactions, &mut bytes);
        Self { bytes, root }
    }

    /// With what came of them.
    pub(super) fn with(self, receipts: &[Receipt]) -> Body {
        let Self { mut bytes, root } = self;
        let receipts_root = add_receipts(receipts, &mut bytes);
        Body { bytes, transactions_root: root, receipts_root }
    }
}

impl Body {
    /// The encoding of the [`StoredBlock`](super::StoredBlock) with this header.
    pub(super) fn under(self, header: &Header) -> Vec<u8> {
        let mut bytes = self.bytes;
        drop(bytes.splice(..HEADER_BYTES, header.encode()));
        bytes
    }
}

/// The root of the list tree over the encodings of `items`.
#[must_use]
pub fn list_root<T: Encode>(items: &[T]) -> Hash {
    add_list(items, &mut Vec::new())
}

/// The root of the list tree over the summaries of `receipts`.
pub(super) fn receipts_root(receipts: &[Receipt]) -> Hash {
    add_receipts(receipts, &mut Vec::new())
}

/// Appends the list as it is encoded, and returns its root.
fn add_list<T: Encode>(items: &[T], out: &mut Vec<u8>) -> Hash {
    out.reserve(items.iter().map(Encode::size_hint).fold(8, usize::saturating_add));
    length(items).encode_to(out);
    let places: Vec<_> = items.iter().map(|item| place_of(item, out)).collect();
    root(&list_leaves(&at(&places, out)))
}

/// The same for receipts, of which the tree has the summaries. All hashes of a kind are computed together, as many at once as
/// the processor can.
fn add_receipts(receipts: &[Receipt], out: &mut Vec<u8>) -> Hash {
    out.reserve(receipts.iter().map(Encode::size_hint).fold(8, usize::saturating_add));
    length(receipts).encode_to(out);
    let mut events = Vec::with_capacity(receipts.len());
    for Receipt { status, gas_used, created, output, events: own } in receipts {
        (status, gas_used, created, output).encode_to(out);
        length(own).encode_to(out);
        events.extend(own.iter().map(|event| place_of(event, out)));
    }
    let counts: Vec<usize> = receipts.iter().map(|receipt| receipt.events.len()).collect();
    let events_roots = list_roots(&list_leaves(&at(&events, out)), &counts);
    // Most calls return nothing.
    let outputs: Vec<&[u8]> =
        receipts.iter().map(|receipt| receipt.output.as_slice()).filter(|it| !it.is_empty()).collect();
    let (mut hashes, nothing) = (keccak256_each(&outputs).into_iter(), keccak256(&[]));
    let summaries = receipts.iter().zip(events_roots).map(|(receipt, events)| {
        let output = if receipt.output.is_empty() { nothing } else { hashes.next().unwrap_or(nothing) };
        receipt.summary_with(output, events)
    });
    list_root(&summaries.collect::<Vec<_>>())
}

/// Appends the item as it is encoded, and says where it stands.
fn place_of(item: &impl Encode, out: &mut Vec<u8>) -> Range<usize> {
    let start = out.len();
    item.encode_to(out);
    start..out.len()
}

fn at<'a>(places: &[Range<usize>], bytes: &'a [u8]) -> Vec<&'a [u8]> {
    places.iter().map(|place| bytes.get(place.clone()).unwrap_or_default()).collect()
}

fn root(leaves: &[Hash]) -> Hash {
    list_roots(leaves, &[leaves.len()]).first().copied().unwrap_or_default()
}

/// What an encoded list begins with.
fn length<T>(items: &[T]) -> Compact<u32> {
    Compact(u32::try_from(items.len()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{HEADER_BYTES, Transactions, list_root};
    use crate::block::{Block, Header, StoredBlock};
    use crate::outcome::Status;
    use crate::transaction::{Format, Payload, Receipt, Transaction};
    use crate::types::{Address, Event};
    use parity_scale_codec::Encode;
    use unfork_proof::ListTree;

    fn header() -> Header {
        Header {
            format: Format::V1,
            chain_id: [1; 32],
            parent: [2; 32],
            height: 3,
            time: 4,
            protocol_version: 5,
            transactions_root: [6; 32],
            receipts_root: [7; 32],
            state_root: [8; 32],
        }
    }

    fn transaction(number: u8) -> Transaction {
        Transaction {
            format: Format::V1,
            chain_id: [1; 32],
            sender: Address::from([number; 32]),
            nonce: number.into(),
            gas_limit: 1_000_000,
            gas_price: 0,
            payload: Payload::Transfer { to: Address::from([9; 32]), value: 7 },
            authentication: vec![number; usize::from(number) * 3],
        }
    }

    fn receipt(number: u8) -> Receipt {
        let event =
            |of: u8| Event { contract: Address::from([of; 32]), topics: vec![[of; 32]], data: vec![of; number.into()] };
        Receipt {
            status: if number.is_multiple_of(5) { Status::OutOfGas } else { Status::Returned },
            gas_used: number.into(),
            created: (number.is_multiple_of(3)).then(|| Address::from([number; 32])),
            output: vec![number; usize::from(number % 7)],
            events: (0..number % 6).map(event).collect(),
        }
    }

    /// The root by one scalar hash after the other.
    fn plain_root<T: Encode>(items: &[T]) -> [u8; 32] {
        ListTree::new(&items.iter().map(Encode::encode).collect::<Vec<_>>()).root()
    }

    #[test]
    fn a_body_is_the_encoding_of_the_stored_block_and_its_roots_are_those_of_each_list() {
        assert_eq!(header().encode().len(), HEADER_BYTES);
        for count in [0, 1, 2, 5, 70, 200] {
            let transactions: Vec<_> = (0..count).map(transaction).collect();
            let receipts: Vec<_> = (0..count).map(receipt).collect();
            let body = Transactions::new(&transactions).with(&receipts);
            let summaries: Vec<_> = receipts.iter().map(Receipt::summary).collect();
            assert_eq!(body.transactions_root, plain_root(&transactions), "{count} transactions");
            assert_eq!(body.receipts_root, plain_root(&summaries), "{count} receipts");
            for receipt in &receipts {
                assert_eq!(list_root(&receipt.events), plain_root(&receipt.events));
            }
            let stored = StoredBlock { block: Block { header: header(), transactions }, receipts };
            assert_eq!(body.under(&header()), stored.encode());
        }
    }
}
