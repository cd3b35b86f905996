//! Consensus rules as data: what a protocol version fixes, and which version rules at which height.

use crate::extension::ExtensionFunction;
use crate::profile::ProfileId;
use crate::session::Stopwatch;
use crate::types::{Address, Balance, BlockContext, Hash};
use parity_scale_codec::Encode;
use sha3::{Digest, Keccak256};
use std::sync::Arc;
use unfork_gas::{Counter, Limits, Schedule};

/// Everything that one protocol version fixes. Old blocks replay under the rules of their version.
///
/// Invariant: `hash` is that of the other fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    version: u32,
    schedule: Schedule,
    limits: Limits,
    profiles: Vec<ProfileId>,
    hash: Hash,
}

impl Rules {
    /// Rules of a protocol version that is not released: a test chain's own prices and limits.
    #[must_use]
    pub fn new(version: u32, schedule: Schedule, limits: Limits, profiles: Vec<ProfileId>) -> Self {
        let numbers: Vec<u8> = profiles.iter().map(|profile| profile.number()).collect();
        let hash = tagged_hash(b"unfork/rules", &(version, schedule.hash(), limits.hash(), numbers));
        Self { version, schedule, limits, profiles, hash }
    }

    /// Whether prepared code can count what a transaction may have.
    fn check_counted(&self) -> Result<(), SpecError> {
        let counted = [
            ("transaction_gas_max", self.limits.transaction_gas_max, Counter::GAS_MAX.cast_unsigned()),
            ("stack_budget", self.limits.stack_budget, Counter::STACK_MAX.cast_unsigned()),
        ];
        match counted.into_iter().find(|(_, found, max)| found > max) {
            Some((limit, found, max)) => Err(SpecError::LimitTooLarge { version: self.version, limit, found, max }),
            None => Ok(()),
        }
    }

    /// The rules of a released protocol version; `None` for a version this build does not know.
    #[must_use]
    pub fn released(version: u32) -> Option<Self> {
        let (schedule, limits) = (Schedule::released(version)?, Limits::released(version)?);
        Some(Self::new(version, schedule.clone(), limits.clone(), vec![ProfileId::Seal]))
    }

    /// The protocol version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What things cost.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// How much of anything there may be.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The profiles that code may be uploaded under.
    #[must_use]
    pub fn profiles(&self) -> &[ProfileId] {
        &self.profiles
    }

    /// Keccak-256 over version, prices, limits and profiles.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.hash
    }
}

/// From this height on, these rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The first block under the rules.
    pub from_height: u64,
    /// The rules.
    pub rules: Arc<Rules>,
}

/// What makes a chain this chain: genesis accounts and time, and which rules hold from which height.
///
/// Invariant: activations begin at height 0; heights and versions rise strictly. The hashes are those of the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainSpec {
    name: String,
    genesis_time: u64,
    accounts: Vec<(Address, Balance)>,
    activations: Vec<Activation>,
    minimum_balance: Balance,
    extension: Vec<ExtensionFunction>,
    extension_hash: Hash,
    chain_id: Hash,
}

/// Why a chain specification is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The first activation is not at height 0, or there is none.
    #[error("the first protocol version must hold from height 0")]
    NoGenesisRules,
    /// Activations are out of order.
    #[error("protocol versions and their heights must rise: version {version} from height {from_height} does not")]
    Order {
        /// The version that does not rise, or whose height does not.
        version: u32,
        /// Its height.
        from_height: u64,
    },
    /// A limit allows a transaction more than prepared code can count.
    #[error("protocol version {version}: {limit} is {found}, at most {max} can be counted")]
    LimitTooLarge {
        /// The version whose limit it is.
        version: u32,
        /// The limit.
        limit: &'static str,
        /// What it is.
        found: u64,
        /// What it may be.
        max: u64,
    },
    /// An account stands twice in the genesis.
    #[error("account {0:?} stands twice in the genesis")]
    DuplicateAccount(Address),
    /// The balances do not fit into 128 bits together.
    #[error("the genesis balances exceed 2^128 - 1 together")]
    BalanceOverflow,
    /// An account of the genesis has less than an account must have.
    #[error("account {0:?} has less than the minimum balance in the genesis")]
    BelowMinimum(Address),
    /// Two extension functions have the same number.
    #[error("the extension function {0} stands twice in the chain specification")]
    DuplicateExtension(u32),
}

impl ChainSpec {
    /// A chain of these genesis accounts, time in nanoseconds, and rules.
    ///
    /// # Errors
    /// When an account stands twice, balances overflow together, activations do not rise from height 0, or a limit allows more
    /// gas or stack than can be counted.
    pub fn new(
        name: impl Into<String>,
        genesis_time: u64,
        mut accounts: Vec<(Address, Balance)>,
        activations: Vec<Activation>,
    ) -> Result<Self, SpecError> {
        if activations.first().is_none_or(|first| first.from_height != 0) {
            return Err(SpecError::NoGenesisRules);
        }
        for pair in activations.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            if b.from_height <= a.from_height || b.rules.version() <= a.rules.version() {
                return Err(SpecError::Order { version: b.rules.version(), from_height: b.from_height });
            }
        }
        activations.iter().try_for_each(|activation| activation.rules.check_counted())?;
        accounts.sort();
        if let Some(pair) = accounts.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(SpecError::DuplicateAccount(pair[0].0.clone()));
        }
        let total = accounts.iter().try_fold(0u128, |sum, (_, balance)| sum.checked_add(*balance));
        total.ok_or(SpecError::BalanceOverflow)?;
        let spec = Self {
            name: name.into(),
            genesis_time,
            accounts,
            activations,
            minimum_balance: 0,
            extension: Vec::new(),
            extension_hash: [0; 32],
            chain_id: [0; 32],
        };
        Ok(spec.hashed())
    }

    /// This chain, on which an account holds either nothing or at least `minimum`.
    ///
    /// # Errors
    /// When an account of the genesis has less.
    pub fn with_minimum_balance(self, minimum: Balance) -> Result<Self, SpecError> {
        if let Some((address, _)) = self.accounts.iter().find(|(_, balance)| *balance > 0 && *balance < minimum) {
            return Err(SpecError::BelowMinimum(address.clone()));
        }
        Ok(Self { minimum_balance: minimum, ..self }.hashed())
    }

    /// This chain with functions of its own, which engines of its nodes must bring
    /// ([`Engine::with_extension`](crate::Engine::with_extension)).
    ///
    /// # Errors
    /// When two have the same number.
    pub fn with_extension(self, mut functions: Vec<ExtensionFunction>) -> Result<Self, SpecError> {
        functions.sort();
        if let Some(pair) = functions.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(SpecError::DuplicateExtension(pair[0].id));
        }
        Ok(Self { extension: functions, ..self }.hashed())
    }

    /// With the hashes of docs/format.md §3.
    fn hashed(self) -> Self {
        let extension_hash = tagged_hash(b"unfork/extension", &self.extension);
        let Self { name, genesis_time, accounts, minimum_balance, .. } = &self;
        let rules = self.rules_at(0).hash();
        let chain = (name, genesis_time, accounts, rules, minimum_balance, extension_hash);
        Self { chain_id: tagged_hash(b"unfork/chain", &chain), extension_hash, ..self }
    }

    /// The least that an account holds unless it holds nothing.
    #[must_use]
    pub fn minimum_balance(&self) -> Balance {
        self.minimum_balance
    }

    /// The chain's own functions, by rising number.
    #[must_use]
    pub fn extension(&self) -> &[ExtensionFunction] {
        &self.extension
    }

    /// Keccak-256 of the chain's own functions as declared.
    #[must_use]
    pub fn extension_hash(&self) -> Hash {
        self.extension_hash
    }

    /// The function of this number, where it can be called at this height.
    pub(crate) fn extension_function(&self, id: u32, height: u64) -> Option<ExtensionFunction> {
        self.extension.iter().find(|function| function.id == id && function.since <= height).copied()
    }

    /// A chain that runs the newest released rules from its genesis on.
    ///
    /// # Errors
    /// As [`ChainSpec::new`].
    pub fn released(
        name: impl Into<String>,
        genesis_time: u64,
        accounts: Vec<(Address, Balance)>,
    ) -> Result<Self, SpecError> {
        let rules = Rules::released(1).ok_or(SpecError::NoGenesisRules)?;
        Self::new(name, genesis_time, accounts, vec![Activation { from_height: 0, rules: Arc::new(rules) }])
    }

    /// The name people call it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Time of the genesis block in nanoseconds since 1970.
    #[must_use]
    pub fn genesis_time(&self) -> u64 {
        self.genesis_time
    }

    /// The balances of the genesis, sorted by address.
    #[must_use]
    pub fn accounts(&self) -> &[(Address, Balance)] {
        &self.accounts
    }

    /// Which rules hold from which height, rising.
    #[must_use]
    pub fn activations(&self) -> &[Activation] {
        &self.activations
    }

    /// The chain id that headers and transactions carry: it binds the genesis, its rules, the minimum balance and the chain's
    /// own functions. Later activations are
    /// agreed on later, so they are bound by the protocol version in each header and not by this.
    #[must_use]
    pub fn chain_id(&self) -> Hash {
        self.chain_id
    }

    /// The hash of the whole specification, every activation included.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let activations: Vec<(u64, Hash)> =
            self.activations.iter().map(|activation| (activation.from_height, activation.rules.hash())).collect();
        tagged_hash(b"unfork/spec", &(self.chain_id(), activations))
    }

    /// The rules of a height.
    #[must_use]
    pub fn rules_at(&self, height: u64) -> &Arc<Rules> {
        let after = self.activations.partition_point(|activation| activation.from_height <= height);
        // The first activation is at height 0, so at least one lies at or before any height.
        &self.activations[after.saturating_sub(1)].rules
    }

    /// The rules of a protocol version, where the chain has it.
    #[must_use]
    pub fn rules_of_version(&self, version: u32) -> Option<&Arc<Rules>> {
        self.activations.iter().map(|activation| &activation.rules).find(|rules| rules.version() == version)
    }
}

/// Where and under what rules a message is executed.
#[derive(Clone)]
pub struct Environment {
    /// The chain, whose rules of the block's height hold.
    pub spec: Arc<ChainSpec>,
    /// What contracts may know about the block.
    pub block: BlockContext,
    /// Price of gas in the transaction; only what `weight_to_fee` answers depends on it.
    pub gas_price: Balance,
    /// Whether the chain itself is the caller, as when a block begins or ends.
    pub root: bool,
    /// Whether to watch.
    pub trace: bool,
    /// Whether to find out in which functions frames fail ([`TraceEvent::FrameEnded`](crate::TraceEvent::FrameEnded)). The
    /// contracts then run as code that notes it, slower; what comes of them is the same.
    pub locate: bool,
    /// Told which part of a call begins; for benches.
    pub stopwatch: Option<Stopwatch>,
}

impl Environment {
    /// The environment of a block.
    #[must_use]
    pub fn new(spec: Arc<ChainSpec>, block: BlockContext) -> Self {
        Self { spec, block, gas_price: 0, root: false, trace: false, locate: false, stopwatch: None }
    }

    /// The rules that hold.
    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        self.spec.rules_at(self.block.height)
    }
}

/// Keccak-256 of a domain tag, a zero byte and a canonical encoding.
pub(crate) fn tagged_hash(tag: &[u8], value: &impl Encode) -> Hash {
    let mut hasher = Keccak256::new();
    hasher.update(tag);
    hasher.update([0]);
    value.using_encoded(|bytes| hasher.update(bytes));
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use unfork_gas::{LIMITS_V1, V1};

    #[test]
    fn limits_beyond_what_is_counted_are_refused() {
        let with = |limit: &'static str, found: u64| {
            let mut limits = LIMITS_V1;
            assert!(limits.set(limit, found));
            let rules = Arc::new(Rules::new(1, V1, limits, vec![ProfileId::Seal]));
            ChainSpec::new("test", 0, Vec::new(), vec![Activation { from_height: 0, rules }]).map(|_| ())
        };
        for (limit, max) in [("transaction_gas_max", 1 << 43), ("stack_budget", (1 << 18) - 1)] {
            assert_eq!(with(limit, max), Ok(()));
            let found = max + 1;
            assert_eq!(with(limit, found), Err(SpecError::LimitTooLarge { version: 1, limit, found, max }));
        }
    }
}
