//! Code that notes where it is: everything else about it is as before, on two executors; and what it notes.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

#[allow(
    clippy::duplicate_mod,
    dead_code,
    reason = "the example runs code on both executors; its own main is not needed"
)]
#[path = "../examples/two_executors.rs"]
mod example;
mod support;

use example::{PROFILE, on_both};
use support::modules::kernel_fixtures;
use unfork_gas::{Counter, EXPORT_COUNTER, EXPORT_PLACES, Entry, LIMITS_V1, PLACES_MAX, Prepared, Profile, V1};
use unfork_gas::{ValueType, admit, function_names, places};
use wasmi::{Engine, Func, Linker, Module, Store, Val};

const PLENTY: i64 = 1 << 40;

fn prepared(text: &str) -> Prepared {
    let code = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    admit(&code, &V1, &LIMITS_V1, &PROFILE).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// At each amount of gas, and each stack, both come to the same and note the same.
#[test]
fn gas_stack_and_results_are_the_same() {
    let module = prepared(
        r#"(module (import "env" "note" (func $note (param i64))) (memory 1) (table 2 funcref) (elem (i32.const 0) $a $a)
             (global $own (mut i32) (i32.const 3))
             (func $a (param i32) (result i32) (local i64 i32 i32)
               (local.set 1 (i64.extend_i32_u (local.get 0)))
               (call $note (local.get 1))
               (if (result i32) (i32.eqz (local.get 0)) (then (return (global.get $own)))
                 (else (call_indirect (param i32) (result i32) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))))
             (func $two (result i32 i32) (i32.const 4) (call $a (i32.const 1)))
             (func (export "run") (param i32)
               (loop $again
                 (call $note (i64.extend_i32_s (call $a (local.get 0))))
                 (drop (i32.add (call $two)))
                 (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
               (call $note (i64.load (i32.const 0)))))"#,
    );
    let located = module.located().expect("prepared code");
    assert!(located.is_located() && !module.is_located());
    assert_eq!(located.instantiation_gas(), module.instantiation_gas());
    let (ended, notes) = on_both(&module, 4, PLENTY, PLENTY).unwrap();
    assert_eq!(on_both(&located, 4, PLENTY, PLENTY).unwrap(), (ended, notes));
    for gas in 0..2_000 {
        let expected = on_both(&module, 4, gas, PLENTY).unwrap();
        assert_eq!(on_both(&located, 4, gas, PLENTY).unwrap(), expected, "with {gas} gas");
    }
    for stack in 0..200 {
        let expected = on_both(&module, 4, PLENTY, stack).unwrap();
        assert_eq!(on_both(&located, 4, PLENTY, stack).unwrap(), expected, "with {stack} units of stack");
    }
}

/// Compiled code.
#[test]
fn kernels_are_the_same() {
    let entries = [Entry { name: "run", params: &[ValueType::I32], results: &[ValueType::I32], required: true }];
    let profile = Profile { entries: &entries, ..PROFILE };
    let mut seen = 0;
    for (path, code) in kernel_fixtures() {
        let module = admit(&code, &V1, &LIMITS_V1, &profile).unwrap();
        let located = module.located().expect("prepared code");
        for gas in [PLENTY, 10_000] {
            let expected = on_both(&module, 3, gas, PLENTY).unwrap();
            assert_eq!(on_both(&located, 3, gas, PLENTY).unwrap(), expected, "{path} with {gas} gas");
        }
        seen += 1;
    }
    assert!(seen >= 4, "only {seen} kernels");
}

/// The functions in which `run` of the input traps, by name.
fn places_of(module: &Prepared, names: &[u8], input: i32) -> Vec<String> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let located = module.located().expect("prepared code");
    let compiled = Module::new(&engine, located.code()).unwrap();
    let mut linker = Linker::new(&engine);
    let stop = Func::wrap(&mut store, |note: i64| -> Result<(), wasmi::Error> {
        if note == 13 { Err(wasmi::Error::i32_exit(1)) } else { Ok(()) }
    });
    linker.define("env", "note", stop).unwrap();
    let instance = linker.instantiate_and_start(&mut store, &compiled).unwrap();
    let given = Counter { gas: PLENTY, stack: Counter::STACK_MAX };
    instance.get_global(&store, EXPORT_COUNTER).unwrap().set(&mut store, Val::I64(given.value())).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&store, "run").unwrap();
    assert!(run.call(&mut store, input).is_err());
    let register: Vec<i64> = (0..4)
        .map(|part| instance.get_global(&store, &format!("{EXPORT_PLACES}{part}")).unwrap().get(&store).i64().unwrap())
        .collect();
    let names = function_names(names);
    places(&register).iter().map(|index| names.get(index).cloned().unwrap_or_else(|| index.to_string())).collect()
}

#[test]
fn the_functions_that_were_running_are_told() {
    let text = r#"(module (import "env" "note" (func $note (param i64))) (table 3 funcref) (elem (i32.const 0) $fine $bad)
         (func $fine (call $note (i64.const 1)))
         (func $bad (call $fine) (unreachable))
         (func $deep (param i32)
           (call $fine)
           (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))))
           (unreachable))
         (func $between (param i32) (result i32) (call $fine) (call $run (local.get 0)) (i32.const 0))
         (func $run (export "run") (param i32)
           (call $fine)
           (if (i32.eq (local.get 0) (i32.const 1)) (then (call $bad)))
           (if (i32.eq (local.get 0) (i32.const 2)) (then (call_indirect (i32.const 1))))
           (if (i32.eq (local.get 0) (i32.const 3)) (then (call $note (i64.const 13))))
           (if (i32.eq (local.get 0) (i32.const 4)) (then (drop (call $between (i32.const 1)))))
           (if (i32.eq (local.get 0) (i32.const 5)) (then (call_indirect (i32.const 2))))
           (if (i32.eq (local.get 0) (i32.const 6)) (then (call $deep (i32.const 40))))
           (unreachable)))"#;
    let code = wat::parse_str(text).unwrap();
    let module = prepared(text);
    let check = |input: i32, expected: &[&str]| assert_eq!(places_of(&module, &code, input), expected, "{input}");
    check(0, &["run"]);
    check(1, &["bad", "run"]);
    check(2, &["bad", "run"]);
    check(3, &["env.note", "run"]);
    check(4, &["bad", "run", "between", "run"]);
    check(5, &["run"]);
    check(6, &["deep"; PLACES_MAX]);
}
