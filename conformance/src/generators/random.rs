//! A seeded stream of bytes, for inputs that nobody has saved.

/// SplitMix64. Not secret, not hashed; the seed is all there is to know.
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// An input of 16 to `longest` bytes, short ones as often as long ones.
    pub fn input(&mut self, longest: usize) -> Vec<u8> {
        let doublings = (longest / 16).checked_ilog2().unwrap_or(0);
        let scale = 16u64 << (self.next_number() % (u64::from(doublings) + 1));
        let length = usize::try_from(scale + self.next_number() % scale).unwrap_or(longest).min(longest);
        let words = std::iter::repeat_with(|| self.next_number().to_le_bytes());
        words.flatten().take(length).collect()
    }
}
