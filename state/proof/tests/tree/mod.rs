//! The state tree by its definition, to take proofs from.

use unfork_proof::{EMPTY, Hash, Level, OtherLeaf, Proof, Terminal, digit, state_inner, state_leaf, state_path};

/// A flat key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

fn digits(path: &Hash) -> Vec<usize> {
    (0..128).map(|depth| digit(path, depth)).collect()
}

/// The root of the entries by the tree's definition, and the way to `path` on request.
fn subtree(entries: &[Entry], depth: usize, path: &Hash, levels: &mut Vec<Level>) -> Hash {
    match entries {
        [] => EMPTY,
        [(key, value)] => state_leaf(&state_path(key), value),
        _ => {
            let own = digit(path, depth);
            let mut here = Vec::new();
            let children = [0, 1, 2, 3].map(|slot| {
                let inside: Vec<Entry> =
                    entries.iter().filter(|(key, _)| digits(&state_path(key))[depth] == slot).cloned().collect();
                let mut aside = Vec::new();
                let hash = subtree(&inside, depth + 1, path, if slot == own { &mut here } else { &mut aside });
                (slot, hash)
            });
            let siblings: Vec<Hash> = children.iter().filter(|(slot, _)| *slot != own).map(|(_, hash)| *hash).collect();
            levels.push(siblings.try_into().unwrap());
            levels.extend(here);
            state_inner(&children.map(|(_, hash)| hash))
        }
    }
}

/// The root of the entries, and the proof of `key` under it.
pub fn prove(entries: &[Entry], key: &[u8]) -> (Hash, Proof) {
    let path = state_path(key);
    let mut levels = Vec::new();
    let root = subtree(entries, 0, &path, &mut levels);
    let slot = |other: &Entry| digits(&state_path(&other.0))[..levels.len()] == digits(&path)[..levels.len()];
    let terminal = match entries.iter().find(|entry| slot(entry)) {
        None => Terminal::Empty,
        Some((other, _)) if other == key => Terminal::Present,
        Some((other, value)) => Terminal::Other(OtherLeaf::new(state_path(other), value)),
    };
    (root, Proof::new(levels, terminal).unwrap())
}
