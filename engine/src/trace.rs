//! What a node may watch of an execution. A trace is local to the node: it is never hashed, never stored, and changes
//! no result. When off nothing is made, copied or kept: each place that would tell something tests whether anybody
//! listens. What these tests take is counted by `make observer`, beside an engine that is built without them.

use crate::outcome::{Refused, Status};
use crate::session::FrameKind;
use crate::types::{Address, Balance, Event, Hash};
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
        /// The code that runs.
        code_hash: Hash,
        /// Who is told to be the caller.
        caller: Address,
        /// Whether state changes are refused in it.
        read_only: bool,
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
        /// Where it failed, if it did in its own code and [`Environment::locate`](crate::Environment::locate) asks: indices
        /// of the functions that were running, the innermost first, at most `unfork_gas::PLACES_MAX`. An import that was
        /// being called is the first.
        places: Vec<u32>,
    },
    /// A contract asked for a frame, and none began.
    NotStarted {
        /// Why.
        reason: Refused,
    },
    /// A contract's debug message; bytes, since contracts may send anything.
    Debug {
        /// Who said it.
        contract: Address,
        /// What.
        message: Vec<u8>,
    },
    /// An event was emitted; it counts only when no frame around it fails.
    Emitted(Event),
    /// A contract wrote to its storage.
    Stored {
        /// Whose storage.
        contract: Address,
        /// Whether it lasts for the transaction only.
        transient: bool,
        /// The key: a byte that tells its form (docs/format.md), then the contract's own bytes.
        key: Vec<u8>,
        /// The length of the value before.
        before: Option<u32>,
        /// The value from now on; none when it was removed.
        after: Option<Vec<u8>>,
    },
    /// A contract moved value outside of a call, or could not.
    Transferred {
        /// From whom.
        from: Address,
        /// To whom.
        to: Address,
        /// How much.
        value: Balance,
        /// Whether it moved.
        moved: bool,
    },
    /// A contract ended itself.
    Terminated {
        /// Which.
        contract: Address,
        /// Who has its balance now.
        beneficiary: Address,
        /// That balance.
        value: Balance,
    },
    /// A contract uses other code from its next call on.
    CodeReplaced {
        /// Which.
        contract: Address,
        /// The hash of its code from then on.
        code_hash: Hash,
    },
    /// A contract looked at the gas it has left, so what follows may depend on the gas limit.
    GasRead,
    /// The transaction is over. Only in traces of transactions, and always last.
    Changed {
        /// The keys of the state that it, its hooks included, has set or removed; sorted.
        keys: Vec<Key>,
    },
}

/// False only in an engine that is built to be compared with (`scripts/observer.sh`): there nobody can listen.
pub(crate) const POSSIBLE: bool = cfg!(not(unfork_unwatched));

/// Collects [`TraceEvent`]s, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Trace(Option<Vec<TraceEvent>>);

impl Trace {
    pub fn new(on: bool) -> Self {
        Self((POSSIBLE && on).then(Vec::new))
    }

    pub fn note(&mut self, event: impl FnOnce() -> TraceEvent) {
        if POSSIBLE && let Some(events) = &mut self.0 {
            events.push(event());
        }
    }

    /// Whether anybody watches.
    pub fn is_on(&self) -> bool {
        POSSIBLE && self.0.is_some()
    }

    pub fn into_events(self) -> Vec<TraceEvent> {
        self.0.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Trace, TraceEvent};

    #[test]
    fn what_nobody_watches_is_never_made() {
        let mut off = Trace::new(false);
        off.note(|| panic!("an event was made for nobody"));
        assert!(!off.is_on());
        assert_eq!(off.into_events().capacity(), 0);
        let mut on = Trace::new(true);
        on.note(|| TraceEvent::GasRead);
        assert!(on.is_on());
        assert_eq!(on.into_events(), [TraceEvent::GasRead]);
    }
}
