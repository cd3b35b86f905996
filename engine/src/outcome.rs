//! How things end: the whole error split on one screen.
//!
//! * [`Status`] is what a contract did. It goes into the receipt, as numbers only.
//! * [`crate::transaction::Invalid`] is what is refused deterministically before anything runs.
//! * [`Fault`] is the node's own trouble: a disk error, no memory, our bug. It stops the block, names its
//!   transaction and can be neither encoded nor turned into a receipt:
//!
//! ```compile_fail
//! fn receipt(fault: unfork_engine::Fault) -> unfork_engine::Status { fault.into() }
//! ```
//! ```compile_fail
//! fn stored(fault: unfork_engine::Fault) -> Vec<u8> { parity_scale_codec::Encode::encode(&fault) }
#![allow(clippy::cast_possible_truncation, reason = "the codec's derive writes variant indices with `as u8`")]
//! ```
//! ```
//! // What does compile: the other direction of the same trait, so that the two failures above fail for their reason.
//! fn stored(status: unfork_engine::Status) -> Vec<u8> { parity_scale_codec::Encode::encode(&status) }
//! # assert_eq!(stored(unfork_engine::Status::OutOfGas), [3]);
//! ```

use parity_scale_codec::{Decode, Encode};
use std::borrow::Cow;
use unfork_state::StateError;

/// What a contract call, or the transaction that made it, came to. Encoded into receipts; the indices are consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Status {
    /// The entry point returned, or the contract ended itself with a result.
    #[codec(index = 0)]
    Returned,
    /// The contract asked for its changes to be rolled back; its output is kept.
    #[codec(index = 1)]
    Reverted,
    /// Execution could not go on; changes are rolled back.
    #[codec(index = 2)]
    Trapped(Trap),
    /// The gas given was not enough; all of it is taken, changes are rolled back.
    #[codec(index = 3)]
    OutOfGas,
    /// A budget of the transaction other than gas ran out; changes are rolled back.
    #[codec(index = 4)]
    Exhausted(Budget),
    /// Nothing was executed, because the request cannot be met in the present state.
    #[codec(index = 5)]
    Refused(Refused),
}

impl Status {
    /// Whether the changes made are kept.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Returned
    }

    /// A stable lower-case name for people and scenario files, for example `trapped:unreachable`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Returned => "returned".into(),
            Self::Reverted => "reverted".into(),
            Self::Trapped(trap) => format!("trapped:{}", trap.name()),
            Self::OutOfGas => "out_of_gas".into(),
            Self::Exhausted(budget) => format!("exhausted:{}", budget.name()),
            Self::Refused(Refused::Code(code)) => format!("refused:code:{code}"),
            Self::Refused(refused) => format!("refused:{}", refused.name()),
        }
    }
}

macro_rules! named_codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $code:literal $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
        #[repr(u8)]
        pub enum $name { $($(#[$item])* #[codec(index = $code)] $variant = $code,)+ }

        impl $name {
            /// Every code there is, in numeric order; pinned by a golden test.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name of the code.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The number that stands in receipts.
            #[must_use]
            pub fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

named_codes! {
    /// Why execution could not go on. Codes below 32 come from Wasm operators, the others from host functions.
    Trap {
        /// The operator `unreachable`; what a panic compiles to. Costs exactly what ran.
        Unreachable = 1 "unreachable",
        /// A load, store or bulk operation outside the memory.
        MemoryOutOfBounds = 2 "memory_out_of_bounds",
        /// A table access outside the table.
        TableOutOfBounds = 3 "table_out_of_bounds",
        /// `call_indirect` through an empty table slot.
        IndirectCallToNull = 4 "indirect_call_to_null",
        /// `call_indirect` of a function of another type.
        IndirectCallType = 5 "indirect_call_type",
        /// An integer division by zero.
        DivisionByZero = 6 "division_by_zero",
        /// The quotient of the smallest integer by minus one.
        IntegerOverflow = 7 "integer_overflow",
        /// A float that has no integer value.
        InvalidConversion = 8 "invalid_conversion",
        /// A pointer and length given to a host function reach outside the memory.
        PointerOutOfBounds = 32 "pointer_out_of_bounds",
        /// The output does not fit into the buffer given.
        OutputBufferTooSmall = 33 "output_buffer_too_small",
        /// Bytes given to a host function are not what they should be: flags, balances, addresses.
        InvalidArgument = 34 "invalid_argument",
        /// A storage key is longer than the limit.
        KeyLength = 35 "key_length",
        /// A storage value is longer than the limit.
        ValueTooLong = 36 "value_too_long",
        /// An event has too many topics.
        TooManyTopics = 37 "too_many_topics",
        /// The payload of an event is longer than the limit.
        EventTooLong = 38 "event_too_long",
        /// The input of a call made by a contract is longer than the limit.
        InputTooLong = 39 "input_too_long",
        /// The output of a contract is longer than the limit.
        OutputTooLong = 40 "output_too_long",
        /// The input was read, or forwarded, before.
        InputConsumed = 41 "input_consumed",
        /// A state change in a frame that may only read.
        StateChangeDenied = 42 "state_change_denied",
        /// A contract that is on the call stack was called without leave.
        ReentranceDenied = 43 "reentrance_denied",
        /// `terminate` while on the stack twice, or inside the constructor.
        TerminateDenied = 44 "terminate_denied",
        /// A host function that this chain does not offer.
        Unavailable = 45 "unavailable",
        /// A debug message longer than the limit.
        DebugMessageTooLong = 47 "debug_message_too_long",
        /// A salt longer than the limit.
        SaltTooLong = 48 "salt_too_long",
        /// A contract exists at the address already.
        DuplicateContract = 49 "duplicate_contract",
        /// The contract lacks a function that its profile calls, or has it with another signature.
        ExportMissing = 50 "export_missing",
        /// A code that is to be depended on does not exist, or is the contract's own, or is depended on already, or is one
        /// too many; or a code that is to be let go is not depended on.
        DelegateDependency = 51 "delegate_dependency",
    }
}

named_codes! {
    /// What a transaction may use up besides gas; one budget for all its frames.
    Budget {
        /// Wasm frames and values on the stack.
        Stack = 1 "stack",
        /// Contract calls inside contract calls.
        CallDepth = 2 "call_depth",
        /// Memory pages of all live instances together.
        LiveMemory = 3 "live_memory",
        /// Bytes copied between contracts and host.
        CopiedBytes = 4 "copied_bytes",
        /// Events, in number or bytes.
        Events = 5 "events",
        /// Bytes of changed state.
        ChangedBytes = 6 "changed_bytes",
    }
}

/// Why nothing was executed. A transaction that ends so still pays its gas and uses up its nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Refused {
    /// The code uploaded is not admitted; the number is `unfork_gas::RefusalCode`.
    #[codec(index = 1)]
    Code(u16),
    /// No code with this hash.
    #[codec(index = 2)]
    CodeNotFound,
    /// No contract at this address.
    #[codec(index = 3)]
    ContractNotFound,
    /// The sender's balance does not cover the value.
    #[codec(index = 4)]
    InsufficientBalance,
    /// A contract exists at the address that would be given.
    #[codec(index = 5)]
    DuplicateContract,
    /// The input is longer than the limit.
    #[codec(index = 6)]
    InputTooLong,
    /// The salt is longer than the limit.
    #[codec(index = 7)]
    SaltTooLong,
    /// The profile cannot work with addresses of this length.
    #[codec(index = 8)]
    AddressLength,
    /// The code is stored under another profile.
    #[codec(index = 9)]
    OtherProfile,
    /// The sum of balances would not fit into 128 bits.
    #[codec(index = 10)]
    BalanceOverflow,
    /// No profile of this number in the rules of this height.
    #[codec(index = 11)]
    UnknownProfile,
    /// An account would have something, but less than an account must have on this chain.
    #[codec(index = 12)]
    BelowMinimum,
}

impl Refused {
    /// The stable name of the code.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Code(_) => "code",
            Self::CodeNotFound => "code_not_found",
            Self::ContractNotFound => "contract_not_found",
            Self::InsufficientBalance => "insufficient_balance",
            Self::DuplicateContract => "duplicate_contract",
            Self::InputTooLong => "input_too_long",
            Self::SaltTooLong => "salt_too_long",
            Self::AddressLength => "address_length",
            Self::OtherProfile => "other_profile",
            Self::BalanceOverflow => "balance_overflow",
            Self::UnknownProfile => "unknown_profile",
            Self::BelowMinimum => "below_minimum",
        }
    }
}

/// The node's own trouble. It stops the block, leaves the store as it was, and tells a person what happened.
///
/// Deliberately not `Clone`, `PartialEq` or encodable, and without a conversion to [`Status`].
#[derive(Debug)]
pub struct Fault {
    kind: FaultKind,
    at: Option<At>,
}

/// The transaction that was executing.
#[derive(Debug)]
struct At {
    height: u64,
    index: u32,
    hash: [u8; 32],
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum FaultKind {
    /// The state could not be read or written.
    State(StateError),
    /// The host could not allocate what the contract may have.
    HostMemory(&'static str),
    /// An executor reported something that no admitted code can cause.
    Executor(String),
    /// One of our own invariants does not hold.
    Internal(Cow<'static, str>),
}

impl Fault {
    /// The host could not allocate memory for `what`.
    #[must_use]
    pub fn host_memory(what: &'static str) -> Self {
        FaultKind::HostMemory(what).into()
    }

    /// An executor's report that [`Status`] has no word for.
    #[must_use]
    pub fn executor(report: impl std::fmt::Display) -> Self {
        FaultKind::Executor(report.to_string()).into()
    }

    /// A broken invariant of ours.
    #[must_use]
    pub fn internal(what: impl Into<Cow<'static, str>>) -> Self {
        FaultKind::Internal(what.into()).into()
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &FaultKind {
        &self.kind
    }

    /// Names the transaction that was executing: block height, index in the block, transaction hash.
    #[must_use]
    pub fn during(mut self, height: u64, index: u32, hash: [u8; 32]) -> Self {
        self.at = Some(At { height, index, hash });
        self
    }

    /// The height and index of the transaction that was executing, where there was one.
    #[must_use]
    pub fn transaction(&self) -> Option<(u64, u32)> {
        self.at.as_ref().map(|at| (at.height, at.index))
    }
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self { kind, at: None }
    }
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        FaultKind::State(error).into()
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(at) = &self.at {
            write!(f, "block {} transaction {} (", at.height, at.index)?;
            at.hash.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))?;
            write!(f, "…): ")?;
        }
        match &self.kind {
            FaultKind::State(error) => write!(f, "state: {error}"),
            FaultKind::HostMemory(what) => write!(f, "the host has no memory for {what}"),
            FaultKind::Executor(report) => write!(f, "executor: {report}"),
            FaultKind::Internal(what) => write!(f, "internal: {what}"),
        }
    }
}

/// Without a source: what is displayed is all there is to tell, and [`Fault::kind`] gives the error underneath.
impl std::error::Error for Fault {}

/// Why a host function did not return to the contract. Inside the engine only.
#[derive(Debug)]
pub(crate) enum Abort {
    /// The contract ended itself: its status, its output is in the frame.
    Stop(Status),
    /// The node is in trouble.
    Fault(Fault),
}

impl From<Fault> for Abort {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StateError> for Abort {
    fn from(error: StateError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Trap> for Abort {
    fn from(trap: Trap) -> Self {
        Self::Stop(Status::Trapped(trap))
    }
}

impl From<Budget> for Abort {
    fn from(budget: Budget) -> Self {
        Self::Stop(Status::Exhausted(budget))
    }
}
