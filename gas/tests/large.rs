//! What `LIMITS_LARGE` is for: every contract at hand, and modules of several megabytes.
#![allow(missing_docs, clippy::disallowed_methods, clippy::arithmetic_side_effects)]

mod support;

use std::path::Path;

use support::edges::{EDGES, module_at};
use support::modules::{fixtures, profile_of, wasm_below};
use unfork_gas::{LIMITS_LARGE, LIMITS_V1, RefusalCode, V1, admit};

/// Each module is admitted and translated. What no limit has to do with, such as a start function, is told and left out.
fn admitted(modules: &[(String, Vec<u8>)]) -> usize {
    let mut count = 0;
    for (name, code) in modules {
        let prepared = match admit(code, &V1, &LIMITS_LARGE, &profile_of(code)) {
            Ok(prepared) => prepared,
            Err(refusal) => {
                assert!(refusal.limit.is_none(), "{name}: {refusal}");
                println!("{name}: {refusal}");
                continue;
            }
        };
        let mut config = wasmi::Config::default();
        config.compilation_mode(wasmi::CompilationMode::Eager);
        let translated = wasmi::Module::new(&wasmi::Engine::new(&config), prepared.code());
        assert!(translated.is_ok(), "{name}: {:?}", translated.err());
        println!("{name}: {} bytes, {} instrumented", code.len(), prepared.code().len());
        count += 1;
    }
    count
}

#[test]
fn large_modules() {
    assert!(admitted(&fixtures()) >= 10);
    for variable in ["UNFORK_THIRD_PARTY", "UNFORK_LARGE_MODULES"] {
        match std::env::var_os(variable) {
            Some(folder) => assert!(admitted(&wasm_below(Path::new(&folder))) > 0, "{variable}"),
            None => println!("SKIPPED: {variable} names no folder"),
        }
    }
}

/// No limit of admission is below that of version 1, and what is at a limit of version 1 is admitted.
#[test]
fn large_is_larger() {
    let mut larger = 0;
    for ((name, large), (_, first)) in LIMITS_LARGE.fields().zip(LIMITS_V1.fields()) {
        assert!(large >= first, "{name}");
        larger += usize::from(large > first);
    }
    assert!(larger > 15, "{larger} limits are larger");
    for edge in EDGES {
        let (_, limit) = LIMITS_V1.fields().find(|(name, _)| *name == edge.limit).unwrap();
        let code = module_at(edge, limit);
        assert_eq!(admit(&code, &V1, &LIMITS_LARGE, &profile_of(&code)).err(), None, "{}", edge.limit);
    }
}

/// A body that grows past what executors take is refused here, not there.
#[test]
fn bodies_that_grow_too_long() {
    let floats = format!("(f64.const 0) {} drop", "f64.ceil i64.reinterpret_f64 f64.reinterpret_i64 ".repeat(300_000));
    for body in [floats, "call 0 ".repeat(500_000)] {
        let text = format!("(module (func) (func {body}))");
        let code = wat::parse_str(text).unwrap();
        let refusal = admit(&code, &V1, &LIMITS_LARGE, &profile_of(&code)).expect_err("too long");
        assert_eq!(refusal.code, RefusalCode::InstrumentedFunctionBytes, "{refusal}");
    }
}
