//! Checks of the repository itself: what may depend on what, where `unsafe` may stand, that fixtures are what their list
//! says. Everything here is read from files; nothing is compiled.

#![allow(clippy::arithmetic_side_effects, reason = "counts lines")]

#[path = "repository/dependencies.rs"]
mod dependencies;
#[path = "repository/files.rs"]
mod files;
#[path = "repository/rules.rs"]
mod rules;
#[path = "repository/settings.rs"]
mod settings;
#[path = "repository/sources.rs"]
mod sources;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("conformance/ lies in the workspace").to_path_buf()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a command prints; it must succeed.
fn output(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The files that git tracks, or, in a source archive without git, those that lie there.
fn tracked_files() -> Vec<String> {
    if root().join(".git").exists() {
        let listed = output(Command::new("git").args(["ls-files", "-z"]));
        return listed.split('\0').filter(|name| !name.is_empty()).map(str::to_string).collect();
    }
    let mut files = Vec::new();
    walk(&root(), &mut |path| {
        let relative = path.strip_prefix(root()).expect("walked from the root");
        files.push(relative.to_string_lossy().into_owned());
    });
    files
}

/// Calls `visit` with every file below `folder`, build folders left out, in the order of their names.
fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    for path in paths {
        if !path.is_dir() {
            visit(&path);
        } else if !path.ends_with("target") && !path.ends_with(".git") {
            walk(&path, visit);
        }
    }
}
