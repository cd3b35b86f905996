//! Proofs of one key of the state tree: that it has a value, or that it has none.

use alloc::vec::Vec;
use core::fmt;

use crate::hash::{
    DEPTH_MAX, EMPTY, Hash, INLINE_VALUE_BYTES_MAX, digit, state_inner, state_leaf, state_leaf_of_hash, state_path,
};

/// The three siblings of the node on the path, in slot order with its own slot left out; [`EMPTY`] where none is.
pub type Level = [Hash; 3];

/// Longest encoding of a [`Proof`] in bytes: header, another leaf's path and value, and 128 full levels.
pub const PROOF_BYTES_MAX: usize = 3 + 32 + 1 + INLINE_VALUE_BYTES_MAX + DEPTH_MAX * (1 + 3 * 32);

const VERSION: u8 = 1;
const KIND_PRESENT: u8 = 0;
const KIND_ABSENT_EMPTY: u8 = 1;
const KIND_ABSENT_OTHER_INLINE: u8 = 2;
const KIND_ABSENT_OTHER_HASHED: u8 = 3;

/// What stands where the key's path leaves the inner nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// The key's own leaf: the key is present. The value is not part of the proof.
    Present,
    /// Nothing: the key is absent.
    Empty,
    /// A leaf with another path: the key is absent, or it would have split this slot.
    Other(OtherLeaf),
}

/// The content of a leaf that occupies the slot an absent key would need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtherLeaf {
    /// A leaf whose value, at most [`INLINE_VALUE_BYTES_MAX`] bytes, stands in the preimage.
    Inline {
        /// The other key's path.
        path: Hash,
        /// The other key's value.
        value: Vec<u8>,
    },
    /// A leaf with a longer value.
    Hashed {
        /// The other key's path.
        path: Hash,
        /// Keccak-256 of the other key's value.
        value_hash: Hash,
    },
}

impl OtherLeaf {
    /// The leaf at `path` with `value`.
    #[must_use]
    pub fn new(path: Hash, value: &[u8]) -> Self {
        if value.len() <= INLINE_VALUE_BYTES_MAX {
            Self::Inline { path, value: value.to_vec() }
        } else {
            Self::Hashed { path, value_hash: crate::keccak256(&[value]) }
        }
    }

    pub(crate) fn path(&self) -> &Hash {
        match self {
            Self::Inline { path, .. } | Self::Hashed { path, .. } => path,
        }
    }

    pub(crate) fn hash(&self) -> Hash {
        match self {
            Self::Inline { path, value } => state_leaf(path, value),
            Self::Hashed { path, value_hash } => state_leaf_of_hash(path, value_hash),
        }
    }
}

/// Shows that one key has a certain value under a state root, or that it is absent.
///
/// Invariant: at most [`DEPTH_MAX`] levels; an inline other leaf's value is at most [`INLINE_VALUE_BYTES_MAX`] bytes;
/// the deepest level has a sibling. Checked in [`Proof::new`], through which every decoded proof goes as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    levels: Vec<Level>,
    terminal: Terminal,
}

/// Why a proof was refused. None of these says anything about the state itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// The encoding has another version byte than this crate reads.
    Version {
        /// The byte found.
        found: u8,
    },
    /// The bytes end before the proof does.
    Truncated,
    /// The proof ends before the bytes do.
    TrailingBytes,
    /// The encoding is not the one canonical encoding of a proof; names the part.
    NotCanonical(&'static str),
    /// A count or length is above its limit; names it.
    TooLarge(&'static str),
    /// A value was expected and the proof shows absence, or the other way round.
    WrongKind,
    /// The proof was made for another key or index.
    WrongKey,
    /// The hashes do not lead to the root.
    RootMismatch,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { found } => write!(f, "proof version {found} is not supported, expected {VERSION}"),
            Self::Truncated => f.write_str("proof is truncated"),
            Self::TrailingBytes => f.write_str("bytes follow the proof"),
            Self::NotCanonical(part) => write!(f, "proof is not canonical: {part}"),
            Self::TooLarge(part) => write!(f, "proof exceeds a limit: {part}"),
            Self::WrongKind => f.write_str("proof shows presence where absence was expected, or the reverse"),
            Self::WrongKey => f.write_str("proof was made for another key or index"),
            Self::RootMismatch => f.write_str("proof does not lead to the root"),
        }
    }
}

impl core::error::Error for ProofError {}

impl Proof {
    /// A proof from its parts: the siblings on the way from the root downwards and what stands at the end.
    ///
    /// # Errors
    /// [`ProofError`] if the parts break the invariant of this type.
    pub fn new(levels: Vec<Level>, terminal: Terminal) -> Result<Self, ProofError> {
        if levels.len() > DEPTH_MAX {
            return Err(ProofError::TooLarge("levels"));
        }
        if levels.last().is_some_and(|deepest| deepest.iter().all(|sibling| *sibling == EMPTY)) {
            return Err(ProofError::NotCanonical("the deepest level has no sibling"));
        }
        if let Terminal::Other(OtherLeaf::Inline { value, .. }) = &terminal
            && value.len() > INLINE_VALUE_BYTES_MAX
        {
            return Err(ProofError::TooLarge("other leaf's inline value"));
        }
        Ok(Self { levels, terminal })
    }

    /// The siblings on the way from the root downwards.
    #[must_use]
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// What stands at the end of the way.
    #[must_use]
    pub fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// Accepts if and only if this proof shows, under `root`, that the flat key `key` has the value `expected`
    /// (`Some`), or that it is absent (`None`).
    ///
    /// # Errors
    /// [`ProofError`] naming what does not fit. At most 130 hashes are computed, whatever the proof says.
    pub fn verify(&self, root: &Hash, key: &[u8], expected: Option<&[u8]>) -> Result<(), ProofError> {
        let path = state_path(key);
        let end = match (&self.terminal, expected) {
            (Terminal::Present, Some(value)) => state_leaf(&path, value),
            (Terminal::Empty, None) => EMPTY,
            (Terminal::Other(leaf), None) => {
                let shared = (0..self.levels.len()).all(|depth| digit(leaf.path(), depth) == digit(&path, depth));
                if !shared || *leaf.path() == path {
                    return Err(ProofError::WrongKey);
                }
                leaf.hash()
            }
            _ => return Err(ProofError::WrongKind),
        };
        if self.root_from(&path, end) == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
    }

    fn root_from(&self, path: &Hash, end: Hash) -> Hash {
        let mut hash = end;
        for (depth, level) in self.levels.iter().enumerate().rev() {
            let [a, b, c] = *level;
            hash = state_inner(&match digit(path, depth) {
                0 => [hash, a, b, c],
                1 => [a, hash, b, c],
                2 => [a, b, hash, c],
                _ => [a, b, c, hash],
            });
        }
        hash
    }

    /// The canonical encoding, at most [`PROOF_BYTES_MAX`] bytes; its layout is in `docs/format.md`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let kind = match &self.terminal {
            Terminal::Present => KIND_PRESENT,
            Terminal::Empty => KIND_ABSENT_EMPTY,
            Terminal::Other(OtherLeaf::Inline { .. }) => KIND_ABSENT_OTHER_INLINE,
            Terminal::Other(OtherLeaf::Hashed { .. }) => KIND_ABSENT_OTHER_HASHED,
        };
        // The invariant bounds both numbers below 256; 255 would be refused by `decode`.
        let levels = u8::try_from(self.levels.len()).unwrap_or(u8::MAX);
        out.extend_from_slice(&[VERSION, kind, levels]);
        match &self.terminal {
            Terminal::Present | Terminal::Empty => {}
            Terminal::Other(OtherLeaf::Inline { path, value }) => {
                out.extend_from_slice(path);
                out.push(u8::try_from(value.len()).unwrap_or(u8::MAX));
                out.extend_from_slice(value);
            }
            Terminal::Other(OtherLeaf::Hashed { path, value_hash }) => {
                out.extend_from_slice(path);
                out.extend_from_slice(value_hash);
            }
        }
        for level in &self.levels {
            let present = |slot: usize| u8::from(level[slot] != EMPTY);
            out.push(present(0) | (present(1) << 1) | (present(2) << 2));
            for sibling in level.iter().filter(|sibling| **sibling != EMPTY) {
                out.extend_from_slice(sibling);
            }
        }
        out
    }

    /// Reads a proof back. Accepts exactly the bytes that [`Proof::encode`] writes for some proof.
    ///
    /// # Errors
    /// [`ProofError`] naming the first part that is not as it should be.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut input = Reader { rest: bytes };
        let version = input.byte()?;
        if version != VERSION {
            return Err(ProofError::Version { found: version });
        }
        let kind = input.byte()?;
        let count = usize::from(input.byte()?);
        if count > DEPTH_MAX {
            return Err(ProofError::TooLarge("levels"));
        }
        let terminal = match kind {
            KIND_PRESENT => Terminal::Present,
            KIND_ABSENT_EMPTY => Terminal::Empty,
            KIND_ABSENT_OTHER_INLINE => Terminal::Other(input.other_leaf(false)?),
            KIND_ABSENT_OTHER_HASHED => Terminal::Other(input.other_leaf(true)?),
            _ => return Err(ProofError::NotCanonical("kind")),
        };
        let mut levels = Vec::with_capacity(count);
        for _ in 0..count {
            levels.push(input.level()?);
        }
        input.finish()?;
        Self::new(levels, terminal)
    }
}

/// Takes bytes from the front of untrusted input.
pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], ProofError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(ProofError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ProofError> {
        let (byte, rest) = self.rest.split_first().ok_or(ProofError::Truncated)?;
        self.rest = rest;
        Ok(*byte)
    }

    pub(crate) fn hash(&mut self) -> Result<Hash, ProofError> {
        let (hash, rest) = self.rest.split_first_chunk::<32>().ok_or(ProofError::Truncated)?;
        self.rest = rest;
        Ok(*hash)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ProofError> {
        let (bytes, rest) = self.rest.split_first_chunk::<4>().ok_or(ProofError::Truncated)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, ProofError> {
        let (bytes, rest) = self.rest.split_first_chunk::<8>().ok_or(ProofError::Truncated)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// A length (u32) and as many bytes.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], ProofError> {
        let length = usize::try_from(self.u32()?).map_err(|_| ProofError::Truncated)?;
        self.take(length)
    }

    /// A leaf in the way of an absent key: its path, then its value or (`hashed`) the hash of that.
    pub(crate) fn other_leaf(&mut self, hashed: bool) -> Result<OtherLeaf, ProofError> {
        let path = self.hash()?;
        if hashed {
            return Ok(OtherLeaf::Hashed { path, value_hash: self.hash()? });
        }
        let length = usize::from(self.byte()?);
        if length > INLINE_VALUE_BYTES_MAX {
            return Err(ProofError::TooLarge("other leaf's inline value"));
        }
        Ok(OtherLeaf::Inline { path, value: self.take(length)?.to_vec() })
    }

    fn level(&mut self) -> Result<Level, ProofError> {
        let present = self.byte()?;
        if present > 0b111 {
            return Err(ProofError::NotCanonical("sibling bits"));
        }
        let mut level = [EMPTY; 3];
        for (slot, sibling) in level.iter_mut().enumerate() {
            if (present >> slot) & 1 == 1 {
                *sibling = self.hash()?;
                if *sibling == EMPTY {
                    return Err(ProofError::NotCanonical("an empty sibling is written out"));
                }
            }
        }
        Ok(level)
    }

    pub(crate) fn finish(&self) -> Result<(), ProofError> {
        if self.rest.is_empty() { Ok(()) } else { Err(ProofError::TrailingBytes) }
    }
}
