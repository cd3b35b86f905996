//! Keys, the spaces they live in, and ranges over them.

use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use crate::changes::DecodeError;
use crate::error::{StateError, hexadecimal, length_u64};

/// Longest address in bytes that can own storage.
pub const ADDRESS_BYTES_MAX: usize = 64;

/// Longest raw key in bytes.
pub const RAW_KEY_BYTES_MAX: u32 = 1 << 16;

/// Longest value in bytes.
pub const VALUE_BYTES_MAX: u32 = 1 << 28;

const SYSTEM: u8 = 0x00;
const STORAGE: u8 = 0x01;

/// A family of keys that share a prefix no other family can produce.
///
/// ```text
///   system   0x00
///   storage  0x01 ++ address length (u8, 1..=64) ++ address ++ incarnation (u64 big-endian)
/// ```
///
/// The first byte tells the kind and the length byte tells where the raw key begins, so (space, raw key) → key is
/// injective. Contracts reach storage spaces only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Space(Arc<[u8]>);

impl Space {
    /// The prefix of the system space.
    pub const SYSTEM_PREFIX: [u8; 1] = [SYSTEM];

    /// What the engine keeps for itself: balances, nonces, code, contract records, protocol version.
    #[must_use]
    pub fn system() -> Self {
        static SPACE: OnceLock<Space> = OnceLock::new();
        SPACE.get_or_init(|| Self(Arc::from(Self::SYSTEM_PREFIX.as_slice()))).clone()
    }

    /// The storage of one incarnation of one contract. Removing a contract means never using its incarnation again.
    ///
    /// # Errors
    /// [`StateError::Limit`] if the address is empty or longer than [`ADDRESS_BYTES_MAX`].
    pub fn storage(address: &[u8], incarnation: u64) -> Result<Self, StateError> {
        let limit = || StateError::Limit {
            what: "an address that owns storage (1 byte at least)",
            found: length_u64(address),
            limit: ADDRESS_BYTES_MAX as u64,
        };
        let length = u8::try_from(address.len()).map_err(|_| limit())?;
        if length == 0 || address.len() > ADDRESS_BYTES_MAX {
            return Err(limit());
        }
        let mut prefix = [0; 2 + ADDRESS_BYTES_MAX + 8];
        let mut rest = prefix.as_mut_slice();
        for part in [[STORAGE, length].as_slice(), address, &incarnation.to_be_bytes()] {
            let (place, behind) = rest.split_at_mut_checked(part.len()).ok_or_else(limit)?;
            place.copy_from_slice(part);
            rest = behind;
        }
        let unused = rest.len();
        let used = prefix.len().saturating_sub(unused);
        Ok(Self(prefix.get(..used).unwrap_or_default().into()))
    }

    /// The prefix of every key in this space.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.0
    }

    /// The address and incarnation of a storage space, `None` for the system space.
    #[must_use]
    pub fn owner(&self) -> Option<(&[u8], u64)> {
        let (address, incarnation) = self.0.get(2..)?.split_last_chunk::<8>()?;
        Some((address, u64::from_be_bytes(*incarnation)))
    }

    /// The first key after every key of this space: the prefix with its last byte that is not 0xff counted up.
    fn end(&self) -> Vec<u8> {
        let mut end = self.0.to_vec();
        while let Some(last) = end.pop() {
            if let Some(next) = last.checked_add(1) {
                end.push(next);
                break;
            }
        }
        end
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.owner() {
            None => f.write_str("system"),
            Some((address, incarnation)) => write!(f, "storage({}#{incarnation})", hexadecimal(address)),
        }
    }
}

/// The flat key of one value: space prefix and raw key. Orders by its bytes; a clone shares them.
#[derive(Clone)]
pub struct Key {
    /// Invariant: begins with a well-formed space prefix of `raw_at` bytes.
    bytes: Arc<[u8]>,
    raw_at: u8,
}

impl Key {
    /// The key of `raw` in `space`. A raw key longer than [`RAW_KEY_BYTES_MAX`] is refused when it is to be committed.
    #[must_use]
    pub fn new(space: &Space, raw: &[u8]) -> Self {
        // Keys are made for every access; most are short enough to be put together without an allocation of their own.
        let mut short = [0; 256];
        let (prefix, length) = (space.prefix(), space.prefix().len().saturating_add(raw.len()));
        let Some(flat) = short.get_mut(..length) else { return Self::within(space, [prefix, raw].concat()) };
        let (begin, end) = flat.split_at_mut(prefix.len());
        begin.copy_from_slice(prefix);
        end.copy_from_slice(raw);
        Self { bytes: (&*flat).into(), raw_at: prefix_length(space) }
    }

    /// A key that is known to lie in `space`.
    pub(crate) fn within(space: &Space, flat: Vec<u8>) -> Self {
        debug_assert!(flat.starts_with(space.prefix()));
        Self { bytes: flat.into(), raw_at: prefix_length(space) }
    }

    /// Reads a flat key back.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes do not begin with a well-formed space prefix or the raw key is too long.
    pub fn from_flat(flat: &[u8]) -> Result<Self, DecodeError> {
        let raw_at = match flat {
            [SYSTEM, ..] => 1,
            [STORAGE, length, ..] if (1..=ADDRESS_BYTES_MAX).contains(&usize::from(*length)) => {
                length.checked_add(2 + 8).ok_or(DecodeError("key prefix"))?
            }
            _ => return Err(DecodeError("key prefix")),
        };
        let raw = flat.get(usize::from(raw_at)..).ok_or(DecodeError("key prefix"))?;
        if length_u64(raw) > u64::from(RAW_KEY_BYTES_MAX) {
            return Err(DecodeError("raw key length"));
        }
        Ok(Self { bytes: flat.into(), raw_at })
    }

    /// The flat bytes: what is stored, ordered by and hashed to a path.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key as its owner knows it, without the space prefix.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        self.bytes.get(usize::from(self.raw_at)..).unwrap_or_default()
    }

    /// The space this key lies in.
    #[must_use]
    pub fn space(&self) -> Space {
        Space(self.bytes.get(..usize::from(self.raw_at)).unwrap_or_default().into())
    }
}

/// At most 1 + 1 + 64 + 8 bytes.
fn prefix_length(space: &Space) -> u8 {
    u8::try_from(space.prefix().len()).unwrap_or(u8::MAX)
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    /// As its bytes, which a map can be asked for.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}", self.space(), hexadecimal(self.raw()))
    }
}

/// The direction of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Forward,
    /// Largest key first.
    Backward,
}

/// A range of raw keys of one space, with a direction. Bounds are raw keys; an impossible range is simply empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The space scanned.
    pub space: Space,
    /// The lower bound, whatever the direction.
    pub from: Bound<Vec<u8>>,
    /// The upper bound, whatever the direction.
    pub to: Bound<Vec<u8>>,
    /// The direction.
    pub order: Order,
}

impl Range {
    /// All keys of `space`, smallest first.
    #[must_use]
    pub fn all(space: Space) -> Self {
        Self { space, from: Bound::Unbounded, to: Bound::Unbounded, order: Order::Forward }
    }

    /// Whether `key` lies in this range.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        let (from, to) = self.flat_bounds();
        (match &from {
            Bound::Included(bound) => key.as_bytes() >= bound.as_slice(),
            Bound::Excluded(bound) => key.as_bytes() > bound.as_slice(),
            Bound::Unbounded => true,
        }) && (match &to {
            Bound::Included(bound) => key.as_bytes() <= bound.as_slice(),
            Bound::Excluded(bound) => key.as_bytes() < bound.as_slice(),
            Bound::Unbounded => true,
        })
    }

    /// What is left of this range after `key` was passed.
    #[must_use]
    pub fn after(&self, key: &Key) -> Self {
        let mut rest = self.clone();
        match self.order {
            Order::Forward => rest.from = Bound::Excluded(key.raw().to_vec()),
            Order::Backward => rest.to = Bound::Excluded(key.raw().to_vec()),
        }
        rest
    }

    /// What of this range comes up to and including `key`.
    pub(crate) fn up_to(&self, key: &Key) -> Self {
        let mut part = self.clone();
        match self.order {
            Order::Forward => part.to = Bound::Included(key.raw().to_vec()),
            Order::Backward => part.from = Bound::Included(key.raw().to_vec()),
        }
        part
    }

    /// The same range over flat keys; never unbounded.
    pub(crate) fn flat_bounds(&self) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
        let flat = |raw: &Vec<u8>| [self.space.prefix(), raw].concat();
        let from = match &self.from {
            Bound::Included(raw) => Bound::Included(flat(raw)),
            Bound::Excluded(raw) => Bound::Excluded(flat(raw)),
            Bound::Unbounded => Bound::Included(self.space.prefix().to_vec()),
        };
        let to = match &self.to {
            Bound::Included(raw) => Bound::Included(flat(raw)),
            Bound::Excluded(raw) => Bound::Excluded(flat(raw)),
            Bound::Unbounded => Bound::Excluded(self.space.end()),
        };
        (from, to)
    }
}

/// Whether no key can lie between the bounds. `BTreeMap::range` panics on such bounds, so they are caught before.
pub(crate) fn is_empty_range(from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        _ => false,
    }
}

impl std::borrow::Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.bytes
    }
}
