//! Admission is decided once, under the version of the upload: what it admitted can be prepared under every later one.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod support;

use support::edges::{EDGES, LENGTHS, module_at, module_of_length};
use support::modules::{admitted_fixtures, profile_of};
use unfork_gas::{LIMITS_V1, Limits, PRICE_MAX, Schedule, V1, admit, explain, prepare};

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
