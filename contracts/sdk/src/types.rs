//! The types that every contract deals with.

use crate::codec::{Decode, Encode};
use core::fmt;

/// An amount of the chain's coin.
pub type Balance = u128;
/// A block's height.
pub type BlockNumber = u32;
/// Milliseconds since 1970.
pub type Timestamp = u64;

/// The address of an account or contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[codec(crate = parity_scale_codec)]
pub struct AccountId(pub [u8; 32]);

/// A hash, such as that of code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[codec(crate = parity_scale_codec)]
pub struct Hash(pub [u8; 32]);

fn hexadecimal(bytes: &[u8; 32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}
