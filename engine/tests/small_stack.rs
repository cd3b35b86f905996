//! Every operator that contracts may use, for ever, on a small thread stack. wasmi's dispatch would leave a frame behind
//! at each step where the compiler does not make a jump of its calls; this must show in the build that ships.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod chain;

use chain::{Chain, hostile};
use std::fmt::Write;
use unfork_engine::Status;
use unfork_gas::LIMITS_V1;

/// Far less than the 2 MiB that a Rust thread has unless told otherwise.
const STACK_BYTES: usize = 256 << 10;

/// (result, operands, operators): each is run as `drop (operator operands…)`.
const NUMERIC: &[(&str, &[&str], &str)] = &[
    (
        "i32",
        &["i32"],
        "i32.eqz i32.clz i32.ctz i32.popcnt i32.extend8_s i32.extend16_s i64.extend_i32_s i64.extend_i32_u",
    ),
    (
        "i32",
        &["i32", "i32"],
        "i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr",
    ),
    ("i64", &["i64"], "i64.eqz i64.clz i64.ctz i64.popcnt i64.extend8_s i64.extend16_s i64.extend32_s i32.wrap_i64"),
    (
        "i64",
        &["i64", "i64"],
        "i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u i64.and i64.or i64.xor i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr",
    ),
    (
        "i32",
        &["i32"],
        "i32.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u i64.load i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u",
    ),
];

/// Statements that are run as they stand.
const OTHER: &[&str] = &[
    "",
    "nop",
    "(i32.store (i32.const 8) (local.get $i))",
    "(i32.store8 (i32.const 8) (local.get $i))",
    "(i32.store16 (i32.const 8) (local.get $i))",
    "(i64.store (i32.const 8) (local.get $l))",
    "(i64.store8 (i32.const 8) (local.get $l))",
    "(i64.store16 (i32.const 8) (local.get $l))",
    "(i64.store32 (i32.const 8) (local.get $l))",
    "(drop (memory.size))",
    "(drop (memory.grow (i32.const 0)))",
    "(drop (memory.grow (i32.const 1)))",
    "(memory.fill (i32.const 0) (i32.const 1) (i32.const 8))",
    "(memory.copy (i32.const 0) (i32.const 1) (i32.const 8))",
    "(memory.init $bytes (i32.const 0) (i32.const 0) (i32.const 1))",
    "(data.drop $gone)",
    "(elem.drop $dropped)",
    "(drop (table.size $table))",
    "(drop (table.grow $table (ref.null func) (i32.const 0)))",
    "(drop (table.grow $table (ref.null func) (i32.const 1)))",
    "(table.set $table (i32.const 0) (ref.func $empty))",
    "(drop (ref.is_null (table.get $table (i32.const 1))))",
    "(table.fill $table (i32.const 0) (ref.null func) (i32.const 1))",
    "(table.copy $table $table (i32.const 0) (i32.const 1) (i32.const 1))",
    "(table.init $table $passive (i32.const 1) (i32.const 0) (i32.const 1))",
    "(call $empty)",
    "(call $noop)",
    "(call_indirect $table (type $plain) (i32.const 4))",
    "(call_indirect $table (type $plain) (i32.const 5))",
    "(call $three) (drop) (drop) (drop)",
    "(local.set $i (local.tee $i (i32.const 1)))",
    "(global.set $narrow (i32.add (global.get $narrow) (i32.const 1)))",
    "(global.set $wide (i64.add (global.get $wide) (i64.const 1)))",
    "(block (br 0))",
    "(block (br_if 0 (local.get $i)))",
    "(block (block (br_table 0 1 0 (local.get $i))))",
    "(if (local.get $i) (then nop) (else nop))",
    "(drop (if (result i32) (local.get $i) (then (i32.const 1)) (else (i32.const 2))))",
    "(drop (select (local.get $i) (i32.const 1) (local.get $i)))",
    "(drop (select (result i64) (local.get $l) (i64.const 1) (local.get $i)))",
    "(drop (ref.is_null (select (result funcref) (ref.null func) (ref.func $empty) (local.get $i))))",
];

fn loop_of(body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
          (import "seal0" "noop" (func $noop))
          (type $plain (func))
          (memory 1 4)
          (table $table 8 16 funcref)
          (global $narrow (mut i32) (i32.const 0))
          (global $wide (mut i64) (i64.const 0))
          (elem $passive func $empty)
          (elem $dropped func $empty)
          (elem (table $table) (i32.const 4) func $empty $noop)
          (data $bytes "abc")
          (data $gone "d")
          (func $empty)
          (func $three (result i32 i64 i32) (i32.const 1) (i64.const 2) (i32.const 3))
          (func (export "deploy"))
          (func (export "call") (local $i i32) (local $l i64)
            (local.set $i (i32.const 1)) (local.set $l (i64.const 1))
            (loop $again {body} (br $again))))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn operators() -> Vec<String> {
    let mut bodies: Vec<String> = OTHER.iter().map(ToString::to_string).collect();
    for (_, operands, names) in NUMERIC {
        for name in names.split(' ') {
            let mut body = format!("(drop ({name}");
            for operand in *operands {
                let _ = write!(body, " (local.get {})", if *operand == "i32" { "$i" } else { "$l" });
            }
            body.push_str("))");
            bodies.push(body);
        }
    }
    bodies
}

fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(test).expect("a thread").join().expect("no panic");
}

#[test]
fn every_operator_for_ever_ends_out_of_gas() {
    on_small_stack(|| {
        let mut chain = Chain::new();
        let bodies = operators();
        for body in &bodies {
            let contract = chain.deploy(loop_of(body));
            let receipt = chain.call(&contract, 3_000_000, &[]);
            assert_eq!(receipt.status, Status::OutOfGas, "{body}");
        }
        println!("{} loops on a stack of {STACK_BYTES} bytes", bodies.len());
    });
}

#[test]
fn the_deepest_recursion_fits() {
    on_small_stack(|| {
        let mut chain = Chain::new();
        for name in ["recurse-tiny", "recurse-huge", "recurse-operands", "recurse-mutual-indirect"] {
            let contract = chain.deploy(hostile(name));
            let receipt = chain.call(&contract, 1_000_000_000, &[]);
            assert_eq!(receipt.status.name(), "exhausted:stack", "{name}");
        }
    });
}

/// What a thread that executes blocks must have at least (docs/determinism.md).
const STATED_STACK_BYTES: usize = 2 << 20;

/// Contract frames as deep as they may be nested, each of the largest function frame, and in the innermost as many more of these
/// as it is asked for, with a leaf of as many values above them. Each contract frame grows its memory page by page and its
/// table element by element, for which wasmi leaves frames on the host's stack, until the transaction may have no more pages.
fn largest_tree() -> Vec<u8> {
    let values = |count: usize| "(i32.add (local.get 0) (i32.const 1))".repeat(count);
    let limit = |limit: u64| usize::try_from(limit).expect("a small limit");
    let (locals, operands) = (limit(LIMITS_V1.locals_max), limit(LIMITS_V1.operand_height_max));
    let pages = LIMITS_V1.memory_pages_live_max / LIMITS_V1.call_depth_max;
    // Numbers of eight operands for the host call, and of one for the others.
    let (below_call, below_one) = (values(operands - 8), values(operands - 1));
    let drops = |count: usize| "drop ".repeat(count);
    let (drop_call, drop_one, drop_all) = (drops(operands - 8), drops(operands - 1), drops(operands));
    let locals = "i64 ".repeat(locals - 1);
    let text = format!(
        r#"(module
          (import "seal0" "address" (func $address (param i32 i32)))
          (import "seal0" "input" (func $input (param i32 i32)))
          (import "seal1" "call" (func $call (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
          (memory 1 {pages}) (table 1 64 funcref)
          (func (export "deploy"))
          ;; 0: length cell; 16: own address; 64: value 0; 80: contract frames to come, and functions in the innermost
          (func (export "call")
            (i32.store (i32.const 0) (i32.const 8))
            (call $input (i32.const 80) (i32.const 0))
            (i32.store (i32.const 0) (i32.const 32))
            (call $address (i32.const 16) (i32.const 0))
            (call $frame (i32.load (i32.const 80))))
          (func $frame (param i32) (local {locals})
            (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
            (loop (br_if 0 (i32.ne (table.grow (ref.null func) (i32.const 1)) (i32.const -1))))
            (if (local.get 0)
              (then
                (i32.store (i32.const 80) (i32.sub (local.get 0) (i32.const 1)))
                {below_call}
                (call $call (i32.const 8) (i32.const 16) (i64.const 0) (i32.const 64)
                  (i32.const 80) (i32.const 8) (i32.const 0xffffffff) (i32.const 0))
                (if (then unreachable))
                {drop_call})
              (else (call $down (i32.load (i32.const 84))))))
          (func $down (param i32) (local {locals})
            (if (local.get 0)
              (then (local.set 0 (i32.sub (local.get 0) (i32.const 1))) {below_one} (call $down (local.get 0)) {drop_one})
              (else (call $leaf (i32.const 0)))))
          (func $leaf (param i32) (local {locals}) {below_one} (memory.grow (local.get 0)) {drop_all}))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// The whole call tree at its largest, on the stack that a thread must have: it ends at the budget and nowhere else.
#[test]
fn the_largest_call_tree_fits() {
    let thread = std::thread::Builder::new().stack_size(STATED_STACK_BYTES);
    let test = || {
        let mut chain = Chain::new();
        let contract = chain.deploy(largest_tree());
        let frames = LIMITS_V1.call_depth_max;
        let largest = LIMITS_V1.stack_frame_base + LIMITS_V1.locals_max + LIMITS_V1.operand_height_max;
        // Each contract frame has its entry's, of two operands, and one of the largest.
        let left = LIMITS_V1.stack_budget - frames * (LIMITS_V1.stack_frame_base + 2 + largest);
        let more = left / largest;
        let mut call = |more: u64| {
            let input = [frames - 1, more].map(|number| u32::try_from(number).expect("small").to_le_bytes());
            chain.call(&contract, LIMITS_V1.transaction_gas_max, &input.concat()).status
        };
        println!("{frames} contract frames, {} function frames of {largest} units", frames + more);
        assert_eq!(call(more - 1), Status::Returned);
        assert_ne!(call(more), Status::Returned, "{more} more");
    };
    thread.spawn(test).expect("a thread").join().expect("no panic");
}
