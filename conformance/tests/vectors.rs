//! Every scenario in `conformance/vectors` gives the same blocks, byte for byte, however it is executed: without and with
//! a warm cache, with instances made anew or used again, watched or not, in memory or on disk. Its gas is what the `.gas` file
//! beside it derives by hand, its last root what `golden/roots.txt` records. Dropping a file into the folder adds a test; its
//! README says how.

#![allow(clippy::arithmetic_side_effects, clippy::disallowed_methods, reason = "tests count and read the environment")]

#[path = "vectors/cosmwasm.rs"]
mod cosmwasm;
#[path = "vectors/derivation.rs"]
mod derivation;
#[path = "vectors/execute.rs"]
mod execute;
#[path = "vectors/golden.rs"]
mod golden;
#[path = "vectors/third_party.rs"]
mod third_party;
#[path = "vectors/versions.rs"]
mod versions;

use derivation::Cost;
use execute::{Engines, Ran, in_memory, shifted_prices};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use unfork::scenario::{Action, Ended, Scenario, Step, UniqueMap, Version, Watch, load};
use unfork_engine::{Engine, ProfileId, Rules};
use unfork_gas::Schedule;

/// The folder of the vectors.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// The files of the folder with this ending, in the order of their names.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a file's name").to_string_lossy().into_owned()
}

/// All vectors by name.
fn vectors() -> Vec<(String, Scenario)> {
    let files = files(&folder(), "json");
    let loaded = files.into_iter().map(|file| {
        let scenario = load(&file).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(scenario.name, stem(&file), "{}: a vector is named as its file", file.display());
        (stem(&file), scenario)
    });
    loaded.collect()
}

fn engine() -> Engine {
    Engine::new().expect("the self-test passes")
}

/// What a step is about, as the entries of `.gas` files begin.
fn about(step: &Step) -> String {
    let label = match &step.action {
        Action::Upload(upload) => &upload.label,
        Action::Instantiate(create) => &create.label,
        Action::Call(call) => &call.to,
        Action::Transfer(transfer) => &transfer.from,
        Action::Block(_) | Action::Advance(_) => return String::new(),
    };
    format!("{} {label}", step.action.name())
}

#[test]
fn vectors_give_the_same_bytes_however_they_are_executed() {
    let engines = Engines::new();
    let mut found = golden::Roots::new();
    let (mut blocks, mut transactions, mut expectations) = (0, 0, 0);
    for (name, scenario) in vectors() {
        let ran = engines.run(&name, &scenario);
        blocks += ran.summary.height;
        transactions += ran.summary.transactions;
        expectations += ran.summary.expectations;
        found.insert(name, golden::line(&ran));
    }
    engines.assert_kept();
    println!("{} vectors: {blocks} blocks, {transactions} transactions, {expectations} expectations", found.len());
    golden::compare(&folder().join("golden/roots.txt"), &found);
}

#[test]
fn gas_is_what_was_derived_by_hand() {
    let released = Rules::released(1).expect("version 1").schedule().clone();
    let engine = engine();
    let mut entries = 0;
    for (name, scenario) in vectors() {
        let file = folder().join(&name).with_extension("gas");
        if !file.exists() {
            continue;
        }
        let derived = derivation::load(&folder().join("common.gas"), &file);
        let ran = in_memory(&scenario, &engine, Watch::Nothing);
        check_gas(&file, &scenario, &derived, &ran, &released);
        // Under prices that differ from each other a mistake in one count cannot hide behind one in another.
        let mut shifted = scenario.clone();
        let schedule = shifted_prices(&released);
        let changed = schedule.fields().map(|(name, price)| (name.to_string(), u128::from(price).into()));
        let changed = UniqueMap(changed.collect());
        if shifted.chain.versions.is_empty() {
            let (schedule, limits) = (UniqueMap::default(), UniqueMap::default());
            shifted.chain.versions = vec![Version { from: 0, version: 1, schedule, limits }];
        }
        for version in &mut shifted.chain.versions {
            assert!(version.schedule.0.is_empty(), "{name}: a vector with derived gas has the released prices");
            version.schedule = changed.clone();
        }
        let ran = in_memory(&shifted, &engine, Watch::Nothing);
        let failures = ran.summary.failures.iter().filter(|failure| failure.field == "expect.status");
        let failures: Vec<String> = failures.map(ToString::to_string).collect();
        assert!(failures.is_empty(), "under shifted prices:\n{}", failures.join("\n"));
        check_gas(&file, &shifted, &derived, &ran, &schedule);
        entries += derived.len();
    }
    println!("{entries} transactions cost what was derived");
    assert!(entries >= 200, "only {entries} derivations were found");
}

fn check_gas(file: &Path, scenario: &Scenario, derived: &[derivation::Entry], ran: &Ran, schedule: &Schedule) {
    let steps: Vec<(usize, &Step)> =
        scenario.steps.iter().enumerate().filter(|(_, step)| step.action.is_transaction()).collect();
    let mut wrong = Vec::new();
    for (entry, (_, step)) in derived.iter().zip(&steps) {
        assert_eq!(entry.about, about(step), "{}:{}: step at line {}", file.display(), entry.line, step.line);
    }
    assert_eq!(derived.len(), steps.len(), "{}: one entry a transaction", file.display());
    let by_step: BTreeMap<usize, &derivation::Entry> =
        steps.iter().zip(derived).map(|((index, _), entry)| (*index, entry)).collect();
    for sent in &ran.sent {
        let entry = by_step[&sent.step];
        let (expected, found) = match (&entry.cost, &sent.ended) {
            (Cost::NotInBlock, Ended::Invalid(_)) => continue,
            (Cost::All, Ended::InBlock { receipt, .. }) => (sent.transaction.gas_limit, receipt.gas_used),
            (Cost::Sum(counts), Ended::InBlock { receipt, .. }) => {
                (derivation::sum(counts, schedule), receipt.gas_used)
            }
            (cost, ended) => {
                wrong.push(format!("{}:{}: {cost:?}, but {}", file.display(), entry.line, ended.status_name()));
                continue;
            }
        };
        if expected != found {
            let place = format!("{}:{}", file.display(), entry.line);
            let status = sent.ended.status_name();
            let more = i128::from(found) - i128::from(expected);
            wrong.push(format!("{place}: {}: derived {expected}, {status} used {found} ({more:+})", entry.about));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_derivation_cannot_be_wrong_and_pass() {
    let released = Rules::released(1).expect("version 1").schedule().clone();
    let shifted = shifted_prices(&released);
    let distinct: BTreeSet<u64> = shifted.fields().zip(released.fields()).map(|(a, b)| a.1 - b.1).collect();
    assert_eq!(distinct.len(), Schedule::ROWS.len(), "two prices are shifted alike");
    // One operator more of a class that costs nothing, or one class taken for another of the same price.
    let count = |name: &str| derivation::Counts::from([(name.to_string(), 1)]);
    assert_eq!(derivation::sum(&count("op_drop"), &released), 0);
    assert_ne!(derivation::sum(&count("op_drop"), &shifted), 0);
    assert_eq!(derivation::sum(&count("op_const"), &released), derivation::sum(&count("op_local"), &released));
    assert_ne!(derivation::sum(&count("op_const"), &shifted), derivation::sum(&count("op_local"), &shifted));
}

#[test]
fn every_hostile_contract_stands_in_a_vector() {
    let mut used = BTreeSet::new();
    for (_, scenario) in vectors() {
        for step in &scenario.steps {
            if let Action::Upload(upload) = &step.action {
                let name = upload.code.as_deref().and_then(|code| code.strip_prefix("hostile/"));
                used.extend(name.map(str::to_string));
            }
        }
    }
    let present: BTreeSet<String> = files(&folder().join("hostile"), "wat")
        .iter()
        .map(|path| path.file_name().expect("a file's name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(used, present, "contracts in hostile/ and contracts that vectors upload");
    assert!(present.len() >= 53);
}

#[test]
fn every_file_of_the_folder_belongs_to_a_vector() {
    let names: BTreeSet<String> = files(&folder(), "json").iter().map(|file| stem(file)).collect();
    assert!(names.len() >= 14, "only {} vectors were found", names.len());
    for file in files(&folder(), "gas") {
        assert!(names.contains(&stem(&file)) || stem(&file) == "common", "{} has no vector", file.display());
    }
    let released = Rules::released(1).expect("version 1");
    assert_eq!(released.profiles(), [ProfileId::Seal], "a new profile needs vectors of its own");
}
