//! SIGKILL at random moments: no acknowledged block is lost, no block is there in half. `UNFORK_KILLS` sets how many.
#![cfg(feature = "rocksdb")]
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod model;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use model::{CHAIN, Map, Random, apply, id, naive_root, seed};
use unfork_state::{ChangeSet, EmptyView, Options, Overlay, StateView, Store, TreeSource};

const CHILD: &str = "UNFORK_KILL_DIRECTORY";

/// What block `height` changes: a function of the height and the state before, so that the parent can do it again.
fn changes(height: u64, view: std::sync::Arc<dyn StateView>) -> ChangeSet {
    let mut random = Random(height);
    let mut overlay = Overlay::new(view);
    for _ in 0..1 + random.below(40) {
        let key = random.key(60);
        if random.below(3) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
    }
    overlay.into_changes()
}

fn child(directory: &Path) {
    // Checkpoints of the tree all the time, and few leaves in memory.
    let options = Options { checkpoint_updates: 20, tree_bytes: 4096, ..Options::default() };
    let mut store = match Store::open_with_options(directory, CHAIN, options) {
        Ok(store) => store,
        Err(_) => {
            let genesis = changes(0, std::sync::Arc::new(EmptyView));
            Store::create_with_options(directory, CHAIN, genesis, id(0, 0), vec![0], options).unwrap()
        }
    };
    loop {
        println!("acknowledged {}", store.head().height);
        std::io::stdout().flush().unwrap();
        let height = store.head().height + 1;
        let (_, pending) = store.prepare(store.head().id, changes(height, store.view())).unwrap();
        let body = vec![height.to_le_bytes()[0]; usize::try_from(height % 5000).unwrap()];
        store.commit(pending, height, id(height, 0), body).unwrap();
    }
}

/// Lets a child run until it has acknowledged some blocks, kills it a moment later, and returns the last one it told.
fn kill_one(directory: &Path, random: &mut Random) -> Option<u64> {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["no_acknowledged_block_is_lost_to_sigkill", "--exact", "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut told = None;
    let mut listen =
        |line: String| told = line.strip_prefix("acknowledged ").map(|height| height.parse().unwrap()).or(told);
    let wanted = random.below(8);
    let mut acknowledged = 0;
    while acknowledged < wanted {
        let line = lines.next().expect("the child ended by itself");
        acknowledged += u64::from(line.starts_with("acknowledged"));
        listen(line);
    }
    std::thread::sleep(std::time::Duration::from_micros(random.below(6000)));
    process.kill().unwrap();
    process.wait().unwrap();
    // What it said before it died counts as well.
    lines.for_each(&mut listen);
    told
}

#[test]
fn no_acknowledged_block_is_lost_to_sigkill() {
    if let Some(directory) = std::env::var_os(CHILD) {
        child(&PathBuf::from(directory));
    }
    let kills: u64 = std::env::var("UNFORK_KILLS").map_or(25, |text| text.parse().unwrap());
    let mut random = seed(40);
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("store");
    let (mut map, mut applied) = (Map::new(), None);
    let (mut torn, mut replayed, mut never_created, mut from_checkpoint) = (0, 0, 0, 0);
    for _ in 0..kills {
        let told = kill_one(&directory, &mut random);
        let store = match Store::open(&directory, CHAIN) {
            Ok(store) => store,
            Err(error) => {
                assert!(told.is_none() && applied.is_none(), "lost: {error}");
                never_created += 1;
                continue;
            }
        };
        from_checkpoint += u64::from(matches!(store.tree_source(), TreeSource::Checkpoint { .. }));
        torn += u64::from(store.recovery().torn_bytes > 0);
        replayed += store.recovery().blocks_replayed;
        let height = store.head().height;
        assert!(
            told.or(applied).is_none_or(|told| told <= height),
            "block {told:?} was acknowledged, the head is {height}"
        );
        for next in applied.map_or(0, |height: u64| height + 1)..=height {
            apply(&mut map, &changes(next, std::sync::Arc::new(EmptyView)));
        }
        applied = Some(height);
        assert_eq!((store.head().id, store.head().root), (id(height, 0), naive_root(&map)));
    }
    let store = Store::open(&directory, CHAIN).unwrap();
    store.verify(&mut |_, _| ()).unwrap();
    let height = store.head().height;
    println!(
        "{kills} kills, {height} blocks, {torn} torn records, {replayed} blocks replayed, {never_created} before creation, \
         {from_checkpoint} opened from a checkpoint"
    );
    assert!(height > 0);
}
