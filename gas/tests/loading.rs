//! What loading code costs: counted by hand, and held against what it was measured to take.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::cast_precision_loss, clippy::float_arithmetic)]

mod support;

use support::bombs::{FAMILIES, PROFILE};
use support::modules::{admitted_fixtures, profile_of};
use unfork_gas::{LIMITS_V1, Profile, Schedule, V1, admit, prepare};

/// Loading under prices of which no two sums are alike.
#[track_caller]
fn check_all(text: &str, items: u64, values: u64, growth: Option<u64>) {
    let code = wat::parse_str(format!("(module {text})")).unwrap_or_else(|error| panic!("{text}: {error}"));
    let profile = profile_of(&code);
    let schedule = Schedule {
        code_load_base: 1,
        code_load_byte: 1_000_000,
        code_load_item: 1_000,
        code_load_value: 10,
        code_load_growth: if growth.is_some() { 1_000_000_000 } else { 0 },
        ..V1
    };
    let admitted = admit(&code, &schedule, &LIMITS_V1, &profile).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    let by_length = 1 + 1_000_000 * code.len() as u64;
    let by_parts = 1_000 * items + 10 * values + 1_000_000_000 * growth.unwrap_or(0);
    assert_eq!(schedule.loading_gas(admitted.loading()), by_length + by_parts, "{text}");
    let prepared = prepare(&code, &schedule, &LIMITS_V1, &profile).expect("it was admitted");
    assert_eq!(prepared.loading(), admitted.loading(), "{text}");
}

#[track_caller]
fn check(text: &str, items: u64, values: u64) {
    check_all(text, items, values, None);
}

#[test]
fn loading_is_priced() {
    check("", 0, 0);
    check("(type (func)) (type (func (param i32)))", 2, 0);
    // One type for both.
    check(r#"(import "env" "f" (func)) (import "env" "g" (func))"#, 3, 0);
    check("(memory 1) (table 1 funcref) (table 1 funcref) (global i32 (i32.const 1))", 4, 0);
    check(r#"(memory (export "m") 1) (data (i32.const 0) "abc") (data "d") (table 3 funcref) (elem funcref)"#, 6, 0);
    check("(func)", 2, 0);
    check("(func (param i32 i32) (result i64) (local i32 i32 f64) (i64.const 1))", 2, 2 + 3);
    check("(func (block) (loop) (if (i32.const 0) (then) (else)))", 2, 0);
    check("(func (drop (block (result i32) (i32.const 0))))", 2, 1);
    check("(func (i32.const 1) (loop (param i32) (result i32 i32) (i32.const 2)) (drop) (drop))", 3, 3);
    // A branch to a loop carries its parameters, to a block its results, to the function's label its results.
    check("(func (i32.const 1) (loop (param i32) (drop) (br 0 (i32.const 1))))", 3, 1 + 1);
    check("(func (block (result i32 i32) (br 0 (i32.const 1) (i32.const 2))) (drop) (drop))", 3, 2 + 2);
    check("(func (result i32) (br_if 0 (i32.const 1) (i32.const 2)))", 2, 1);
    check("(func (result i32 i32) (return (i32.const 1) (i32.const 2)))", 2, 2);
    check("(func (result i32) (br_table 0 0 0 (i32.const 1) (i32.const 2)))", 2, 3);
    check("(func (block (br_table 0 1 0 (i32.const 2))))", 2, 0);
    // Of the callee: its two parameters, where it stands and where it is called, and its result there.
    check(
        "(func $f (param i32 i32) (result i32) (i32.const 1)) (func (drop (call $f (i32.const 1) (i32.const 2))))",
        4,
        5,
    );
    check(
        "(table 1 funcref) (type $t (func (param i64))) (func (call_indirect (type $t) (i64.const 1) (i32.const 0)))",
        4,
        1,
    );
    // What cannot be reached counts like anything else.
    check(
        "(func (result i32) (unreachable) (br 0) (drop (block (result i32) (unreachable) (br 0))) (br_if 0) (return))",
        2,
        5,
    );
}

/// The table of docs/gas.md, section 6.
#[test]
fn what_instrumenting_may_add_is_priced() {
    let check = |text: &str, items, growth| check_all(text, items, 0, Some(growth));
    check("", 0, 512);
    check("(type (func)) (type (func (param i32 i32) (result i32 i64)))", 2, 512 + 8 + 8 + 2);
    check("(global i32 (i32.const 1)) (global (mut i32) (i32.const 1))", 2, 512 + 32);
    // A function of nothing has an end.
    let one = 512 + 8 + 160 + 48;
    check("(func)", 2, one);
    check("(func (block) (loop) (if (i32.const 0) (then) (else)))", 2, one + (8 + 48) + (64 + 48) + (24 + 24 + 48));
    check("(func (block (br_if 0 (i32.const 1)) (br 0)))", 2, one + (8 + 48) + 48 + 4);
    check("(func (block (br_table 0 1 0 (i32.const 2))))", 2, one + (8 + 48) + 96 + 2 * 36);
    check("(func (return))", 2, one + 40);
    check("(func $f (call $f))", 2, one + 96);
    check("(memory 1) (func (drop (memory.grow (i32.const 0))))", 3, one + 192);
    check("(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))", 3, one + 96);
    check("(memory 1) (func (i32.store offset=65535 (i32.const 0) (i32.const 0)))", 3, one);
    check("(memory 1) (func (i32.store offset=65536 (i32.const 0) (i32.const 0)))", 3, one + 4);
    check("(func (drop (select (i32.const 1) (i32.const 2) (i32.const 0))))", 2, one + 4);
    check("(func (drop (f64.add (f64.const 1) (f64.neg (f64.const 1)))))", 2, one + 32);
    // What cannot be reached grows by nothing, but by ends; a block in it can be reached again.
    check("(func (unreachable) (br 0) (call 0) (block (call 0)))", 2, one + 24 + 96 + 48);
    check("(func (if (i32.const 0) (then (br 0) (br 0)) (else (br 0))))", 2, one + 24 + 4 + 24 + 4 + 48);
}

/// A gas stands for a nanosecond; nothing measured took more than this many for each gas that loading it costs.
const NANOSECONDS_FOR_EACH_GAS: f64 = 2.0;

/// The measurement that V1's prices of loading were set by: name, bytes, and nanoseconds of the first use per byte.
fn measured() -> Vec<(String, usize, f64)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/evidence/loading.log");
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let rows = text.lines().filter_map(|line| line.strip_suffix(" bytes)")).map(|line| {
        let (rest, bytes) = line.rsplit_once('(').unwrap_or_else(|| panic!("{line}"));
        let mut words = rest.split_whitespace().rev().skip(2);
        let first_use = words.next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{line}"));
        let name: Vec<&str> = words.skip(4).collect();
        let name = name.into_iter().rev().collect::<Vec<_>>().join(" ");
        (name, bytes.parse().unwrap_or_else(|_| panic!("{line}")), first_use)
    });
    rows.collect()
}

/// The family or fixture of a row, as long as it was.
fn measured_code(name: &str, bytes: usize) -> Option<(Vec<u8>, Profile<'static>)> {
    if let Some(family) = FAMILIES.iter().find(|family| family.name == name) {
        let codes = [120_000, 60_000, 10_000, 1_000, 200].into_iter().map(|size| (family.make)(size));
        return codes.into_iter().find(|code| code.len() == bytes).map(|code| (code, PROFILE));
    }
    let mut fixtures = admitted_fixtures().into_iter();
    let (_, code) = fixtures.find(|(path, code)| path.ends_with(&format!("/{name}")) && code.len() == bytes)?;
    let profile = profile_of(&code);
    Some((code, profile))
}

/// Every family and every fixture was measured, and costs what that took; by its length alone it would not.
#[test]
fn loading_costs_what_it_was_measured_to_take() {
    let measured = measured();
    for family in FAMILIES {
        assert!(measured.iter().any(|(name, ..)| name == family.name), "docs/evidence/loading.log: no {}", family.name);
    }
    for (path, code) in admitted_fixtures() {
        let there = measured.iter().any(|(name, bytes, _)| path.ends_with(&format!("/{name}")) && *bytes == code.len());
        assert!(there, "docs/evidence/loading.log: no {path}");
    }
    let by_length = Schedule { code_load_byte: 60, code_load_item: 0, code_load_value: 0, code_load_growth: 0, ..V1 };
    let (mut wrong, mut by_length_too_little) = (String::new(), 0);
    for (name, bytes, first_use) in measured {
        let (code, profile) = measured_code(&name, bytes).unwrap_or_else(|| panic!("{name} of {bytes} bytes is gone"));
        let admitted = admit(&code, &V1, &LIMITS_V1, &profile).unwrap_or_else(|e| panic!("{name}: {e}"));
        let for_each_gas =
            |schedule: &Schedule| first_use * bytes as f64 / schedule.loading_gas(admitted.loading()) as f64;
        let found = for_each_gas(&V1);
        if found > NANOSECONDS_FOR_EACH_GAS {
            wrong += &format!("{name}: {found:.2} ns for each gas\n");
        }
        by_length_too_little += u32::from(for_each_gas(&by_length) > NANOSECONDS_FOR_EACH_GAS);
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(by_length_too_little > 5, "{by_length_too_little} families need more than their length");
}
