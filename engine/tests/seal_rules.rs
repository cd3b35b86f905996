//! What functions of the `seal` profile answer that chains differ in, one by one: questions about the context.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{ALICE, Chain, GAS};
use unfork_engine::{Payload, Receipt, Status, Transaction};

/// A contract that does `body`, and returns so many bytes from 64 on. At 0 stands the length 64, for outputs.
fn probe(imports: &str, body: &str, length: usize) -> Vec<u8> {
    let text = format!(
        r#"(module {imports}
          (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
          (memory 1)
          (func (export "deploy"))
          (func (export "call")
            (i32.store (i32.const 0) (i32.const 64))
            {body}
            (call $return (i32.const 0) (i32.const 64) (i32.const {length}))))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// Calls such a contract, the first of its chain, in block 3 with the value 5 and a gas price of 3.
fn ask(imports: &str, body: &str, length: usize) -> ([Vec<u8>; 2], Receipt) {
    let mut chain = Chain::new();
    let code_hash = chain.upload(probe(imports, body, length));
    let contract = chain.instantiate(code_hash, 0, &[]);
    let payload = Payload::Call { contract: contract.clone(), value: 5, input: Vec::new() };
    let transaction = Transaction { gas_price: 3, ..chain.transaction(ALICE, GAS, payload) };
    let checked = chain.propose(vec![transaction]);
    let receipt = checked.stored.receipts.into_iter().next().expect("it is in the block");
    ([contract.as_bytes().to_vec(), code_hash.to_vec()], receipt)
}

#[test]
fn questions_about_the_context() {
    let number = |number: u32| number.to_le_bytes().to_vec();
    let amount = |amount: u128| amount.to_le_bytes().to_vec();
    let tells = |name: &str, expected: Vec<u8>| {
        let import = format!(r#"(import "seal0" "{name}" (func $f (param i32 i32)))"#);
        (import, "(call $f (i32.const 64) (i32.const 0))".to_string(), expected)
    };
    let gives = |name: &str, expected: u32| {
        let import = format!(r#"(import "seal0" "{name}" (func $f (result i32)))"#);
        (import, "(i32.store (i32.const 64) (call $f))".to_string(), number(expected))
    };
    // About the caller, or about the contract itself, whose address comes first.
    let of = |whose: &str, name: &str, expected: u32| {
        let import = format!(
            r#"(import "seal0" "{whose}" (func $who (param i32 i32))) (import "seal0" "{name}" (func $f (param i32) (result i32)))"#
        );
        let body = "(call $who (i32.const 128) (i32.const 0)) (i32.store (i32.const 64) (call $f (i32.const 128)))";
        (import, body.to_string(), number(expected))
    };
    let fee = |module: &str, proof: &str, argument: &str| {
        let import = format!(r#"(import "{module}" "weight_to_fee" (func $f (param i64 {proof} i32 i32)))"#);
        (import, format!("(call $f (i64.const 7) {argument} (i32.const 64) (i32.const 0))"), amount(21))
    };
    let cases = [
        tells("caller", ALICE.to_vec()),
        tells("value_transferred", amount(5)),
        tells("balance", amount(5)),
        tells("minimum_balance", amount(0)),
        tells("now", 3_000u64.to_le_bytes().to_vec()),
        tells("block_number", number(3)),
        gives("caller_is_origin", 1),
        gives("caller_is_root", 0),
        gives("reentrance_count", 0),
        of("address", "is_contract", 1),
        of("caller", "is_contract", 0),
        of("address", "account_reentrance_count", 1),
        of("caller", "account_reentrance_count", 0),
        fee("seal0", "", ""),
        // The second dimension is ignored.
        fee("seal1", "i64", "(i64.const 9)"),
        (
            r#"(import "seal0" "instantiation_nonce" (func $f (result i64)))"#.to_string(),
            "(i64.store (i32.const 64) (call $f))".to_string(),
            1u64.to_le_bytes().to_vec(),
        ),
        (
            r#"(import "seal0" "debug_message" (func $f (param i32 i32) (result i32)))"#.to_string(),
            "(i32.store (i32.const 64) (call $f (i32.const 64) (i32.const 9)))".to_string(),
            number(0),
        ),
        (r#"(import "seal0" "noop" (func $f))"#.to_string(), "(call $f)".to_string(), number(0)),
    ];
    for (import, body, expected) in cases {
        let (_, receipt) = ask(&import, &body, expected.len());
        assert_eq!((receipt.status, receipt.output), (Status::Returned, expected), "{import}");
    }
}

#[test]
fn a_contract_knows_itself_and_its_code() {
    for (name, place) in [("address", 0), ("own_code_hash", 1)] {
        let import = format!(r#"(import "seal0" "{name}" (func $f (param i32 i32)))"#);
        let (own, receipt) = ask(&import, "(call $f (i32.const 64) (i32.const 0))", 32);
        assert_eq!(receipt.output, own[place], "{name}");
    }
    // The code of a contract by its address: the return code, then the hash. Code 3 for what is no contract.
    for (whose, code) in [("address", 0), ("caller", 3)] {
        let import = format!(
            r#"(import "seal0" "{whose}" (func $who (param i32 i32)))
               (import "seal0" "code_hash" (func $f (param i32 i32 i32) (result i32)))"#
        );
        let body = "(call $who (i32.const 128) (i32.const 0))
            (i32.store (i32.const 64) (call $f (i32.const 128) (i32.const 68) (i32.const 0)))";
        let (own, receipt) = ask(&import, body, 36);
        let hash = if code == 0 { own[1].clone() } else { vec![0; 32] };
        assert_eq!(receipt.output, [vec![code, 0, 0, 0], hash].concat(), "{whose}");
    }
}

#[test]
fn gas_has_one_dimension() {
    let import = r#"(import "seal1" "gas_left" (func $f (param i32 i32)))"#;
    let (_, receipt) = ask(import, "(call $f (i32.const 64) (i32.const 0))", 6);
    // A compact number of up to 2^30 takes four bytes and ends in the bits 10; the second is 0.
    let [a, b, c, d, second, behind] = receipt.output[..] else { panic!("{:?}", receipt.output) };
    let left = u64::from(u32::from_le_bytes([a, b, c, d]));
    assert_eq!((left & 3, second, behind), (2, 0, 0));
    assert!((GAS - 2 * receipt.gas_used..GAS).contains(&(left >> 2)), "{}", left >> 2);
}
