//! The public interface as a list, pinned: a change of it is a change for whoever uses this crate alone.
//!
//! Read from the sources, whose layout `cargo fmt` fixes: an item's declaration begins a line, and its body's brace ends
//! one. Items that a macro declares stand in the macro's text, and in the tables that `refusals.rs` pins.
#![allow(missing_docs)]

use std::path::{Path, PathBuf};

/// Every source file of the crate.
fn sources() -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// Declarations of one file, each with what it stands in: `TYPE: declaration`.
fn declarations(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // What each open brace belongs to.
    let mut open: Vec<String> = Vec::new();
    let mut statement = String::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with("//") || line.starts_with("#[") || line.starts_with("#!") {
            continue;
        }
        if !statement.is_empty() {
            statement.push(' ');
        }
        statement.push_str(line);
        let opens = line.ends_with('{');
        let listed = line.ends_with(',') && open.last().is_some_and(|inside| inside.starts_with("pub "));
        if !(opens || line.ends_with(';') || line.ends_with('}') || line.starts_with('}') || listed) {
            continue;
        }
        let declaration = statement.trim_end_matches(['{', ';', ',']).trim().to_string();
        if let Some(inside) = declared_in(&open, &declaration) {
            found.push(inside);
        }
        if opens && !line.starts_with('}') {
            open.push(declaration);
        } else if line.starts_with('}') && !opens {
            open.pop();
        }
        statement.clear();
    }
    found
}

/// A declaration for the list: what is `pub`, and the variants of an enum that is.
fn declared_in(open: &[String], declaration: &str) -> Option<String> {
    let is_variant = open.last().is_some_and(|inside| inside.starts_with("pub enum")) && !declaration.starts_with('}');
    let is_public = declaration.starts_with("pub ") && !declaration.starts_with("pub use");
    if !is_public && !is_variant {
        return None;
    }
    let of_type = open.last().map(|inside| inside.trim_start_matches("pub ").to_string());
    Some(of_type.map_or_else(|| declaration.to_string(), |of_type| format!("{of_type}: {declaration}")))
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test may look at the environment")]
fn the_interface_is_pinned() {
    let root = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let mut list: Vec<String> =
        sources().iter().flat_map(|file| declarations(&std::fs::read_to_string(file).unwrap())).collect();
    list.extend(
        root.split(';').filter_map(|item| item.trim().strip_prefix("pub use ")).map(|used| format!("use {used}")),
    );
    list.sort();
    let text = list.join("\n") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/public-api.txt");
    if std::env::var("BLESS").is_ok() {
        std::fs::write(path, &text).unwrap();
    }
    let saved = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(saved, text, "{path} differs: the interface changed; BLESS=1 rewrites it");
    for expected in [
        "pub fn admit(",
        "pub fn prepare(",
        "impl Prepared: pub fn code(&self) -> &[u8]",
        "use refusal::{Refusal, RefusalCode}",
    ] {
        assert!(text.contains(expected), "the list does not have {expected}");
    }
}
