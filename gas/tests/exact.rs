//! Gas is exact on every path, at every checkpoint: small functions with their gas counted by hand.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod support;

use support::{Ended, PLAIN, STACK, run};
use unfork_gas::{LIMITS_V1, Schedule, V1, admit};

/// Prices every operator 1, entry 10, so that gas can be counted by eye.
fn unit_prices() -> Schedule {
    let mut schedule = V1;
    for (name, _) in V1.fields().take(35) {
        assert!(schedule.set(name, 1));
    }
    // Loops are counted by their turns; what entering one costs has a test of its own.
    assert!(schedule.set("op_loop", 0));
    assert!(schedule.set("function_entry", 10));
    assert!(schedule.set("function_local", 100));
    assert!(schedule.set("return_check_above", 40));
    schedule
}

/// Entering a loop from above costs, coming back to it does not, and not paying for it ends the frame there.
#[test]
fn a_loop_costs_when_it_is_entered() {
    let mut schedule = unit_prices();
    assert!(schedule.set("op_loop", 1_000));
    let cases = [
        (r#"(loop nop)"#, 1_011),
        (r#"(loop (loop (loop)))"#, 3_010),
        // Three turns of 5 operators, after a local of 100 and two operators that set it.
        (
            r#"(local i32) (local.set 0 (i32.const 3)) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"#,
            1_127,
        ),
        (r#"(block (br 0) (loop))"#, 11),
    ];
    for (body, expected) in cases {
        let code = wat::parse_str(format!(r#"(module (func (export "run") {body}))"#)).unwrap();
        let prepared = admit(&code, &schedule, &LIMITS_V1, &PLAIN).unwrap();
        assert_eq!(run(&prepared, expected, STACK).0, Ended::Returned(expected), "{body}");
        assert_eq!(run(&prepared, expected - 1, STACK).0, Ended::OutOfGas, "{body}");
    }
}

/// Runs at exactly the expected gas, at one less, and with plenty: the end must be the same but for running out.
fn check(name: &str, body: &str, expected: &Ended) {
    let wat = format!("(module {body})");
    let code = wat::parse_str(&wat).unwrap_or_else(|error| panic!("{name}: {error}"));
    let schedule = unit_prices();
    let prepared = admit(&code, &schedule, &LIMITS_V1, &PLAIN).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    let (ended, _) = run(&prepared, 1_000_000, STACK);
    assert_eq!(ended, *expected, "{name}");
    if let Ended::Returned(used) | Ended::Unreachable(used) = expected {
        assert_eq!(run(&prepared, *used, STACK).0, *expected, "{name} with exactly its gas");
        for less in 1..=*used {
            let ended = run(&prepared, used - less, STACK).0;
            assert_eq!(ended, Ended::OutOfGas, "{name} with {less} less");
        }
    }
}

#[test]
fn counted_by_hand() {
    use Ended::{Returned, Unreachable};
    let cases: &[(&str, &str, Ended)] = &[
        ("empty", r#"(func (export "run"))"#, Returned(10)),
        ("straight line", r#"(func (export "run") i32.const 1 i32.const 2 i32.add drop)"#, Returned(14)),
        ("locals", r#"(func (export "run") (local i32 i64))"#, Returned(210)),
        ("return", r#"(func (export "run") i32.const 1 drop return)"#, Returned(13)),
        ("dead code", r#"(func (export "run") return i32.const 1 i32.add drop (loop (br 0)))"#, Returned(11)),
        ("unreachable", r#"(func (export "run") i32.const 1 drop unreachable)"#, Unreachable(13)),
        (
            "unreachable in arm",
            r#"(func (export "run") (if (i32.const 1) (then unreachable)) (drop (i32.const 1)))"#,
            Unreachable(13),
        ),
        (
            "arm not taken",
            r#"(func (export "run") (if (i32.const 0) (then unreachable)) (drop (i32.const 1)))"#,
            Returned(14),
        ),
        ("if taken", r#"(func (export "run") (if (i32.const 1) (then nop nop nop)) nop)"#, Returned(16)),
        ("if not taken", r#"(func (export "run") (if (i32.const 0) (then nop nop nop)) nop)"#, Returned(13)),
        ("then", r#"(func (export "run") (if (i32.const 1) (then nop nop nop) (else nop)) nop)"#, Returned(16)),
        ("else", r#"(func (export "run") (if (i32.const 0) (then nop nop nop) (else nop)) nop)"#, Returned(14)),
        (
            "branch inside if without else, taken",
            r#"(func (export "run") (if (i32.const 1) (then nop (br_if 0 (i32.const 1)) nop nop)) nop)"#,
            Returned(16),
        ),
        (
            "branch inside if without else, through",
            r#"(func (export "run") (if (i32.const 1) (then nop (br_if 0 (i32.const 0)) nop nop)) nop)"#,
            Returned(18),
        ),
        (
            "branch inside if without else, skipped",
            r#"(func (export "run") (if (i32.const 0) (then nop (br_if 0 (i32.const 0)) nop nop)) nop)"#,
            Returned(13),
        ),
        ("br out of block", r#"(func (export "run") (block nop (br 0) nop nop) nop)"#, Returned(13)),
        ("br to function label", r#"(func (export "run") (block nop (br 1) nop nop) nop)"#, Returned(12)),
        ("br_if to function label taken", r#"(func (export "run") nop (br_if 0 (i32.const 1)) nop nop)"#, Returned(13)),
        (
            "br_if to function label not taken",
            r#"(func (export "run") nop (br_if 0 (i32.const 0)) nop nop)"#,
            Returned(15),
        ),
        (
            "three branches, first",
            r#"(func (export "run") (block (br_if 0 (i32.const 1)) nop (br_if 0 (i32.const 1)) nop nop (br_if 0 (i32.const 1)) nop))"#,
            Returned(12),
        ),
        (
            "three branches, second",
            r#"(func (export "run") (block (br_if 0 (i32.const 0)) nop (br_if 0 (i32.const 1)) nop nop (br_if 0 (i32.const 1)) nop))"#,
            Returned(15),
        ),
        (
            "three branches, third",
            r#"(func (export "run") (block (br_if 0 (i32.const 0)) nop (br_if 0 (i32.const 0)) nop nop (br_if 0 (i32.const 1)) nop))"#,
            Returned(19),
        ),
        (
            "three branches, none",
            r#"(func (export "run") (block (br_if 0 (i32.const 0)) nop (br_if 0 (i32.const 0)) nop nop (br_if 0 (i32.const 0)) nop))"#,
            Returned(20),
        ),
        ("loop once", r#"(func (export "run") (loop nop) nop)"#, Returned(12)),
        // Entry 110; per turn local.get, const, add, local.tee, const, lt_u, br_if: 7.
        (
            "loop of five",
            r#"(func (export "run") (local i32) (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 5)))))"#,
            Returned(110 + 35),
        ),
        // Leaves from the middle: 4 whole turns of 9 and br, then 7 to the exit.
        (
            "loop left in the middle",
            r#"(func (export "run") (local i32) (block (loop (br_if 1 (i32.eq (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 5))) nop nop (br 0))))"#,
            Returned(110 + 4 * 10 + 7),
        ),
        (
            "loop with two exits to one label, second taken",
            r#"(func (export "run") (local i32) (block (loop (br_if 1 (i32.const 0)) nop (br_if 1 (i32.eq (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 3))) nop (br 0))) nop)"#,
            Returned(110 + 2 * 12 + 10 + 1),
        ),
        (
            "loop left to the function",
            r#"(func (export "run") (local i32) (loop (br_if 1 (i32.eq (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 2))) nop (br 0)))"#,
            Returned(110 + 9 + 7),
        ),
        (
            "loop left by return",
            r#"(func (export "run") (local i32) (loop (if (i32.eq (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 2)) (then nop return)) nop (br 0)))"#,
            Returned(110 + 9 + 9),
        ),
        // The inner loop's only way round leads to the outer loop.
        (
            "inner loop going round the outer",
            r#"(func (export "run") (local i32) (loop (loop (br_if 1 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 4))))))"#,
            Returned(110 + 28),
        ),
        (
            "loop with a parameter",
            r#"(func (export "run") i32.const 3 (loop (param i32) (br_if 0 (i32.sub (i32.const 1)) (i32.const 0)) drop))"#,
            Returned(10 + 6),
        ),
        (
            "value block, taken",
            r#"(func (export "run") (drop (block (result i32) (br_if 0 (i32.const 7) (i32.const 1)) drop nop (i32.const 8))))"#,
            Returned(14),
        ),
        (
            "value block, not taken",
            r#"(func (export "run") (drop (block (result i32) (br_if 0 (i32.const 7) (i32.const 0)) drop nop (i32.const 8))))"#,
            Returned(17),
        ),
        (
            "br_table first",
            r#"(func (export "run") (block (block (block (br_table 0 1 2 (i32.const 0))) nop) nop nop) nop)"#,
            Returned(16),
        ),
        (
            "br_table second",
            r#"(func (export "run") (block (block (block (br_table 0 1 2 (i32.const 1))) nop) nop nop) nop)"#,
            Returned(15),
        ),
        (
            "br_table default",
            r#"(func (export "run") (block (block (block (br_table 0 1 2 (i32.const 9))) nop) nop nop) nop)"#,
            Returned(13),
        ),
        (
            "br_table to function",
            r#"(func (export "run") (block (block (br_table 2 1 0 (i32.const 0))) nop) nop nop)"#,
            Returned(12),
        ),
        // Both labels are fixed at different points before, so the table has to charge by its index.
        (
            "br_table of two ages, 0",
            r#"(func (export "run") (block (block (br_if 1 (i32.const 0)) nop nop (br_if 0 (i32.const 0)) nop (br_table 0 1 0 (i32.const 0))) nop nop nop) nop)"#,
            Returned(10 + 2 + 2 + 2 + 1 + 2 + 3 + 1),
        ),
        (
            "br_table of two ages, 1",
            r#"(func (export "run") (block (block (br_if 1 (i32.const 0)) nop nop (br_if 0 (i32.const 0)) nop (br_table 0 1 0 (i32.const 1))) nop nop nop) nop)"#,
            Returned(10 + 2 + 2 + 2 + 1 + 2 + 1),
        ),
        (
            "br_table of two ages, default",
            r#"(func (export "run") (block (block (br_if 1 (i32.const 0)) nop nop (br_if 0 (i32.const 0)) nop (br_table 0 1 0 (i32.const 7))) nop nop nop) nop)"#,
            Returned(10 + 2 + 2 + 2 + 1 + 2 + 3 + 1),
        ),
        (
            "br_table round a loop",
            r#"(func (export "run") (local i32) (block (loop nop (br_table 1 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 3))))) nop)"#,
            Returned(110 + 3 * 8 + 1),
        ),
        // Caller 10 + call; callee 10 + 1; then drop.
        (
            "call",
            r#"(func $f (result i32) i32.const 1) (func (export "run") (drop (call $f)))"#,
            Returned(10 + 1 + 11 + 1),
        ),
        (
            "calls in an arm",
            r#"(func $f nop) (func (export "run") (if (i32.const 1) (then call $f call $f nop)) nop)"#,
            Returned(12 + 12 + 12 + 1 + 1),
        ),
        (
            "call_indirect",
            r#"(type $t (func)) (table funcref (elem $f)) (func $f nop) (func (export "run") (call_indirect (type $t) (i32.const 0)) nop)"#,
            Returned(10 + 2 + 11 + 1),
        ),
        (
            "several results",
            r#"(func $f (result i32 i64) (br_if 0 (i32.const 1) (i64.const 2) (i32.const 1)) drop drop (i32.const 3) (i64.const 4)) (func (export "run") call $f drop drop)"#,
            Returned(10 + 1 + 14 + 2),
        ),
        (
            "several results from a loop",
            r#"(func $f (result i32 i64) (loop (result i32 i64) (br 1 (i32.const 1) (i64.const 2)))) (func (export "run") call $f drop drop)"#,
            Returned(10 + 1 + 13 + 2),
        ),
        // Base 1 and one per page asked for, granted or not.
        (
            "memory.grow",
            r#"(memory 1) (func (export "run") (drop (memory.grow (i32.const 3))))"#,
            Returned(10 + 1 + 1 + 3 + 1),
        ),
        (
            "memory.grow refused",
            r#"(memory 1 2) (func (export "run") (drop (memory.grow (i32.const 3))))"#,
            Returned(10 + 1 + 1 + 3 + 1),
        ),
        (
            "memory.fill",
            r#"(memory 1) (func (export "run") (memory.fill (i32.const 0) (i32.const 1) (i32.const 100)) nop)"#,
            Returned(10 + 3 + 1 + 100 + 1),
        ),
        (
            "memory.fill in a loop",
            r#"(memory 1) (func (export "run") (local i32) (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 20)) (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 2)))))"#,
            Returned(110 + 2 * (3 + 1 + 20 + 7)),
        ),
        (
            "table.grow",
            r#"(table 1 funcref) (func (export "run") (drop (table.grow (ref.null func) (i32.const 4))))"#,
            Returned(10 + 2 + 1 + 4 + 1),
        ),
        (
            "more than the check threshold after a call",
            &format!(r#"(func $f nop) (func (export "run") call $f {})"#, "nop ".repeat(45)),
            Returned(10 + 12 + 45),
        ),
    ];
    for (name, body, expected) in cases {
        check(name, body, expected);
    }
}
