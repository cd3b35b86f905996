//! A block of so many transactions that its lists are encoded and hashed on another thread is the same block.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{ALICE, BOB, Chain};
use parity_scale_codec::Encode;
use unfork_engine::{Payload, Receipt, StoredBlock, Transaction};
use unfork_proof::ListTree;

/// The root by one hash after the other.
fn plain_root<T: Encode>(items: &[T]) -> [u8; 32] {
    ListTree::new(&items.iter().map(Encode::encode).collect::<Vec<_>>()).root()
}

fn check(count: u64) {
    let mut chain = Chain::new();
    let transfer = |nonce| {
        let payload = Payload::Transfer { to: BOB.into(), value: 1 };
        Transaction { nonce, ..chain.transaction(ALICE, 10_000_000, payload) }
    };
    let transactions: Vec<Transaction> = (0..count).map(transfer).collect();
    let proposed = chain.propose(transactions);
    assert!(proposed.left_out.is_empty(), "{:?}", proposed.left_out);
    let StoredBlock { block, receipts } = proposed.stored.clone();
    let summaries: Vec<_> = receipts.iter().map(Receipt::summary).collect();
    assert_eq!(block.header.transactions_root, plain_root(&block.transactions));
    assert_eq!(block.header.receipts_root, plain_root(&summaries));
    let checked = chain.executor.check(block).expect("a good block");
    assert_eq!(checked.stored, proposed.stored);
    drop(chain.executor.commit(checked).expect("a commit"));
    assert_eq!(chain.executor.block(1).expect("a readable block"), Some(proposed.stored));
}

#[test]
fn a_block_is_the_same_wherever_its_lists_are_hashed() {
    for count in [1, 31, 32, 300] {
        check(count);
    }
}
