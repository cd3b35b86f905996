//! A chain in a directory: it resumes after any cut, replays without difference, and each alteration is named.
#![cfg(feature = "rocksdb")]

#[path = "../examples/alter.rs"]
#[allow(dead_code)]
mod alter;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const DEMO: &str = include_str!("../demo/demo.json");
/// A change of rules in the middle of the chain: from block 7 on an event costs more.
const TWO_VERSIONS: &str =
    r#""versions": [{"from": 0, "version": 1}, {"from": 7, "version": 2, "schedule": {"event_base": 1500}}],"#;

struct Chain {
    folder: tempfile::TempDir,
}

impl Chain {
    fn new() -> Self {
        Chain { folder: tempfile::tempdir().expect("a folder") }
    }

    fn db(&self) -> PathBuf {
        self.folder.path().join("chain")
    }

    /// The demonstration, shortened to so many steps and with `versions` put into its chain.
    fn scenario(&self, steps: usize, versions: &str) -> PathBuf {
        let mut document: serde_json::Value = serde_json::from_str(DEMO).expect("JSON");
        document["steps"].as_array_mut().expect("steps").truncate(steps);
        // Paths of code count from the scenario's folder, which is another one here.
        for step in document["steps"].as_array_mut().expect("steps") {
            let code = step.pointer_mut("/upload/code");
            if let Some(code) = code {
                let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo").join(code.as_str().expect("a path"));
                *code = own.to_str().expect("a path").into();
            }
        }
        let text = document.to_string().replacen(r#""chain":{"#, &format!(r#""chain":{{{versions}"#), 1);
        let file = self.folder.path().join("scenario.json");
        std::fs::write(&file, text).expect("written");
        file
    }

    fn run(&self, scenario: &Path) -> Output {
        unfork(&["run", "--quiet", scenario.to_str().expect("a path"), "--db", self.db().to_str().expect("a path")])
    }

    fn replay(&self, more: &[&str]) -> Output {
        let db = self.db();
        unfork(&[&["replay", "--db", db.to_str().expect("a path")], more].concat())
    }
}

fn unfork(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_unfork")).args(arguments).output().expect("the binary starts")
}

fn text(output: &Output) -> String {
    [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat()
}

/// The last line of the output, or of the errors where there is none, after checking the exit code.
fn last_line(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", text(output));
    let shown = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    String::from_utf8_lossy(shown).lines().last().unwrap_or_default().to_string()
}

fn root_of(line: &str) -> &str {
    line.rsplit(' ').next().unwrap_or_default()
}

#[test]
fn a_chain_replays_without_difference_and_a_cut_run_goes_on() {
    let whole = Chain::new();
    let scenario = whole.scenario(usize::MAX, "");
    let executed = last_line(&whole.run(&scenario), 0);
    assert!(executed.starts_with("executed 13 blocks, 237 transactions, root 0x"), "{executed}");
    let replayed = last_line(&whole.replay(&[]), 0);
    assert_eq!(replayed, format!("replayed 13 blocks, 237 transactions: 0 differences, root {}", root_of(&executed)));
    let part = last_line(&whole.replay(&["--from", "3", "--to", "4"]), 0);
    assert!(part.starts_with("replayed 2 blocks, 42 transactions: 0 differences"), "{part}");
    let in_memory = unfork(&["run", "-q", scenario.to_str().expect("a path")]);
    assert_eq!(last_line(&in_memory, 0), executed);

    // The same blocks in three runs, the first two of which end early, after a block.
    let resumed = Chain::new();
    for steps in [5, 19, usize::MAX] {
        let line = last_line(&resumed.run(&resumed.scenario(steps, "")), 0);
        assert!(steps != usize::MAX || line == executed, "{line}");
    }
    assert_eq!(last_line(&resumed.replay(&[]), 0), replayed);
    // A shorter scenario is not what the store holds; another chain even less.
    let shorter = resumed.run(&resumed.scenario(19, ""));
    assert!(last_line(&shorter, 1).contains("the store goes on to height 13"), "{}", text(&shorter));
    let other = resumed.run(&resumed.scenario(usize::MAX, r#""time":{"genesis_ms":1,"step_ms":1000},"#));
    assert!(last_line(&other, 2).contains("is another chain than the scenario's"), "{}", text(&other));
}

#[test]
fn a_killed_run_goes_on_to_the_same_root() {
    let chain = Chain::new();
    let scenario = chain.scenario(usize::MAX, "");
    let (scenario, db) = (scenario.to_str().expect("a path"), chain.db());
    // Wherever these moments lie on this machine, the chain must go on from there.
    for milliseconds in [1, 10, 20, 40, 60, 80] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_unfork"))
            .args(["run", "-q", scenario, "--db", db.to_str().expect("a path")])
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts");
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    let executed = last_line(&chain.run(Path::new(scenario)), 0);
    let in_memory = last_line(&unfork(&["run", "-q", scenario]), 0);
    assert_eq!(executed, in_memory);
    assert!(last_line(&chain.replay(&[]), 0).contains(": 0 differences"));
}

#[test]
fn a_torn_commit_is_no_difference_and_damage_is_one() {
    let chain = Chain::new();
    last_line(&chain.run(&chain.scenario(usize::MAX, "")), 0);
    let file = chain.db().join("blocks.log");
    let whole = std::fs::read(&file).expect("the block file");
    std::fs::write(&file, [&whole[..], b"BLK1 and no more"].concat()).expect("written");
    let replayed = chain.replay(&[]);
    assert!(last_line(&replayed, 0).contains(": 0 differences"), "{}", text(&replayed));
    assert!(text(&replayed).contains("a commit that was cut off"), "{}", text(&replayed));
    std::fs::write(&file, &whole[..whole.len() - 10]).expect("written");
    let replayed = chain.replay(&[]);
    last_line(&replayed, 1);
    assert!(
        text(&replayed).starts_with("DIFFERENT block 13: the block file is damaged at byte "),
        "{}",
        text(&replayed)
    );
    // Without the key-value store there is nothing to look at, and looking must not stand in the way of rebuilding it.
    std::fs::write(&file, &whole).expect("written");
    std::fs::remove_dir_all(chain.db().join("db")).expect("removed");
    last_line(&chain.replay(&[]), 3);
    last_line(&chain.run(&chain.scenario(usize::MAX, "")), 0);
    assert!(last_line(&chain.replay(&[]), 0).contains(": 0 differences"));
}

#[test]
fn an_altered_receipt_is_named() {
    let chain = Chain::new();
    last_line(&chain.run(&chain.scenario(usize::MAX, "")), 0);
    alter::receipt(&chain.db(), 7, 13).expect("altered");
    let replayed = chain.replay(&[]);
    assert!(last_line(&replayed, 1).contains(": 1 differences"), "{}", text(&replayed));
    assert!(
        text(&replayed).starts_with("DIFFERENT block 7 transaction 13: receipt: gas_used: "),
        "{}",
        text(&replayed)
    );
    // Outside the range that is asked about it is nobody's business.
    assert!(last_line(&chain.replay(&["--from", "8"]), 0).contains(": 0 differences"));
    assert!(last_line(&chain.replay(&["--to", "6"]), 0).contains(": 0 differences"));
}

#[test]
fn an_altered_value_is_named_with_its_last_writer() {
    let chain = Chain::new();
    last_line(&chain.run(&chain.scenario(usize::MAX, "")), 0);
    // Dave's coins: the last transfer to him is the last of block 12 but the flip.
    alter::value(&chain.db(), 2).expect("altered");
    let replayed = chain.replay(&[]);
    assert!(last_line(&replayed, 1).contains(": 1 differences"), "{}", text(&replayed));
    assert!(text(&replayed).starts_with("DIFFERENT block 12 transaction 19: value of key 0x"), "{}", text(&replayed));
    assert!(text(&replayed).contains("; last written by this transaction\n"), "{}", text(&replayed));
    // As a store it is refused, and says so.
    let verified = unfork(&["state", "--verify", "--db", chain.db().to_str().expect("a path")]);
    assert!(last_line(&verified, 1).starts_with("not sound: "), "{}", text(&verified));
}

#[test]
fn rules_change_in_mid_chain_and_an_altered_price_is_named_by_its_first_block() {
    let chain = Chain::new();
    let executed = last_line(&chain.run(&chain.scenario(usize::MAX, TWO_VERSIONS)), 0);
    let replayed = last_line(&chain.replay(&[]), 0);
    assert_eq!(replayed, format!("replayed 13 blocks, 237 transactions: 0 differences, root {}", root_of(&executed)));
    let file = chain.db().join("chain.json");
    let before = std::fs::read_to_string(&file).expect("a chain file");
    let after = before.replace(r#""event_base": 1500"#, r#""event_base": 1501"#);
    assert_ne!(before, after);
    std::fs::write(&file, after).expect("written");
    let replayed = chain.replay(&[]);
    last_line(&replayed, 1);
    assert!(text(&replayed).starts_with("DIFFERENT block 7 transaction 0: receipt: gas_used: "), "{}", text(&replayed));
}

#[test]
fn state_shows_contracts_storage_and_proofs() {
    let chain = Chain::new();
    last_line(&chain.run(&chain.scenario(usize::MAX, "")), 0);
    let db = chain.db();
    let state = |more: &[&str]| unfork(&[&["state", "--json", "--db", db.to_str().expect("a path")], more].concat());
    let object = |output: &Output| -> serde_json::Value {
        assert_eq!(output.status.code(), Some(0), "{}", text(output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let head = object(&state(&[]));
    assert_eq!(head["height"], 13);
    let contracts = object(&state(&["--contracts"]));
    let contracts = contracts["contracts"].as_array().expect("a list").clone();
    assert_eq!(contracts.len(), 2);
    let mut items = 0;
    for contract in &contracts {
        let address = contract["address"].as_str().expect("an address");
        let storage = object(&state(&["--storage", address]));
        let storage = storage["storage"].as_array().expect("a list");
        assert_eq!(contract["items"], storage.len());
        items += storage.len();
        let key = storage[0]["key"].as_str().expect("a key");
        let proof = object(&state(&["--proof", key, "--contract", address]));
        assert_eq!((&proof["root"], &proof["value"]), (&head["root"], &storage[0]["value"]));
        let absent = object(&state(&["--proof", "0xabcdef", "--contract", address]));
        assert!(absent["value"].is_null());
    }
    assert_eq!(items, 6);
    assert_eq!(object(&state(&["--verify"]))["verified"], true);
    let wrong = state(&["--storage", "0x12"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));
    let missing = unfork(&["state", "--db", "/nowhere/at/all"]);
    assert_eq!(missing.status.code(), Some(3), "{}", text(&missing));
}
