//! `unfork check` reads any file, and gives a reason with code and offset for whatever it refuses.

use std::path::{Path, PathBuf};
use std::process::Command;

fn check(files: &[PathBuf]) -> (Option<i32>, Vec<serde_json::Value>) {
    check_with(&[], files)
}

fn check_with(arguments: &[&str], files: &[PathBuf]) -> (Option<i32>, Vec<serde_json::Value>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unfork"));
    let output = command.args(["check", "--json"]).args(arguments).args(files).output().expect("the binary starts");
    let lines = String::from_utf8(output.stdout).expect("text");
    let objects = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (output.status.code(), objects)
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/fixtures")
}

#[test]
fn contracts_are_accepted_with_their_facts() {
    let files =
        ["ink-5.1/flipper.wasm", "ink-5.1/erc20.wasm", "plain/counter-mvp.wasm"].map(|file| fixtures().join(file));
    let (code, objects) = check(&files);
    assert_eq!(code, Some(0), "{objects:?}");
    assert_eq!(objects.len(), files.len());
    for object in objects {
        assert_eq!(object["accepted"], true);
        assert!(object["bytes_instrumented"].as_u64() > object["bytes_uploaded"].as_u64(), "{object}");
        assert!(!object["imports"].as_array().expect("a list").is_empty(), "{object}");
    }
}

#[test]
fn whatever_is_no_contract_is_refused_with_code_and_offset() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = std::fs::read(fixtures().join("ink-5.1/flipper.wasm")).expect("a fixture");
    // A fixed linear congruential sequence: bytes that mean nothing.
    let mut state: u32 = 1;
    let random: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    })
    .take(4096)
    .collect();
    let header = [b"\0asm\x01\0\0\0".to_vec(), random.clone()].concat();
    let cases = [
        ("empty", Vec::new(), "Empty"),
        ("random", random, "NotAModule"),
        ("header", header, "Invalid"),
        ("truncated", whole[..whole.len() / 2].to_vec(), "Invalid"),
        ("text", b"(module)".to_vec(), "NotAModule"),
    ];
    for (name, bytes, expected) in cases {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("written");
        let (code, objects) = check(&[file]);
        assert_eq!(code, Some(1), "{name}: {objects:?}");
        assert_eq!(objects[0]["name"], expected, "{name}: {}", objects[0]);
        assert!(objects[0]["code"].is_u64() && objects[0]["offset"].is_u64(), "{name}: {}", objects[0]);
        assert_ne!(objects[0]["remedy"], "", "{name}");
    }
}

/// What stands between a contract and a limit is found without reading the source of this project.
#[test]
fn explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let float = folder.path().join("float.wasm");
    let text = r#"(module (import "seal0" "gas_left" (func (param i32 i32))) (func $fine) (func $half (drop (f32.const 0.5))))"#;
    std::fs::write(&float, wat::parse_str(text).expect("text")).expect("written");
    let (_, objects) = check(&[float]);
    assert_eq!(objects[0]["function"], serde_json::json!({ "index": 2, "name": "half" }), "{}", objects[0]);
    assert_eq!(objects[0]["meaning"], "A float type, constant or operator under a profile that forbids floats.");

    let contract = fixtures().join("plain/rust-default-features.wasm");
    let bytes = std::fs::metadata(&contract).expect("a fixture").len();
    let (code, objects) = check_with(&["--explain"], std::slice::from_ref(&contract));
    assert_eq!(code, Some(0), "{objects:?}");
    let limits = objects[0]["limits"].as_array().expect("a list");
    let code_bytes = limits.iter().find(|row| row["limit"] == "code_bytes_max").expect("a row");
    assert_eq!(code_bytes["found"], bytes);
    assert!(limits.iter().all(|row| row["found"].as_u64() <= row["max"].as_u64()), "{limits:?}");
    let functions = objects[0]["defined_functions"].as_array().expect("a list");
    assert!(functions.iter().any(|function| function["calls"].as_u64() > Some(0)), "{functions:?}");
    for (part, price) in [("load", bytes), ("upload", bytes), ("instance", 1), ("frame", 1)] {
        assert!(objects[0]["gas"][part].as_u64() >= Some(price), "{}", objects[0]["gas"]);
    }
    let parts = objects[0]["gas"]["loading"].as_array().expect("a list");
    let sum: u64 = parts.iter().map(|part| part["gas"].as_u64().expect("gas")).sum();
    assert_eq!(objects[0]["gas"]["load"], sum, "{parts:?}");
    assert!(parts.iter().all(|part| part["gas"].as_u64() > Some(0)), "{parts:?}");
}

/// A module is refused for a limit by `check` as by a chain.
#[test]
fn limits_hold_for_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("types.wasm");
    std::fs::write(&file, wat::parse_str(format!("(module {})", "(type (func))".repeat(2_001))).expect("text"))
        .expect("written");
    let (code, objects) = check(&[file]);
    assert_eq!(code, Some(1));
    assert_eq!(objects[0]["name"], "Types");
    assert_eq!((&objects[0]["found"], &objects[0]["limit"]), (&2_001.into(), &2_000.into()));
}

#[test]
fn instrumented_code_is_written_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (fixtures().join("ink-5.1/flipper.wasm"), folder.path().join("out.wasm"));
    let instrument = |arguments: &[&str], from: &Path, to: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unfork"));
        let output = command.arg("instrument").args(arguments).args([from, to]).output().expect("the binary starts");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, told) = instrument(&["--json"], &from, &to);
    assert_eq!(code, Some(0), "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let written = std::fs::read(&to).expect("written");
    assert_eq!(told["bytes_instrumented"], written.len());
    let rules = unfork_engine::Rules::released(1).expect("version 1");
    let profile = unfork_engine::ProfileId::Seal.for_admission(1);
    let original = std::fs::read(&from).expect("a fixture");
    let prepared = unfork_gas::admit(&original, rules.schedule(), rules.limits(), &profile).expect("admitted");
    assert_eq!(written, prepared.code());

    assert_eq!(instrument(&[], &from, &to).0, Some(2), "a file that is there is kept");
    assert_eq!(instrument(&["--force"], &from, &to).0, Some(0));
    let (code, told) = instrument(&[], &to, &folder.path().join("twice.wasm"));
    assert_eq!(code, Some(1), "prepared code is no upload: {told}");
    assert!(told.contains("ReservedName"), "{told}");
    assert!(!folder.path().join("twice.wasm").exists());
    assert_eq!(instrument(&["--protocol-version", "99"], &from, &to).0, Some(2));
}

#[test]
fn a_missing_file_does_not_hide_the_others() {
    let (code, objects) = check(&[PathBuf::from("/nowhere/at/all.wasm"), fixtures().join("ink-5.1/flipper.wasm")]);
    assert_eq!(code, Some(3));
    assert_eq!(objects.len(), 1);
}

/// Contracts of third parties are not carried; where a folder of them is named, each file gets a verdict.
#[test]
fn every_contract_of_third_parties_gets_a_verdict() {
    let Some(folder) = std::env::var_os("UNFORK_THIRD_PARTY") else {
        println!("SKIPPED: UNFORK_THIRD_PARTY names no folder");
        return;
    };
    let mut folders = vec![PathBuf::from(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "wasm") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "the folder has no .wasm file");
    files.sort();
    let (code, objects) = check(&files);
    assert!(matches!(code, Some(0 | 1)), "exit code {code:?}");
    assert_eq!(objects.len(), files.len());
    for object in objects {
        let reason = object["name"].as_str().unwrap_or("accepted");
        println!("{:<32} {}", reason, object["file"].as_str().unwrap_or_default());
    }
}
