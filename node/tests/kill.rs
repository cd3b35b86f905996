//! A run that is killed at random moments, again and again, ends with the root of the run that was not, and never loses a
//! block that it has told about. `UNFORK_SEED` chooses other moments, `UNFORK_EVIDENCE=1` kills hundreds of times.
#![cfg(all(feature = "rocksdb", unix))]

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const BLOCKS: u64 = 60;
const SEED: u64 = 20_261_121;

/// xorshift64*, which needs no crate.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % end
    }
}

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// A flipper, then blocks of flips, transfers and new accounts; the rules change on the way.
fn scenario(folder: &Path) -> String {
    let code = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/fixtures/ink-5.1/flipper.wasm");
    let mut steps = format!(
        r#"{{"upload": {{"code": {code:?}, "as": "flipper", "by": "alice"}}}},
           {{"instantiate": {{"code": "flipper", "as": "switch", "by": "alice", "input": {{"constructor": "new_default"}}}}}}"#
    );
    for block in 1..BLOCKS {
        let stranger = format!("0x{block:064x}");
        write!(
            steps,
            r#", {{"block": {{}}}}
               , {{"call": {{"to": "switch", "by": "alice", "input": {{"message": "flip"}}}}, "repeat": {}}}
               , {{"transfer": {{"from": "bob", "to": "{stranger}", "value": {block}}}}}"#,
            1 + block % 3
        )
        .expect("a string takes text");
    }
    let text = format!(
        r#"{{"name": "kill", "chain": {{"accounts": {{"alice": 1, "bob": 1000000}}, "versions":
             [{{"from": 0, "version": 1}}, {{"from": 30, "version": 2, "schedule": {{"event_base": 1500}}}}]}},
            "steps": [{steps}]}}"#
    );
    let file = folder.join("kill.json");
    std::fs::write(&file, text).expect("written");
    file.to_str().expect("a path").to_string()
}

fn unfork(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unfork"));
    command.args(arguments);
    command
}

fn last_line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}{errors}");
    text.lines().last().unwrap_or_default().to_string()
}

/// Starts a run and kills it a moment after it has told of `height`. Gives the height it told of last; none when it came
/// to its end.
fn run_until(scenario: &str, db: &str, height: u64, moment: Duration) -> Option<u64> {
    let mut child = unfork(&["run", "--json", scenario, "--db", db])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut told = 0;
    while told < height {
        let Some(line) = lines.next() else { break };
        let line: serde_json::Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        // The summary is no block, and the last line.
        let Some(block) = line["block"].as_u64() else { break };
        told = block;
    }
    std::thread::sleep(moment);
    child.kill().expect("killed");
    // What it had written until then counts as told.
    for line in lines.map_while(Result::ok) {
        let line: Option<serde_json::Value> = serde_json::from_str(&line).ok();
        told = line.and_then(|line| line["block"].as_u64()).unwrap_or(told);
    }
    let ended = child.wait().expect("ended");
    (!ended.success()).then_some(told)
}

fn head(db: &str) -> u64 {
    let state = unfork(&["state", "head", "--json", "--db", db]).output().expect("the binary starts");
    let state: serde_json::Value = serde_json::from_str(&last_line(&state)).expect("JSON");
    state["height"].as_u64().expect("a height")
}

#[test]
fn killed_at_random_moments_a_run_loses_no_block_and_ends_with_the_same_root() {
    let seed = number("UNFORK_SEED", SEED);
    let chains = if number("UNFORK_EVIDENCE", 0) == 1 { 40 } else { 1 };
    let mut random = Random(seed | 1);
    let (mut chain, mut kills) = (0, 0);
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = scenario(folder.path());
    let undisturbed = last_line(&unfork(&["run", "-q", &scenario]).output().expect("the binary starts"));
    assert!(undisturbed.starts_with(&format!("executed {BLOCKS} blocks")), "{undisturbed}");
    // Where the machine stands still while the run goes on, a chain may see no kill at all; then others follow it.
    while chain < chains || (kills < 3 * chains && chain < 10 * chains) {
        let db = folder.path().join(format!("chain-{chain}"));
        let db = db.to_str().expect("a path");
        let mut reached = 0;
        // The first kill may come before there is any block.
        while reached < BLOCKS {
            let height = reached + random.below(16);
            let moment = Duration::from_micros(random.below(4_000));
            let Some(told) = run_until(&scenario, db, height, moment) else { break };
            kills += 1;
            if told > 0 {
                reached = head(db);
                assert!(reached >= told, "chain {chain}, kill {kills} of UNFORK_SEED={seed}: block {told} was lost");
            }
            reached = reached.max(height.min(told) + 1);
        }
        let resumed = last_line(&unfork(&["run", "-q", &scenario, "--db", db]).output().expect("the binary starts"));
        assert_eq!(resumed, undisturbed, "chain {chain} of UNFORK_SEED={seed}");
        let replayed = last_line(&unfork(&["replay", "--db", db]).output().expect("the binary starts"));
        assert!(replayed.contains(": 0 differences"), "chain {chain} of UNFORK_SEED={seed}: {replayed}");
        std::fs::remove_dir_all(db).expect("removed");
        chain += 1;
    }
    println!("{kills} kills on {chain} chains of {BLOCKS} blocks, UNFORK_SEED={seed}");
    assert!(kills >= 3 * chains, "only {kills} kills");
}
