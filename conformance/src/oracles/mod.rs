//! What must hold whatever comes in. An oracle turns bytes into an input, runs the engine on it, and panics when a rule
//! is broken; the message says which.
//!
//! Each oracle tells how far its input came, so that a test can see that a corpus reaches what it is there for. Each
//! also has a form that takes the component under test as an argument: `tests/mutants.rs` hands in broken ones and
//! shows that the oracle notices.

pub mod admission;
pub mod blocks;
pub mod decoders;
pub mod execution;
pub mod state_model;

pub use admission::admission;
pub use blocks::blocks;
pub use decoders::decoders;
pub use execution::execution;
pub use state_model::state_model;

/// How far an input came: the name of a stage, for counting. Saved inputs are called after it.
pub type Reached = String;

/// One oracle, for tests that go through all of them.
pub struct Oracle {
    /// Its name, also that of its fuzz target and of the folder of its saved inputs.
    pub name: &'static str,
    /// The oracle.
    pub run: fn(&[u8]) -> Reached,
    /// How many seeded inputs a test runs: as many as take a few seconds.
    pub slice: u32,
    /// Longest seeded input in bytes.
    pub longest: usize,
    /// Beginnings of the stages that seeded and saved inputs must each reach between them.
    pub stages: &'static [&'static str],
}

/// Every oracle.
pub const ALL: [Oracle; 5] = [
    Oracle {
        name: "admission",
        run: admission,
        slice: 12_000,
        longest: 4096,
        stages: &["refused: Invalid", "refused: NotAModule", "refused: Float", "refused: Import", "admitted"],
    },
    Oracle {
        name: "execution",
        run: execution,
        slice: 3_000,
        longest: 4096,
        stages: &["code refused", "returned", "reverted", "trapped", "out_of_gas", "exhausted"],
    },
    Oracle { name: "blocks", run: blocks, slice: 200, longest: 8192, stages: &["in memory", "on disk"] },
    Oracle { name: "state_model", run: state_model, slice: 3_000, longest: 4096, stages: &["committed"] },
    Oracle { name: "decoders", run: decoders, slice: 60_000, longest: 1024, stages: &["accepted", "refused"] },
];
