//! Golden files: one line a vector. `BLESS=1` rewrites them; a line too many or too few fails.

use crate::execute::Ran;
use std::collections::BTreeMap;
use std::path::Path;

/// Lines by vector.
pub type Roots = BTreeMap<String, String>;

/// Height, id of the last block (which commits to all blocks and receipts before it) and state root.
pub fn line(ran: &Ran) -> String {
    let summary = &ran.summary;
    format!("{} {} {}", summary.height, hex::encode(summary.id), hex::encode(summary.root))
}

/// Compares with `file`, or rewrites it.
pub fn compare(file: &Path, found: &Roots) {
    let text: String = found.iter().map(|(name, line)| format!("{name} {line}\n")).collect();
    if std::env::var("BLESS").is_ok_and(|value| value == "1") {
        std::fs::write(file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        return;
    }
    let recorded = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let recorded: Roots = recorded
        .lines()
        .map(|line| line.split_once(' ').unwrap_or_else(|| panic!("{}: {line}", file.display())))
        .map(|(name, line)| (name.to_string(), line.to_string()))
        .collect();
    let mut wrong = Vec::new();
    for name in recorded.keys().chain(found.keys()) {
        if recorded.get(name) != found.get(name) {
            wrong.push(format!("{name}: recorded {:?}, found {:?}", recorded.get(name), found.get(name)));
        }
    }
    wrong.dedup();
    let advice =
        "height, id and root of a vector changed; if that is meant, run with BLESS=1 and say why in CHANGELOG.md";
    assert!(wrong.is_empty(), "{}: {advice}\n{}", file.display(), wrong.join("\n"));
}
