//! One module for each limit of admission, using exactly as much of it as asked.
#![allow(clippy::cast_possible_truncation, clippy::arithmetic_side_effects, reason = "small numbers")]

use unfork_gas::{LIMITS_LARGE, RefusalCode, V1, explain};

/// A limit, and how to use it up.
pub struct Edge {
    /// A field of the limits.
    pub limit: &'static str,
    /// What a module above it is refused with.
    pub code: RefusalCode,
    /// A value for a small module.
    pub small: u64,
    /// To the next value that a module can have.
    pub step: u64,
    /// The module's fields as text.
    text: fn(u64) -> String,
}

/// The module that uses `amount` of the edge's limit.
pub fn module_at(edge: &Edge, amount: u64) -> Vec<u8> {
    let text = format!("(module {})", (edge.text)(amount));
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{}: {error}", edge.limit))
}

/// Every limit but those of [`LENGTHS`].
// Long on purpose: a table over the limits.
pub const EDGES: &[Edge] = &[
    Edge {
        limit: "types_max",
        code: RefusalCode::Types,
        small: 7,
        step: 1,
        text: |n| (0..n).map(|_| "(type (func))".to_string()).collect(),
    },
    Edge {
        limit: "params_max",
        code: RefusalCode::Params,
        small: 7,
        step: 1,
        text: |n| format!("(type (func (param {})))", "i32 ".repeat(n as usize)),
    },
    Edge {
        limit: "results_max",
        code: RefusalCode::Results,
        small: 7,
        step: 1,
        text: |n| format!("(type (func (result {})))", "i32 ".repeat(n as usize)),
    },
    Edge {
        limit: "functions_max",
        code: RefusalCode::Functions,
        small: 7,
        step: 1,
        text: |n| format!(r#"(import "env" "g" (func)) {}"#, "(func) ".repeat(n as usize - 1)),
    },
    Edge {
        limit: "imports_max",
        code: RefusalCode::Imports,
        small: 3,
        step: 1,
        text: |n| r#"(import "env" "g" (func))"#.repeat(n as usize),
    },
    Edge {
        limit: "exports_max",
        code: RefusalCode::Exports,
        small: 3,
        step: 1,
        text: |n| (0..n).map(|i| format!(r#"(export "e{i}" (func 0))"#)).chain(["(func)".to_string()]).collect(),
    },
    Edge {
        limit: "name_bytes_max",
        code: RefusalCode::NameBytes,
        small: 9,
        step: 1,
        text: |n| format!(r#"(func (export "{}"))"#, "x".repeat(n as usize)),
    },
    Edge {
        limit: "globals_max",
        code: RefusalCode::Globals,
        small: 4,
        step: 1,
        text: |n| "(global i32 (i32.const 0))".repeat(n as usize),
    },
    Edge {
        limit: "tables_max",
        code: RefusalCode::Tables,
        small: 2,
        step: 1,
        text: |n| "(table 1 funcref)".repeat(n as usize),
    },
    Edge {
        limit: "table_elements_max",
        code: RefusalCode::TableElements,
        small: 20,
        step: 1,
        text: |n| format!("(table {n} funcref)"),
    },
    Edge {
        limit: "data_segments_max",
        code: RefusalCode::DataSegments,
        small: 3,
        step: 1,
        text: |n| format!("(memory 1) {}", r#"(data "a")"#.repeat(n as usize)),
    },
    Edge {
        limit: "element_segments_max",
        code: RefusalCode::ElementSegments,
        small: 3,
        step: 1,
        text: |n| format!("(func) {}", "(elem func 0)".repeat(n as usize)),
    },
    Edge {
        limit: "element_items_max",
        code: RefusalCode::ElementItems,
        small: 6,
        step: 1,
        text: |n| format!("(func) (elem func 0 0) (elem func {})", "0 ".repeat(n as usize - 2)),
    },
    Edge {
        limit: "constant_operators_max",
        code: RefusalCode::ConstantOperators,
        small: 8,
        step: 2,
        text: |n| {
            let pairs = (n as usize - 2) / 2;
            format!("(global i32 i32.const 1 {})", "i32.const 1 i32.add ".repeat(pairs))
        },
    },
    Edge {
        limit: "locals_max",
        code: RefusalCode::Locals,
        small: 12,
        step: 1,
        text: |n| format!("(func (param i32 i32) (local {}))", "i32 ".repeat(n as usize - 2)),
    },
    Edge {
        limit: "local_groups_max",
        code: RefusalCode::LocalGroups,
        small: 4,
        step: 1,
        text: |n| {
            format!("(func (local {}))", (0..n).map(|i| if i % 2 == 0 { "i32 " } else { "i64 " }).collect::<String>())
        },
    },
    Edge {
        limit: "locals_total_max",
        code: RefusalCode::LocalsTotal,
        small: 12,
        step: 1,
        text: |n| {
            // Functions of 1,000 locals, as far as they go; one local is a parameter.
            let whole = format!("(func (param i32) (local {})) ", "i32 ".repeat(999));
            let rest = n % 1_000;
            let last =
                if rest == 0 { String::new() } else { format!("(func (local {}))", "i32 ".repeat(rest as usize)) };
            whole.repeat((n / 1_000) as usize) + &last
        },
    },
    Edge {
        limit: "operand_height_max",
        code: RefusalCode::OperandHeight,
        small: 9,
        step: 1,
        text: |n| format!("(func {} {})", "i32.const 0 ".repeat(n as usize), "drop ".repeat(n as usize)),
    },
    Edge {
        limit: "nesting_max",
        code: RefusalCode::Nesting,
        small: 9,
        step: 1,
        text: |n| format!("(func {} {})", "block ".repeat(n as usize - 1), "end ".repeat(n as usize - 1)),
    },
    Edge {
        limit: "br_table_targets_max",
        code: RefusalCode::BrTableTargets,
        small: 5,
        step: 1,
        text: |n| format!("(func (br_table {} 0 (i32.const 0)))", "0 ".repeat(n as usize)),
    },
    Edge {
        limit: "br_table_targets_total_max",
        code: RefusalCode::BrTableTargetsTotal,
        small: 6,
        step: 1,
        text: |n| {
            let whole = format!("(func (br_table {} (i32.const 0))) ", "0 ".repeat(4_001));
            let rest = n % 4_000;
            let last = format!("(func (br_table {} (i32.const 0)))", "0 ".repeat(rest as usize + 1));
            whole.repeat((n / 4_000) as usize) + &last
        },
    },
    Edge {
        limit: "function_gas_max",
        code: RefusalCode::FunctionGas,
        small: 24,
        step: 1,
        text: |n| {
            let grows = n.saturating_sub(100) / V1.op_grow;
            let rest = n - grows * V1.op_grow - V1.op_br - V1.op_const - V1.op_drop;
            let cheap = "i32.eqz ".repeat((rest / V1.op_simple) as usize);
            // What cannot be reached counts, and does not grow.
            let dear = "memory.grow ".repeat(grows as usize);
            format!("(memory 1) (func unreachable i32.const 0 {dear} {cheap} drop)")
        },
    },
    Edge {
        limit: "memory_pages_max",
        code: RefusalCode::MemoryPages,
        small: 3,
        step: 1,
        text: |n| format!("(memory {n})"),
    },
];

/// The limits in bytes and of what is no field of the text.
pub const LENGTHS: &[&str] = &[
    "code_bytes_max",
    "instrumented_bytes_max",
    "instrumented_function_bytes_max",
    "function_bytes_max",
    "custom_sections_max",
];

/// The module that uses `amount` of one of [`LENGTHS`].
pub fn module_of_length(limit: &str, amount: u64) -> Vec<u8> {
    let amount = amount as usize;
    match limit {
        "code_bytes_max" => {
            let mut code = assembled("(module (func))");
            let section = amount - code.len();
            // Its id, five bytes of length, a name of no bytes.
            code.push(0);
            code.extend(padded((section - 6) as u32));
            code.resize(amount, 0);
            code
        }
        // A body is its count of locals, nops, and its end.
        "function_bytes_max" => assembled(&format!("(module (func {}))", "nop ".repeat(amount - 2))),
        "custom_sections_max" => {
            let mut code = assembled("(module (func))");
            (0..amount).for_each(|_| code.extend_from_slice(b"\0\x02\x01x"));
            code
        }
        "instrumented_bytes_max" => instrumented_to(amount),
        "instrumented_function_bytes_max" => instrumented_function_to(amount),
        _ => panic!("no module for {limit}"),
    }
}

/// A module that may be instrumented to this many bytes: functions that grow much, then data that does not grow.
fn instrumented_to(bytes: usize) -> Vec<u8> {
    let function = format!("(func {})", "(drop (memory.grow (i32.const 0)))".repeat(1_000));
    let make = |functions: usize, data: usize| {
        assembled(&format!("(module (memory 1) {} (data \"{}\"))", function.repeat(functions), "x".repeat(data)))
    };
    exactly(bytes, make, |code| found(code, "instrumented_bytes_max"))
}

/// A module with one function that may be instrumented to this many bytes: `memory.grow`, two bytes that grow most, then nops,
/// which do not grow.
fn instrumented_function_to(bytes: usize) -> Vec<u8> {
    let make = |grows: usize, nops: usize| {
        let grows = "memory.grow ".repeat(100 * grows);
        assembled(&format!("(module (memory 1) (func i32.const 0 {grows} drop {}))", "nop ".repeat(nops)))
    };
    exactly(bytes, make, |code| found(code, "instrumented_function_bytes_max"))
}

/// What a module uses of a limit.
fn found(code: &[u8], limit: &str) -> usize {
    let explained = explain(code, &V1, &LIMITS_LARGE, &super::EMPTY).expect("a module");
    explained.usage.iter().find(|usage| usage.limit == limit).expect("a limit").found as usize
}

/// `make(many, few)` such that `length` of it is exactly `bytes`: each of `many` makes it much longer, each of `few` by one.
fn exactly(bytes: usize, make: impl Fn(usize, usize) -> Vec<u8>, length: impl Fn(&[u8]) -> usize) -> Vec<u8> {
    let mut few = 1_000;
    let (one, two) = (length(&make(1, few)), length(&make(2, few)));
    let mut many = (bytes - one) / (two - one);
    // Later ones may be a little longer: constants of the books grow with what is pending.
    while length(&make(many, few)) > bytes {
        many -= 1;
    }
    for _ in 0..4 {
        let code = make(many, few);
        let found = length(&code);
        if found == bytes {
            return code;
        }
        few = few + bytes - found;
    }
    panic!("no module of {bytes} instrumented bytes");
}

fn assembled(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// An unsigned LEB128 number in five bytes.
fn padded(value: u32) -> [u8; 5] {
    [0, 7, 14, 21, 28].map(|shift| ((value >> shift) & 0x7f) as u8 | if shift == 28 { 0 } else { 0x80 })
}
