//! Keccak-256 of many messages at once: the hashing of whole blocks of changes. What each message is, is said where the
//! tree is built; the hash of one message alone is `unfork_proof`'s.

mod lanes;

use unfork_proof::Hash;

pub use lanes::Lanes;

/// Bytes that one permutation absorbs.
const RATE_BYTES: usize = 136;
const RATE_WORDS: usize = RATE_BYTES / 8;

/// Messages to be hashed, padded as they are added.
#[derive(Default)]
pub(crate) struct Messages {
    /// Whole blocks of [`RATE_BYTES`].
    bytes: Vec<u8>,
    /// Where each message ends in them.
    ends: Vec<usize>,
}

impl Messages {
    /// With room for `count` messages of one block each.
    pub(crate) fn with_room(count: usize) -> Self {
        Self { bytes: Vec::with_capacity(count.saturating_mul(RATE_BYTES)), ends: Vec::with_capacity(count) }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds the message that is the concatenation of `parts`.
    pub(crate) fn push(&mut self, parts: &[&[u8]]) {
        let start = self.bytes.len();
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        let length = self.bytes.len().saturating_sub(start);
        let free = RATE_BYTES.saturating_sub(length % RATE_BYTES);
        self.bytes.push(1);
        self.bytes.resize(start.saturating_add(length).saturating_add(free), 0);
        if let Some(last) = self.bytes.last_mut() {
            *last |= 0x80;
        }
        self.ends.push(self.bytes.len());
    }

    /// The hashes of all messages, in the order in which they were added.
    pub(crate) fn hash(&self, lanes: Lanes) -> Vec<Hash> {
        let mut order: Vec<(u32, &[u8])> = Vec::with_capacity(self.ends.len());
        let mut start = 0;
        let mut uniform = true;
        for (number, end) in (0..).zip(&self.ends) {
            let blocks = self.bytes.get(start..*end).unwrap_or_default();
            uniform &= blocks.len() == RATE_BYTES;
            order.push((number, blocks));
            start = *end;
        }
        if !uniform {
            // Lanes absorb in step: messages of as many blocks stand next to each other.
            order.sort_by_key(|(_, blocks)| blocks.len());
        }
        let mut hashes = vec![[0; 32]; order.len()];
        let mut store = |number: u32, hash: Hash| {
            if let Some(place) = usize::try_from(number).ok().and_then(|at| hashes.get_mut(at)) {
                *place = hash;
            }
        };
        for group in order.chunk_by(|(_, one), (_, other)| one.len() == other.len()) {
            match lanes {
                Lanes::One => absorb::<1>(group, lanes::permute_one, &mut store),
                Lanes::Four => absorb::<4>(group, lanes::permute_four, &mut store),
                Lanes::Eight => absorb::<8>(group, lanes::permute_eight, &mut store),
            }
        }
        hashes
    }
}

/// Hashes messages of one number of blocks, `LANES` at a time.
fn absorb<const LANES: usize>(
    messages: &[(u32, &[u8])],
    permute: fn(&mut [[u64; LANES]; 25]),
    store: &mut impl FnMut(u32, Hash),
) {
    for group in messages.chunks(LANES) {
        let mut states = [[0_u64; LANES]; 25];
        let blocks = group.first().map_or(0, |(_, message)| message.len() / RATE_BYTES);
        for block in 0..blocks {
            let from = block.saturating_mul(RATE_BYTES);
            for (lane, (_, message)) in group.iter().enumerate() {
                let words = message.get(from..).unwrap_or_default().as_chunks::<8>().0;
                for (state, word) in states.iter_mut().zip(words).take(RATE_WORDS) {
                    state[lane] ^= u64::from_le_bytes(*word);
                }
            }
            permute(&mut states);
        }
        for (lane, (number, _)) in group.iter().enumerate() {
            store(*number, squeeze(&states, lane));
        }
    }
}

/// Puts the hashes of preimages of 128 bytes and a last byte `tag` in place of what is in `hashes`.
pub(crate) fn hash_groups(lanes: Lanes, groups: &[[Hash; 4]], tag: u8, hashes: &mut Vec<Hash>) {
    hashes.resize(groups.len(), [0; 32]);
    match lanes {
        Lanes::One => absorb_groups::<1>(groups, tag, lanes::permute_one, hashes),
        Lanes::Four => absorb_groups::<4>(groups, tag, lanes::permute_four, hashes),
        Lanes::Eight => absorb_groups::<8>(groups, tag, lanes::permute_eight, hashes),
    }
}

fn absorb_groups<const LANES: usize>(
    groups: &[[Hash; 4]],
    tag: u8,
    permute: fn(&mut [[u64; LANES]; 25]),
    hashes: &mut [Hash],
) {
    // The bytes behind the four hashes: the tag, the padding's first byte, zeros, the padding's last bit.
    let last = u64::from_le_bytes([tag, 1, 0, 0, 0, 0, 0, 0x80]);
    for (groups, hashes) in groups.chunks(LANES).zip(hashes.chunks_mut(LANES)) {
        let mut states = [[0_u64; LANES]; 25];
        for (lane, group) in groups.iter().enumerate() {
            for (state, word) in states.iter_mut().zip(group.as_flattened().as_chunks::<8>().0) {
                state[lane] = u64::from_le_bytes(*word);
            }
        }
        states[RATE_WORDS - 1] = [last; LANES];
        permute(&mut states);
        for (lane, hash) in hashes.iter_mut().enumerate() {
            *hash = squeeze(&states, lane);
        }
    }
}

fn squeeze<const LANES: usize>(states: &[[u64; LANES]; 25], lane: usize) -> Hash {
    let mut hash = [0; 32];
    for (bytes, state) in hash.as_chunks_mut::<8>().0.iter_mut().zip(states) {
        *bytes = state[lane].to_le_bytes();
    }
    hash
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::{Lanes, Messages, hash_groups};
    use unfork_proof::{keccak256, state_inner};

    fn bytes(length: usize, salt: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from((at * 31 + salt * 7 + length) % 251).unwrap()).collect()
    }

    #[test]
    fn all_lanes_agree_with_the_scalar_hash_at_every_length() {
        // All lengths a key or a leaf may have in up to four blocks, alone and mixed, in groups that do not fill a register.
        let mut all = Messages::default();
        let mut expected = Vec::new();
        for length in 0..=4 * 136 + 1 {
            let mut same = Messages::default();
            let mut hashes = Vec::new();
            for salt in 0..1 + length % 9 {
                let message = bytes(length, salt);
                let (one, other) = message.split_at(length / 3);
                same.push(&[one, other]);
                all.push(&[&message]);
                hashes.push(keccak256(&[&message]));
            }
            for lanes in Lanes::available() {
                assert_eq!(same.hash(lanes), hashes, "{lanes:?}, {length} bytes");
            }
            expected.extend(hashes);
        }
        for lanes in Lanes::available() {
            assert_eq!(all.hash(lanes), expected, "{lanes:?}");
        }
        for length in [65_536 + 74, 1 << 20] {
            let mut long = Messages::default();
            long.push(&[&bytes(length, 3)]);
            for lanes in Lanes::available() {
                assert_eq!(long.hash(lanes), [keccak256(&[&bytes(length, 3)])]);
            }
        }
        println!("{} messages, {:?}", expected.len(), Lanes::available());
    }

    #[test]
    fn all_lanes_agree_on_inner_nodes() {
        for count in 0..40 {
            let groups: Vec<[[u8; 32]; 4]> = (0..count)
                .map(|salt| [0, 1, 2, 3].map(|slot| bytes(32, salt * 4 + slot).try_into().unwrap()))
                .collect();
            let expected: Vec<_> = groups.iter().map(state_inner).collect();
            for lanes in Lanes::available() {
                let mut hashes = vec![[9; 32]; 7];
                hash_groups(lanes, &groups, 1, &mut hashes);
                assert_eq!(hashes, expected, "{lanes:?}, {count} nodes");
            }
        }
    }

    #[test]
    fn every_width_permutes_alike_even_where_its_instructions_are_missing() {
        let mut eight = [[0; 8]; 25];
        let mut four = [[0; 4]; 25];
        for (word, (eight, four)) in (1_u64..).zip(eight.iter_mut().zip(&mut four)) {
            *eight = [1, 2, 3, 4, 5, 6, 7, 8].map(|lane: u64| (u64::MAX / lane) ^ (word << lane));
            four.copy_from_slice(&eight[..4]);
        }
        let mut each = eight;
        super::lanes::permute_each(&mut each);
        super::lanes::permute_eight(&mut eight);
        super::lanes::permute_four(&mut four);
        assert_eq!(each, eight);
        for (four, eight) in four.iter().zip(eight) {
            assert_eq!(four, &eight[..4]);
        }
    }
}
