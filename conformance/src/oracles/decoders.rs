//! Decoders of everything that is hashed, stored or proved: no panic, no more memory than the input justifies, one
//! encoding for each value, and nothing accepted that would not be written.

use super::Reached;
use crate::generators::chain::{World, spec};
use crate::generators::rest;
use arbitrary::{Arbitrary, Result, Unstructured};
use parity_scale_codec::{Decode, Encode, Error, Input};
use std::collections::BTreeMap;
use std::fmt::Debug;
use unfork_engine::{
    Account, Address, Block, Budget, Code, Contract, Event, Header, Receipt, ReceiptSummary, Refused, Status,
    StoredBlock, Transaction, Trap, list_root,
};
use unfork_proof::{Level, ListProof, ListTree, OtherLeaf, Proof, Terminal};
use unfork_state::{Change, ChangeSet, Key, Space, Value};

/// One format.
pub struct Codec {
    /// What is encoded.
    pub name: &'static str,
    /// Decodes, and encodes what was decoded; `None` if the bytes are refused.
    pub recode: fn(&[u8]) -> Option<Vec<u8>>,
    /// Encodes a generated value, having checked that it comes back as it was.
    generate: fn(&mut Unstructured<'_>) -> Result<Vec<u8>>,
}

/// Every format.
pub const CODECS: [Codec; 11] = [
    Codec { name: "transaction", recode: scale::<Transaction>, generate: |u| round_trip(transaction(u)?) },
    Codec { name: "block", recode: scale::<Block>, generate: |u| round_trip(block(u)?) },
    Codec { name: "stored block", recode: scale::<StoredBlock>, generate: |u| round_trip(stored_block(u)?) },
    Codec { name: "receipt", recode: scale::<Receipt>, generate: |u| round_trip(receipt(u)?) },
    Codec { name: "receipt summary", recode: scale::<ReceiptSummary>, generate: |u| round_trip(receipt(u)?.summary()) },
    Codec { name: "account", recode: scale::<Account>, generate: |u| round_trip(account(u)?) },
    Codec { name: "contract record", recode: scale::<Contract>, generate: |u| round_trip(contract_record(u)?) },
    Codec { name: "code record", recode: scale::<Code>, generate: |u| round_trip(code_record(u)?) },
    Codec { name: "change set", recode: change_set, generate: |u| Ok(changes(u)?.encode()) },
    Codec { name: "state proof", recode: state_proof, generate: |u| Ok(proof(u)?.encode()) },
    Codec { name: "list proof", recode: list_proof, generate: generated_list_proof },
];

/// How bytes are decoded and encoded again.
pub type Recode<'a> = dyn Fn(&Codec, &[u8]) -> Option<Vec<u8>> + 'a;

/// The oracle over the engine's own decoders.
pub fn decoders(data: &[u8]) -> Reached {
    decoders_of(data, &|codec, bytes| (codec.recode)(bytes))
}

/// The oracle over any decoders.
///
/// # Panics
/// When a rule is broken.
pub fn decoders_of(data: &[u8], recode: &Recode<'_>) -> Reached {
    let mut u = Unstructured::new(data);
    let Ok((codec, bytes)) = input(&mut u, recode) else { return "no input".into() };
    match recode(codec, &bytes) {
        None => format!("refused: {}", codec.name),
        Some(again) => {
            assert_eq!(again, bytes, "a {} was accepted in bytes that are not its encoding", codec.name);
            format!("accepted: {}", codec.name)
        }
    }
}

/// Raw bytes, or an encoding with a few bytes changed, which may still be one.
fn input(u: &mut Unstructured<'_>, recode: &Recode<'_>) -> Result<(&'static Codec, Vec<u8>)> {
    static STATIC: [Codec; 11] = CODECS;
    let codec = u.choose(&STATIC)?;
    if u.ratio(1, 4)? {
        return Ok((codec, rest(u)?));
    }
    let edits: Vec<(u8, u16, u8)> = (0..u.int_in_range(0..=3u8)?).map(|_| u.arbitrary()).collect::<Result<_>>()?;
    let mut bytes = (codec.generate)(u)?;
    let name = codec.name;
    assert_eq!(recode(codec, &bytes).as_ref(), Some(&bytes), "a {name} does not come back as it was");
    assert_eq!(recode(codec, &[bytes.as_slice(), &[0]].concat()), None, "a {name} was accepted with a byte behind it");
    assert_eq!(recode(codec, &bytes[..bytes.len() - 1]), None, "a {name} was accepted without its last byte");
    for (kind, at, byte) in edits {
        // Every other change is near the front, where versions, kinds and counts stand.
        let places = if kind >= 128 { bytes.len() } else { bytes.len().min(8) };
        let at = usize::from(at) % places.max(1);
        match kind % 4 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, byte),
            _ if at < bytes.len() => bytes[at] = byte,
            _ => {}
        }
    }
    Ok((codec, bytes))
}

/// Encodes `value`, having read it back.
fn round_trip<T: Encode + Decode + PartialEq + Debug>(value: T) -> Result<Vec<u8>> {
    let bytes = value.encode();
    assert_eq!(bytes.len(), value.encoded_size(), "the announced size of {value:?}");
    assert_eq!(T::decode(&mut &bytes[..]).as_ref(), Ok(&value), "decoding what was encoded");
    Ok(bytes)
}

fn scale<T: Encode + Decode>(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut input = Watched { rest: bytes, allowed: (1 << 16) + bytes.len() * 64 };
    let value = T::decode(&mut input).ok()?;
    input.rest.is_empty().then(|| value.encode())
}

fn change_set(bytes: &[u8]) -> Option<Vec<u8>> {
    ChangeSet::decode(bytes).ok().map(|changes| changes.encode())
}

fn state_proof(bytes: &[u8]) -> Option<Vec<u8>> {
    Proof::decode(bytes).ok().map(|proof| proof.encode())
}

fn list_proof(bytes: &[u8]) -> Option<Vec<u8>> {
    ListProof::decode(bytes).ok().map(|proof| proof.encode())
}

/// Input that counts the memory which a decoder says it is about to take.
struct Watched<'a> {
    rest: &'a [u8],
    /// Bytes that may still be taken.
    allowed: usize,
}

impl Input for Watched<'_> {
    fn remaining_len(&mut self) -> std::result::Result<Option<usize>, Error> {
        Ok(Some(self.rest.len()))
    }

    fn read(&mut self, into: &mut [u8]) -> std::result::Result<(), Error> {
        let (read, rest) = self.rest.split_at_checked(into.len()).ok_or("the input ends here")?;
        into.copy_from_slice(read);
        self.rest = rest;
        Ok(())
    }

    fn on_before_alloc_mem(&mut self, size: usize) -> std::result::Result<(), Error> {
        let left = self.allowed.checked_sub(size);
        self.allowed = left.unwrap_or_else(|| panic!("a decoder takes {size} bytes with {} allowed", self.allowed));
        Ok(())
    }
}

fn transaction(u: &mut Unstructured<'_>) -> Result<Transaction> {
    let spec = spec();
    let transactions = World::new(&spec).block(u)?;
    let mut transaction = match transactions.into_iter().next() {
        Some(transaction) => transaction,
        None => World::new(&spec).uploads().remove(0),
    };
    transaction.sender = address(u)?;
    transaction.gas_price = u.arbitrary()?;
    transaction.authentication = u.arbitrary()?;
    Ok(transaction)
}

fn address(u: &mut Unstructured<'_>) -> Result<Address> {
    let length = u.int_in_range(1..=64usize)?;
    let filled = vec![u.arbitrary::<u8>()?; length];
    Ok(Address::new(&filled).expect("1 to 64 bytes"))
}

fn block(u: &mut Unstructured<'_>) -> Result<Block> {
    let transactions = (0..u.int_in_range(0..=3u8)?).map(|_| transaction(u)).collect::<Result<Vec<_>>>()?;
    let header = Header {
        format: Default::default(),
        chain_id: u.arbitrary()?,
        parent: u.arbitrary()?,
        height: u.arbitrary()?,
        time: u.arbitrary()?,
        protocol_version: u.arbitrary()?,
        transactions_root: list_root(&transactions),
        receipts_root: u.arbitrary()?,
        state_root: u.arbitrary()?,
    };
    Ok(Block { header, transactions })
}

fn stored_block(u: &mut Unstructured<'_>) -> Result<StoredBlock> {
    let block = block(u)?;
    let receipts = block.transactions.iter().map(|_| receipt(u)).collect::<Result<_>>()?;
    Ok(StoredBlock { block, receipts })
}

fn receipt(u: &mut Unstructured<'_>) -> Result<Receipt> {
    let status = match u.int_in_range(0..=6u8)? {
        0 => Status::Returned,
        1 => Status::Reverted,
        2 => Status::Trapped(*u.choose(Trap::ALL)?),
        3 => Status::OutOfGas,
        4 => Status::Exhausted(*u.choose(Budget::ALL)?),
        5 => Status::Refused(Refused::Code(u.arbitrary()?)),
        _ => Status::Refused(Refused::ContractNotFound),
    };
    let created = if u.arbitrary()? { Some(address(u)?) } else { None };
    let event = |u: &mut Unstructured<'_>| {
        let topics = (0..u.int_in_range(0..=4u8)?).map(|_| u.arbitrary()).collect::<Result<_>>()?;
        Ok(Event { contract: address(u)?, topics, data: u.arbitrary()? })
    };
    let events = (0..u.int_in_range(0..=3u8)?).map(|_| event(u)).collect::<Result<_>>()?;
    Ok(Receipt { status, gas_used: u.arbitrary()?, created, output: u.arbitrary()?, events })
}

fn account(u: &mut Unstructured<'_>) -> Result<Account> {
    Ok(Account { nonce: u.arbitrary()?, balance: u.arbitrary()? })
}

fn contract_record(u: &mut Unstructured<'_>) -> Result<Contract> {
    let (code_hash, incarnation, items) = u.arbitrary()?;
    Ok(Contract { code_hash, incarnation, items, bytes: u.arbitrary()?, deposit: u.arbitrary()?, payer: address(u)? })
}

fn code_record(u: &mut Unstructured<'_>) -> Result<Code> {
    let (profile, admitted, bytes, items, values, growth) = u.arbitrary()?;
    Ok(Code { profile, admitted, bytes, items, values, growth, uploader: address(u)?, deposit: u.arbitrary()? })
}

fn changes(u: &mut Unstructured<'_>) -> Result<ChangeSet> {
    let mut map = BTreeMap::new();
    for _ in 0..u.int_in_range(0..=6u8)? {
        let space = if u.arbitrary()? {
            Space::system()
        } else {
            Space::storage(address(u)?.as_bytes(), u.arbitrary()?).expect("1 to 64 bytes")
        };
        let new = Option::<Vec<u8>>::arbitrary(u)?.map(Value::from);
        map.insert(Key::new(&space, u.arbitrary()?), Change { old: None, new });
    }
    Ok(ChangeSet::from_map(map))
}

/// A proof of the right form; what it proves is another matter.
fn proof(u: &mut Unstructured<'_>) -> Result<Proof> {
    let terminal = match u.int_in_range(0..=2u8)? {
        0 => Terminal::Present,
        1 => Terminal::Empty,
        _ => Terminal::Other(OtherLeaf::new(u.arbitrary()?, u.arbitrary()?)),
    };
    let count = u.int_in_range(0..=6u8)?;
    let levels = (0..count).map(|_| u.arbitrary()).collect::<Result<Vec<Level>>>()?;
    // Not any levels can be followed by any end, but none at all by a present key can.
    Ok(Proof::new(levels, terminal)
        .unwrap_or_else(|_| Proof::new(Vec::new(), Terminal::Present).expect("the proof in a tree of one key")))
}

/// A proof that holds, and that no change of its bytes makes hold for something else.
fn generated_list_proof(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let count = u.int_in_range(1..=40u32)?;
    let items: Vec<[u8; 4]> = (0..count).map(u32::to_le_bytes).collect();
    let index = u.int_in_range(0..=count - 1)?;
    let tree = ListTree::new(&items);
    let proof = tree.prove(index).expect("an index below the count");
    let item = index.to_le_bytes();
    assert_eq!(proof.verify(&tree.root(), index, &item), Ok(()), "the proof of item {index} of {count}");
    let mut bytes = proof.encode();
    let honest = bytes.clone();
    let (at, bits) = (u.choose_index(bytes.len())?, u.int_in_range(1..=255u8)?);
    bytes[at] ^= bits;
    if let Ok(altered) = ListProof::decode(&bytes) {
        assert!(altered.verify(&tree.root(), index, &item).is_err(), "an altered proof of item {index} holds");
    }
    Ok(honest)
}
