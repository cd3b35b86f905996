//! Call trees say what failed and where, and watching changes nothing.
#![allow(missing_docs)]

use unfork_testkit::{Chain, Code};

/// Fails in the way that the first byte of its input says, some functions deep.
const FAILS: &str = r#"(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (memory 1)
  (func $check_balance (param i32)
    (if (i32.eq (local.get 0) (i32.const 1)) (then unreachable))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (drop (i32.load (i32.const -1)))))
    (if (i32.eq (local.get 0) (i32.const 3)) (then (call $event (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 9))))
    (if (i32.eq (local.get 0) (i32.const 4)) (then (loop $forever (br $forever))))
    (if (i32.eq (local.get 0) (i32.const 5)) (then (call $return (i32.const 1) (i32.const 0) (i32.const 0)))))
  (func $withdraw (param i32) (call $check_balance (local.get 0)))
  (func (export "deploy"))
  (func $entry (export "call")
    (i32.store (i32.const 0) (i32.const 100))
    (call $input (i32.const 8) (i32.const 0))
    (call $withdraw (i32.load8_u (i32.const 8)))))"#;

fn tree(input: u8) -> (String, String) {
    let mut chain = Chain::new();
    let contract = chain.deploy(Code::wat(FAILS)).contract();
    let ran = chain.call(&contract, [input]).gas(10_000_000).run();
    (ran.receipt.status.name(), ran.tree())
}

#[test]
fn a_failure_is_told_with_its_functions() {
    let own = "in check_balance <- withdraw <- entry\n";
    for (input, status, place) in [
        (1, "trapped:unreachable", own),
        (2, "trapped:memory_out_of_bounds", own),
        (3, "trapped:pointer_out_of_bounds", "in seal0.deposit_event <- check_balance <- withdraw <- entry\n"),
        (4, "out_of_gas", own),
    ] {
        let (found, tree) = tree(input);
        assert_eq!(found, status);
        assert!(tree.contains(place), "{tree}");
    }
    for (input, status) in [(0, "returned"), (5, "reverted")] {
        let (found, tree) = tree(input);
        assert_eq!(found, status);
        assert!(!tree.contains("  in "), "{tree}");
    }
}

#[test]
fn without_names_functions_go_by_index() {
    let code =
        wat::parse_str(FAILS.replace("$check_balance", "").replace("(call  (local.get 0))", "(call 3 (local.get 0))"));
    let mut chain = Chain::new();
    let contract = chain.deploy(Code::wasm(code.expect("it assembles"))).contract();
    let tree = chain.call(&contract, [1]).run().tree();
    assert!(tree.contains("in function 3 <- withdraw <- entry\n"), "{tree}");
}
