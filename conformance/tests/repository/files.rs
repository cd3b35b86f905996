//! Fixtures are what their list says, and nothing big or of unknown origin is tracked.

use super::{read, root, tracked_files, walk};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The largest tracked file in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The lines `sum  name` of a list in the format of sha256sum.
fn sums(list: &Path) -> BTreeMap<String, String> {
    let text = read(list);
    let rows = text.lines().map(|line| line.split_once("  ").unwrap_or_else(|| panic!("{}: {line}", list.display())));
    let sums: BTreeMap<_, _> = rows.map(|(sum, name)| (name.to_string(), sum.to_string())).collect();
    assert_eq!(sums.len(), text.lines().count(), "{} names a file twice", list.display());
    sums
}

fn sha256(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn fixtures_are_what_their_list_says() {
    let folder = root().join("contracts/fixtures");
    let listed = sums(&folder.join("SHA256SUMS"));
    let mut present = BTreeMap::new();
    walk(&folder, &mut |path| {
        let name = path.strip_prefix(&folder).expect("walked from the folder").to_string_lossy().into_owned();
        if name != "SHA256SUMS" && name != "README.md" {
            present.insert(name, sha256(path));
        }
    });
    assert_eq!(listed, present);
}

#[test]
fn contracts_are_what_their_lists_say() {
    for folder in ["contracts/ink", "contracts/samples"] {
        let folder = root().join(folder);
        let mut present = BTreeMap::new();
        walk(&folder, &mut |path| {
            let name = path.strip_prefix(&folder).expect("walked from the folder").to_string_lossy().into_owned();
            // Cargo's own folder, where somebody has built them, is no part of the project.
            if name.ends_with(".wasm") && !name.starts_with("target/") {
                present.insert(name, sha256(path));
            }
        });
        assert_eq!(sums(&folder.join("SHA256SUMS")), present);
    }
}

#[test]
fn every_binary_contract_has_a_recorded_sum() {
    let tracked = tracked_files();
    let lists = tracked.iter().filter(|name| name.ends_with("SHA256SUMS"));
    let mut recorded = BTreeSet::new();
    for list in lists {
        let folder = list.strip_suffix("SHA256SUMS").expect("filtered by it");
        recorded.extend(sums(&root().join(list)).into_keys().map(|name| format!("{folder}{name}")));
    }
    // Fuzzing makes its own inputs; they come from nobody.
    let binaries = tracked.iter().filter(|name| name.ends_with(".wasm") && !name.starts_with("fuzz/corpus/"));
    let unknown: Vec<_> = binaries.filter(|name| !recorded.contains(*name)).collect();
    assert!(unknown.is_empty(), "without a line in a SHA256SUMS above them: {unknown:?}");
}

#[test]
fn no_tracked_file_is_big() {
    let tracked = tracked_files();
    assert!(tracked.iter().any(|name| name == "Cargo.toml"), "the list of tracked files is not that of the workspace");
    for name in tracked {
        // A file that is deleted but still tracked is the business of the commit that deletes it.
        let Ok(data) = std::fs::symlink_metadata(root().join(&name)) else { continue };
        assert!(data.len() <= FILE_BYTES_MAX, "{name} has {} bytes, at most {FILE_BYTES_MAX} are tracked", data.len());
    }
}

#[test]
fn hostile_contracts_assemble_and_explain_themselves() {
    let folder = root().join("conformance/vectors/hostile");
    let mut count = 0;
    walk(&folder, &mut |path| {
        let text = read(path);
        assert!(text.starts_with(";; "), "{} does not begin with a sentence saying what it does", path.display());
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        count += 1;
    });
    assert!(count >= 50, "only {count} hostile contracts were found");
}

#[test]
fn changelog_has_its_consensus_heading() {
    let text = read(&root().join("CHANGELOG.md"));
    let unreleased = text.split("\n## ").find(|part| part.starts_with("Unreleased")).expect("an Unreleased heading");
    assert!(unreleased.contains("\n### Consensus\n"), "CHANGELOG.md has no Consensus heading under Unreleased");
}

#[test]
fn both_licences_are_there() {
    for (name, sentence) in [("LICENSE-APACHE", "Version 2.0, January 2004"), ("LICENSE-MIT", "MIT License")] {
        assert!(read(&root().join(name)).contains(sentence), "{name} is not what its name says");
    }
}
