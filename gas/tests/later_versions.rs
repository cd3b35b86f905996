//! Admission is decided once, under the version of the upload: what it admitted can be prepared under every later one.
//! Preparing validates no body, and gives what admission gives.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod support;

use std::path::Path;

use support::bombs::{self, FAMILIES};
use support::edges::{EDGES, LENGTHS, module_at, module_of_length};
use support::modules::{admitted_fixtures, profile_of, wasm_below};
use unfork_gas::{
    LIMITS_LARGE, LIMITS_V1, Limits, PRICE_MAX, Prepared, Profile, Refusal, RefusalCode, Schedule, V1, admit, explain,
    prepare,
};

/// Schedules as far from V1 as they may be: every price at its greatest, every price 0, and each differing from the next.
fn later_schedules() -> Vec<(&'static str, Schedule)> {
    let with = |price: fn(usize) -> u64| {
        let mut schedule = V1;
        for (position, (name, _)) in V1.fields().enumerate() {
            assert!(schedule.set(name, price(position)));
        }
        schedule
    };
    vec![
        ("all at the greatest", with(|_| PRICE_MAX)),
        ("all 0", with(|_| 0)),
        ("0 and the greatest by turns", with(|position| if position % 2 == 0 { 0 } else { PRICE_MAX })),
        ("the greatest and 0 by turns", with(|position| if position % 2 == 1 { 0 } else { PRICE_MAX })),
        ("all different", with(|position| 1 + 7_919 * u64::try_from(position).unwrap())),
    ]
}

/// Limits that would refuse every module.
fn no_limits_left() -> Limits {
    let mut limits = LIMITS_V1;
    for (name, _) in LIMITS_V1.fields() {
        assert!(limits.set(name, 0));
    }
    limits
}

fn check(name: &str, code: &[u8]) {
    let profile = profile_of(code);
    let first = admit(code, &V1, &LIMITS_V1, &profile).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    assert_eq!(prepare(code, &V1, &LIMITS_V1, &profile).as_ref(), Ok(&first), "{name}");
    for (prices, schedule) in later_schedules() {
        let again = prepare(code, &schedule, &LIMITS_V1, &profile);
        let again = again.unwrap_or_else(|refusal| panic!("{name}, prices {prices}: {refusal}"));
        let mut config = wasmi::Config::default();
        config.compilation_mode(wasmi::CompilationMode::Eager);
        let translated = wasmi::Module::new(&wasmi::Engine::new(&config), again.code());
        assert!(translated.is_ok(), "{name}, prices {prices}: {:?}", translated.err());
        assert_eq!(again.memory_pages_max(), first.memory_pages_max(), "{name}");
        assert_eq!(again.frame_units_max(), first.frame_units_max(), "{name}");
        let unlimited = prepare(code, &schedule, &no_limits_left(), &profile);
        assert!(unlimited.is_ok(), "{name}, prices {prices}: limits are not checked again: {:?}", unlimited.err());
    }
}

#[test]
fn modules_at_every_limit() {
    let at = |limit: &str| LIMITS_V1.fields().find(|(name, _)| *name == limit).map(|(_, max)| max).unwrap();
    let edges = EDGES.iter().map(|edge| (edge.limit, module_at(edge, at(edge.limit))));
    let lengths = LENGTHS.iter().map(|&limit| (limit, module_of_length(limit, at(limit))));
    for (limit, code) in edges.chain(lengths) {
        let explanation = explain(&code, &V1, &LIMITS_V1, &profile_of(&code));
        let explanation = explanation.unwrap_or_else(|refusal| panic!("{limit}: {refusal}"));
        let usage = explanation.usage.iter().find(|usage| usage.limit == limit).unwrap();
        assert_eq!(usage.found, usage.max, "the module for {limit} is not at its limit");
        check(limit, &code);
    }
    let explained = explain(b"\0asm\x01\0\0\0", &V1, &LIMITS_V1, &support::EMPTY).unwrap().usage.len();
    assert_eq!(EDGES.len() + LENGTHS.len(), explained, "a limit of admission has no module");
}

#[test]
fn contracts() {
    for (name, code) in admitted_fixtures() {
        check(&name, &code);
    }
}

/// Admits code; if it is admitted, preparing it gives the same, code and facts.
fn admitted_alike(name: &str, code: &[u8], limits: &Limits, profile: &Profile<'_>) -> Result<Prepared, Refusal> {
    let admitted = admit(code, &V1, limits, profile)?;
    let prepared = prepare(code, &V1, limits, profile);
    assert!(prepared.as_ref() == Ok(&admitted), "{name}: {:?}", prepared.map(|_| "other code or facts"));
    Ok(admitted)
}

#[test]
fn code_made_to_be_expensive() {
    for family in FAMILIES {
        for bytes in [100, 3_000, 100_000] {
            let code = (family.make)(bytes);
            let admitted = admitted_alike(family.name, &code, &LIMITS_LARGE, &bombs::PROFILE);
            assert!(bytes > 100 || admitted.is_ok(), "{}: {:?}", family.name, admitted.err());
        }
    }
}

#[test]
fn contracts_of_third_parties() {
    let Some(folder) = std::env::var_os("UNFORK_THIRD_PARTY") else {
        println!("SKIPPED: UNFORK_THIRD_PARTY names no folder");
        return;
    };
    let found = wasm_below(Path::new(&folder));
    let admitted = found.iter().filter(|(name, code)| {
        let admitted = admitted_alike(name, code, &LIMITS_LARGE, &profile_of(code));
        admitted.inspect_err(|refusal| println!("{name}: {refusal}")).is_ok()
    });
    let admitted = admitted.count();
    println!("{admitted} of {} modules are admitted, and prepared to the same", found.len());
    assert!(admitted > 0, "UNFORK_THIRD_PARTY");
}

/// Changes up to three bytes behind the header.
fn damage(code: &mut [u8], number: &mut u64) {
    let mut below = |bound: usize| {
        *number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*number >> 33).unwrap() % bound
    };
    for _ in 0..=below(3) {
        let at = 8 + below(code.len() - 8);
        code[at] = u8::try_from(below(256)).unwrap();
    }
}

/// Whatever was never admitted: nothing panics, and what is admitted all the same is prepared to the same.
#[test]
fn damaged_code() {
    let rounds = if std::env::var_os("UNFORK_EVIDENCE").is_some_and(|evidence| evidence == "1") { 10_000 } else { 300 };
    let families = FAMILIES.iter().map(|family| (family.name.to_string(), (family.make)(400)));
    let fixtures = admitted_fixtures().into_iter().filter(|(_, code)| code.len() < 20_000);
    let mut number = 20_261_122;
    let (mut admitted, mut only_prepared, mut refused) = (0, 0, 0);
    for (name, code) in families.chain(fixtures) {
        let profile = Profile { floats: unfork_gas::Floats::Canonical, ..profile_of(&code) };
        for _ in 0..rounds {
            let mut damaged = code.clone();
            damage(&mut damaged, &mut number);
            match admitted_alike(&name, &damaged, &LIMITS_V1, &profile) {
                Ok(_) => admitted += 1,
                Err(_) if prepare(&damaged, &V1, &LIMITS_V1, &profile).is_ok() => only_prepared += 1,
                Err(_) => refused += 1,
            }
        }
    }
    println!("damaged: {admitted} admitted, {only_prepared} not admitted but prepared, {refused} refused by both");
    assert!(admitted > rounds && only_prepared > rounds && refused > rounds);
}

/// Where code cannot be reached, operands that are missing may be taken, and what is pushed counts all the same.
#[test]
fn code_that_cannot_be_reached() {
    let bodies = [
        ("block (result i32 i64) unreachable br_if 0 end drop drop", 2),
        (
            "block (result i32 i64) i32.const 0 i32.const 0 block unreachable br_if 1 drop drop end unreachable end drop drop",
            4,
        ),
        ("block (result i32 i64) i64.const 0 br 1 br_if 0 end drop drop", 2),
        ("block (result i32 i64) unreachable i32.const 0 br_table 0 0 end drop drop", 2),
        ("block (result i32 i64) unreachable end drop drop", 2),
        ("unreachable if (result i32 i64) unreachable else unreachable end return", 2),
        ("unreachable if (param i32 i64) drop drop else drop drop end", 2),
        ("unreachable loop (param i32 i64) i32.const 0 br_if 0 br 0 end", 3),
        ("unreachable call $two drop drop", 2),
        ("return call_indirect (type $two) i32.const 0 drop drop drop", 3),
        ("return i64.const 0 i64.const 0 i64.add drop select select drop", 2),
        ("return local.tee 0 memory.fill i32.add i32.add drop", 1),
        ("i64.const 0 i64.const 0 i64.const 0 drop drop drop return drop drop", 3),
    ];
    for (body, height) in bodies {
        let text = format!(
            "(module (type $two (func (param i64) (result i32 i64))) (import \"m\" \"two\" (func $two (type $two)))
            (memory 1) (table 1 funcref) (func (param i32) {body}))"
        );
        let code = wat::parse_str(text).unwrap_or_else(|error| panic!("{body}: {error}"));
        let admitted = admitted_alike(body, &code, &LIMITS_V1, &profile_of(&code));
        let admitted = admitted.unwrap_or_else(|refusal| panic!("{body}: {refusal}"));
        assert_eq!(admitted.top_values_max(), 1 + height, "{body}");
    }
}

/// Bodies that were never admitted: where operands, labels or types are missing they are refused, and where only types do
/// not fit the executor refuses what they are prepared to.
#[test]
fn bodies_that_were_never_admitted() {
    let missing = [
        "drop",
        "i32.const 0 i32.add drop",
        "block i32.const 0 br_if 9 end",
        "br 1",
        "i32.const 0 br_table 0 7",
        "br_table 0",
        "br_if 0",
        "if end",
        "block (result i32) br 0 end drop",
        "i32.const 0",
        "i32.const 0 if (result i32) i32.const 0 end drop",
        "i32.const 0 block drop end",
        "unreachable block drop end",
        "unreachable i32.const 0 if else drop end",
        "unreachable i32.const 0 i32.const 0",
        "call 9",
        "call 1",
        "i32.const 0 call_indirect (type 9)",
        "i32.const 0 call_indirect (type 1)",
        "block (type 9) end",
        "block (type 1) drop end",
        "return i32.const 0",
    ];
    let misfits = [
        "i32.const 0 i64.eqz drop",
        "local.get 9 drop",
        "i32.const 0 memory.grow drop",
        "f32.const 0 drop i64.const 0 br_if 0",
    ];
    let module = |body: &str| {
        let text = format!("(module (type (func)) (type (func (param i32))) (func (type 0) {body}) (func (type 1)))");
        wat::parse_str(text).unwrap_or_else(|error| panic!("{body}: {error}"))
    };
    let prepared = |body: &str| {
        let code = module(body);
        let profile = profile_of(&code);
        let refusal = admit(&code, &V1, &LIMITS_V1, &profile).expect_err(body);
        assert_eq!(refusal.code, RefusalCode::Invalid, "{body}: {refusal}");
        prepare(&code, &V1, &LIMITS_V1, &profile)
    };
    for body in missing {
        assert_eq!(prepared(body).expect_err(body).code, RefusalCode::Invalid, "{body}");
    }
    for body in misfits {
        let prepared = prepared(body).unwrap_or_else(|refusal| panic!("{body}: {refusal}"));
        let mut config = wasmi::Config::default();
        config.compilation_mode(wasmi::CompilationMode::Eager);
        assert!(wasmi::Module::new(&wasmi::Engine::new(&config), prepared.code()).is_err(), "{body}");
    }
}
