//! The test kit on contracts of ink! 5.1, by method name.
#![allow(missing_docs)]

use unfork_testkit::{Chain, Code, Contract, message};

fn fixture(name: &str) -> Code {
    Code::file(format!("{}/../contracts/fixtures/{name}.wasm", env!("CARGO_MANIFEST_DIR")))
}

fn token(supply: &str) -> (Chain, Contract) {
    let mut chain = Chain::new();
    let token = chain.deploy(fixture("ink-5.1/erc20")).named("token").constructor(format!("new({supply})")).contract();
    (chain, token)
}

#[test]
fn flipper_flips() {
    let mut chain = Chain::new();
    let (flipper, ran) = chain.deploy(fixture("ink-5.1/flipper")).constructor("new(true)").run();
    ran.succeeds().returns("Ok(())").event_count(0);
    chain.call(&flipper, "get()").dry().succeeds().returns("true");
    chain.call(&flipper, "flip").by("bob").succeeds().returns("()").emits("Flipped(by: bob, value: false)");
    chain.call(&flipper, "get").dry().returns("false").outputs([0, 0]);
}

#[test]
fn erc20_moves_tokens_and_tells() {
    let (mut chain, token) = token("1_000");
    chain
        .call(&token, "transfer(bob, 300)")
        .succeeds()
        .returns("Ok(())")
        .event_count(1)
        .emits("Transfer(from: Some(alice), to: Some(bob), value: 300)");
    chain.call(&token, "balance_of(bob)").dry().returns("300");
    chain.call(&token, "balance_of(alice)").dry().returns("700");
    chain.call(&token, "approve(carol, 50)").by("bob").succeeds().emits("Approval(owner:bob,spender:carol,value:50)");
    chain
        .call(&token, "transfer_from(bob, dave, 51)")
        .by("carol")
        .fails("reverted")
        .returns("Err(InsufficientAllowance)");
    chain.call(&token, "transfer_from(bob, dave, 20)").by("carol").succeeds().returns("Ok(())");
    chain.call(&token, "allowance(bob, carol)").dry().returns("30");
    chain
        .call(&token, "transfer(bob, 1)")
        .by("eve")
        .fails("reverted")
        .returns("Err(InsufficientBalance)")
        .event_count(0);
    chain.call(&token, "total_supply").dry().returns("1000");
}

#[test]
fn what_is_dry_or_reverted_leaves_nothing() {
    let (mut chain, token) = token("10");
    chain.call(&token, "transfer(bob, 4)").dry().succeeds().returns("Ok(())");
    chain.call(&token, "balance_of(bob)").dry().returns("0");
    let before = chain.snapshot();
    chain.call(&token, "transfer(bob, 4)").succeeds();
    chain.transfer("alice", chain.address("bob"), 77).succeeds();
    chain.advance(5);
    chain.call(&token, "balance_of(bob)").dry().returns("4");
    assert_eq!((chain.balance(chain.address("bob")), chain.height()), (unfork_testkit::BALANCE + 77, 6));
    chain.revert(&before);
    chain.call(&token, "balance_of(bob)").dry().returns("0");
    assert_eq!((chain.balance(chain.address("bob")), chain.height()), (unfork_testkit::BALANCE, 1));
}

#[test]
fn contracts_without_an_interface_take_bytes() {
    let mut chain = Chain::new();
    let echo = Code::wat(
        r#"(module
          (import "env" "memory" (memory 1 1))
          (import "seal0" "input" (func $input (param i32 i32)))
          (import "seal0" "now" (func $now (param i32 i32)))
          (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
          (func (export "deploy"))
          (func (export "call")
            (i32.store (i32.const 0) (i32.const 64))
            (call $input (i32.const 8) (i32.const 0))
            (if (i32.eqz (i32.load (i32.const 0))) (then
              (i32.store (i32.const 0) (i32.const 8))
              (call $now (i32.const 8) (i32.const 0))))
            (call $return (i32.const 0) (i32.const 8) (i32.load (i32.const 0)))))"#,
    );
    let echo = chain.deploy(echo.named("echo")).contract();
    chain.call(&echo, message("hello").arg(7u16)).succeeds().outputs([message_start(), vec![7, 0]].concat());
    chain.call(&echo, [1, 2, 3]).succeeds().returns("0x010203");
    chain.set_block(9, 5_000_000_000);
    assert_eq!(chain.call(&echo, []).dry().decoded::<u64>(), 5_000, "milliseconds");
}

fn message_start() -> Vec<u8> {
    unfork_testkit::names::selector("hello").to_vec()
}

/// What a test would print.
fn failure(test: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(test).expect_err("it fails");
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap_or(&"").to_string())
}

#[test]
fn failures_show_what_was_expected_and_the_call_tree() {
    let text = failure(|| {
        let (mut chain, token) = token("10");
        chain.call(&token, "transfer(bob, 11)").succeeds();
    });
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["expected returned", "   found reverted"], "{text}");
    assert!(lines[2].starts_with("gas used "), "{text}");
    let tree = "  call token.transfer(to: bob, value: 11) by alice -> reverted Err(InsufficientBalance), gas ";
    assert!(lines[3].starts_with(tree), "{text}");

    let text = failure(|| {
        let (mut chain, token) = token("10");
        chain.call(&token, "transfer(bob, 3)").succeeds().emits("Transfer(from: None, to: Some(bob), value: 3)");
    });
    assert!(text.contains("found [Transfer(from: Some(alice), to: Some(bob), value: 3)]"), "{text}");
    assert!(text.contains("    set 0x"), "{text}");
    assert!(text.contains("    event Transfer(from: Some(alice), to: Some(bob), value: 3)\n"), "{text}");

    let text = failure(|| {
        let (mut chain, token) = token("10");
        let _ = chain.call(&token, "transfer(zoe, 3)").run();
    });
    assert_eq!(text, "\"transfer(zoe, 3)\": transfer(to: address, value: u128): \"zoe\" is no address");
}

#[test]
fn simulating_names_gas_reads_and_writes() {
    let (mut chain, token) = token("10");
    let simulation = chain.call(&token, "transfer(bob, 3)").simulate();
    let needed = simulation.gas_limit_min;
    assert!(simulation.gas_dependence.certain());
    assert!(needed >= simulation.receipt.gas_used);
    assert!(!simulation.reads.points.is_empty() && !simulation.writes.is_empty());
    chain.call(&token, "transfer(bob, 3)").gas(needed - 1).dry().fails("out_of_gas");
    chain.call(&token, "transfer(bob, 3)").gas(needed).succeeds().gas_is(simulation.receipt.gas_used);
}

/// A contract that answers by how much gas it has.
fn branching(condition: &str) -> Code {
    Code::wat(&format!(
        r#"(module
          (import "env" "memory" (memory 1 1))
          (import "seal0" "gas_left" (func $gas_left (param i32 i32)))
          (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
          (func (export "deploy"))
          (func (export "call")
            (i32.store (i32.const 0) (i32.const 8))
            (call $gas_left (i32.const 8) (i32.const 0))
            (call $return (i32.const 0) (i32.const 16) ({condition}))))"#
    ))
}

#[test]
fn contracts_that_branch_on_gas_are_reported() {
    let mut chain = Chain::new();
    let much = "i64.gt_u (i64.load (i32.const 8)) (i64.const 1000000)";
    let contract = chain.deploy(branching(much).named("much")).contract();
    let simulation = chain.call(&contract, []).simulate();
    let (needed, found) = (simulation.gas_limit_min, simulation.gas_dependence);
    assert!(found.reads_gas_left && !found.certain());
    assert!(needed > 1_000_000 && simulation.receipt.gas_used < 1_000_000, "{needed}");
    assert_eq!(found.differs_at, Some(needed - 1));
    chain.call(&contract, []).gas(needed).succeeds().outputs([0]);
    chain.call(&contract, []).gas(needed - 1).succeeds().outputs([]);

    let odd = "i32.and (i32.load (i32.const 8)) (i32.const 1)";
    let contract = chain.deploy(branching(odd).named("odd")).contract();
    let simulation = chain.call(&contract, []).simulate();
    let other = simulation.gas_dependence.differs_at.expect("every second limit differs");
    let outputs = [other, simulation.gas_limit_min].map(|gas| chain.call(&contract, []).gas(gas).dry().receipt.output);
    assert_ne!(outputs[0], outputs[1]);

    let never = chain.deploy(branching("i32.const 0").named("never")).contract();
    let found = chain.call(&never, []).simulate().gas_dependence;
    assert_eq!((found.reads_gas_left, found.differs_at), (true, None));
}
