//! A hash for maps in memory: fast, and seeded anew in each process, so that nobody can choose keys that collide. What it
//! gives is never stored and decides nothing.

#![allow(clippy::disallowed_types, reason = "this is the hash of maps whose order is never looked at")]

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Makes hashers with one seed.
#[derive(Clone)]
pub(crate) struct Seeded {
    begin: u64,
    factor: u64,
}

impl Default for Seeded {
    fn default() -> Self {
        let random = RandomState::new();
        Self { begin: random.hash_one(0u8), factor: random.hash_one(1u8) }
    }
}

impl BuildHasher for Seeded {
    type Hasher = SeededHasher;

    fn build_hasher(&self) -> SeededHasher {
        SeededHasher { hash: self.begin, factor: self.factor }
    }
}

/// See [`Seeded`].
pub(crate) struct SeededHasher {
    hash: u64,
    factor: u64,
}

impl SeededHasher {
    /// Takes 16 bytes in: both halves of their product with unknown numbers.
    fn mix(&mut self, [one, other]: [u64; 2]) {
        let product = u128::from(self.hash ^ one).wrapping_mul(u128::from(self.factor ^ other));
        let [low, high] = [product & u128::from(u64::MAX), product >> 64];
        self.hash = u64::try_from(low ^ high).unwrap_or_default();
    }
}

impl Hasher for SeededHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (pairs, rest) = bytes.as_chunks::<16>();
        for pair in pairs {
            self.mix(words(pair));
        }
        if !rest.is_empty() {
            let mut last = [0; 16];
            last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
            self.mix(words(&last));
        }
    }

    fn write_usize(&mut self, length: usize) {
        self.hash ^= u64::try_from(length).unwrap_or(u64::MAX);
    }

    fn finish(&self) -> u64 {
        // The map looks at the highest and the lowest bits.
        self.hash ^ self.hash.rotate_left(32)
    }
}

fn words(bytes: &[u8; 16]) -> [u64; 2] {
    let (words, _) = bytes.as_chunks::<8>();
    [0, 1].map(|at: usize| words.get(at).map_or(0, |word| u64::from_le_bytes(*word)))
}

#[cfg(test)]
mod tests {
    use super::Seeded;
    use std::collections::BTreeSet;
    use std::hash::BuildHasher;

    #[test]
    fn keys_that_differ_anywhere_have_other_hashes_under_each_seed() {
        let mut keys: Vec<Vec<u8>> = vec![Vec::new(), vec![0], vec![0, 0], vec![0; 16], vec![0; 17], vec![0; 32]];
        for at in 0..75 {
            for bit in 0..8 {
                let mut key = vec![7; 75];
                key[at] ^= 1u8 << bit;
                keys.push(key);
            }
        }
        let (one, other) = (Seeded::default(), Seeded::default());
        let hashes: BTreeSet<u64> = keys.iter().map(|key| one.hash_one(key.as_slice())).collect();
        assert_eq!(hashes.len(), keys.len());
        assert!(keys.iter().all(|key| one.hash_one(key.as_slice()) != other.hash_one(key.as_slice())));
        // The bits that place an entry in a map of 1,024, well spread.
        let places: BTreeSet<u64> = hashes.iter().map(|hash| hash % 1_024).collect();
        assert!(places.len() > 350, "{} of {}", places.len(), hashes.len());
    }
}
