//! revm: an ERC-20 compiled by solc 0.8.30 (optimiser, 10,000 runs), and a contract that stops at once.

use revm::bytecode::Bytecode;
use revm::context::TxEnv;
use revm::context::result::{ExecutionResult, Output};
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::{Address, B256, Bytes, TxKind, U256, hex};
use revm::state::AccountInfo;
use revm::{Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext};
use unfork_benches::token::{HOLDERS, holder};

const CALLER: Address = Address::repeat_byte(0x11);
const STOP: Address = Address::repeat_byte(0x33);

type Evm = revm::MainnetEvm<revm::handler::MainnetContext<CacheDB<EmptyDB>>>;

/// The EVM with the token deployed and held.
pub struct Revm {
    evm: Evm,
    token: Address,
    turn: u64,
}

impl Revm {
    /// Deploys the token and gives each holder some.
    pub fn new() -> Self {
        let mut database = CacheDB::new(EmptyDB::default());
        let rich = AccountInfo { balance: U256::MAX >> 1, ..AccountInfo::default() };
        database.insert_account_info(CALLER, rich);
        let code = Bytecode::new_raw(Bytes::from(vec![0]));
        let stop = AccountInfo { code_hash: code.hash_slow(), code: Some(code), nonce: 1, ..AccountInfo::default() };
        database.insert_account_info(STOP, stop);
        let mut evm = Context::mainnet()
            .with_db(database)
            .modify_cfg_chained(|settings| {
                settings.disable_nonce_check = true;
                settings.tx_gas_limit_cap = Some(u64::MAX);
            })
            .modify_block_chained(|block| block.gas_limit = u64::MAX / 4)
            .build_mainnet();
        let mut code = hex::decode(include_str!("token.hex").trim()).expect("hexadecimal bytecode");
        code.extend(U256::from(10).pow(U256::from(30)).to_be_bytes::<32>());
        let created = evm.transact_commit(transaction(TxKind::Create, code)).expect("a creation");
        let ExecutionResult::Success { output: Output::Create(_, Some(token)), .. } = created else {
            panic!("{created:?}")
        };
        let mut revm = Self { evm, token, turn: 0 };
        for _ in 0..HOLDERS {
            revm.transfer(1);
        }
        revm
    }

    /// Transactions that do nothing, each committed.
    pub fn noop(&mut self, count: u32) {
        for _ in 0..count {
            let done = self.evm.transact_commit(transaction(TxKind::Call(STOP), Vec::new())).expect("a call");
            assert!(done.is_success());
        }
    }

    /// Transfers, each committed.
    pub fn transfer(&mut self, count: u32) {
        for _ in 0..count {
            let transfer = self.next_transfer();
            let done = self.evm.transact_commit(transfer).expect("a call");
            assert!(done.is_success() && done.logs().len() == 1);
        }
    }

    /// A block of calls that do nothing, committed at its end.
    pub fn noop_block(&mut self, count: u32) {
        for _ in 0..count {
            let done = self.evm.transact_one(transaction(TxKind::Call(STOP), Vec::new())).expect("a call");
            assert!(done.is_success());
        }
        let state = self.evm.finalize();
        self.evm.commit(state);
    }

    /// A block of transfers, committed at its end.
    pub fn transfer_block(&mut self, count: u32) {
        for _ in 0..count {
            let transfer = self.next_transfer();
            let done = self.evm.transact_one(transfer).expect("a call");
            assert!(done.is_success() && done.logs().len() == 1);
        }
        let state = self.evm.finalize();
        self.evm.commit(state);
    }

    fn next_transfer(&mut self) -> TxEnv {
        let to = Address::from(holder(self.turn));
        self.turn += 1;
        let selector = [0xa9, 0x05, 0x9c, 0xbb];
        let amount = U256::from(1).to_be_bytes::<32>();
        let input = [selector.as_slice(), &B256::left_padding_from(to.as_slice()).0, &amount].concat();
        transaction(TxKind::Call(self.token), input)
    }
}

fn transaction(kind: TxKind, data: Vec<u8>) -> TxEnv {
    let built = TxEnv::builder().caller(CALLER).kind(kind).data(Bytes::from(data)).gas_limit(1_000_000).gas_price(0);
    built.build().expect("a transaction")
}
