//! Keccak-256 of several messages of as many blocks at once. Its unsafe code is two calls of functions compiled for
//! processors that were detected first. The functions themselves are safe.
//!
//! A state is 25 words; a vector register holds the same word of each message's state. Messages are read from where they
//! lie straight into registers: words put into an array one by one and then read as a vector would wait for each other.
#![allow(unsafe_code)]

use unfork_proof::Hash;

use super::{Block, RATE_BYTES, RATE_WORDS};

/// How many states are permuted at once, and with which instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// One state, on any processor.
    One,
    /// Four states with AVX2.
    Four,
    /// Eight states with AVX-512F.
    Eight,
}

const ROUNDS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

impl Lanes {
    /// The widest this processor has.
    #[must_use]
    pub fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Eight;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Four;
            }
        }
        Self::One
    }

    /// All that this processor has, narrowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let widest = Self::widest().count();
        [Self::One, Self::Four, Self::Eight].into_iter().filter(|lanes| lanes.count() <= widest).collect()
    }

    /// The number of states.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }
}

const NONE: Block = [0; RATE_BYTES];

/// The `block`-th block of a message, as words.
#[inline]
fn words(message: &[Block], block: usize) -> &[[u8; 8]; RATE_WORDS] {
    message.get(block).unwrap_or(&NONE).as_chunks().0.first_chunk().unwrap_or(&[[0; 8]; RATE_WORDS])
}

/// The first four words of the states that `$messages` lead to, given how the words of some blocks are loaded, and the
/// operations of the type that holds a word of each. Everything is written out, so that all of it stays in registers.
macro_rules! sponge {
    ($messages:ident [$($lane:literal),*], zero: $zero:expr, absorb: $absorb:ident, xor: $xor:ident, $($rounds:tt)*) => {{
        let mut s = [$zero; 25];
        for block in 0..$messages[0].len() {
            let blocks = [$(words($messages[$lane], block)),*];
            $absorb!(s, blocks);
            rounds!(s, xor: $xor, $($rounds)*);
        }
        [s[0], s[1], s[2], s[3]]
    }};
}

/// The 24 rounds over `$s: [$t; 25]`, given the operations of the word type.
macro_rules! rounds {
    ($s:ident, xor: $xor:ident, chi: $chi:ident, rotate: $rotate:ident, constant: $constant:ident) => {{
        for round in &ROUNDS {
            let column = [
                rounds!(@sum $xor, $s[0], $s[5], $s[10], $s[15], $s[20]),
                rounds!(@sum $xor, $s[1], $s[6], $s[11], $s[16], $s[21]),
                rounds!(@sum $xor, $s[2], $s[7], $s[12], $s[17], $s[22]),
                rounds!(@sum $xor, $s[3], $s[8], $s[13], $s[18], $s[23]),
                rounds!(@sum $xor, $s[4], $s[9], $s[14], $s[19], $s[24]),
            ];
            rounds!(@theta $s $xor $rotate column, 0 4 1, 1 0 2, 2 1 3, 3 2 4, 4 3 0);
            let mut carried = $s[1];
            rounds!(@rho_pi $s $rotate carried,
                10 1, 7 3, 11 6, 17 10, 18 15, 3 21, 5 28, 16 36, 8 45, 21 55, 24 2, 4 14,
                15 27, 23 41, 19 56, 13 8, 12 25, 2 43, 20 62, 14 18, 22 39, 9 61, 6 20, 1 44);
            let _ = carried;
            rounds!(@chi $s $chi, 0, 5, 10, 15, 20);
            let first = $s[0];
            $s[0] = $xor!(first, $constant!(*round));
        }
    }};
    (@sum $xor:ident, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr) => {
        $xor!($xor!($xor!($a, $b), $xor!($c, $d)), $e)
    };
    (@theta $s:ident $xor:ident $rotate:ident $column:ident, $($x:literal $before:literal $after:literal),*) => {
        $(
            let all = $xor!($column[$before], $rotate!($column[$after], 1));
            $s[$x] = $xor!($s[$x], all);
            $s[$x + 5] = $xor!($s[$x + 5], all);
            $s[$x + 10] = $xor!($s[$x + 10], all);
            $s[$x + 15] = $xor!($s[$x + 15], all);
            $s[$x + 20] = $xor!($s[$x + 20], all);
        )*
    };
    (@rho_pi $s:ident $rotate:ident $carried:ident, $($to:literal $by:literal),*) => {
        $(
            let next = $s[$to];
            $s[$to] = $rotate!($carried, $by);
            $carried = next;
        )*
    };
    (@chi $s:ident $chi:ident, $($y:literal),*) => {
        $(
            let [a, b, c, d, e] = [$s[$y], $s[$y + 1], $s[$y + 2], $s[$y + 3], $s[$y + 4]];
            $s[$y] = $chi!(a, b, c);
            $s[$y + 1] = $chi!(b, c, d);
            $s[$y + 2] = $chi!(c, d, e);
            $s[$y + 3] = $chi!(d, e, a);
            $s[$y + 4] = $chi!(e, a, b);
        )*
    };
}

/// The hash of one message.
#[allow(clippy::assign_op_pattern, reason = "words of vectors have no such operators")]
pub(super) fn hash_one(messages: [&[Block]; 1]) -> [Hash; 1] {
    macro_rules! absorb {
        ($s:ident, $blocks:ident) => {
            for (word, bytes) in $s.iter_mut().zip($blocks[0]) {
                *word ^= u64::from_le_bytes(*bytes);
            }
        };
    }
    macro_rules! xor {
        ($a:expr, $b:expr) => {
            $a ^ $b
        };
    }
    macro_rules! chi {
        ($a:expr, $b:expr, $c:expr) => {
            $a ^ (!$b & $c)
        };
    }
    macro_rules! constant {
        ($word:expr) => {
            $word
        };
    }
    macro_rules! rotate {
        ($word:expr, $by:literal) => {
            $word.rotate_left($by)
        };
    }
    let words = sponge!(messages [0], zero: 0, absorb: absorb, xor: xor, chi: chi, rotate: rotate, constant: constant);
    squeeze(words.map(|word| [word]))
}

/// The hashes of four messages of as many blocks.
pub(super) fn hash_four(messages: [&[Block]; 4]) -> [Hash; 4] {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all that the function requires.
        return squeeze(unsafe { x86::sponge_four(messages) });
    }
    messages.map(|message| hash_one([message])).map(|[hash]| hash)
}

/// The hashes of eight messages of as many blocks.
pub(super) fn hash_eight(messages: [&[Block]; 8]) -> [Hash; 8] {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512F, which is all that the function requires.
        return squeeze(unsafe { x86::sponge_eight(messages) });
    }
    messages.map(|message| hash_one([message])).map(|[hash]| hash)
}

/// The hashes, given their words, each of all lanes.
fn squeeze<const LANES: usize>(words: [[u64; LANES]; 4]) -> [Hash; LANES] {
    let mut hashes = [[0; 32]; LANES];
    for (lane, hash) in hashes.iter_mut().enumerate() {
        for (bytes, word) in hash.as_chunks_mut::<8>().0.iter_mut().zip(&words) {
            *bytes = word[lane].to_le_bytes();
        }
    }
    hashes
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![allow(clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "the intrinsics call 64 bits i64")]
    #![allow(clippy::arithmetic_side_effects, reason = "numbers of words, below 17")]
    use std::arch::x86_64::*;

    use super::super::{Block, RATE_WORDS};
    use super::{ROUNDS, words};

    #[target_feature(enable = "avx512f")]
    pub(super) fn sponge_eight(messages: [&[Block]; 8]) -> [[u64; 8]; 4] {
        macro_rules! absorb {
            ($s:ident, $blocks:ident) => {
                absorb!(@eight $s $blocks, 0: 0 0, 1 1, 2 2, 3 3, 4 4, 5 5, 6 6, 7 7);
                absorb!(@eight $s $blocks, 8: 0 8, 1 9, 2 10, 3 11, 4 12, 5 13, 6 14, 7 15);
                $s[16] = _mm512_xor_si512(
                    $s[16],
                    _mm512_set_epi64(
                        i64::from_le_bytes($blocks[7][16]),
                        i64::from_le_bytes($blocks[6][16]),
                        i64::from_le_bytes($blocks[5][16]),
                        i64::from_le_bytes($blocks[4][16]),
                        i64::from_le_bytes($blocks[3][16]),
                        i64::from_le_bytes($blocks[2][16]),
                        i64::from_le_bytes($blocks[1][16]),
                        i64::from_le_bytes($blocks[0][16]),
                    ),
                );
            };
            (@eight $s:ident $blocks:ident, $first:literal: $($at:literal $word:literal),*) => {
                let turned = transposed([$(row($blocks[$at], $first)),*]);
                $($s[$word] = _mm512_xor_si512($s[$word], turned[$at]);)*
            };
        }
        macro_rules! rotate {
            ($word:expr, $by:literal) => {
                _mm512_rol_epi64::<$by>($word)
            };
        }
        macro_rules! xor {
            ($a:expr, $b:expr) => {
                _mm512_xor_si512($a, $b)
            };
        }
        macro_rules! chi {
            ($a:expr, $b:expr, $c:expr) => {
                _mm512_ternarylogic_epi64::<0xd2>($a, $b, $c)
            };
        }
        macro_rules! constant {
            ($word:expr) => {
                _mm512_set1_epi64($word as i64)
            };
        }
        let zero = _mm512_setzero_si512();
        let [a, b, c, d] = sponge!(
            messages [0, 1, 2, 3, 4, 5, 6, 7],
            zero: zero, absorb: absorb, xor: xor, chi: chi, rotate: rotate, constant: constant
        );
        [eight(a), eight(b), eight(c), eight(d)]
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn sponge_four(messages: [&[Block]; 4]) -> [[u64; 4]; 4] {
        macro_rules! absorb {
            ($s:ident, $blocks:ident) => {
                absorb!($s $blocks, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
            };
            ($s:ident $blocks:ident, $($word:literal),*) => {
                $($s[$word] = _mm256_xor_si256(
                    $s[$word],
                    _mm256_set_epi64x(
                        i64::from_le_bytes($blocks[3][$word]),
                        i64::from_le_bytes($blocks[2][$word]),
                        i64::from_le_bytes($blocks[1][$word]),
                        i64::from_le_bytes($blocks[0][$word]),
                    ),
                );)*
            };
        }
        macro_rules! rotate {
            ($word:expr, $by:literal) => {
                _mm256_or_si256(_mm256_slli_epi64::<$by>($word), _mm256_srli_epi64::<{ 64 - $by }>($word))
            };
        }
        macro_rules! xor {
            ($a:expr, $b:expr) => {
                _mm256_xor_si256($a, $b)
            };
        }
        macro_rules! chi {
            ($a:expr, $b:expr, $c:expr) => {
                _mm256_xor_si256($a, _mm256_andnot_si256($b, $c))
            };
        }
        macro_rules! constant {
            ($word:expr) => {
                _mm256_set1_epi64x($word as i64)
            };
        }
        let zero = _mm256_setzero_si256();
        let [a, b, c, d] = sponge!(
            messages [0, 1, 2, 3],
            zero: zero, absorb: absorb, xor: xor, chi: chi, rotate: rotate, constant: constant
        );
        [four(a), four(b), four(c), four(d)]
    }

    /// Eight words of a block.
    #[target_feature(enable = "avx512f")]
    fn row(block: &[[u8; 8]; RATE_WORDS], first: usize) -> __m512i {
        let word = |at: usize| i64::from_le_bytes(block[first + at]);
        _mm512_set_epi64(word(7), word(6), word(5), word(4), word(3), word(2), word(1), word(0))
    }

    /// The n-th words of all rows, for each n.
    #[target_feature(enable = "avx512f")]
    fn transposed(rows: [__m512i; 8]) -> [__m512i; 8] {
        let [a, b, c, d, e, f, g, h] = rows;
        let (ab, cd) = (_mm512_unpacklo_epi64(a, b), _mm512_unpacklo_epi64(c, d));
        let (ef, gh) = (_mm512_unpacklo_epi64(e, f), _mm512_unpacklo_epi64(g, h));
        let [zero, two, four, six] = quarters(ab, cd, ef, gh);
        let (ab, cd) = (_mm512_unpackhi_epi64(a, b), _mm512_unpackhi_epi64(c, d));
        let (ef, gh) = (_mm512_unpackhi_epi64(e, f), _mm512_unpackhi_epi64(g, h));
        let [one, three, five, seven] = quarters(ab, cd, ef, gh);
        [zero, one, two, three, four, five, six, seven]
    }

    /// The n-th quarters of all four, for each n.
    #[target_feature(enable = "avx512f")]
    fn quarters(a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> [__m512i; 4] {
        let (even, odd) = (_mm512_shuffle_i64x2::<0x88>(a, b), _mm512_shuffle_i64x2::<0xdd>(a, b));
        let (others, odd_others) = (_mm512_shuffle_i64x2::<0x88>(c, d), _mm512_shuffle_i64x2::<0xdd>(c, d));
        [
            _mm512_shuffle_i64x2::<0x88>(even, others),
            _mm512_shuffle_i64x2::<0x88>(odd, odd_others),
            _mm512_shuffle_i64x2::<0xdd>(even, others),
            _mm512_shuffle_i64x2::<0xdd>(odd, odd_others),
        ]
    }

    #[target_feature(enable = "avx512f")]
    fn eight(vector: __m512i) -> [u64; 8] {
        let low = four(_mm512_extracti64x4_epi64::<0>(vector));
        let high = four(_mm512_extracti64x4_epi64::<1>(vector));
        [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]]
    }

    #[target_feature(enable = "avx2")]
    fn four(vector: __m256i) -> [u64; 4] {
        [
            _mm256_extract_epi64::<0>(vector) as u64,
            _mm256_extract_epi64::<1>(vector) as u64,
            _mm256_extract_epi64::<2>(vector) as u64,
            _mm256_extract_epi64::<3>(vector) as u64,
        ]
    }
}
