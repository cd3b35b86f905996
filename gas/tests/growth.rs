//! What the instrumenter writes stays below what is counted on the original, module by module and body by body.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::cast_precision_loss, clippy::float_arithmetic)]

mod support;

use support::bombs;
use support::edges::{EDGES, module_at};
use support::modules::{admitted_fixtures, profile_of};
use unfork_gas::{Floats, LIMITS_LARGE, LIMITS_V1, PRICE_MAX, Profile, Schedule, V1, admit};
use wasmparser::{Parser, Payload};

/// Whether it is admitted, and then within what is counted.
fn check(name: &str, code: &[u8], profile: &Profile<'_>) -> bool {
    let Ok(prepared) = admit(code, &V1, &LIMITS_LARGE, profile) else { return false };
    let bodies = Parser::new(0).parse_all(prepared.code()).map(|payload| match payload.expect("it validates") {
        Payload::CodeSectionEntry(body) => body.range().end - body.range().start,
        _ => 0,
    });
    let (module, body) = (prepared.code().len() as u64, bodies.max().unwrap_or(0));
    let (module_bound, body_bound) =
        (prepared.instrumented_bytes_bound(), prepared.instrumented_function_bytes_bound());
    assert!(module <= module_bound, "{name}: {module} bytes, counted {module_bound}");
    assert!(body <= body_bound, "{name}: a body of {body} bytes, counted {body_bound}");
    // Prices have no part in it.
    let mut other: Schedule = V1;
    assert!(other.set("op_local", 1_000));
    if let Ok(other) = admit(code, &other, &LIMITS_LARGE, profile) {
        assert_eq!(other.instrumented_bytes_bound(), module_bound, "{name}");
    }
    true
}

#[test]
fn no_module_grows_past_what_is_counted() {
    for (name, code) in admitted_fixtures() {
        assert!(check(&name, &code, &profile_of(&code)), "{name}");
    }
    for edge in EDGES {
        let code = module_at(edge, edge.small);
        assert!(check(edge.limit, &code, &profile_of(&code)), "{}", edge.limit);
    }
    for family in bombs::FAMILIES {
        let sizes = [200, 1_000, 30_000, 300_000];
        let admitted = sizes.into_iter().filter(|&size| check(family.name, &(family.make)(size), &bombs::PROFILE));
        assert!(admitted.count() > 0, "{}", family.name);
    }
}

/// Each operator that grows, many times over in one body, with the longest indices and constants that the limits allow.
#[test]
fn each_operator_at_its_longest() {
    let mut dear = V1;
    for field in ["op_simple", "bulk_memory_byte", "grow_page", "grow_element", "op_local"] {
        assert!(dear.set(field, if field.starts_with("op_") { 900 } else { PRICE_MAX }));
    }
    let cases = [
        "(call 0)",
        "(call_indirect (i32.const 0))",
        "(loop (br_if 0 (i32.const 0)))",
        "(block (br_if 0 (i32.const 0)) (call 0))",
        "(if (i32.const 1) (then (call 0)) (else (nop)))",
        "(if (i32.const 1) (then (drop (i32.const 1))))",
        "(loop (block (br_if 1 (i32.const 0)) (drop (i32.add (i32.const 1) (i32.const 2)))))",
        "(block (loop (br_if 1 (i32.const 0)) (drop (i32.add (i32.const 1) (i32.const 2))) (br_if 0 (i32.const 0))))",
        "(block (block (br_table 0 1 0 1 0 (i32.const 0))) (drop (i32.add (i32.const 1) (i32.const 2))))",
        "(block (if (i32.const 0) (then (drop (i32.add (i32.const 1) (i32.const 2))) (br 1))))",
        "(if (i32.const 0) (then (return)))",
        "(if (i32.const 0) (then (unreachable)))",
        "(drop (memory.grow (i32.const 0)))",
        "(drop (table.grow 0 (ref.null func) (i32.const 0)))",
        "(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))",
        "(table.fill 0 (i32.const 0) (ref.null func) (i32.const 0))",
        "(drop (select (i32.const 1) (i32.const 2) (i32.eqz (i32.const 0))))",
        "(i32.store offset=70000 (i32.const 0) (i32.const 0))",
        "(f64.store (i32.const 0) (f64.add (f64.const 1) (f64.const 2)))",
        "(local.set 300 (f64.add (f64.const 1) (f64.const 2)))",
        "(local.set 2 (f64.add (f64.const 1) (f64.const 2)))",
    ];
    for case in cases {
        // Locals up to the limit make the indices of those that are added long.
        let locals = "(local i32 f64 f64) (local f64)".to_string() + &"(local f64)".repeat(400);
        let text =
            format!("(module (memory 1) (table 1 funcref) (func $callee (loop)) (func {locals} {}))", case.repeat(300));
        let code = wat::parse_str(&text).unwrap_or_else(|error| panic!("{case}: {error}"));
        let profile = Profile { floats: Floats::Canonical, ..support::EMPTY };
        let mut limits = LIMITS_V1;
        assert!(limits.set("function_gas_max", 5_000_000) && limits.set("local_groups_max", 1_000));
        for schedule in [&V1, &dear] {
            let prepared =
                admit(&code, schedule, &limits, &profile).unwrap_or_else(|refusal| panic!("{case}: {refusal}"));
            let (written, counted) = (prepared.code().len() as u64, prepared.instrumented_bytes_bound());
            assert!(written <= counted, "{case}: {written} bytes, counted {counted}");
            println!("{:.2} of what is counted: {case}", written as f64 / counted as f64);
        }
    }
}
