//! Prepared code on the executor against the reference meter on the original module: the same host calls with the same
//! gas and stack, the same end, the same gas, the same memory, globals and tables, under ample and under scarce budgets.
//!
//! `UNFORK_SEED` chooses another slice, `UNFORK_INPUTS=n` only n modules, `UNFORK_EVIDENCE=1` runs 200,000.

use std::collections::BTreeMap;
use unfork_conformance::generators::random::Random;
use unfork_conformance::reference::equality::{Budget, Generated, Subject, difference, generate};
use unfork_conformance::reference::{End, Kind, Report};

const SEED: u64 = 20_261_121;
/// Modules of the slice that every test run takes, and of the full run.
const SLICE: u64 = 3_000;
const EVIDENCE: u64 = 200_000;

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

    fn print(&self, title: &str) {
        let Counts { modules, runs, host_calls, checkpoints, .. } = self;
        println!("{title}: {modules} modules, {runs} runs, {host_calls} host calls, {checkpoints} checkpoints");
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

/// Compares a module under an ample budget and under scarce ones around its checkpoints and its depth.
fn compare(subject: &Subject, ample: Budget, random: &mut Random, what: &str, counts: &mut Counts) {
    counts.modules += 1;
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
        counts.add(&reference);
        if let Some(difference) = difference(&reference, &observed) {
            let file = std::env::temp_dir().join("gas-equality.wasm");
            std::fs::write(&file, &subject.code).expect("a writable folder");
            panic!("{what}, {budget:?}: {difference}\nmodule in {}, prices {:?}", file.display(), subject.schedule);
        }
        reference
    };
    let first = check(ample);
    for budget in scarce(&first, ample, random) {
        check(budget);
    }
}

/// Budgets that a run just meets or just misses.
fn scarce(first: &Report, ample: Budget, random: &mut Random) -> Vec<Budget> {
    let mut below = |bound: u64| random.next_number() % bound.max(1);
    let mut gas = vec![first.gas, first.gas.saturating_sub(1), below(first.gas)];
    for _ in 0..2 {
        let place = usize::try_from(below(first.checkpoints.len() as u64)).expect("a place");
        let checkpoint = first.checkpoints.get(place).copied().unwrap_or(0);
        gas.extend([checkpoint, checkpoint.saturating_sub(1)]);
    }
    let mut stack = vec![first.stack_taken];
    if first.stack_taken > 0 {
        stack.extend([first.stack_taken - 1, below(first.stack_taken)]);
    }
    let gas = gas.into_iter().map(|gas| Budget { gas: gas.min(ample.gas), ..ample });
    gas.chain(stack.into_iter().map(|stack| Budget { stack, ..ample })).collect()
}

#[test]
fn generated_modules() {
    let seed = number("UNFORK_SEED", SEED);
    let count = number("UNFORK_INPUTS", if number("UNFORK_EVIDENCE", 0) == 1 { EVIDENCE } else { SLICE });
    let mut counts = Counts::default();
    let mut mutated = 0;
    for seed in (0..count).map(|number| seed.wrapping_add(number)) {
        let Some(generated) = generate(seed) else { continue };
        let Generated { subject, mutated: changed } = &generated;
        mutated += u64::from(*changed);
        let mut random = Random::new(!seed);
        let stack = [100, 400, 2_000, subject.limits.stack_budget][random.next_number() as usize % 4];
        let ample = Budget { gas: 2_000 + random.next_number() % 30_000, stack };
        compare(subject, ample, &mut random, &format!("UNFORK_SEED={seed} UNFORK_INPUTS=1"), &mut counts);
    }
    counts.print(&format!("generated from UNFORK_SEED={seed}, {mutated} changed"));
    let missing = counts.coverage();
    println!("never executed: {missing:?}");
}
