//! What observers of a run are told.

use unfork_engine::{Invalid, Receipt, Simulation, StoredBlock, TraceEvent, Transaction};
use unfork_testkit::Labels;
use unfork_testkit::names::Bytes32;

/// What is looked at beside the blocks; none of it changes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Nothing.
    Nothing,
    /// Frames, debug messages and changes of each transaction.
    Calls,
    /// That, and each transaction is tried at several gas limits before.
    Gas,
}

/// One block of the run, as it was committed.
#[derive(Debug)]
pub struct BlockReport<'a> {
    /// The block with its receipts.
    pub stored: &'a StoredBlock,
    /// Its id.
    pub id: Bytes32,
    /// What was sent, in the order of the file.
    pub sent: &'a [Sent],
    /// Whether the store had the block already, so that it was executed again and compared.
    pub again: bool,
    /// What the scenario calls addresses and codes, and what contracts offer.
    pub labels: &'a Labels,
}

/// A transaction of a step, and what it came to.
#[derive(Debug)]
pub struct Sent {
    /// Index of the step in the scenario.
    pub step: usize,
    /// Which repetition of the step, from 0.
    pub repetition: u32,
    /// The transaction. Its nonce counts only when it is in the block.
    pub transaction: Transaction,
    /// What it came to.
    pub ended: Ended,
    /// The dry run before it, where one was asked for and it is in the block.
    pub dry_run: Option<Simulation>,
}

/// What a transaction came to.
#[derive(Debug)]
pub enum Ended {
    /// It stands in the block.
    InBlock {
        /// What came of it.
        receipt: Receipt,
        /// What was watched.
        trace: Vec<TraceEvent>,
    },
    /// It has no place in a block, and was left out.
    Invalid(Invalid),
}

impl Ended {
    /// The status by name, as scenario files spell it.
    pub fn status_name(&self) -> String {
        match self {
            Ended::InBlock { receipt, .. } => receipt.status.name(),
            Ended::Invalid(invalid) => format!("invalid:{}", invalid_name(invalid)),
        }
    }

    /// The receipt, where there is one.
    pub fn receipt(&self) -> Option<&Receipt> {
        match self {
            Ended::InBlock { receipt, .. } => Some(receipt),
            Ended::Invalid(_) => None,
        }
    }
}

fn invalid_name(invalid: &Invalid) -> &'static str {
    match invalid {
        Invalid::WrongChain => "wrong_chain",
        Invalid::TooLong { .. } => "too_long",
        Invalid::GasLimitTooHigh { .. } => "gas_limit_too_high",
        Invalid::GasLimitTooLow { .. } => "gas_limit_too_low",
        Invalid::Nonce { .. } => "nonce",
        Invalid::Unauthorised(_) => "unauthorised",
        Invalid::Fee => "fee",
    }
}
