//! How a run ends: traps, the stack, host calls, and what floats look like afterwards.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::cast_possible_truncation, clippy::cast_possible_wrap)]

mod support;

use support::{Ended, PLAIN, STACK, Seen, run};
use unfork_gas::{Counter, Floats, LIMITS_V1, Prepared, Profile, Schedule, V1, admit};
use wasmi::TrapCode;

fn prepared(text: &str) -> Prepared {
    with(text, &V1, &PLAIN)
}

fn with(text: &str, schedule: &Schedule, profile: &Profile<'_>) -> Prepared {
    let code = wat::parse_str(format!("(module {text})")).unwrap_or_else(|error| panic!("{text}: {error}"));
    admit(&code, schedule, &LIMITS_V1, profile).unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
}

#[test]
fn implicit_traps_are_not_out_of_gas() {
    let cases = [
        ("(i32.div_u (i32.const 1) (i32.const 0))", TrapCode::IntegerDivisionByZero),
        ("(i32.div_s (i32.const 0x80000000) (i32.const -1))", TrapCode::IntegerOverflow),
        ("(i32.load (i32.const 65533))", TrapCode::MemoryOutOfBounds),
        ("(i32.load offset=0xffffffff (i32.const -1))", TrapCode::MemoryOutOfBounds),
        ("(call_indirect (type $t) (i32.const 0))", TrapCode::IndirectCallToNull),
        ("(call_indirect (type $t) (i32.const 1))", TrapCode::BadSignature),
        ("(call_indirect (type $t) (i32.const 2))", TrapCode::TableOutOfBounds),
        ("(table.grow (ref.func $u) (i32.const 1)) (table.get (i32.const 9)) drop", TrapCode::TableOutOfBounds),
    ];
    for (body, code) in cases {
        let module = prepared(&format!(
            r#"(type $t (func (result i32))) (memory 1) (table 2 funcref) (elem (i32.const 1) func $u) (func $u)
               (func (export "run") (drop {body}))"#
        ));
        assert_eq!(run(&module, 1_000_000, STACK).0, Ended::Trapped(code), "{body}");
    }
}

#[test]
fn bulk_work_is_paid_before_it_is_done() {
    // The range is out of bounds, but there is no gas for its length: out of gas comes first.
    let cases = [
        "(memory.fill (i32.const 0) (i32.const 0) (i32.const -1))",
        "(memory.copy (i32.const 0) (i32.const 0) (i32.const -1))",
        "(memory.init 0 (i32.const 0) (i32.const 0) (i32.const -1))",
        "(table.fill (i32.const 0) (ref.null func) (i32.const -1))",
        "(table.copy (i32.const 0) (i32.const 0) (i32.const -1))",
        "(table.init 0 (i32.const 0) (i32.const 0) (i32.const -1))",
        "(drop (memory.grow (i32.const -1)))",
        "(drop (table.grow (ref.null func) (i32.const -1)))",
    ];
    // So that 2^32 pages are paid for with the most gas there is.
    let mut schedule = V1;
    assert!(schedule.set("grow_page", 2_000));
    for body in cases {
        let text = format!(
            r#"(memory 1) (table 1 funcref) (data "abc") (elem funcref (ref.null func)) (func (export "run") {body})"#
        );
        let module = with(&text, &schedule, &PLAIN);
        assert_eq!(run(&module, 1_000_000_000, STACK).0, Ended::OutOfGas, "{body}");
        match run(&module, Counter::GAS_MAX, STACK).0 {
            Ended::Trapped(TrapCode::MemoryOutOfBounds | TrapCode::TableOutOfBounds) => {}
            Ended::Returned(used) if body.contains("grow") => assert!(used > i64::from(u32::MAX)),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn endless_code_runs_out_of_gas() {
    let cases = [
        r#"(func (export "run") (loop (br 0)))"#,
        r#"(func (export "run") (loop (loop (br 1))))"#,
        r#"(func (export "run") (loop (br_table 0 0 (i32.const 3))))"#,
        r#"(func (export "run") (loop (br_if 0 (i32.const 1))))"#,
        r#"(memory 1) (func (export "run") (loop (drop (memory.grow (i32.const 0))) (br 0)))"#,
        r#"(func $f) (func (export "run") (loop (call $f) (br 0)))"#,
        r#"(type $t (func)) (table funcref (elem $f)) (func $f) (func (export "run") (loop (call_indirect (type $t) (i32.const 0)) (br 0)))"#,
    ];
    for text in cases {
        assert_eq!(run(&prepared(text), 10_000, STACK).0, Ended::OutOfGas, "{text}");
    }
}

/// Frame of `$f`: base 8, one parameter, two operands.
#[test]
fn recursion_ends_at_the_same_depth() {
    let module = prepared(
        r#"(import "env" "note" (func $note (param i64)))
           (func $f (param i64) (call $note (local.get 0)) (call $f (i64.add (local.get 0) (i64.const 1))))
           (func (export "run") (call $f (i64.const 1)))"#,
    );
    let run_frame = 8 + 1;
    let frame = 8 + 1 + 2;
    for calls in [0, 1, 7, 900] {
        for spare in [0, frame - 1] {
            let (ended, seen) = run(&module, 1 << 40, run_frame + calls * frame + spare);
            assert_eq!(ended, Ended::StackExhausted);
            assert_eq!(seen.notes.len() as i64, calls);
        }
    }
    assert_eq!(run(&module, 1 << 40, run_frame - 1).0, Ended::StackExhausted);
}

/// The budget is there again after a call returns, whatever the callee used.
#[test]
fn frames_give_back_what_they_took() {
    let module = prepared(
        r#"(func $leaf (result i32) (i32.const 1))
           (func $deep (param i32) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))))
           (func (export "run") (local i32)
             (loop (drop (call $leaf)) (call $deep (i32.const 3)) (call $deep (i32.const 4))
               (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 100)))))"#,
    );
    // run: 8 + 1 local + 2 operands; deep: 8 + 1 parameter + 2 operands, four at once: the fifth calls nothing that looks.
    let exact = (8 + 1 + 2) + 4 * (8 + 1 + 2);
    assert!(matches!(run(&module, 1 << 40, exact).0, Ended::Returned(_)));
    assert_eq!(run(&module, 1 << 40, exact - 1).0, Ended::StackExhausted);
}

/// The last call of a recursion is not looked at, and a leaf takes nothing.
#[test]
fn functions_without_calls_take_nothing() {
    let module = prepared(
        r#"(func $f (param i32) (local i64 i64 i64)
             (if (local.get 0) (then (call $f (i32.const 0)))))
           (func (export "run") (call $f (i32.const 0)) (call $f (i32.const 1)))"#,
    );
    // run: 8 + 1 operand; f: 8 + 1 parameter + 3 locals + 1 operand, which only its own call looks at.
    let exact = (8 + 1) + (8 + 1 + 3 + 1);
    assert!(matches!(run(&module, 1 << 40, exact).0, Ended::Returned(_)));
    assert_eq!(run(&module, 1 << 40, exact - 1).0, Ended::StackExhausted);
    assert_eq!(module.top_values_max(), 1 + 3 + 1);
}

/// What preparing adds for growing is no call of the contract's: no units, no look at them, and a small leaf stays one.
#[test]
fn growing_takes_no_stack() {
    let grow = "(drop (memory.grow (i32.const 2))) (drop (table.grow 1 (ref.func $f) (i32.const 3)))";
    // A small leaf runs without any stack left; what loops is no small leaf, and the frame that calls it has 8 units and 2.
    for (body, stack) in [(grow.to_string(), 0), (format!("(loop {grow} (br_if 0 (i32.const 0)))"), 8 + 2)] {
        let module = prepared(&format!(
            r#"(memory 1) (table 1 funcref) (table 1 funcref) (elem declare func $f) (func $f {body})
               (func (export "run") (call $f) (drop (table.grow 0 (ref.null func) (i32.const 5))))"#
        ));
        let Ended::Returned(gas) = run(&module, 1_000_000, stack).0 else { panic!("{body}") };
        assert_eq!(run(&module, gas, stack).0, Ended::Returned(gas), "{body}");
        assert_eq!(run(&module, gas - 1, stack).0, Ended::OutOfGas, "{body}");
    }
}

/// Who looks at the stack: functions that are no small leaves, hosts, `unreachable`. Gas that is exhausted comes first.
#[test]
fn the_stack_is_looked_at_where_gas_is() {
    let with_body = |body: &str| {
        let text = format!(
            r#"(import "env" "zero" (func $zero (result i32))) (type $t (func)) (table 2 funcref) (elem (i32.const 0) $leaf $calls)
               (func $leaf) (func $calls (if (i32.const 0) (then (call $leaf)))) (func $traps unreachable)
               (func (export "run") {body})"#
        );
        prepared(&text)
    };
    let exhausted = Ended::StackExhausted;
    let cases = [
        ("(call $leaf)", None),
        ("(call_indirect (type $t) (i32.const 0))", None),
        ("(call $leaf) (loop)", None),
        ("(call $leaf) (call $calls)", Some(exhausted)),
        ("(call_indirect (type $t) (i32.const 1))", Some(exhausted)),
        ("(drop (call $zero))", Some(exhausted)),
        ("(call $leaf) unreachable", Some(exhausted)),
        ("(if (i32.const 0) (then (call $leaf))) unreachable", Some(exhausted)),
        ("(call $traps)", Some(exhausted)),
        ("(call_indirect (type $t) (i32.const 2))", Some(Ended::Trapped(TrapCode::TableOutOfBounds))),
    ];
    for (body, expected) in cases {
        let ended = run(&with_body(body), 1_000_000, 7).0;
        match expected {
            Some(expected) => assert_eq!(ended, expected, "{body}"),
            None => assert!(matches!(ended, Ended::Returned(_)), "{body}: {ended:?}"),
        }
        if expected == Some(exhausted) {
            assert_eq!(run(&with_body(body), 12, 7).0, Ended::OutOfGas, "{body}");
        }
    }
    // No call in it: it takes nothing.
    assert!(matches!(run(&with_body("unreachable"), 1_000_000, 0).0, Ended::Unreachable(_)));
}

/// What a leaf does without enough gas shows whether its entry is a checkpoint: a trap of its own, or out of gas.
#[test]
fn entries_of_small_leaves_are_no_checkpoints() {
    let mut schedule = V1;
    for (name, price) in [("op_drop", 1), ("function_entry", 6), ("op_div", 8)] {
        assert!(schedule.set(name, price));
    }
    // Entry 6, constants and division 10, drop 1; the threshold is 128.
    let trap = "(drop (i32.div_u (i32.const 1) (i32.const 0)))";
    for (nops, locals, small) in [(0, 0, true), (111, 0, true), (112, 0, false), (110, 1, true), (111, 1, false)] {
        let body = format!("{}{trap}{}", "(local i32)".repeat(locals), "nop ".repeat(nops));
        let text = format!(r#"(func $leaf {body}) (func (export "run") (call $leaf))"#);
        // Enough for entering run, not for the call.
        let ended = run(&with(&text, &schedule, &PLAIN), 6 + 4 - 1, STACK).0;
        let expected = if small { Ended::Trapped(TrapCode::IntegerDivisionByZero) } else { Ended::OutOfGas };
        assert_eq!(ended, expected, "{nops} nops, {locals} locals");
    }
    for other in ["(loop)", "(if (i32.const 0) (then (call $leaf)))", "(return) (loop)"] {
        let (before, after) = if other.contains("return") { (trap, other) } else { (other, trap) };
        let text = format!(r#"(func $leaf {before} {after}) (func (export "run") (call $leaf))"#);
        assert_eq!(run(&with(&text, &schedule, &PLAIN), 6 + 4 - 1, STACK).0, Ended::OutOfGas, "{other}");
    }
}

#[test]
fn gas_is_exact_at_every_host_call() {
    let mut schedule = V1;
    for (name, _) in V1.fields().take(33) {
        assert!(schedule.set(name, 1));
    }
    assert!(schedule.set("function_entry", 10));
    let module = with(
        r#"(import "env" "note" (func $note (param i64))) (import "env" "zero" (func $zero (result i32)))
           (func (export "run") (local i32)
             (loop
               (call $note (i64.const 5))
               (if (call $zero) (then nop nop) (else nop))
               (call $note (i64.const 6))
               (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 2))))
             nop nop (call $note (i64.const 7)))"#,
        &schedule,
        &PLAIN,
    );
    // Entry 11, loop 1; turn: const+call 2, call 1, if+nop 2, const+call 2, then 7 round.
    let mut expected = Vec::new();
    for turn in [12, 12 + 14] {
        expected.extend([turn + 2, turn + 3, turn + 7]);
    }
    expected.push(12 + 28 + 2 + 2);
    let (ended, seen) = run(&module, 1_000_000, STACK);
    assert_eq!((ended, &seen.gas_at_calls), (Ended::Returned(44), &expected));
    for gas in 0..44 {
        let (ended, Seen { gas_at_calls, .. }) = run(&module, gas, STACK);
        assert_eq!(ended, Ended::OutOfGas);
        let reached: Vec<i64> = expected.iter().copied().filter(|&used| used <= gas).collect();
        assert_eq!(gas_at_calls, reached, "with {gas} gas");
    }
}

/// A deep unwinding is checked on the way back too: code after a call cannot run on nothing. What comes after a return
/// with one gas less than executed by then shows whether it was a checkpoint: a trap, or out of gas.
#[test]
fn returning_is_checked() {
    let mut schedule = V1;
    assert!(schedule.set("op_drop", 1));
    let Schedule { op_const, op_loop, op_br, op_br_if, op_call, function_entry, .. } = schedule;
    // What is executed of f, besides nops; the third leaves before them. The prices of all of f's operators sum to at most
    // 128 with one nop and to more with 200, executed or not.
    let ways = [
        ("{nops}", 0, true),
        ("{nops} (return)", op_br, true),
        ("(block (br_if 1 (i32.const 1))) {nops}", op_const + op_br_if, false),
        ("(block (loop {nops} (br 2)))", op_loop + op_br, true),
    ];
    for ((way, executed, runs_nops), (nops, checked)) in
        ways.iter().flat_map(|way| [(way, (1, false)), (way, (200, true))])
    {
        let body = way.replace("{nops}", &"nop ".repeat(nops));
        let text = format!(
            r#"(func $f {body}) (func (export "run") (call $f) (drop (i32.div_u (i32.const 1) (i32.const 0))))"#
        );
        let module = with(&text, &schedule, &PLAIN);
        // The checkpoints before, the entries of run and f and the head of the loop, are passed with one gas less, too.
        let nops_executed = if *runs_nops { nops as u64 } else { 0 };
        let at_return = (function_entry + op_call + function_entry + executed + nops_executed).cast_signed();
        let trapped = Ended::Trapped(TrapCode::IntegerDivisionByZero);
        let expected = if checked { Ended::OutOfGas } else { trapped };
        assert_eq!(run(&module, at_return - 1, STACK).0, expected, "{way}, {nops} nops, one gas less");
        assert_eq!(run(&module, at_return, STACK).0, trapped, "{way}, {nops} nops");
    }
}

#[test]
fn made_nans_are_canonical_and_passed_ones_keep_their_bits() {
    let profile = Profile { floats: Floats::Canonical, ..PLAIN };
    let bits64 = |expression: &str| format!("(call $note (i64.reinterpret_f64 {expression}))");
    let bits32 = |expression: &str| format!("(call $note (i64.extend_i32_u (i32.reinterpret_f32 {expression})))");
    let nan64 = "(f64.reinterpret_i64 (i64.const 0xfff4000000000001))";
    let nan32 = "(f32.reinterpret_i32 (i32.const 0xffa00001))";
    let mut cases: Vec<(String, i64)> = Vec::new();
    for op in ["add", "sub", "mul", "div", "min", "max"] {
        cases.push((bits64(&format!("(f64.{op} {nan64} (f64.const 1))")), 0x7ff8_0000_0000_0000));
        cases.push((bits64(&format!("(f64.{op} (f64.const 1) {nan64})")), 0x7ff8_0000_0000_0000));
        cases.push((bits32(&format!("(f32.{op} {nan32} (f32.const 1))")), 0x7fc0_0000));
    }
    for op in ["ceil", "floor", "trunc", "nearest", "sqrt"] {
        cases.push((bits64(&format!("(f64.{op} {nan64})")), 0x7ff8_0000_0000_0000));
        cases.push((bits32(&format!("(f32.{op} {nan32})")), 0x7fc0_0000));
    }
    cases.push((bits32(&format!("(f32.demote_f64 {nan64})")), 0x7fc0_0000));
    cases.push((bits64(&format!("(f64.promote_f32 {nan32})")), 0x7ff8_0000_0000_0000));
    cases.push((bits64("(f64.div (f64.const 0) (f64.const 0))"), 0x7ff8_0000_0000_0000));
    cases.push((bits64("(f64.sub (f64.const inf) (f64.const inf))"), 0x7ff8_0000_0000_0000));
    cases.push((bits64("(f64.copysign (f64.sqrt (f64.const -1)) (f64.const 1))"), 0x7ff8_0000_0000_0000));
    cases.push((bits64("(f64.neg (f64.sqrt (f64.const -1)))"), 0xfff8_0000_0000_0000_u64.cast_signed()));
    // Passed on with their bits.
    cases.push((bits64(&format!("(f64.neg {nan64})")), 0x7ff4_0000_0000_0001));
    cases.push((bits64(&format!("(f64.abs {nan64})")), 0x7ff4_0000_0000_0001));
    cases.push((bits64(&format!("(f64.copysign {nan64} (f64.const 1))")), 0x7ff4_0000_0000_0001));
    cases.push((bits32("(f32.const nan:0x200001)"), 0x7fa0_0001));
    cases.push((
        bits64(&format!("(block (result f64) (f64.store (i32.const 0) {nan64}) (f64.load (i32.const 0)))")),
        0xfff4_0000_0000_0001_u64.cast_signed(),
    ));
    // What is no NaN stays as it is.
    cases.push((bits64("(f64.sub (f64.const 0) (f64.const 0))"), 0));
    cases.push((bits64("(f64.mul (f64.const -0) (f64.const 1))"), i64::MIN));
    cases.push((bits64("(f64.add (f64.const 0.5) (f64.const 0.25))"), 0x3fe8_0000_0000_0000));
    let body: String = cases.iter().map(|(text, _)| text.as_str()).collect();
    let text = format!(r#"(import "env" "note" (func $note (param i64))) (memory 1) (func (export "run") {body})"#);
    let module = with(&text, &V1, &profile);
    let (ended, seen) = run(&module, 1 << 40, STACK);
    assert!(matches!(ended, Ended::Returned(_)));
    for ((text, expected), found) in cases.iter().zip(&seen.notes) {
        assert_eq!(found, expected, "{text}: {found:016x} for {expected:016x}");
    }
    assert_eq!(seen.notes.len(), cases.len());
}

/// A NaN need not be canonical where nobody can tell, but wherever it can be seen it is.
#[test]
fn nans_that_nobody_sees() {
    let profile = Profile { floats: Floats::Canonical, ..PLAIN };
    let nan = "(f64.sqrt (f64.reinterpret_i64 (i64.const 0xfff4000000000001)))";
    let seen = "(i64.reinterpret_f64 (local.get 0))";
    // Code that leaves a NaN in the local.
    let cases = [
        format!("(local.set 0 {nan})"),
        format!("(drop (local.tee 0 {nan}))"),
        format!("(local.set 0 (f64.add {nan} (local.get 0)))"),
        format!("(local.set 0 (f64.mul (local.get 0) {nan}))"),
        format!("(local.set 0 (f64.min {nan} (f64.const 1)))"),
        format!("(local.set 0 (f64.sub {nan} (f64.mul (f64.load (i32.const 64)) (global.get 0))))"),
        format!("(local.set 0 (f64.copysign {nan} (f64.mul (f64.const 1) (f64.const 2))))"),
        format!("(local.set 0 (f64.neg {nan})) (local.set 0 (f64.neg (local.get 0)))"),
        format!("(f64.store (i32.add (i32.const 4) (i32.const 4)) {nan}) (local.set 0 (f64.load (i32.const 8)))"),
        format!(
            "(if (f64.lt {nan} (f64.load (i32.add (i32.const 4) (i32.const 4)))) (then (nop))) (local.set 0 {nan})"
        ),
        format!("{nan} (drop (f64.const 1)) (local.set 0)"),
        format!("{nan} (i64.extend_i32_u (i32.const 5)) drop (local.set 0)"),
        format!("(local.tee 0 {nan}) (f64.add (f64.const 1)) drop"),
        format!("(local.set 0 (f64.promote_f32 (f32.demote_f64 {nan})))"),
        format!("(local.set 0 (if (result f64) (f64.eq {nan} {nan}) (then (f64.const 0)) (else {nan})))"),
        format!("(local.set 0 (block (result f64) {nan}))"),
        format!("(local.set 0 (select {nan} (f64.const 1) (i32.const 1)))"),
        format!("(f64.store (i32.const 8) {nan}) (local.set 0 (f64.load (i32.const 8)))"),
        format!("(local.set 0 (call $same {nan}))"),
        format!("(global.set 0 {nan}) (local.set 0 (global.get 0))"),
    ];
    for case in cases {
        let text = format!(
            r#"(import "env" "note" (func $note (param i64))) (memory 1) (global (mut f64) (f64.const 0))
               (func $same (param f64) (result f64) (local.get 0))
               (func (export "run") (local f64) {case} (call $note {seen}))"#
        );
        let (ended, found) = run(&with(&text, &V1, &profile), 1 << 40, STACK);
        assert!(matches!(ended, Ended::Returned(_)), "{case}: {ended:?}");
        assert_eq!(found.notes, [0x7ff8_0000_0000_0000], "{case}");
    }
    // A sum of many terms needs one correction: each further term adds its own bytes.
    let length = |term: &str, terms: usize| {
        let sum = format!("{term} f64.add ").repeat(terms);
        let text = format!(r#"(memory 1) (func (export "run") (local f64) (local.get 0) {sum} (local.set 0))"#);
        with(&text, &V1, &profile).code().len()
    };
    let products = "(f64.mul (local.get 0) (local.get 0))";
    let loads = "(f64.load (i32.shl (i32.const 1) (i32.const 3)))";
    for (term, bytes) in [("(local.get 0)", 3), ("(f64.const 1)", 10), (products, 6), (loads, 9)] {
        assert_eq!(length(term, 100) - length(term, 80), 20 * bytes, "{term}");
    }
}

/// The memory is defined by the prepared code, bounded, and exported under its own name.
#[test]
fn memory_is_bounded() {
    for (declared, max) in [("1", 64), ("1 16", 16), ("1 1000", 64), ("3 3", 3)] {
        let module = prepared(&format!(
            r#"(import "env" "note" (func $note (param i64))) (import "env" "memory" (memory {declared}))
               (func (export "run") (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
                 (call $note (i64.extend_i32_u (memory.size))))"#
        ));
        assert_eq!(module.memory_pages_max(), max);
        let (ended, seen) = run(&module, 1 << 40, STACK);
        assert!(matches!(ended, Ended::Returned(_)));
        assert_eq!(seen.notes, [i64::from(max)], "{declared}");
    }
}

/// An export that is no entry counts as the declaration that `ref.func` needs; exports of other kinds go.
#[test]
fn an_export_declares_its_function() {
    let module = prepared(
        r#"(memory (export "m") 1) (global (export "g") i32 (i32.const 7))
           (func $f) (export "f" (func $f)) (func (export "run") (drop (ref.func $f)))"#,
    );
    assert!(matches!(run(&module, 1_000_000, STACK).0, Ended::Returned(_)));
    let exports = wasmparser::Parser::new(0).parse_all(module.code()).find_map(|payload| match payload.unwrap() {
        wasmparser::Payload::ExportSection(exports) => Some(exports),
        _ => None,
    });
    let names: Vec<&str> = exports.unwrap().into_iter().map(|export| export.unwrap().name).collect();
    assert_eq!(names, ["f", "run", "unfork:counter", "unfork:memory"]);
}

#[test]
fn instances_are_priced() {
    let module = prepared(
        r#"(import "env" "zero" (func (result i32))) (memory 2) (table 3 funcref) (table 4 funcref) (global i32 (i32.const 1))
           (data (i32.const 0) "abcde") (data "xy") (elem (i32.const 0) func 0 0) (elem func 1)
           (func (export "run"))"#,
    );
    let expected = 2 * V1.instance_page
        + 7 * V1.instance_table_element
        + V1.instance_global
        + 7 * V1.instance_data_byte
        + 3 * V1.instance_element_item
        + 2 * V1.instance_function;
    assert_eq!(module.instantiation_gas(), expected);
}
