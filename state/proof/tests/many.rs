//! Proofs of many keys and items at once: one proof for given claims, and every other string of bytes is refused.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects)]

mod tree;

use tree::{Entry, prove};
use unfork_proof::{
    Hash, ListClaim, ListTree, Proof, ProofError, digit, join_proofs, keccak256, state_path, verify_list_many,
    verify_many,
};

type Claims<'a> = Vec<(&'a [u8], Option<&'a [u8]>)>;

fn value_of<'a>(entries: &'a [Entry], key: &[u8]) -> Option<&'a [u8]> {
    entries.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_slice())
}

/// A key, its proof, and what is true of it.
type Single<'a> = (&'a [u8], Proof, Option<&'a [u8]>);

/// The root and the proofs of single keys.
struct Tree<'a> {
    root: Hash,
    singles: Vec<Single<'a>>,
}

impl<'a> Tree<'a> {
    fn new(entries: &'a [Entry], keys: &'a [Vec<u8>]) -> Self {
        let root = prove(entries, &[]).0;
        let single = |key: &'a Vec<u8>| (key.as_slice(), prove(entries, key).1, value_of(entries, key));
        Self { root, singles: keys.iter().map(single).collect() }
    }

    fn proof(&self, chosen: &[usize]) -> Vec<u8> {
        join_proofs(chosen.iter().map(|at| (self.singles[*at].0, &self.singles[*at].1))).unwrap()
    }

    fn claims(&self, chosen: &[usize]) -> Claims<'a> {
        chosen.iter().map(|at| (self.singles[*at].0, self.singles[*at].2)).collect()
    }
}

fn subsets(of: usize) -> Vec<Vec<usize>> {
    (1..1_usize << of).map(|bits| (0..of).filter(|at| (bits >> at) & 1 == 1).collect()).collect()
}

/// Changes `proof` in every way there is a name for, and counts how often `accepts` was asked.
fn mutate(proof: &[u8], every_bit: bool, accepts: &dyn Fn(&[u8]) -> bool) -> u64 {
    let mut asked = 0;
    let mut refuse = |changed: &[u8], what: &str, at: usize| {
        asked += 1;
        assert!(changed == proof || !accepts(changed), "{what} at {at} of {proof:02x?}");
    };
    for at in 0..proof.len() {
        for bit in if every_bit { 0..8 } else { at % 8..at % 8 + 1 } {
            let mut changed = proof.to_vec();
            changed[at] ^= 1 << bit;
            refuse(&changed, "flipped", at);
        }
        refuse(&proof[..at], "cut", at);
        refuse(&[&proof[..at], &proof[at + 1..]].concat(), "left out", at);
        refuse(&[&proof[..at], &[0], &proof[at..]].concat(), "put in", at);
        // The two pieces of 32 bytes behind each other, and the two halves of the proof.
        if let Some(pair) = proof.get(at..at + 64) {
            refuse(&[&proof[..at], &pair[32..], &pair[..32], &proof[at + 64..]].concat(), "swapped", at);
        }
        refuse(&[&proof[at..], &proof[..at]].concat(), "turned round", at);
    }
    for extra in [&[0][..], &[1], &[0; 32], proof] {
        refuse(&[proof, extra].concat(), "extended", proof.len());
    }
    asked
}

/// Keys of which four share their first three digits, so that the trees are deep.
fn close_keys() -> Vec<Vec<u8>> {
    let key = |number: u16| [&[0][..], &number.to_le_bytes()].concat();
    let digits = |key: &[u8]| [0, 1, 2].map(|depth| digit(&state_path(key), depth));
    let wanted = digits(&key(0));
    let close = (0..u16::MAX).map(key).filter(|key| digits(key) == wanted).take(4);
    close.chain([key(1), key(2)]).collect()
}

#[test]
fn small_trees_accept_one_proof_for_each_set_of_claims_and_nothing_else() {
    let keys = close_keys();
    let values = [vec![], vec![7; 97], vec![1], vec![2; 96], vec![3; 200], vec![4; 3]];
    let (mut pairs, mut mutations) = (0_u64, 0);
    for present in [&[][..], &[0], &[1], &[0, 1], &[1, 4], &[0, 1, 4], &[0, 2, 3, 4], &[0, 1, 2, 3, 4, 5]] {
        let entries: Vec<Entry> = present.iter().map(|at| (keys[*at].clone(), values[*at].clone())).collect();
        let tree = Tree::new(&entries, &keys);
        let sets: Vec<(Claims<'_>, Vec<u8>)> =
            subsets(keys.len()).iter().map(|chosen| (tree.claims(chosen), tree.proof(chosen))).collect();
        for (claims, proof) in &sets {
            verify_many(proof, &tree.root, claims).unwrap();
            let mut reversed = claims.clone();
            reversed.reverse();
            verify_many(proof, &tree.root, &reversed).unwrap();
            mutations += mutate(proof, true, &|changed| verify_many(changed, &tree.root, claims).is_ok());
            // Replayed under every other set of claims, true or with one of them false.
            for (other, own) in &sets {
                pairs += 1;
                assert_eq!(verify_many(proof, &tree.root, other).is_ok(), proof == own, "{proof:02x?} for {other:?}");
                for at in 0..other.len() {
                    let mut wrong = other.clone();
                    wrong[at].1 = if wrong[at].1.is_none() { Some(&[]) } else { None };
                    assert!(verify_many(proof, &tree.root, &wrong).is_err());
                    wrong[at].1 = Some(&[9]);
                    assert!(verify_many(proof, &tree.root, &wrong).is_err());
                }
            }
            assert_eq!(verify_many(proof, &keccak256(&[&tree.root]), claims), Err(ProofError::RootMismatch));
        }
    }
    println!("{pairs} pairs of proof and claims, {mutations} mutations");
}

#[test]
fn a_medium_tree_refuses_every_mutation() {
    let keys: Vec<Vec<u8>> = (0..400_u16).map(|number| [&[0][..], &number.to_le_bytes()].concat()).collect();
    let value = |number: usize| vec![7; [0, 1, 40, 96, 97, 300][number % 6]];
    let entries: Vec<Entry> = (0..200).map(|number| (keys[number].clone(), value(number))).collect();
    let tree = Tree::new(&entries, &keys);
    let (mut mutations, mut joined, mut single) = (0, 0, 0);
    let mut last: Option<Claims<'_>> = None;
    for round in [1, 3, 8, 20_usize] {
        let chosen: Vec<usize> = (0..round * 2).map(|turn| (turn * 37 + round * 11) % keys.len()).collect();
        let (proof, claims) = (tree.proof(&chosen), tree.claims(&chosen));
        verify_many(&proof, &tree.root, &claims).unwrap();
        mutations += mutate(&proof, false, &|changed| verify_many(changed, &tree.root, &claims).is_ok());
        if let Some(last) = last.replace(claims) {
            assert!(verify_many(&proof, &tree.root, &last).is_err(), "claims of another proof");
        }
        (joined, single) = (proof.len(), chosen.iter().map(|at| tree.singles[*at].1.encode().len()).sum::<usize>());
    }
    println!("{mutations} mutations; the last proof has {joined} bytes, single ones {single}");
    assert!(joined * 2 < single);
}

#[test]
fn a_proof_of_one_key_says_what_the_single_proof_says() {
    let keys = close_keys();
    let entries: Vec<Entry> = keys[..3].iter().map(|key| (key.clone(), vec![5; 10])).collect();
    let tree = Tree::new(&entries, &keys);
    for (key, single, value) in &tree.singles {
        let proof = join_proofs([(*key, single)]).unwrap();
        verify_many(&proof, &tree.root, &[(key, *value)]).unwrap();
        assert_eq!(verify_many(&proof, &tree.root, &[(key, *value), (key, *value)]), Err(ProofError::WrongKey));
        assert_eq!(verify_many(&proof, &tree.root, &[]), Err(ProofError::WrongKey));
        let mut version = proof.clone();
        version[0] = 2;
        assert_eq!(verify_many(&version, &tree.root, &[(key, *value)]), Err(ProofError::Version { found: 2 }));
    }
    assert_eq!(join_proofs([]), Err(ProofError::WrongKey));
    let other = prove(&[], &keys[1]).1;
    let mixed = join_proofs([(tree.singles[0].0, &tree.singles[0].1), (keys[1].as_slice(), &other)]);
    assert_eq!(mixed, Err(ProofError::NotCanonical("the proofs are of different trees")));
}

/// A proof that goes on and on: the verifier stops at the deepest level there can be.
#[test]
fn endless_proofs_end() {
    let path = state_path(b"\0k");
    let mut proof = vec![1];
    for depth in 0..1000 {
        proof.extend([4, 2 << (2 * digit(&path, depth))]);
    }
    assert_eq!(verify_many(&proof, &[1; 32], &[(b"\0k", None)]), Err(ProofError::TooLarge("levels")));
}

#[test]
fn lists_accept_one_proof_for_each_set_of_claims_and_nothing_else() {
    let items: Vec<Vec<u8>> = (0..70_u8).map(|number| vec![number; usize::from(number % 7)]).collect();
    let (mut pairs, mut mutations) = (0_u64, 0);
    for count in [0, 1, 2, 3, 5, 16, 17, 70] {
        let tree = ListTree::new(&items[..count]);
        let root = tree.root();
        // All sets of indices of a short list; of a longer one those around its edges. The last ones lie behind the end.
        let count = u32::try_from(count).unwrap();
        let mut indices: Vec<u32> = [0, 1, 4, count / 2, count.saturating_sub(2), count.saturating_sub(1)].to_vec();
        indices.extend([count, count + 1, u32::MAX]);
        indices.sort_unstable();
        indices.dedup();
        let item = |index: u32| items[..count as usize].get(index as usize).map(Vec::as_slice);
        let sets: Vec<(Vec<ListClaim<'_>>, Vec<u8>)> = subsets(indices.len())
            .into_iter()
            .map(|chosen| chosen.iter().map(|at| indices[*at]).collect::<Vec<u32>>())
            .map(|chosen| (chosen.iter().map(|index| (*index, item(*index))).collect(), tree.prove_many(&chosen)))
            .collect();
        for (nth, (claims, proof)) in sets.iter().enumerate() {
            verify_list_many(proof, &root, claims).unwrap();
            if nth % 40 == 0 {
                mutations += mutate(proof, nth % 120 == 0, &|changed| verify_list_many(changed, &root, claims).is_ok());
            }
            for (other, own) in sets.iter().skip(nth % 7).step_by(7) {
                pairs += 1;
                assert_eq!(verify_list_many(proof, &root, other).is_ok(), proof == own, "{claims:?} for {other:?}");
            }
            for at in 0..claims.len() {
                let mut wrong = claims.clone();
                wrong[at].1 = if wrong[at].1.is_none() { Some(&[]) } else { None };
                assert!(verify_list_many(proof, &root, &wrong).is_err());
                wrong[at].1 = Some(b"other");
                assert!(verify_list_many(proof, &root, &wrong).is_err());
            }
            assert!(verify_list_many(proof, &keccak256(&[&root]), claims).is_err());
        }
        assert_eq!(verify_list_many(&sets[0].1, &root, &[]), Err(ProofError::WrongKey));
    }
    println!("{pairs} pairs of proof and claims, {mutations} mutations");
}
