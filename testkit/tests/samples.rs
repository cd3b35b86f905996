//! Contracts of our own by name: their interfaces, and what calls and answers look like.
#![allow(missing_docs)]

use std::path::{Path, PathBuf};
use unfork_testkit::{Chain, Code};

fn sample(name: &str) -> Code {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/samples").join(name);
    Code::file(folder.join(name).with_extension("wasm"))
}

/// The same ERC-20 in Rust, C and AssemblyScript answers in the same words.
#[test]
fn tokens_in_three_languages() {
    for name in ["erc20", "erc20-c", "erc20-as"] {
        let mut chain = Chain::new();
        let token = chain.deploy(sample(name)).constructor("new(1_000)").contract();
        let moved = "Transfer(from: Some(alice), to: Some(bob), value: 300)";
        chain.call(&token, "transfer(bob, 300)").succeeds().returns("Ok(())").emits(moved);
        chain.call(&token, "balance_of(bob)").dry().returns("300");
        chain.call(&token, "transfer(alice, 301)").by("bob").fails("reverted").returns("Err(InsufficientBalance)");
        chain.call(&token, "approve(eve, 5)").succeeds().returns("Ok(())");
        chain.call(&token, "allowance(alice, eve)").dry().returns("5");
        chain
            .call(&token, "transfer_from(alice, eve, 6)")
            .by("eve")
            .fails("reverted")
            .returns("Err(InsufficientAllowance)");
        chain.call(&token, "total_supply()").dry().returns("1000");
    }
}

#[test]
fn a_call_that_is_not_understood_says_so() {
    let mut chain = Chain::new();
    let token = chain.deploy(sample("erc20")).constructor("new(1_000)").contract();
    // The selector of `transfer` and half an address.
    let input = [&[0x84, 0xa1, 0x5d, 0xa1][..], &[7; 16]].concat();
    chain.call(&token, input).fails("reverted").returns("Err(CouldNotReadInput)");
    chain.call(&token, "total_supply()").value(1).fails("reverted").returns("Err(TakesNoValue)");
}

#[test]
fn trees_show_answers_in_words() {
    let mut chain = Chain::new();
    let token = chain.deploy(sample("erc20")).constructor("new(10)").contract();
    let tree = chain.call(&token, "transfer(bob, 11)").run().tree();
    let call = "call erc20.transfer(to: bob, value: 11) by alice -> reverted Err(InsufficientBalance)";
    assert!(tree.contains(call), "{tree}");
}
