//! A chain in memory for the tests of this crate.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;
use std::sync::Arc;
use unfork_engine::{
    Address, BlockExecutor, ChainSpec, Checked, Engine, Hash, OpenHooks, Payload, ProfileId, Receipt, Status,
    Transaction,
};

pub const ALICE: [u8; 32] = [1; 32];
pub const BOB: [u8; 32] = [2; 32];
pub const COINS: u128 = 1_000_000_000;
pub const GAS: u64 = 1_000_000_000;

pub struct Chain {
    pub executor: BlockExecutor,
}

pub fn spec() -> Arc<ChainSpec> {
    let accounts = vec![(ALICE.into(), COINS), (BOB.into(), COINS)];
    Arc::new(ChainSpec::released("test", 0, accounts).expect("a good specification"))
}

/// The code of `contracts/fixtures/NAME.wasm`.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/fixtures").join(name).with_extension("wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The assembled contract of `conformance/vectors/hostile/NAME.wat`.
pub fn hostile(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/vectors/hostile");
    let path = folder.join(name).with_extension("wat");
    wat::parse_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Chain {
    pub fn new() -> Self {
        Self::with(Engine::new().expect("the self-test passes"))
    }

    pub fn with(engine: Engine) -> Self {
        let executor = BlockExecutor::in_memory(engine, spec(), Arc::new(OpenHooks)).expect("a chain");
        Self { executor }
    }

    pub fn nonce(&self, sender: [u8; 32]) -> u64 {
        let key = unfork_engine::RecordKey::Account(&sender.into());
        let account = unfork_engine::read_record::<unfork_engine::Account>(self.executor.store().view().as_ref(), key);
        account.expect("state").map_or(0, |account| account.nonce)
    }

    pub fn balance(&self, of: &Address) -> u128 {
        let key = unfork_engine::RecordKey::Account(of);
        let account = unfork_engine::read_record::<unfork_engine::Account>(self.executor.store().view().as_ref(), key);
        account.expect("state").map_or(0, |account| account.balance)
    }

    pub fn transaction(&self, sender: [u8; 32], gas_limit: u64, payload: Payload) -> Transaction {
        Transaction {
            format: Default::default(),
            chain_id: self.executor.chain_id(),
            sender: sender.into(),
            nonce: self.nonce(sender),
            gas_limit,
            gas_price: 0,
            payload,
            authentication: Vec::new(),
        }
    }

    pub fn propose(&self, transactions: Vec<Transaction>) -> Checked {
        self.executor.propose(self.executor.head().time + 1_000_000_000, transactions).expect("no fault")
    }

    pub fn run(&mut self, gas_limit: u64, payload: Payload) -> Receipt {
        let transaction = self.transaction(ALICE, gas_limit, payload);
        let checked = self.propose(vec![transaction]);
        assert!(checked.left_out.is_empty(), "{:?}", checked.left_out);
        let stored = self.executor.commit(checked).expect("no fault");
        stored.receipts.into_iter().next().expect("one receipt")
    }

    /// All of them in one block.
    pub fn run_all(&mut self, payloads: Vec<Payload>) -> Vec<Receipt> {
        let first = self.nonce(ALICE);
        let transactions = (first..).zip(payloads).map(|(nonce, payload)| {
            let transaction = self.transaction(ALICE, 20_000_000, payload);
            Transaction { nonce, ..transaction }
        });
        let checked = self.propose(transactions.collect());
        assert!(checked.left_out.is_empty(), "{:?}", checked.left_out);
        self.executor.commit(checked).expect("no fault").receipts
    }

    pub fn upload(&mut self, code: Vec<u8>) -> Hash {
        let receipt = self.run(GAS, Payload::Upload { profile: ProfileId::Seal, code });
        assert_eq!(receipt.status, Status::Returned, "upload");
        receipt.output.try_into().expect("a code hash")
    }

    pub fn instantiate(&mut self, code_hash: Hash, value: u128, input: &[u8]) -> Address {
        let payload = Payload::Instantiate { code_hash, value, input: input.to_vec(), salt: Vec::new() };
        let receipt = self.run(GAS, payload);
        assert_eq!(receipt.status, Status::Returned, "instantiate");
        receipt.created.expect("an address")
    }

    /// Uploads and instantiates without input.
    pub fn deploy(&mut self, code: Vec<u8>) -> Address {
        let code_hash = self.upload(code);
        self.instantiate(code_hash, 0, &[])
    }

    pub fn call(&mut self, contract: &Address, gas_limit: u64, input: &[u8]) -> Receipt {
        self.run(gas_limit, Payload::Call { contract: contract.clone(), value: 0, input: input.to_vec() })
    }
}
