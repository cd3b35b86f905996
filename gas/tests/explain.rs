//! What `explain` counts is what admission counts: each figure of each fixture, as its limit, is just enough.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod support;

use support::edges::{EDGES, module_at};
use support::modules::{admitted_fixtures, profile_of};
use unfork_gas::{FunctionFacts, LIMITS_V1, RefusalCode, V1, admit, explain, function_at};

/// Lowers each limit to what the module uses, which admits it, and to one less, which refuses it with the limit's code.
fn check(name: &str, code: &[u8]) -> Vec<RefusalCode> {
    let profile = &profile_of(code);
    let explanation = explain(code, &V1, &LIMITS_V1, profile).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    assert_eq!(Ok(&explanation.prepared), admit(code, &V1, &LIMITS_V1, profile).as_ref());
    let mut exercised = Vec::new();
    for usage in &explanation.usage {
        let mut limits = LIMITS_V1;
        assert!(limits.set(usage.limit, usage.found), "{}", usage.limit);
        admit(code, &V1, &limits, profile).unwrap_or_else(|refusal| panic!("{name}, {}: {refusal}", usage.limit));
        assert_eq!(Some(usage.max), LIMITS_V1.fields().find(|(field, _)| *field == usage.limit).map(|(_, max)| max));
        // Nesting is checked where a block opens: a limit below a function's own level refuses nothing.
        let least = u64::from(usage.code == RefusalCode::Nesting);
        let Some(less) = usage.found.checked_sub(1).filter(|less| *less >= least) else { continue };
        assert!(limits.set(usage.limit, less));
        let refusal = admit(code, &V1, &limits, profile).expect_err(usage.limit);
        assert_eq!((refusal.code, refusal.limit), (usage.code, Some(less)), "{name}: {refusal}");
        exercised.push(usage.code);
    }
    let most = |of: fn(&FunctionFacts) -> u64| explanation.functions.iter().map(of).max().unwrap_or(0);
    assert_eq!(most(|function| function.stack_units), explanation.prepared.frame_units_max(), "{name}");
    assert_eq!(most(|function| function.straight_gas), explanation.prepared.function_gas_max(), "{name}");
    exercised
}

#[test]
fn every_figure_is_what_admission_counts() {
    let mut exercised = Vec::new();
    for (name, code) in admitted_fixtures() {
        exercised.extend(check(&name, &code));
    }
    for edge in EDGES {
        exercised.extend(check(edge.limit, &module_at(edge, edge.small)));
    }
    let explanation = explain(b"\0asm\x01\0\0\0", &V1, &LIMITS_V1, &profile_of(b"\0asm\x01\0\0\0")).unwrap();
    for usage in &explanation.usage {
        assert!(exercised.contains(&usage.code), "no module uses anything of {}", usage.limit);
    }
}

#[test]
fn functions_are_counted_and_named() {
    let code = wat::parse_str(
        r#"(module (import "env" "f" (func $imported)) (func $leaf (param i32) (local i64) (loop (nop)))
           (func $caller (result i32) (call $imported) (i32.add (i32.const 1) (i32.const 2))))"#,
    )
    .unwrap();
    let explanation = explain(&code, &V1, &LIMITS_V1, &profile_of(&code)).unwrap();
    let [leaf, caller] = explanation.functions.as_slice() else { panic!("two functions") };
    assert_eq!((leaf.index, leaf.name.as_deref()), (1, Some("leaf")));
    assert_eq!(
        (leaf.operators, leaf.locals, leaf.loops, leaf.calls, leaf.nesting, leaf.stack_units),
        (4, 2, 1, 0, 2, 0)
    );
    assert_eq!(leaf.entry_gas, V1.function_entry + V1.function_local);
    assert_eq!((caller.index, caller.name.as_deref()), (2, Some("caller")));
    assert_eq!((caller.operators, caller.calls, caller.operand_height), (5, 1, 2));
    assert_eq!(caller.straight_gas, V1.op_call + 2 * V1.op_const + V1.op_simple);
    assert_eq!(caller.stack_units, LIMITS_V1.stack_frame_base + 2);
    for function in &explanation.functions {
        for offset in [function.offset, function.offset + u32::try_from(function.bytes).unwrap() - 1] {
            let found = function_at(&code, offset).unwrap();
            assert_eq!((found.index, found.name), (function.index, function.name.clone()));
        }
    }
    assert_eq!(function_at(&code, 9), None);
    assert_eq!(function_at(b"no module", 3), None);
}

/// Where a function is refused, it is found by the offset, though the rest was never validated.
#[test]
fn a_refused_function_is_found() {
    let code = wat::parse_str(
        "(module (func $fine) (func $float (drop (f64.const 1))) (func $more (result i64) (f64.const 1)))",
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let refusal = admit(&code, &V1, &LIMITS_V1, &support::PLAIN).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::Float);
    assert_eq!(function_at(&code, refusal.offset).unwrap().name.as_deref(), Some("float"));
}
