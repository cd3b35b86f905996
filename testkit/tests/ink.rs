//! ink! contracts by name, through interfaces written from their sources: calls, answers, errors and events in words.
#![allow(missing_docs, clippy::disallowed_methods)]

use std::path::{Path, PathBuf};
use unfork_testkit::{Chain, Code, Interface};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/ink")
}

fn ink(name: &str) -> Code {
    Code::file(folder().join(name).join(name).with_extension("wasm"))
}

#[test]
fn every_contract_has_an_interface() {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let Some(name) = path.file_name().map(|name| path.join(name)) else { continue };
        if !name.with_extension("wasm").exists() {
            continue;
        }
        let interface = Interface::load(&name.with_extension("json")).unwrap_or_else(|error| panic!("{error}"));
        assert!(!interface.constructors.is_empty() && !interface.messages.is_empty(), "{}", name.display());
        seen += 1;
    }
    assert!(seen >= 20, "only {seen} contracts");
}

#[test]
fn names_are_registered() {
    let mut chain = Chain::new();
    let dns = chain.deploy(ink("dns")).constructor("new(10)").contract();
    let registered = r#"Registered(name: "abc", owner: alice)"#;
    chain.call(&dns, r#"register("abc")"#).value(10).succeeds().returns("Ok(())").emits(registered);
    chain.call(&dns, r#"register("abc")"#).value(10).by("bob").fails("reverted").returns("Err(Taken)");
    chain.call(&dns, r#"register("ABC")"#).value(10).fails("reverted").returns("Err(BadName)");
    chain.call(&dns, r#"register("d")"#).value(9).fails("reverted").returns("Err(WrongFee {asked: 10})");
    chain.call(&dns, r#"address_of("abc")"#).dry().returns("None");
    chain.call(&dns, r#"set_address("abc", eve)"#).succeeds().returns("Ok(())");
    chain.call(&dns, r#"address_of("abc")"#).dry().returns("Some(eve)");
}

#[test]
fn many_kinds_of_tokens_move() {
    let mut chain = Chain::new();
    let tokens = chain.deploy(ink("erc1155")).constructor("new()").contract();
    let made = "TransferSingle(operator: alice, from: None, to: Some(alice), id: 1, value: 100)";
    chain.call(&tokens, "create(100)").succeeds().returns("1").emits(made);
    chain.call(&tokens, "batch_transfer(alice, bob, [1], [30])").succeeds().returns("Ok(())").event_count(1);
    chain.call(&tokens, "transfer(alice, bob, 1, 71)").fails("reverted").returns("Err(TooFew)");
    chain.call(&tokens, "batch_transfer(alice, bob, [1], [])").fails("reverted").returns("Err(LengthsDiffer)");
    chain.call(&tokens, "balance_of_batch([alice, bob], [1])").dry().returns("[70, 30]");
}

#[test]
fn a_contract_with_new_code_is_called_by_its_new_names() {
    let mut chain = Chain::new();
    chain.upload(ink("upgradeable-v2")).succeeds();
    let contract = chain.deploy(ink("upgradeable")).constructor("new()").contract();
    chain.call(&contract, "increment()").succeeds();
    chain.call(&contract, "set_code(upgradeable-v2)").succeeds().returns("Ok(1)");
    chain.call(&contract, "version()").dry().returns("2");
    chain.call(&contract, "increment()").succeeds();
    chain.call(&contract, "steps()").dry().returns("1");
}

/// An error inside an error: of the constructor of another contract.
#[test]
fn the_error_of_a_constructor_comes_through() {
    let mut chain = Chain::new();
    chain.upload(ink("counter")).succeeds();
    let factory = chain.deploy(ink("factory")).constructor("new(counter)").contract();
    let refused = chain.call(&factory, "make_below_ten(10, 0x00000001)").fails("reverted");
    refused.returns("Err(Refused(TooMuch))");
    chain.call(&factory, "total()").dry().returns("0");
}
