//! `unfork run` says why something failed, in more detail with each `v`, and comes to the same whatever it says.

use std::path::Path;
use std::process::Command;

/// What the run of a scenario prints, in which calls within calls return, fail and trap.
fn run(level: &str) -> String {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/vectors/ink-caller.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_unfork"));
    let output = command.arg("run").arg(scenario).args((!level.is_empty()).then_some(level)).output();
    let output = output.expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn each_level_tells_more_of_the_same() {
    let told = ["", "-v", "-vv", "-vvv", "-vvvv"].map(run);
    // Results, blocks and roots stand at the beginning of lines; what was watched is indented.
    let results =
        |text: &str| text.lines().filter(|line| !line.starts_with(' ')).map(str::to_string).collect::<Vec<_>>();
    for text in &told {
        assert_eq!(results(text), results(&told[0]));
    }
    assert!(told.windows(2).all(|pair| pair[0].lines().count() < pair[1].lines().count()));
    let first_with = |part: &str| told.iter().position(|text| text.contains(part));
    // What failed, with the call in which it did and the functions in which that was.
    assert_eq!(first_with("\n    call counter.add(more: 4294967295) by c -> trapped:unreachable, gas "), Some(1));
    assert_eq!(first_with("\n      in seal2.call <- function "), Some(1));
    // What did not, with its answer.
    assert_eq!(first_with("\n    call counter.add(more: 2) by c -> returned 3, gas "), Some(2));
    assert_eq!(first_with("\n    set 0x"), Some(3));
    assert_eq!(first_with("\n      input 0x"), Some(4));
    assert_eq!(first_with(" keys of the state written\n"), Some(4));
}
