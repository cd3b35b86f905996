//! A wallet's verdict is the node's: the crate built for wasm32 and run by wasmi says byte for byte what the native one says.
//!
//! `make verdict` builds `gas/verdict` and names the file in UNFORK_VERDICT; without it the test says that it was skipped.
#![allow(missing_docs, clippy::disallowed_methods, clippy::arithmetic_side_effects)]
#![allow(clippy::cast_possible_truncation, reason = "derived code")]

extern crate alloc;

mod support;
#[path = "../verdict/src/wire.rs"]
mod wire;

use parity_scale_codec::{Decode, Encode};
use support::bombs;
use support::edges::{EDGES, module_at};
use support::modules::{fixtures, profile_of, wasm_below};
use unfork_gas::{Floats, Profile, ValueType};
use wasmi::{Config, Engine, Instance, Linker, Module, Store, TypedFunc};
use wire::{Answer, Question, answer};

/// The module, in an instance.
struct Verdicts {
    store: Store<()>,
    instance: Instance,
    buffer: TypedFunc<u32, u32>,
    verdict: TypedFunc<(), u32>,
    answer: TypedFunc<(), u32>,
}

impl Verdicts {
    fn new(code: &[u8]) -> Verdicts {
        let mut config = Config::default();
        config.set_max_recursion_depth(10_000);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, code).expect("a module");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).expect("it imports nothing");
        let buffer = instance.get_typed_func(&store, "buffer").unwrap();
        let verdict = instance.get_typed_func(&store, "verdict").unwrap();
        let answer = instance.get_typed_func(&store, "answer").unwrap();
        Verdicts { store, instance, buffer, verdict, answer }
    }

    fn ask(&mut self, question: &[u8]) -> Vec<u8> {
        let memory = self.instance.get_memory(&self.store, "memory").unwrap();
        let at = self.buffer.call(&mut self.store, u32::try_from(question.len()).unwrap()).unwrap();
        memory.write(&mut self.store, at as usize, question).unwrap();
        let length = self.verdict.call(&mut self.store, ()).unwrap();
        let at = self.answer.call(&mut self.store, ()).unwrap();
        memory.data(&self.store)[at as usize..][..length as usize].to_vec()
    }
}

fn question(profile: &Profile<'_>, code: &[u8]) -> Vec<u8> {
    let bytes = |types: &[ValueType]| types.iter().map(byte).collect::<Vec<u8>>();
    let import = |of: &unfork_gas::Import<'_>| (of.module.into(), of.name.into(), bytes(of.params), bytes(of.results));
    let entry = |of: &unfork_gas::Entry<'_>| (of.name.into(), bytes(of.params), bytes(of.results), of.required);
    Question {
        imports: profile.imports.iter().map(import).collect(),
        entries: profile.entries.iter().map(entry).collect(),
        memory: profile.memory_import.map(|(module, name)| (module.into(), name.into())),
        floats: profile.floats == Floats::Canonical,
        code: code.to_vec(),
    }
    .encode()
}

fn byte(value_type: &ValueType) -> u8 {
    match value_type {
        ValueType::I32 => 0x7f,
        ValueType::I64 => 0x7e,
        ValueType::F32 => 0x7d,
        ValueType::F64 => 0x7c,
        ValueType::FuncRef => 0x70,
    }
}

/// Contracts, modules at and above each limit, expensive modules, and the saved inputs of the admission fuzzer.
fn codes() -> Vec<(String, Vec<u8>)> {
    let mut all = fixtures();
    if let Some(folder) = std::env::var_os("UNFORK_THIRD_PARTY") {
        all.extend(wasm_below(folder.as_ref()));
    }
    for edge in EDGES {
        let limit = unfork_gas::LIMITS_V1.fields().find(|(name, _)| *name == edge.limit).unwrap().1;
        all.push((format!("{} at its limit", edge.limit), module_at(edge, limit)));
        all.push((format!("{} above its limit", edge.limit), module_at(edge, limit + edge.step)));
    }
    for family in bombs::FAMILIES {
        all.push((family.name.to_string(), (family.make)(20_000)));
    }
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/admission");
    for entry in std::fs::read_dir(corpus).expect("the fuzzer's corpus") {
        let path = entry.unwrap().path();
        all.push((path.display().to_string(), std::fs::read(path).unwrap()));
    }
    all
}

#[test]
fn the_same_as_natively() {
    let Some(file) = std::env::var_os("UNFORK_VERDICT") else {
        println!("SKIPPED: UNFORK_VERDICT names no module; `make verdict` builds it and runs this test");
        return;
    };
    let mut verdicts = Verdicts::new(&std::fs::read(file).expect("UNFORK_VERDICT names a file"));
    let (mut admitted, mut refused) = (0, std::collections::BTreeMap::<u16, u32>::new());
    for (name, code) in codes() {
        let profiles = [profile_of(&code), support::PLAIN];
        for profile in profiles {
            let asked = question(&profile, &code);
            let native = answer(&asked);
            assert!(verdicts.ask(&asked) == native, "{name}: the verdicts differ");
            match Answer::decode(&mut &*native).expect("an answer") {
                Answer::Admitted(_) => admitted += 1,
                Answer::Refused(code, ..) => *refused.entry(code).or_default() += 1,
                Answer::NotAQuestion => panic!("{name}: not a question"),
            }
        }
    }
    assert_eq!(verdicts.ask(b"?"), answer(b"?"));
    println!(
        "{admitted} admitted alike, {} refused alike for {} reasons",
        refused.values().sum::<u32>(),
        refused.len()
    );
    assert!(admitted > 50 && refused.len() > 25);
}
