//! Each case changes one thing of a good scenario and expects the error's whole text.
use super::*;

const GOOD: &str = r#"{
  "name": "good",
  "about": "every kind of step",
  "chain": {
    "accounts": { "alice": "1_000", "bob": 5 },
    "versions": [{ "from": 0, "version": 1 }, { "from": 3, "version": 2, "schedule": { "host_call_base": 2 } }]
  },
  "steps": [
    { "upload": { "code": "token.wasm", "as": "token", "by": "alice" }, "expect": { "status": "ok" } },
    { "instantiate": { "code": "token", "as": "t", "by": "alice", "input": { "constructor": "new", "args": [{ "u128": 7 }] } } },
    { "note": "twice", "repeat": 2,
      "call": { "to": "t", "by": "bob", "gas": 1000, "input": { "message": "transfer", "args": [{ "account": "alice" }, { "u128": "1" }] } },
      "expect": { "output": { "ok": { "tuple": [] } }, "events": [{ "contract": "t", "topics": ["0x00"], "data": { "u8": 1 } }] } },
    { "transfer": { "from": "alice", "to": "t", "value": 3 } },
    { "block": {}, "expect": { "height": 1, "balances": { "alice": 1, "t": 3 }, "storage": [{ "contract": "t", "key": "0x00" }] } },
    { "advance": { "blocks": 2 } }
  ]
}"#;

fn error_of(change_from: &str, change_to: &str) -> String {
    assert!(GOOD.contains(change_from), "{change_from} is not in the good scenario");
    let changed = GOOD.replacen(change_from, change_to, 1);
    parse(&changed, Path::new("a/b.json")).expect_err(change_to).to_string()
}

#[test]
fn a_good_scenario_is_read_whole() {
    let scenario = parse(GOOD, Path::new("a/b.json")).unwrap();
    assert_eq!(scenario.folder, Path::new("a"));
    let names: Vec<_> = scenario.steps.iter().map(|step| step.action.name()).collect();
    assert_eq!(names, ["upload", "instantiate", "call", "transfer", "block", "advance"]);
    assert_eq!(scenario.steps[2].repeat, 2);
    assert_eq!(scenario.steps[2].line, 11);
    assert_eq!(scenario.chain.time, Time::default());
    assert_eq!(scenario.chain.versions[1].schedule.0["host_call_base"], Integer::from(2));
}

#[test]
fn errors_name_file_line_step_and_field() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "\"name\": \"good\"",
            "\"nam\": \"good\"",
            "a/b.json:2: nam: unknown field `nam`, expected one of `name`, `about`, `chain`, `steps`",
        ),
        ("\"name\": \"good\"", "\"name\": \"\"", "a/b.json:1: name: is empty"),
        ("\"bob\": 5", "\"alice\": 5", "a/b.json:5: chain.accounts: \"alice\" appears twice"),
        ("\"bob\": 5", "\"bob\": -5", "a/b.json:1: chain.accounts.bob: -5 does not fit"),
        (
            "\"from\": 3",
            "\"from\": 0",
            "a/b.json:1: chain.versions: the first version must begin at height 0; heights and numbers of further ones must rise",
        ),
        (
            "\"gas\": 1000",
            "\"gass\": 1000",
            "a/b.json:12: step 3: call.gass: unknown field `gass`, expected one of `to`, `by`, `value`, `gas`, `input`",
        ),
        ("\"gas\": 1000", "\"gas\": -1", "a/b.json:11: step 3 (call): call.gas: -1 does not fit"),
        (
            "{ \"u128\": 7 }",
            "{ \"u8\": 700 }",
            "a/b.json:10: step 2 (instantiate): instantiate.input.args[0].u8: 700 does not fit",
        ),
        (
            "{ \"u128\": 7 }",
            "{ \"u7\": 7 }",
            "a/b.json:10: step 2: instantiate.input.args[0]: unknown variant `u7`, expected one of",
        ),
        (
            "\"account\": \"alice\"",
            "\"account\": \"carol\"",
            "a/b.json:11: step 3 (call): call.input.args[0].account: there is no account or contract \"carol\" at this point",
        ),
        (
            "\"to\": \"t\", \"by\": \"bob\"",
            "\"to\": \"u\", \"by\": \"bob\"",
            "a/b.json:11: step 3 (call): call.to: there is no account or contract \"u\" at this point",
        ),
        ("\"by\": \"bob\"", "\"by\": \"t\"", "a/b.json:11: step 3 (call): call.by: \"t\" is no account of the chain"),
        (
            "\"code\": \"token\", \"as\"",
            "\"code\": \"tokem\", \"as\"",
            "a/b.json:10: step 2 (instantiate): instantiate.code: there is no code \"tokem\" at this point",
        ),
        (
            "\"as\": \"t\"",
            "\"as\": \"alice\"",
            "a/b.json:10: step 2 (instantiate): instantiate.as: there is already an account or contract \"alice\"",
        ),
        (
            "\"as\": \"t\"",
            "\"as\": \"0xt\"",
            "a/b.json:10: step 2 (instantiate): instantiate.as: a name has 1 to 64 letters, digits, '-', '_' or '.', and does not begin with 0x",
        ),
        ("\"code\": \"token.wasm\", ", "", "a/b.json:9: step 1 (upload): give exactly one of code, wat and bytes"),
        (
            "\"block\": {}",
            "\"block\": {}, \"advance\": { \"blocks\": 1 }",
            "a/b.json:15: step 5: give exactly one of upload, instantiate, call, transfer, block and advance",
        ),
        (
            "\"block\": {}",
            "\"block\": {}, \"repeat\": 2",
            "a/b.json:15: step 5 (block): repeat must be at least 1, and stands only with call and transfer",
        ),
        (
            "\"height\": 1",
            "\"status\": \"ok\"",
            "a/b.json:15: step 5 (block): expect: status, output and events are expected of transactions",
        ),
        (
            "\"status\": \"ok\"",
            "\"height\": 1",
            "a/b.json:9: step 1 (upload): expect: root, height, balances and storage are expected of block and advance",
        ),
        (
            "{ \"u8\": 1 } }] }",
            "{ \"u8\": 256 } }] }",
            "a/b.json:11: step 3 (call): expect.events[0].data.u8: 256 does not fit",
        ),
        (
            "\"t\": 3",
            "\"u\": 3",
            "a/b.json:15: step 5 (block): expect.balances.u: there is no account or contract \"u\" at this point",
        ),
        ("\"blocks\": 2", "\"blocks\": 0", "a/b.json:16: step 6 (advance): advance.blocks: must be at least 1"),
        (
            "\"blocks\": 2",
            "\"blocks\": 4000000000",
            "a/b.json:16: step 6 (advance): a scenario has at most 1000000 transactions and blocks",
        ),
        ("\"note\": \"twice\",", "\"note\": \"twice\"", "a/b.json:11: steps[2]: expected `,` or `}`"),
    ];
    for (from, to, expected) in cases {
        let error = error_of(from, to);
        assert!(error.starts_with(expected), "{to}\n  got      {error}\n  expected {expected}");
    }
}

#[test]
fn every_truncation_is_an_error_and_no_panic() {
    for end in 0..GOOD.len() {
        assert!(parse(&GOOD[..end], Path::new("x.json")).is_err(), "cut at {end}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("{}{{\"u8\":1}}{}", "{\"ok\":".repeat(100_000), "}".repeat(100_000));
    let error = error_of("{ \"u128\": 7 }", &deep);
    assert!(error.contains("recursion limit"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let error = load(Path::new("no/such/file.json")).unwrap_err().to_string();
    assert!(error.starts_with("no/such/file.json: "), "{error}");
}
