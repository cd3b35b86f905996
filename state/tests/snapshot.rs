//! Snapshots: same bytes whatever the history, every chunk bound to the root, and a store made from one.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects)]

mod model;

use model::{CHAIN, Map, Random, apply, id, naive_root, seed};
use unfork_proof::{Manifest, ProofError, SnapshotHead, part_of, state_path};
use unfork_state::{ChangeSet, Overlay, StateError, Store};

/// A chain of some blocks over random keys, with values of all kinds of lengths.
fn chain(random: &mut Random, blocks: u64) -> (Store, Map) {
    let mut store = Store::memory(CHAIN, ChangeSet::new(), id(0, 0), b"genesis".to_vec()).unwrap();
    let mut map = Map::new();
    for height in 1..=blocks {
        let mut overlay = Overlay::new(store.view());
        for _ in 0..30 {
            let key = random.key(200);
            if random.below(4) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
        }
        let (_, pending) = store.prepare(store.head().id, overlay.into_changes()).unwrap();
        apply(&mut map, pending.changes());
        store.commit(pending, height, id(height, 0), format!("block {height}").into_bytes()).unwrap();
    }
    (store, map)
}

fn head_of(store: &Store) -> SnapshotHead {
    let head = store.head();
    SnapshotHead { chain_id: store.chain_id(), height: head.height, id: head.id, root: head.root }
}

fn export(store: &Store, chunk_bytes: u64) -> (Manifest, Vec<(u32, Vec<u8>)>) {
    let mut chunks = Vec::new();
    let manifest = store.export(chunk_bytes, &mut |chunk| {
        assert!(chunk.index < chunk.parts);
        chunks.push((chunk.index, chunk.bytes.to_vec()));
        Ok(())
    });
    (manifest.unwrap(), chunks)
}

#[test]
fn a_snapshot_has_the_whole_state_in_chunks_that_lead_to_the_root() {
    let mut random = seed(50);
    let (mut all, mut lone) = (0, 0);
    for round in 0..40 {
        let (store, map) = chain(&mut random, round % 10);
        assert_eq!(store.head().root, naive_root(&map));
        for chunk_bytes in [0, 50, 1000, 5000, u64::MAX] {
            let (manifest, chunks) = export(&store, chunk_bytes);
            assert_eq!(*manifest.head(), head_of(&store));
            let decoded = Manifest::decode(&manifest.encode()).unwrap();
            assert_eq!(decoded, manifest);
            assert!(
                manifest.chunks().eq(chunks.iter().map(|(index, _)| *index)),
                "one chunk for every part with a key"
            );
            let mut found = Map::new();
            for (index, chunk) in &chunks {
                let (number, entries) = manifest.check_chunk(chunk).unwrap();
                assert_eq!(number, *index);
                lone += u64::from(entries.len() == 1);
                found.extend(entries.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
                all += 1;
            }
            assert_eq!(found, map);
        }
    }
    println!("{all} chunks, {lone} of one key");
    assert!(lone > 0);
}

#[test]
fn the_same_state_gives_the_same_chunks_whatever_its_history() {
    let mut random = seed(51);
    let (store, map) = chain(&mut random, 9);
    let entries = map
        .iter()
        .map(|(key, value)| (unfork_state::Key::from_flat(key).unwrap(), unfork_state::Value::from(value.as_slice())));
    let other = Store::memory(CHAIN, ChangeSet::genesis(entries), id(0, 7), Vec::new()).unwrap();
    let (one, other) = (export(&store, 700), export(&other, 700));
    assert!(one.1.len() > 4);
    assert_eq!(one.1, other.1);
}

#[test]
fn every_changed_byte_of_a_chunk_is_refused() {
    let mut random = seed(52);
    let (store, _) = chain(&mut random, 6);
    let (manifest, chunks) = export(&store, 600);
    let mut tried = 0;
    for (nth, (_, chunk)) in chunks.iter().enumerate() {
        let refuse = |bytes: &[u8], what: &str, at: usize| {
            assert!(bytes == chunk || manifest.check_chunk(bytes).is_err(), "{what} at {at}");
        };
        for at in 0..chunk.len() {
            for bit in if nth == 0 { 0..8 } else { at % 8..at % 8 + 1 } {
                let mut changed = chunk.clone();
                changed[at] ^= 1 << bit;
                refuse(&changed, "flipped", at);
                tried += 1;
            }
            refuse(&chunk[..at], "cut", at);
        }
        refuse(&[chunk.as_slice(), &[0]].concat(), "extended", 0);
        let mut renumbered = chunk.clone();
        renumbered[1..5].copy_from_slice(&chunks[(nth + 1) % chunks.len()].0.to_le_bytes());
        refuse(&renumbered, "another chunk's number", 1);
    }
    println!("{tried} flipped bits in {} chunks", chunks.len());
}

/// Entries added, left out, exchanged or moved to another chunk.
#[test]
fn chunks_with_other_entries_are_refused() {
    let mut random = seed(53);
    let (store, map) = chain(&mut random, 6);
    let (manifest, chunks) = export(&store, 600);
    let depth = (0..=8).find(|depth| {
        1 << (2 * depth) == 4_u32.pow(u32::from(*depth)) && {
            // The depth at which all keys of the first chunk have its number.
            let (_, entries) = manifest.check_chunk(&chunks[0].1).unwrap();
            entries.iter().all(|(key, _)| part_of(&state_path(key), *depth) == chunks[0].0)
                && chunks.iter().all(|(index, _)| *index < 4_u32.pow(u32::from(*depth)))
        }
    });
    assert!(depth.is_some());
    for (index, chunk) in &chunks {
        let (_, entries) = manifest.check_chunk(chunk).unwrap();
        let refused = |entries: &[(&[u8], &[u8])]| {
            manifest.check_chunk(&unfork_proof::encode_chunk(*index, entries)).map(drop).unwrap_err()
        };
        let (missing, mut extra) = (&entries[1..], entries.clone());
        assert_eq!(refused(missing), ProofError::RootMismatch);
        let foreign = map.iter().find(|(key, _)| !entries.iter().any(|(own, _)| own == key)).unwrap();
        extra.push((foreign.0, foreign.1));
        extra.sort_by_key(|(key, _)| state_path(key));
        assert_eq!(refused(&extra), ProofError::WrongKey);
        if entries.len() > 1 {
            let mut exchanged = entries.clone();
            exchanged.swap(0, 1);
            assert_eq!(refused(&exchanged), ProofError::NotCanonical("order of keys"));
            let mut twice = entries.clone();
            twice.insert(0, entries[0]);
            assert_eq!(refused(&twice), ProofError::NotCanonical("order of keys"));
        }
        let mut other = entries.clone();
        other[0].1 = b"another value";
        assert_eq!(refused(&other), ProofError::RootMismatch);
    }
}

#[test]
fn every_changed_byte_of_a_manifest_is_refused() {
    let mut random = seed(54);
    let (store, _) = chain(&mut random, 4);
    let (manifest, chunks) = export(&store, 400);
    let bytes = manifest.encode();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(Manifest::decode(&changed).is_err(), "byte {at}");
        assert!(Manifest::decode(&bytes[..at]).is_err(), "cut at {at}");
        // With a digest that fits: refused, or of another block, or with another body, which only blocks can tell; and
        // never one that lets another chunk in.
        let end = changed.len() - 32;
        let digest = unfork_proof::keccak256(&[&changed[..end]]);
        changed[end..].copy_from_slice(&digest);
        if let Ok(decoded) = Manifest::decode(&changed)
            && decoded.head() == manifest.head()
        {
            assert!(decoded == manifest || decoded.body() != manifest.body(), "byte {at}");
            for (_, chunk) in &chunks {
                decoded.check_chunk(chunk).unwrap();
            }
        }
    }
    assert!(Manifest::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn a_failing_writer_ends_the_export_with_its_error() {
    let (store, _) = chain(&mut seed(55), 4);
    let mut put = 0;
    let result = store.export(100, &mut |_| {
        put += 1;
        if put == 3 { Err(StateError::Io { during: "writing", text: "no space left".into() }) } else { Ok(()) }
    });
    assert!(matches!(result, Err(StateError::Io { .. })));
    assert_eq!(put, 3);
}

#[cfg(feature = "rocksdb")]
mod import {
    use super::*;
    use unfork_state::{Accepted, Import, chunk_name};

    fn copy_of(place: &std::path::Path, manifest: &Manifest, chunks: &[(u32, Vec<u8>)]) -> Store {
        let mut import = Import::begin(place, manifest.head(), &manifest.encode()).unwrap();
        for (index, chunk) in chunks {
            assert_eq!(import.accept(chunk).unwrap(), Accepted::New(*index));
        }
        import.finish(&mut |_, _| ()).unwrap()
    }

    #[test]
    fn a_store_from_a_snapshot_goes_on_like_the_one_it_was_taken_from() {
        let mut random = seed(56);
        let (mut store, mut map) = chain(&mut random, 6);
        let (manifest, mut chunks) = export(&store, 500);
        chunks.reverse();
        let place = tempfile::tempdir().unwrap();
        let mut copy = copy_of(place.path(), &manifest, &chunks);
        assert!(!place.path().join("import").exists());
        for round in 0..6 {
            assert_eq!(copy.head(), store.head());
            assert_eq!(copy.keys(), map.len() as u64);
            for _ in 0..20 {
                let key = random.key(200);
                let expected = map.get(key.as_bytes()).map(Vec::as_slice);
                assert_eq!(copy.view().get(&key).unwrap().as_deref(), expected);
                copy.prove(&key).unwrap().verify(&copy.head().root, key.as_bytes(), expected).unwrap();
            }
            copy.verify(&mut |_, _| ()).unwrap();
            assert_eq!(export(&copy, 500).1, export(&store, 500).1);
            let height = store.head().height;
            assert_eq!(copy.block(height).unwrap(), store.block(height).unwrap());
            assert_eq!(copy.block(2).unwrap(), None, "what was before the snapshot is not there");
            let mut overlay = Overlay::new(store.view());
            for _ in 0..30 {
                let key = random.key(200);
                if random.below(3) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
            }
            let changes = overlay.into_changes();
            apply(&mut map, &changes);
            for store in [&mut store, &mut copy] {
                let (_, pending) = store.prepare(store.head().id, changes.clone()).unwrap();
                store.commit(pending, height + 1, id(height + 1, 0), vec![9]).unwrap();
            }
            drop(copy);
            if round % 2 == 1 {
                // Nothing but the block file is left: it begins with the snapshot.
                std::fs::remove_dir_all(place.path().join("db")).unwrap();
            }
            copy = Store::open(place.path(), CHAIN).unwrap();
        }
    }

    #[test]
    fn an_import_goes_on_where_it_was_interrupted_and_refuses_corrupt_chunks_by_number() {
        let mut random = seed(57);
        let (store, _) = chain(&mut random, 6);
        let (manifest, chunks) = export(&store, 500);
        assert!(chunks.len() > 8);
        let encoded = manifest.encode();
        let place = tempfile::tempdir().unwrap();
        let begin = || Import::begin(place.path(), manifest.head(), &encoded);
        for (round, (index, chunk)) in chunks.iter().enumerate() {
            let mut import = begin().unwrap();
            assert_eq!(import.missing().len(), chunks.len() - round);
            assert!(matches!(begin(), Err(StateError::Locked { .. })));
            let mut damaged = chunk.clone();
            let middle = damaged.len() / 2;
            damaged[middle] ^= 4;
            assert!(matches!(import.accept(&damaged).unwrap(), Accepted::Refused(_)));
            assert_eq!(import.missing().len(), chunks.len() - round, "what was kept is kept");
            assert_eq!(import.accept(chunk).unwrap(), Accepted::New(*index));
            assert_eq!(import.accept(chunk).unwrap(), Accepted::Known(*index));
            if round == 5 {
                let error = import.finish(&mut |_, _| ()).unwrap_err().to_string();
                assert!(error.contains(&format!("chunk {} of the snapshot is missing", chunks[6].0)), "{error}");
            }
        }
        // Damaged, cut off or lost while it lay there: asked for again.
        let path = |nth: usize| place.path().join("import").join(chunk_name(chunks[nth].0));
        std::fs::write(path(1), &chunks[2].1).unwrap();
        std::fs::write(path(4), &chunks[4].1[..9]).unwrap();
        std::fs::remove_file(path(5)).unwrap();
        let mut import = begin().unwrap();
        assert_eq!(import.missing(), [1, 4, 5].map(|nth: usize| chunks[nth].0));
        for nth in [5, 1, 4] {
            import.accept(&chunks[nth].1).unwrap();
        }
        let copy = import.finish(&mut |_, _| ()).unwrap();
        assert_eq!(copy.head(), store.head());
        drop(copy);
        assert!(begin().unwrap_err().to_string().contains("there is a store in"));
    }

    #[test]
    fn a_manifest_of_another_block_or_a_second_one_is_refused() {
        let mut random = seed(58);
        let (store, _) = chain(&mut random, 3);
        let (manifest, _) = export(&store, 500);
        let place = tempfile::tempdir().unwrap();
        let other = SnapshotHead { root: [1; 32], ..*manifest.head() };
        let error = Import::begin(place.path(), &other, &manifest.encode()).unwrap_err().to_string();
        assert!(error.contains("of another block"), "{error}");
        drop(Import::begin(place.path(), manifest.head(), &manifest.encode()).unwrap());
        let (second, _) = export(&store, 5000);
        let error = Import::begin(place.path(), second.head(), &second.encode()).unwrap_err().to_string();
        assert!(error.contains("another snapshot is being received"), "{error}");
    }
}
