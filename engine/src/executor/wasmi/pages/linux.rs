//! The page map of Linux: for each page of this process eight bytes, of which some bits tell whether it exists.

#![allow(unsafe_code, reason = "two calls of the system that take or change no value of Rust's")]

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Bytes of an entry.
const ENTRY_BYTES: usize = 8;
/// In the highest byte of an entry: the page is in memory, or swapped out.
const EXISTS: u8 = 0b1100_0000;
/// In the highest byte of an entry: the page belongs to a file or is shared, and may exist without being told.
const NOT_OURS: u8 = 0b0010_0000;
/// Lengths of memory that the trial allocates: as small contracts have, and as large ones.
const TRIAL_BYTES: [usize; 3] = [64 << 10, 128 << 10, 1 << 20];

/// See the module's description.
pub(super) struct PageMap {
    file: File,
    /// Whose pages it tells of: not those of a process forked off from this one.
    process: u32,
    page_bytes: usize,
}

impl PageMap {
    /// The page map, if what it tells of memory allocated here is true.
    pub fn tried() -> Option<Self> {
        // SAFETY: it asks for a number and takes no pointer.
        let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let page_bytes = usize::try_from(page_bytes).ok().filter(|bytes| bytes.is_power_of_two())?;
        let file = File::open("/proc/self/pagemap").ok()?;
        let map = Self { file, process: std::process::id(), page_bytes };
        TRIAL_BYTES.iter().all(|bytes| map.works(*bytes)).then_some(map)
    }

    /// Whether memory of this length is zero each time it is said to be.
    fn works(&self, bytes: usize) -> bool {
        let (mut memory, mut entries) = (vec![0xa5; bytes], Vec::new());
        let mut zero = |memory: &mut [u8]| {
            self.zero_existing(memory, &mut entries).is_some() && memory.iter().all(|byte| *byte == 0)
        };
        let written = zero(&mut memory);
        self.give_back(&mut memory);
        memory.iter_mut().step_by(3 * 4096).for_each(|byte| *byte = 1);
        written && zero(&mut memory)
    }

    /// Overwrites the pages that exist with zeros and gives how many bytes these are. `None`, having overwritten any or
    /// none of them, when the system does not tell.
    pub fn zero_existing(&self, memory: &mut [u8], entries: &mut Vec<u8>) -> Option<usize> {
        if std::process::id() != self.process {
            return None;
        }
        let (before, pages, after) = self.whole_pages(memory)?;
        let first = u64::try_from(pages.as_ptr().addr().checked_div(self.page_bytes)?).ok()?;
        entries.resize(pages.len().checked_div(self.page_bytes)?.checked_mul(ENTRY_BYTES)?, 0);
        self.file.read_exact_at(entries, first.checked_mul(8)?).ok()?;
        before.fill(0);
        after.fill(0);
        let mut existing = before.len().saturating_add(after.len());
        for (page, entry) in pages.chunks_exact_mut(self.page_bytes).zip(entries.chunks_exact(ENTRY_BYTES)) {
            let highest = *if cfg!(target_endian = "big") { entry.first() } else { entry.last() }?;
            if highest & NOT_OURS != 0 {
                return None;
            }
            if highest & EXISTS != 0 {
                page.fill(0);
                existing = existing.saturating_add(page.len());
            }
        }
        Some(existing)
    }

    /// Gives the pages of a memory that is zero back to the system, which makes them anew, zero, where they are touched.
    pub fn give_back(&self, memory: &mut [u8]) {
        let Some((_, pages, _)) = self.whole_pages(memory) else { return };
        let (start, length) = (pages.as_mut_ptr().cast(), pages.len());
        // A huge page would exist as a whole. Where a call fails, the pages stay as they are: zero.
        // SAFETY: the range is part of a slice borrowed for writing, and consists of whole pages. It stays mapped and
        // readable; what changes is whether its bytes, for which any value is valid, are kept or made anew.
        unsafe {
            libc::madvise(start, length, libc::MADV_NOHUGEPAGE);
            libc::madvise(start, length, libc::MADV_DONTNEED);
        }
    }

    /// What lies before the first whole page, the whole pages, and what is left behind them.
    fn whole_pages<'a>(&self, memory: &'a mut [u8]) -> Option<(&'a mut [u8], &'a mut [u8], &'a mut [u8])> {
        let past = memory.as_ptr().addr().checked_rem(self.page_bytes)?;
        let before = self.page_bytes.checked_sub(past)?.checked_rem(self.page_bytes)?;
        let before = before.min(memory.len());
        let (before, rest) = memory.split_at_mut_checked(before)?;
        let whole = rest.len().checked_sub(rest.len().checked_rem(self.page_bytes)?)?;
        let (pages, after) = rest.split_at_mut_checked(whole)?;
        Some((before, pages, after))
    }
}
