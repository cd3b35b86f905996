//! A chain with the tokens of `make bench-call`: the C token and the ink! ERC-20, each with 10,000 holders, and blocks
//! of transactions to them.

use crate::signed::{SignedHooks, Signer};
use std::sync::Arc;
use unfork_engine::{
    Address, BlockContext, BlockExecutor, BlockOutcome, ChainSpec, Checked, Engine, Environment, Format, Hooks,
    OpenHooks, Payload, ProfileId, Stopwatch, Transaction, execute_block,
};

/// Holders of each token.
pub const HOLDERS: u64 = 10_000;

/// Transactions of a block.
pub const BLOCK: u64 = 1_000;

const SENDER: [u8; 32] = [0xa1; 32];

/// The C token over the seal interface; `benches/peers` runs the same over CosmWasm's.
pub const C_TOKEN: &[u8] = include_bytes!("../../contracts/fixtures/plain/token.wasm");
/// The same token over CosmWasm's interface.
pub const COSMWASM_TOKEN: &[u8] = include_bytes!("../../contracts/fixtures/cosmwasm/token.wasm");
/// The ink! ERC-20.
pub const INK_TOKEN: &[u8] = include_bytes!("../../contracts/fixtures/ink-5.1/erc20.wasm");

/// What a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A call of the C token that returns at once.
    Noop,
    /// A transfer of the C token to one of the holders in turn: two reads, two writes, an event.
    Transfer,
    /// A transfer of the ink! ERC-20 to one of the holders in turn.
    InkTransfer,
    /// 10,000 rounds of SHA-256 in the contract.
    Sha256,
    /// The 25th Fibonacci number, recursively.
    Fibonacci,
}

impl Work {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::Noop, Self::Transfer, Self::InkTransfer, Self::Sha256, Self::Fibonacci];

    /// What it is called in the output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Noop => "noop",
            Self::Transfer => "transfer",
            Self::InkTransfer => "ink-transfer",
            Self::Sha256 => "sha256-10k",
            Self::Fibonacci => "fib-25",
        }
    }
}

/// The input of the C token, on every interface, for the transaction of this number.
#[must_use]
pub fn c_input(work: Work, number: u64) -> Vec<u8> {
    match work {
        Work::Transfer => [&[1], holder(number).as_slice(), &1u64.to_le_bytes()].concat(),
        Work::Sha256 => [&[2], 10_000u32.to_le_bytes().as_slice()].concat(),
        Work::Fibonacci => [&[3], 25u32.to_le_bytes().as_slice()].concat(),
        Work::Noop | Work::InkTransfer => vec![0; 5],
    }
}

/// The address of a holder, for whoever has addresses of 20 bytes.
#[must_use]
pub fn holder(number: u64) -> [u8; 20] {
    let mut address = [0x77; 20];
    address[..8].copy_from_slice(&(number % HOLDERS).to_le_bytes());
    address
}

/// A chain on which both tokens are deployed and held.
pub struct Tokens {
    /// The chain; its head is behind the deployment.
    pub executor: BlockExecutor,
    engine: Engine,
    c_token: Address,
    ink_token: Address,
    nonce: u64,
    /// Who signs, where transactions are signed.
    signer: Option<Signer>,
    hooks: Arc<dyn Hooks>,
}

impl Tokens {
    /// Over a new store in memory.
    ///
    /// # Panics
    /// When a transaction of the deployment does not succeed.
    #[must_use]
    pub fn in_memory(engine: &Engine) -> Self {
        Self::deploy(engine, None, |spec, hooks| {
            BlockExecutor::in_memory(engine.clone(), spec, hooks).expect("a chain in memory")
        })
    }

    /// Over a new store in `directory`; with a signer, every transaction is signed and the chain checks it.
    ///
    /// # Panics
    /// As [`Tokens::in_memory`], and when the store cannot be made.
    #[cfg(feature = "rocksdb")]
    #[must_use]
    pub fn on_disk(engine: &Engine, directory: &std::path::Path, signer: Option<Signer>) -> Self {
        use parity_scale_codec::Encode;
        use unfork_engine::genesis;
        use unfork_state::Store;
        Self::deploy(engine, signer, |spec, hooks| {
            let (changes, block) = genesis(&spec).expect("a genesis");
            let id = block.block.header.id();
            let store = Store::create(directory, spec.chain_id(), changes, id, block.encode()).expect("a new store");
            BlockExecutor::new(engine.clone(), spec, hooks, store).expect("a chain on disk")
        })
    }

    fn deploy(
        engine: &Engine,
        signer: Option<Signer>,
        chain: impl FnOnce(Arc<ChainSpec>, Arc<dyn Hooks>) -> BlockExecutor,
    ) -> Self {
        let sender = sender(signer.as_ref());
        let spec = ChainSpec::released("bench", 0, vec![(sender, 1 << 100)]).expect("a good specification");
        let hooks: Arc<dyn Hooks> = if signer.is_some() { Arc::new(SignedHooks) } else { Arc::new(OpenHooks) };
        let nowhere = Address::from([0; 32]);
        let (c_token, ink_token) = (nowhere.clone(), nowhere);
        let executor = chain(Arc::new(spec), Arc::clone(&hooks));
        let mut tokens = Self { executor, engine: engine.clone(), c_token, ink_token, nonce: 0, signer, hooks };
        tokens.c_token = tokens.create(C_TOKEN, Vec::new());
        let supply = (1u128 << 100).to_le_bytes();
        tokens.ink_token = tokens.create(INK_TOKEN, [[0x9b, 0xae, 0x9d, 0x5e].as_slice(), &supply].concat());
        for work in [Work::Transfer, Work::InkTransfer] {
            for _ in 0..HOLDERS.div_euclid(BLOCK) {
                let block = tokens.block(work, BLOCK);
                tokens.commit(block);
            }
        }
        tokens
    }

    /// Makes contracts of `count` codes that differ in a custom section only.
    ///
    /// # Panics
    /// When a transaction does not succeed.
    pub fn create_copies(&mut self, code: &[u8], input: &[u8], count: u32) -> Vec<Address> {
        let copy = |number: u32| {
            // A custom section of six bytes: its name, of one letter, and the number.
            let section = [[0, 6, 1, b'n'].as_slice(), &number.to_le_bytes()].concat();
            self.create(&[code, &section].concat(), input.to_vec())
        };
        (0..count).map(copy).collect()
    }

    /// A block that calls each of these contracts.
    #[must_use]
    pub fn calls(&self, contracts: &[Address], input: &[u8]) -> Vec<Transaction> {
        let call = |(nonce, contract): (u64, &Address)| {
            let payload = Payload::Call { contract: contract.clone(), value: 0, input: input.to_vec() };
            self.signed(Transaction { nonce, gas_limit: 10_000_000, ..self.transaction(payload) })
        };
        (self.nonce..).zip(contracts).map(call).collect()
    }

    /// Uploads a code, and makes a contract of it.
    ///
    /// # Panics
    /// When a transaction does not succeed.
    pub fn create(&mut self, code: &[u8], input: Vec<u8>) -> Address {
        let upload = self.transaction(Payload::Upload { profile: ProfileId::Seal, code: code.to_vec() });
        let code_hash = self.commit(vec![self.signed(upload)])[0].0.clone().try_into().expect("a code hash");
        let create = self.transaction(Payload::Instantiate { code_hash, value: 0, input, salt: Vec::new() });
        self.commit(vec![self.signed(create)])[0].1.clone().expect("an address")
    }

    fn signed(&self, transaction: Transaction) -> Transaction {
        match &self.signer {
            Some(signer) => signer.sign(transaction),
            None => transaction,
        }
    }

    fn transaction(&self, payload: Payload) -> Transaction {
        Transaction {
            format: Format::V1,
            chain_id: self.executor.chain_id(),
            sender: sender(self.signer.as_ref()),
            nonce: self.nonce,
            gas_limit: 1_000_000_000,
            gas_price: 0,
            payload,
            authentication: vec![0; 64],
        }
    }

    /// A block of `count` transactions that may follow the head.
    #[must_use]
    pub fn block(&self, work: Work, count: u64) -> Vec<Transaction> {
        let transactions = (self.nonce..self.nonce + count).map(|nonce| {
            let (contract, input) = match work {
                Work::InkTransfer => {
                    let mut to = [0; 32];
                    to[..20].copy_from_slice(&holder(nonce));
                    let selector = [0x84, 0xa1, 0x5d, 0xa1];
                    (&self.ink_token, [selector.as_slice(), &to, &1u128.to_le_bytes()].concat())
                }
                work => (&self.c_token, c_input(work, nonce)),
            };
            let payload = Payload::Call { contract: contract.clone(), value: 0, input };
            let gas_limit = if matches!(work, Work::Sha256 | Work::Fibonacci) { 1_000_000_000 } else { 10_000_000 };
            self.signed(Transaction { nonce, gas_limit, ..self.transaction(payload) })
        });
        transactions.collect()
    }

    /// Where the next block is executed.
    #[must_use]
    pub fn environment(&self) -> Environment {
        let block = BlockContext { height: self.executor.head().height + 1, time: 1 };
        Environment::new(Arc::clone(self.executor.spec()), block)
    }

    /// Executes a block on the head without computing a root or keeping anything.
    ///
    /// # Panics
    /// When a transaction does not succeed.
    #[must_use]
    pub fn execute(&self, engine: &Engine, block: &[Transaction]) -> BlockOutcome {
        self.execute_in(engine, block, &self.environment())
    }

    /// As [`Tokens::execute`], telling a stopwatch which part of a call begins.
    ///
    /// # Panics
    /// As [`Tokens::execute`].
    #[must_use]
    pub fn execute_watched(&self, engine: &Engine, block: &[Transaction], stopwatch: Stopwatch) -> BlockOutcome {
        self.execute_in(engine, block, &Environment { stopwatch: Some(stopwatch), ..self.environment() })
    }

    /// Gas that one transaction of this kind uses.
    ///
    /// # Panics
    /// As [`Tokens::execute`].
    #[must_use]
    pub fn gas(&self, work: Work) -> u64 {
        self.execute(&self.engine, &self.block(work, 1)).receipts[0].gas_used
    }

    fn execute_in(&self, engine: &Engine, block: &[Transaction], environment: &Environment) -> BlockOutcome {
        let view = self.executor.store().view();
        let outcome = execute_block(engine, environment, self.hooks.as_ref(), view, block).expect("a good block");
        assert!(outcome.receipts.iter().all(|receipt| receipt.status.is_success()), "{:?}", outcome.receipts[0]);
        outcome
    }

    /// Executes a block with its roots.
    ///
    /// # Panics
    /// When the block is not good.
    #[must_use]
    pub fn check(&self, block: Vec<Transaction>) -> Checked {
        self.executor.execute_next(1, block).expect("a good block")
    }

    /// Executes a block with its root and commits it, both syncs included on disk; gives outputs and addresses.
    ///
    /// # Panics
    /// When a transaction does not succeed.
    pub fn commit(&mut self, block: Vec<Transaction>) -> Vec<(Vec<u8>, Option<Address>)> {
        let checked = self.check(block);
        self.keep(checked)
    }

    /// Commits a checked block, both syncs included on disk; gives outputs and addresses.
    ///
    /// # Panics
    /// When a transaction did not succeed.
    pub fn keep(&mut self, checked: Checked) -> Vec<(Vec<u8>, Option<Address>)> {
        let stored = self.executor.commit(checked).expect("a commit");
        self.nonce += stored.receipts.len() as u64;
        let receipts = stored.receipts.into_iter().map(|receipt| {
            assert!(receipt.status.is_success(), "{receipt:?}");
            (receipt.output, receipt.created)
        });
        receipts.collect()
    }

    /// The engine that the chain was made with.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

/// Who sends every transaction.
fn sender(signer: Option<&Signer>) -> Address {
    signer.map_or_else(|| SENDER.into(), Signer::address)
}
