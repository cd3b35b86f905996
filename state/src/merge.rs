//! A scan over a view and the changes above it, in one pass.

use std::cmp::Ordering;
use std::collections::VecDeque;

use crate::error::StateError;
use crate::key::{Key, Order, Range};
use crate::view::{StateView, Value};

/// Items taken from the view below at a time, so that a scan with a huge limit holds no more than its result.
const CHUNK: usize = 256;

/// What a scan over an overlay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// The visible keys and their values, in the order of the range.
    pub items: Vec<(Key, Value)>,
    /// Keys of the view below that lie in the part scanned and are removed now. They cost as much to pass as an item
    /// costs to read. The number depends only on the view below and on the present state, not on how it came about.
    pub tombstones: u32,
    /// The last key passed, visible or removed; `None` if none was.
    pub last: Option<Key>,
    /// Whether the end of the range was reached with steps to spare. If not, [`Range::after`] the last key is what is
    /// left, which may be nothing.
    pub finished: bool,
}

/// What counts against the limit of a scan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Steps {
    /// Visible items only.
    Visible,
    /// Visible items and tombstones, so that the limit bounds the work.
    All,
}

/// Scans `base` with `changes` on top; the changes must lie in the range and come in its order.
pub(crate) fn merge_scan<'a>(
    base: &dyn StateView,
    changes: impl Iterator<Item = (&'a Key, &'a Option<Value>)>,
    range: &Range,
    limit: usize,
    steps: Steps,
) -> Result<Scanned, StateError> {
    let mut below = Below { base, rest: range.clone(), ready: VecDeque::new(), exhausted: false, chunk: limit };
    let mut changes = changes.peekable();
    let mut found = Scanned::default();
    let mut left = limit;
    while left > 0 {
        below.fill()?;
        let side = match (below.ready.front(), changes.peek()) {
            (None, None) => {
                found.finished = true;
                break;
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((lower, _)), Some((upper, _))) => match range.order {
                Order::Forward => lower.cmp(upper),
                Order::Backward => (*upper).cmp(lower),
            },
        };
        let hidden = if side == Ordering::Greater { None } else { below.ready.pop_front() };
        let changed = if side == Ordering::Less { None } else { changes.next() };
        let (key, visible) = match (hidden, changed) {
            (_, Some((key, Some(value)))) => (key.clone(), Some(value.clone())),
            (Some((key, _)), Some((_, None))) => (key, None),
            (Some((key, value)), None) => (key, Some(value)),
            // Removed, but not in the view below either: nobody can tell that it was ever there.
            (None, _) => continue,
        };
        found.last = Some(key.clone());
        if visible.is_some() || steps == Steps::All {
            left = left.saturating_sub(1);
        }
        match visible {
            Some(value) => found.items.push((key, value)),
            None => found.tombstones = found.tombstones.saturating_add(1),
        }
    }
    Ok(found)
}

/// The view below, read ahead in chunks.
struct Below<'a> {
    base: &'a dyn StateView,
    rest: Range,
    ready: VecDeque<(Key, Value)>,
    exhausted: bool,
    /// Items to ask for next. It doubles, for a first chunk may have been hidden entirely.
    chunk: usize,
}

impl Below<'_> {
    fn fill(&mut self) -> Result<(), StateError> {
        if !self.ready.is_empty() || self.exhausted {
            return Ok(());
        }
        let wanted = self.chunk.min(CHUNK);
        let found = self.base.scan(&self.rest, wanted)?;
        self.exhausted = found.len() < wanted;
        if let Some((last, _)) = found.last() {
            self.rest = self.rest.after(last);
        }
        self.ready = found.into();
        self.chunk = wanted.saturating_mul(2);
        Ok(())
    }
}
