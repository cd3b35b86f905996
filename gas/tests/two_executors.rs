//! The example, under every amount of gas and stack around the edges, and the kernels: two executors, one outcome.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

#[allow(clippy::duplicate_mod, reason = "the example is the code under test")]
#[path = "../examples/two_executors.rs"]
mod example;
mod support;

use example::{Ended, PROFILE, on_both};
use support::modules::kernel_fixtures;
use unfork_gas::{Entry, LIMITS_V1, Prepared, Profile, V1, ValueType, admit};

fn prepared(text: &str) -> Prepared {
    let code = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    admit(&code, &V1, &LIMITS_V1, &PROFILE).unwrap_or_else(|refusal| panic!("{refusal}"))
}

const PLENTY: i64 = 1 << 40;

/// At each amount of gas from none to enough, and of stack, both end in the same way after the same notes.
#[test]
fn every_amount_of_gas_and_stack() {
    let module = prepared(
        r#"(module (import "env" "note" (func $note (param i64))) (memory 1) (table 2 funcref) (elem (i32.const 0) $a $a)
             (func $a (param i32) (result i32) (local i64)
               (local.set 1 (i64.extend_i32_u (local.get 0)))
               (call $note (local.get 1))
               (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 9))
                 (else (call_indirect (param i32) (result i32) (i32.sub (local.get 0) (i32.const 1)) (i32.and (local.get 0) (i32.const 1))))))
             (func (export "run") (param i32)
               (call $note (i64.extend_i32_s (call $a (local.get 0))))
               (block (block (br_table 0 1 (local.get 0))) (memory.fill (i32.const 5) (i32.const 1) (i32.const 33)))
               (call $note (i64.reinterpret_f64 (f64.sub (f64.const inf) (f64.const inf))))
               (call $note (i64.load (i32.const 0)))))"#,
    );
    let (Ended::Returned(all), notes) = on_both(&module, 4, PLENTY, PLENTY).unwrap() else { panic!("returns") };
    assert_eq!(notes.len(), 8);
    assert!(notes.contains(&0x7ff8_0000_0000_0000), "{notes:x?}");
    for gas in 0..all {
        assert_eq!(on_both(&module, 4, gas, PLENTY).unwrap().0, Ended::OutOfGas, "with {gas} gas of {all}");
    }
    assert_eq!(on_both(&module, 4, all, PLENTY).unwrap().0, Ended::Returned(all));
    let mut exhausted = 0;
    for stack in 0..200 {
        match on_both(&module, 4, PLENTY, stack).unwrap().0 {
            Ended::StackExhausted => exhausted = stack,
            ended => assert_eq!(ended, Ended::Returned(all)),
        }
    }
    assert!(exhausted > 20 && exhausted < 199, "the stack ends at {exhausted} units");
}

#[test]
fn ends_of_every_kind() {
    let cases = [
        ("unreachable", Ended::Unreachable(i64::try_from(V1.function_entry + V1.op_br).unwrap())),
        ("(drop (i32.div_u (i32.const 1) (local.get 0)))", Ended::Trapped),
        ("(drop (i32.load (i32.const -1)))", Ended::Trapped),
        ("(call_indirect (i32.const 1))", Ended::Trapped),
        ("(loop (br 0))", Ended::OutOfGas),
        ("(call $run (i32.const 0))", Ended::StackExhausted),
    ];
    for (body, expected) in cases {
        let text = format!(r#"(module (memory 1) (table 1 funcref) (func $run (export "run") (param i32) {body}))"#);
        assert_eq!(on_both(&prepared(&text), 0, 1_000_000, 10_000).unwrap().0, expected, "{body}");
    }
}

/// Compiled code: the kernels, each to its end and out of gas half way.
#[test]
fn kernels() {
    let entries = [Entry { name: "run", params: &[ValueType::I32], results: &[ValueType::I32], required: true }];
    let profile = Profile { entries: &entries, ..PROFILE };
    let mut seen = 0;
    for (path, code) in kernel_fixtures() {
        let prepared = admit(&code, &V1, &LIMITS_V1, &profile).unwrap();
        let (ended, _) = on_both(&prepared, 1, PLENTY, 1 << 17).unwrap_or_else(|error| panic!("{path}: {error}"));
        let Ended::Returned(all) = ended else { panic!("{path}: {ended:?}") };
        assert_eq!(on_both(&prepared, 1, all / 2, 1 << 17).unwrap().0, Ended::OutOfGas, "{path}");
        seen += 1;
    }
    assert!(seen >= 8, "{seen} kernels");
}
