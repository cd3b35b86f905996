//! Random modules whose runs show much: wasm-smith's with imports of known names, changed by [`super::mutate()`].

use super::{Subject, mutate};
use crate::generators::random::Random;
use crate::generators::smith;
use crate::reference::host::Host;
use crate::reference::value::Value;
use arbitrary::Unstructured;
use std::fmt::Write;
use unfork_gas::{LIMITS_V1, Limits, Schedule, V1};
use wasm_smith::Config;

/// A generated module and where it comes from.
pub struct Generated {
    /// The module.
    pub subject: Subject,
    /// Whether it was changed after wasm-smith made it.
    pub mutated: bool,
}

/// Prices that the instrumenter charges: the leading fields of a schedule.
pub const INSTRUMENTED_PRICES: usize = 34;

/// Imports by name. The first two are always there: something to see, and something to decide by.
const IMPORTS: &[(&str, &str, bool)] = &[
    ("probe", "", false),
    ("bit", "(result i32)", false),
    ("note", "(param i64)", false),
    ("pay", "(param i32)", false),
    ("pick", "(param i32 i64) (result i64)", false),
    ("swap", "(param i64 i32) (result i32 i64)", false),
    ("refer", "(param funcref) (result i32)", false),
    ("null", "(result funcref)", false),
    ("float", "(param f32 f64) (result f64)", true),
    ("single", "(result f32)", true),
];

/// The module of a seed; `None` when wasm-smith finds the bytes too few.
#[must_use]
pub fn generate(seed: u64) -> Option<Generated> {
    let mut random = Random::new(seed);
    let mut chance = |of: u64| random.next_number().is_multiple_of(of);
    let (floats, references, traps, plain) = (chance(2), chance(2), chance(2), chance(4));
    let mutated = !chance(3);
    let host = Host { seed: random.next_number() | 1 };
    let arguments =
        vec![Value::I32(small(&mut random)), Value::I64(random.next_number() >> (random.next_number() % 64))];
    let schedule = if plain { V1 } else { prices(&mut random) };
    let shape = shape(&mut random, floats, references);
    let input = input(&mut random);
    let config = config(&mut random, floats, references, traps, shape);
    let module = wasm_smith::Module::new(config, &mut Unstructured::new(&input)).ok()?;
    let mut code = module.to_bytes();
    if references {
        code = smith::without_externref(&code);
    }
    if mutated {
        code = mutate(&code, &mut random);
    }
    // wasm-smith writes longer constant expressions than anybody else.
    let limits = Limits { constant_operators_max: 200, ..LIMITS_V1 };
    let subject = Subject { code, entry: "run".into(), arguments, schedule, limits, host };
    Some(Generated { subject, mutated })
}

/// Bytes for wasm-smith: enough for some functions, or it makes do with zeros.
fn input(random: &mut Random) -> Vec<u8> {
    let words = 50 + random.next_number() % 600;
    (0..words).flat_map(|_| random.next_number().to_le_bytes()).collect()
}

fn small(random: &mut Random) -> u32 {
    u32::try_from(random.next_number() >> (32 + random.next_number() % 32)).expect("32 bits")
}

/// Prices that tell operators apart. None but those of nop and units is 0, so that every loop costs something.
#[must_use]
pub fn prices(random: &mut Random) -> Schedule {
    let mut schedule = V1;
    for (name, _) in V1.fields().take(INSTRUMENTED_PRICES) {
        let price = match name {
            "op_drop" | "bulk_memory_byte" | "bulk_table_element" | "function_local" => random.next_number() % 4,
            "return_check_above" => random.next_number() % 100,
            _ => 1 + random.next_number() % 40,
        };
        assert!(schedule.set(name, price), "{name} is a price");
    }
    schedule
}

/// What a generated module looks like from outside.
struct Shape {
    module: Vec<u8>,
    imports_memory: bool,
}

/// What the module imports and exports: two imports always, the others by chance, and sometimes its memory.
fn shape(random: &mut Random, floats: bool, references: bool) -> Shape {
    let mut text = String::from("(module ");
    for (number, (name, of_type, float)) in IMPORTS.iter().enumerate() {
        let allowed = (floats || !float) && (references || !of_type.contains("funcref"));
        if number < 2 || allowed && random.next_number().is_multiple_of(2) {
            let _ = write!(text, r#"(import "host" "{name}" (func {of_type}))"#);
        }
    }
    let imports_memory = random.next_number().is_multiple_of(4);
    if imports_memory {
        text.push_str(r#"(import "host" "memory" (memory 1 3))"#);
    }
    text.push_str(r#"(func (export "run") (param i32 i64) (result i64) unreachable) (func (export "plain")))"#);
    Shape { module: wat::parse_str(&text).expect("a list of imports is a module"), imports_memory }
}

fn config(random: &mut Random, floats: bool, references: bool, traps: bool, shape: Shape) -> Config {
    let mut upto = |most: u64| usize::try_from(random.next_number() % (most + 1)).expect("small");
    let (min_funcs, min_globals, min_tables) = (1 + upto(3), upto(2), u32::from(references));
    Config {
        module_shape: Some(shape.module),
        allow_floats: floats,
        const_expr_fuel: 2,
        disallow_traps: !traps,
        max_data_segments: 3,
        max_element_segments: 4,
        max_elements: 12,
        max_funcs: IMPORTS.len() + min_funcs + upto(4),
        max_globals: min_globals + upto(4),
        max_instructions: 20 + upto(180),
        max_memory32_bytes: 4 << 16,
        max_nesting_depth: 1 + upto(7),
        max_table_elements: 24,
        max_memories: 1,
        max_tables: 1 + upto(2),
        max_type_size: 1 << 20,
        max_types: 12,
        max_values: 6,
        min_data_segments: upto(2),
        min_funcs,
        min_globals,
        min_memories: u32::from(!shape.imports_memory),
        min_tables,
        reference_types_enabled: references,
        ..smith::admitted()
    }
}
