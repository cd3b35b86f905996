//! The second layer: transactions in a signed or unsigned envelope, with nonce, gas and the node's own hooks.
//!
//! Which failure is which (docs/format.md, "Transactions"): what [`Invalid`] lists makes a block that contains it
//! invalid, and costs nothing; everything after those checks gives a [`Receipt`] and uses up nonce and gas.
#![allow(clippy::cast_possible_truncation, reason = "the codec's derive writes variant indices with `as u8`")]

use crate::engine::Engine;
use crate::host::accounts::{Accounts, account, set_account};
use crate::message::{Action, Message, run_message};
use crate::outcome::{Fault, Status};
use crate::profile::ProfileId;
use crate::rules::{Environment, tagged_hash};
use crate::trace::{POSSIBLE, TraceEvent};
use crate::types::{Address, Balance, BlockContext, Event, Hash};
use parity_scale_codec::{Decode, Encode};
use std::collections::BTreeSet;
use std::sync::Arc;
use unfork_state::{ChangeSet, Key, Overlay, StateView};

/// The first byte of an encoded envelope, header or stored block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum Format {
    /// The only one so far.
    #[default]
    #[codec(index = 1)]
    V1,
}

/// A transaction as it stands in a block. Its canonical SCALE encoding is hashed and stored.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Transaction {
    /// Version of the envelope.
    pub format: Format,
    /// The chain it is for.
    pub chain_id: Hash,
    /// Who sends it.
    pub sender: Address,
    /// The sender's nonce: how many transactions it has sent before.
    pub nonce: u64,
    /// The most gas it may use, intrinsic gas included.
    pub gas_limit: u64,
    /// What the sender pays per gas, in the smallest unit of the coin. May be 0.
    pub gas_price: Balance,
    /// What is to be done.
    pub payload: Payload,
    /// Whatever the node's authorisation wants, a signature say; opaque to the engine.
    pub authentication: Vec<u8>,
}

/// What a transaction asks for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Payload {
    /// Store code.
    #[codec(index = 0)]
    Upload {
        /// The profile it is written for.
        profile: ProfileId,
        /// The Wasm module.
        code: Vec<u8>,
    },
    /// Create a contract.
    #[codec(index = 1)]
    Instantiate {
        /// BLAKE2b-256 of uploaded code.
        code_hash: Hash,
        /// Value moved to the contract.
        value: Balance,
        /// Input of the constructor.
        input: Vec<u8>,
        /// Tells apart contracts of the same sender, code and input.
        salt: Vec<u8>,
    },
    /// Call a contract.
    #[codec(index = 2)]
    Call {
        /// The contract.
        contract: Address,
        /// Value moved to the contract.
        value: Balance,
        /// Input of the call.
        input: Vec<u8>,
    },
    /// Move value to an account.
    #[codec(index = 3)]
    Transfer {
        /// To whom.
        to: Address,
        /// How much.
        value: Balance,
    },
}

impl Transaction {
    /// What identifies the transaction: Keccak-256 over everything, authentication included.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged_hash(b"unfork/transaction", self)
    }

    /// What a signature signs: Keccak-256 over everything but the authentication.
    #[must_use]
    pub fn signing_hash(&self) -> Hash {
        let Self { format, chain_id, sender, nonce, gas_limit, gas_price, payload, authentication: _ } = self;
        tagged_hash(b"unfork/signing", &(format, chain_id, sender, nonce, gas_limit, gas_price, payload))
    }

    fn message(&self, gas_limit: u64) -> Message {
        let (value, action) = match self.payload.clone() {
            Payload::Upload { profile, code } => (0, Action::Upload { profile, code }),
            Payload::Instantiate { code_hash, value, input, salt } => {
                (value, Action::Instantiate { code_hash, input, salt })
            }
            Payload::Call { contract, value, input } => (value, Action::Call { contract, input }),
            Payload::Transfer { to, value } => (value, Action::Transfer { to }),
        };
        Message { caller: self.sender.clone(), value, gas_limit, action }
    }
}

/// What a transaction came to. Stored with the block; what the block's header commits to is [`Receipt::summary`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Receipt {
    /// How it ended.
    pub status: Status,
    /// Gas used, intrinsic gas included.
    pub gas_used: u64,
    /// The contract that was created.
    pub created: Option<Address>,
    /// The output; for an upload, the code hash.
    pub output: Vec<u8>,
    /// Events, in order.
    pub events: Vec<Event>,
}

/// A receipt with output and events replaced by what commits to them, so that a proof of one event is short.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReceiptSummary {
    /// As in the receipt.
    pub status: Status,
    /// As in the receipt.
    pub gas_used: u64,
    /// As in the receipt.
    pub created: Option<Address>,
    /// Keccak-256 of the output.
    pub output_hash: Hash,
    /// Root of the list tree over the encoded events.
    pub events_root: Hash,
}

impl Receipt {
    /// What stands in the list tree of receipts.
    #[must_use]
    pub fn summary(&self) -> ReceiptSummary {
        self.summary_with(unfork_proof::keccak256(&[&self.output]), crate::block::list_root(&self.events))
    }

    /// The same, with the hash of the output and the root over the events.
    pub(crate) fn summary_with(&self, output_hash: Hash, events_root: Hash) -> ReceiptSummary {
        let Self { status, gas_used, created, output: _, events: _ } = self;
        ReceiptSummary { status: *status, gas_used: *gas_used, created: created.clone(), output_hash, events_root }
    }
}

/// Why a transaction has no place in a block. Nothing of it is executed or charged; a block with it is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is for another chain.
    #[error("the transaction is for another chain")]
    WrongChain,
    /// Its encoding is longer than the limit.
    #[error("the transaction has {found} bytes, the limit is {limit}")]
    TooLong {
        /// Its length.
        found: u64,
        /// `transaction_bytes_max`.
        limit: u64,
    },
    /// It asks for more gas than a transaction may have.
    #[error("the gas limit is {found}, the most a transaction may have is {limit}")]
    GasLimitTooHigh {
        /// What it asks for.
        found: u64,
        /// `transaction_gas_max`.
        limit: u64,
    },
    /// Its gas does not even pay for being in a block.
    #[error("the gas limit is {found}, the intrinsic gas is {needed}")]
    GasLimitTooLow {
        /// What it asks for.
        found: u64,
        /// Intrinsic gas: base and price per byte.
        needed: u64,
    },
    /// Its nonce is not the sender's.
    #[error("the nonce is {found}, the sender's is {expected}")]
    Nonce {
        /// The nonce given.
        found: u64,
        /// The nonce of the account.
        expected: u64,
    },
    /// The node's authorisation refuses it.
    #[error("not authorised (code {0})")]
    Unauthorised(u32),
    /// The sender cannot pay.
    #[error("the sender cannot pay the fee")]
    Fee,
}

/// When the chain itself acts in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the first transaction.
    Begin,
    /// After the last transaction.
    End,
}

/// What a node adds to the execution of transactions. Both act inside the same journal as the transaction.
pub trait Hooks: Send + Sync {
    /// Whether the sender has authorised it; a pure function of the transaction.
    ///
    /// # Errors
    /// [`Invalid::Unauthorised`] with a code of the node's own.
    fn authorise(&self, transaction: &Transaction) -> Result<(), Invalid>;

    /// Before execution: take the fee for all the gas that may be used, say.
    ///
    /// # Errors
    /// The inner error when the transaction has no place in a block; the outer one when the state cannot be read.
    fn before(&self, transaction: &Transaction, accounts: &mut Accounts<'_>) -> Result<Result<(), Invalid>, Fault>;

    /// After execution, whatever its status: give back the fee for gas not used, say.
    ///
    /// # Errors
    /// A fault, when the state cannot be read. Nothing that a sender does may lead to one, since a block with a fault stops each
    /// node: with a minimum balance, [`Accounts::transfer`] refuses what leaves an account in between, and gives back nothing
    /// to a sender who has spent all.
    fn after(&self, transaction: &Transaction, gas_used: u64, accounts: &mut Accounts<'_>) -> Result<(), Fault>;

    /// What the chain itself does: messages executed in this order, in the block's journal, whose caller contracts know as
    /// root. A function of chain and block alone, so that every node makes the same. One that fails is undone, and the
    /// block goes on; none of them is in the block or has a receipt.
    fn system_messages(&self, _moment: Moment, _block: BlockContext) -> Vec<Message> {
        Vec::new()
    }
}

/// Hooks that let every transaction through and take no fee.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenHooks;

impl Hooks for OpenHooks {
    fn authorise(&self, _: &Transaction) -> Result<(), Invalid> {
        Ok(())
    }

    fn before(&self, _: &Transaction, _: &mut Accounts<'_>) -> Result<Result<(), Invalid>, Fault> {
        Ok(Ok(()))
    }

    fn after(&self, _: &Transaction, _: u64, _: &mut Accounts<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

/// Executes one transaction on the state `view`.
///
/// # Errors
/// The inner error when it has no place in a block; the outer one is a fault of the node.
pub fn execute_transaction(
    engine: &Engine,
    environment: &Environment,
    hooks: &dyn Hooks,
    view: Arc<dyn StateView>,
    transaction: &Transaction,
) -> Result<Result<(Executed, ChangeSet), Invalid>, Fault> {
    let chain_id = environment.spec.chain_id();
    let overlay = Overlay::new(view);
    let bytes = encoded_bytes(transaction);
    let (overlay, result) = run_transaction(engine, environment, &chain_id, hooks, overlay, transaction, bytes);
    Ok(result?.map(|executed| (executed, overlay.into_changes())))
}

/// A receipt, and what was watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// What goes into the block.
    pub receipt: Receipt,
    /// What it counts for in the block's total of changed bytes.
    pub changed_bytes: u64,
    /// Local to the node.
    pub trace: Vec<TraceEvent>,
}

/// The length of an encoding.
pub(crate) fn encoded_bytes(value: &impl Encode) -> u64 {
    u64::try_from(value.encoded_size()).unwrap_or(u64::MAX)
}

/// Executes a transaction, whose encoding has `bytes`, in the middle of a block's journal. What is invalid leaves no trace in
/// it; after a fault the changes are taken back as well.
pub(crate) fn run_transaction(
    engine: &Engine,
    environment: &Environment,
    chain_id: &Hash,
    hooks: &dyn Hooks,
    mut overlay: Overlay,
    transaction: &Transaction,
    bytes: u64,
) -> (Overlay, Result<Result<Executed, Invalid>, Fault>) {
    let start = overlay.checkpoint();
    let admitted = admit(environment, chain_id, hooks, &mut overlay, transaction, bytes);
    let intrinsic = match admitted {
        Ok(Ok(intrinsic)) => intrinsic,
        other => {
            overlay.rollback(start);
            return (overlay, other.map(|result| result.map(|_| unreachable!("Ok is matched above"))));
        }
    };
    let message = transaction.message(transaction.gas_limit.saturating_sub(intrinsic));
    let (mut overlay, result) = run_message(engine, environment, transaction.gas_price, overlay, message);
    let result = result.and_then(|outcome| {
        let gas_used = intrinsic.saturating_add(outcome.gas_used);
        hooks.after(
            transaction,
            gas_used,
            &mut Accounts { overlay: &mut overlay, minimum: environment.spec.minimum_balance() },
        )?;
        let receipt = Receipt {
            status: outcome.status,
            gas_used,
            created: outcome.created,
            output: outcome.output,
            events: outcome.events,
        };
        let mut trace = outcome.trace;
        if POSSIBLE && environment.trace {
            let keys: BTreeSet<Key> = overlay.changed_since(&start).cloned().collect();
            trace.push(TraceEvent::Changed { keys: keys.into_iter().collect() });
        }
        Ok(Ok(Executed { receipt, changed_bytes: outcome.changed_bytes, trace }))
    });
    if result.is_err() {
        overlay.rollback(start);
    }
    (overlay, result)
}

/// Everything that is checked before a transaction may cost anything; gives its intrinsic gas.
fn admit(
    environment: &Environment,
    chain_id: &Hash,
    hooks: &dyn Hooks,
    overlay: &mut Overlay,
    transaction: &Transaction,
    bytes: u64,
) -> Result<Result<u64, Invalid>, Fault> {
    let intrinsic = match check_envelope(environment, chain_id, transaction, bytes) {
        Ok(intrinsic) => intrinsic,
        Err(invalid) => return Ok(Err(invalid)),
    };
    if let Err(invalid) = hooks.authorise(transaction) {
        return Ok(Err(invalid));
    }
    let mut sender = account(overlay, &transaction.sender)?;
    if sender.nonce != transaction.nonce {
        return Ok(Err(Invalid::Nonce { found: transaction.nonce, expected: sender.nonce }));
    }
    sender.nonce = sender.nonce.checked_add(1).ok_or_else(|| Fault::internal("2^64 transactions of one sender"))?;
    set_account(overlay, &transaction.sender, &sender);
    if let Err(invalid) =
        hooks.before(transaction, &mut Accounts { overlay, minimum: environment.spec.minimum_balance() })?
    {
        return Ok(Err(invalid));
    }
    Ok(Ok(intrinsic))
}

/// What the envelope alone shows.
pub(crate) fn check_envelope(
    environment: &Environment,
    chain_id: &Hash,
    transaction: &Transaction,
    bytes: u64,
) -> Result<u64, Invalid> {
    let rules = environment.rules();
    let (limits, schedule) = (rules.limits(), rules.schedule());
    if transaction.chain_id != *chain_id {
        return Err(Invalid::WrongChain);
    }
    if bytes > limits.transaction_bytes_max {
        return Err(Invalid::TooLong { found: bytes, limit: limits.transaction_bytes_max });
    }
    if transaction.gas_limit > limits.transaction_gas_max {
        return Err(Invalid::GasLimitTooHigh { found: transaction.gas_limit, limit: limits.transaction_gas_max });
    }
    let needed = schedule.transaction_base.saturating_add(schedule.transaction_byte.saturating_mul(bytes));
    if transaction.gas_limit < needed {
        return Err(Invalid::GasLimitTooLow { found: transaction.gas_limit, needed });
    }
    Ok(needed)
}
