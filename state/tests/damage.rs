//! Damage to every kind of file of a store: flipped bits, files cut short, emptied, deleted and put back as they were
//! before. What comes of it is the right state or an error, never anything else; a table says what came of it.
//! `UNFORK_DAMAGES` sets how many places of each file are tried (4, in `make evidence` 200).
#![cfg(feature = "rocksdb")]
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod model;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use model::{CHAIN, Map, Random, apply, id, naive_root};
use unfork_state::{ChangeSet, Key, Overlay, Range, StateError, Store, TreeSource};

const BLOCKS: u64 = 14;

/// The blocks after which a checkpoint of the tree is written, one into each of the two files.
const CHECKPOINTS: [u64; 2] = [8, 13];

/// What came of one damage. The order is that of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Everything is right, and nothing had to be done: the bytes are not needed.
    NoEffect,
    /// Everything is right: what was lost was made again from the block file or the values, or the older checkpoint of the
    /// tree was taken.
    Healed,
    /// The store opens, and whoever reads what is damaged gets an error.
    ErrorOnReading,
    /// The store does not open and says what to do; where that is to rebuild, it is done and helps.
    Refused,
}

/// A chain with its database partly in sorted files and partly in the log, with two checkpoints of the tree, and a copy of
/// it some blocks earlier.
struct Sample {
    place: tempfile::TempDir,
    map: Map,
    root: [u8; 32],
}

fn body(height: u64) -> Vec<u8> {
    vec![height.to_le_bytes()[0]; 50]
}

fn commit(store: &mut Store, map: &mut Map, random: &mut Random) {
    let mut overlay = Overlay::new(store.view());
    for _ in 0..25 {
        let key = random.key(60);
        if random.below(4) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
    }
    let (_, pending) = store.prepare(store.head().id, overlay.into_changes()).unwrap();
    apply(map, pending.changes());
    let height = store.head().height + 1;
    store.commit(pending, height, id(height, 0), body(height)).unwrap();
}

impl Sample {
    fn new() -> Self {
        // In memory where there is such a place: hundreds of stores are made, and none has to survive a loss of power.
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let directory = place.path().join("good");
        let mut store = Store::create(&directory, CHAIN, ChangeSet::new(), id(0, 0), body(0)).unwrap();
        let (mut map, mut random) = (Map::new(), Random(60));
        for block in 1..=BLOCKS {
            commit(&mut store, &mut map, &mut random);
            // Twice into sorted files, the rest stays in the log.
            if block == 5 || block == 9 {
                store.settle().unwrap();
            }
            if CHECKPOINTS.contains(&block) {
                store.checkpoint().unwrap();
            }
            if block == 9 {
                drop(store);
                copy(&directory, &place.path().join("earlier"));
                store = Store::open(&directory, CHAIN).unwrap();
            }
        }
        drop(store);
        for file in ["tree.0", "tree.1"] {
            assert!(fs::metadata(directory.join(file)).unwrap().len() > 0, "{file} has no checkpoint");
        }
        let root = naive_root(&map);
        Self { place, map, root }
    }

    fn good(&self) -> PathBuf {
        self.place.path().join("good")
    }

    /// What is there after a damage was done in `directory`. Panics at anything that is wrong and not an error.
    fn examine(&self, directory: &Path, what: &str) -> Outcome {
        let store = match Store::open(directory, CHAIN) {
            Ok(store) => store,
            Err(error) => return self.remedy(directory, &error, what),
        };
        assert_eq!((store.head().height, store.head().root), (BLOCKS, self.root), "{what}: another head");
        let recovery = store.recovery();
        let newest = TreeSource::Checkpoint { begun: CHECKPOINTS[1] };
        let healed = recovery.blocks_replayed > 0 || recovery.torn_bytes > 0 || *store.tree_source() != newest;
        if self.read_all(store, what) {
            return Outcome::ErrorOnReading;
        }
        // It goes on, and what was made good stays good.
        let mut store = Store::open(directory, CHAIN).unwrap_or_else(|error| panic!("{what}: second opening: {error}"));
        let mut map = self.map.clone();
        commit(&mut store, &mut map, &mut Random(1));
        assert_eq!(store.head().root, naive_root(&map), "{what}");
        if healed { Outcome::Healed } else { Outcome::NoEffect }
    }

    fn remedy(&self, directory: &Path, error: &StateError, what: &str) -> Outcome {
        let text = error.to_string();
        let named =
            matches!(error, StateError::Refused { .. } | StateError::Backend { .. } | StateError::Corrupt { .. });
        assert!(named || matches!(error, StateError::Io { .. }), "{what}: {text}");
        if text.contains("block file") && !text.contains("rebuilt from the block file") {
            return Outcome::Refused;
        }
        fs::remove_dir_all(directory.join("db")).unwrap();
        let store = Store::open(directory, CHAIN).unwrap_or_else(|error| panic!("{what}: {text}; then: {error}"));
        assert_eq!((store.head().height, store.head().root), (BLOCKS, self.root), "{what}: rebuilt");
        assert!(!self.read_all(store, what), "{what}: rebuilt, and an error on reading");
        Outcome::Refused
    }

    /// Reads everything there is; says whether some of it gave an error.
    fn read_all(&self, store: Store, what: &str) -> bool {
        let (mut errors, view) = (0, store.view());
        let mut random = Random(2);
        let keys = (0..60).map(|_| random.key(60)).chain(self.map.keys().map(|key| Key::from_flat(key).unwrap()));
        for key in keys.collect::<BTreeSet<_>>() {
            let expected = self.map.get(key.as_bytes()).map(Vec::as_slice);
            match view.get(&key) {
                Ok(found) => assert_eq!(found.as_deref(), expected, "{what}: {key:?}"),
                Err(_) => errors += 1,
            }
            match store.prove(&key) {
                Ok(proof) => proof
                    .verify(&self.root, key.as_bytes(), expected)
                    .unwrap_or_else(|error| panic!("{what}: proof of {key:?}: {error}")),
                Err(_) => errors += 1,
            }
        }
        let spaces: BTreeSet<_> = self.map.keys().map(|key| Key::from_flat(key).unwrap().space()).collect();
        for space in spaces {
            match view.scan(&Range::all(space.clone()), usize::MAX) {
                Ok(found) => {
                    let found: Map =
                        found.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.to_vec())).collect();
                    let inside = |key: &&Vec<u8>| key.starts_with(space.prefix());
                    assert!(found.keys().eq(self.map.keys().filter(inside)), "{what}: scan of {space:?}");
                    assert!(found.iter().all(|(key, value)| self.map.get(key) == Some(value)), "{what}");
                }
                Err(_) => errors += 1,
            }
        }
        for height in 0..=BLOCKS {
            match store.block(height) {
                Ok(found) => assert_eq!(found, Some(body(height)), "{what}: block {height}"),
                Err(_) => errors += 1,
            }
        }
        // What was read was right; verifying goes further, and reads what nobody has asked for.
        errors > 0 || store.verify(&mut |_, _| ()).is_err()
    }
}

#[test]
fn damage_to_any_file_is_healed_or_noticed() {
    let default = if std::env::var_os("UNFORK_EVIDENCE").is_some() { 200 } else { 4 };
    let places: usize = std::env::var("UNFORK_DAMAGES").map_or(default, |text| text.parse().unwrap());
    let sample = Sample::new();
    let mut table: BTreeMap<(String, &str), BTreeMap<Outcome, u64>> = BTreeMap::new();
    let copy_place = sample.place.path().join("copy");
    let mut examine = |file: &Path, damage: &'static str, at: usize, change: &dyn Fn(&Path, &[u8])| {
        if copy_place.exists() {
            fs::remove_dir_all(&copy_place).unwrap();
        }
        copy(&sample.good(), &copy_place);
        change(&copy_place.join(file), &fs::read(sample.good().join(file)).unwrap());
        let outcome = sample.examine(&copy_place, &format!("{} {damage} {at}", file.display()));
        *table.entry((kind(file), damage)).or_default().entry(outcome).or_default() += 1;
    };
    for file in files(&sample.good()) {
        let length = usize::try_from(fs::metadata(sample.good().join(&file)).unwrap().len()).unwrap();
        let mut random = Random(length as u64);
        let spread: BTreeSet<usize> = if length <= places {
            (0..length).collect()
        } else {
            (0..places).map(|_| usize::try_from(random.below(length as u64)).unwrap()).collect()
        };
        for at in spread {
            examine(&file, "bit flipped", at, &|path, bytes| {
                let mut bytes = bytes.to_vec();
                bytes[at] ^= 1 << (at % 8);
                fs::write(path, bytes).unwrap();
            });
            examine(&file, "cut short", at, &|path, bytes| fs::write(path, &bytes[..at]).unwrap());
        }
        if length > 0 {
            examine(&file, "emptied", 0, &|path, _| fs::write(path, []).unwrap());
        }
        examine(&file, "deleted", 0, &|path, _| fs::remove_file(path).unwrap());
        let earlier = sample.place.path().join("earlier").join(&file);
        if earlier.exists() {
            examine(&file, "put back as earlier", 0, &|path, _| {
                fs::copy(&earlier, path).unwrap();
            });
        }
    }
    show(&table);
    let count = |kind: &str, outcome: Outcome| -> u64 {
        let rows = table.iter().filter(|((file, _), _)| file == kind);
        rows.filter_map(|(_, outcomes)| outcomes.get(&outcome)).sum()
    };
    // Each of these must have been noticed at least once, or the test looks in the wrong place.
    assert!(count("log (WAL)", Outcome::Healed) > 0);
    assert!(count("sorted file (SST)", Outcome::Refused) + count("sorted file (SST)", Outcome::ErrorOnReading) > 0);
    assert!(count("MANIFEST", Outcome::Refused) > 0 && count("CURRENT", Outcome::Refused) > 0);
    assert!(count("block file", Outcome::Refused) > 0);
    // The newer checkpoint is missed; damage to one never keeps the store from opening.
    assert!(count("tree checkpoint", Outcome::Healed) > 0);
    assert_eq!(count("tree checkpoint", Outcome::Refused) + count("tree checkpoint", Outcome::ErrorOnReading), 0);
    assert_eq!(count("block file", Outcome::NoEffect), 0, "every byte of the block file counts");
}

fn show(table: &BTreeMap<(String, &'static str), BTreeMap<Outcome, u64>>) {
    println!("{:20} {:20} {:>9} {:>7} {:>10} {:>8}", "file", "damage", "no effect", "healed", "on reading", "refused");
    for ((file, damage), outcomes) in table {
        let count = |outcome| outcomes.get(&outcome).copied().unwrap_or_default();
        println!(
            "{file:20} {damage:20} {:>9} {:>7} {:>10} {:>8}",
            count(Outcome::NoEffect),
            count(Outcome::Healed),
            count(Outcome::ErrorOnReading),
            count(Outcome::Refused)
        );
    }
    let total: u64 = table.values().flat_map(BTreeMap::values).sum();
    println!("{total} damages: never another state, never an older head");
}

fn kind(file: &Path) -> String {
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    match name.as_str() {
        "blocks.log" => "block file".to_owned(),
        "tree.0" | "tree.1" => "tree checkpoint".to_owned(),
        name if name.ends_with(".log") => "log (WAL)".to_owned(),
        name if name.ends_with(".sst") => "sorted file (SST)".to_owned(),
        name if name.starts_with("MANIFEST") => "MANIFEST".to_owned(),
        name if name.starts_with("OPTIONS") => "OPTIONS".to_owned(),
        name if name.starts_with("LOG") => "LOG (messages)".to_owned(),
        name => name.to_owned(),
    }
}

/// All files of a store, relative to its directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(inside) = directories.pop() {
        for entry in fs::read_dir(directory.join(&inside)).unwrap() {
            let path = inside.join(entry.unwrap().file_name());
            let is_directory = directory.join(&path).is_dir();
            if is_directory { directories.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in files(from) {
        fs::create_dir_all(to.join(&file).parent().unwrap()).unwrap();
        fs::copy(from.join(&file), to.join(&file)).unwrap();
    }
}
