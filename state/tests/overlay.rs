//! The overlay against a map and a stack of its copies.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects)]

mod model;

use std::sync::Arc;

use model::{Map, Random, apply, naive_scan, seed};
use unfork_state::{ChangeSet, EmptyView, Key, Layer, Overlay, Range, Space, StateView, Value};

fn base(random: &mut Random) -> (Map, Arc<dyn StateView>) {
    let mut map = Map::new();
    let mut view: Arc<dyn StateView> = Arc::new(EmptyView);
    // Three layers on top of each other, so that scans through layers are tested as well.
    for _ in 0..3 {
        let mut overlay = Overlay::new(view.clone());
        for _ in 0..random.below(40) {
            let key = random.key(40);
            if random.below(4) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
        }
        apply(&mut map, &overlay.changes());
        view = Arc::new(overlay.freeze());
    }
    (map, view)
}

/// Scans to the end in steps of `limit` and checks every promise of [`unfork_state::Scanned`].
fn check_scan(overlay: &mut Overlay, below: &Map, now: &Map, range: &Range, limit: usize) {
    let (mut items, mut tombstones) = (Vec::new(), 0);
    let mut rest = range.clone();
    loop {
        let scanned = overlay.scan(&rest, limit).unwrap();
        let steps = scanned.items.len() + scanned.tombstones as usize;
        assert!(if scanned.finished { steps < limit } else { steps == limit });
        items.extend(scanned.items);
        tombstones += scanned.tombstones;
        if scanned.finished {
            break;
        }
        rest = rest.after(&scanned.last.unwrap());
    }
    assert_eq!(items, naive_scan(now, range, usize::MAX));
    let removed =
        naive_scan(below, range, usize::MAX).iter().filter(|(key, _)| !now.contains_key(key.as_bytes())).count();
    assert_eq!(tombstones as usize, removed, "tombstones depend on the two states only");
}

#[test]
fn random_operations_agree_with_a_map() {
    let mut random = seed(1);
    let mut operations = 0;
    for _ in 0..150 {
        let (below, view) = base(&mut random);
        let mut now = below.clone();
        let mut overlay = Overlay::new(view.clone());
        let mut stack = Vec::new();
        for _ in 0..200 {
            operations += 1;
            let key = random.key(40);
            match random.below(12) {
                0..=3 => {
                    let value = random.value();
                    now.insert(key.as_bytes().to_vec(), value.clone());
                    overlay.put(key, value.into());
                }
                4 | 5 => {
                    now.remove(key.as_bytes());
                    overlay.remove(&key);
                }
                6 => stack.push((overlay.checkpoint(), now.clone())),
                7 if !stack.is_empty() => {
                    // Some checkpoints are kept by dropping them, as after a call that succeeded.
                    let keep = usize::try_from(random.below(stack.len() as u64)).unwrap();
                    stack.truncate(keep + 1);
                    let (checkpoint, then) = stack.pop().unwrap();
                    overlay.rollback(checkpoint);
                    now = then;
                }
                8 => drop(stack.pop()),
                9 => {
                    let limit = 1 + usize::try_from(random.below(30)).unwrap();
                    check_scan(&mut overlay, &below, &now, &random.range(), limit);
                }
                10 => {
                    let length = now.get(key.as_bytes()).map(|value| u32::try_from(value.len()).unwrap());
                    assert_eq!(overlay.length(&key).unwrap(), length);
                }
                _ => {
                    let expected = now.get(key.as_bytes()).map(|value| Value::from(value.as_slice()));
                    assert_eq!(overlay.get(&key).unwrap(), expected);
                }
            }
        }
        let (frozen, range, limit) = (overlay.freeze(), random.range(), usize::try_from(random.below(30)).unwrap());
        assert_eq!(frozen.scan(&range, limit).unwrap(), naive_scan(&now, &range, limit));
        let changes = overlay.changes();
        assert_eq!(changes, overlay.into_changes());
        check_changes(&changes, &below, &now);
        let decoded = ChangeSet::decode(&changes.encode()).unwrap();
        assert_eq!(decoded.encode(), changes.encode());
    }
    println!("{operations} operations");
}

fn check_changes(changes: &ChangeSet, below: &Map, now: &Map) {
    let mut after = below.clone();
    apply(&mut after, changes);
    assert_eq!(after, *now);
    let keys: Vec<&Key> = changes.iter().map(|(key, _)| key).collect();
    assert!(keys.is_sorted_by(|one, other| one < other));
    for (key, change) in changes.iter() {
        let old = below.get(key.as_bytes()).map(|value| Value::from(value.as_slice()));
        assert!(change.old.as_ref().is_none_or(|known| *known == old));
        assert_ne!(change.old.as_ref(), Some(&change.new), "a change without effect");
    }
}

#[test]
fn merged_change_sets_do_what_they_did_one_after_the_other() {
    let mut random = seed(2);
    for _ in 0..300 {
        let (below, view) = base(&mut random);
        let mut sets = Vec::new();
        let (mut now, mut top) = (below.clone(), view);
        for _ in 0..2 {
            let mut overlay = Overlay::new(top.clone());
            for _ in 0..random.below(30) {
                let key = random.key(20);
                if random.below(2) == 0 {
                    overlay.get(&key).unwrap();
                }
                if random.below(3) == 0 { overlay.remove(&key) } else { overlay.put(key, random.value().into()) }
            }
            let changes = overlay.into_changes();
            apply(&mut now, &changes);
            top = Arc::new(Layer { base: top, changes: Arc::new(changes.clone()) });
            sets.push(changes);
        }
        let later = sets.pop().unwrap();
        check_changes(&ChangeSet::merge(sets.pop().unwrap(), later), &below, &now);
    }
}

#[test]
fn what_is_read_is_recorded_with_its_limits() {
    let space = Space::storage(&[3; 20], 9).unwrap();
    let key = |raw: u8| Key::new(&space, &[raw]);
    let value = Value::from([1].as_slice());
    let genesis = ChangeSet::genesis((0..10).map(|raw| (key(raw), value.clone())));
    let base = Arc::new(Layer { base: Arc::new(EmptyView), changes: Arc::new(genesis) });
    let mut overlay = Overlay::recording(base);
    overlay.put(key(30), value.clone());
    overlay.get(&key(30)).unwrap();
    overlay.get(&key(1)).unwrap();
    overlay.get(&key(40)).unwrap();
    overlay.length(&key(2)).unwrap();
    let all = Range::all(space.clone());
    overlay.scan(&all, 3).unwrap();
    overlay.scan(&all, 100).unwrap();
    let read = overlay.read_set();
    let put = |raw: u8, bytes: &[u8]| ChangeSet::genesis([(key(raw), Value::from(bytes))]);
    let removed = |raw: u8| {
        let change = unfork_state::Change { old: None, new: None };
        ChangeSet::from_map([(key(raw), change)].into())
    };
    let points = unfork_state::ReadSet { ranges: Vec::new(), ..read.clone() };
    let cases = [
        (put(1, &[1]), false, "written as it was"),
        (put(1, &[2]), true, "another value"),
        (removed(40), false, "absent before and after"),
        (put(40, &[1]), true, "inserted where absence was seen"),
        (put(2, &[9]), false, "another value of the same length"),
        (removed(2), true, "no value where a length was seen"),
        (put(7, &[2]), false, "never read by itself"),
        (put(30, &[2]), false, "read from the overlay itself"),
    ];
    for (changes, affected, name) in &cases {
        assert_eq!(points.is_affected_by(changes), *affected, "{name}");
    }
    let short = unfork_state::ReadSet { ranges: vec![read.ranges[0].clone()], ..points };
    assert!(short.is_affected_by(&put(1, &[1])), "any change in a scanned part counts");
    let phantom = Key::new(&space, &[1, 5]);
    assert!(short.is_affected_by(&ChangeSet::genesis([(phantom, value.clone())])), "a key inserted between those seen");
    assert!(!short.is_affected_by(&put(7, &[2])), "behind where the scan was cut short");
    assert!(read.is_affected_by(&put(7, &[2])), "the second scan went further");
    assert_eq!(read.points.into_iter().collect::<Vec<_>>(), [(key(1), Some(value)), (key(40), None)]);
    assert_eq!(read.lengths.into_iter().collect::<Vec<_>>(), [(key(2), Some(1))]);
    assert!(
        read.ranges[0].contains(&key(2)) && !read.ranges[0].contains(&key(3)),
        "a scan cut short ends at its last key"
    );
    assert_eq!(read.ranges[1], all);
}

#[test]
fn a_hot_key_costs_the_journal_one_entry_per_checkpoint() {
    let mut overlay = Overlay::new(Arc::new(EmptyView));
    let key = Key::new(&Space::system(), b"hot");
    let outer = overlay.checkpoint();
    for round in 0..1000_u32 {
        let inner = overlay.checkpoint();
        overlay.put(key.clone(), Value::from(round.to_le_bytes().as_slice()));
        overlay.put(key.clone(), Value::from([].as_slice()));
        if round % 3 == 0 {
            overlay.rollback(inner);
        }
    }
    assert_eq!(overlay.get(&key).unwrap().as_deref(), Some([].as_slice()));
    overlay.rollback(outer);
    assert_eq!(overlay.get(&key).unwrap(), None);
    assert!(overlay.into_changes().is_empty());
}

/// A contract could otherwise fill a range with keys that it has set and removed again, which nobody pays for when scans pass.
#[test]
fn what_was_set_and_removed_again_is_nothing_to_pass() {
    let mut overlay = Overlay::new(Arc::new(EmptyView));
    let space = Space::storage(b"contract", 0).unwrap();
    let outer = overlay.checkpoint();
    for number in 0..100_u32 {
        let key = Key::new(&space, &number.to_be_bytes());
        let inner = overlay.checkpoint();
        assert_eq!(overlay.replace(key.clone(), Value::from([7].as_slice())).unwrap(), None);
        if number % 3 == 0 {
            overlay.rollback(inner);
            continue;
        }
        assert_eq!(overlay.replace(key.clone(), Value::from([8, 8].as_slice())).unwrap(), Some(1));
        overlay.remove(&key);
        assert_eq!(overlay.changed_keys(), 0, "{number}");
    }
    overlay.rollback(outer);
    assert_eq!(overlay.changed_keys(), 0);
    assert!(overlay.into_changes().is_empty());
}

#[test]
fn malformed_change_sets_are_refused() {
    let system = |raw: &[u8]| Key::new(&Space::system(), raw);
    let good =
        ChangeSet::genesis([(system(b"a"), Value::from([5].as_slice())), (system(b"b"), Value::from([].as_slice()))]);
    let bytes = good.encode();
    assert_eq!(bytes, [8, 0, 8, 0, b'a', 1, 4, 5, 1, 4, b'b', 1, 0]);
    for cut in 0..bytes.len() {
        assert!(ChangeSet::decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let cases: [(&[u8], &str); 13] = [
        (&[0, 0], "bytes follow the changes"),
        (&[4, 0, 0, 0], "key prefix"),
        (&[4, 0, 4, 2, 0], "key prefix"),
        (&[4, 0, 8, 1, 0, 0], "key prefix"),
        (&[4, 0, 8, 1, 65, 0], "key prefix"),
        (&[4, 0, 4, 0, 2], "value flag"),
        (&[8, 0, 8, 0, 9, 0, 2, 0, 0], "keys are not sorted and distinct"),
        (&[8, 0, 8, 0, 9, 0, 1, 4, 8, 0], "keys are not sorted and distinct"),
        (&[8, 0, 8, 0, 9, 0, 0, 8, 0, 10, 0], "shared bytes of a key"),
        (&[8, 0, 8, 0, 9, 0, 3, 4, 9, 0], "shared bytes of a key"),
        (&[4, 1, 4, 0, 0], "shared bytes of a key"),
        (&[4, 0, 0xfe, 0xff, 0xff, 0xff], "key"),
        (&[4, 0, 0xff], "key length"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(ChangeSet::decode(bytes).unwrap_err().0, expected, "{bytes:?}");
    }
    // Keys share the longest prefix of a space at most, and all of it where they can.
    let long = |last: u8| system(&[&[7; 200], [last].as_slice()].concat());
    let two = ChangeSet::genesis([(long(1), Value::from([].as_slice())), (long(2), Value::from([].as_slice()))]);
    let bytes = two.encode();
    assert_eq!(bytes.len(), 1 + (1 + 2 + 202 + 2) + (1 + 2 + 202 - 74 + 2));
    assert_eq!(ChangeSet::decode(&bytes).map(|changes| changes.encode()), Ok(bytes));
}

#[test]
fn spaces_and_keys_are_injective() {
    let mut random = seed(3);
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..20_000 {
        // Few distinct bytes, so that prefixes and lengths collide if they can.
        let some = |random: &mut Random, most: u64| {
            let length = usize::try_from(random.below(most)).unwrap();
            (0..length).map(|_| [0, 1, 2, 0xff][usize::try_from(random.below(4)).unwrap()]).collect::<Vec<u8>>()
        };
        let address = some(&mut random, 5);
        let incarnation = [0, 1, 0x0101_0101_0101_0101, u64::MAX][usize::try_from(random.below(4)).unwrap()];
        let raw = some(&mut random, 12);
        let owner = (!address.is_empty()).then_some((address.clone(), incarnation));
        let space = owner
            .as_ref()
            .map_or_else(Space::system, |(address, incarnation)| Space::storage(address, *incarnation).unwrap());
        let key = Key::new(&space, &raw);
        assert_eq!((key.space(), key.raw()), (space.clone(), raw.as_slice()));
        let read = Key::from_flat(key.as_bytes()).unwrap();
        assert_eq!((read.space(), read.raw()), (space, raw.as_slice()));
        let meaning = (owner, raw);
        assert_eq!(*seen.entry(key.as_bytes().to_vec()).or_insert_with(|| meaning.clone()), meaning);
    }
    assert!(Space::storage(&[], 0).is_err() && Space::storage(&[0; 65], 0).is_err());
    assert!(Space::storage(&[0; 64], 0).is_ok());
}
