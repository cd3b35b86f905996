//! The whole path once, on unmodified contracts of ink! 5.1.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{BOB, Chain, GAS, fixture};
use unfork_engine::Status;

#[test]
fn flipper_flips() {
    let mut chain = Chain::new();
    let code_hash = chain.upload(fixture("ink-5.1/flipper"));
    let contract = chain.instantiate(code_hash, 0, &[0x9b, 0xae, 0x9d, 0x5e, 1]);
    let get = [0x2f, 0x86, 0x5b, 0xd9];
    assert_eq!(chain.call(&contract, GAS, &get).output, [0, 1]);
    assert_eq!(chain.call(&contract, GAS, &[0x63, 0x3a, 0xa5, 0x51]).status, Status::Returned);
    assert_eq!(chain.call(&contract, GAS, &get).output, [0, 0]);
}

#[test]
fn erc20_moves_tokens_and_tells() {
    let mut chain = Chain::new();
    let code_hash = chain.upload(fixture("ink-5.1/erc20"));
    let mut new = vec![0x9b, 0xae, 0x9d, 0x5e];
    new.extend_from_slice(&1_000u128.to_le_bytes());
    let contract = chain.instantiate(code_hash, 0, &new);
    let mut transfer = vec![0x84, 0xa1, 0x5d, 0xa1];
    transfer.extend_from_slice(&BOB);
    transfer.extend_from_slice(&300u128.to_le_bytes());
    let receipt = chain.call(&contract, GAS, &transfer);
    assert_eq!((receipt.status, receipt.output.as_slice(), receipt.events.len()), (Status::Returned, &[0, 0][..], 1));
    let mut balance_of = vec![0x0f, 0x75, 0x5a, 0x56];
    balance_of.extend_from_slice(&BOB);
    let mut expected = vec![0];
    expected.extend_from_slice(&300u128.to_le_bytes());
    assert_eq!(chain.call(&contract, GAS, &balance_of).output, expected);
}
