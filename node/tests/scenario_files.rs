//! Every scenario file of the repository runs, and meets its own expectations.

use std::path::{Path, PathBuf};
use unfork::scenario::{Watch, load, run_in_memory};
use unfork_engine::Engine;

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of scenarios") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
}

#[test]
fn every_scenario_meets_its_expectations() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("node/ lies in the workspace");
    let mut files = Vec::new();
    collect(&root.join("node/demo"), &mut files);
    files.sort();
    assert!(files.iter().any(|file| file.ends_with("flipper.json")), "no scenario files were found");
    let engine = Engine::new().expect("the self-test passes");
    for file in files {
        let scenario = load(&file).unwrap_or_else(|error| panic!("{error}"));
        let summary = run_in_memory(&scenario, &engine, Watch::Nothing, &mut |_| {});
        let summary = summary.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let failures: Vec<String> = summary.failures.iter().map(ToString::to_string).collect();
        assert!(failures.is_empty(), "{}", failures.join("\n"));
        assert!(summary.expectations > 0, "{}: expects nothing", file.display());
    }
}
