//! What `select` chooses and what growing answers, in prepared code on the interpreter. wasmi 2.0 by itself takes the wrong
//! operand where a test for zero stands before a `select`; prepared code must not let it come to that.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::unwrap_used)]

mod support;

use support::{Ended, PLAIN, STACK, run};
use unfork_gas::{LIMITS_V1, V1, admit};

const VALUES: [i32; 5] = [0, 1, -1, 5, 100];

/// Pairs of operands to choose between: constants, parameters, what was just computed.
const OPERANDS: [(&str, &str); 7] = [
    ("(i32.const 7)", "(i32.const -1)"),
    ("(i32.const 7)", "(local.get $b)"),
    ("(local.get $b)", "(i32.const -1)"),
    ("(local.get $a)", "(local.get $b)"),
    ("(i32.add (local.get $a) (i32.const 3))", "(i32.const -1)"),
    ("(i32.const 7)", "(i32.add (local.get $a) (i32.const 3))"),
    ("(i32.mul (local.get $a) (i32.const 3))", "(i32.add (local.get $b) (i32.const 3))"),
];

fn conditions() -> Vec<String> {
    let mut conditions: Vec<String> = [
        "(local.get $a)",
        "(i32.eqz (local.get $a))",
        "(i32.eqz (i32.eqz (local.get $a)))",
        "(i32.eq (local.get $a) (i32.const 0))",
        "(i32.eq (i32.const 0) (local.get $a))",
        "(i32.ne (local.get $a) (i32.const 0))",
        "(i32.eqz (i32.load (i32.const 0)))",
        "(i32.eqz (i32.sub (local.get $a) (local.get $b)))",
        "(i32.lt_u (local.get $a) (i32.const 1))",
        "(i64.eqz (i64.extend_i32_s (local.get $a)))",
        "(block (result i32) (i32.eqz (local.get $a)))",
        "(i32.eqz (global.get $g))",
        // Operators for which the interpreter may write nothing, or a comparison with zero, behind one.
        "(i32.shl (i32.eqz (local.get $a)) (i32.const 0))",
        "(i32.and (i32.eqz (local.get $a)) (i32.const -1))",
        "(i32.add (i32.ne (local.get $a) (i32.const 0)) (i32.const 0))",
        "(i32.wrap_i64 (i64.extend_i32_u (i32.eqz (local.get $a))))",
        "(i64.eqz (i64.extend_i32_u (i32.ne (local.get $a) (i32.const 0))))",
        "(i64.ne (i64.extend_i32_u (i32.eqz (local.get $a))) (i64.const 0))",
        "(i64.lt_u (i64.extend_i32_u (i32.eqz (local.get $a))) (i64.const 1))",
        "(i32.load8_u offset=1 (i32.eqz (local.get $a)))",
        "(i32.ge_s (i32.eqz (local.get $a)) (i32.const 1))",
    ]
    .map(str::to_string)
    .to_vec();
    for comparison in ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"] {
        conditions.push(format!("(i32.{comparison} (local.get $a) (local.get $b))"));
        conditions.push(format!("(i32.{comparison} (local.get $a) (i32.const 5))"));
    }
    conditions
}

/// A function that notes what `select` chooses, then what `if` does after the condition has been through the memory.
fn function(condition: &str, (one, other): (&str, &str), select: &str) -> String {
    format!(
        "(func (param $a i32) (param $b i32)
           (i32.store (i32.const 0) (local.get $a)) (global.set $g (local.get $a))
           (call $note (i64.extend_i32_s ({select} {one} {other} {condition})))
           (i32.store (i32.const 4) {condition})
           (call $note (i64.extend_i32_s (if (result i32) (i32.load (i32.const 4)) (then {one}) (else {other})))))"
    )
}

fn notes(text: &str) -> Vec<i64> {
    let code = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    let prepared = admit(&code, &V1, &LIMITS_V1, &PLAIN).unwrap();
    let (ended, seen) = run(&prepared, 1_000_000_000, STACK);
    assert!(matches!(ended, Ended::Returned(_)), "{ended:?}");
    seen.notes
}

#[test]
fn select_chooses_what_an_if_chooses() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for condition in conditions() {
        for operands in OPERANDS {
            for select in ["select", "select (result i32)"] {
                let calls =
                    VALUES.map(|a| VALUES.map(|b| format!("(call $f (i32.const {a}) (i32.const {b}))")).concat());
                let function = function(&condition, operands, select).replacen("(func", "(func $f", 1);
                let notes = notes(&format!(
                    r#"(module (import "env" "note" (func $note (param i64))) (memory 1) (global $g (mut i32) (i32.const 0))
                       {function} (func (export "run") {}))"#,
                    calls.concat()
                ));
                assert_eq!(notes.len(), 2 * VALUES.len() * VALUES.len());
                compared += VALUES.len() * VALUES.len();
                if let Some(pair) = notes.chunks(2).find(|pair| pair[0] != pair[1]) {
                    wrong.push(format!("{select} {operands:?} {condition}: {} for {}", pair[0], pair[1]));
                }
            }
        }
    }
    println!("{compared} choices");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn growing_answers_the_size_before_or_minus_one() {
    let memory = |amount: &str| format!("(call $note (i64.extend_i32_s (memory.grow (i32.const {amount}))))");
    let table =
        |amount: &str| format!("(call $note (i64.extend_i32_s (table.grow (ref.null func) (i32.const {amount}))))");
    let steps: String = ["0", "1", "0", "3", "2", "1", "0"].map(|amount| memory(amount) + &table(amount)).concat();
    let notes = notes(&format!(
        r#"(module (import "env" "note" (func $note (param i64))) (memory 1 4) (table 1 4 funcref)
           (func (export "run") {steps}))"#
    ));
    let expected = [1, 1, 2, -1, 2, -1, 4];
    assert_eq!(notes, expected.map(|answer| [answer, answer]).concat());
}
