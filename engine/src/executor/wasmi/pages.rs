//! Setting an instance's memory to zero at the cost of what was touched, not of its size.
//!
//! Pages that nobody has touched since they were given back to the system do not exist, and Linux tells which do. So a
//! memory is given back once, and from then on only existing pages are overwritten. Where that does not work (another
//! system, a sandbox, an allocator with memory of another kind: a trial tells), and where asking would cost more than
//! overwriting, everything is overwritten. Whichever it is, the contract finds zeros (docs/decisions/0007).

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use self::linux::PageMap;

/// Asking takes a microsecond, as long as overwriting some 100 KiB.
const ASKED_BYTES_MIN: usize = 3 << 16;
/// Of a memory with more existing bytes than this, all are given back from time to time: what one run has touched need
/// not be overwritten for ever. Fewer are overwritten faster than made anew.
const EXISTING_BYTES_KEPT: usize = 64 << 10;
/// After so many runs at the earliest.
const RUNS_BETWEEN: u32 = 64;

/// See the module's description.
pub(super) struct Pages(Option<PageMap>);

/// What is known about one memory.
#[derive(Default)]
pub(super) struct Known {
    /// Runs since all of it was given back; `None` as long as it never was, and may have anything anywhere.
    runs: Option<u32>,
    /// Room for what the system tells.
    entries: Vec<u8>,
}

impl Pages {
    pub fn new() -> Self {
        Self(PageMap::tried())
    }

    /// Sets `memory` to zero. `known` belongs to this memory alone, which has neither grown nor moved since its first time.
    pub fn zero(&self, memory: &mut [u8], known: &mut Known) {
        let Some(map) = self.0.as_ref().filter(|_| memory.len() >= ASKED_BYTES_MIN) else { return memory.fill(0) };
        let existing = known.runs.and_then(|_| map.zero_existing(memory, &mut known.entries));
        let existing = existing.unwrap_or_else(|| {
            memory.fill(0);
            memory.len()
        });
        let runs = known.runs.map_or(RUNS_BETWEEN, |runs| runs.saturating_add(1));
        if existing > EXISTING_BYTES_KEPT && runs >= RUNS_BETWEEN {
            map.give_back(memory);
            known.runs = Some(0);
        } else {
            known.runs = known.runs.map(|_| runs);
        }
    }
}

/// Elsewhere nothing tells.
#[cfg(not(target_os = "linux"))]
enum PageMap {}

#[cfg(not(target_os = "linux"))]
impl PageMap {
    fn tried() -> Option<Self> {
        None
    }

    fn zero_existing(&self, _: &mut [u8], _: &mut Vec<u8>) -> Option<usize> {
        match *self {}
    }

    fn give_back(&self, _: &mut [u8]) {
        match *self {}
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::{Known, Pages, RUNS_BETWEEN};

    /// Writes to `touched` places of a memory and sets it to zero, again and again.
    fn check(pages: &Pages, offset: usize, bytes: usize, touched: usize) {
        let (mut all, mut known) = (vec![7; offset + bytes], Known::default());
        let memory = &mut all[offset..];
        let mut state = 1u64;
        for run in 0..2 * RUNS_BETWEEN + 2 {
            pages.zero(memory, &mut known);
            assert!(memory.iter().all(|byte| *byte == 0), "run {run} of {bytes} bytes at {offset}");
            for _ in 0..touched {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                memory[usize::try_from(state >> 33).expect("31 bits") % bytes] = 1;
            }
        }
    }

    #[test]
    fn memory_is_zero_after_it_was_set_to_zero_however_much_was_touched() {
        for pages in [Pages::new(), Pages(None)] {
            for (offset, bytes) in [(0, 65_536), (16, 3 << 16), (4_095, (3 << 16) + 5), (1, 1 << 20), (5, 100)] {
                for touched in [0, 1, 20, 300] {
                    check(&pages, offset, bytes, touched);
                }
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_what_was_touched_exists() {
        let pages = Pages::new();
        let Some(map) = &pages.0 else {
            println!("this system does not tell which pages exist: everything is overwritten");
            return;
        };
        let (mut memory, mut known, mut entries) = (vec![7; 1 << 20], Known::default(), Vec::new());
        pages.zero(&mut memory, &mut known);
        memory[500_000] = 1;
        memory[900_000] = 1;
        let existing = map.zero_existing(&mut memory, &mut entries).expect("it told before");
        assert!(existing <= 64 << 10, "{existing} bytes exist of a memory with two bytes touched");
    }
}
