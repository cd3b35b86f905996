//! Float bits under `Canonical`, on programs made at random: prepared code on tinywasm, which leaves NaNs as the processor makes
//! them, against the original on wasmi with its switch for canonical NaNs, which does what docs/gas.md §5 says.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

#[allow(clippy::duplicate_mod, dead_code, reason = "the example is the code under test")]
#[path = "../examples/two_executors.rs"]
mod example;

use example::{PROFILE, on_both};
use unfork_gas::{Counter, LIMITS_V1, V1, admit};

const PROGRAMS: u32 = 4_000;

/// Numbers from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[usize::try_from(self.below(texts.len() as u64)).unwrap()]
    }
}

/// An expression of type f64. Locals 2 to 5 are f64, 6 and 7 are f32, 0 is the argument, 1 counts turns.
fn double(random: &mut Random, depth: u32) -> String {
    if depth == 0 {
        return match random.below(8) {
            0 => "(f64.const nan:0xc000000000001)".into(),
            1 => "(f64.const 1.5)".into(),
            2 => "(f64.const inf)".into(),
            3 => "(f64.load (i32.const 64))".into(),
            4 => "(f64.convert_i32_s (local.get 1))".into(),
            5 => "(global.get 0)".into(),
            _ => format!("(local.get {})", 2 + random.below(4)),
        };
    }
    let d = depth - 1;
    match random.below(12) {
        0..=4 => {
            let operator = random.one_of(&["add", "sub", "mul", "div", "min", "max"]);
            format!("(f64.{operator} {} {})", double(random, d), double(random, d))
        }
        5 => format!("(f64.{} {})", random.one_of(&["sqrt", "ceil", "floor", "trunc", "nearest"]), double(random, d)),
        6 => format!("(f64.{} {})", random.one_of(&["neg", "abs"]), double(random, d)),
        7 => format!("(f64.copysign {} {})", double(random, d), double(random, d)),
        8 => format!("(select {} {} {})", double(random, d), double(random, d), condition(random, d)),
        9 => format!(
            "(if (result f64) {} (then {}) (else {}))",
            condition(random, d),
            double(random, d),
            double(random, d)
        ),
        // Not one in another, nor below what it is set from: tinywasm 0.10 loses the outer one.
        10 => format!("(local.tee {} (f64.sqrt {}))", 2 + random.below(4), double(random, 0)),
        _ => match random.below(4) {
            0 => format!("(call $same {})", double(random, d)),
            1 => format!(
                "(block (result f64) (br_if 0 {} {}) drop {})",
                double(random, d),
                condition(random, d),
                double(random, d)
            ),
            2 => format!("(f64.promote_f32 {})", single(random, d)),
            _ => format!("(f64.reinterpret_i64 (i64.reinterpret_f64 {}))", double(random, d)),
        },
    }
}

fn single(random: &mut Random, depth: u32) -> String {
    match random.below(5) {
        0 => format!("(f32.demote_f64 {})", double(random, depth)),
        1 => "(f32.const nan:0x200001)".into(),
        2 => format!("(f32.mul (local.get 6) (local.get {}))", 6 + random.below(2)),
        3 => "(f32.sqrt (f32.const -1))".into(),
        _ => format!("(local.get {})", 6 + random.below(2)),
    }
}

fn condition(random: &mut Random, depth: u32) -> String {
    match random.below(3) {
        0 => "(i32.and (local.get 1) (i32.const 1))".into(),
        1 => format!(
            "(f64.{} {} {})",
            random.one_of(&["eq", "ne", "lt", "ge"]),
            double(random, depth),
            double(random, depth)
        ),
        _ => "(local.get 0)".into(),
    }
}

fn statements(random: &mut Random, depth: u32, loops: u32) -> String {
    let mut text = String::new();
    for _ in 0..=random.below(4) {
        let expression = double(random, depth.min(3));
        text += &match random.below(9) {
            0..=2 => format!("(local.set {} {expression})", 2 + random.below(4)),
            3 => format!("(local.set {} {})", 6 + random.below(2), single(random, depth.min(2))),
            4 => format!("(f64.store (i32.const {}) {expression})", 64 + 8 * random.below(2)),
            5 => format!("(global.set 0 {expression})"),
            6 => format!("(call $note (i64.reinterpret_f64 {expression}))"),
            7 if depth > 0 && loops < 2 => format!(
                "(loop {} (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 9))) {})",
                statements(random, depth - 1, loops + 1),
                statements(random, depth - 1, loops + 1)
            ),
            _ if depth > 0 => format!(
                "(if {} (then {}) (else {}))",
                condition(random, 1),
                statements(random, depth - 1, loops),
                statements(random, depth - 1, loops)
            ),
            _ => format!("(drop {expression})"),
        };
    }
    text
}

fn program(random: &mut Random) -> String {
    let body = statements(random, 3, 0);
    let seen: String = (2..6).map(|local| format!("(call $note (i64.reinterpret_f64 (local.get {local})))")).collect();
    format!(
        r#"(module (import "env" "note" (func $note (param i64))) (memory 1) (global (mut f64) (f64.const 0))
             (func $same (param f64) (result f64) (local f64)
               (local.set 1 (f64.sub (local.get 0) (local.get 0)))
               (select (local.get 0) (local.get 1) (f64.lt (local.get 1) (f64.const 1))))
             (func (export "run") (param i32) (local i32 f64 f64 f64 f64 f32 f32)
               {body} {seen}
               (call $note (i64.load (i32.const 64))) (call $note (i64.reinterpret_f64 (global.get 0)))
               (call $note (i64.extend_i32_u (i32.reinterpret_f32 (local.get 6))))))"#
    )
}

/// What the original notes on wasmi, whose arithmetic makes canonical NaNs only.
fn right(code: &[u8], argument: i32) -> Vec<i64> {
    let engine = wasmi::Engine::default();
    let module = wasmi::Module::new(&engine, code).unwrap();
    let mut store = wasmi::Store::new(&engine, Vec::<i64>::new());
    let mut linker = wasmi::Linker::<Vec<i64>>::new(&engine);
    let note = |mut caller: wasmi::Caller<'_, Vec<i64>>, value: i64| caller.data_mut().push(value);
    linker.func_wrap("env", "note", note).unwrap();
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&store, "run").unwrap();
    run.call(&mut store, argument).unwrap();
    store.into_data()
}

#[test]
fn programs_of_floats_have_canonical_bits() {
    let (mut nans, mut random) = (0, Random(0x9e37_79b9_7f4a_7c15));
    for number in 0..PROGRAMS {
        let text = program(&mut random);
        let code = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let prepared = admit(&code, &V1, &LIMITS_V1, &PROFILE).unwrap_or_else(|refusal| panic!("{refusal}\n{text}"));
        for argument in [0, 1] {
            let expected = right(&code, argument);
            let (_, found) = on_both(&prepared, argument, Counter::GAS_MAX, Counter::STACK_MAX)
                .unwrap_or_else(|error| panic!("{error}\nright {expected:?}\n{text}"));
            assert_eq!(found, expected, "program {number}, argument {argument}:\n{text}");
            nans += expected.iter().filter(|bits| **bits == 0x7ff8_0000_0000_0000).count();
        }
    }
    assert!(nans > 100, "only {nans} canonical NaNs were seen");
}
