//! Failures and damage: every failed operation of a block, every kind of damaged block file, disagreeing parts.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects)]

mod model;

use model::{CHAIN, Map, Random, apply, id, naive_root, seed};
use unfork_state::testing::FaultyDisk;
use unfork_state::{ChangeSet, Overlay, StateError, Store};

fn create(disk: &FaultyDisk) -> Result<Store, StateError> {
    let system = unfork_state::Space::system();
    let value = unfork_state::Value::from([1].as_slice());
    let genesis = ChangeSet::genesis((0..20_u8).map(|raw| (unfork_state::Key::new(&system, &[raw]), value.clone())));
    Store::create_with(disk.backend(), disk.block_log(), CHAIN, genesis, id(0, 0), b"genesis".to_vec())
}

fn open(disk: &FaultyDisk) -> Result<Store, StateError> {
    Store::with_backend(disk.backend(), disk.block_log(), CHAIN)
}

fn next_block(store: &mut Store, random: &mut Random) -> Result<Map, StateError> {
    let mut overlay = Overlay::new(store.view());
    for _ in 0..10 {
        let key = random.key(60);
        overlay.get(&key)?;
        if random.below(3) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
    }
    let changes = overlay.into_changes();
    let mut map = Map::new();
    apply(&mut map, &changes);
    let (_, pending) = store.prepare(store.head().id, changes)?;
    let height = store.head().height + 1;
    store.commit(pending, height, id(height, 0), vec![7; 100])?;
    Ok(map)
}

/// Everything in the store, which must hash to its root and agree with its block file.
fn check(store: &Store) {
    let map: Map = contents(store);
    assert_eq!(naive_root(&map), store.head().root);
    store.verify(&mut |_, _| ()).unwrap();
}

fn contents(store: &Store) -> Map {
    let mut map = Map::new();
    let mut random = Random(0);
    let spaces: std::collections::BTreeSet<_> = (0..200).map(|_| random.key(60).space()).collect();
    for space in spaces {
        for (key, value) in store.view().scan(&unfork_state::Range::all(space), usize::MAX).unwrap() {
            map.insert(key.as_bytes().to_vec(), value.to_vec());
        }
    }
    map
}

#[test]
fn a_failure_at_any_operation_leaves_the_old_head_or_the_new_one() {
    let mut tried = 0;
    for reads in [false, true] {
        for kept in [0, 1, 50, 119, 120, 200, u64::MAX] {
            let mut fail_at = 0;
            loop {
                let disk = FaultyDisk::new();
                let mut random = Random(7);
                let mut store = create(&disk).unwrap();
                next_block(&mut store, &mut random).unwrap();
                let old = store.head();
                let before = store.view();
                let old_map = contents(&store);
                disk.fail_after(fail_at, reads);
                let result = next_block(&mut store, &mut random);
                let done = disk.operations();
                if result.is_err() {
                    // A failed commit closes the handle; a failed read before it does not.
                    disk.restart();
                    let again = store.prepare(store.head().id, ChangeSet::new()).map(drop);
                    let closed = matches!(again, Err(StateError::Poisoned { .. }));
                    assert!(closed || (reads && again.is_ok()), "{again:?}");
                    let (key, _) = old_map.first_key_value().unwrap();
                    let proof = store.prove(&unfork_state::Key::from_flat(key).unwrap());
                    assert_eq!(closed, proof.is_err(), "the tree of a closed handle may be ahead of its head");
                    assert_eq!(store.head(), old, "the handle never shows what is not acknowledged");
                }
                disk.restart();
                let new_head = store.head();
                for (flat, value) in &old_map {
                    let key = unfork_state::Key::from_flat(flat).unwrap();
                    assert_eq!(
                        before.get(&key).unwrap().as_deref(),
                        Some(value.as_slice()),
                        "the old head stays readable"
                    );
                }
                drop((store, before));
                if kept == u64::MAX {
                    disk.restart()
                } else {
                    disk.restart_after_power_cut(kept).unwrap()
                }
                let store = open(&disk).unwrap();
                let height = store.head().height;
                assert!(
                    if result.is_ok() { store.head() == new_head } else { height == 1 || height == 2 },
                    "{:?}",
                    store.head()
                );
                if height == 1 {
                    assert_eq!((store.head(), contents(&store)), (old, old_map));
                }
                check(&store);
                tried += 1;
                if result.is_ok() {
                    assert!(fail_at >= 3, "append, sync and write are operations");
                    assert!(done <= fail_at);
                    break;
                }
                fail_at += 1;
            }
        }
    }
    println!("{tried} failures tried");
}

#[test]
fn a_failure_at_any_operation_of_creating_or_opening_is_an_error_and_can_be_repeated() {
    for fail_at in 0.. {
        let disk = FaultyDisk::new();
        disk.fail_after(fail_at, true);
        let created = create(&disk).is_ok();
        disk.restart();
        if created {
            check(&open(&disk).unwrap());
            break;
        }
        // Either nothing was acknowledged and the store refuses, saying so, or it is whole.
        match open(&disk) {
            Ok(store) => check(&store),
            Err(error) => assert!(matches!(error, StateError::Refused { .. }), "{error}"),
        }
    }
    for fail_at in 0.. {
        let disk = FaultyDisk::new();
        let mut store = create(&disk).unwrap();
        let mut random = Random(8);
        next_block(&mut store, &mut random).unwrap();
        // The next block reaches the block file only, and so has to be replayed.
        disk.fail_after(2, false);
        assert!(next_block(&mut store, &mut random).is_err());
        drop(store);
        disk.fail_after(fail_at, true);
        let opened = open(&disk).is_ok();
        disk.restart();
        let store = open(&disk).unwrap();
        assert_eq!(store.head().height, 2);
        check(&store);
        if opened {
            break;
        }
    }
}

fn chain(blocks: u64) -> (FaultyDisk, Store) {
    let disk = FaultyDisk::new();
    let mut store = create(&disk).unwrap();
    let mut random = Random(9);
    for _ in 0..blocks {
        next_block(&mut store, &mut random).unwrap();
    }
    (disk, store)
}

#[test]
fn a_torn_last_record_is_cut_off_at_any_length() {
    let (disk, mut store) = chain(2);
    let mut whole = 0;
    disk.damage_log(|bytes| whole = bytes.len()).unwrap();
    disk.fail_after(2, false);
    assert!(next_block(&mut store, &mut Random(1)).is_err());
    drop(store);
    let mut record = Vec::new();
    disk.restart();
    disk.damage_log(|bytes| record = bytes.split_off(whole)).unwrap();
    for length in 0..record.len() {
        disk.damage_log(|bytes| {
            bytes.truncate(whole);
            bytes.extend_from_slice(&record[..length]);
        })
        .unwrap();
        let store = open(&disk).unwrap();
        assert_eq!((store.head().height, store.recovery().torn_bytes), (2, length as u64));
        if length % 40 == 0 {
            check(&store);
        }
    }
    // A tail whose pages were written in part: right length, wrong bytes.
    for at in 0..record.len() {
        disk.damage_log(|bytes| {
            bytes.truncate(whole);
            bytes.extend_from_slice(&record);
            bytes[whole + at] ^= 0x10;
        })
        .unwrap();
        assert_eq!(open(&disk).unwrap().head().height, 2, "byte {at}");
    }
    disk.damage_log(|bytes| bytes.extend_from_slice(&record)).unwrap();
    let store = open(&disk).unwrap();
    assert_eq!((store.head().height, store.recovery().blocks_replayed), (3, 1));
    check(&store);
}

#[test]
fn a_flipped_byte_anywhere_in_the_block_file_is_noticed() {
    let (disk, store) = chain(3);
    drop(store);
    let mut length = 0;
    disk.damage_log(|bytes| length = bytes.len()).unwrap();
    for at in 0..length {
        disk.damage_log(|bytes| bytes[at] ^= 0x01).unwrap();
        // The header and the head's record are read on opening, the rest when it is asked for or verified.
        match open(&disk) {
            Err(error) => assert!(matches!(error, StateError::Refused { .. }), "byte {at}: {error}"),
            Ok(store) => {
                let error = store.verify(&mut |_, _| ()).unwrap_err();
                assert!(matches!(error, StateError::Corrupt { .. }), "byte {at}: {error}");
                assert!((0..3).any(|height| store.block(height).is_err()), "byte {at}");
            }
        }
        disk.damage_log(|bytes| bytes[at] ^= 0x01).unwrap();
    }
    check(&open(&disk).unwrap());
    println!("{length} bytes flipped");
}

/// Copies one disk's key-value store under another's block file.
fn with_log_of(values: &FaultyDisk, log: &FaultyDisk) -> Result<Store, StateError> {
    Store::with_backend(values.backend(), log.block_log(), CHAIN)
}

#[test]
fn a_block_file_that_is_ahead_is_replayed() {
    let (ahead, _) = chain(6);
    let (behind, _) = chain(2);
    let store = with_log_of(&behind, &ahead).unwrap();
    assert_eq!((store.head().height, store.recovery().blocks_replayed), (6, 4));
    check(&store);
    let store = with_log_of(&FaultyDisk::new(), &ahead).unwrap();
    assert_eq!((store.head().height, store.recovery().blocks_replayed), (6, 6), "from nothing but the block file");
    check(&store);
}

#[test]
fn damage_before_the_last_record_is_refused_when_replaying() {
    let (behind, _) = chain(2);
    let mut end = 0;
    behind.damage_log(|bytes| end = bytes.len()).unwrap();
    for at in [0, 3, 50, 118, 119, 120, 130, 219] {
        let (ahead, _) = chain(6);
        ahead.damage_log(|bytes| bytes[end + at] ^= 4).unwrap();
        let error = with_log_of(&behind, &ahead).map(drop).unwrap_err().to_string();
        assert!(error.contains("damaged at"), "{at}: {error}");
    }
}

#[test]
fn a_record_whose_changes_do_not_lead_to_its_root_is_not_replayed() {
    let (behind, _) = chain(2);
    let mut end = 0;
    behind.damage_log(|bytes| end = bytes.len()).unwrap();
    // Byte 44 begins the parent, byte 76 the root, byte 4 the height; the checksum is made to agree.
    for at in [4, 44, 76] {
        let (ahead, _) = chain(3);
        ahead
            .damage_log(|bytes| {
                bytes[end + at] ^= 1;
                let offset = u64::try_from(end).unwrap().to_le_bytes();
                let checksum = crc32c::crc32c(&[&CHAIN, offset.as_slice(), &bytes[end..end + 116]].concat());
                bytes[end + 116..end + 120].copy_from_slice(&checksum.to_le_bytes());
            })
            .unwrap();
        let error = with_log_of(&behind, &ahead).map(drop).unwrap_err().to_string();
        assert!(error.contains("in the block file does not follow block 2"), "{at}: {error}");
    }
}

#[test]
fn a_block_file_that_is_behind_or_of_another_history_is_refused() {
    let (ahead, _) = chain(6);
    let (behind, _) = chain(2);
    let error = with_log_of(&ahead, &behind).map(drop).unwrap_err().to_string();
    assert!(error.contains("block file ends at") && error.contains("restore it from a backup"), "{error}");
    let other = FaultyDisk::new();
    let mut store = create(&other).unwrap();
    let mut random = Random(1234);
    for _ in 0..6 {
        next_block(&mut store, &mut random).unwrap();
    }
    let error = with_log_of(&behind, &other).map(drop).unwrap_err().to_string();
    assert!(error.starts_with("store refused"), "{error}");
}

#[test]
fn another_chain_or_format_is_refused_by_name() {
    let (disk, store) = chain(1);
    drop(store);
    let error = Store::with_backend(disk.backend(), disk.block_log(), [1; 32]).map(drop).unwrap_err().to_string();
    assert!(error.contains("belongs to chain c4c4") && error.contains("not to 0101"), "{error}");
    let reseal = |change: fn(&mut [u8])| {
        disk.damage_log(|bytes| {
            change(bytes);
            let checksum = crc32c::crc32c(&bytes[..60]).to_le_bytes();
            bytes[60..64].copy_from_slice(&checksum);
        })
        .unwrap();
        open(&disk).map(drop).unwrap_err().to_string()
    };
    let error = reseal(|bytes| bytes[8] = 2);
    assert!(error.contains("block file has format version 2, this program reads version 3"), "{error}");
    let error = reseal(|bytes| {
        bytes[8] = 3;
        bytes[48..54].copy_from_slice(b"blake3");
    });
    assert!(error.contains("hash function \"blake3"), "{error}");
}

#[test]
fn a_key_value_store_of_another_chain_or_format_is_refused_by_name() {
    for (row, value, expected) in [
        ("format", [2, 0, 0, 0].as_slice(), "the key-value store has format version 2, this program reads version 3"),
        ("format", &[], "the key-value store has format version 0"),
        ("hash", b"blake3\0\0\0\0\0\0", "the key-value store uses the hash function \"blake3\""),
        ("chain", &[1; 32], "the key-value store belongs to chain 0101"),
    ] {
        let (disk, store) = chain(1);
        drop(store);
        let mut batch = unfork_state::Batch::default();
        batch.put(unfork_state::Table::Meta, row.as_bytes(), value);
        disk.backend().write(batch).unwrap();
        let error = open(&disk).map(drop).unwrap_err();
        assert!(matches!(error, StateError::Refused { .. }) && error.to_string().contains(expected), "{row}: {error}");
    }
}

#[test]
fn damaged_values_are_refused_on_opening() {
    let mut random = seed(20);
    for _ in 0..20 {
        let (disk, store) = chain(3);
        let map = contents(&store);
        drop(store);
        let nth = usize::try_from(random.below(map.len() as u64)).unwrap();
        let (key, mut value) = map.into_iter().nth(nth).unwrap();
        value.push(0);
        let mut batch = unfork_state::Batch::default();
        batch.put(unfork_state::Table::Values, &key, &value);
        disk.backend().write(batch).unwrap();
        let error = open(&disk).map(drop).unwrap_err().to_string();
        assert!(error.contains("the values hash to"), "{error}");
    }
}
