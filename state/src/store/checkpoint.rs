//! Checkpoints of the tree: its leaves in a file, so that opening need not read and hash all values.
//!
//! Two files take turns, so that one is always whole. A checkpoint is written a few segments with each block, and each
//! segment is as it is at that moment: the file says at which block it was begun and at which it ended, and whoever reads
//! it makes all changes since it was begun once more. A wrong or old checkpoint does no harm: the root tells.
//!
//! ```text
//!   header  "UNFORKTR" | format u32 | 0 u32 | chain id 32 | begun at height u64 | 0 u32 | crc32c u32
//!   1,024 × segment header  "SEGM" | number u32 | leaves u32 | crc32c of them u32 | 0 44 | crc32c u32, then leaves
//!   footer  "TREE" | begun at u64 | ended at u64 | id of the block at the end 32 | leaves u64 | crc32c u32
//! ```
//! Everything is a multiple of 64 bytes: leaves are (path, leaf hash), sorted by path. The checksums of headers and footer
//! cover the chain id and the offset as well.

use super::commit::{BlockId, FORMAT, Head};
use super::log::BlockLog;
use super::shared::Shared;
use crate::error::{StateError, length_u64};
use crate::keccak::Lanes;
use crate::merkle::{Base, Leaf, LeafChange, Pages, SEGMENTS, replay};

/// Bytes of a leaf, and of everything else in these files.
const UNIT: usize = 64;
const FILE_MAGIC: &[u8; 8] = b"UNFORKTR";
const SEGMENT_MAGIC: &[u8; 4] = b"SEGM";
const FOOTER_MAGIC: &[u8; 4] = b"TREE";
/// Leaves written per update of a block while a checkpoint is under way.
const LEAVES_PER_UPDATE: u64 = 4;
/// The same when the tree has outgrown its memory.
const LEAVES_PER_UPDATE_URGENT: u64 = 64;
/// Bytes written before they are synced, so that the sync at the end is short.
const UNSYNCED_BYTES_MAX: u64 = 8 << 20;

/// The two files.
pub(crate) struct TreeFiles {
    files: [Box<dyn BlockLog>; 2],
}

/// A checkpoint under way.
pub(crate) struct Writing {
    slot: usize,
    begun: u64,
    next_segment: usize,
    /// Units in the file.
    units: u32,
    leaves: u64,
    unsynced: u64,
}

/// What a checkpoint file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) slot: usize,
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    pub(crate) id: BlockId,
    pub(crate) leaves: u64,
}

impl TreeFiles {
    pub(crate) fn new(files: [Box<dyn BlockLog>; 2]) -> Self {
        Self { files }
    }

    fn file(&self, slot: usize) -> Result<&dyn BlockLog, StateError> {
        let missing = || StateError::corrupt("there is no such checkpoint file");
        self.files.get(slot).map(Box::as_ref).ok_or_else(missing)
    }
}

impl Pages for TreeFiles {
    fn leaves(&self, slot: usize, place: u32, count: u32) -> Result<Vec<Leaf>, StateError> {
        let offset = u64::from(place).saturating_mul(UNIT as u64);
        let bytes = self.file(slot)?.read(offset, leaf_bytes(count)?)?;
        Ok(decode_leaves(&bytes))
    }
}

impl Writing {
    /// Begins a checkpoint in the file that the tree does not use.
    pub(crate) fn begin(
        files: &TreeFiles,
        shared: &Shared,
        chain_id: &[u8; 32],
        height: u64,
    ) -> Result<Self, StateError> {
        let slot = 1_usize.saturating_sub(shared.tree().base.slot());
        let mut header = FILE_MAGIC.to_vec();
        header.extend_from_slice(&FORMAT.to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(chain_id);
        header.extend_from_slice(&height.to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        seal(chain_id, 0, &mut header);
        let file = files.file(slot)?;
        file.truncate(0)?;
        file.append(&[&header])?;
        Ok(Self { slot, begun: height, next_segment: 0, units: 1, leaves: 0, unsynced: 0 })
    }

    /// Writes some more segments, for `updates` that the last block has made; all that are left if `None`. Returns whether
    /// the checkpoint is complete, which it then is on disk.
    pub(crate) fn go_on(
        &mut self,
        files: &TreeFiles,
        shared: &Shared,
        chain_id: &[u8; 32],
        head: Head,
        updates: Option<u64>,
        urgent: bool,
    ) -> Result<bool, StateError> {
        let each = if urgent { LEAVES_PER_UPDATE_URGENT } else { LEAVES_PER_UPDATE };
        let until = updates
            .map_or(u64::MAX, |updates| self.leaves.saturating_add(updates.saturating_mul(each)).saturating_add(1));
        while self.next_segment < SEGMENTS {
            if self.leaves >= until {
                return Ok(false);
            }
            self.write_segment(files, shared, chain_id)?;
        }
        let mut footer = FOOTER_MAGIC.to_vec();
        footer.extend_from_slice(&self.begun.to_le_bytes());
        footer.extend_from_slice(&head.height.to_le_bytes());
        footer.extend_from_slice(&head.id);
        footer.extend_from_slice(&self.leaves.to_le_bytes());
        seal(chain_id, self.offset(), &mut footer);
        let file = files.file(self.slot)?;
        file.append(&[&footer])?;
        file.sync()?;
        shared.tree_mut().base.use_slot(self.slot);
        Ok(true)
    }

    fn write_segment(&mut self, files: &TreeFiles, shared: &Shared, chain_id: &[u8; 32]) -> Result<(), StateError> {
        let leaves = shared.tree().base.segment(self.next_segment, files)?;
        let bytes = encode_leaves(&leaves);
        let count = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
        let mut record = SEGMENT_MAGIC.to_vec();
        record.extend_from_slice(&u32::try_from(self.next_segment).unwrap_or(u32::MAX).to_le_bytes());
        record.extend_from_slice(&count.to_le_bytes());
        record.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        record.extend_from_slice(&[0; 44]);
        seal(chain_id, self.offset(), &mut record);
        record.extend_from_slice(&bytes);
        self.unsynced = self.unsynced.saturating_add(length_u64(&record));
        let sync = self.unsynced > UNSYNCED_BYTES_MAX;
        let file = files.file(self.slot)?;
        file.append(&[&record])?;
        if sync {
            file.sync()?;
            self.unsynced = 0;
        }
        let full = || StateError::corrupt("the tree is larger than a checkpoint can be");
        let first = self.units.checked_add(1).ok_or_else(full)?;
        self.units = first.checked_add(count).ok_or_else(full)?;
        shared.tree_mut().base.place(self.next_segment, self.slot, first);
        self.leaves = self.leaves.saturating_add(u64::from(count));
        self.next_segment = self.next_segment.saturating_add(1);
        Ok(())
    }

    fn offset(&self) -> u64 {
        u64::from(self.units).saturating_mul(UNIT as u64)
    }
}

/// The complete checkpoints, the latest first; what is damaged is told.
pub(crate) fn complete(files: &TreeFiles, chain_id: &[u8; 32]) -> (Vec<Footer>, Option<String>) {
    let mut footers = Vec::new();
    let mut damaged = None;
    for slot in [0, 1] {
        match read_footer(files, slot, chain_id) {
            Ok(Some(footer)) => footers.push(footer),
            Ok(None) => {}
            Err(error) => damaged = Some(format!("tree.{slot}: {error}")),
        }
    }
    footers.sort_by_key(|footer| std::cmp::Reverse(footer.ended));
    (footers, damaged)
}

/// What the end of a file says; `None` if it is no complete checkpoint of this chain.
fn read_footer(files: &TreeFiles, slot: usize, chain_id: &[u8; 32]) -> Result<Option<Footer>, StateError> {
    let length = files.file(slot)?.length()?;
    let Some(offset) = length.checked_sub(UNIT as u64).filter(|offset| *offset > 0) else { return Ok(None) };
    let bytes = files.file(slot)?.read(offset, UNIT)?;
    let Some(fields) = open_sealed(chain_id, offset, &bytes).and_then(|fields| fields.strip_prefix(FOOTER_MAGIC))
    else {
        return Ok(None);
    };
    let parse = || {
        let (begun, fields) = fields.split_first_chunk::<8>()?;
        let (ended, fields) = fields.split_first_chunk::<8>()?;
        let (id, fields) = fields.split_first_chunk::<32>()?;
        let (begun, ended) = (u64::from_le_bytes(*begun), u64::from_le_bytes(*ended));
        Some(Footer { slot, begun, ended, id: *id, leaves: u64::from_le_bytes(fields.try_into().ok()?) })
    };
    Ok(parse())
}

/// The tree of a checkpoint with `changes` made, which are sorted by path, and with no more than `bytes_max` in memory
/// where that can be: leaves of a segment that changes are not on disk as they are.
pub(crate) fn load(
    files: &TreeFiles,
    footer: Footer,
    chain_id: &[u8; 32],
    changes: &[LeafChange],
    bytes_max: u64,
    lanes: Lanes,
) -> Result<Base, StateError> {
    let damaged = |offset: u64, what: &str| StateError::corrupt(format!("tree.{} at {offset}: {what}", footer.slot));
    let header = files.file(footer.slot)?.read(0, UNIT)?;
    let fields =
        open_sealed(chain_id, 0, &header).ok_or_else(|| damaged(0, "its header does not match its checksum"))?;
    let expected = [FILE_MAGIC.as_slice(), &FORMAT.to_le_bytes()].concat();
    if !fields.starts_with(&expected) {
        return Err(damaged(0, "its header is of another format"));
    }
    let mut base = Base::new(lanes);
    base.use_slot(footer.slot);
    let mut units: u32 = 1;
    let mut leaves_found: u64 = 0;
    let mut rest = changes;
    let mut merged = Vec::new();
    for number in 0..SEGMENTS {
        let offset = u64::from(units).saturating_mul(UNIT as u64);
        let header = files.file(footer.slot)?.read(offset, UNIT)?;
        let wrong = |what: &str| damaged(offset, what);
        let fields = open_sealed(chain_id, offset, &header).and_then(|fields| fields.strip_prefix(SEGMENT_MAGIC));
        let fields = fields.ok_or_else(|| wrong("a segment's header does not match its checksum"))?;
        let [found, count, checksum] = [0, 4, 8].map(|at| {
            let bytes = fields.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
            u32::from_le_bytes(bytes)
        });
        if usize::try_from(found) != Ok(number) {
            return Err(wrong("a segment stands in the place of another"));
        }
        let first = units.saturating_add(1);
        let bytes = files.file(footer.slot)?.read(offset.saturating_add(UNIT as u64), leaf_bytes(count)?)?;
        if crc32c::crc32c(&bytes) != checksum {
            return Err(wrong("a segment does not match its checksum"));
        }
        let leaves = decode_leaves(&bytes);
        leaves_found = leaves_found.saturating_add(u64::from(count));
        let (own, others) = rest.split_at(rest.partition_point(|change| Base::segment_of(&change.path) <= number));
        rest = others;
        if own.is_empty() {
            base.fill_segment(number, &leaves, Some((footer.slot, first)));
        } else {
            replay(&leaves, own, &mut merged);
            base.fill_segment(number, &merged, None);
        }
        base.evict(bytes_max);
        units = first.saturating_add(count);
    }
    if leaves_found != footer.leaves {
        return Err(damaged(u64::from(units), "the number of leaves is not what its end says"));
    }
    base.finish_top();
    Ok(base)
}

fn leaf_bytes(count: u32) -> Result<usize, StateError> {
    let bytes = usize::try_from(count).ok().and_then(|count| count.checked_mul(UNIT));
    bytes.ok_or_else(|| StateError::corrupt("a checkpoint counts more leaves than memory could hold"))
}

fn encode_leaves(leaves: &[Leaf]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(leaves.len().saturating_mul(UNIT));
    for leaf in leaves {
        bytes.extend_from_slice(&leaf.path);
        bytes.extend_from_slice(&leaf.hash);
    }
    bytes
}

fn decode_leaves(bytes: &[u8]) -> Vec<Leaf> {
    let halves = bytes.as_chunks::<32>().0.as_chunks::<2>().0;
    halves.iter().map(|[path, hash]| Leaf { path: *path, hash: *hash }).collect()
}

/// Adds the checksum of what stands at `offset`.
fn seal(chain_id: &[u8; 32], offset: u64, fields: &mut Vec<u8>) {
    let checksum = checksum(chain_id, offset, fields);
    fields.extend_from_slice(&checksum.to_le_bytes());
}

/// What was sealed, if the checksum agrees.
fn open_sealed<'a>(chain_id: &[u8; 32], offset: u64, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (fields, found) = bytes.split_last_chunk::<4>()?;
    (checksum(chain_id, offset, fields).to_le_bytes() == *found).then_some(fields)
}

fn checksum(chain_id: &[u8; 32], offset: u64, fields: &[u8]) -> u32 {
    let checksum = crc32c::crc32c_append(crc32c::crc32c(chain_id), &offset.to_le_bytes());
    crc32c::crc32c_append(checksum, fields)
}
