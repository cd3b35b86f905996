//! Rules of docs/gas.md and the tests that they name.

use super::{read, root, tracked_files};
use std::collections::BTreeSet;

/// Paragraphs and items of lists, each with what is below it up to the next.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.lines() {
        let number = line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        if line.is_empty() || line.starts_with("- ") || number {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            *part += &format!("{line}\n");
        }
    }
    parts
}

/// What stands in backticks and is written as the name of a function with several words.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| name.contains('_') && name.chars().all(|each| each.is_ascii_lowercase() || each == '_'))
}

#[test]
fn every_must_names_its_test() {
    let text = read(&root().join("docs/gas.md"));
    let sources = tracked_files().into_iter().filter(|name| name.ends_with(".rs") && name.contains("tests/"));
    let sources: String = sources.map(|name| read(&root().join(name))).collect();
    let tests: BTreeSet<&str> =
        sources.split("#[test]").skip(1).filter_map(|rest| rest.split("fn ").nth(1)?.split('(').next()).collect();
    let with_must: Vec<String> = parts(&text).into_iter().filter(|part| part.contains("**must**")).collect();
    assert!(with_must.len() >= 4, "{} rules", with_must.len());
    for part in &with_must {
        assert!(names(part).any(|name| tests.contains(name)), "no test is named in:\n{part}");
    }
    // In parentheses stand tests only, where the specification is.
    let specification = text.split("\n## 7.").next().unwrap_or_default();
    let mut unknown = Vec::new();
    for inside in specification.split("(`").skip(1).filter_map(|rest| rest.split(')').next()) {
        unknown.extend(names(&format!("`{inside}")).filter(|name| !tests.contains(name)).map(str::to_string));
    }
    assert!(unknown.is_empty(), "named in docs/gas.md, but no test: {unknown:?}");
}
