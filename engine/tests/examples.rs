//! The examples run, and docs/embedding.md shows one as it is.
#![allow(missing_docs, clippy::disallowed_methods)]

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../examples/own_node.rs"]
mod own_node;

#[test]
fn a_node_of_its_own_over_the_first_layer() {
    own_node::main().expect("it runs");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What stands in docs/embedding.md between the first "```LANGUAGE" and "```".
fn block_of_page(language: &str) -> String {
    let page = std::fs::read_to_string(root().join("docs/embedding.md")).expect("docs/embedding.md");
    let block = page.split(&format!("```{language}\n")).nth(1).expect("a block of the language");
    block.split("```").next().expect("text before the end").to_owned()
}

mod embed {
    include!("chain/embed.rs");

    #[test]
    fn embedding_takes_so_few_lines() {
        main().expect("it runs");
        assert_eq!(super::block_of_page("rust"), include_str!("chain/embed.rs"));
    }
}

/// The two blocks of the page as a package of their own, built and run as a stranger would: under no profile of this
/// workspace. Its target folder is kept, so only the first time takes minutes. `UNFORK_EVIDENCE=1` runs its release, too.
#[test]
fn a_stranger_can_embed_it() {
    let manifest = block_of_page("toml");
    let engine = root().join("engine").canonicalize().expect("the engine's folder");
    let manifest = manifest.replace("../unfork/engine", &engine.display().to_string());
    assert!(manifest.contains(&engine.display().to_string()), "the dependency is a path");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("my-node");
    std::fs::create_dir_all(folder.join("src")).expect("a folder");
    std::fs::write(folder.join("Cargo.toml"), manifest + "\n[workspace]\n").expect("a manifest");
    std::fs::write(folder.join("src/main.rs"), block_of_page("rust")).expect("a program");
    std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("the versions");
    let evidence = std::env::var_os("UNFORK_EVIDENCE").is_some();
    for profile in ["dev", "release"].into_iter().take(if evidence { 2 } else { 1 }) {
        let mut run = Command::new(env!("CARGO"));
        run.args(["run", "--quiet", "--profile", profile]).current_dir(&folder);
        // What this test was built with is not for others.
        let output = run.env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS").output().expect("cargo");
        assert!(output.status.success(), "{profile}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("returned: gas "), "{profile}");
    }
}
