//! Contracts of third parties, which are not carried here: scenarios in `vectors/third-party` name files that must lie
//! somewhere below the folder that the environment variable `UNFORK_THIRD_PARTY` names. They run in all the ways that vectors do.

use crate::execute::Engines;
use crate::{files, folder, golden, stem};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use unfork::scenario::{Action, Scenario, load};

/// All files below a folder by their names.
fn collect(folder: &Path, found: &mut BTreeMap<String, PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.insert(path.file_name().expect("a file's name").to_string_lossy().into_owned(), path);
        }
    }
}

#[test]
fn contracts_of_third_parties_deploy_and_run() {
    let scenarios = files(&folder().join("third-party"), "json");
    assert!(scenarios.len() >= 5, "only {} scenarios were found", scenarios.len());
    let Some(root) = std::env::var_os("UNFORK_THIRD_PARTY") else {
        println!("UNFORK_THIRD_PARTY is not set: {} third-party scenarios were LEFT OUT", scenarios.len());
        return;
    };
    let mut codes = BTreeMap::new();
    collect(Path::new(&root), &mut codes);
    let engines = Engines::new();
    let mut found = golden::Roots::new();
    for file in scenarios {
        let mut scenario = load(&file).unwrap_or_else(|error| panic!("{error}"));
        let name = stem(&file);
        assert_eq!(scenario.name, name, "{}: a scenario is named as its file", file.display());
        point_to(&mut scenario, &codes, Path::new(&root));
        let ran = engines.run(&name, &scenario);
        found.insert(name, golden::line(&ran));
    }
    engines.assert_kept();
    println!("{} third-party scenarios ran", found.len());
    golden::compare(&folder().join("golden/third-party.txt"), &found);
}

/// Makes the uploads name the files that were found.
fn point_to(scenario: &mut Scenario, codes: &BTreeMap<String, PathBuf>, root: &Path) {
    for step in &mut scenario.steps {
        if let Action::Upload(upload) = &mut step.action
            && let Some(code) = &mut upload.code
        {
            let path = codes.get(code.as_str());
            let path = path.unwrap_or_else(|| panic!("{code} lies nowhere below {}", root.display()));
            *code = path.to_str().expect("a path in UTF-8").to_string();
        }
    }
    // Paths that are absolute do not count from here, others would.
    scenario.folder = std::env::current_dir().expect("a working folder");
}
