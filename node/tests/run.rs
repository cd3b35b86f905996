//! `unfork run` says why something failed, in more detail with each `v`, and comes to the same whatever it says.

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// What the run of a scenario prints, in which calls within calls return, fail and trap.
fn run(level: &str) -> String {
    run_with((!level.is_empty()).then_some(level).as_slice())
}

fn run_with(arguments: &[&str]) -> String {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/vectors/ink-caller.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_unfork"));
    let output = command.arg("run").arg(scenario).args(arguments).output();
    let output = output.expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn each_level_tells_more_of_the_same() {
    let told = ["", "-v", "-vv", "-vvv", "-vvvv"].map(run);
    // Results, blocks and roots stand at the beginning of lines; what was watched is indented.
    let results =
        |text: &str| text.lines().filter(|line| !line.starts_with(' ')).map(str::to_string).collect::<Vec<_>>();
    for text in &told {
        assert_eq!(results(text), results(&told[0]));
    }
    assert!(told.windows(2).all(|pair| pair[0].lines().count() < pair[1].lines().count()));
    let first_with = |part: &str| told.iter().position(|text| text.contains(part));
    // What failed, with the call in which it did and the functions in which that was.
    assert_eq!(first_with("\n    call counter.add(more: 4294967295) by c -> trapped:unreachable, gas "), Some(1));
    assert_eq!(first_with("\n      in seal2.call <- function "), Some(1));
    // What did not, with its answer.
    assert_eq!(first_with("\n    call counter.add(more: 2) by c -> returned 3, gas "), Some(2));
    assert_eq!(first_with("\n    set 0x"), Some(3));
    assert_eq!(first_with("\n      input 0x"), Some(4));
    assert_eq!(first_with(" keys of the state written\n"), Some(4));
}

/// The transactions of the scenario as JSON.
fn transactions(level: &[&str]) -> Vec<Value> {
    let text = run_with(&[&["--json"], level].concat());
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.flat_map(|line| line["transactions"].as_array().cloned().unwrap_or_default()).collect()
}

#[test]
fn json_has_the_tree_of_the_same_level() {
    let told = [&[][..], &["-v"], &["-vv"], &["-vvv"], &["-vvvv"]].map(transactions);
    let without_tree = |transactions: &[Value]| {
        let mut transactions = transactions.to_vec();
        transactions.iter_mut().for_each(|transaction| transaction["tree"] = Value::Null);
        transactions
    };
    for level in &told {
        assert_eq!(without_tree(level), told[0]);
    }
    // A call in which a call ends well.
    let place = told[0].iter().position(|transaction| transaction["in_words"] == "add(more: 2) = 3").expect("a call");
    assert_eq!(told[1][place]["tree"], json!([]));
    let trees = [2, 3, 4].map(|level: usize| &told[level][place]["tree"][0]);
    for tree in trees {
        assert_eq!((&tree["what"], &tree["contract"], &tree["caller"]), (&json!("call"), &json!("c"), &json!("alice")));
        assert!(tree["gas_used"].as_u64() < told[0][place]["receipt"]["gas_used"].as_u64());
    }
    let inner = &trees[0]["inside"][0];
    assert_eq!(
        (&inner["call"], &inner["answer"], &inner["status"]),
        (&json!("add(more: 2)"), &json!("3"), &json!("returned"))
    );
    assert_eq!((&inner["contract"], &inner["caller"], &inner["inside"]), (&json!("counter"), &json!("c"), &json!([])));
    assert_eq!((&inner["input"], &inner["output"]), (&Value::Null, &Value::Null));
    let sets =
        |tree: &Value| tree["inside"].as_array().expect("a list").iter().filter(|one| one["what"] == "set").count();
    assert_eq!(trees.map(sets), [0, 1, 1]);
    let inner = trees[2]["inside"].as_array().expect("a list").iter().find(|one| one["what"] == "call");
    // The selector of `add`, the number; a result without a refusal, the number.
    let inner = inner.expect("the call");
    assert_eq!((&inner["input"], &inner["output"]), (&json!("0x4b050ea902000000"), &json!("0x0003000000")));
    // What failed says from -v on in which call, and where in it.
    let failed = told[1].iter().find(|one| one["status"] == "trapped:unreachable").expect("a trap");
    let inner = &failed["tree"][0]["inside"][0];
    assert_eq!((&inner["call"], &inner["status"]), (&json!("add(more: 4294967295)"), &json!("trapped:unreachable")));
    assert!(!inner["functions"].as_array().expect("a list").is_empty());
}
