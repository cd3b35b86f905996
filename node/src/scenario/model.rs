//! What a scenario file holds, field by field.

use super::value::{Data, Hex, Hex32, Input, Integer, Output};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

/// A whole scenario, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// A short name, printed by `unfork run`.
    pub name: String,
    /// What the scenario shows, in a sentence or two.
    pub about: String,
    /// The chain it runs on.
    pub chain: Chain,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// The file as it was named, for messages.
    pub file: PathBuf,
    /// The folder from which paths of code files count.
    pub folder: PathBuf,
}

/// The gas limit of a transaction where neither it nor the chain states one.
pub const GAS_LIMIT_DEFAULT: u64 = 1_000_000_000;

/// The chain before its first block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// The chain's name; it goes into the chain id that transactions and headers carry.
    #[serde(default = "default_chain_name")]
    pub name: String,
    /// Balances at genesis by account name; the address follows from the name (`account_address`).
    #[serde(default)]
    pub accounts: UniqueMap<Integer>,
    /// The least that an account has unless it has nothing; 0 unless given.
    #[serde(default = "crate::chain::zero")]
    pub minimum_balance: Integer,
    /// Block times.
    #[serde(default)]
    pub time: Time,
    /// The gas limit of transactions that state none; [`GAS_LIMIT_DEFAULT`] unless given.
    pub gas: Option<Integer>,
    /// The gas price that transactions state, 0 unless given. No fee is taken of it on a scenario's chain.
    pub gas_price: Option<Integer>,
    /// Which protocol version holds from which height; version 1 from genesis unless stated.
    #[serde(default)]
    pub versions: Vec<Version>,
}

fn default_chain_name() -> String {
    "scenario".to_string()
}

/// Block times: the genesis has `genesis_ms`, in milliseconds since 1970, and each further block is `step_ms` later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Time of the genesis.
    pub genesis_ms: u64,
    /// Distance between two blocks.
    pub step_ms: u64,
}

impl Default for Time {
    /// 2026-01-01 00:00:00 UTC, a block each second: arbitrary, but the same for every scenario that states none.
    fn default() -> Self {
        Time { genesis_ms: 1_767_225_600_000, step_ms: 1_000 }
    }
}

/// A protocol version and the height from which it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// First height; the first entry must begin at 0.
    pub from: u64,
    /// The number in block headers; it must rise.
    pub version: u32,
    /// Prices of version 1 that this version changes, by name.
    #[serde(default)]
    pub schedule: UniqueMap<Integer>,
    /// Limits of version 1 that this version changes, by name.
    #[serde(default)]
    pub limits: UniqueMap<Integer>,
}

/// One step, with what should come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happens.
    pub action: Action,
    /// How often in a row, each time as a transaction of its own; only for calls and transfers.
    pub repeat: u32,
    /// A remark for the reader, printed before the step.
    pub note: Option<String>,
    /// What should come of it; anything else is a finding.
    pub expect: Expect,
    /// The line of the file on which the step begins, from 1.
    pub line: usize,
}

/// What a step does. The first four are transactions and gather in the open block; the others close it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Stores contract code.
    Upload(Upload),
    /// Creates a contract from stored code.
    Instantiate(Instantiate),
    /// Calls a contract.
    Call(Call),
    /// Moves balance between accounts.
    Transfer(Transfer),
    /// Executes and commits the open block.
    Block(Block),
    /// Executes the open block, if it has transactions, then commits empty blocks.
    Advance(Advance),
}

impl Action {
    /// The action's name in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Upload(_) => "upload",
            Action::Instantiate(_) => "instantiate",
            Action::Call(_) => "call",
            Action::Transfer(_) => "transfer",
            Action::Block(_) => "block",
            Action::Advance(_) => "advance",
        }
    }

    /// Whether the action is a transaction, which has a receipt.
    pub fn is_transaction(&self) -> bool {
        !matches!(self, Action::Block(_) | Action::Advance(_))
    }
}

/// Stores contract code. Exactly one of `code`, `wat`, `bytes`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// A `.wasm` file, or a `.wat` file that is assembled; the path counts from the scenario's folder.
    pub code: Option<String>,
    /// WebAssembly text.
    pub wat: Option<String>,
    /// The bytes themselves, for code that is none.
    pub bytes: Option<Hex>,
    /// How later steps name the code.
    #[serde(rename = "as")]
    pub label: String,
    /// The account that sends it.
    pub by: String,
    /// The host interface the code is written for: `seal`.
    #[serde(default)]
    pub profile: Profile,
    /// The gas limit.
    pub gas: Option<Integer>,
    /// The file that says what contracts of this code offer by name, or metadata of ink!; unless given, the `.json` or
    /// `.contract` file beside `code`, where there is one. The path counts from the scenario's folder.
    pub interface: Option<String>,
}

/// The host interface of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The interface of ink! contracts.
    #[default]
    Seal,
}

/// Creates a contract from stored code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instantiate {
    /// The label of the code.
    pub code: String,
    /// How later steps name the contract.
    #[serde(rename = "as")]
    pub label: String,
    /// The account that sends it.
    pub by: String,
    /// Balance handed over.
    pub value: Option<Integer>,
    /// The gas limit.
    pub gas: Option<Integer>,
    /// What the constructor is given.
    #[serde(default)]
    pub input: Input,
    /// Distinguishes contracts made from the same code with the same input by the same account.
    #[serde(default)]
    pub salt: Data,
}

/// Calls a contract.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The label of the contract, an account, or `0x` and 64 digits.
    pub to: String,
    /// The account that sends it.
    pub by: String,
    /// Balance handed over.
    pub value: Option<Integer>,
    /// The gas limit.
    pub gas: Option<Integer>,
    /// What the contract is given.
    #[serde(default)]
    pub input: Input,
}

/// Moves balance between accounts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The account that sends it.
    pub from: String,
    /// An account, a contract, or `0x` and 64 digits.
    pub to: String,
    /// How much.
    pub value: Integer,
    /// The gas limit.
    pub gas: Option<Integer>,
}

/// Executes and commits the open block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {}

/// Commits empty blocks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// How many.
    pub blocks: u32,
}

/// What should come of a step. Fields that are not given are not compared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The receipt's status by name.
    pub status: Option<String>,
    /// Gas used by the transaction, or by the whole block.
    pub gas: Option<Integer>,
    /// The contract's output.
    pub output: Option<Output>,
    /// All events of the transaction, in order.
    pub events: Option<Vec<ExpectedEvent>>,
    /// The block's state root.
    pub root: Option<Hex32>,
    /// The block's height.
    pub height: Option<u64>,
    /// Balances after the block.
    pub balances: Option<UniqueMap<Integer>>,
    /// Storage after the block.
    pub storage: Option<Vec<ExpectedItem>>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedEvent {
    /// Which contract deposits it.
    pub contract: Option<String>,
    /// All its topics.
    pub topics: Option<Vec<Data>>,
    /// Its payload.
    pub data: Option<Data>,
    /// All of it in words, such as `Transfer(from: None, to: Some(bob), value: 5)`, where its contract's interface is
    /// known.
    pub text: Option<String>,
}

/// One stored item of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedItem {
    /// Whose storage.
    pub contract: String,
    /// The key as the contract gave it.
    pub key: Data,
    /// The value; `null` or left out means that there must be none.
    pub value: Option<Data>,
}

/// A JSON object whose keys may each appear once, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct UniqueMap<T>(pub BTreeMap<String, T>);

impl<T> Default for UniqueMap<T> {
    fn default() -> Self {
        UniqueMap(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for UniqueMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
            type Value = UniqueMap<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut map = BTreeMap::new();
                while let Some((key, value)) = access.next_entry::<String, T>()? {
                    if map.contains_key(&key) {
                        return Err(de::Error::custom(format_args!("\"{key}\" appears twice")));
                    }
                    map.insert(key, value);
                }
                Ok(UniqueMap(map))
            }
        }
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}
