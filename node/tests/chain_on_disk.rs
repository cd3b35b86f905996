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

    // The run has ended cleanly: the next process need not read all values, nor replay a block.
    let stats = unfork(&["state", "stats", "--json", "--db", whole.db().to_str().expect("a path")]);
    assert!(text(&stats).contains(r#""tree_from":"the checkpoint begun after block 13""#), "{}", text(&stats));

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
    let verified = unfork(&["state", "verify", "--db", chain.db().to_str().expect("a path")]);
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
    let db = db.to_str().expect("a path");
    let state = |command: &str, more: &[&str]| unfork(&[&["state", command, "--json", "--db", db], more].concat());
    let object = |output: &Output| -> serde_json::Value {
        assert_eq!(output.status.code(), Some(0), "{}", text(output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let head = object(&state("head", &[]));
    assert_eq!(head["height"], 13);
    let stats = object(&state("stats", &[]));
    assert_eq!(stats["keys"], head["keys"]);
    // What docs/embedding.md says: 1 GiB, 64 MiB, 64 MiB and 448 MiB; only what the files need has no bound.
    let max = |part: &str| stats["memory"][part]["max"].as_u64().map(|bytes| bytes >> 20);
    let parts = ["tree", "values", "database blocks", "database buffers", "database filters and indices"];
    assert_eq!(parts.map(max), [Some(1024), Some(64), Some(64), Some(448), None]);
    assert_eq!(stats["memory"]["tree"]["used"], stats["tree_bytes"]);
    let used = parts.map(|part| stats["memory"][part]["used"].as_u64().expect("a number"));
    assert!(used[0] > 0 && used[3] > 0, "{used:?}");
    let contracts = object(&state("contracts", &[]));
    let contracts = contracts["contracts"].as_array().expect("a list").clone();
    assert_eq!(contracts.len(), 2);
    let mut items = 0;
    for contract in &contracts {
        let address = contract["address"].as_str().expect("an address");
        let storage = object(&state("scan", &["--contract", address]));
        let storage = storage["storage"].as_array().expect("a list").clone();
        assert_eq!(contract["items"], storage.len());
        items += storage.len();
        let backward = object(&state("scan", &["--contract", address, "--backward", "--limit", "1"]));
        assert_eq!(backward["storage"][0], storage[storage.len() - 1]);
        let key = storage[0]["key"].as_str().expect("a key");
        let value = object(&state("get", &[key, "--contract", address]));
        assert_eq!(value["values"][0]["value"], storage[0]["value"]);
        let proof = state("prove", &[key, "0xabcdef", "--contract", address]);
        check_proof_file(&proof.stdout, head["root"].as_str().expect("a root"));
        let proof = object(&proof);
        assert_eq!((&proof["root"], proof["claims"].as_array().expect("a list").len()), (&head["root"], 2));
        assert!(proof["claims"].as_array().expect("a list").iter().any(|claim| claim["value"].is_null()));
    }
    assert_eq!(items, 6);
    assert_eq!(object(&state("verify", &[]))["verified"], true);
    let wrong = state("scan", &["--contract", "0x12"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));
    let missing = unfork(&["state", "head", "--db", "/nowhere/at/all"]);
    assert_eq!(missing.status.code(), Some(3), "{}", text(&missing));
}

/// The proof that was printed holds, and does not once a value is another one.
fn check_proof_file(printed: &[u8], root: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("proof.json");
    let verify = |bytes: &[u8], root: &str| {
        std::fs::write(&file, bytes).expect("written");
        unfork(&["state", "verify-proof", "--root", root, file.to_str().expect("a path")])
    };
    assert!(last_line(&verify(printed, root), 0).starts_with("holds for 2 keys under "));
    assert!(last_line(&verify(printed, &root.replace('1', "2")), 1).contains("does not lead to the root"));
    let text = String::from_utf8(printed.to_vec()).expect("text");
    let absent = text.replacen("null", "\"0x00\"", 1);
    assert!(last_line(&verify(absent.as_bytes(), root), 1).starts_with("does not hold under "));
    assert_eq!(verify(b"{}", root).status.code(), Some(2));
}

#[test]
fn a_state_is_exported_and_imported_and_the_copy_goes_on() {
    let chain = Chain::new();
    last_line(&chain.run(&chain.scenario(usize::MAX, "")), 0);
    let db = chain.db();
    let folder = tempfile::tempdir().expect("a folder");
    let (files, copy) = (folder.path().join("files"), folder.path().join("copy"));
    let path = |path: &std::path::Path| path.to_str().expect("a path").to_string();
    let export = ["state", "export", "--json", "--chunk-bytes", "2000", "--db", &path(&db), "--to", &path(&files)];
    let exported = unfork(&export);
    assert_eq!(exported.status.code(), Some(0), "{}", text(&exported));
    let exported: serde_json::Value = serde_json::from_slice(&exported.stdout).expect("JSON");
    assert!(exported["chunks"].as_u64().expect("a number") > 4, "{exported}");
    let block = exported["id"].as_str().expect("an id");
    let import =
        |block: &str| unfork(&["state", "import", "--from", &path(&files), "--db", &path(&copy), "--block", block]);
    let other = block.replace('1', "2");
    assert_eq!(import(&other).status.code(), Some(2));
    // A chunk that is damaged is refused by its name; the others stay.
    let chunk = std::fs::read_dir(&files).expect("files").map(|entry| entry.expect("a file").path());
    let chunk = chunk.filter(|path| path.file_name().is_some_and(|name| name.len() == 6)).max().expect("a chunk");
    let good = std::fs::read(&chunk).expect("read");
    let mut bad = good.clone();
    bad[20] ^= 1;
    std::fs::write(&chunk, &bad).expect("written");
    let refused = import(block);
    assert!(text(&refused).starts_with(&format!("REFUSED {}: ", path(&chunk))), "{}", text(&refused));
    last_line(&refused, 1);
    assert!(copy.join("import").join("manifest").exists());
    // Now only that one is read.
    for entry in std::fs::read_dir(&files).expect("files").map(|entry| entry.expect("a file").path()) {
        if entry != chunk && entry.file_name().is_some_and(|name| name.len() == 6) {
            std::fs::remove_file(entry).expect("removed");
        }
    }
    std::fs::write(&chunk, &good).expect("written");
    let imported = last_line(&import(block), 0);
    assert_eq!(imported, format!("imported height 13, root {}", exported["root"].as_str().expect("a root")));
    let head = |db: &std::path::Path| text(&unfork(&["state", "head", "--db", &path(db)]));
    assert_eq!(head(&copy), head(&db));
    let verified = unfork(&["state", "verify", "--db", &path(&copy)]);
    assert!(last_line(&verified, 0).starts_with("verified 1 blocks"), "{}", text(&verified));
    // Replaying needs what was before the snapshot, and says so.
    let replayed = unfork(&["replay", "--db", &path(&copy)]);
    assert_ne!(replayed.status.code(), Some(0), "{}", text(&replayed));
}

#[test]
fn two_processes_cannot_have_one_chain_open_and_a_third_may_look() {
    let chain = Chain::new();
    let scenario = chain.scenario(usize::MAX, "");
    let executed = last_line(&chain.run(&chain.scenario(5, "")), 0);
    let db = chain.db();
    let chain_id = unfork_state::Store::stored_chain_id(&db).expect("a store");
    let held = unfork_state::Store::open(&db, chain_id).expect("nobody has it");
    let state = |command: &[&str]| {
        unfork(&[&["state", command[0], "--db", db.to_str().expect("a path")], &command[1..]].concat())
    };
    for refused in [chain.run(&scenario), state(&["rollback", "--to", "0"]), state(&["prune", "--before", "1"])] {
        assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
        assert!(text(&refused).contains("is open in another process; stop that process first"), "{}", text(&refused));
    }
    assert!(text(&state(&["head"])).contains(root_of(&executed)));
    drop(held);
    last_line(&chain.run(&scenario), 0);
}

#[test]
fn states_are_pruned_and_blocks_rolled_back() {
    let chain = Chain::new();
    let scenario = chain.scenario(usize::MAX, "");
    let executed = last_line(&chain.run(&scenario), 0);
    let db = chain.db();
    let state = |command: &str, more: &[&str]| {
        unfork(&[&["state", command, "--db", db.to_str().expect("a path")], more].concat())
    };
    assert_eq!(last_line(&state("prune", &["--before", "4"]), 0), "states from height 4 to 13 can be read");
    let refused = state("rollback", &["--to", "2"]);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    assert!(last_line(&state("rollback", &["--to", "7"]), 0).starts_with("rolled back from height 13 to 7, root 0x"));
    assert!(last_line(&state("verify", &[]), 0).starts_with("verified 8 blocks"));
    // What was taken back is executed again.
    assert_eq!(last_line(&chain.run(&scenario), 0), executed);
}
