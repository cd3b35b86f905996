//! When the host has no memory for what a contract may have, the node stops. The contract is never told −1.
//!
//! The test runs itself again under `ulimit -v`, from limits under which hardly anything works to one that is enough:
//! each run must either end with the very receipt of an unlimited one, or not end with a receipt at all.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod chain;

use chain::{Chain, GAS};
use std::process::Command;
use unfork_engine::Reason;

/// Set in the runs under a limit.
const CHILD: &str = "UNFORK_TEST_UNDER_ULIMIT";

/// Grows its memory by the pages that are left and returns what `memory.grow` answered.
const GROWS: &str = r#"(module
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (memory.grow (i32.const 63)))
    (call $return (i32.const 0) (i32.const 0) (i32.const 4))))"#;

/// What one run printed and how it ended.
fn grow() -> String {
    let mut chain = Chain::new();
    let contract = chain.deploy(wat::parse_str(GROWS).expect("it assembles"));
    // Four allocations of 4 MiB stay alive, so that the limit is met in one of the calls.
    let mut answers = Vec::new();
    let mut ballast: Vec<Vec<u8>> = Vec::new();
    for _ in 0..16 {
        let payload = unfork_engine::Payload::Call { contract: contract.clone(), value: 0, input: vec![] };
        let checked = chain.propose(vec![chain.transaction(chain::ALICE, GAS, payload)]);
        if let Some(left_out) = checked.left_out.first() {
            let Reason::Fault(fault) = &left_out.reason else { panic!("{left_out:?}") };
            return format!("fault: {fault}");
        }
        answers.push(format!("{:?} {:?}", checked.stored.receipts[0].status, checked.stored.receipts[0].output));
        let mut more = Vec::new();
        if more.try_reserve_exact(4 << 20).is_ok() {
            ballast.push(more);
        }
    }
    answers.dedup();
    answers.join(", ")
}

#[test]
fn growing_succeeds_or_the_node_stops() {
    if std::env::var_os(CHILD).is_some() {
        println!("child: {}", grow());
        return;
    }
    let expected = grow();
    assert_eq!(expected, "Returned [1, 0, 0, 0]");
    let program = std::env::current_exe().expect("the path of this test");
    let (mut same, mut faults, mut stopped) = (0, 0, 0);
    for mebibytes in (8..=160).step_by(4) {
        let script =
            format!("ulimit -v {} && exec \"$0\" --exact --nocapture --test-threads=1 \"$1\"", mebibytes << 10);
        let output = Command::new("sh")
            .args(["-c", &script])
            .arg(&program)
            .arg("growing_succeeds_or_the_node_stops")
            .env(CHILD, "1")
            .env_remove("RUST_BACKTRACE")
            .output()
            .expect("a shell");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match text.lines().find_map(|line| line.split("child: ").nth(1)) {
            Some(answer) if answer == expected => same += 1,
            Some(answer) if answer.starts_with("fault: ") && answer.contains("the host has no memory") => faults += 1,
            Some(answer) => panic!("under {mebibytes} MiB: {answer}"),
            // It ended without any receipt: an allocation elsewhere failed.
            None => stopped += 1,
        }
    }
    println!("of 39 limits: {same} with the receipt, {faults} with a fault, {stopped} without a word");
    assert!(same > 0 && faults > 0, "{same} with the receipt, {faults} with a fault, {stopped} without a word");
}
