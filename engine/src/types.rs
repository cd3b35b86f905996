//! The small types that everything shares: addresses, hashes, events, block context.

use parity_scale_codec::{Decode, Encode, Error, Input, Output};

/// 32 bytes of Keccak-256 or, for code, BLAKE2b-256.
pub type Hash = [u8; 32];

/// Amounts of the chain's own coin, in its smallest unit.
pub type Balance = u128;

/// The longest address in bytes.
pub const ADDRESS_BYTES_MAX: usize = 64;

/// Who an account or a contract is: 1 to 64 opaque bytes, chosen by the node. The `seal` profile wants 32.
///
/// Invariant: the length is 1 to [`ADDRESS_BYTES_MAX`], and the bytes behind it are zero. Encoded as SCALE bytes: compact
/// length, then the bytes. Held in place, since every call copies some.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    length: u8,
    bytes: [u8; ADDRESS_BYTES_MAX],
}

impl Address {
    /// An address of these bytes; `None` when there are none or more than 64.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let length = u8::try_from(bytes.len()).ok().filter(|length| *length > 0)?;
        let mut held = [0; ADDRESS_BYTES_MAX];
        held.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { length, bytes: held })
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl From<[u8; 32]> for Address {
    fn from(bytes: [u8; 32]) -> Self {
        let mut held = [0; ADDRESS_BYTES_MAX];
        held[..32].copy_from_slice(&bytes);
        Self { length: 32, bytes: held }
    }
}

/// By their bytes, as slices order.
impl Ord for Address {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x")?;
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Encode for Address {
    fn size_hint(&self) -> usize {
        self.as_bytes().size_hint()
    }

    fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
        self.as_bytes().encode_to(output);
    }
}

impl Decode for Address {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let length = parity_scale_codec::Compact::<u32>::decode(input)?.0;
        let length = u8::try_from(length).ok().filter(|length| (1..=64).contains(length));
        let length = length.ok_or("address of 0 or more than 64 bytes")?;
        let mut bytes = [0; ADDRESS_BYTES_MAX];
        let held = bytes.get_mut(..usize::from(length)).ok_or("address of more than 64 bytes")?;
        input.read(held)?;
        Ok(Self { length, bytes })
    }
}

/// What a contract announced. Kept in the receipt, in the order of emission; events of rolled-back frames are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Event {
    /// The contract in whose name it was emitted.
    pub contract: Address,
    /// What the event may be found by, at most `topics_max`.
    pub topics: Vec<Hash>,
    /// The payload, at most `event_bytes_max`.
    pub data: Vec<u8>,
}

/// What a contract may know about the block it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// Height of the block; the genesis is 0.
    pub height: u64,
    /// Time of the block in nanoseconds since 1970, from the header, never from a clock.
    pub time: u64,
}
