//! Every refusal: the input that causes it, its code, and where a limit is concerned, that the limit itself passes.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::cast_possible_truncation, clippy::cast_possible_wrap)]

mod support;

use std::collections::BTreeSet;

use support::edges::{EDGES, Edge, module_at};
use unfork_gas::{
    Entry, Floats, Import, LIMITS_V1, Limits, Linking, Prepared, Profile, Refusal, RefusalCode, V1, ValueType, admit,
    prepare,
};
use wasmparser::{BinaryReader, FunctionBody, Operator};

const PROFILE: Profile<'static> = Profile {
    name: "test",
    imports: &[
        Import { module: "env", name: "f", params: &[ValueType::I32], results: &[ValueType::I64] },
        Import { module: "env", name: "g", params: &[], results: &[] },
    ],
    entries: &[],
    memory_import: Some(("env", "memory")),
    floats: Floats::Forbid,
    linking: Linking::Closed,
};

const WITH_ENTRY: Profile<'static> =
    Profile { entries: &[Entry { name: "run", params: &[ValueType::I32], results: &[], required: true }], ..PROFILE };

fn try_admit(code: &[u8], limits: &Limits, profile: &Profile<'_>) -> Result<Prepared, Refusal> {
    let result = admit(code, &V1, limits, profile);
    if let Ok(prepared) = &result {
        let mut config = wasmi::Config::default();
        config.compilation_mode(wasmi::CompilationMode::Eager);
        let engine = wasmi::Engine::new(&config);
        wasmi::Module::new(&engine, prepared.code()).expect("what is admitted runs");
        assert_eq!(prepare(code, &V1, limits, profile).as_ref(), Ok(prepared));
    }
    result
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Holds a whole table against the profile and lists what differs.
fn all_refused<T: AsRef<[u8]>>(profile: &Profile<'_>, cases: impl IntoIterator<Item = (String, T, RefusalCode)>) {
    let mut wrong = String::new();
    for (what, code, expected) in cases {
        match try_admit(code.as_ref(), &LIMITS_V1, profile) {
            Ok(_) => wrong += &format!("{what}: admitted, expected {}\n", expected.name()),
            Err(refusal) if refusal.code != expected => {
                wrong += &format!("{what}: {refusal}, expected {}\n", expected.name())
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn texts(cases: &[(&str, RefusalCode)]) -> Vec<(String, Vec<u8>, RefusalCode)> {
    cases.iter().map(|(text, code)| (text.to_string(), wat(text), *code)).collect()
}

#[test]
fn bytes_that_are_no_module() {
    use RefusalCode::{Empty, Invalid, NotAModule};
    let cases: &[(&str, &[u8], RefusalCode)] = &[
        ("empty", b"", Empty),
        ("text", b"(module)", NotAModule),
        ("three bytes", b"\0as", NotAModule),
        ("another version", b"\0asm\x02\0\0\0", NotAModule),
        ("component", b"\0asm\x0d\0\x01\0", NotAModule),
        ("truncated section", b"\0asm\x01\0\0\0\x01\x05\x01", Invalid),
        ("section id 200", b"\0asm\x01\0\0\0\xc8\x00", Invalid),
        ("sections out of order", b"\0asm\x01\0\0\0\x03\x01\0\x01\x01\0", Invalid),
        ("bodies without functions", b"\0asm\x01\0\0\0\x0a\x04\x01\x02\0\x0b", Invalid),
        ("functions without bodies", b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0", Invalid),
        ("custom section with a broken name", b"\0asm\x01\0\0\0\0\x02\x05a", Invalid),
        ("export name is not UTF-8", b"\0asm\x01\0\0\0\x05\x03\x01\0\x01\x07\x06\x01\x02\xff\xfe\x02\0", Invalid),
    ];
    all_refused(&PROFILE, cases.iter().map(|(name, code, expected)| (name.to_string(), code, *expected)));
}

/// Every truncation and every changed byte of a module is admitted or refused, and never panics.
#[test]
fn damaged_modules() {
    let code = wat(
        r#"(module (import "env" "f" (func (param i32) (result i64))) (memory 1) (table 2 funcref) (global (mut i64) (i64.const 3))
        (elem (i32.const 0) func 0 1) (data (i32.const 8) "abc")
        (func (param i32) (result i32) (local i64) (block (result i32) (br_table 0 0 (i32.const 1) (local.get 0)))))"#,
    );
    assert!(try_admit(&code, &LIMITS_V1, &PROFILE).is_ok());
    for length in 0..code.len() {
        match try_admit(&code[..length], &LIMITS_V1, &PROFILE) {
            Ok(_) => assert!(code[..length].len() == 8 || code[length] <= 11, "only whole sections make a module"),
            Err(refusal) => assert!(usize::try_from(refusal.offset).unwrap() <= length),
        }
    }
    for position in 0..code.len() {
        for bit in 0..8 {
            let mut damaged = code.clone();
            damaged[position] ^= 1 << bit;
            if let Err(refusal) = try_admit(&damaged, &LIMITS_V1, &PROFILE) {
                assert!(usize::try_from(refusal.offset).unwrap() <= code.len());
            }
        }
    }
}

#[test]
fn proposals_by_name() {
    use RefusalCode::*;
    let cases: &[(&str, RefusalCode)] = &[
        ("(module (func (result v128) (v128.const i64x2 0 0)))", FeatureSimd),
        ("(module (func (drop (v128.const i64x2 0 0))))", FeatureSimd),
        ("(module (func (local v128)))", FeatureSimd),
        ("(module (memory 1 2 shared))", FeatureThreads),
        ("(module (func unreachable (drop (i32.atomic.load (i32.const 0)))))", FeatureThreads),
        ("(module (func (return_call 0)))", FeatureTailCall),
        (
            "(module (table 1 funcref) (type (func)) (func (return_call_indirect (type 0) (i32.const 0))))",
            FeatureTailCall,
        ),
        ("(module (tag))", FeatureExceptions),
        ("(module (func (try_table)))", FeatureExceptions),
        ("(module (type (struct)))", FeatureGc),
        ("(module (type (array i32)))", FeatureGc),
        ("(module (rec (type (func)) (type (func))))", FeatureGc),
        ("(module (type (sub (func))))", FeatureGc),
        ("(module (func (param i31ref)))", FeatureGc),
        ("(module (func (param anyref)))", FeatureGc),
        ("(module (func (result eqref) unreachable))", FeatureGc),
        ("(module (func (param (ref any))))", FeatureGc),
        ("(module (func) (func (local structref)))", FeatureGc),
        ("(module (func (drop (ref.null any))))", FeatureGc),
        ("(module (func (drop (ref.i31 (i32.const 1)))))", FeatureGc),
        ("(module (func (block (result arrayref) unreachable) drop))", FeatureGc),
        ("(module (table 1 anyref))", FeatureGc),
        ("(module (global anyref (ref.null any)))", FeatureGc),
        ("(module (func (param exnref)))", FeatureExceptions),
        ("(module (func (drop (ref.null exn))))", FeatureExceptions),
        ("(module (func (param contref)))", FeatureStackSwitching),
        ("(module (func (param (ref extern))))", FeatureFunctionReferences),
        ("(module (memory i64 1))", FeatureMemory64),
        ("(module (table i64 1 funcref))", FeatureMemory64),
        // Sizes that do not fit 32 bits.
        ("(module (memory i64 0x1_0000_0000_0000))", FeatureMemory64),
        ("(module (memory i64 1 0x1_0000_0000_0000))", FeatureMemory64),
        ("(module (import \"env\" \"memory\" (memory i64 0x1_0000_0000_0000)))", FeatureMemory64),
        ("(module (table i64 1 0x1_0000_0000_0000 funcref))", FeatureMemory64),
        ("(module (import \"env\" \"table\" (table i64 1 0x1_0000_0000_0000 funcref)))", FeatureMemory64),
        ("(module (memory 1) (memory 1))", FeatureMultiMemory),
        ("(module (memory 1 (pagesize 1)))", FeatureCustomPageSizes),
        (
            "(module (func (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3))))",
            FeatureWideArithmetic,
        ),
        ("(module (func (param externref)))", FeatureExternRef),
        ("(module (table 1 externref))", FeatureExternRef),
        ("(module (global externref (ref.null extern)))", FeatureExternRef),
        ("(module (func) (func (drop (ref.null extern))))", FeatureExternRef),
        ("(module (elem externref (ref.null extern)))", FeatureExternRef),
        ("(module (func (param externref)) (func (param anyref)))", FeatureExternRef),
        ("(module (type $t (func)) (func (param (ref $t))))", FeatureFunctionReferences),
        ("(module (func (param (ref func))))", FeatureFunctionReferences),
        (
            "(module (type $t (func)) (func (param (ref null $t)) (call_ref $t (local.get 0))))",
            FeatureFunctionReferences,
        ),
        ("(module (type $t (func)) (type (cont $t)))", FeatureStackSwitching),
    ];
    all_refused(&PROFILE, texts(cases));
}

#[test]
fn floats_anywhere() {
    let cases = [
        "(module (type (func (param f32))))",
        "(module (type (func (result f64))))",
        "(module (func (local f32)))",
        "(module (global f64 (f64.const 0)))",
        "(module (func (drop (f32.const 1))))",
        "(module (func return (drop (f64.const 1))))",
        "(module (func unreachable f32.add drop))",
        "(module (func unreachable f64.neg drop))",
        "(module (func unreachable f32.reinterpret_i32 drop))",
        "(module (func unreachable i32.trunc_sat_f64_u drop))",
        "(module (func unreachable f64.eq drop))",
        "(module (memory 1) (func unreachable f32.load drop))",
        "(module (memory 1) (func unreachable f64.store))",
        "(module (func (block (result f32) unreachable) drop))",
        "(module (func unreachable (select (result f64)) drop))",
        "(module (func unreachable f32.demote_f64 drop))",
    ];
    all_refused(&PROFILE, cases.iter().map(|text| (text.to_string(), wat(text), RefusalCode::Float)));
    for text in cases {
        let canonical = Profile { floats: Floats::Canonical, ..PROFILE };
        assert!(try_admit(&wat(text), &LIMITS_V1, &canonical).is_ok(), "{text} under canonical floats");
    }
}

/// Every float operator of the binary format, by its opcode, in code that cannot run.
#[test]
fn each_float_opcode() {
    let mut opcodes: Vec<Vec<u8>> = vec![
        vec![0x2a, 2, 0],
        vec![0x2b, 3, 0],
        vec![0x38, 2, 0],
        vec![0x39, 3, 0],
        vec![0x43, 0, 0, 0, 0],
        vec![0x44, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    let ranges = [0x5b..=0x66, 0x8b..=0xa6, 0xa8..=0xab, 0xae..=0xbf];
    opcodes.extend(ranges.into_iter().flatten().map(|opcode: u8| vec![opcode]));
    opcodes.extend((0..8).map(|opcode| vec![0xfc, opcode]));
    let cases = opcodes.iter().map(|opcode| {
        let mut code = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\x0a".to_vec();
        let body_len = 4 + opcode.len() as u8;
        code.extend_from_slice(&[body_len + 2, 1, body_len, 0, 0x00]);
        code.extend_from_slice(opcode);
        code.extend_from_slice(&[0x00, 0x0b]);
        (format!("{opcode:02x?}"), code, RefusalCode::Float)
    });
    all_refused(&PROFILE, cases);
}

/// Every opcode there can be, in code that cannot run: it has a price, or it is refused. How many are admitted is pinned, so
/// that a new version of the parser that knows more is noticed.
#[test]
fn every_opcode_is_priced_or_refused() {
    let mut dear = V1;
    V1.fields().for_each(|(field, _)| assert!(dear.set(field, 1_000)));
    let canonical = Profile { floats: Floats::Canonical, ..PROFILE };
    let (mut free, mut priced, mut refused) = (Vec::new(), 0, 0);
    let prefixed = (0xfb..=0xff_u8).flat_map(|prefix| {
        (0..512_u32).map(move |number| match number {
            0..128 => vec![prefix, number as u8],
            _ => vec![prefix, (number & 0x7f) as u8 | 0x80, (number >> 7) as u8],
        })
    });
    for opcode in (0..=0xfa).map(|opcode| vec![opcode]).chain(prefixed) {
        let admitted = with_opcode(&opcode).find_map(|code| admit(&code, &dear, &LIMITS_V1, &canonical).ok());
        // Besides the two `unreachable` around it.
        match admitted.map(|prepared| prepared.function_gas_max() - 2_000) {
            Some(0) => free.push(opcode),
            Some(1_000) => priced += 1,
            Some(price) => panic!("{opcode:02x?} costs {price}"),
            None => refused += 1,
        }
    }
    println!("{priced} opcodes have a price, {} are free, {refused} are refused", free.len());
    // `block`; `else` and `end` cannot stand alone.
    assert_eq!(free, [[0x02]]);
    assert_eq!(priced, 198);
}

/// Modules whose body is this operator between two `unreachable`, with whatever immediates the parser reads so.
fn with_opcode(opcode: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    // A type, a function, a table, a memory, a global, a declaration of the function, a count of data segments.
    let before = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x04\x04\x01\x70\0\x01\x05\x03\x01\0\x01\
        \x06\x06\x01\x7f\x01\x41\0\x0b\x09\x05\x01\x03\0\x01\0\x0c\x01\x01";
    let immediates: [&[u8]; 9] = [&[], &[0], &[0x70], &[0x40, 0x0b], &[0, 0], &[1, 0x7f], &[0, 0, 0], &[0; 4], &[0; 8]];
    immediates.into_iter().filter_map(move |immediate| {
        let body = [b"\x01\x01\x7f\0", opcode, immediate, b"\0\x0b"].concat();
        let mut code = before.to_vec();
        code.extend_from_slice(&[0x0a, body.len() as u8 + 2, 1, body.len() as u8]);
        code.extend_from_slice(&body);
        code.extend_from_slice(b"\x0b\x03\x01\x01\0");
        let reader = FunctionBody::new(BinaryReader::new(&body, 0)).get_operators_reader().ok()?;
        let operators: Vec<Operator<'_>> = reader.into_iter().collect::<Result<_, _>>().ok()?;
        let opens = matches!(opcode, [0x02..=0x04]);
        let alone = match operators.as_slice() {
            [Operator::Unreachable, _, Operator::Unreachable, Operator::End] => !opens,
            [Operator::Unreachable, _, Operator::End, Operator::Unreachable, Operator::End] => opens,
            _ => false,
        };
        alone.then_some(code)
    })
}

#[test]
fn against_the_profile() {
    use RefusalCode::*;
    let cases: &[(&str, RefusalCode)] = &[
        ("(module (func $s) (start $s))", StartFunction),
        (r#"(module (func (export "unfork:gas")))"#, ReservedName),
        (r#"(module (import "unfork:x" "f" (func)))"#, ReservedName),
        (r#"(module (import "env" "unfork:f" (func)))"#, ReservedName),
        (r#"(module (import "env" "h" (func)))"#, ImportUnknown),
        (r#"(module (import "other" "f" (func (param i32) (result i64))))"#, ImportUnknown),
        (r#"(module (import "env" "f" (func (param i64) (result i64))))"#, ImportSignature),
        (r#"(module (import "env" "f" (func (param i32))))"#, ImportSignature),
        (r#"(module (import "env" "f" (func (param i32 i32) (result i64))))"#, ImportSignature),
        (r#"(module (import "env" "g" (func (result i32))))"#, ImportSignature),
        (r#"(module (import "env" "f" (global i32)))"#, ImportKind),
        (r#"(module (import "env" "t" (table 1 funcref)))"#, ImportKind),
        (r#"(module (import "env" "memory2" (memory 1)))"#, ImportKind),
        (r#"(module (import "env" "memory" (table 1 funcref)))"#, ImportKind),
        (r#"(module (memory 1) (data (i32.const 65535) "ab"))"#, DataOutOfRange),
        (r#"(module (memory 1) (data (i32.const -1) ""))"#, DataOutOfRange),
        (
            r#"(module (memory 1) (data (i32.sub (i32.const 65536) (i32.mul (i32.const 1) (i32.const 1))) "ab"))"#,
            DataOutOfRange,
        ),
        ("(module (table 1 funcref) (func) (elem (i32.const 1) func 0))", ElementOutOfRange),
        ("(module (table 1 funcref) (func) (elem (i32.const 0) func 0 0))", ElementOutOfRange),
        (r#"(module (memory 1) (memory 1))"#, FeatureMultiMemory),
        (r#"(module (import "env" "memory" (memory 1)) (memory 1))"#, FeatureMultiMemory),
        (r#"(module (import "env" "memory" (memory 1)) (import "env" "memory" (memory 1)))"#, FeatureMultiMemory),
        (r#"(module (import "env" "memory" (memory 1)) (import "env" "memory2" (memory 1)))"#, FeatureMultiMemory),
        (r#"(module (data (i32.const 0) ""))"#, Invalid),
        (r#"(module (memory 1) (export "a" (memory 0)) (export "a" (memory 0)))"#, Invalid),
        ("(module (func (result i32)))", Invalid),
        ("(module (func (call 7)))", Invalid),
    ];
    all_refused(&PROFILE, texts(cases));
    let entries: &[(&str, RefusalCode)] = &[
        ("(module)", EntryMissing),
        (r#"(module (func (export "run")))"#, EntrySignature),
        (r#"(module (func (export "run") (param i32) (result i32) local.get 0))"#, EntrySignature),
        (r#"(module (memory (export "run") 1))"#, EntrySignature),
    ];
    all_refused(&WITH_ENTRY, texts(entries));
    let admitted = [
        r#"(module (func (export "run") (param i32)))"#,
        r#"(module (import "env" "f" (func (param i32) (result i64))) (import "env" "f" (func (param i32) (result i64))) (func (export "run") (param i32)))"#,
        r#"(module (import "env" "memory" (memory 2 16)) (data (i32.const 131070) "ab") (func (export "run") (param i32)) (func (export "other")) (export "extra" (memory 0)))"#,
        r#"(module (memory 0) (data (i32.const 0) "") (table 0 funcref) (elem (i32.const 0) func) (func (export "run") (param i32)))"#,
    ];
    for text in admitted {
        assert!(try_admit(&wat(text), &LIMITS_V1, &WITH_ENTRY).is_ok(), "{text}");
    }
}

/// An entry may be absent where the profile says so, but not be anything else.
#[test]
fn optional_entries() {
    let entries = [
        Entry { name: "run", params: &[ValueType::I32], results: &[], required: true },
        Entry { name: "migrate", params: &[ValueType::I32], results: &[ValueType::I32], required: false },
    ];
    let profile = Profile { entries: &entries, ..PROFILE };
    let run = r#"(func (export "run") (param i32))"#;
    let admitted =
        |text: &str| try_admit(&wat(text), &LIMITS_V1, &profile).unwrap_or_else(|refusal| panic!("{refusal}"));
    let without = admitted(&format!("(module {run})"));
    assert!(without.has_entry("run") && !without.has_entry("migrate"));
    let with = admitted(&format!(
        r#"(module {run} (func (export "other")) (func (export "migrate") (param i32) (result i32) (i32.const 1)))"#
    ));
    assert!(with.has_entry("run") && with.has_entry("migrate") && !with.has_entry("other"));
    let cases = [
        (format!(r#"(module {run} (func (export "migrate") (param i32)))"#), RefusalCode::EntrySignature),
        (format!(r#"(module {run} (memory (export "migrate") 1))"#), RefusalCode::EntrySignature),
        (
            String::from(r#"(module (func (export "migrate") (param i32) (result i32) (i32.const 1)))"#),
            RefusalCode::EntryMissing,
        ),
    ];
    all_refused(&profile, cases.map(|(text, code)| (text.clone(), wat(&text), code)));
}

/// What a closed profile refuses stays in the prepared code where linking is open, as declared.
#[test]
fn whoever_links_answers_where_linking_is_open() {
    let open = Profile { linking: Linking::Open, ..PROFILE };
    let module = r#"(module
        (import "a" "f" (func (param i64))) (import "a" "t" (table 1 2 funcref)) (import "a" "m" (memory 1))
        (import "a" "g" (global i32)) (import "a" "h" (global (mut i64)))
        (global (mut i32) (global.get 0))
        (func $start (export "s") (global.set 2 (memory.grow (i32.const 1))))
        (start $start)
        (elem (global.get 0) func $start) (data (i32.const 65536) "outside")
        (export "table" (table 0)) (export "memory" (memory 0)) (export "global" (global 1)))"#;
    let prepared = try_admit(&wat(module), &LIMITS_V1, &open).expect("it is admitted");
    let engine = wasmi::Engine::default();
    let code = wasmi::Module::new(&engine, prepared.code()).expect("it validates");
    let imports: Vec<String> = code.imports().map(|import| format!("{} {:?}", import.name(), import.ty())).collect();
    let original: Vec<String> = wasmi::Module::new(&engine, wat(module))
        .expect("it validates")
        .imports()
        .map(|import| format!("{} {:?}", import.name(), import.ty()))
        .collect();
    assert_eq!(imports, original);
    let exports: Vec<&str> = code.exports().map(|export| export.name()).collect();
    assert_eq!(
        BTreeSet::from_iter(exports),
        BTreeSet::from(["s", "table", "memory", "global", "unfork:counter", "unfork:memory", "unfork:global:2"])
    );
    // A proposal and a reserved name are refused all the same.
    for (text, code) in [
        (r#"(module (import "a" "t" (table 1 externref)))"#, RefusalCode::FeatureExternRef),
        (r#"(module (import "a" "unfork:g" (global i32)))"#, RefusalCode::ReservedName),
        (r#"(module (import "a" "g" (global f32)))"#, RefusalCode::Float),
        (r#"(module (import "a" "m" (memory 1)) (memory 1))"#, RefusalCode::FeatureMultiMemory),
    ] {
        let refused = try_admit(&wat(text), &LIMITS_V1, &open).err().map(|refusal| refusal.code);
        assert_eq!(refused, Some(code), "{text}");
    }
}

/// One module at the limit and one just past it, for every admission limit.
#[test]
fn each_limit_at_its_edge() {
    for edge in EDGES {
        let Edge { limit: field, code, small: limit, step, .. } = edge;
        let mut limits = LIMITS_V1;
        assert!(limits.set(field, *limit), "{field}");
        let at = module_at(edge, *limit);
        assert!(
            try_admit(&at, &limits, &PROFILE).is_ok(),
            "{field} at its limit: {:?}",
            try_admit(&at, &limits, &PROFILE)
        );
        let past = module_at(edge, *limit + step);
        let refusal = try_admit(&past, &limits, &PROFILE).expect_err(field);
        assert_eq!((refusal.code, refusal.limit), (*code, Some(*limit)), "{field}: {refusal}");
        assert!(refusal.found > refusal.limit, "{field}");
        assert!(prepare(&past, &V1, &limits, &PROFILE).is_ok(), "{field}: limits are not checked again");
    }
}

#[test]
fn limits_of_length() {
    let code = wat("(module (func nop nop nop nop (loop (br_if 0 (i32.const 0)))))");
    let instrumented = admit(&code, &V1, &LIMITS_V1, &PROFILE).unwrap().instrumented_bytes_bound();
    let body = 1 + 4 + 2 + 2 + 2 + 1 + 1; // count of locals, nops, loop, const, br_if, two ends
    let sections = 2;
    let mut with_customs = code.clone();
    for _ in 0..sections {
        with_customs.extend_from_slice(b"\0\x02\x01x");
    }
    let cases = [
        ("code_bytes_max", RefusalCode::CodeBytes, code.len() as u64, &code),
        ("instrumented_bytes_max", RefusalCode::InstrumentedBytes, instrumented, &code),
        ("function_bytes_max", RefusalCode::FunctionBytes, body, &code),
        ("custom_sections_max", RefusalCode::CustomSections, sections, &with_customs),
    ];
    for (field, expected, limit, code) in cases {
        let mut limits = LIMITS_V1;
        assert!(limits.set(field, limit));
        assert!(admit(code, &V1, &limits, &PROFILE).is_ok(), "{field} at {limit}");
        assert!(limits.set(field, limit - 1));
        let refusal = admit(code, &V1, &limits, &PROFILE).expect_err(field);
        assert_eq!((refusal.code, refusal.limit), (expected, Some(limit - 1)), "{field}");
    }
}

/// Four billion of anything in a few bytes are refused before anything is allocated for them: else this would need the memory.
#[test]
fn huge_counts_in_few_bytes() {
    let cases: &[(&str, &[u8], RefusalCode)] = &[
        (
            "locals",
            b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x0a\x01\x08\x01\xff\xff\xff\xff\x0f\x7e\x0b",
            RefusalCode::Locals,
        ),
        ("types", b"\0asm\x01\0\0\0\x01\x05\xff\xff\xff\xff\x0f", RefusalCode::Types),
        ("functions", b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x05\xff\xff\xff\xff\x0f", RefusalCode::Functions),
        ("imports", b"\0asm\x01\0\0\0\x02\x05\xff\xff\xff\xff\x0f", RefusalCode::Imports),
        ("tables", b"\0asm\x01\0\0\0\x04\x05\xff\xff\xff\xff\x0f", RefusalCode::Tables),
        ("memories", b"\0asm\x01\0\0\0\x05\x05\xff\xff\xff\xff\x0f", RefusalCode::FeatureMultiMemory),
        ("globals", b"\0asm\x01\0\0\0\x06\x05\xff\xff\xff\xff\x0f", RefusalCode::Globals),
        ("exports", b"\0asm\x01\0\0\0\x07\x05\xff\xff\xff\xff\x0f", RefusalCode::Exports),
        ("element segments", b"\0asm\x01\0\0\0\x09\x05\xff\xff\xff\xff\x0f", RefusalCode::ElementSegments),
        ("data count", b"\0asm\x01\0\0\0\x0c\x05\xff\xff\xff\xff\x0f", RefusalCode::DataSegments),
        ("data segments", b"\0asm\x01\0\0\0\x0b\x05\xff\xff\xff\xff\x0f", RefusalCode::DataSegments),
        // Of these the parser allocates nothing ahead: they end before as many can be there.
        ("parameters", b"\0asm\x01\0\0\0\x01\x08\x01\x60\xff\xff\xff\xff\x0f\0", RefusalCode::Invalid),
        ("bodies", b"\0asm\x01\0\0\0\x0a\x05\xff\xff\xff\xff\x0f", RefusalCode::Invalid),
        (
            "targets",
            b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x0d\x01\x0b\0\x41\0\x0e\xff\xff\xff\xff\x0f\0\x0b",
            RefusalCode::Invalid,
        ),
    ];
    all_refused(&PROFILE, cases.iter().map(|(name, code, expected)| (name.to_string(), code, *expected)));
}

#[test]
fn excessive_prices_are_refused() {
    let mut schedule = V1;
    assert!(schedule.set("op_div", unfork_gas::PRICE_MAX));
    assert!(admit(&wat("(module)"), &schedule, &LIMITS_V1, &PROFILE).is_ok());
    assert!(schedule.set("op_div", unfork_gas::PRICE_MAX + 1));
    let refusal = prepare(&wat("(module)"), &schedule, &LIMITS_V1, &PROFILE).unwrap_err();
    assert_eq!((refusal.code, refusal.detail.as_str()), (RefusalCode::SchedulePrice, "op_div"));
}

/// Numbers and names are consensus: this list only grows.
#[test]
fn codes_are_pinned() {
    let list: String = RefusalCode::ALL.iter().map(|code| format!("{} {}\n", code.number(), code.name())).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/refusal-codes.txt");
    support_golden(path, &list);
    let numbers: BTreeSet<u16> = RefusalCode::ALL.iter().map(|code| code.number()).collect();
    assert_eq!(numbers.len(), RefusalCode::ALL.len());
}

/// Each code has a meaning and a remedy in words of its own; what is refused has a place, and by a limit, the limit.
#[test]
fn each_code_has_a_remedy() {
    let mut meanings = BTreeSet::new();
    for code in RefusalCode::ALL {
        let (meaning, remedy) = (code.meaning(), code.remedy());
        assert!(
            meaning.len() > 10 && meaning.ends_with('.') && !meaning.starts_with(' '),
            "{}: {meaning}",
            code.name()
        );
        assert!(meanings.insert(meaning), "{}: {meaning}", code.name());
        assert!(remedy.len() >= 10 && !remedy.ends_with('.'), "{}: {remedy}", code.name());
        let shown =
            Refusal { code: *code, offset: 7, limit: Some(8), found: Some(9), detail: String::new() }.to_string();
        for part in [code.name(), &code.number().to_string(), "byte 7", "found 9, limit 8", remedy] {
            assert!(shown.contains(part), "{shown}: {part}");
        }
    }
}

#[test]
fn released_tables_are_pinned() {
    for version in 1.. {
        let Some((schedule, limits)) = unfork_gas::Schedule::released(version).zip(Limits::released(version)) else {
            assert!(version > 1);
            break;
        };
        let hex = |hash: [u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut text = format!("schedule {}\nlimits {}\n", hex(schedule.hash()), hex(limits.hash()));
        for (name, value) in schedule.fields().chain(limits.fields()) {
            text += &format!("{name} {value}\n");
        }
        support_golden(&format!("{}/tests/golden/v{version}.txt", env!("CARGO_MANIFEST_DIR")), &text);
    }
}

/// Compares with a file of the repository; `BLESS=1` rewrites it.
#[allow(clippy::disallowed_methods, reason = "a test may look at the environment")]
fn support_golden(path: &str, text: &str) {
    if std::env::var("BLESS").is_ok() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let saved = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(saved, text, "{path} differs: a consensus change; BLESS=1 rewrites it");
}
