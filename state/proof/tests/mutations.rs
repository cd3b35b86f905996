//! A verifier is worth what it rejects: every changed, shortened, lengthened or misused proof.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects)]

mod tree;

use tree::{Entry, prove};
use unfork_proof::{EMPTY, Hash, ListProof, ListTree, OtherLeaf, Proof, ProofError, Terminal, keccak256};

fn entries() -> Vec<Entry> {
    let value = |number: u8| match number % 4 {
        0 => Vec::new(),
        1 => vec![number; 96],
        2 => vec![number; 97],
        _ => vec![number; 5],
    };
    (0..60_u8).map(|number| (vec![0, number], value(number))).collect()
}

/// All ways in which a proof may be accepted that are not the one intended.
fn accepts(bytes: &[u8], root: &Hash, key: &[u8], expected: Option<&[u8]>) -> bool {
    Proof::decode(bytes).and_then(|proof| proof.verify(root, key, expected)).is_ok()
}

#[test]
fn state_proofs_hold_and_every_mutation_is_rejected() {
    let entries = entries();
    let mut kinds = [0; 4];
    let mut mutations = 0;
    for number in 0..=255_u8 {
        let key = [0, number];
        let expected = entries.iter().find(|(other, _)| *other == key).map(|(_, value)| value.as_slice());
        let (root, proof) = prove(&entries, &key);
        let bytes = proof.encode();
        kinds[usize::from(bytes[1])] += 1;
        assert_eq!(Proof::decode(&bytes).unwrap(), proof);
        proof.verify(&root, &key, expected).unwrap();

        for at in 0..bytes.len() {
            // Every bit of what has a meaning of its own, one of each byte of a hash.
            for bit in if at < 36 { 0..8 } else { at % 8..at % 8 + 1 } {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                mutations += 1;
                assert!(!accepts(&changed, &root, &key, expected), "key {number} byte {at} bit {bit}");
            }
            assert!(!accepts(&bytes[..at], &root, &key, expected), "key {number} cut at {at}");
        }
        for extra in [0, 1, 0xff] {
            assert!(!accepts(&[bytes.as_slice(), &[extra]].concat(), &root, &key, expected));
        }
        check_misuse(&proof, &root, &key, expected);
    }
    assert!(kinds.iter().all(|kind| *kind > 0), "{kinds:?}");
    println!("{mutations} flipped bits, {kinds:?} proofs by kind");
}

/// The right proof, for the wrong thing.
fn check_misuse(proof: &Proof, root: &Hash, key: &[u8], expected: Option<&[u8]>) {
    for bit in 0..256 {
        let mut other = *root;
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(proof.verify(&other, key, expected).is_err());
    }
    for (wrong, why) in
        [(None, "absence"), (Some([].as_slice()), "empty"), (Some(&[1; 97]), "other"), (Some(&[0; 32]), "zeros")]
    {
        assert_eq!(proof.verify(root, key, wrong).is_ok(), wrong == expected, "{why}");
    }
    if let Some(value) = expected {
        assert!(proof.verify(root, key, Some(&[value, &[0]].concat())).is_err(), "a longer value");
        assert!(proof.verify(root, key, Some(&keccak256(&[value]))).is_err(), "its hash");
    }
    // A proof of presence holds for its key alone. One of absence holds for whatever would have the same slot.
    for number in 0..=255_u8 {
        let other = [0, number];
        if other != key && proof.verify(root, &other, expected).is_ok() {
            assert!(expected.is_none() && number >= 60, "key {number} exists");
        }
    }
    // Swapped siblings and levels.
    let (levels, terminal) = (proof.levels(), proof.terminal());
    for depth in 0..levels.len() {
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let mut changed = levels.to_vec();
            changed[depth].swap(one, other);
            if changed != levels {
                let changed = Proof::new(changed, terminal.clone()).unwrap();
                assert!(changed.verify(root, key, expected).is_err());
            }
        }
        let mut changed = levels.to_vec();
        changed.remove(depth);
        let accepted = |shorter: Proof| shorter.verify(root, key, expected).is_ok();
        assert!(!Proof::new(changed, terminal.clone()).is_ok_and(accepted), "a level left out");
    }
}

#[test]
fn an_inner_node_does_not_pass_for_a_value() {
    // A value whose bytes are the four children of a node: its leaf ends in another tag, and its own hash stands in a
    // leaf only together with a path.
    let entries = entries();
    let (root, proof) = prove(&entries, &[0, 1]);
    let mut levels = proof.levels().to_vec();
    let deepest = levels.pop().unwrap();
    let disguised: Vec<u8> = [deepest.as_flattened(), &[0; 32], &[1]].concat();
    for value in [disguised.as_slice(), &disguised[..128]] {
        let shorter = Proof::new(levels.clone(), Terminal::Present).unwrap();
        assert_eq!(shorter.verify(&root, &[0, 1], Some(value)), Err(ProofError::RootMismatch));
    }
}

#[test]
fn the_empty_state_and_a_single_key() {
    let (root, proof) = prove(&[], b"\0k");
    assert_eq!((root, proof.encode()), (EMPTY, vec![1, 1, 0]));
    proof.verify(&root, b"\0k", None).unwrap();
    let one = [(b"\0k".to_vec(), b"v".to_vec())];
    let (root, present) = prove(&one, b"\0k");
    present.verify(&root, b"\0k", Some(b"v")).unwrap();
    let (_, absent) = prove(&one, b"\0x");
    absent.verify(&root, b"\0x", None).unwrap();
    assert_eq!(absent.verify(&root, b"\0k", None), Err(ProofError::WrongKey), "the key itself is in the way");
}

#[test]
fn malformed_proofs_are_named() {
    let level = |bits: u8, hash: u8| [&[bits][..], &[hash; 32]].concat();
    let cases: [(Vec<u8>, ProofError); 11] = [
        (vec![], ProofError::Truncated),
        (vec![2, 0, 0], ProofError::Version { found: 2 }),
        (vec![1, 4, 0], ProofError::NotCanonical("kind")),
        (vec![1, 0, 129], ProofError::TooLarge("levels")),
        (vec![1, 0, 0, 0], ProofError::TrailingBytes),
        (vec![1, 0, 1], ProofError::Truncated),
        (vec![1, 0, 1, 0], ProofError::NotCanonical("the deepest level has no sibling")),
        ([vec![1, 0, 1], level(8, 1)].concat(), ProofError::NotCanonical("sibling bits")),
        ([vec![1, 0, 1], level(1, 0)].concat(), ProofError::NotCanonical("an empty sibling is written out")),
        ([vec![1, 2, 0], vec![0; 32], vec![97]].concat(), ProofError::TooLarge("other leaf's inline value")),
        ([vec![1, 3, 0], vec![0; 63]].concat(), ProofError::Truncated),
    ];
    for (bytes, expected) in cases {
        assert_eq!(Proof::decode(&bytes), Err(expected), "{bytes:?}");
    }
    assert_eq!(Proof::new(vec![[[1; 32]; 3]; 129], Terminal::Empty), Err(ProofError::TooLarge("levels")));
    let inline = OtherLeaf::Inline { path: [0; 32], value: vec![0; 97] };
    assert_eq!(Proof::new(vec![], Terminal::Other(inline)), Err(ProofError::TooLarge("other leaf's inline value")));
}

#[test]
fn list_proofs_hold_and_every_mutation_is_rejected() {
    let items: Vec<Vec<u8>> = (0..100_u8).map(|number| vec![number; usize::from(number % 7)]).collect();
    let mut mutations = 0;
    let mut roots = std::collections::BTreeSet::new();
    for count in [0, 1, 2, 3, 4, 5, 15, 16, 17, 20, 63, 64, 65, 100] {
        let tree = ListTree::new(&items[..count]);
        let root = tree.root();
        assert!(roots.insert(root), "the count is part of the root");
        assert!(tree.prove(u32::try_from(count).unwrap()).is_none());
        for (index, item) in (0..).zip(&items[..count]) {
            let proof = tree.prove(index).unwrap();
            proof.verify(&root, index, item).unwrap();
            let bytes = proof.encode();
            assert_eq!(ListProof::decode(&bytes).unwrap(), proof);
            let accepts = |bytes: &[u8], root: &Hash, item: &[u8]| {
                ListProof::decode(bytes).and_then(|proof| proof.verify(root, index, item)).is_ok()
            };
            for at in 0..bytes.len() {
                for bit in if at < 9 { 0..8 } else { at % 8..at % 8 + 1 } {
                    let mut changed = bytes.clone();
                    changed[at] ^= 1 << bit;
                    mutations += 1;
                    assert!(!accepts(&changed, &root, item), "{count}/{index} byte {at} bit {bit}");
                }
                assert!(!accepts(&bytes[..at], &root, item));
            }
            assert!(!accepts(&[bytes.as_slice(), &[0; 32]].concat(), &root, item));
            assert!(!accepts(&bytes, &root, &[item.as_slice(), &[0]].concat()));
            assert!(!accepts(&bytes, &keccak256(&[&root]), item));
            let other = if index > 0 { index - 1 } else { index + 1 };
            assert!(proof.verify(&root, other, item).is_err());
        }
    }
    println!("{mutations} flipped bits");
}

#[test]
fn appending_an_empty_item_changes_the_root() {
    let one: [&[u8]; 1] = [b"a"];
    let two: [&[u8]; 2] = [b"a", b""];
    assert_ne!(unfork_proof::list_root(&one), unfork_proof::list_root(&two));
    // A lone item's leaf is the top, but never the root itself.
    assert_ne!(unfork_proof::list_root(&one), unfork_proof::list_leaf(b"a"));
}
