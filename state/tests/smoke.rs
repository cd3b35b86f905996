//! The whole path once: overlay, prepare, siblings, commit, proofs, snapshots.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects)]

use unfork_state::{ChangeSet, Key, Order, Overlay, Range, Space, Store, Value};

fn value(text: &str) -> Value {
    Value::from(text.as_bytes())
}

#[test]
fn a_block_is_prepared_read_committed_and_proven() {
    let space = Space::storage(&[7; 32], 1).unwrap();
    let key = |raw: &[u8]| Key::new(&space, raw);
    let genesis = ChangeSet::genesis([(key(b"a"), value("1")), (key(b"c"), value("3"))]);
    let mut store = Store::memory([9; 32], genesis, [1; 32], b"genesis".to_vec()).unwrap();
    let before = store.view();

    let mut overlay = Overlay::new(store.view());
    assert_eq!(overlay.get(&key(b"a")).unwrap(), Some(value("1")));
    let checkpoint = overlay.checkpoint();
    overlay.remove(&key(b"a"));
    let all = Range::all(space.clone());
    let scanned = overlay.scan(&all, 10).unwrap();
    assert_eq!((scanned.items.len(), scanned.tombstones, scanned.finished), (1, 1, true));
    overlay.rollback(checkpoint);
    overlay.put(key(b"b"), value(""));
    overlay.remove(&key(b"c"));
    let (root, pending) = store.prepare([1; 32], overlay.into_changes()).unwrap();
    let (_, sibling) = store.prepare([1; 32], ChangeSet::new()).unwrap();
    assert_eq!(sibling.root(), store.head().root);
    let backward = Range { order: Order::Backward, ..all.clone() };
    let seen = pending.view().scan(&backward, 10).unwrap();
    assert_eq!(seen, [(key(b"b"), value("")), (key(b"a"), value("1"))]);
    store.commit(pending, 1, [2; 32], b"one".to_vec()).unwrap();
    assert_eq!(store.head().root, root);
    assert!(store.commit(sibling, 2, [3; 32], Vec::new()).is_err());
    assert_eq!(before.scan(&all, 10).unwrap(), [(key(b"a"), value("1")), (key(b"c"), value("3"))]);
    assert_eq!(store.view().scan(&all, 10).unwrap(), [(key(b"a"), value("1")), (key(b"b"), value(""))]);
    for (raw, expected) in [(b"a", Some(b"1".as_slice())), (b"b", Some(b"")), (b"c", None), (b"d", None)] {
        let proof = store.prove(&key(raw)).unwrap();
        proof.verify(&root, key(raw).as_bytes(), expected).unwrap();
    }
    assert_eq!(store.block(1).unwrap().as_deref(), Some(b"one".as_slice()));
    assert_eq!(store.block(2).unwrap(), None);
    assert_eq!(store.verify(&mut |_, _| ()).unwrap().blocks, 2);
}
