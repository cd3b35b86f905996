//! The reference meter: a deliberately naive interpreter of admitted Wasm that executes the **original** module and
//! charges by docs/gas.md, the executable form of that page.
//!
//! It shares no code with the instrumenter but the tables `Schedule` and `Limits`, and uses the parser to decode and for
//! nothing else. Where the instrumenter is clever (charges merged, checks left out), this adds up one operator after the
//! other. It takes modules that were admitted and panics on others.
//!
//! [`equality`] runs both on the same module and compares all that can be seen.

pub mod equality;
mod floats;
mod height;
pub mod host;
mod integers;
mod loading;
mod machine;
mod module;
mod operators;
mod state;
mod store;
mod value;

pub use machine::{call, run};
pub use module::{FuncType, Module};
pub use operators::Kind;
pub use store::{Extern, Misfit, Store};
pub use value::Value;

use std::borrow::Cow;
use unfork_gas::{Limits, Schedule};

/// What a run is judged by.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// Prices.
    pub schedule: &'a Schedule,
    /// Limits.
    pub limits: &'a Limits,
    /// A rule to get wrong, to see that the comparison notices.
    pub mistake: Option<Mistake>,
}

/// What a call is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Gas.
    pub gas: u64,
    /// Stack units.
    pub stack: u64,
}

/// What to call, and with what.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    /// Name of the exported function.
    pub entry: &'a str,
    /// Its arguments.
    pub arguments: &'a [Value],
    /// Gas and stack units.
    pub budget: Budget,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The entry returned these values.
    Returned(Vec<Value>),
    /// The contract's own `unreachable`.
    Unreachable,
    /// Another trap.
    Trapped(Trap),
    /// The gas given was not enough.
    OutOfGas,
    /// The stack units given were not enough.
    StackExhausted,
}

/// A trap other than `unreachable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// A memory access outside.
    MemoryOutOfBounds,
    /// A table access outside, by an indirect call too.
    TableOutOfBounds,
    /// An indirect call of null.
    IndirectCallToNull,
    /// An indirect call of a function of another type.
    IndirectCallType,
    /// An integer division or remainder by 0.
    DivisionByZero,
    /// A division or conversion whose result does not fit.
    IntegerOverflow,
    /// A conversion of NaN to an integer.
    InvalidConversion,
}

/// A host call, as the host sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Number of the imported function.
    pub function: u32,
    /// Arguments.
    pub arguments: Vec<Value>,
    /// Exact gas used so far, the price of the call included.
    pub gas: u64,
    /// Stack units left.
    pub stack: u64,
}

/// All that a call shows.
pub struct Report {
    /// How it ended.
    pub end: End,
    /// Exact gas at the end, whatever the frame is charged.
    pub gas: u64,
    /// Host calls.
    pub events: Vec<Event>,
    /// Exact gas at each checkpoint, the first [`CHECKPOINTS_KEPT`] of them.
    pub checkpoints: Vec<(Checkpoint, u64)>,
    /// The most stack units that were taken at once, where they are looked at.
    pub stack_taken: u64,
    /// How often each operator was executed, by its place in [`Kind::ALL`].
    pub executed: Vec<u64>,
}

/// What an instance holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents<'a> {
    /// Its memory; empty without one.
    pub memory: Cow<'a, [u8]>,
    /// Its globals, imported ones first; any function stands for a function.
    pub globals: Vec<Value>,
    /// For each table, imported ones first, which elements are null.
    pub nulls: Vec<Vec<bool>>,
}

/// A call of a module that nothing else is linked with, and what it left behind.
pub struct Run<T> {
    /// What the call showed.
    pub call: T,
    /// What the instance holds afterwards.
    pub contents: Contents<'static>,
}

/// Where the gas is looked at: docs/gas.md, section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Checkpoint {
    /// The call of a defined function that calls, loops or costs more than the threshold.
    Entry,
    /// The head of a loop.
    Loop,
    /// Bulk work and growing.
    Bulk,
    /// A host call.
    HostCall,
    /// The return from a function above the threshold.
    Return,
    /// `unreachable`.
    Unreachable,
    /// The return to the host.
    End,
}

/// How many checkpoints a report remembers.
pub const CHECKPOINTS_KEPT: usize = 10_000;

/// A rule of docs/gas.md that the meter can be told to get wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// Section 2: no check at this kind of checkpoint.
    NoCheck(Checkpoint),
    /// Section 2: no check at the head of a loop when coming from above.
    NoCheckEnteringLoop,
    /// Section 2: bulk work is checked after it is done.
    CheckAfterBulk,
    /// Section 2: a check at the return from every function, however little it costs.
    CheckEveryReturn,
    /// Section 2: a check at every operator.
    CheckEverywhere,
    /// Section 3: a trap without enough gas is out of gas.
    TrapsLookAtGas,
    /// Section 1: parameters cost what locals cost.
    ParametersCost,
    /// Section 1: growing costs only what is granted.
    GrowthCostsWhenGranted,
    /// Section 1: `br_if` costs only when taken.
    BranchCostsWhenTaken,
    /// Section 2: a check at the entry of every function, however little it costs.
    CheckEveryEntry,
    /// Section 4: where the stack is exhausted, nobody asks whether the gas is too.
    StackWithoutGas,
    /// Section 4: the stack is looked at by calls of small leaves too.
    StackAtEveryCall,
    /// Section 4: units are not given back.
    UnitsAreKept,
    /// Section 4: operands in unreachable code do not count.
    HeightOfReachableCode,
    /// Section 5: NaNs stay as they are made.
    NansAsMade,
}

impl Mistake {
    /// Each of them.
    pub const ALL: &'static [Mistake] = &[
        Mistake::NoCheck(Checkpoint::Entry),
        Mistake::NoCheck(Checkpoint::Loop),
        Mistake::NoCheckEnteringLoop,
        Mistake::NoCheck(Checkpoint::Bulk),
        Mistake::CheckAfterBulk,
        Mistake::NoCheck(Checkpoint::HostCall),
        Mistake::NoCheck(Checkpoint::Return),
        Mistake::CheckEveryReturn,
        Mistake::NoCheck(Checkpoint::Unreachable),
        Mistake::NoCheck(Checkpoint::End),
        Mistake::CheckEverywhere,
        Mistake::TrapsLookAtGas,
        Mistake::ParametersCost,
        Mistake::GrowthCostsWhenGranted,
        Mistake::BranchCostsWhenTaken,
        Mistake::CheckEveryEntry,
        Mistake::StackWithoutGas,
        Mistake::StackAtEveryCall,
        Mistake::UnitsAreKept,
        Mistake::HeightOfReachableCode,
        Mistake::NansAsMade,
    ];
}
