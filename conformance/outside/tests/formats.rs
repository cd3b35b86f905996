//! What docs/format.md says is enough to read a chain: block files of chains that the project's store has written, and the
//! published one with its proofs, are read by code written from that page.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use unfork::chain::ChainFile;
use unfork::scenario::{Watch, load, run};
use unfork_engine::{BlockExecutor, Engine, OpenHooks, genesis};
use unfork_outside::{Hash, hash, read_block_file, verify};
use unfork_state::{FileLog, MemoryBackend, Store};

/// Bytes of an encoded header (docs/format.md §6), with which the body of a record begins.
const HEADER_BYTES: usize = 181;

fn vectors() -> BTreeMap<String, Vec<u8>> {
    let text = include_str!("../../../state/vectors.txt");
    let rows = text.lines().filter_map(|line| line.split_once(" = "));
    rows.map(|(name, bytes)| (name.to_string(), hex::decode(bytes).expect("hexadecimal"))).collect()
}

#[test]
fn the_published_block_file_leads_to_the_published_root_and_its_proofs_hold() {
    let vectors = vectors();
    let root = |name: &str| Hash::try_from(vectors[name].as_slice()).expect("a root");
    let file = &vectors["blocks.log"];
    let (chain_id, records) = read_block_file(file).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((chain_id, records.len()), ([0x11; 32], 2));
    for (record, name) in records.iter().zip(["root.genesis", "root.second"]) {
        assert_eq!((record.root, record.state.root()), (root(name), root(name)));
    }
    let (state, root) = (&records[1].state, records[1].root);
    for kind in 0..4 {
        let (key, proof) = (&vectors[&format!("proof.{kind}.key")], &vectors[&format!("proof.{kind}")]);
        let value = state.value(key);
        assert_eq!(verify(proof, &root, key, value), Ok(()), "a proof of kind {kind}");
        assert!(verify(proof, &root, key, Some(b"another")).is_err());
        assert!(verify(proof, &hash(&[&root]), key, value).is_err());
        for at in 0..proof.len() {
            let mut changed = proof.clone();
            changed[at] ^= 1;
            assert!(verify(&changed, &root, key, value).is_err(), "kind {kind}, byte {at}");
            assert!(verify(&proof[..at], &root, key, value).is_err(), "kind {kind}, cut at {at}");
        }
    }
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(read_block_file(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn block_files_of_the_vectors_are_read_to_their_last_root() {
    let engine = Engine::new().expect("the self-test passes");
    let place = std::env::temp_dir().join(format!("unfork-outside-{}", std::process::id()));
    std::fs::create_dir_all(&place).expect("a folder");
    let (mut blocks, mut bytes) = (0, 0);
    for name in ["calls", "ink-erc20", "rollback", "sample-factory", "sample-order-book", "sizes"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(name).with_extension("json");
        let scenario = load(&file).unwrap_or_else(|error| panic!("{error}"));
        let spec = Arc::new(ChainFile::of_scenario(&scenario.chain).spec().expect("a chain"));
        let (changes, first) = genesis(&spec).expect("a genesis");
        let log = place.join(name);
        let store = Store::create_with(
            Box::new(MemoryBackend::default()),
            Box::new(FileLog::create(&log).expect("a new file")),
            spec.chain_id(),
            changes,
            first.block.header.id(),
            parity_scale_codec::Encode::encode(&first),
        );
        let store = store.expect("a store");
        let executor = BlockExecutor::new(engine.clone(), Arc::clone(&spec), Arc::new(OpenHooks), store);
        let ran = run(&scenario, executor.expect("a chain"), &engine, Watch::Nothing, &mut |_| ());
        let ran = ran.unwrap_or_else(|error| panic!("{name}: {error}"));
        let written = std::fs::read(&log).expect("a block file");
        let (chain_id, records) = read_block_file(&written).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(chain_id, spec.chain_id());
        for record in &records {
            assert_eq!(record.state.root(), record.root, "{name}: block {}", record.height);
            let header = record.body.get(..HEADER_BYTES).expect("a header");
            assert_eq!(hash(&[b"unfork/header", &[0], header]), record.id, "{name}: block {}", record.height);
        }
        let last = records.last().expect("a block");
        assert_eq!((last.height, last.id, last.root), (ran.height, ran.id, ran.root), "{name}");
        blocks += records.len();
        bytes += written.len();
    }
    std::fs::remove_dir_all(&place).expect("removed");
    println!("{blocks} blocks in {bytes} bytes of block files: each state leads to its root, each header to its id");
}
