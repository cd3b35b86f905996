//! Locals on the operand stack, in prepared code on the interpreter. wasmi 2.0 by itself loses those below a block whose
//! parameters are no locals, and panics on some stores; prepared code must not let it come to that.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::unwrap_used)]

mod support;

use support::{Ended, PLAIN, STACK, run};
use unfork_gas::{LIMITS_V1, V1, admit};

/// Leaves something on the interpreter's stack that is no zero, where registers that were never set will be found.
fn litter() -> String {
    let set = (1..=60).map(|local| format!("(local.set {local} (i64.add (local.get 0) (i64.const {local})))"));
    let locals = "i64 ".repeat(60);
    format!("(func $litter (param i64) (local {locals}) {})", set.collect::<String>())
}

/// A store of a local at itself: wasmi 2.0 by itself panics on the larger offsets.
#[test]
fn a_local_is_stored_at_itself() {
    for store in ["store", "store8", "store16"] {
        for offset in [0, 0xffff, 0x1_0000, 0x1_fffe] {
            for pair in [
                "local.tee 0 local.get 0",
                "local.set 0 local.get 0 local.get 0",
                "local.set 0 local.get 0 local.get 0 nop",
            ] {
                let text = format!(
                    r#"(module (import "env" "note" (func $note (param i64))) (import "env" "zero" (func $zero (result i32)))
                      (memory 3) (func (export "run") (local i32)
                        (i32.add (call $zero) (i32.const 7)) {pair} i32.{store} offset={offset}
                        (call $note (i64.extend_i32_u (i32.load8_u offset={offset} (i32.const 7))))))"#
                );
                let prepared = admit(&wat::parse_str(&text).unwrap(), &V1, &LIMITS_V1, &PLAIN).unwrap();
                let (ended, seen) = run(&prepared, 1_000_000, STACK);
                assert!(matches!(ended, Ended::Returned(_)), "{text}: {ended:?}");
                assert_eq!(seen.notes, [7], "{text}");
            }
        }
    }
}

#[test]
fn locals_below_a_block_with_parameters_are_kept() {
    // The local 0 is 5, the parameter is computed, and what is left is the local as it was.
    let bodies = [
        "local.get 0 (call $zero) (call $zero) (if (param i32) (then (if (then))) (else drop))",
        "local.get 0 (call $zero) (i32.const 1) (if (param i32) (then (if (then))) (else drop))",
        "local.get 0 (call $zero) (call $zero) (if (param i32) (then (local.set 0 (i64.const 9)) drop) (else drop))",
        "local.get 0 (call $zero) (i32.eqz (call $zero)) (if (param i32) (then (local.set 0 (i64.const 9)) drop) (else drop))",
        "local.get 0 (i32.add (call $zero) (i32.const 2)) (loop (param i32) (local.set 0 (i64.const 9)) (local.tee 1 (i32.sub (i32.const 1))) (local.get 1) (br_if 0) drop)",
        "local.get 0 (call $zero) (block (param i32) (br_if 0 (i32.eqz)) (local.set 0 (i64.const 9)))",
        "local.get 0 local.get 0 (call $zero) (block (param i32) (if (then (local.set 0 (i64.const 9))))) drop",
        "local.get 0 (i32.const 1) (call $zero) (call $zero) (if (param i32 i32) (then drop (if (then))) (else drop drop))",
    ];
    for body in bodies {
        let text = format!(
            r#"(module (import "env" "note" (func $note (param i64))) (import "env" "zero" (func $zero (result i32)))
              {} (func $f (param i64) (result i64) (local i32) {body})
              (func (export "run") (call $litter (i64.const 0x1111111111111111)) (call $note (call $f (i64.const 5)))))"#,
            litter()
        );
        let code = wat::parse_str(&text).unwrap_or_else(|error| panic!("{body}: {error}"));
        let prepared = admit(&code, &V1, &LIMITS_V1, &PLAIN).unwrap_or_else(|refusal| panic!("{body}: {refusal}"));
        let (ended, seen) = run(&prepared, 1_000_000, STACK);
        assert!(matches!(ended, Ended::Returned(_)), "{body}: {ended:?}");
        assert_eq!(seen.notes, [5], "{body}");
    }
}
