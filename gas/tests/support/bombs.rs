//! Families of modules made to be expensive for their size, from some bytes to any number of them.
//!
//! Also read by `examples/linearity.rs`, which counts instructions over them.

#![allow(
    missing_docs,
    dead_code,
    clippy::arithmetic_side_effects,
    reason = "each user uses its part, of small numbers"
)]

use unfork_gas::{Floats, Import, Profile};

/// What the families import; floats, because some compute with them.
pub const PROFILE: Profile<'static> = Profile {
    name: "bombs",
    imports: &[Import { module: "env", name: "g", params: &[], results: &[] }],
    entries: &[],
    memory_import: None,
    floats: Floats::Canonical,
    linking: unfork_gas::Linking::Closed,
};

/// A family: `make(bytes)` gives a module of about that many bytes.
pub struct Family {
    /// What it has much of.
    pub name: &'static str,
    /// Makes a module of about as many bytes as asked.
    pub make: fn(usize) -> Vec<u8>,
}

/// All families: first single bodies, then whole sections.
// Long on purpose: a table.
pub const FAMILIES: &[Family] = &[
    Family { name: "constants dropped", make: |n| one(repeat(n, b"\x41\x00\x1a")) },
    Family { name: "nops", make: |n| one(repeat(n, b"\x01")) },
    Family { name: "sequential ifs", make: |n| one(repeat(n, b"\x41\x00\x04\x40\x0b")) },
    Family { name: "sequential if-elses", make: |n| one(repeat(n, b"\x41\x00\x04\x40\x01\x05\x0b")) },
    Family { name: "ifs with a branch", make: |n| one(repeat(n, b"\x41\x00\x04\x40\x41\x00\x0d\x00\x01\x0b")) },
    Family { name: "nested ifs", make: |n| one(nests(n, 500, b"\x41\x00\x04\x40", b"", b"\x0b")) },
    Family { name: "nested blocks", make: |n| one(nests(n, 500, b"\x02\x40", b"", b"\x0b")) },
    Family { name: "nested loops", make: |n| one(nests(n, 500, b"\x03\x40", b"\x01", b"\x0b")) },
    Family { name: "sequential loops", make: |n| one(repeat(n, b"\x03\x40\x41\x00\x0d\x00\x0b")) },
    Family { name: "blocks of one operator", make: |n| one(repeat(n, b"\x02\x40\x01\x0b")) },
    Family { name: "br out of blocks", make: |n| one(repeat(n, b"\x02\x40\x0c\x00\x0b")) },
    Family { name: "br_ifs to one label", make: |n| one(within(b"\x02\x40", repeat(n, b"\x41\x00\x0d\x00"), b"\x0b")) },
    Family { name: "br_ifs to 400 labels", make: |n| one(branches(n, b"\x02\x40", b"\x0b")) },
    Family { name: "br_ifs out of 400 loops", make: |n| one(branches(n, b"\x03\x40", b"\x0b")) },
    Family {
        name: "br_if out of loops",
        make: |n| one(repeat(n, b"\x02\x40\x03\x40\x01\x41\x00\x0d\x01\x41\x00\x0d\x00\x0b\x0b")),
    },
    Family { name: "br_tables of 4000", make: |n| one(tables(n, 1, 4_000)) },
    Family { name: "br_tables over 400 labels", make: |n| one(tables(n, 400, 400)) },
    Family { name: "br_tables of one", make: |n| one(tables(n, 400, 1)) },
    Family { name: "br_tables out of blocks", make: |n| one(repeat(n, TABLE_OUT_OF_BLOCKS)) },
    Family { name: "blocks on 250 operands", make: |n| one(on_operands(n, 250, b"\x02\x40\x0b")) },
    Family { name: "loops on 250 operands", make: |n| one(on_operands(n, 250, b"\x03\x40\x0b")) },
    Family { name: "ifs on 250 operands", make: |n| one(on_operands(n, 250, b"\x41\x00\x04\x40\x0b")) },
    Family { name: "br_ifs on 250 operands", make: |n| one(on_operands(n, 250, b"\x02\x40\x41\x00\x0d\x00\x0b")) },
    Family { name: "blocks on 250 local.gets", make: |n| one(on_locals(n, 250, b"\x02\x40\x0b")) },
    Family { name: "block parameters", make: |n| with_type(0x7f, 16, on_operands(n, 100, b"\x02\x01\x0b")) },
    Family { name: "loop parameters", make: |n| with_type(0x7f, 16, on_operands(n, 100, b"\x03\x01\x0b")) },
    Family { name: "if parameters", make: |n| with_type(0x7f, 16, on_operands(n, 100, b"\x41\x00\x04\x01\x05\x0b")) },
    Family { name: "blocks of 128 parameters", make: |n| takes(128, within(b"\0", repeat(n, b"\x03\x01\0\x0b"), b"")) },
    Family { name: "br_ifs with 128 values", make: |n| takes(128, in_loop_of(128, repeat(n, b"\x41\0\x0d\0"))) },
    Family { name: "dead br_ifs, 128 values", make: |n| takes(128, dead_loop(repeat(n, b"\x0d\0"))) },
    Family { name: "dead br_tables, 128 values", make: |n| takes(128, dead_loop(tables_of(n, 1_000))) },
    Family { name: "dead calls, 128 parameters", make: |n| takes(128, within(b"\0", repeat(n, b"\x10\x01"), b"")) },
    Family { name: "operands up and down", make: |n| one(operands(n, 1_000)) },
    Family { name: "local.set below local.gets", make: |n| one(sets_below(n, 1_000)) },
    Family { name: "selects", make: |n| one(repeat(n, b"\x41\x00\x41\x00\x41\x00\x1b\x1a")) },
    Family { name: "stores at far offsets", make: |n| one(repeat(n, b"\x41\x00\x41\x00\x36\x02\x80\x80\x04")) },
    Family { name: "calls", make: |n| one(repeat(n, b"\x10\x00")) },
    Family { name: "calls in loops", make: |n| one(repeat(n, b"\x03\x40\x10\x00\x0b")) },
    Family { name: "indirect calls", make: |n| one(repeat(n, b"\x41\x00\x11\x00\x00")) },
    Family { name: "memory.grow", make: |n| one(within(b"\x41\x00", repeat(n, b"\x40\x00"), b"\x1a")) },
    Family { name: "memory.fill", make: |n| one(repeat(n, b"\x41\x00\x41\x00\x41\x00\xfc\x0b\x00")) },
    Family { name: "table.grow", make: |n| one(repeat(n, b"\xd0\x70\x41\x00\xfc\x0f\x00\x1a")) },
    Family { name: "float arithmetic", make: |n| one(within(FLOAT, repeat(n, b"\x9f\xbd\xbf"), b"\x1a")) },
    Family { name: "unreachable code", make: |n| one(within(b"\x00", repeat(n, b"\x6a\x02\x40\x0b"), b"\x1a")) },
    Family { name: "unreachable branches", make: |n| one(within(b"\x00", repeat(n, b"\x0d\x00\x10\x00"), b"")) },
    Family { name: "returns", make: |n| one(repeat(n, b"\x41\x00\x04\x40\x0f\x0b")) },
    Family { name: "padded numbers", make: |n| one(repeat(n, b"\x41\x80\x80\x80\x80\x00\x21\x80\x80\x80\x80\x00")) },
    Family { name: "functions of nothing", make: |n| many(n, &[0, 0x0b]) },
    Family { name: "functions with a loop", make: |n| many(n, b"\x00\x03\x40\x0b\x0b") },
    Family { name: "functions of 1000 locals", make: |n| many(n, b"\x01\xe8\x07\x7f\x0b") },
    Family { name: "functions of 200 groups", make: |n| many(n, &groups(200)) },
    Family { name: "functions of 128 parameters", make: |n| of_type(n / 4, 128, &[0, 0x0b]) },
    Family { name: "functions of three results", make: of_many_types },
    Family { name: "types", make: |n| build(&Parts { types: vec![b"\x60\0\0".to_vec(); n / 3], ..Parts::default() }) },
    Family { name: "types of 100 parameters", make: |n| with_types(n, 100) },
    Family {
        name: "globals",
        make: |n| build(&Parts { globals: vec![b"\x7f\x01\x41\x00\x0b".to_vec(); n / 5], ..Parts::default() }),
    },
    Family { name: "long constant expressions", make: long_constants },
    Family {
        name: "imports",
        make: |n| build(&Parts { imports: vec![b"\x03env\x01g\x00\x00".to_vec(); n / 8], ..Parts::default() }),
    },
    Family { name: "exports", make: exports },
    Family {
        name: "element segments",
        make: |n| build(&Parts { elements: vec![b"\x01\x00\x01\x00".to_vec(); n / 4], ..Parts::default() }),
    },
    Family { name: "elements", make: |n| build(&Parts { elements: vec![element(&[0], n)], ..Parts::default() }) },
    Family {
        name: "padded elements",
        make: |n| build(&Parts { elements: vec![element(b"\x80\x80\x80\x80\0", n / 5)], ..Parts::default() }),
    },
    Family {
        name: "padded types",
        make: |n| {
            let entry = b"\x60\x80\x80\x80\x80\0\x80\x80\x80\x80\0".to_vec();
            build(&Parts { types: vec![entry; n / 11], ..Parts::default() })
        },
    },
    Family {
        name: "padded bodies",
        make: |n| {
            let body = within(&padded(0), Vec::new(), b"\x0b");
            build(&Parts { padded: true, bodies: vec![body; n / 12], ..Parts::default() })
        },
    },
    Family {
        name: "padded locals",
        make: |n| {
            let body = within(&padded(1), padded(1), b"\x7f\x0b");
            build(&Parts { padded: true, bodies: vec![body; n / 18], ..Parts::default() })
        },
    },
    Family {
        name: "padded imports",
        make: |n| {
            let names = [within(&padded(3), b"env".to_vec(), b""), within(&padded(1), b"g".to_vec(), b"\0")];
            let entry = within(&names.concat(), padded(0), b"");
            build(&Parts { padded: true, imports: vec![entry; n / 20], ..Parts::default() })
        },
    },
    Family {
        name: "padded exports",
        make: |n| {
            let names = (0..n / 19).map(|position| format!("{position:08}").into_bytes());
            let entries = names.map(|name| within(&padded(8), name, &[vec![0], padded(0)].concat()));
            build(&Parts { padded: true, exports: entries.collect(), ..Parts::default() })
        },
    },
    Family {
        name: "padded custom sections",
        make: |n| build(&Parts { padded: true, customs: vec![b"\x01x".to_vec(); n / 8], ..Parts::default() }),
    },
    Family {
        name: "data segments",
        make: |n| build(&Parts { data: vec![b"\x01\x01a".to_vec(); n / 3], ..Parts::default() }),
    },
    Family {
        name: "long data",
        make: |n| {
            build(&Parts { data: vec![within(&within(b"\x01", number(n), b""), vec![7; n], b"")], ..Parts::default() })
        },
    },
    Family { name: "names of functions", make: names },
    Family {
        name: "custom sections",
        make: |n| build(&Parts { customs: vec![b"\x01x".to_vec(); n / 4], ..Parts::default() }),
    },
    Family {
        name: "long custom section",
        make: |n| build(&Parts { customs: vec![within(b"\x01x", vec![7; n], b"")], ..Parts::default() }),
    },
];

const FLOAT: &[u8] = b"\x44\0\0\0\0\0\0\0\0";
/// Labels reached with four different amounts pending.
const TABLE_OUT_OF_BLOCKS: &[u8] =
    b"\x02\x40\x02\x40\x02\x40\x41\0\x0d\0\x01\x41\0\x0d\x01\x01\x41\0\x0d\x02\x41\0\x0e\x02\x00\x01\x02\x0b\x01\x0b\x01\x0b";

/// The parts of a module; every module has a memory, a table, a global and a first function that does nothing besides.
#[derive(Default)]
struct Parts {
    types: Vec<Vec<u8>>,
    imports: Vec<Vec<u8>>,
    bodies: Vec<Vec<u8>>,
    body_types: Vec<u8>,
    globals: Vec<Vec<u8>>,
    exports: Vec<Vec<u8>>,
    elements: Vec<Vec<u8>>,
    data: Vec<Vec<u8>>,
    customs: Vec<Vec<u8>>,
    /// Whether sizes and counts of sections and the sizes of bodies are written with five bytes.
    padded: bool,
}

fn build(parts: &Parts) -> Vec<u8> {
    let number = if parts.padded { padded } else { number };
    let mut types = vec![b"\x60\0\0".to_vec()];
    types.extend_from_slice(&parts.types);
    let mut bodies = vec![vec![0, 0x0b]];
    bodies.extend_from_slice(&parts.bodies);
    let lengthened: Vec<Vec<u8>> = bodies.iter().map(|body| within(&number(body.len()), body.clone(), b"")).collect();
    let function_types: Vec<Vec<u8>> = (0..bodies.len())
        .map(|position| vec![position.checked_sub(1).and_then(|body| parts.body_types.get(body)).copied().unwrap_or(0)])
        .collect();
    let mut globals = vec![b"\x7f\x01\x41\x00\x0b".to_vec()];
    globals.extend_from_slice(&parts.globals);
    let mut code = b"\0asm\x01\0\0\0".to_vec();
    let mut section = |id: u8, entries: &[Vec<u8>]| {
        if !entries.is_empty() {
            let content = within(&number(entries.len()), entries.concat(), b"");
            code.push(id);
            code.extend(number(content.len()));
            code.extend(content);
        }
    };
    section(1, &types);
    section(2, &parts.imports);
    section(3, &function_types);
    section(4, &[b"\x70\x00\x0a".to_vec()]);
    section(5, &[b"\x00\x01".to_vec()]);
    section(6, &globals);
    section(7, &parts.exports);
    section(9, &parts.elements);
    section(10, &lengthened);
    section(11, &parts.data);
    for custom in &parts.customs {
        code.push(0);
        code.extend(number(custom.len()));
        code.extend_from_slice(custom);
    }
    code
}

/// A module with one body of this code and 1,001 locals of type i32.
fn one(code: Vec<u8>) -> Vec<u8> {
    build(&Parts { bodies: vec![within(b"\x01\xe9\x07\x7f", code, b"\x0b")], ..Parts::default() })
}

fn many(bytes: usize, body: &[u8]) -> Vec<u8> {
    let count = bytes / (body.len() + number(body.len()).len() + 1);
    build(&Parts { bodies: vec![body.to_vec(); count], ..Parts::default() })
}

/// Type 1 has `arity` parameters and as many results.
fn with_type(value: u8, arity: usize, code: Vec<u8>) -> Vec<u8> {
    let list = within(&number(arity), vec![value; arity], b"");
    let type_one = within(b"\x60", list.clone(), &list);
    build(&Parts { types: vec![type_one], bodies: vec![within(b"\0", code, b"\x0b")], ..Parts::default() })
}

/// A body of this code beside functions of nothing that take so many values of type i32; theirs is type 1.
fn takes(params: usize, code: Vec<u8>) -> Vec<u8> {
    let taking = within(&within(b"\x60", number(params), b""), vec![0x7f; params], b"\0");
    let bodies = vec![vec![0, 0x0b], within(b"\0", code, b"\x0b")];
    build(&Parts { types: vec![taking], bodies, body_types: vec![1, 0], ..Parts::default() })
}

fn of_type(count: usize, params: usize, body: &[u8]) -> Vec<u8> {
    let taking = within(&within(b"\x60", number(params), b""), vec![0x7f; params], b"\0");
    let (bodies, body_types) = (vec![body.to_vec(); count], vec![1; count]);
    build(&Parts { types: vec![taking], bodies, body_types, ..Parts::default() })
}

/// Within a loop of type 1, on its `params` values.
fn in_loop_of(params: usize, code: Vec<u8>) -> Vec<u8> {
    let before = [b"\x41\0".repeat(params), b"\x03\x01".to_vec()].concat();
    within(&before, code, &[b"\x1a".repeat(params), b"\x0b".to_vec()].concat())
}

/// Within a loop of type 1 that cannot be reached, where all values are there that anybody asks for.
fn dead_loop(code: Vec<u8>) -> Vec<u8> {
    within(b"\0\x03\x01\0", code, b"\0\x0b")
}

/// br_tables of so many targets, all to the innermost label.
fn tables_of(bytes: usize, targets: usize) -> Vec<u8> {
    let targets = targets.min(bytes / 2);
    repeat(bytes, &within(&within(b"\x0e", number(targets), b""), vec![0; targets + 1], b""))
}

fn with_types(bytes: usize, params: usize) -> Vec<u8> {
    let entry = within(&within(b"\x60", number(params), b""), vec![0x7f; params], b"\0");
    build(&Parts { types: vec![entry; bytes / (params + 3)], ..Parts::default() })
}

fn of_many_types(bytes: usize) -> Vec<u8> {
    let count = (bytes / 16).min(100);
    let body = b"\0\x41\0\x41\0\x41\0\x0b".to_vec();
    let functions = bytes / 10;
    build(&Parts {
        types: vec![b"\x60\0\x03\x7f\x7f\x7f".to_vec(); count],
        bodies: vec![body; functions],
        body_types: (0..functions).map(|function| u8::try_from(function % count.max(1)).unwrap_or(0) + 1).collect(),
        ..Parts::default()
    })
}

fn long_constants(bytes: usize) -> Vec<u8> {
    let entry = within(b"\x7f\x01\x41\0", b"\x41\x01\x6a".repeat(7), b"\x0b");
    build(&Parts { globals: vec![entry; bytes / 26], ..Parts::default() })
}

fn exports(bytes: usize) -> Vec<u8> {
    let names = (0..bytes / 11).map(|position| format!("\x08{position:08}").into_bytes());
    build(&Parts { exports: names.map(|name| within(&name, b"\0\0".to_vec(), b"")).collect(), ..Parts::default() })
}

fn element(item: &[u8], items: usize) -> Vec<u8> {
    within(&within(b"\x01\x00", number(items), b""), item.repeat(items), b"")
}

fn names(bytes: usize) -> Vec<u8> {
    let count = bytes / 10;
    let entries: Vec<u8> = (0..count)
        .flat_map(|position| within(&number(position), format!("\x06{position:06}").into_bytes(), b""))
        .collect();
    let map = within(&number(count), entries, b"");
    let subsection = within(&within(b"\x04name\x01", number(map.len()), b""), map, b"");
    build(&Parts { customs: vec![subsection], ..Parts::default() })
}

fn repeat(bytes: usize, unit: &[u8]) -> Vec<u8> {
    unit.repeat(bytes / unit.len())
}

fn within(before: &[u8], mut inside: Vec<u8>, after: &[u8]) -> Vec<u8> {
    inside.splice(0..0, before.iter().copied());
    inside.extend_from_slice(after);
    inside
}

/// Nests of `depth`, one after the other; the last one as deep as the bytes allow.
fn nests(bytes: usize, depth: usize, open: &[u8], inside: &[u8], close: &[u8]) -> Vec<u8> {
    let levels = bytes / (open.len() + close.len());
    let nest = |depth: usize| [open.repeat(depth), inside.to_vec(), close.repeat(depth)].concat();
    [nest(depth).repeat(levels / depth), nest(levels % depth)].concat()
}

/// Within 400 nested blocks or loops, branches to each of them in turn.
fn branches(bytes: usize, open: &[u8], close: &[u8]) -> Vec<u8> {
    let labels = 400;
    let mut code = open.repeat(labels);
    for branch in 0..bytes.saturating_sub(labels * 3) / 5 {
        code.extend_from_slice(b"\x41\0\x0d");
        code.extend(number(branch % labels));
    }
    code.extend(close.repeat(labels));
    code
}

/// Switches of `targets` over `labels` nested blocks, each in a block of its own.
fn tables(bytes: usize, labels: usize, targets: usize) -> Vec<u8> {
    let mut list = number(targets);
    (0..=targets).for_each(|target| list.extend(number(target % labels)));
    let switch = within(b"\x02\x40\x41\0\x0e", list, b"\x0b");
    let count = bytes.saturating_sub(labels * 3) / switch.len();
    [b"\x02\x40".repeat(labels), switch.repeat(count), b"\x0b".repeat(labels)].concat()
}

fn on_operands(bytes: usize, height: usize, unit: &[u8]) -> Vec<u8> {
    let height = height.min(bytes / 6).max(100);
    [b"\x41\0".repeat(height), repeat(bytes.saturating_sub(height * 3), unit), b"\x1a".repeat(height)].concat()
}

fn on_locals(bytes: usize, height: usize, unit: &[u8]) -> Vec<u8> {
    let height = height.min(bytes / 6);
    let gets = (0..height).flat_map(|local| within(b"\x20", number(local), b"")).collect();
    [gets, repeat(bytes.saturating_sub(height * 4), unit), b"\x1a".repeat(height)].concat()
}

/// Pushes up to `height` operands, then drops them, again and again.
fn operands(bytes: usize, height: usize) -> Vec<u8> {
    let height = height.min(bytes / 3);
    [b"\x41\0".repeat(height), b"\x1a".repeat(height)].concat().repeat(bytes / (height * 3).max(1))
}

/// Sets locals whose values lie on the operand stack, so that an interpreter with registers must save them.
fn sets_below(bytes: usize, height: usize) -> Vec<u8> {
    let height = height.min(bytes / 6);
    let gets: Vec<u8> = b"\x20\0".repeat(height);
    [gets, repeat(bytes.saturating_sub(height * 3), b"\x41\0\x21\0"), b"\x1a".repeat(height)].concat()
}

fn groups(count: usize) -> Vec<u8> {
    let list = (0..count).flat_map(|group| [1, if group % 2 == 0 { 0x7f } else { 0x7e }]).collect();
    within(&number(count), list, b"\x0b")
}

/// Unsigned LEB128 with five bytes, as many as 32 bits may have.
fn padded(value: usize) -> Vec<u8> {
    let mut bytes = number(value);
    let last = bytes.len() - 1;
    bytes.resize(5, 0x80);
    if last < 4 {
        bytes[last] |= 0x80;
        bytes[4] = 0;
    }
    bytes
}

/// Unsigned LEB128.
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}
