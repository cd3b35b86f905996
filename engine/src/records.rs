//! What the engine itself keeps in the system space of the state: accounts, contracts, codes. docs/format.md lists
//! every byte. No contract can name this space, and everything here is under the root.

use crate::types::{ADDRESS_BYTES_MAX, Address, Balance, Hash};
use parity_scale_codec::{Decode, DecodeAll, Encode, Output};
use unfork_gas::Loading;
use unfork_state::{Key, Overlay, Space, StateError, StateView, Value};

/// Nonce and balance of one account. Absent means both are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Account {
    /// How many transactions the account has sent.
    pub nonce: u64,
    /// Free balance.
    pub balance: Balance,
}

/// A contract: which code it runs and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Contract {
    /// BLAKE2b-256 of the code it runs.
    pub code_hash: Hash,
    /// How often a contract was created at this address before; part of its storage space.
    pub incarnation: u64,
    /// Storage items it has.
    pub items: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Balance set aside for them; 0 under all released rules.
    pub deposit: Balance,
    /// Who paid the deposit: who created the contract.
    pub payer: Address,
}

/// What is known about an uploaded code besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Code {
    /// The profile it was uploaded under.
    pub profile: u8,
    /// The protocol version whose limits admitted it.
    pub admitted: u32,
    /// Its length in bytes. This and the next three are what loading it is priced by ([`unfork_gas::Loading`]).
    pub bytes: u32,
    /// Its types, imports, functions, tables, memories, globals, exports and segments.
    pub items: u32,
    /// Values of its functions, blocks, calls and branches.
    pub values: u64,
    /// Bytes that instrumenting may add.
    pub growth: u64,
    /// Who uploaded it.
    pub uploader: Address,
    /// Balance set aside for it; 0 under all released rules.
    pub deposit: Balance,
}

/// What a transaction needs to know of a code that it has met.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MetCode {
    pub profile: u8,
    pub admitted: u32,
    pub loading: Loading,
}

/// The record under [`RecordKey::Chain`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Chain {
    /// The protocol version of the last block.
    pub protocol_version: u32,
    /// How many contracts have been created; gives `instantiation_nonce`.
    pub instantiations: u64,
}

/// The records of the system space. The first byte of a raw key tells the kind.
#[derive(Clone, Copy, Debug)]
pub enum RecordKey<'a> {
    /// [`Chain`].
    Chain,
    /// [`Account`].
    Account(&'a Address),
    /// [`Contract`].
    Contract(&'a Address),
    /// The original bytes of a code, as they are.
    CodeBytes(&'a Hash),
    /// [`Code`].
    Code(&'a Hash),
    /// `u64`: the incarnation that the next contract at this address gets; kept when a contract is removed.
    NextIncarnation(&'a Address),
    /// Empty: storage of a removed contract that still has to be swept.
    Swept(&'a Address, u64),
    /// `Vec<Hash>`, rising: the codes that the contract at this address depends on; absent for none.
    Dependencies(&'a Address),
}

impl RecordKey<'_> {
    /// The key in the state.
    #[must_use]
    pub fn key(&self) -> Key {
        let flat = self.flat();
        Key::new(&Space::system(), flat.as_bytes().get(Space::SYSTEM_PREFIX.len()..).unwrap_or_default())
    }

    /// The bytes of the key, put together without an allocation.
    fn flat(&self) -> Flat {
        let incarnation_bytes: [u8; 8];
        let (tag, bytes, after): (u8, &[u8], &[u8]) = match self {
            Self::Chain => (0, &[], &[]),
            Self::Account(address) => (1, address.as_bytes(), &[]),
            Self::Contract(address) => (2, address.as_bytes(), &[]),
            Self::CodeBytes(hash) => (3, hash.as_slice(), &[]),
            Self::Code(hash) => (4, hash.as_slice(), &[]),
            Self::NextIncarnation(address) => (5, address.as_bytes(), &[]),
            Self::Swept(address, incarnation) => {
                incarnation_bytes = incarnation.to_be_bytes();
                (6, address.as_bytes(), &incarnation_bytes)
            }
            Self::Dependencies(address) => (7, address.as_bytes(), &[]),
        };
        let mut flat = Flat { length: 0, bytes: [0; FLAT_BYTES_MAX] };
        for part in [&Space::SYSTEM_PREFIX, [tag].as_slice(), bytes, after] {
            flat.push(part);
        }
        flat
    }

    /// First raw key of the list of storage to be swept, and the first one after it.
    pub(crate) fn swept_range() -> (Vec<u8>, Vec<u8>) {
        (vec![6], vec![7])
    }

    /// The storage space that an entry of that list names; `None` for bytes that are no entry.
    pub(crate) fn swept_space(raw: &[u8]) -> Option<Result<Space, StateError>> {
        let (address, incarnation) = raw.get(1..)?.split_last_chunk::<8>()?;
        Some(Space::storage(address, u64::from_be_bytes(*incarnation)))
    }
}

/// System prefix, tag, address, incarnation.
const FLAT_BYTES_MAX: usize = 1 + 1 + ADDRESS_BYTES_MAX + 8;

/// A flat key in place.
struct Flat {
    length: usize,
    bytes: [u8; FLAT_BYTES_MAX],
}

impl Flat {
    fn push(&mut self, part: &[u8]) {
        let end = self.length.saturating_add(part.len());
        // There is room for the longest parts.
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(part);
            self.length = end;
        }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Reads a record out of a view of the state.
///
/// # Errors
/// When the state cannot be read, or holds bytes that are no such record.
pub fn read<R: Decode>(view: &dyn StateView, key: RecordKey<'_>) -> Result<Option<R>, StateError> {
    decoded(view.get(&key.key())?.as_ref())
}

/// Reads a record in the middle of a transaction.
///
/// # Errors
/// When the state cannot be read, or holds bytes that are no such record.
pub(crate) fn get<R: Decode>(overlay: &mut Overlay, key: RecordKey<'_>) -> Result<Option<R>, StateError> {
    if let Some(known) = overlay.known(key.flat().as_bytes()) {
        return decoded(known.as_ref());
    }
    decoded(overlay.get(&key.key())?.as_ref())
}

/// Writes a record.
pub(crate) fn put<R: Encode>(overlay: &mut Overlay, key: RecordKey<'_>, record: &R) {
    let mut encoded = Encoded { length: 0, short: [0; SHORT_BYTES], long: Vec::new() };
    record.encode_to(&mut encoded);
    overlay.put(key.key(), Value::from(encoded.as_bytes()));
}

/// As long as most records are.
const SHORT_BYTES: usize = 192;

/// An encoding put together in place, since every call writes some; a longer one moves to an allocation.
struct Encoded {
    length: usize,
    short: [u8; SHORT_BYTES],
    long: Vec<u8>,
}

impl Encoded {
    fn as_bytes(&self) -> &[u8] {
        if self.long.is_empty() { self.short.get(..self.length).unwrap_or_default() } else { &self.long }
    }
}

impl Output for Encoded {
    fn write(&mut self, bytes: &[u8]) {
        let end = self.length.saturating_add(bytes.len());
        match self.short.get_mut(self.length..end) {
            Some(place) if self.long.is_empty() => {
                place.copy_from_slice(bytes);
                self.length = end;
            }
            _ => {
                if self.long.is_empty() {
                    self.long.extend_from_slice(self.short.get(..self.length).unwrap_or_default());
                }
                self.long.extend_from_slice(bytes);
            }
        }
    }
}

fn decoded<R: Decode>(value: Option<&Value>) -> Result<Option<R>, StateError> {
    value
        .map(|bytes| R::decode_all(&mut &bytes[..]))
        .transpose()
        .map_err(|_| StateError::Corrupt { what: "a record of the system space".into() })
}
