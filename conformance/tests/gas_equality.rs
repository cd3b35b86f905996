//! Prepared code on the executor against the reference meter on the original module: the same host calls with the same
//! gas and stack, the same end, the same gas, the same memory, globals and tables, under ample and under scarce budgets.
//!
//! `UNFORK_SEED` chooses another slice, `UNFORK_INPUTS=n` only n modules, `UNFORK_EVIDENCE=1` compares 200,000.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "nothing here is consensus: an overflow is a finding like any other"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use unfork_conformance::generators::random::Random;
use unfork_conformance::reference::equality::{
    Generated, INSTRUMENTED_PRICES, Observed, Subject, difference, generate, scarce,
};
use unfork_conformance::reference::host::Host;
use unfork_conformance::reference::{Budget, End, Kind, Mistake, Module, Report, Run, Value};
use unfork_gas::{LIMITS_V1, Schedule, V1};

const SEED: u64 = 20_261_121;
/// Modules of the slice that every test run takes, and of the full run, in which some are refused.
const SLICE: u64 = 3_000;
const EVIDENCE: u64 = 205_000;
/// How many modules the full run compares at least.
const EVIDENCE_COMPARED: u64 = 200_000;

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// What was seen over a whole run.
#[derive(Default)]
struct Counts {
    modules: u64,
    runs: u64,
    host_calls: u64,
    checkpoints: u64,
    ends: BTreeMap<String, u64>,
    refused: BTreeMap<String, u64>,
    executed: BTreeMap<Kind, u64>,
}

impl Counts {
    fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.host_calls += report.events.len() as u64;
        self.checkpoints += report.checkpoints.len() as u64;
        let name = match &report.end {
            End::Returned(_) => "Returned".into(),
            other => format!("{other:?}"),
        };
        *self.ends.entry(name).or_default() += 1;
        for (kind, count) in Kind::ALL.iter().zip(&report.executed) {
            *self.executed.entry(*kind).or_default() += count;
        }
    }

    /// Modules that were not refused.
    fn compared(&self) -> u64 {
        self.modules - self.refused.values().sum::<u64>()
    }

    fn print(&self, title: &str) {
        let Counts { modules, runs, host_calls, checkpoints, .. } = self;
        let compared = self.compared();
        println!(
            "{title}: {modules} modules, of which {compared} compared, {runs} runs, {host_calls} host calls, {checkpoints} checkpoints"
        );
        println!("  ends: {:?}", self.ends);
        println!("  refused: {:?}", self.refused);
    }

    /// How often each operator was executed; the names of those that never were.
    fn coverage(&self) -> Vec<&'static str> {
        for row in Kind::ALL.chunks(5) {
            let cells = row.iter().map(|kind| format!("{:>20} {:<11}", kind.name(), self.count(*kind)));
            println!("{}", cells.collect::<String>().trim_end());
        }
        Kind::ALL.iter().filter(|kind| self.count(**kind) == 0).map(|kind| kind.name()).collect()
    }

    fn count(&self, kind: Kind) -> u64 {
        self.executed.get(&kind).copied().unwrap_or(0)
    }
}

/// A generated module with the budget for its first run, and numbers for the others.
fn generated(seed: u64) -> Option<(Generated, Budget, Random)> {
    let generated = generate(seed)?;
    let mut random = Random::new(!seed);
    let stacks = [100, 400, 2_000, generated.subject.limits.stack_budget];
    let stack = stacks[usize::try_from(random.next_number() % 4).expect("small")];
    let ample = Budget { gas: 2_000 + random.next_number() % 30_000, stack };
    Some((generated, ample, random))
}

/// Names a module, and keeps it, when anything panics while it is compared: the executor too may be what fails.
struct Finding<'a> {
    what: &'a str,
    code: &'a [u8],
}

impl Drop for Finding<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let file = std::env::temp_dir().join("gas-equality.wasm");
            let kept = std::fs::write(&file, self.code);
            eprintln!("a finding in {}; the module is in {} ({kept:?})", self.what, file.display());
        }
    }
}

/// Compares a module under an ample budget and under scarce ones around its checkpoints and its depth.
fn compare(subject: &Subject, ample: Budget, random: &mut Random, what: &str, counts: &mut Counts) {
    counts.modules += 1;
    let _finding = Finding { what, code: &subject.code };
    let ready = match subject.prepare() {
        Ok(ready) => ready,
        Err(refusal) => {
            *counts.refused.entry(format!("{:?}", refusal.code)).or_default() += 1;
            return;
        }
    };
    let module = subject.module(&subject.schedule);
    let mut check = |budget: Budget| {
        let reference = subject.reference(&module, &subject.schedule, None, budget);
        let observed = subject.prepared(&ready, budget);
        counts.add(&reference.call);
        if let Some(difference) = difference(&reference, &observed) {
            panic!("{budget:?}: {difference}\nprices {:?}", subject.schedule);
        }
        reference.call
    };
    let first = check(ample);
    for budget in scarce(&first, ample, random) {
        check(budget);
    }
}

#[test]
fn generated_modules() {
    let seed = number("UNFORK_SEED", SEED);
    let count = number("UNFORK_INPUTS", if number("UNFORK_EVIDENCE", 0) == 1 { EVIDENCE } else { SLICE });
    let mut counts = Counts::default();
    let mut mutated = 0;
    for seed in (0..count).map(|number| seed.wrapping_add(number)) {
        let Some((Generated { subject, mutated: changed }, ample, mut random)) = generated(seed) else { continue };
        mutated += u64::from(changed);
        compare(&subject, ample, &mut random, &format!("UNFORK_SEED={seed} UNFORK_INPUTS=1"), &mut counts);
    }
    counts.print(&format!("generated from UNFORK_SEED={seed}, {mutated} changed"));
    let missing = counts.coverage();
    assert!(count < EVIDENCE || counts.compared() >= EVIDENCE_COMPARED, "compared {}", counts.compared());
    if count >= SLICE {
        assert!(missing.is_empty(), "never executed: {missing:?}");
    }
}

/// The entries of the contracts that the repository keeps, by folder; a contract has some of them.
const KEPT: [(&str, &[&str]); 4] = [
    ("kernels", &["run"]),
    ("plain", &["call", "deploy"]),
    ("ink-5.1", &["call", "deploy"]),
    ("cosmwasm", &["instantiate", "execute", "query", "allocate"]),
];

fn wasm_files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a readable folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    files.sort();
    assert!(!files.is_empty(), "{} has no contracts", folder.display());
    files
}

/// The kernels and contracts that the repository keeps, each from its entries. The host answers every call with zeros in
/// one run and with any numbers in the other, so what is run is real code, but not a real call.
#[test]
fn kept_contracts() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("contracts/fixtures");
    let mut counts = Counts::default();
    for (folder, entries) in KEPT {
        for file in wasm_files(&fixtures.join(folder)) {
            let code = std::fs::read(&file).expect("a readable file");
            let module = Module::decode(&code, &V1, &LIMITS_V1);
            let entries = entries.iter().filter_map(|entry| Some((*entry, module.entry(entry)?)));
            let entries: Vec<_> = entries.collect();
            assert!(!entries.is_empty(), "{} has no entry", file.display());
            for ((entry, of_type), seed) in entries.iter().flat_map(|entry| [(entry, 0), (entry, 7)]) {
                let subject = Subject {
                    code: code.clone(),
                    entry: (*entry).into(),
                    arguments: vec![Value::I32(20); of_type.params().len()],
                    schedule: V1,
                    limits: LIMITS_V1,
                    host: Host { seed },
                };
                let what = format!("{}: {entry}, host {seed}", file.display());
                let ample = Budget { gas: 3_000_000, stack: LIMITS_V1.stack_budget };
                compare(&subject, ample, &mut Random::new(seed), &what, &mut counts);
            }
        }
    }
    counts.print("kept contracts");
    assert_eq!(counts.refused, BTreeMap::new(), "what the repository keeps is admitted");
}

/// Something to get wrong on purpose: a rule, or a price.
#[derive(Clone, Copy)]
enum Planted {
    Rule(Mistake),
    Price(&'static str),
}

impl Planted {
    fn all() -> Vec<Planted> {
        let prices = V1.fields().take(INSTRUMENTED_PRICES).map(|(name, _)| Planted::Price(name));
        Mistake::ALL.iter().copied().map(Planted::Rule).chain(prices).collect()
    }

    fn name(self) -> String {
        match self {
            Planted::Rule(mistake) => format!("{mistake:?}"),
            Planted::Price(name) => name.into(),
        }
    }

    /// Prices with this mistake in them.
    fn schedule(self, right: &Schedule) -> Schedule {
        let mut schedule = right.clone();
        if let Planted::Price(name) = self {
            let price = right.fields().find(|(other, _)| *other == name).expect("a price").1;
            // The threshold is no price of anything; move it by more than one.
            let wrong = if name == "return_check_above" { price * 2 + 50 } else { price + 1 };
            assert!(schedule.set(name, wrong));
        }
        schedule
    }

    fn mistake(self) -> Option<Mistake> {
        match self {
            Planted::Rule(mistake) => Some(mistake),
            Planted::Price(_) => None,
        }
    }

    /// Whether the reference meter with this mistake differs from the prepared code in one of the runs.
    fn is_noticed(self, subject: &Subject, runs: &[(Budget, Run<Observed>)]) -> bool {
        let schedule = self.schedule(&subject.schedule);
        let module = subject.module(&schedule);
        runs.iter().any(|(budget, observed)| {
            let reference = subject.reference(&module, &schedule, self.mistake(), *budget);
            difference(&reference, observed).is_some()
        })
    }
}

/// Each rule and each price, got wrong in the reference meter, is noticed on a generated module.
#[test]
fn planted_mistakes_are_noticed() {
    let seed = number("UNFORK_SEED", SEED);
    let mut unnoticed = Planted::all();
    for number in 0..SLICE {
        let Some((Generated { subject, .. }, ample, mut random)) = generated(seed.wrapping_add(number)) else {
            continue;
        };
        let Ok(ready) = subject.prepare() else { continue };
        let module = subject.module(&subject.schedule);
        let first = subject.reference(&module, &subject.schedule, None, ample);
        let budgets = std::iter::once(ample).chain(scarce(&first.call, ample, &mut random));
        let runs: Vec<_> = budgets.map(|budget| (budget, subject.prepared(&ready, budget))).collect();
        unnoticed.retain(|planted| {
            let noticed = planted.is_noticed(&subject, &runs);
            if noticed {
                println!("{:>28}: noticed on module {number}", planted.name());
            }
            !noticed
        });
        if unnoticed.is_empty() {
            return;
        }
    }
    let names: Vec<String> = unnoticed.into_iter().map(Planted::name).collect();
    panic!("not noticed on {SLICE} modules from UNFORK_SEED={seed}: {names:?}");
}
