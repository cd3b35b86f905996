//! The kernels: each price is paid by several of them, in different company.

use unfork_gas::{Entry, Floats, Import, Profile, ValueType};

/// What kernels import and export.
pub const PROFILE: Profile<'static> = Profile {
    name: "kernels",
    imports: &[Import { module: "env", name: "host", params: &[ValueType::I32], results: &[ValueType::I32] }],
    entries: &[Entry { name: "run", params: &[ValueType::I32], results: &[], required: true }],
    memory_import: None,
    floats: Floats::Canonical,
    linking: unfork_gas::Linking::Closed,
};

/// A module whose entry runs a body as often as its parameter says.
pub struct Kernel {
    pub name: String,
    pub text: String,
    /// Host calls of one turn.
    pub host_calls: usize,
}

/// Operators in the loop, so that the loop itself hardly counts.
const COPIES: usize = 24;

fn kernel(name: &str, unit: &str) -> Kernel {
    repeated(name, unit, COPIES)
}

fn repeated(name: &str, unit: &str, copies: usize) -> Kernel {
    let body = unit.repeat(copies);
    let text = format!(
        r#"(module
             (import "env" "host" (func $host (param i32) (result i32)))
             (type $nothing (func))
             (memory 64) (table $t 64 funcref) (elem (i32.const 0) $empty $empty)
             (data $bytes "0123456789abcdef")
             (global $g (mut i64) (i64.const 7)) (global $h (mut i32) (i32.const 7))
             (func $empty) (func $one (param i32) (result i32) (local.get 0))
             (func $locals (local {locals}))
             (func $four (param i32 i32 i32 i32) (result i32) (local.get 3))
             (func (export "run") (param $n i32)
               (local $a i32) (local $b i32) (local $c i32) (local $p i64) (local $q i64) (local $x f64) (local $y f64)
               (local $u f32) (local $i i32)
               (local.set $a (i32.const 0x12345678)) (local.set $b (i32.const 3)) (local.set $c (i32.const 1))
               (local.set $p (i64.const 0x123456789abcdef0)) (local.set $q (i64.const 0x7fffffff1))
               (local.set $x (f64.const 1.25)) (local.set $y (f64.const 3.5)) (local.set $u (f32.const 1.5))
               (loop $turn {body}
                 (br_if $turn (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#,
        locals = "i64 ".repeat(100),
    );
    Kernel { name: name.to_string(), text, host_calls: body.matches("call $host").count() }
}

/// Every kernel.
pub fn kernels() -> Vec<Kernel> {
    let mut all: Vec<Kernel> = UNITS.iter().map(|(name, unit)| kernel(name, unit)).collect();
    all.extend(spread());
    for (name, unit) in LONG_UNITS {
        all.push(repeated(name, unit, 2));
    }
    all
}

/// A random index below 4 MiB, so that loads miss the first caches.
const SPREAD: &str = "(local.set $i (i32.add (i32.mul (local.get $i) (i32.const 1664525)) (i32.const 1013904223)))";

// Long on purpose: a table.
const UNITS: &[(&str, &str)] = &[
    ("i32.add of locals", "(local.set $a (i32.add (local.get $a) (local.get $b)))"),
    ("i32.add of a constant", "(local.set $a (i32.add (local.get $a) (i32.const 77)))"),
    ("i64.xor of locals", "(local.set $p (i64.xor (local.get $p) (local.get $q)))"),
    ("i64.rotl", "(local.set $p (i64.rotl (local.get $p) (i64.const 13)))"),
    ("i32.shl", "(local.set $a (i32.shl (local.get $a) (local.get $b)))"),
    ("i32.lt_s", "(local.set $c (i32.lt_s (local.get $a) (local.get $b)))"),
    ("i64.eqz", "(local.set $c (i64.eqz (local.get $p)))"),
    ("i64.popcnt", "(local.set $p (i64.popcnt (local.get $p)))"),
    ("i32.clz", "(local.set $a (i32.clz (local.get $a)))"),
    (
        "three operators deep",
        "(local.set $a (i32.xor (i32.add (local.get $a) (local.get $b)) (i32.shr_u (local.get $a) (local.get $c))))",
    ),
    (
        "six operators deep",
        "(local.set $p (i64.or (i64.and (i64.add (local.get $p) (local.get $q)) (i64.sub (local.get $q) (local.get $p))) (i64.xor (i64.shl (local.get $p) (local.get $q)) (i64.const 99))))",
    ),
    ("i32.const", "(local.set $a (i32.const 5))"),
    ("i64.const", "(local.set $p (i64.const 0x123456789abcdef))"),
    ("constants dropped", "(drop (i32.const 5))"),
    ("local copied", "(local.set $a (local.get $b)) (local.set $b (local.get $c))"),
    ("local.tee", "(local.set $a (local.tee $b (local.get $c)))"),
    ("nop", "nop "),
    ("global.get", "(local.set $p (global.get $g))"),
    ("global.set", "(global.set $g (local.get $p))"),
    ("global counted up", "(global.set $h (i32.add (global.get $h) (i32.const 1)))"),
    ("select of i32", "(local.set $a (select (local.get $a) (local.get $b) (local.get $c)))"),
    (
        "select of i64 by comparison",
        "(local.set $p (select (local.get $p) (local.get $q) (i64.lt_u (local.get $p) (local.get $q))))",
    ),
    ("i32.mul", "(local.set $a (i32.mul (local.get $a) (local.get $b)))"),
    ("i64.mul", "(local.set $p (i64.mul (local.get $p) (local.get $q)))"),
    ("i32.div_u", "(local.set $a (i32.div_u (i32.const -1) (i32.or (local.get $a) (i32.const 1))))"),
    ("i32.rem_s", "(local.set $a (i32.rem_s (i32.const 0x7fffffff) (i32.or (local.get $a) (i32.const 1))))"),
    ("i64.div_u", "(local.set $p (i64.div_u (i64.const -1) (i64.or (local.get $p) (i64.const 3))))"),
    ("i64.div_s", "(local.set $p (i64.div_s (i64.const 0x7fffffffffffffff) (i64.or (local.get $p) (i64.const 3))))"),
    ("i64.rem_u", "(local.set $p (i64.rem_u (i64.const -1) (i64.or (local.get $p) (i64.const 0x100000001))))"),
    ("i32.wrap_i64", "(local.set $a (i32.wrap_i64 (local.get $p)))"),
    ("i64.extend_i32_s", "(local.set $p (i64.extend_i32_s (local.get $a)))"),
    ("i32.extend8_s", "(local.set $a (i32.extend8_s (local.get $a)))"),
    ("f64.reinterpret_i64", "(local.set $x (f64.reinterpret_i64 (local.get $q)))"),
    ("i32.load", "(local.set $a (i32.load (local.get $b)))"),
    ("i64.load", "(local.set $p (i64.load offset=16 (local.get $b)))"),
    ("i32.load8_u", "(local.set $a (i32.load8_u (local.get $b)))"),
    ("i64.load32_s", "(local.set $p (i64.load32_s (local.get $b)))"),
    ("i32.load chased", "(local.set $a (i32.load (i32.and (local.get $a) (i32.const 0xffff))))"),
    ("i32.store", "(i32.store (local.get $b) (local.get $a))"),
    ("i64.store", "(i64.store offset=8 (local.get $b) (local.get $p))"),
    ("i32.store8", "(i32.store8 (local.get $b) (local.get $a))"),
    ("load and store", "(i64.store (local.get $b) (i64.add (i64.load (local.get $b)) (i64.const 1)))"),
    ("memory.size", "(local.set $a (memory.size))"),
    ("table.size", "(local.set $a (table.size $t))"),
    ("f64.lt", "(local.set $c (f64.lt (local.get $x) (local.get $y)))"),
    ("f64.abs", "(local.set $x (f64.abs (local.get $x)))"),
    ("f64.copysign", "(local.set $x (f64.copysign (local.get $x) (local.get $y)))"),
    ("f32.neg", "(local.set $u (f32.neg (local.get $u)))"),
    ("f64.add", "(local.set $x (f64.add (local.get $x) (local.get $y)))"),
    ("f64.mul", "(local.set $x (f64.mul (local.get $x) (f64.const 0.999)))"),
    ("f64.min", "(local.set $x (f64.min (local.get $x) (local.get $y)))"),
    ("f32.add", "(local.set $u (f32.add (local.get $u) (f32.const 0.5)))"),
    ("f64.nearest", "(local.set $x (f64.nearest (local.get $x)))"),
    ("f64.floor", "(local.set $x (f64.floor (local.get $x)))"),
    ("f32.demote_f64", "(local.set $u (f32.demote_f64 (local.get $x)))"),
    ("f64.div", "(local.set $x (f64.div (local.get $x) (local.get $y)))"),
    ("f64.sqrt", "(local.set $x (f64.sqrt (local.get $y)))"),
    ("f32.sqrt", "(local.set $u (f32.sqrt (local.get $u)))"),
    ("i64.trunc_sat_f64_s", "(local.set $p (i64.trunc_sat_f64_s (local.get $x)))"),
    ("i32.trunc_f64_u", "(local.set $a (i32.trunc_f64_u (local.get $y)))"),
    ("f64.convert_i64_u", "(local.set $x (f64.convert_i64_u (local.get $p)))"),
    ("f32.convert_i32_s", "(local.set $u (f32.convert_i32_s (local.get $a)))"),
    ("if taken", "(if (local.get $c) (then (local.set $b (i32.const 3))))"),
    ("if not taken", "(if (i32.eqz (local.get $c)) (then (local.set $b (i32.const 3))))"),
    ("if-else", "(if (local.get $c) (then (local.set $b (i32.const 3))) (else (local.set $b (i32.const 4))))"),
    ("br", "(block (br 0))"),
    ("br_if taken", "(block (br_if 0 (local.get $c)) (local.set $b (i32.const 3)))"),
    ("br_if not taken", "(block (br_if 0 (i32.eqz (local.get $c))))"),
    ("br_table of one", "(block (br_table 0 0 (local.get $c)))"),
    ("br_table of four", "(block (block (block (block (br_table 0 1 2 3 (local.get $b))))))"),
    ("block", "(block (local.set $b (i32.const 3)))"),
    ("loop entered", "(loop)"),
    (
        "loop of two turns",
        "(local.set $b (i32.const 2)) (loop (br_if 0 (local.tee $b (i32.sub (local.get $b) (i32.const 1)))))",
    ),
    (
        "loop of many turns",
        "(local.set $b (i32.const 99)) (loop (br_if 0 (local.tee $b (i32.sub (local.get $b) (i32.const 1)))))",
    ),
    ("call of nothing", "(call $empty)"),
    ("call with a value", "(local.set $a (call $one (local.get $a)))"),
    (
        "call with four values",
        "(local.set $a (call $four (local.get $a) (local.get $b) (local.get $c) (local.get $a)))",
    ),
    ("call of a function with locals", "(call $locals)"),
    ("call_indirect", "(call_indirect $t (type $nothing) (i32.const 1))"),
    ("ref.func", "(drop (ref.func $empty))"),
    ("ref.is_null", "(local.set $a (ref.is_null (ref.null func)))"),
    ("table.get", "(local.set $a (ref.is_null (table.get $t (local.get $c))))"),
    ("table.set", "(table.set $t (i32.const 9) (ref.func $empty))"),
    ("memory.grow by nothing", "(drop (memory.grow (i32.const 0)))"),
    ("table.grow by nothing", "(drop (table.grow $t (ref.null func) (i32.const 0)))"),
    ("memory.fill of nothing", "(memory.fill (local.get $b) (i32.const 0) (i32.const 0))"),
    ("memory.fill of 64 bytes", "(memory.fill (local.get $b) (i32.const 0) (i32.const 64))"),
    ("memory.copy of 64 bytes", "(memory.copy (local.get $b) (i32.const 512) (i32.const 64))"),
    ("memory.init of 16 bytes", "(memory.init $bytes (local.get $b) (i32.const 0) (i32.const 16))"),
    ("table.fill of nothing", "(table.fill $t (i32.const 8) (ref.null func) (i32.const 0))"),
    ("table.copy of 8", "(table.copy $t $t (i32.const 32) (i32.const 0) (i32.const 8))"),
    ("data.drop", "(data.drop $bytes)"),
    ("host call", "(local.set $a (call $host (local.get $a)))"),
];

const LONG_UNITS: &[(&str, &str)] = &[
    ("memory.fill of 64 KiB", "(memory.fill (i32.const 0) (i32.const 0) (i32.const 65536))"),
    ("memory.fill of 4 MiB", "(memory.fill (i32.const 0) (i32.const 1) (i32.const 4194304))"),
    ("memory.copy of 64 KiB", "(memory.copy (i32.const 0) (i32.const 1) (i32.const 65536))"),
    ("memory.copy of 2 MiB", "(memory.copy (i32.const 1) (i32.const 2097152) (i32.const 2097151))"),
    ("table.fill of 64", "(table.fill $t (i32.const 0) (ref.null func) (i32.const 64))"),
];

/// Loads and stores all over the memory: what a cache cannot help with.
fn spread() -> Vec<Kernel> {
    let load = format!("{SPREAD} (local.set $p (i64.load (i32.and (local.get $i) (i32.const 0x3ffff8))))");
    let store = format!("{SPREAD} (i64.store (i32.and (local.get $i) (i32.const 0x3ffff8)) (local.get $p))");
    vec![kernel("i64.load all over 4 MiB", &load), kernel("i64.store all over 4 MiB", &store)]
}
