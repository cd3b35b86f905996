//! The block file: one header, then one record per block, appended and synced before the key-value store is written.
//!
//! ```text
//!   header  magic "UNFORKBL" | format u32 | 0 u32 | chain id 32 | hash name 12 | crc32c u32                     64 bytes
//!   record  magic "BLK1" | height u64 | id 32 | parent 32 | root 32 | body length u32 | changes length u32 |
//!           crc32c u32 over chain id, offset of the record u64 and the fields before                          120 bytes
//!           body | changes | crc32c u32 over body and changes
//! ```
//! All integers are little-endian. The record's checksum binds it to its place and chain: a record copied elsewhere is
//! not taken for one.

use super::commit::{BlockId, FORMAT, HASH_NAME, Head};
use crate::changes::{CHANGES_BYTES_MAX, ChangeSet};
use crate::error::{StateError, length_u64};
use unfork_proof::Hash;

/// Longest body of a block in bytes.
pub const BODY_BYTES_MAX: u32 = 1 << 30;

pub(crate) const FILE_HEADER_BYTES: usize = 64;
pub(crate) const RECORD_HEADER_BYTES: usize = 120;
const CHECKSUM_BYTES: usize = 4;
const FILE_MAGIC: &[u8; 8] = b"UNFORKBL";
const RECORD_MAGIC: &[u8; 4] = b"BLK1";
const PART_MAGIC: &[u8; 4] = b"BLKP";

/// An append-only file of records. One thread at a time writes to it, others may read what was there before.
pub trait BlockLog: Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// [`StateError::Io`] if it cannot be found out.
    fn length(&self) -> Result<u64, StateError>;

    /// `length` bytes from `offset` on.
    ///
    /// # Errors
    /// [`StateError::Io`] if they cannot be read, [`StateError::Corrupt`] if the file ends before.
    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, StateError>;

    /// Adds a record, which is given in parts, at the end.
    ///
    /// # Errors
    /// [`StateError::Io`] if not all of it could be written; part of it may have been.
    fn append(&self, parts: &[&[u8]]) -> Result<(), StateError>;

    /// Returns when everything appended is on the disk.
    ///
    /// # Errors
    /// [`StateError::Io`] if it may not be.
    fn sync(&self) -> Result<(), StateError>;

    /// Whether appending and syncing wait for a device, so that something else is better done meanwhile.
    fn waits(&self) -> bool {
        true
    }

    /// Cuts the file to `length` bytes, durably. Used for a torn last record only.
    ///
    /// # Errors
    /// [`StateError::Io`] if that failed.
    fn truncate(&self, length: u64) -> Result<(), StateError>;
}

/// One record of the block file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The height, 0 for genesis.
    pub height: u64,
    /// The block's id.
    pub id: BlockId,
    /// The id of the block before; zeros for genesis.
    pub parent: BlockId,
    /// The state root after the block.
    pub root: Hash,
    /// The block as the engine encodes it; opaque here.
    pub body: Vec<u8>,
    /// What the block changed; old values are unknown.
    pub changes: ChangeSet,
}

/// The fixed part of a record.
pub(crate) struct RecordHeader {
    part: bool,
    pub(crate) height: u64,
    pub(crate) id: BlockId,
    pub(crate) parent: BlockId,
    pub(crate) root: Hash,
    body_length: u32,
    changes_length: u32,
}

/// What stands at an offset of the block file.
pub(crate) enum Found {
    /// A complete, undamaged record, and the offset after it.
    Block(Box<Block>, u64),
    /// As [`Found::Block`], with values of the state that the first block stands on, which comes from a snapshot. The
    /// height, id and root are those of that block.
    Part(Box<Block>, u64),
    /// The end of the file.
    End,
    /// Bytes that are no undamaged record.
    Damaged {
        /// What is wrong.
        what: &'static str,
        /// Where the next record would begin, if the header is undamaged.
        next: Option<u64>,
    },
}

pub(crate) fn file_header(chain_id: &[u8; 32]) -> Vec<u8> {
    let mut header = Vec::with_capacity(FILE_HEADER_BYTES);
    header.extend_from_slice(FILE_MAGIC);
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(&[0; 4]);
    header.extend_from_slice(chain_id);
    header.extend_from_slice(HASH_NAME);
    header.extend_from_slice(&crc32c::crc32c(&header).to_le_bytes());
    header
}

/// Refuses a block file of another kind, version, hash function or chain.
pub(crate) fn check_file_header(log: &dyn BlockLog, chain_id: &[u8; 32]) -> Result<(), StateError> {
    let header = read_file_header(log)?;
    check_identity("block file", header.version, Some(&header.hash_name), Some(&header.chain_id), chain_id)
}

/// The chain that a block file belongs to.
#[cfg(feature = "rocksdb")]
pub(crate) fn stored_chain_id(log: &dyn BlockLog) -> Result<[u8; 32], StateError> {
    let header = read_file_header(log)?;
    check_identity("block file", header.version, Some(&header.hash_name), Some(&header.chain_id), &header.chain_id)?;
    Ok(header.chain_id)
}

struct FileHeader {
    version: u32,
    chain_id: [u8; 32],
    hash_name: [u8; 12],
}

fn read_file_header(log: &dyn BlockLog) -> Result<FileHeader, StateError> {
    if log.length()? < FILE_HEADER_BYTES as u64 {
        return Err(StateError::refused(
            "the block file is shorter than its header",
            "restore it from a backup, or create the store again",
        ));
    }
    let bytes = log.read(0, FILE_HEADER_BYTES)?;
    let foreign = || StateError::refused("the block file does not begin with UNFORKBL", "check the directory");
    let damaged = || StateError::refused("the block file's header is damaged", "restore it from a backup");
    let fields = bytes.strip_prefix(FILE_MAGIC).ok_or_else(foreign)?;
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or_else(damaged)?;
    if crc32c::crc32c(content).to_le_bytes() != *checksum {
        return Err(damaged());
    }
    let (version, fields) = fields.split_first_chunk::<4>().ok_or_else(damaged)?;
    let (_reserved, fields) = fields.split_first_chunk::<4>().ok_or_else(damaged)?;
    let (chain_id, fields) = fields.split_first_chunk::<32>().ok_or_else(damaged)?;
    let (hash_name, _) = fields.split_first_chunk::<12>().ok_or_else(damaged)?;
    Ok(FileHeader { version: u32::from_le_bytes(*version), chain_id: *chain_id, hash_name: *hash_name })
}

/// Refuses what was written under another format version, hash function or chain.
pub(crate) fn check_identity(
    place: &str,
    version: u32,
    hash_name: Option<&[u8]>,
    chain: Option<&[u8]>,
    chain_id: &[u8; 32],
) -> Result<(), StateError> {
    let hex = crate::error::hexadecimal;
    if version != FORMAT {
        return Err(StateError::refused(
            format!("the {place} has format version {version}, this program reads version {FORMAT}"),
            "use the program that wrote it, or create a new store",
        ));
    }
    if hash_name != Some(HASH_NAME.as_slice()) {
        let found = String::from_utf8_lossy(hash_name.unwrap_or_default()).replace('\0', "");
        return Err(StateError::refused(
            format!("the {place} uses the hash function {found:?}, this program uses keccak-256"),
            "use the program that wrote it, or create a new store",
        ));
    }
    if chain != Some(chain_id.as_slice()) {
        return Err(StateError::refused(
            format!("the {place} belongs to chain {}, not to {}", hex(chain.unwrap_or_default()), hex(chain_id)),
            "check the directory and the chain specification",
        ));
    }
    Ok(())
}

/// What a record says.
pub(crate) struct Content<'a> {
    /// Whether these are values of a snapshot; otherwise it is a block.
    pub(crate) part: bool,
    pub(crate) head: Head,
    pub(crate) parent: BlockId,
    pub(crate) body: Vec<u8>,
    pub(crate) changes: &'a ChangeSet,
}

/// The bytes of a record.
pub(crate) struct Record {
    fields: Vec<u8>,
    body: Vec<u8>,
    /// Change set and checksum.
    rest: Vec<u8>,
}

impl Record {
    /// The record that is to stand at `offset`.
    pub(crate) fn encode(chain_id: &[u8; 32], offset: u64, content: Content<'_>) -> Result<Self, StateError> {
        let Content { part, head, parent, body, changes } = content;
        let mut rest = Vec::new();
        changes.encode_to(&mut rest);
        let body_length = bounded("block body", length_u64(&body), BODY_BYTES_MAX)?;
        let changes_length = bounded("encoded change set", length_u64(&rest), CHANGES_BYTES_MAX)?;
        let fields: [&[u8]; 7] = [
            if part { PART_MAGIC } else { RECORD_MAGIC },
            &head.height.to_le_bytes(),
            &head.id,
            &parent,
            &head.root,
            &body_length.to_le_bytes(),
            &changes_length.to_le_bytes(),
        ];
        let mut fields = fields.concat();
        fields.extend_from_slice(&header_checksum(chain_id, offset, &fields).to_le_bytes());
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&body), &rest);
        rest.extend_from_slice(&checksum.to_le_bytes());
        Ok(Self { fields, body, rest })
    }

    /// Its bytes, in parts.
    pub(crate) fn parts(&self) -> [&[u8]; 3] {
        [&self.fields, &self.body, &self.rest]
    }

    pub(crate) fn length(&self) -> u64 {
        self.parts().iter().fold(0, |length, part| length.saturating_add(length_u64(part)))
    }
}

fn bounded(what: &'static str, found: u64, limit: u32) -> Result<u32, StateError> {
    let error = StateError::Limit { what, found, limit: u64::from(limit) };
    u32::try_from(found).ok().filter(|length| *length <= limit).ok_or(error)
}

fn header_checksum(chain_id: &[u8; 32], offset: u64, fields: &[u8]) -> u32 {
    let checksum = crc32c::crc32c_append(crc32c::crc32c(chain_id), &offset.to_le_bytes());
    crc32c::crc32c_append(checksum, fields)
}

impl RecordHeader {
    /// Reads the header at the front of `bytes`, which stand at `offset`.
    pub(crate) fn decode(chain_id: &[u8; 32], offset: u64, bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..RECORD_HEADER_BYTES)?;
        let (fields, checksum) = bytes.split_last_chunk::<4>()?;
        if header_checksum(chain_id, offset, fields).to_le_bytes() != *checksum {
            return None;
        }
        let part = fields.starts_with(PART_MAGIC);
        let fields = fields.strip_prefix(if part { PART_MAGIC } else { RECORD_MAGIC })?;
        let (height, fields) = fields.split_first_chunk::<8>()?;
        let (id, fields) = fields.split_first_chunk::<32>()?;
        let (parent, fields) = fields.split_first_chunk::<32>()?;
        let (root, fields) = fields.split_first_chunk::<32>()?;
        let (body_length, fields) = fields.split_first_chunk::<4>()?;
        let (changes_length, _) = fields.split_first_chunk::<4>()?;
        let (body_length, changes_length) = (u32::from_le_bytes(*body_length), u32::from_le_bytes(*changes_length));
        if body_length > BODY_BYTES_MAX || changes_length > CHANGES_BYTES_MAX {
            return None;
        }
        let height = u64::from_le_bytes(*height);
        Some(Self { part, height, id: *id, parent: *parent, root: *root, body_length, changes_length })
    }

    /// Bytes after the header.
    fn payload_bytes(&self) -> u64 {
        u64::from(self.body_length).saturating_add(u64::from(self.changes_length)).saturating_add(CHECKSUM_BYTES as u64)
    }

    /// The offset after the record whose header stands at `offset`.
    fn end(&self, offset: u64) -> u64 {
        offset.saturating_add(RECORD_HEADER_BYTES as u64).saturating_add(self.payload_bytes())
    }
}

/// Reads what stands at `offset`.
pub(crate) fn read_record(log: &dyn BlockLog, chain_id: &[u8; 32], offset: u64) -> Result<Found, StateError> {
    let length = log.length()?;
    let left = length.saturating_sub(offset);
    if left == 0 {
        return Ok(Found::End);
    }
    if left < RECORD_HEADER_BYTES as u64 {
        return Ok(Found::Damaged { what: "the file ends inside a record's header", next: None });
    }
    let bytes = log.read(offset, RECORD_HEADER_BYTES)?;
    let Some(header) = RecordHeader::decode(chain_id, offset, &bytes) else {
        return Ok(Found::Damaged { what: "a record's header does not match its checksum", next: None });
    };
    let end = header.end(offset);
    if end > length {
        return Ok(Found::Damaged { what: "the file ends inside a record", next: Some(end) });
    }
    let payload_bytes = usize::try_from(header.payload_bytes()).unwrap_or(usize::MAX);
    let payload = log.read(offset.saturating_add(RECORD_HEADER_BYTES as u64), payload_bytes)?;
    let damaged = |what| Ok(Found::Damaged { what, next: Some(end) });
    let Some((content, checksum)) = payload.split_last_chunk::<4>() else { return damaged("a record is too short") };
    if crc32c::crc32c(content).to_le_bytes() != *checksum {
        return damaged("a record does not match its checksum");
    }
    let body_length = usize::try_from(header.body_length).unwrap_or(usize::MAX);
    let Some((body, changes)) = content.split_at_checked(body_length) else { return damaged("a record is too short") };
    let Ok(changes) = ChangeSet::decode(changes) else { return damaged("a record's change set is malformed") };
    let RecordHeader { part, height, id, parent, root, .. } = header;
    let block = Box::new(Block { height, id, parent, root, body: body.to_vec(), changes });
    Ok(if part { Found::Part(block, end) } else { Found::Block(block, end) })
}
