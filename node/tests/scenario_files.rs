//! Every scenario file of the repository loads, and the code files it names are there.

use std::path::{Path, PathBuf};
use unfork::scenario::{Action, load};

fn scenario_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("node/ lies in the workspace");
    let folders = [root.join("node/demo"), root.join("conformance/vectors")];
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("a folder of scenarios"));
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    files
}

#[test]
fn every_scenario_loads_with_its_code() {
    let files = scenario_files();
    assert!(files.iter().any(|file| file.ends_with("flipper.json")), "no scenario files were found");
    for file in files {
        let scenario = load(&file).unwrap_or_else(|error| panic!("{error}"));
        for step in &scenario.steps {
            let Action::Upload(upload) = &step.action else { continue };
            if let Some(code) = &upload.code {
                assert!(scenario.folder.join(code).is_file(), "{}: {code} is missing", file.display());
            }
        }
    }
}
