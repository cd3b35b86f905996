//! What a contract can ask, and do besides storing.

use crate::call::CallError;
use crate::codec::Encode;
use crate::host;
use crate::{AccountId, Balance, BlockNumber, Hash, Timestamp};
use alloc::vec::Vec;

/// Who calls: an account or a contract.
pub fn caller() -> AccountId {
    AccountId(host::caller())
}

/// The contract's own address.
pub fn address() -> AccountId {
    AccountId(host::address())
}

/// What the contract has, what came with this call included.
pub fn balance() -> Balance {
    host::balance()
}

/// What came with this call.
pub fn value() -> Balance {
    host::value()
}

/// The time of the block.
pub fn now() -> Timestamp {
    host::now()
}

/// The height of the block.
pub fn block_number() -> BlockNumber {
    host::block_number()
}

/// Gas that is left. It tells nothing that another version of the chain need agree with.
pub fn gas_left() -> u64 {
    host::gas_left()
}

/// Whether there is a contract at `account`.
pub fn is_contract(account: &AccountId) -> bool {
    host::is_contract(&account.0)
}

/// The hash of the code of the contract at `account`.
pub fn code_hash(account: &AccountId) -> Option<Hash> {
    host::code_hash(&account.0).map(Hash)
}

/// The hash of the contract's own code.
pub fn own_code_hash() -> Hash {
    Hash(host::own_code_hash())
}

/// Gives `value` away.
///
/// # Errors
/// The contract has less.
pub fn transfer(to: &AccountId, value: Balance) -> Result<(), CallError> {
    host::transfer(&to.0, value)
}

/// Ends the contract; all it has goes to `beneficiary`. Nothing after it is executed.
pub fn terminate(beneficiary: &AccountId) -> ! {
    host::terminate(&beneficiary.0)
}

/// From the next call on the contract has this code.
///
/// # Errors
/// There is no such code.
pub fn set_code(code: &Hash) -> Result<(), CallError> {
    host::set_code(&code.0)
}

/// Text for whoever watches; it changes nothing.
pub fn debug(text: &str) {
    host::debug(text);
}

/// SHA-256.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    host::sha256(data)
}

/// Keccak-256.
pub fn keccak256(data: &[u8]) -> [u8; 32] {
    host::keccak256(data)
}

/// BLAKE2b with 32 bytes.
pub fn blake2_256(data: &[u8]) -> [u8; 32] {
    host::blake2_256(data)
}

/// An event, made by the attribute `event`.
pub trait Event: Encode {
    /// The first topic.
    const SIGNATURE: [u8; 32];
    /// The topics of the indexed fields.
    fn topics(&self, topics: &mut Vec<[u8; 32]>);
}

/// Tells the world.
pub fn emit<E: Event>(event: &E) {
    let mut topics = Vec::with_capacity(4);
    topics.push(E::SIGNATURE);
    event.topics(&mut topics);
    event.using_encoded(|data| host::emit(&topics, data));
}

/// What can be a topic.
pub trait Topic {
    /// The value's bytes filled up to 32, or their hash if there are more; zeroes for `None`.
    fn topic(&self) -> [u8; 32];
}

macro_rules! plain_topics {
    ($($kind:ty)*) => {
        $(impl Topic for $kind {
            fn topic(&self) -> [u8; 32] {
                topic_of(self)
            }
        })*
    };
}
plain_topics! { bool u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 AccountId Hash alloc::string::String Vec<u8> [u8; 4] [u8; 32] }

impl<T: Topic> Topic for Option<T> {
    fn topic(&self) -> [u8; 32] {
        self.as_ref().map_or([0; 32], Topic::topic)
    }
}

/// The topic of an encoded value.
pub fn topic_of(value: &impl Encode) -> [u8; 32] {
    value.using_encoded(|bytes| match bytes.len() {
        0..=32 => {
            let mut topic = [0; 32];
            topic[..bytes.len()].copy_from_slice(bytes);
            topic
        }
        _ => host::blake2_256(bytes),
    })
}
