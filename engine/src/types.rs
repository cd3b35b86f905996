//! The small types that everything shares: addresses, hashes, events, block context.

use parity_scale_codec::{Decode, Encode, Error, Input};

/// 32 bytes of Keccak-256 or, for code, BLAKE2b-256.
pub type Hash = [u8; 32];

/// Amounts of the chain's own coin, in its smallest unit.
pub type Balance = u128;

/// The longest address in bytes.
pub const ADDRESS_BYTES_MAX: usize = 64;

/// Who an account or a contract is: 1 to 64 opaque bytes, chosen by the node. The `seal` profile wants 32.
///
/// Invariant: the length is 1 to [`ADDRESS_BYTES_MAX`]. Encoded as SCALE bytes: compact length, then the bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Encode)]
pub struct Address(Vec<u8>);

impl Address {
    /// An address of these bytes; `None` when there are none or more than 64.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (1..=ADDRESS_BYTES_MAX).contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 32]> for Address {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec())
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Decode for Address {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let length = parity_scale_codec::Compact::<u32>::decode(input)?.0;
        let length = usize::try_from(length).ok().filter(|length| (1..=ADDRESS_BYTES_MAX).contains(length));
        let mut bytes = vec![0; length.ok_or("address of 0 or more than 64 bytes")?];
        input.read(&mut bytes)?;
        Ok(Self(bytes))
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
