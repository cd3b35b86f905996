//! Keccak-256 of many messages at once: the hashing of whole blocks of changes. What each message is, is said where the
//! tree is built; the hash of one message alone is `unfork_proof`'s.

mod lanes;

use std::slice;

use unfork_proof::Hash;

pub use lanes::Lanes;

/// Bytes that one permutation absorbs.
const RATE_BYTES: usize = 136;
const RATE_WORDS: usize = RATE_BYTES / 8;

/// What one permutation absorbs. A message is some of them, the last one padded.
pub(crate) type Block = [u8; RATE_BYTES];

/// The message of four hashes, all zero, and a last byte `tag`: a hash is put into the n-th 32 bytes.
pub(crate) const fn block_of_four(tag: u8) -> Block {
    let mut block = [0; RATE_BYTES];
    (block[128], block[129], block[135]) = (tag, 1, 0x80);
    block
}

/// Messages to be hashed, padded as they are added.
#[derive(Default)]
pub(crate) struct Messages {
    blocks: Vec<Block>,
    /// Where each message ends in them.
    ends: Vec<usize>,
}

impl Messages {
    pub(crate) fn clear(&mut self) {
        self.blocks.clear();
        self.ends.clear();
    }

    /// Blocks that there is memory for.
    pub(crate) fn room(&self) -> usize {
        self.blocks.capacity()
    }

    /// Adds the message that is the concatenation of `parts`.
    pub(crate) fn push(&mut self, parts: &[&[u8]]) {
        let length = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        let start = self.blocks.len();
        // The padding has one byte at least.
        self.blocks.resize(start.saturating_add(length / RATE_BYTES).saturating_add(1), [0; RATE_BYTES]);
        let mut rest = self.blocks.get_mut(start..).unwrap_or_default().as_flattened_mut();
        for part in parts {
            let (place, behind) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = behind;
        }
        if let Some(first) = rest.first_mut() {
            *first = 1;
        }
        if let Some(last) = rest.last_mut() {
            *last |= 0x80;
        }
        self.ends.push(self.blocks.len());
    }

    /// Puts the hashes of all messages in place of what is in `hashes`, in the order in which they were added.
    pub(crate) fn hash(&self, lanes: Lanes, hashes: &mut Vec<Hash>) {
        if self.blocks.len() == self.ends.len() {
            return hash_blocks(lanes, &self.blocks, hashes);
        }
        hashes.clear();
        hashes.resize(self.ends.len(), [0; 32]);
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let message = |(start, end): (usize, &usize)| self.blocks.get(start..*end).unwrap_or_default();
        // Lanes absorb in step: messages of as many blocks stand next to each other.
        let mut order: Vec<(usize, &[Block])> = starts.zip(&self.ends).map(message).enumerate().collect();
        order.sort_by_key(|(_, message)| message.len());
        for same in order.chunk_by(|(_, one), (_, other)| one.len() == other.len()) {
            let mut numbers = same.iter().map(|(number, _)| *number);
            hash_each(lanes, same.iter().map(|(_, message)| *message), |hash| {
                if let Some(place) = numbers.next().and_then(|number| hashes.get_mut(number)) {
                    *place = hash;
                }
            });
        }
    }
}

/// Puts the hashes of messages of one padded block each in place of what is in `hashes`.
pub(crate) fn hash_blocks(lanes: Lanes, blocks: &[Block], hashes: &mut Vec<Hash>) {
    hashes.clear();
    hashes.reserve(blocks.len());
    hash_each(lanes, blocks.iter().map(slice::from_ref), |hash| hashes.push(hash));
}

/// Tells `found` the hash of each of some messages, all of as many blocks.
fn hash_each<'a>(lanes: Lanes, messages: impl Iterator<Item = &'a [Block]>, found: impl FnMut(Hash)) {
    match lanes {
        Lanes::One => in_lanes(messages, lanes::hash_one, found),
        Lanes::Four => in_lanes(messages, lanes::hash_four, found),
        Lanes::Eight => in_lanes(messages, lanes::hash_eight, found),
    }
}

fn in_lanes<'a, const LANES: usize>(
    mut messages: impl Iterator<Item = &'a [Block]>,
    hash: fn([&[Block]; LANES]) -> [Hash; LANES],
    mut found: impl FnMut(Hash),
) {
    while let Some(first) = messages.next() {
        let mut count = 1_usize;
        let mut group = [first; LANES];
        for (place, message) in group.iter_mut().skip(1).zip(&mut messages) {
            *place = message;
            count = count.saturating_add(1);
        }
        hash(group).into_iter().take(count).for_each(&mut found);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::{Block, Lanes, Messages};
    use unfork_proof::{Hash, keccak256};

    fn hash(messages: &Messages, lanes: Lanes) -> Vec<Hash> {
        let mut hashes = vec![[9; 32]; 7];
        messages.hash(lanes, &mut hashes);
        hashes
    }

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
                assert_eq!(hash(&same, lanes), hashes, "{lanes:?}, {length} bytes");
            }
            expected.extend(hashes);
        }
        for lanes in Lanes::available() {
            assert_eq!(hash(&all, lanes), expected, "{lanes:?}");
        }
        for length in [65_536 + 74, 1 << 20] {
            let mut long = Messages::default();
            long.push(&[&bytes(length, 3)]);
            for lanes in Lanes::available() {
                assert_eq!(hash(&long, lanes), [keccak256(&[&bytes(length, 3)])]);
            }
        }
        println!("{} messages, {:?}", expected.len(), Lanes::available());
    }

    #[test]
    fn every_width_hashes_alike_even_where_its_instructions_are_missing() {
        let messages: [Vec<Block>; 8] =
            std::array::from_fn(|lane| (0..3).map(|block| bytes(136, lane * 5 + block).try_into().unwrap()).collect());
        let eight = super::lanes::hash_eight(messages.each_ref().map(Vec::as_slice));
        let four = super::lanes::hash_four([0, 1, 2, 3].map(|lane| messages[lane].as_slice()));
        for (lane, message) in messages.iter().enumerate() {
            assert_eq!(super::lanes::hash_one([message.as_slice()]), [eight[lane]]);
        }
        assert_eq!(four, eight[..4]);
    }
}
