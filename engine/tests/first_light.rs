//! The whole path once: upload, instantiate, call, block, commit, on the flipper of ink! 5.1.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

use std::sync::Arc;
use unfork_engine::{
    Address, BlockExecutor, ChainSpec, Engine, OpenHooks, Payload, ProfileId, Receipt, Status, Transaction,
};

const ALICE: [u8; 32] = [1; 32];

struct Chain {
    executor: BlockExecutor,
    nonce: u64,
}

impl Chain {
    fn new() -> Self {
        let spec = ChainSpec::released("test", 0, vec![(ALICE.into(), 1_000_000)]).expect("a good specification");
        let engine = Engine::new().expect("the self-test passes");
        let executor = BlockExecutor::in_memory(engine, Arc::new(spec), Arc::new(OpenHooks)).expect("a chain");
        Self { executor, nonce: 0 }
    }

    fn run(&mut self, payload: Payload) -> Receipt {
        let transaction = Transaction {
            format: Default::default(),
            chain_id: self.executor.chain_id(),
            sender: Address::from(ALICE),
            nonce: self.nonce,
            gas_limit: 1_000_000_000,
            gas_price: 0,
            payload,
            authentication: Vec::new(),
        };
        self.nonce += 1;
        let checked = self.executor.propose(self.nonce * 1_000_000_000, vec![transaction]).expect("no fault");
        assert!(checked.left_out.is_empty(), "{:?}", checked.left_out);
        let stored = self.executor.commit(checked).expect("no fault");
        stored.receipts.into_iter().next().expect("one receipt")
    }
}

#[test]
fn flipper_flips() {
    let mut chain = Chain::new();
    let code = include_bytes!("../../contracts/fixtures/ink-5.1/flipper.wasm").to_vec();
    let upload = chain.run(Payload::Upload { profile: ProfileId::Seal, code });
    assert_eq!(upload.status, Status::Returned, "{upload:?}");
    let code_hash = upload.output.try_into().expect("32 bytes");
    let new = vec![0x9b, 0xae, 0x9d, 0x5e, 1];
    let created = chain.run(Payload::Instantiate { code_hash, value: 0, input: new, salt: vec![] });
    assert_eq!(created.status, Status::Returned, "{created:?}");
    let contract = created.created.expect("an address");
    let call = |input: [u8; 4]| Payload::Call { contract: contract.clone(), value: 0, input: input.to_vec() };
    let get = [0x2f, 0x86, 0x5b, 0xd9];
    assert_eq!(chain.run(call(get)).output, [0, 1]);
    let flip = chain.run(call([0x63, 0x3a, 0xa5, 0x51]));
    assert_eq!(flip.status, Status::Returned);
    let after = chain.run(call(get));
    assert_eq!(after.output, [0, 0]);
    println!(
        "gas: upload {} instantiate {} flip {} get {}",
        upload.gas_used, created.gas_used, flip.gas_used, after.gas_used
    );
}
