//! Settings of the workspace that results depend on.

use super::{read, root};
use std::collections::BTreeMap;

/// The sections of a manifest, each with its `key = value` lines; enough for the plain tables of ours.
fn manifest(name: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut section = String::new();
    for line in read(&root().join(name)).lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = header.to_string();
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            let (key, value) = (key.trim().to_string(), value.trim().to_string());
            sections.entry(section.clone()).or_default().insert(key, value);
        }
    }
    sections
}

#[test]
fn every_profile_builds_the_interpreter_alike() {
    // Its dispatch needs jumps, which the compiler makes of its calls at this level, in the interpreter and in the crate
    // that runs it (docs/decisions/0002).
    let manifest = manifest("Cargo.toml");
    for profile in ["release", "dev"] {
        assert_eq!(manifest[&format!("profile.{profile}")]["opt-level"], "3", "[profile.{profile}]");
        for part in ["wasmi", "wasmi_core", "wasmi_ir", "wasmi_collections"] {
            let section = format!("profile.{profile}.package.{part}");
            assert_eq!(manifest[&section]["overflow-checks"], "false", "[{section}]");
        }
    }
    for (section, keys) in &manifest {
        let Some(profile) = section.strip_prefix("profile.") else { continue };
        assert!(keys.get("opt-level").is_none_or(|level| level == "3"), "[{section}] has another level");
        let base = keys.get("inherits").map(|base| base.trim_matches('"'));
        let own = profile.contains('.') || ["release", "dev"].contains(&profile);
        assert!(own || base == Some("release"), "[{section}] must inherit release");
    }
}

#[test]
fn release_checks_arithmetic() {
    assert_eq!(manifest("Cargo.toml")["profile.release"]["overflow-checks"], "true");
}

#[test]
fn other_workspaces_build_as_releases_do() {
    for folder in ["", "benches/peers/", "benches/peers/call/", "benches/peers/floats/", "conformance/outside/"] {
        let name = format!("{folder}Cargo.toml");
        let release = &manifest(&name)["profile.release"];
        let keys = ["opt-level", "codegen-units", "lto"].map(|key| release[key].as_str());
        assert_eq!(keys, ["3", "1", "\"fat\""], "{name}");
    }
}

#[test]
fn the_interpreter_has_the_features_of_the_decision() {
    let manifest = manifest("Cargo.toml");
    let wasmi = &manifest["workspace.dependencies"]["wasmi"];
    for part in ["default-features = false", "\"deterministic\"", "\"auto-dispatch\"", "\"validate\""] {
        assert!(wasmi.contains(part), "wasmi is required without {part}: {wasmi}");
    }
}

#[test]
fn every_package_takes_the_workspace_lints() {
    let mut missing = Vec::new();
    for package in ["gas", "state", "state/proof", "engine", "testkit", "conformance", "benches"] {
        let manifest = manifest(&format!("{package}/Cargo.toml"));
        if manifest.get("lints").and_then(|lints| lints.get("workspace")).map(String::as_str) != Some("true") {
            missing.push(package);
        }
    }
    assert!(missing.is_empty(), "without `[lints] workspace = true`: {missing:?}");
}
