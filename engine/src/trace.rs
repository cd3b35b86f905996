//! What a node may watch of an execution. A trace is local to the node: it is never hashed, never stored, and changes
//! no result; when off it costs one test per call.

use crate::outcome::Status;
use crate::session::FrameKind;
use crate::types::{Address, Balance};
use unfork_state::Key;

/// Something worth telling about an execution, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceEvent {
    /// A frame begins.
    FrameStarted {
        /// How many frames lie below it.
        depth: usize,
        /// Constructor, call or delegate call.
        kind: FrameKind,
        /// The contract whose storage it works on.
        contract: Address,
        /// Value that came with it.
        value: Balance,
        /// The input.
        input: Vec<u8>,
        /// Gas it may use.
        gas_limit: u64,
    },
    /// A frame has ended.
    FrameEnded {
        /// How many frames lie below it.
        depth: usize,
        /// What it came to.
        status: Status,
        /// Gas it used, frames inside it included.
        gas_used: u64,
        /// Its output.
        output: Vec<u8>,
    },
    /// A contract's debug message; bytes, since contracts may send anything.
    Debug {
        /// Who said it.
        contract: Address,
        /// What.
        message: Vec<u8>,
    },
    /// The transaction is over. Only in traces of transactions, and always last.
    Changed {
        /// The keys of the state that it, its hooks included, has set or removed; sorted.
        keys: Vec<Key>,
    },
}

/// Collects [`TraceEvent`]s, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Trace(Option<Vec<TraceEvent>>);

impl Trace {
    pub fn new(on: bool) -> Self {
        Self(on.then(Vec::new))
    }

    pub fn note(&mut self, event: impl FnOnce() -> TraceEvent) {
        if let Some(events) = &mut self.0 {
            events.push(event());
        }
    }

    pub fn into_events(self) -> Vec<TraceEvent> {
        self.0.unwrap_or_default()
    }
}
