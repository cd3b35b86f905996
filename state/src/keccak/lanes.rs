//! The permutation `Keccak-f[1600]` on several states at once. The only module of this crate that contains unsafe code:
//! two calls of functions compiled for processors that were detected first. The functions themselves are safe.
//!
//! A state is 25 words; `states[word][lane]` interleaves the states, so that one vector register holds a word of each.
#![allow(unsafe_code)]

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

/// The 24 rounds over `$s: [$t; 25]`, given the operations of the word type.
macro_rules! rounds {
    ($s:ident, xor: $xor:ident, xor3: $xor3:ident, chi: $chi:ident, rotate: $rotate:ident, constant: $constant:ident) => {{
        for round in ROUNDS {
            let column = [
                $xor3!($xor3!($s[0], $s[5], $s[10]), $s[15], $s[20]),
                $xor3!($xor3!($s[1], $s[6], $s[11]), $s[16], $s[21]),
                $xor3!($xor3!($s[2], $s[7], $s[12]), $s[17], $s[22]),
                $xor3!($xor3!($s[3], $s[8], $s[13]), $s[18], $s[23]),
                $xor3!($xor3!($s[4], $s[9], $s[14]), $s[19], $s[24]),
            ];
            let turned = [
                $rotate!(column[0], 1),
                $rotate!(column[1], 1),
                $rotate!(column[2], 1),
                $rotate!(column[3], 1),
                $rotate!(column[4], 1),
            ];
            rounds!(@theta $s $xor3 column turned, 0 4 1, 1 0 2, 2 1 3, 3 2 4, 4 3 0);
            let mut carried = $s[1];
            rounds!(@rho_pi $s $rotate carried,
                10 1, 7 3, 11 6, 17 10, 18 15, 3 21, 5 28, 16 36, 8 45, 21 55, 24 2, 4 14,
                15 27, 23 41, 19 56, 13 8, 12 25, 2 43, 20 62, 14 18, 22 39, 9 61, 6 20, 1 44);
            let _ = carried;
            rounds!(@chi $s $chi, 0, 5, 10, 15, 20);
            let first = $s[0];
            $s[0] = $xor!(first, $constant!(round));
        }
    }};
    (@theta $s:ident $xor3:ident $column:ident $turned:ident, $($x:literal $before:literal $after:literal),*) => {
        $(
            $s[$x] = $xor3!($s[$x], $column[$before], $turned[$after]);
            $s[$x + 5] = $xor3!($s[$x + 5], $column[$before], $turned[$after]);
            $s[$x + 10] = $xor3!($s[$x + 10], $column[$before], $turned[$after]);
            $s[$x + 15] = $xor3!($s[$x + 15], $column[$before], $turned[$after]);
            $s[$x + 20] = $xor3!($s[$x + 20], $column[$before], $turned[$after]);
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

/// Permutes one state.
pub(super) fn permute_one(states: &mut [[u64; 1]; 25]) {
    let mut s = states.map(|[word]| word);
    macro_rules! xor {
        ($a:expr, $b:expr) => {
            $a ^ $b
        };
    }
    macro_rules! xor3 {
        ($a:expr, $b:expr, $c:expr) => {
            $a ^ $b ^ $c
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
    rounds!(s, xor: xor, xor3: xor3, chi: chi, rotate: rotate, constant: constant);
    *states = s.map(|word| [word]);
}

/// Permutes four states.
pub(super) fn permute_four(states: &mut [[u64; 4]; 25]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all that the function requires.
        return unsafe { x86::permute_four(states) };
    }
    permute_each(states);
}

/// Permutes eight states.
pub(super) fn permute_eight(states: &mut [[u64; 8]; 25]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512F, which is all that the function requires.
        return unsafe { x86::permute_eight(states) };
    }
    permute_each(states);
}

/// What the vector functions compute, on a processor that does not have them.
pub(super) fn permute_each<const LANES: usize>(states: &mut [[u64; LANES]; 25]) {
    for lane in 0..LANES {
        let mut one = states.map(|word| [word[lane]]);
        permute_one(&mut one);
        for (word, [new]) in states.iter_mut().zip(one) {
            word[lane] = new;
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![allow(clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "the intrinsics call 64 bits i64")]
    use std::arch::x86_64::*;

    use super::ROUNDS;

    #[target_feature(enable = "avx512f")]
    pub(super) fn permute_eight(states: &mut [[u64; 8]; 25]) {
        let mut s = [_mm512_setzero_si512(); 25];
        for (vector, word) in s.iter_mut().zip(states.iter()) {
            let [a, b, c, d, e, f, g, h] = word.map(|lane| lane as i64);
            *vector = _mm512_set_epi64(h, g, f, e, d, c, b, a);
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
        macro_rules! xor3 {
            ($a:expr, $b:expr, $c:expr) => {
                _mm512_ternarylogic_epi64::<0x96>($a, $b, $c)
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
        rounds!(s, xor: xor, xor3: xor3, chi: chi, rotate: rotate, constant: constant);
        for (word, vector) in states.iter_mut().zip(s) {
            let (low, high) = (_mm512_extracti64x4_epi64::<0>(vector), _mm512_extracti64x4_epi64::<1>(vector));
            *word = [
                _mm256_extract_epi64::<0>(low) as u64,
                _mm256_extract_epi64::<1>(low) as u64,
                _mm256_extract_epi64::<2>(low) as u64,
                _mm256_extract_epi64::<3>(low) as u64,
                _mm256_extract_epi64::<0>(high) as u64,
                _mm256_extract_epi64::<1>(high) as u64,
                _mm256_extract_epi64::<2>(high) as u64,
                _mm256_extract_epi64::<3>(high) as u64,
            ];
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn permute_four(states: &mut [[u64; 4]; 25]) {
        let mut s = [_mm256_setzero_si256(); 25];
        for (vector, word) in s.iter_mut().zip(states.iter()) {
            let [a, b, c, d] = word.map(|lane| lane as i64);
            *vector = _mm256_set_epi64x(d, c, b, a);
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
        macro_rules! xor3 {
            ($a:expr, $b:expr, $c:expr) => {
                _mm256_xor_si256(_mm256_xor_si256($a, $b), $c)
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
        rounds!(s, xor: xor, xor3: xor3, chi: chi, rotate: rotate, constant: constant);
        for (word, vector) in states.iter_mut().zip(s) {
            *word = [
                _mm256_extract_epi64::<0>(vector) as u64,
                _mm256_extract_epi64::<1>(vector) as u64,
                _mm256_extract_epi64::<2>(vector) as u64,
                _mm256_extract_epi64::<3>(vector) as u64,
            ];
        }
    }
}
