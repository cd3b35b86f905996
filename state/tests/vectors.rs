//! The vectors of docs/format.md: `vectors.txt` must be exactly what this program computes. `BLESS=1` rewrites it, which
//! is a change of consensus or of the stored format unless lines were only added.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod model;

use std::fmt::Write;

use model::{Map, apply, id, naive_root};
use unfork_proof::{ListTree, keccak256, state_inner, state_leaf, state_path};
use unfork_state::testing::FaultyDisk;
use unfork_state::{ChangeSet, Head, Key, Overlay, Space, Store, Table, Value};

const CHAIN: [u8; 32] = [0x11; 32];

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn title(&mut self, text: &str) {
        writeln!(self.0, "\n# {text}").unwrap();
    }

    fn line(&mut self, name: &str, bytes: &[u8]) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(self.0, "{name} = {hex}").unwrap();
    }
}

fn storage(raw: &[u8]) -> Key {
    Key::new(&Space::storage(&[0xaa; 32], 1).unwrap(), raw)
}

/// Values of every kind under keys of both kinds.
fn genesis() -> Vec<(Key, Value)> {
    let value = |length: usize| Value::from(vec![0x5a; length]);
    let mut entries = vec![
        (Key::new(&Space::system(), b"version"), Value::from([1, 0, 0, 0].as_slice())),
        (Key::new(&Space::system(), b""), value(0)),
        (Key::new(&Space::storage(&[1], 0).unwrap(), b"key"), value(96)),
        (Key::new(&Space::storage(&[1, 2], u64::MAX).unwrap(), b"key"), value(97)),
    ];
    entries.extend((0..16_u8).map(|raw| (storage(&[raw]), value(usize::from(raw)))));
    entries
}

fn second_block() -> ChangeSet {
    let mut overlay = Overlay::new(std::sync::Arc::new(unfork_state::EmptyView));
    overlay.put(storage(b"new"), Value::from(b"value".as_slice()));
    overlay.put(storage(&[3]), Value::from([].as_slice()));
    overlay.remove(&storage(&[4]));
    overlay.into_changes()
}

fn hashes(lines: &mut Lines) {
    lines
        .title("flat key and path: system space, empty raw key; storage of 32 times 0xaa, incarnation 1, raw key 0x07");
    for (name, key) in [("system", Key::new(&Space::system(), b"")), ("storage", storage(&[7]))] {
        lines.line(&format!("key.{name}"), key.as_bytes());
        lines.line(&format!("path.{name}"), &state_path(key.as_bytes()));
    }
    lines.title("leaf at the path of key.storage; values of n bytes 0x5a");
    for length in [0, 1, 96, 97, 1000] {
        let leaf = state_leaf(&state_path(storage(&[7]).as_bytes()), &vec![0x5a; length]);
        lines.line(&format!("leaf.{length}"), &leaf);
    }
    lines.title("inner node over hash 01.., empty, empty, hash 04..");
    lines.line("inner", &state_inner(&[[1; 32], [0; 32], [0; 32], [4; 32]]));
}

fn lists(lines: &mut Lines) {
    lines.title("lists of n items; item i is the 4 bytes of i, little-endian");
    let items: Vec<[u8; 4]> = (0..100_u32).map(u32::to_le_bytes).collect();
    for count in [0, 1, 2, 4, 5, 17, 100] {
        lines.line(&format!("list.root.{count}"), &ListTree::new(&items[..count]).root());
    }
    lines.line("list.proof.6_of_17", &ListTree::new(&items[..17]).prove(6).unwrap().encode());
    lines.line("list.proof.16_of_17", &ListTree::new(&items[..17]).prove(16).unwrap().encode());
    lines.line("list.many.0_2_4_5_of_5", &ListTree::new(&items[..5]).prove_many(&[0, 2, 4, 5]));
}

fn store(lines: &mut Lines) {
    let disk = FaultyDisk::new();
    let genesis = ChangeSet::genesis(genesis());
    let mut map = Map::new();
    apply(&mut map, &genesis);
    let body = b"genesis body".to_vec();
    let mut store = Store::create_with(disk.backend(), disk.block_log(), CHAIN, genesis, id(0, 0), body).unwrap();
    lines.title("roots: nothing, the genesis below, and the block after it");
    lines.line("root.empty", &Store::memory(CHAIN, ChangeSet::new(), id(0, 0), Vec::new()).unwrap().head().root);
    lines.line("root.genesis", &store.head().root);
    let (root, pending) = store.prepare(id(0, 0), second_block()).unwrap();
    apply(&mut map, pending.changes());
    assert_eq!(root, naive_root(&map));
    lines.line("root.second", &root);
    lines.title("proofs under root.second: key, proof");
    store.commit(pending, 1, id(1, 0), b"second body".to_vec()).unwrap();
    proofs(lines, &store, &map);
    lines.title("change set of the second block; a block file of genesis and that block");
    lines.line("changes", &second_block().encode());
    disk.damage_log(|bytes| lines.line("blocks.log", bytes)).unwrap();
    lines.title("the key-value store's other entries after it");
    let one = 1_u64.to_be_bytes();
    for (name, table, key) in [
        ("meta.format", Table::Meta, b"format".as_slice()),
        ("meta.chain", Table::Meta, b"chain"),
        ("meta.hash", Table::Meta, b"hash"),
        ("meta.head", Table::Meta, b"head"),
        ("keys.new", Table::Keys, &state_path(storage(b"new").as_bytes())),
        ("undo.1", Table::Undo, &one),
        ("blocks.1", Table::Blocks, &one),
        ("ids.1", Table::Ids, &id(1, 0)),
    ] {
        lines.line(name, &disk.backend().get(table, key).unwrap().unwrap());
    }
    assert_eq!(store.head(), Head { height: 1, id: id(1, 0), root });
}

/// One proof of each kind; absent keys are tried until each kind of absence was met.
fn proofs(lines: &mut Lines, store: &Store, map: &Map) {
    let (mut kinds, mut keys) = (std::collections::BTreeSet::new(), Vec::new());
    let candidates = std::iter::once(storage(&[7])).chain((0..2000_u32).map(|raw| storage(&raw.to_le_bytes())));
    for key in candidates {
        let proof = store.prove(&key).unwrap();
        proof.verify(&store.head().root, key.as_bytes(), map.get(key.as_bytes()).map(Vec::as_slice)).unwrap();
        let bytes = proof.encode();
        if kinds.insert(bytes[1]) {
            lines.line(&format!("proof.{}.key", bytes[1]), key.as_bytes());
            lines.line(&format!("proof.{}", bytes[1]), &bytes);
            keys.push(key);
        }
    }
    assert_eq!(kinds.len(), 4, "all kinds of proof");
    lines.line("many", &store.prove_many(&keys).unwrap());
}

#[test]
fn vectors_are_as_published() {
    let mut lines = Lines(String::from(
        "# Vectors of the state format, version 1. What each line is stands in docs/format.md; bytes are hexadecimal.\n",
    ));
    hashes(&mut lines);
    lists(&mut lines);
    store(&mut lines);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &lines.0).unwrap();
    }
    let published = std::fs::read_to_string(path).unwrap();
    assert_eq!(lines.0, published, "BLESS=1 rewrites vectors.txt");
    assert_eq!(
        keccak256(&[]).map(|byte| format!("{byte:02x}")).concat(),
        "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    );
}
