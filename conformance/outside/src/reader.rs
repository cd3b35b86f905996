//! A reader of block files and a verifier of proofs, written from docs/format.md (§1.3, §1.5 and §1.7) alone.

use crate::{Hash, State, hash, leaf, leaf_of_hash};

/// A block as its record in the block file has it.
#[derive(Debug)]
pub struct Record {
    /// Its height.
    pub height: u64,
    /// Its id.
    pub id: Hash,
    /// The state root after it.
    pub root: Hash,
    /// The block as the engine encodes it.
    pub body: Vec<u8>,
    /// The state after it: what all records so far have changed.
    pub state: State,
}

/// The chain id and all records of a block file.
///
/// # Errors
/// What is not as the page says, and at which byte.
pub fn read_block_file(file: &[u8]) -> Result<(Hash, Vec<Record>), String> {
    let mut rest = Bytes(file);
    let header = rest.take(64)?;
    let chain_id = header[16..48].try_into().expect("32 bytes");
    let name = b"keccak-256\0\0";
    if header[..8] != *b"UNFORKBL" || header[8..16] != [3, 0, 0, 0, 0, 0, 0, 0] || header[48..60] != *name {
        return Err("no block file of format 3".to_owned());
    }
    if header[60..] != crc32c(&header[..60]) {
        return Err("the header's checksum".to_owned());
    }
    let mut records: Vec<Record> = Vec::new();
    while !rest.0.is_empty() {
        let offset = file.len() - rest.0.len();
        let before = records.last();
        let parent = before.map_or([0; 32], |record| record.id);
        let height = before.map_or(0, |record| record.height + 1);
        let state = before.map_or_else(State::default, |record| record.state.clone());
        let read = record(&mut rest, offset, &chain_id, state).map_err(|what| format!("at byte {offset}: {what}"))?;
        if (read.1, read.0.height) != (parent, height) {
            return Err(format!("at byte {offset}: it does not follow the record before"));
        }
        records.push(read.0);
    }
    Ok((chain_id, records))
}

/// One record, with the id of its parent.
fn record(rest: &mut Bytes<'_>, offset: usize, chain_id: &Hash, state: State) -> Result<(Record, Hash), String> {
    let header = rest.take(116)?;
    let sealed = [chain_id, &offset.to_le_bytes()[..], header].concat();
    if rest.take(4)? != crc32c(&sealed) {
        return Err("the checksum of a record's header".to_owned());
    }
    let mut fields = Bytes(header);
    if fields.take(4)? != b"BLK1" {
        return Err("no block".to_owned());
    }
    let (height, id, parent, root) = (fields.number(8)?, fields.hash()?, fields.hash()?, fields.hash()?);
    let (body, changes) = (fields.number(4)?, fields.number(4)?);
    let content = rest.take(usize::try_from(body + changes).map_err(|_| "too long")?)?;
    if rest.take(4)? != crc32c(content) {
        return Err("the checksum of a body".to_owned());
    }
    let (body, changes) = content.split_at(usize::try_from(body).expect("a part of it"));
    let state = change(state, changes)?;
    Ok((Record { height, id, root, body: body.to_vec(), state }, parent))
}

/// The state after an encoded change set.
fn change(mut state: State, encoded: &[u8]) -> Result<State, String> {
    let mut rest = Bytes(encoded);
    let mut before = Vec::new();
    for _ in 0..rest.compact()? {
        let shared = usize::try_from(rest.number(1)?).expect("a byte");
        let mut key = before.get(..shared).ok_or("shares more than there is")?.to_vec();
        key.extend_from_slice(rest.bytes()?);
        if !before.is_empty() && key <= before {
            return Err("keys do not ascend".to_owned());
        }
        match rest.number(1)? {
            0 => drop(state.values.remove(&key)),
            1 => drop(state.values.insert(key.clone(), rest.bytes()?.into())),
            _ => return Err("neither a value nor none".to_owned()),
        }
        before = key;
    }
    if rest.0.is_empty() { Ok(state) } else { Err("bytes follow the changes".to_owned()) }
}

/// Whether `proof` shows under `root` that the flat key has this value, or none.
///
/// # Errors
/// What is not as the page says.
pub fn verify(proof: &[u8], root: &Hash, key: &[u8], value: Option<&[u8]>) -> Result<(), String> {
    let path = hash(&[key]);
    let digit = |path: &Hash, depth: usize| usize::from(path[depth / 4] >> (6 - depth % 4 * 2) & 3);
    let mut rest = Bytes(proof);
    let (version, kind, depth) = (rest.number(1)?, rest.number(1)?, rest.number(1)?);
    let depth = usize::try_from(depth).expect("a byte");
    if version != 1 || depth > 128 || (kind == 0) != value.is_some() {
        return Err("another version, too deep, or a proof of something else".to_owned());
    }
    let mut other = |long: bool| -> Result<Hash, String> {
        let path_there = rest.hash()?;
        if path_there == path || (0..depth).any(|depth| digit(&path_there, depth) != digit(&path, depth)) {
            return Err("the other leaf is not in the way".to_owned());
        }
        if long {
            return Ok(leaf_of_hash(&path_there, &rest.hash()?));
        }
        let length = usize::try_from(rest.number(1)?).expect("a byte");
        if length > 96 {
            Err("too long for a short value".to_owned())
        } else {
            Ok(leaf(&path_there, rest.take(length)?))
        }
    };
    let mut node = match (kind, value) {
        (0, Some(value)) => leaf(&path, value),
        (1, _) => [0; 32],
        (2, _) => other(false)?,
        (3, _) => other(true)?,
        _ => return Err("no such kind".to_owned()),
    };
    let mut levels = Vec::new();
    for _ in 0..depth {
        let bits = rest.number(1)?;
        let mut siblings = [[0; 32]; 3];
        for (number, sibling) in siblings.iter_mut().enumerate().filter(|(number, _)| bits >> number & 1 == 1) {
            *sibling = rest.hash()?;
            if *sibling == [0; 32] {
                return Err(format!("sibling {number} is empty"));
            }
        }
        if bits > 7 {
            return Err("there are three siblings".to_owned());
        }
        levels.push(siblings);
    }
    if !rest.0.is_empty() || levels.last() == Some(&[[0; 32]; 3]) {
        return Err("bytes follow, or the deepest level has no sibling".to_owned());
    }
    for (depth, siblings) in levels.iter().enumerate().rev() {
        let mut children = siblings.to_vec();
        children.insert(digit(&path, depth), node);
        node = hash(&[&children.concat(), &[1]]);
    }
    if node == *root { Ok(()) } else { Err("it does not lead to the root".to_owned()) }
}

/// CRC-32C as it is stored, bit by bit.
fn crc32c(bytes: &[u8]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    (!crc).to_le_bytes()
}

/// What is left to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or("it ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    /// An integer of so many bytes, 8 at most, the lowest first.
    fn number(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn hash(&mut self) -> Result<Hash, String> {
        Ok(self.take(32)?.try_into().expect("32 bytes"))
    }

    /// A compact integer of SCALE: the lowest two bits of its first byte say how long it is.
    fn compact(&mut self) -> Result<u64, String> {
        let length = match self.0.first().ok_or("it ends too early")? & 3 {
            3 => {
                let more = usize::from(self.take(1)?[0] >> 2) + 4;
                return if more > 8 { Err("too large".to_owned()) } else { self.number(more) };
            }
            bits => 1 << bits,
        };
        Ok(self.number(length)? >> 2)
    }

    fn bytes(&mut self) -> Result<&'a [u8], String> {
        let length = self.compact()?;
        self.take(usize::try_from(length).map_err(|_| "too long")?)
    }
}
