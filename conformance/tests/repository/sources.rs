//! Where `unsafe` may stand, and how long functions and files may become.

use super::{read, root, tracked_files};

/// Where `unsafe` may stand: what these paths begin with. Each block says why it is sound (a lint sees to that).
/// In gas and engine, tests count allocations, and the module for wasm32 exports functions; the crate itself forbids it.
const UNSAFE_MODULES: &[&str] = &[
    "engine/src/executor/",
    "engine/tests/kept_memory.rs",
    // Permutations for vector units that were detected before, a hint to the processor's cache, and calls of libc that
    // measure.
    "state/src/keccak/lanes.rs",
    "state/src/prefetch.rs",
    "benches/peers/src/state/measure.rs",
    // Opening the cache of CosmWasm's virtual machine, which must be trusted.
    "benches/peers/call/src/cosmwasm.rs",
    "gas/tests/linearity.rs",
    "gas/verdict/",
    // Inside of a contract: the host's functions, and allocators.
    "contracts/sdk/src/host/seal.rs",
    "contracts/ink/allocator/",
];

/// Packages without any `unsafe`: their root file must forbid it.
const FORBID_UNSAFE: &[&str] = &["gas/src/lib.rs", "state/proof/src/lib.rs", "testkit/src/lib.rs", "node/src/lib.rs"];

/// The longest function, its signature and braces counted. `// Long on purpose: …` above a function exempts a table or a
/// match over operators.
const FUNCTION_LINES_MAX: usize = 70;

/// The longest file, its tests not counted.
const FILE_LINES_MAX: usize = 500;

fn rust_sources() -> Vec<(String, String)> {
    let names = tracked_files().into_iter().filter(|name| name.ends_with(".rs") && root().join(name).exists());
    names.map(|name| (name.clone(), read(&root().join(&name)))).collect()
}

/// The code of a line, without comment and without the contents of plain strings.
fn code_of(line: &str) -> String {
    let mut code = String::new();
    let (mut in_string, mut escaped, mut previous) = (false, false, ' ');
    for letter in line.chars() {
        if in_string {
            in_string = escaped || letter != '"';
            escaped = letter == '\\' && !escaped;
        } else if letter == '"' && previous != '\'' {
            in_string = true;
        } else if letter == '/' && previous == '/' {
            code.pop();
            break;
        } else {
            code.push(letter);
        }
        previous = letter;
    }
    code
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == word)
}

#[test]
fn unsafe_stands_only_in_named_modules() {
    let mut found = Vec::new();
    for (name, text) in rust_sources() {
        if UNSAFE_MODULES.iter().any(|module| name.starts_with(module)) {
            continue;
        }
        let lines = text.lines().enumerate().filter(|(_, line)| has_word(&code_of(line), "unsafe"));
        found.extend(lines.map(|(index, _)| format!("{name}:{}", index + 1)));
    }
    assert!(found.is_empty(), "unsafe outside the named modules: {found:?}");
}

#[test]
fn unsafe_is_recognised() {
    assert!(has_word(&code_of("let x = unsafe { y };"), "unsafe"));
    assert!(!has_word(&code_of("#![forbid(unsafe_code)]"), "unsafe"));
    assert!(!has_word(&code_of("call(\"unsafe\"); // unsafe"), "unsafe"));
    assert!(has_word(&code_of("call('\"', unsafe { y });"), "unsafe"));
}

#[test]
fn packages_without_unsafe_forbid_it() {
    for name in FORBID_UNSAFE {
        let text = read(&root().join(name));
        assert!(text.contains("#![forbid(unsafe_code)]"), "{name} does not forbid unsafe code");
    }
}

#[test]
fn the_verifier_of_proofs_has_no_std() {
    assert!(read(&root().join("state/proof/src/lib.rs")).contains("\n#![no_std]\n"));
}

/// The functions of a formatted file that are longer than allowed: line and length.
///
/// In formatted code a function ends at the first line that is its own indent and a closing brace.
fn long_functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut long = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = code_of(line);
        let indent: String = code.chars().take_while(|letter| letter.is_whitespace()).collect();
        let words: Vec<&str> = code.trim_start().split(' ').collect();
        let before_fn = words.iter().position(|word| *word == "fn");
        let is_function = before_fn.is_some_and(|position| {
            let qualifiers = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern", ""];
            words[..position].iter().all(|word| qualifiers.contains(word))
        });
        let exempt = lines[..start].iter().rev().take_while(|line| {
            let line = line.trim_start();
            line.starts_with("//") || line.starts_with('#')
        });
        let exempt = exempt.into_iter().any(|line| line.contains("Long on purpose:"));
        if !is_function || exempt {
            continue;
        }
        let end = lines[start..].iter().position(|line| *line == format!("{indent}}}"));
        let one_line = code.trim_end().ends_with('}') || code.trim_end().ends_with(';');
        if let Some(length) = end.map(|end| end + 1).filter(|length| !one_line && *length > FUNCTION_LINES_MAX) {
            long.push((start + 1, length));
        }
    }
    long
}

#[test]
fn functions_and_files_stay_short() {
    let mut long = Vec::new();
    for (name, text) in rust_sources() {
        if name.contains("/tests/") || name.ends_with("_tests.rs") || name.ends_with("/tests.rs") {
            continue;
        }
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let functions = long_functions(code).into_iter();
        long.extend(functions.map(|(line, length)| format!("{name}:{line}: a function of {length} lines")));
        let lines = code.lines().count();
        let exempt =
            text.lines().take_while(|line| line.starts_with("//")).any(|line| line.contains("Long on purpose:"));
        if lines > FILE_LINES_MAX && !exempt {
            long.push(format!("{name}: {lines} lines"));
        }
    }
    let limits = format!("{FUNCTION_LINES_MAX} lines a function, {FILE_LINES_MAX} a file");
    assert!(long.is_empty(), "longer than {limits}:\n{}", long.join("\n"));
}

#[test]
fn long_functions_are_found() {
    let body = "    step();\n".repeat(FUNCTION_LINES_MAX);
    let long = format!("fn short() {{\n    step();\n}}\n\n/// Says.\npub(crate) fn long() {{\n{body}}}\n");
    assert_eq!(long_functions(&long), [(6, FUNCTION_LINES_MAX + 2)]);
    let exempt = long.replace("/// Says.", "// Long on purpose: a table.");
    assert_eq!(long_functions(&exempt), []);
}
