//! Instances are used again, and nobody can tell: what a contract finds is always as new.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{Chain, GAS};
use unfork_engine::{Engine, Status};

/// Returns the sum of all bytes of its memory, its two globals and its passive data; then overwrites all of them, and
/// ends as the input's first byte says: 0 returns, 1 traps, 2 runs out of gas, 3 returns from inside a host function.
const DIRTY: &str = r#"(module
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "set_transient_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (memory 2 4)
  (global $narrow (mut i32) (i32.const 7))
  (global $wide (mut i64) (i64.const 9))
  (data (i32.const 70000) "the quick brown fox jumps over the lazy dog")
  (data (i32.const 131071) "z")
  (data (offset (i32.sub (i32.const 70050) (i32.const 20))) "over the segment\00\00and a gap")
  (data (i32.const 70000) "")
  (func (export "deploy"))
  (func $sum (result i32) (local $at i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.mul (i32.load (local.get $at)) (i32.add (local.get $at) (i32.const 1)))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 131072))))
    (i32.add (i32.add (local.get $sum) (global.get $narrow)) (i32.wrap_i64 (global.get $wide))))
  (func (export "call") (local $sum i32)
    (local.set $sum (i32.add (call $sum) (memory.size)))
    (i32.store (i32.const 4) (i32.const 4))
    (call $input (i32.const 0) (i32.const 4))
    (global.set $narrow (i32.load8_u (i32.const 0)))
    (global.set $wide (i64.const -1))
    (memory.fill (i32.const 8) (i32.const 255) (i32.const 131064))
    (if (i32.eq (global.get $narrow) (i32.const 4)) (then (drop (memory.grow (i32.const 1)))))
    (if (i32.eq (global.get $narrow) (i32.const 1)) (then unreachable))
    (if (i32.eq (global.get $narrow) (i32.const 2)) (then (loop $for_ever (br $for_ever))))
    (if (i32.eq (global.get $narrow) (i32.const 5)) (then (drop (i32.load (i32.const 131072)))))
    (i32.store (i32.const 8) (local.get $sum))
    (call $return (i32.const 0) (i32.const 8) (i32.const 4))))"#;

/// Changes a table and drops a segment; returns what it finds of both. Only a new instance has them as they were.
const TABLES: &str = r#"(module
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  (table $table 2 funcref)
  (elem (table $table) (i32.const 0) func $one)
  (data $once "\2a")
  (func $one)
  (func (export "deploy"))
  (func (export "call")
    (memory.init $once (i32.const 0) (i32.const 0) (i32.const 1))
    (i32.store8 (i32.const 1) (ref.is_null (table.get $table (i32.const 0))))
    (table.set $table (i32.const 0) (ref.null func))
    (data.drop $once)
    (call $return (i32.const 0) (i32.const 0) (i32.const 2))))"#;

fn assembled(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("it assembles")
}

/// [`DIRTY`] with so many pages of memory, all of which it sums up and overwrites.
fn dirty(pages: u32) -> Vec<u8> {
    let end = pages * 65_536;
    let text = DIRTY.replace("(memory 2 4)", &format!("(memory {pages} {})", pages + 2));
    let text = text.replace("131072", &end.to_string()).replace("131071", &(end - 1).to_string());
    assembled(&text.replace("131064", &(end - 8).to_string()))
}

#[test]
fn a_contract_that_dirties_everything_always_finds_it_new() {
    // Memories from three pages on are set back in another way.
    for pages in [2, 5] {
        always_new(dirty(pages));
    }
}

fn always_new(code: Vec<u8>) {
    let mut chain = Chain::new();
    let contract = chain.deploy(code.clone());
    let mut found = Vec::new();
    // Every way to end, each followed by every other.
    for first in 0..6u8 {
        for second in 0..6u8 {
            for how in [first, second, 0] {
                let receipt = chain.call(&contract, 20_000_000, &[how]);
                match how {
                    1 => assert_eq!(receipt.status.name(), "trapped:unreachable"),
                    2 => assert_eq!(receipt.status, Status::OutOfGas),
                    5 => assert_eq!(receipt.status.name(), "trapped:memory_out_of_bounds"),
                    _ => {
                        assert_eq!(receipt.status, Status::Returned, "{how}");
                        found.push(receipt.output);
                    }
                }
            }
        }
    }
    found.dedup();
    assert_eq!(found.len(), 1, "an instance was not as new: {found:?}");
    // The same without any reuse.
    let mut unpooled = Chain::with(Engine::with_bounds(64 << 20, 0).expect("the self-test passes"));
    let contract = unpooled.deploy(code);
    assert_eq!(unpooled.call(&contract, 20_000_000, &[0]).output, found[0]);
}

#[test]
fn what_cannot_be_set_back_is_made_again() {
    let mut chain = Chain::new();
    let contract = chain.deploy(assembled(TABLES));
    for _ in 0..3 {
        assert_eq!(chain.call(&contract, GAS, &[]).output, [42, 0]);
    }
    assert_eq!(chain.executor.engine().kept_bytes().1, 0, "such instances do not wait");
}

#[test]
fn a_contract_in_itself_has_an_instance_of_its_own() {
    let mut chain = Chain::new();
    let contract = chain.deploy(chain::hostile("recurse-self-call"));
    let (first, second) = (chain.call(&contract, GAS, &[]), chain.call(&contract, GAS, &[]));
    assert_eq!((first.status, second.status), (Status::Returned, Status::Returned));
    let waiting = chain.executor.engine().kept_bytes().1;
    assert!(waiting > 8 * 65_536, "only {waiting} bytes wait after a deep recursion");
}

/// Tells which of two globals that name functions names none, changes both, and with input calls itself.
const NAMES_A_FUNCTION: &str = r#"(module
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "address" (func $address (param i32 i32)))
  (import "seal1" "call" (func $call_contract (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (memory 1)
  (global $named (mut funcref) (ref.func $one))
  (global $none (mut funcref) (ref.null func))
  (func $one)
  (elem declare func $one)
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 4))
    (call $input (i32.const 4) (i32.const 0))
    (i32.store8 (i32.const 8) (ref.is_null (global.get $named)))
    (i32.store8 (i32.const 9) (ref.is_null (global.get $none)))
    (global.set $named (ref.null func))
    (global.set $none (ref.func $one))
    (if (i32.load (i32.const 0)) (then
      (i32.store (i32.const 0) (i32.const 32))
      (call $address (i32.const 32) (i32.const 0))
      (drop (call $call_contract (i32.const 8) (i32.const 32) (i64.const 0) (i32.const 64)
        (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))))
    (call $return (i32.const 0) (i32.const 8) (i32.const 2))))"#;

#[test]
fn globals_that_name_functions_are_set_back_in_each_instance() {
    let mut chain = Chain::new();
    let contract = chain.deploy(assembled(NAMES_A_FUNCTION));
    // With input there are two instances at once, both of which wait afterwards.
    for input in [&[1][..], &[], &[1], &[1], &[]] {
        let receipt = chain.call(&contract, GAS, input);
        assert_eq!((receipt.status, receipt.output), (Status::Returned, vec![0, 1]), "{input:?}");
    }
}
