//! A state of many keys of one contract: 32-byte keys, 64-byte values, and blocks that change some of them.

use unfork_state::{Change, ChangeSet, Key, Space, Value};

/// Keys of the genesis.
pub const KEYS: u64 = 100_000;

/// Changes of a block.
pub const UPDATES: u64 = 1_000;

/// The id that the benches give to a chain.
pub const CHAIN: [u8; 32] = [0xbe; 32];

/// The key of a number: spread over the space like hashes.
///
/// # Panics
/// Never: the address is short enough.
#[must_use]
pub fn key(number: u64) -> Key {
    let space = Space::storage(&[7; 32], 0).expect("an address of 32 bytes");
    let words = (0..4).map(|part| mix(number.wrapping_mul(4).wrapping_add(part)).to_le_bytes());
    Key::new(&space, &words.collect::<Vec<_>>().concat())
}

fn value(number: u64) -> Value {
    Value::from(mix(number).to_le_bytes().repeat(8))
}

/// The finaliser of SplitMix64: a permutation.
fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The state a bench begins with.
#[must_use]
pub fn genesis() -> ChangeSet {
    ChangeSet::genesis((0..KEYS).map(|number| (key(number), value(number))))
}

/// What the block at `height` changes: four fifths are present keys, one fifth new ones. Old values are not known, as
/// after decoding, so that reading them is part of the measurement.
#[must_use]
pub fn block(height: u64) -> ChangeSet {
    let changes = (0..UPDATES).map(|index| {
        let turn = height.wrapping_mul(UPDATES).wrapping_add(index);
        let number = if index % 5 == 0 { KEYS.wrapping_add(turn) } else { mix(turn) % KEYS };
        (key(number), Change { old: None, new: Some(value(turn.wrapping_add(1 << 40))) })
    });
    ChangeSet::from_map(changes.collect())
}
