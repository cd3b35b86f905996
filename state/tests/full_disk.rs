//! A disk that is full, and a file that may not grow any more, at many sizes: commits end in an error, nothing that was
//! acknowledged is lost, and with room again the store opens and goes on. `UNFORK_FULL_DISKS` sets how many sizes.
//!
//! The full disk is a small tmpfs, which only root may mount; the limit on files is RLIMIT_FSIZE, which anybody may set.
#![cfg(all(feature = "rocksdb", target_os = "linux"))]
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod model;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use model::{CHAIN, Map, Random, apply, id, naive_root};
use unfork_state::{ChangeSet, EmptyView, Overlay, StateError, StateView, Store};

const CHILD: &str = "UNFORK_FULL_DISK_DIRECTORY";

/// What block `height` changes, whatever the state.
fn changes(height: u64, view: Arc<dyn StateView>) -> ChangeSet {
    let mut random = Random(height);
    let mut overlay = Overlay::new(view);
    for _ in 0..40 {
        let key = random.key(200);
        if random.below(4) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
    }
    overlay.into_changes()
}

fn commit(store: &mut Store) -> Result<(), StateError> {
    let height = store.head().height + 1;
    let (_, pending) = store.prepare(store.head().id, changes(height, store.view()))?;
    store.commit(pending, height, id(height, 0), vec![7; 300])
}

/// Commits until something fails, and says how far it came. It must fail with an error, never end in a panic.
fn child(directory: &Path) -> Result<(), StateError> {
    let mut store = match Store::open(directory, CHAIN) {
        Err(StateError::Refused { why, .. }) if why.contains("no store in") => {
            Store::create(directory, CHAIN, changes(0, Arc::new(EmptyView)), id(0, 0), vec![0])?
        }
        opened => opened?,
    };
    loop {
        println!("acknowledged {}", store.head().height);
        if store.head().height > 3000 {
            println!("room for everything");
            return Ok(());
        }
        commit(&mut store)?;
    }
}

/// What a child said last: the height, and its error.
fn run(command: &mut Command, directory: &Path) -> (Option<u64>, String) {
    let output = command.env(CHILD, directory).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let after = |prefix: &str| text.lines().filter_map(|line| Some(line.split_once(prefix)?.1.to_owned())).next_back();
    (after("acknowledged ").map(|height| height.parse().unwrap()), after("failed: ").unwrap_or_default())
}

fn this_test(name: &str) -> Vec<String> {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    vec![program, name.to_owned(), "--exact".to_owned(), "--nocapture".to_owned()]
}

/// With room again: the store is there as far as it was acknowledged, is sound, and goes on.
fn check(directory: &Path, told: Option<u64>, what: &str) {
    let mut store = match Store::open(directory, CHAIN) {
        Ok(store) => store,
        Err(error) => {
            assert!(told.is_none(), "{what}: block {told:?} was acknowledged; {error}");
            return;
        }
    };
    let height = store.head().height;
    assert!(told.is_none_or(|told| told <= height && height <= told + 1), "{what}: {told:?} told, {height} there");
    let mut map = Map::new();
    (0..=height).for_each(|height| apply(&mut map, &changes(height, Arc::new(EmptyView))));
    assert_eq!(store.head().root, naive_root(&map), "{what}");
    store.verify(&mut |_, _| ()).unwrap();
    commit(&mut store).unwrap();
}

/// The errors, without the paths in them.
fn note(errors: &mut BTreeMap<String, u64>, error: &str) {
    let kind = error.split(": /").next().unwrap_or_default().to_owned();
    *errors.entry(kind).or_default() += 1;
}

fn sizes() -> u64 {
    let default = if std::env::var_os("UNFORK_EVIDENCE").is_some() { 60 } else { 4 };
    std::env::var("UNFORK_FULL_DISKS").map_or(default, |text| text.parse().unwrap())
}

fn child_if_told() {
    if let Some(directory) = std::env::var_os(CHILD) {
        if let Err(error) = child(&PathBuf::from(directory)) {
            println!("failed: {error}");
        }
        std::process::exit(0);
    }
}

#[test]
fn a_file_that_may_not_grow_loses_no_acknowledged_block() {
    child_if_told();
    let (mut errors, mut last) = (BTreeMap::new(), 0);
    for turn in 0..sizes() {
        // In units of 512 bytes.
        let limit = 20 + turn * 97;
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("store");
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
        let arguments = this_test("a_file_that_may_not_grow_loses_no_acknowledged_block");
        let (told, error) = run(Command::new("sh").args(["-c", &script]).args(arguments), &directory);
        assert!(!error.is_empty(), "limit {limit}: it did not fail");
        note(&mut errors, &error);
        check(&directory, told, &format!("limit {limit}"));
        last = told.unwrap_or(0);
    }
    println!("{} limits, up to block {last}: {errors:#?}", sizes());
}

/// A tmpfs; unmounted when it is dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(place: &Path, kilobytes: u64) -> Result<Self, String> {
        std::fs::create_dir_all(place).unwrap();
        let options = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "unfork-test"]).arg(place).output();
        match mounted {
            Ok(output) if output.status.success() => Ok(Self(place.to_path_buf())),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn make_room(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=256m"]).arg(&self.0).status().unwrap();
        assert!(grown.success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Nothing can be done about a failure here; the directory is temporary anyway.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_loses_no_acknowledged_block() {
    child_if_told();
    let (mut errors, mut last, mut opened) = (BTreeMap::new(), 0, 0);
    for turn in 0..sizes() {
        let kilobytes = 400 + turn * 61;
        let place = tempfile::tempdir().unwrap();
        let disk = match Disk::mount(&place.path().join("disk"), kilobytes) {
            Ok(disk) => disk,
            Err(error) => {
                println!("SKIPPED: a tmpfs cannot be mounted here ({error}); the limit on files is tried all the same");
                return;
            }
        };
        let directory = disk.0.join("store");
        let arguments = this_test("a_full_disk_loses_no_acknowledged_block");
        let child = |directory: &Path| run(Command::new(&arguments[0]).args(&arguments[1..]), directory);
        let (told, error) = child(&directory);
        assert!(!error.is_empty(), "{kilobytes} KiB: it did not fail");
        note(&mut errors, &error);
        // Once more while it is full: an error again, or some more blocks.
        let (again, error) = child(&directory);
        opened += u64::from(again.is_some());
        note(&mut errors, &format!("again: {error}"));
        disk.make_room();
        check(&directory, again.max(told), &format!("{kilobytes} KiB"));
        last = again.max(told).unwrap_or(0);
    }
    println!("{} sizes, up to block {last}, opened {opened} times while full: {errors:#?}", sizes());
}
