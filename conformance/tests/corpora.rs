//! Every oracle on its saved inputs (`fuzz/corpus`) and on a seeded slice of random ones. `UNFORK_SEED` chooses another
//! slice, `UNFORK_EVIDENCE=1` runs a hundred times as many, `UNFORK_INPUTS=n` only n. `BLESS=1` saves, for each stage that a seeded input reaches,
//! the shortest one that does; what else was saved stays.
#![allow(clippy::arithmetic_side_effects, reason = "counts and seeds")]

use arbitrary::Unstructured;
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use unfork_conformance::generators::contract;
use unfork_conformance::generators::random::Random;
use unfork_conformance::oracles::{ALL, Oracle, Reached};
use unfork_engine::ProfileId;
use unfork_gas::{LIMITS_V1, V1, admit};
use wasmparser::{Parser, Payload};

const SEED: u64 = 20_261_121;

/// Saved inputs of one oracle may take this much together: they are read in every test run and cloned by everybody.
const CORPUS_BYTES_MAX: u64 = 64 << 10;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("fuzz/corpus")
}

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn oracle(name: &str) -> &'static Oracle {
    static ORACLES: [Oracle; 5] = ALL;
    ORACLES.iter().find(|oracle| oracle.name == name).expect("an oracle of this name")
}

/// Runs an input; a finding names it.
fn run(oracle: &Oracle, what: &str, input: &[u8], counts: &mut BTreeMap<Reached, u32>) {
    let reached =
        catch_unwind(|| (oracle.run)(input)).unwrap_or_else(|_| panic!("{}: a finding in {what}", oracle.name));
    *counts.entry(reached).or_default() += 1;
}

fn run_slice(name: &str) {
    let oracle = oracle(name);
    let seed = number("UNFORK_SEED", SEED);
    let slice = u64::from(oracle.slice) * if number("UNFORK_EVIDENCE", 0) == 1 { 100 } else { 1 };
    let inputs = number("UNFORK_INPUTS", slice);
    let mut counts = BTreeMap::new();
    for index in 0..inputs {
        // Each input has a seed of its own, so that one can be run alone.
        let input = Random::new(seed.wrapping_add(index)).input(oracle.longest);
        let repeat = format!("UNFORK_SEED={} UNFORK_INPUTS=1", seed.wrapping_add(index));
        run(oracle, &format!("what {repeat} runs"), &input, &mut counts);
    }
    println!("{name}: {inputs} random inputs from UNFORK_SEED={seed}: {counts:?}");
    for stage in oracle.stages.iter().filter(|_| inputs >= slice) {
        let reached = counts.keys().any(|reached| reached.starts_with(stage));
        assert!(reached, "{name}: no input of the slice came to {stage:?}");
    }
}

#[test]
fn admission_slice() {
    run_slice("admission");
}

#[test]
fn execution_slice() {
    run_slice("execution");
}

#[test]
fn blocks_slice() {
    run_slice("blocks");
}

#[test]
fn state_model_slice() {
    run_slice("state_model");
}

#[test]
fn decoders_slice() {
    run_slice("decoders");
}

/// Saves the shortest of many seeded inputs for each stage that one of them reaches.
fn bless(oracle: &Oracle) {
    let mut shortest: BTreeMap<Reached, Vec<u8>> = BTreeMap::new();
    for index in 0..u64::from(oracle.slice) * 4 {
        let input = Random::new(SEED.wrapping_add(index)).input(oracle.longest);
        let reached = (oracle.run)(&input);
        if shortest.get(&reached).is_none_or(|known| input.len() < known.len()) {
            shortest.insert(reached, input);
        }
    }
    let folder = corpus().join(oracle.name);
    std::fs::create_dir_all(&folder).expect("a writable folder");
    for (reached, input) in shortest {
        let name: String = reached.chars().filter(|letter| *letter != ',').collect();
        let name = name.replace(": ", "-").replace([' ', ':'], "-");
        std::fs::write(folder.join(name), input).expect("a writable folder");
    }
}

#[test]
fn saved_inputs() {
    for oracle in &ALL {
        if std::env::var("BLESS").is_ok_and(|value| value == "1") {
            bless(oracle);
        }
        let mut files: Vec<PathBuf> = std::fs::read_dir(corpus().join(oracle.name))
            .unwrap_or_else(|error| panic!("fuzz/corpus/{}: {error}", oracle.name))
            .map(|entry| entry.expect("a readable folder").path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "fuzz/corpus/{} is empty", oracle.name);
        let (mut counts, mut bytes) = (BTreeMap::new(), 0);
        for file in &files {
            let input = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            bytes += u64::try_from(input.len()).expect("a length");
            run(oracle, &file.display().to_string(), &input, &mut counts);
        }
        println!("{}: {} saved inputs, {bytes} bytes: {counts:?}", oracle.name, files.len());
        assert!(bytes <= CORPUS_BYTES_MAX, "fuzz/corpus/{} has {bytes} bytes", oracle.name);
        for stage in oracle.stages {
            let reached = counts.keys().any(|reached| reached.starts_with(stage));
            assert!(reached, "{}: no saved input comes to {stage:?}; BLESS=1 looks for one", oracle.name);
        }
    }
}

/// What contracts do with references is executed, too: what these name belongs to one instance.
#[test]
fn generated_contracts_have_references() {
    let profile = ProfileId::Seal.for_admission(1);
    let found = (0..1_000).filter(|index| {
        let input = Random::new(SEED.wrapping_add(*index)).input(4096);
        let code = contract(&mut Unstructured::new(&input)).expect("a module is made of however few bytes");
        has_references(&code) && admit(&code, &V1, &LIMITS_V1, &profile).is_ok()
    });
    let found = found.count();
    assert!(found >= 10, "{found} of 1,000 contracts have references");
}

fn has_references(code: &[u8]) -> bool {
    use wasmparser::Operator::{RefFunc, RefIsNull, RefNull, TableGet, TableSet};
    let mut operators = Parser::new(0).parse_all(code).filter_map(|payload| match payload {
        Ok(Payload::CodeSectionEntry(body)) => body.get_operators_reader().ok(),
        _ => None,
    });
    operators.any(|body| {
        body.into_iter().any(|operator| {
            matches!(operator, Ok(RefFunc { .. } | RefIsNull | RefNull { .. } | TableGet { .. } | TableSet { .. }))
        })
    })
}

#[test]
fn every_corpus_has_its_oracle() {
    for entry in std::fs::read_dir(corpus()).expect("fuzz/corpus") {
        let name = entry.expect("a readable folder").file_name();
        assert!(ALL.iter().any(|oracle| *oracle.name == *name), "fuzz/corpus/{} belongs to no oracle", name.display());
    }
}
