//! Arrows between packages point one way: node -> engine -> {gas, state} -> proof.

use super::{output, root};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Every edge that may exist between packages of this workspace, of whatever kind. A new edge needs a page in
/// docs/decisions/.
const ALLOWED: &[(&str, &[&str])] = &[
    ("unfork-gas", &[]),
    ("unfork-proof", &[]),
    ("unfork-state", &["unfork-proof"]),
    ("unfork-engine", &["unfork-gas", "unfork-proof", "unfork-state"]),
    ("unfork-testkit", &["unfork-engine", "unfork-state"]),
    ("unfork", &["unfork-engine", "unfork-gas", "unfork-proof", "unfork-state", "unfork-testkit"]),
    (
        "unfork-conformance",
        &["unfork", "unfork-testkit", "unfork-engine", "unfork-gas", "unfork-proof", "unfork-state"],
    ),
    (
        "unfork-benches",
        &["unfork", "unfork-conformance", "unfork-engine", "unfork-gas", "unfork-proof", "unfork-state"],
    ),
];

/// Packages from elsewhere that a package must not use outside its tests, by the beginning of their names.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("unfork-gas", &["wasmi", "wasmtime", "rocksdb"]),
    ("unfork-proof", &["wasm", "rocksdb"]),
    ("unfork-state", &["wasm", "wat"]),
    ("unfork-engine", &["rocksdb", "librocksdb"]),
    ("unfork", &["wasmi", "wasmparser"]),
];

/// Crates whose use in a build script means that C is compiled or a system library is looked for.
const C_BUILDERS: &[&str] = &["cc", "cmake", "bindgen", "pkg-config", "vcpkg"];

#[derive(serde::Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(serde::Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    links: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(serde::Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    req: String,
    source: Option<String>,
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
}

fn metadata(arguments: &[&str]) -> Vec<Package> {
    let text = output(cargo().args(["metadata", "--format-version=1", "--offline", "--locked"]).args(arguments));
    serde_json::from_str::<Metadata>(&text).expect("cargo metadata").packages
}

/// Only packages for this machine are downloaded, so only those can be listed without a network.
fn host() -> String {
    let verbose = output(Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into())).arg("-vV"));
    verbose.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc -vV names its host").to_string()
}

#[test]
fn arrows_between_packages_point_down() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let packages = metadata(&["--no-deps"]);
    let members: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(members, allowed.keys().copied().collect(), "a package came or went: give it its row in ALLOWED");
    for package in &packages {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.source.is_none()) {
            assert!(
                allowed[package.name.as_str()].contains(&dependency.name.as_str()),
                "{} must not depend on {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn layers_do_not_use_what_belongs_to_others() {
    let packages = metadata(&["--no-deps"]);
    for (name, forbidden) in FORBIDDEN {
        let package = packages.iter().find(|package| package.name == *name).expect("a package of the workspace");
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev")) {
            let found = forbidden.iter().find(|prefix| dependency.name.starts_with(**prefix));
            assert_eq!(found, None, "{name} must not depend on {}", dependency.name);
        }
    }
}

#[test]
fn the_store_outside_knows_the_seam_alone() {
    let manifest = root().join("conformance/outside/Cargo.toml");
    let packages = metadata(&["--no-deps", "--manifest-path", &manifest.to_string_lossy()]);
    let [outside] = packages.as_slice() else { panic!("{} packages in a workspace for one", packages.len()) };
    let used = outside.dependencies.iter().filter(|dependency| dependency.kind.is_none());
    let used: Vec<&str> = used.map(|dependency| dependency.name.as_str()).collect();
    assert_eq!(used, ["sha3", "unfork-state"], "{} is to be a store of its own", outside.name);
}

#[test]
fn consensus_dependencies_are_pinned_exactly() {
    let packages = metadata(&["--no-deps"]);
    let mut seen = BTreeSet::new();
    for dependency in packages.iter().flat_map(|package| &package.dependencies) {
        if ["wasmi", "wasmparser", "rocksdb"].contains(&dependency.name.as_str()) {
            assert!(dependency.req.starts_with('='), "{} {} is no exact version", dependency.name, dependency.req);
            seen.insert(dependency.name.as_str());
        }
    }
    assert_eq!(seen.len(), 3, "wasmi, wasmparser and rocksdb were looked for, found {seen:?}");
}

#[test]
fn engine_builds_without_c() {
    let host = host();
    let tree = ["tree", "--offline", "--locked", "-p", "unfork-engine", "-e", "normal,build", "--prefix", "none"];
    let listed = output(cargo().args(tree).args(["--target", &host, "--format", "{p}"]));
    // A line reads `name v1.2.3 (proc-macro)`.
    let used: BTreeSet<(&str, &str)> = listed
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        })
        .collect();
    let names: BTreeSet<&str> = used.iter().map(|(name, _)| *name).collect();
    assert!(names.contains("wasmi"), "cargo tree lists no wasmi: is its output still read rightly?\n{listed}");
    let rocksdb = names.iter().find(|name| name.contains("rocksdb"));
    assert_eq!(rocksdb, None, "the engine's default build contains RocksDB");
    let mut checked = 0;
    for package in metadata(&["--filter-platform", &host]) {
        if package.source.is_none() || !used.contains(&(package.name.as_str(), package.version.as_str())) {
            continue;
        }
        checked += 1;
        assert_eq!(package.links, None, "{} in the engine's default build links a C library", package.name);
        let builder = package.dependencies.iter().find(|dependency| {
            let builds = dependency.kind.as_deref() == Some("build") && C_BUILDERS.contains(&dependency.name.as_str());
            builds && names.contains(dependency.name.as_str())
        });
        assert!(builder.is_none(), "{} in the engine's default build compiles C", package.name);
    }
    assert!(checked > 10, "only {checked} packages were checked in {}", root().display());
}
