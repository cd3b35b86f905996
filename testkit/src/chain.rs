//! The chain of a test.

use crate::code::Code;
use crate::input::Input;
use crate::names::{Bytes32, Labels, account_address, code_hash};
use crate::ran::Ran;
use crate::state::{Values, account, stored_item};
use parity_scale_codec::Encode;
use std::sync::{Arc, OnceLock};
use unfork_engine::{
    Account, Activation, Address, BlockContext, ChainSpec, Code as CodeRecord, Contract as ContractRecord, Engine,
    Environment, OpenHooks, Payload, ProfileId, RecordKey, Rules, Simulation, Transaction, contract_address,
    execute_transaction, genesis, read_record, simulate,
};
use unfork_state::Value;

/// The accounts that every chain begins with.
pub const ACCOUNTS: [&str; 5] = ["alice", "bob", "carol", "dave", "eve"];
/// What each of them has.
pub const BALANCE: u128 = 1_000_000_000_000_000;
/// Time of the first block: 2026-01-01, in nanoseconds.
const TIME: u64 = 1_767_225_600_000_000_000;
/// Nanoseconds between two blocks.
const BLOCK_TIME: u64 = 1_000_000_000;

/// A chain in memory, without sockets, blocks' roots or consensus: transactions are executed by the engine as in any
/// block, one after the other, and change a map.
///
/// Whatever cannot be done as asked panics with what a reader needs: it is for tests.
pub struct Chain {
    engine: Engine,
    spec: Arc<ChainSpec>,
    values: Values,
    block: BlockContext,
    labels: Labels,
}

/// A contract on a [`Chain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Its address.
    pub address: Address,
    /// What failure messages and call texts name it by.
    pub name: String,
}

impl From<&Contract> for Address {
    fn from(contract: &Contract) -> Self {
        contract.address.clone()
    }
}

/// A state to go back to.
#[derive(Clone)]
pub struct Snapshot {
    values: Values,
    block: BlockContext,
    labels: Labels,
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

impl Chain {
    /// A chain under the newest released rules, with [`ACCOUNTS`] of [`BALANCE`] each.
    #[must_use]
    pub fn new() -> Self {
        Self::with_rules(Rules::released(1).expect("this build has protocol version 1"))
    }

    /// The same under other rules: prices or limits of a test's own.
    #[must_use]
    pub fn with_rules(rules: Rules) -> Self {
        // One for all chains of a process: programs are translated once, and results depend on no cache.
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        let engine = ENGINE.get_or_init(|| Engine::new().unwrap_or_else(|fault| panic!("{fault}"))).clone();
        Self::on(engine, rules)
    }

    /// The same on an engine of the caller's.
    #[must_use]
    pub fn on(engine: Engine, rules: Rules) -> Self {
        let mut labels = Labels::default();
        let accounts = ACCOUNTS.map(|name| {
            labels.name_address(name, account_address(name));
            (account_address(name).into(), BALANCE)
        });
        let activations = vec![Activation { from_height: 0, rules: Arc::new(rules) }];
        let spec = ChainSpec::new("test", TIME, accounts.to_vec(), activations);
        let spec = Arc::new(spec.unwrap_or_else(|error| panic!("{error}")));
        let (changes, _) = genesis(&spec).unwrap_or_else(|fault| panic!("{fault}"));
        let mut values = Values::default();
        values.apply(&changes);
        Self { engine, spec, values, block: BlockContext { height: 1, time: TIME.saturating_add(BLOCK_TIME) }, labels }
    }

    /// Makes code into a contract: `chain.deploy(code).constructor("new(5)").contract()`. Code that the chain does not
    /// have yet is uploaded first.
    pub fn deploy(&mut self, code: impl Into<Code>) -> Deploy<'_> {
        let (code, by) = (code.into(), ACCOUNTS[0].to_string());
        let (input, salt, gas) = (Input::default(), Vec::new(), self.gas_max());
        Deploy { chain: self, code, name: None, by, input, value: 0, gas, salt }
    }

    /// Calls a contract: `chain.call(&token, "transfer(bob, 300)").succeeds()`.
    pub fn call(&mut self, contract: impl Into<Address>, input: impl Into<Input>) -> Call<'_> {
        let (by, gas) = (ACCOUNTS[0].to_string(), self.gas_max());
        Call { contract: contract.into(), input: input.into(), by, value: 0, gas, chain: self }
    }

    /// Uploads code, without making a contract of it.
    #[track_caller]
    pub fn upload(&mut self, code: impl Into<Code>) -> Ran {
        let code = code.into();
        let hash = code_hash(&code.bytes);
        let name = code.name.clone();
        let gas = self.gas_max();
        let ran = self.run(ACCOUNTS[0], gas, Payload::Upload { profile: ProfileId::Seal, code: code.bytes }, true);
        if ran.receipt.status.is_success() {
            self.labels.name_code(name, hash);
            if let Some(interface) = code.interface {
                self.labels.set_interface(hash, interface);
            }
            self.labels.set_functions(hash, code.functions);
        }
        ran
    }

    /// Moves coins from one account to another.
    #[track_caller]
    pub fn transfer(&mut self, from: &str, to: impl Into<Address>, value: u128) -> Ran {
        let gas = self.gas_max();
        self.run(from, gas, Payload::Transfer { to: to.into(), value }, true)
    }

    /// Makes an account, or sets what it has.
    pub fn fund(&mut self, name: &str, balance: u128) {
        let address = account_address(name);
        self.labels.name_address(name, address);
        let address = Address::from(address);
        let account = Account { balance, ..self.account(&address) };
        self.values.put(RecordKey::Account(&address).key(), Value::from(account.encode()));
    }

    /// The address of an account or contract by its name.
    #[track_caller]
    #[must_use]
    pub fn address(&self, name: &str) -> Address {
        let address = self.labels.address(name);
        address.unwrap_or_else(|| panic!("there is no account or contract \"{name}\"")).into()
    }

    /// What an address holds.
    #[must_use]
    pub fn balance(&self, of: impl Into<Address>) -> u128 {
        self.account(&of.into()).balance
    }

    fn account(&self, address: &Address) -> Account {
        account(&self.values, address).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The value a contract has stored under `key`, given as the contract gives it.
    #[must_use]
    pub fn storage(&self, contract: impl Into<Address>, key: &[u8]) -> Option<Vec<u8>> {
        stored_item(&self.values, &contract.into(), key).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The code of the contract at an address; none when there is no contract.
    #[must_use]
    pub fn code_hash(&self, contract: impl Into<Address>) -> Option<Bytes32> {
        let record = read_record::<ContractRecord>(&self.values, RecordKey::Contract(&contract.into()));
        record.unwrap_or_else(|error| panic!("{error}")).map(|record| record.code_hash)
    }

    /// Height of the block that the next transaction stands in.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.block.height
    }

    /// Time of that block in nanoseconds since 1970.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.block.time
    }

    /// Goes on by some blocks, a second each.
    pub fn advance(&mut self, blocks: u64) {
        self.block.height = self.block.height.saturating_add(blocks);
        self.block.time = self.block.time.saturating_add(blocks.saturating_mul(BLOCK_TIME));
    }

    /// Sets height and time, in nanoseconds since 1970, of the block that the next transaction stands in.
    pub fn set_block(&mut self, height: u64, time: u64) {
        self.block = BlockContext { height, time };
    }

    /// The state as it is now, to go back to.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { values: self.values.clone(), block: self.block, labels: self.labels.clone() }
    }

    /// Goes back to a snapshot, as often as wanted.
    pub fn revert(&mut self, snapshot: &Snapshot) {
        let Snapshot { values, block, labels } = snapshot.clone();
        (self.values, self.block, self.labels) = (values, block, labels);
    }

    /// What addresses are called, and what contracts offer.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    fn gas_max(&self) -> u64 {
        self.spec.rules_at(self.block.height).limits().transaction_gas_max
    }

    fn environment(&self) -> Environment {
        Environment { trace: true, locate: true, ..Environment::new(Arc::clone(&self.spec), self.block) }
    }

    #[track_caller]
    fn transaction(&self, by: &str, gas_limit: u64, payload: Payload) -> Transaction {
        let sender = self.address(by);
        Transaction {
            format: Default::default(),
            chain_id: self.spec.chain_id(),
            nonce: self.account(&sender).nonce,
            sender,
            gas_limit,
            gas_price: 0,
            payload,
            authentication: Vec::new(),
        }
    }

    #[track_caller]
    fn run(&mut self, by: &str, gas: u64, payload: Payload, keep: bool) -> Ran {
        let transaction = self.transaction(by, gas, payload);
        let view = self.values.view();
        let result = execute_transaction(&self.engine, &self.environment(), &OpenHooks, view, &transaction);
        let (executed, changes) = match result {
            Ok(Ok(executed)) => executed,
            Ok(Err(invalid)) => panic!("the transaction has no place in a block: {invalid}"),
            Err(fault) => panic!("the engine is in trouble: {fault}"),
        };
        let ran = Ran::new(executed, &transaction.payload, &self.labels);
        if keep {
            self.values.apply(&changes);
            self.labels.follow(&self.values).unwrap_or_else(|error| panic!("{error}"));
        }
        ran
    }

    /// Uploads code if the chain does not have it; its hash.
    #[track_caller]
    fn uploaded(&mut self, code: Code) -> Bytes32 {
        let hash = code_hash(&code.bytes);
        let known = read_record::<CodeRecord>(&self.values, RecordKey::Code(&hash));
        if known.unwrap_or_else(|error| panic!("{error}")).is_none() || self.labels.interface(&hash).is_none() {
            let name = code.name.clone();
            let ran = self.upload(code);
            assert!(ran.receipt.status.is_success(), "code {name} is not taken: {}", ran.receipt.status.name());
        }
        hash
    }
}

/// A contract about to be made. Without more it is made by alice, without value, with all gas there is.
#[must_use = "nothing happens until `contract` or `run`"]
pub struct Deploy<'a> {
    chain: &'a mut Chain,
    code: Code,
    name: Option<String>,
    by: String,
    input: Input,
    value: u128,
    gas: u64,
    salt: Vec<u8>,
}

impl Deploy<'_> {
    /// What to call the contract; the name of its code unless given.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_string());
        self
    }

    /// The constructor's input: `"new(5)"` where the code has an interface, else bytes or [`crate::message`].
    pub fn constructor(mut self, input: impl Into<Input>) -> Self {
        self.input = input.into();
        self
    }

    /// Tells it apart from contracts of the same account, code and input.
    pub fn salt(mut self, salt: impl Into<Vec<u8>>) -> Self {
        self.salt = salt.into();
        self
    }

    /// Makes the contract, which must succeed.
    #[track_caller]
    pub fn contract(self) -> Contract {
        let (contract, ran) = self.run();
        ran.succeeds();
        contract
    }

    /// Makes the contract, whatever comes of it. The address is the one it has, or would have had.
    #[track_caller]
    pub fn run(self) -> (Contract, Ran) {
        let Self { chain, code, name, by, input, value, gas, salt } = self;
        let name = name.unwrap_or_else(|| code.name.clone());
        let code_hash = chain.uploaded(code);
        let input = input.constructor(&chain.labels, &code_hash);
        let address = contract_address(&chain.address(&by), &code_hash, &input, &salt);
        if let Ok(bytes) = address.as_bytes().try_into() {
            chain.labels.name_address(name.clone(), bytes);
            chain.labels.set_contract(bytes, code_hash);
        }
        let ran = chain.run(&by, gas, Payload::Instantiate { code_hash, value, input, salt }, true);
        (Contract { address, name }, ran)
    }
}

/// A call about to be made. Without more it is made by alice, without value, with all gas there is.
#[must_use = "nothing happens until `run`, `succeeds`, `dry` or `simulate`"]
pub struct Call<'a> {
    chain: &'a mut Chain,
    contract: Address,
    input: Input,
    by: String,
    value: u128,
    gas: u64,
}

impl Call<'_> {
    /// Makes the call, whatever comes of it.
    #[track_caller]
    pub fn run(self) -> Ran {
        let (chain, by, gas, payload) = self.planned();
        chain.run(&by, gas, payload, true)
    }

    /// Makes the call, which must succeed.
    #[track_caller]
    pub fn succeeds(self) -> Ran {
        self.run().succeeds()
    }

    /// Makes the call, which must end with this status: `reverted`, `trapped:unreachable`, `out_of_gas`.
    #[track_caller]
    pub fn fails(self, status: &str) -> Ran {
        self.run().fails(status)
    }

    /// What would come of the call; nothing is kept.
    #[track_caller]
    pub fn dry(self) -> Ran {
        let (chain, by, gas, payload) = self.planned();
        chain.run(&by, gas, payload, false)
    }

    /// What would come of the call, how little gas it needs, what it reads and writes; nothing is kept.
    #[track_caller]
    pub fn simulate(self) -> Simulation {
        let (chain, by, gas, payload) = self.planned();
        let transaction = chain.transaction(&by, gas, payload);
        let simulated = simulate(&chain.engine, &chain.environment(), &OpenHooks, chain.values.view(), &transaction);
        match simulated {
            Ok(Ok(simulation)) => simulation,
            Ok(Err(invalid)) => panic!("the transaction has no place in a block: {invalid}"),
            Err(fault) => panic!("the engine is in trouble: {fault}"),
        }
    }
}

/// What every transaction can be told.
macro_rules! sender_value_gas {
    ($transaction:ident) => {
        impl $transaction<'_> {
            /// The account that sends it.
            pub fn by(mut self, name: &str) -> Self {
                self.by = name.to_string();
                self
            }

            /// The value that goes with it to the contract.
            pub fn value(mut self, value: u128) -> Self {
                self.value = value;
                self
            }

            /// The gas limit.
            pub fn gas(mut self, gas: u64) -> Self {
                self.gas = gas;
                self
            }
        }
    };
}
sender_value_gas!(Deploy);
sender_value_gas!(Call);

impl<'a> Call<'a> {
    #[track_caller]
    fn planned(self) -> (&'a mut Chain, String, u64, Payload) {
        let Self { chain, contract, input, by, value, gas } = self;
        let code_hash = chain.code_hash(contract.clone()).unwrap_or_default();
        let input = input.message(&chain.labels, &code_hash);
        (chain, by, gas, Payload::Call { contract, value, input })
    }
}
