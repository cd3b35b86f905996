use super::super::{load, parse};
use super::*;
use std::path::Path;

const HEAD: &str = r#""name":"t","chain":{"accounts":{"alice":"1000","bob":"0"},"gas":"10_000_000"}"#;

fn run_text(steps: &str) -> Result<Summary, RunError> {
    let scenario = parse(&format!("{{{HEAD},\"steps\":[{steps}]}}"), Path::new("t.json")).expect("a scenario");
    run_in_memory(&scenario, &Engine::new().expect("an engine"), Watch::Nothing, &mut |_| {})
}

fn failures(steps: &str) -> Vec<String> {
    run_text(steps).expect("runs").failures.iter().map(ToString::to_string).collect()
}

#[test]
fn the_flipper_scenario_meets_its_expectations_and_repeats_exactly() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/flipper.json");
    let scenario = load(&file).expect("a scenario");
    let engine = Engine::new().expect("an engine");
    let first = run_in_memory(&scenario, &engine, Watch::Nothing, &mut |_| {}).expect("runs");
    assert_eq!(first.failures, []);
    assert!(first.expectations >= 6, "{first:?}");
    engine.clear_cache();
    let second = run_in_memory(&scenario, &engine, Watch::Gas, &mut |_| {}).expect("runs");
    assert_eq!(first, second, "neither a cold cache nor a trace changes anything");
}

#[test]
fn balances_heights_and_gas_are_compared() {
    let steps = r#"{"transfer":{"from":"alice","to":"bob","value":"400"},"expect":{"status":"returned"}},
        {"block":{},"expect":{"height":1,"balances":{"alice":"600","bob":"400"}}},
        {"transfer":{"from":"bob","to":"alice","value":"401"},"expect":{"status":"refused:insufficient_balance"}},
        {"advance":{"blocks":3},"expect":{"height":5,"gas":0,"balances":{"bob":"400"}}}"#;
    assert_eq!(failures(steps), [] as [String; 0]);
}

#[test]
fn failures_name_file_line_step_field_and_both_values() {
    let steps = r#"{"transfer":{"from":"alice","to":"bob","value":"1"},"repeat":2,"expect":{"status":"reverted"}},
{"block":{},"expect":{"height":2,"balances":{"bob":"3"}}}"#;
    assert_eq!(
        failures(steps),
        [
            "t.json:1: step 1 (transfer, repetition 1): expect.status: expected reverted, found returned",
            "t.json:1: step 1 (transfer, repetition 2): expect.status: expected reverted, found returned",
            "t.json:2: step 2 (block): expect.height: expected 2, found 1",
            "t.json:2: step 2 (block): expect.balances.bob: expected 3, found 2",
        ]
    );
}

#[test]
fn what_has_no_place_in_a_block_is_left_out_and_the_next_takes_its_nonce() {
    let steps = r#"{"transfer":{"from":"alice","to":"bob","value":"1","gas":1},"expect":{"status":"invalid:gas_limit_too_low"}},
        {"transfer":{"from":"alice","to":"bob","value":"2"},"expect":{"status":"returned"}},
        {"block":{},"expect":{"balances":{"bob":"2"}}}"#;
    assert_eq!(failures(steps), [] as [String; 0]);
    let unexpected = failures(r#"{"transfer":{"from":"alice","to":"bob","value":"1","gas":1}}"#);
    assert_eq!(
        unexpected,
        ["t.json:1: step 1 (transfer): expect.status: expected a receipt, found invalid:gas_limit_too_low"]
    );
}

#[test]
fn code_that_is_not_there_is_reported_with_its_step() {
    let error = run_text(r#"{"upload":{"code":"absent.wasm","as":"c","by":"alice"}}"#).expect_err("no such file");
    assert!(error.to_string().starts_with("line 1: step 1: code: absent.wasm: "), "{error}");
    let error = run_text(r#"{"upload":{"wat":"(module","as":"c","by":"alice"}}"#).expect_err("no module");
    assert!(error.to_string().starts_with("line 1: step 1: wat: "), "{error}");
}

#[test]
fn a_full_block_is_reported() {
    let steps = r#"{"transfer":{"from":"alice","to":"bob","value":"1","gas":"20_000_000_000"},"repeat":3}"#;
    let error = run_text(steps).expect_err("60 of 50 billion gas");
    assert!(error.to_string().contains("the open block has no room for more gas, of 50000000000 at most"), "{error}");
}

#[test]
fn a_contract_goes_by_the_names_of_the_code_it_has() {
    let ink = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/ink");
    let head = format!(
        r#"{{"upload":{{"code":"{ink}/upgradeable/upgradeable.wasm","as":"one","by":"alice"}}}},
           {{"upload":{{"code":"{ink}/upgradeable-v2/upgradeable-v2.wasm","as":"two","by":"alice"}}}},
           {{"instantiate":{{"code":"one","as":"c","by":"alice","input":"new()"}}}},
           {{"call":{{"to":"c","by":"alice","input":"set_code(two)"}},"expect":{{"output":"Ok( 0_1 )"}}}},"#
    );
    let by_new_names = r#"{"call":{"to":"c","by":"alice","input":"steps"},"expect":{"output":"0"}}"#;
    assert_eq!(failures(&format!("{head}{{\"block\":{{}}}},{by_new_names}")), [] as [String; 0]);
    // In the same block the names are still those of the old one.
    let error = run_text(&format!("{head}{by_new_names}")).expect_err("no such message yet").to_string();
    assert!(error.contains("step 5: input: there is no message \"steps\"; there are: increment, "), "{error}");
    // What no code offers is noticed before anything runs.
    let steps = format!("{head}{{\"call\":{{\"to\":\"c\",\"by\":\"alice\",\"input\":\"step()\"}}}}");
    let error = parse(&format!("{{{HEAD},\"steps\":[{steps}]}}"), Path::new("t.json")).expect_err("none").to_string();
    assert!(
        error.contains("step 5 (call): call.input: there is no message \"step\"; there are: increment, "),
        "{error}"
    );
    // What can never be an answer is said to be none.
    let steps = format!(r#"{head}{{"call":{{"to":"c","by":"alice","input":"get"}},"expect":{{"output":"Ok(0)"}}}}"#);
    let unmet = failures(&steps);
    assert!(unmet.len() == 1 && unmet[0].ends_with("expected Ok(0) (\"Ok\" is no u32), found 0"), "{unmet:?}");
}

#[test]
fn a_call_by_name_says_which_file_is_not_there() {
    let steps = r#"{"upload":{"code":"absent.wasm","as":"c","by":"alice"}},
        {"instantiate":{"code":"c","as":"d","by":"alice","input":"new()"}}"#;
    let error = parse(&format!("{{{HEAD},\"steps\":[{steps}]}}"), Path::new("t.json")).expect_err("none").to_string();
    let expected = "step 2 (instantiate): instantiate.input: absent.wasm is not there, nor an interface beside it";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn more_gas_than_a_transaction_may_have_is_no_full_block() {
    let steps = r#"{"transfer":{"from":"alice","to":"bob","value":"1","gas":"18_446_744_073_709_551_615"},
        "expect":{"status":"invalid:gas_limit_too_high"}}"#;
    assert_eq!(failures(steps), [] as [String; 0]);
}
