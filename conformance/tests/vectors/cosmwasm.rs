//! The slice of CosmWasm, which no released rules admit and no scenario file can upload: a fixed list of blocks runs in all the
//! ways that vectors do. What the profile means is tested in `engine/tests/cosmwasm.rs`, whose contracts these are.

use crate::execute::{Engines, Way};
use crate::folder;
use parity_scale_codec::Encode;
use std::sync::Arc;
use unfork::scenario::Watch;
use unfork_engine::{
    Activation, Address, BlockExecutor, ChainSpec, OpenHooks, Payload, ProfileId, Receipt, Rules, Transaction,
};
use unfork_gas::{LIMITS_V1, V1};
use unfork_state::{Key, Space};

const ALICE: [u8; 32] = [1; 32];
const GAS: u64 = 1_000_000_000;
const ECHO: &str = include_str!("../../../engine/tests/cosmwasm/echo.wat");
const SCANS: &str = include_str!("../../../engine/tests/cosmwasm/scans.wat");
/// An answer without messages, attributes and data, in base64 as messages carry it; and `!`, at which the contract traps.
const PLAIN: &str = "eyJvayI6eyJtZXNzYWdlcyI6W10sImF0dHJpYnV0ZXMiOltdLCJkYXRhIjpudWxsfX0=";
const TRAPS: &str = "IQ==";

/// A chain that admits both profiles.
struct Chain {
    executor: BlockExecutor,
    /// Whether anything was watched.
    watched: bool,
    nonce: u64,
    /// Each block with its receipts, as it is stored.
    blocks: Vec<Vec<u8>>,
}

impl Chain {
    fn new(way: &Way<'_>) -> Self {
        let rules = Rules::new(1, V1, LIMITS_V1, vec![ProfileId::Seal, ProfileId::CosmWasm]);
        let activations = vec![Activation { from_height: 0, rules: Arc::new(rules) }];
        let accounts = vec![(ALICE.into(), 1_000)];
        let spec = Arc::new(ChainSpec::new("both profiles", 0, accounts, activations).expect("a good specification"));
        let engine = way.engine.clone();
        let mut executor = match way.directory {
            None => BlockExecutor::in_memory(engine, spec, Arc::new(OpenHooks)),
            #[cfg(feature = "rocksdb")]
            Some(directory) => {
                let (changes, genesis) = unfork_engine::genesis(&spec).expect("a genesis");
                let (id, body) = (genesis.block.header.id(), genesis.encode());
                let store = unfork_state::Store::create(directory, spec.chain_id(), changes, id, body);
                BlockExecutor::new(engine, spec, Arc::new(OpenHooks), store.expect("a new store"))
            }
            #[cfg(not(feature = "rocksdb"))]
            Some(_) => unreachable!("nothing is on disk without RocksDB"),
        }
        .expect("a chain");
        executor.set_trace(way.watch != Watch::Nothing);
        Self { executor, watched: false, nonce: 0, blocks: Vec::new() }
    }

    /// Executes a block of these, each of which must end as it says.
    fn block(&mut self, payloads: Vec<(Payload, &str)>) -> Vec<Receipt> {
        let (payloads, statuses): (Vec<_>, Vec<_>) = payloads.into_iter().unzip();
        let transactions = payloads.into_iter().map(|payload| {
            let nonce = self.nonce;
            self.nonce += 1;
            Transaction {
                format: Default::default(),
                chain_id: self.executor.chain_id(),
                sender: ALICE.into(),
                nonce,
                gas_limit: GAS,
                gas_price: 0,
                payload,
                authentication: Vec::new(),
            }
        });
        let transactions = transactions.collect();
        let checked = self.executor.propose(self.executor.head().time + 1_000_000_000, transactions).expect("no fault");
        assert!(checked.left_out.is_empty(), "{:?}", checked.left_out);
        self.watched |= checked.traces.iter().any(|trace| !trace.is_empty());
        let stored = self.executor.commit(checked).expect("no fault");
        self.blocks.push(stored.encode());
        let found: Vec<String> = stored.receipts.iter().map(|receipt| receipt.status.name()).collect();
        assert_eq!(found, statuses, "block {}", self.blocks.len());
        stored.receipts
    }

    /// What a contract has stored under `key`.
    fn stored(&self, contract: &Address, key: &[u8]) -> Vec<u8> {
        let space = Space::storage(contract.as_bytes(), 0).expect("an address");
        let key = Key::new(&space, &[[3].as_slice(), key].concat());
        self.executor.store().view().get(&key).expect("state").map_or(Vec::new(), |value| value.to_vec())
    }
}

fn upload(profile: ProfileId, code: Vec<u8>) -> (Payload, &'static str) {
    (Payload::Upload { profile, code }, "returned")
}

fn call<'a>(contract: &Address, input: impl Into<Vec<u8>>, status: &'a str) -> (Payload, &'a str) {
    (Payload::Call { contract: contract.clone(), value: 0, input: input.into() }, status)
}

/// A transfer of the token, as its source reads it.
fn transfer(to: u8, amount: u64) -> Vec<u8> {
    [[1].as_slice(), &[to; 20], &amount.to_le_bytes()].concat()
}

/// An answer that queues one message for `to` and has data of its own, `parent`.
fn queue(to: &Address, message: &str, reply_on: &str) -> String {
    let execute = format!(r#"{{"contract_addr":"{}","msg":"{message}","funds":[]}}"#, hex::encode(to.as_bytes()));
    let message = format!(
        r#"{{"id":7,"payload":"","msg":{{"wasm":{{"execute":{execute}}}}},"gas_limit":null,"reply_on":"{reply_on}"}}"#
    );
    format!(r#"{{"ok":{{"messages":[{message}],"attributes":[],"data":"cGFyZW50"}}}}"#)
}

/// Executes the list, checks what comes of it, and gives all blocks; their headers have the roots.
fn run(way: &Way<'_>) -> Vec<Vec<u8>> {
    let mut chain = Chain::new(way);
    let fixture = folder().join("../../contracts/fixtures/cosmwasm/token.wasm");
    let token = std::fs::read(&fixture).unwrap_or_else(|error| panic!("{}: {error}", fixture.display()));
    let seal = wat::parse_file(folder().join("hostile/caller.wat")).expect("it assembles");
    let [echo, scans] = [ECHO, SCANS].map(|text| wat::parse_str(text).expect("it assembles"));
    let cosmwasm = [token, echo, scans].map(|code| upload(ProfileId::CosmWasm, code));
    let receipts = chain.block(cosmwasm.into_iter().chain([upload(ProfileId::Seal, seal)]).collect());
    let hashes = receipts.into_iter().map(|receipt| receipt.output.try_into().expect("a code hash"));
    let [token, echo, scans, seal] = hashes.collect::<Vec<_>>().try_into().expect("four codes");
    // The second of two contracts of one code is what the first queues a message for.
    let made = [(token, 0), (echo, 0), (echo, 1), (scans, 0), (seal, 0)].map(|(code_hash, salt)| {
        let input = if code_hash == seal { Vec::new() } else { b"{}".to_vec() };
        (Payload::Instantiate { code_hash, value: 0, input, salt: vec![salt] }, "returned")
    });
    let created = chain.block(made.into()).into_iter().map(|receipt| receipt.created.expect("an address"));
    let [token, parent, child, scans, seal] = created.collect::<Vec<_>>().try_into().expect("five contracts");

    // An unmodified contract: 10^15 to begin with, of which 12 go to another account.
    chain.block(vec![
        call(&token, transfer(2, 5), "returned"),
        call(&token, transfer(2, 7), "returned"),
        call(&token, transfer(3, u64::MAX), "trapped:unreachable"),
    ]);
    for (account, amount) in [(1, 999_999_999_999_988u64), (2, 12)] {
        assert_eq!(chain.stored(&token, &[[b'b'].as_slice(), &[account; 20]].concat()), amount.to_le_bytes());
    }

    // One message with a reply, whose data `hi` stand for the contract's own; and ones of which nobody is told.
    let told = chain.block(vec![
        call(&parent, queue(&child, PLAIN, "always"), "returned"),
        call(&parent, queue(&child, PLAIN, "never"), "returned"),
        call(&parent, queue(&child, TRAPS, "never"), "reverted"),
        call(&parent, queue(&child, TRAPS, "error"), "returned"),
    ]);
    let outputs = [0, 1, 3].map(|place| told[place].output.as_slice());
    assert_eq!(outputs, [b"hi".as_slice(), b"parent", b"hi"]);
    let failure = r#"{"gas_used":0,"id":7,"payload":"","result":{"error":"trapped:unreachable"}}"#;
    assert_eq!(chain.stored(&parent, b"r"), failure.as_bytes());

    // A scan over removals and a write of its own frame; then backwards, where the note `o` of the first is found, too.
    chain.block(vec![call(&scans, [1], "returned")]);
    assert_eq!(chain.stored(&scans, b"o"), b"acef");
    chain.block(vec![call(&scans, [2], "returned")]);
    assert_eq!(chain.stored(&scans, b"o"), b"ofeca");

    // A contract of the other profile calls one of this: flags, address, gas, value; then the message. Code 0, then the data.
    let answer = r#"{"ok":{"messages":[],"attributes":[],"data":"cmF3"}}"#;
    let input = [&[0; 4], child.as_bytes(), &[0; 8], &[0; 16], answer.as_bytes()].concat();
    assert_eq!(chain.block(vec![call(&seal, input, "returned")])[0].output, b"\0\0\0\0raw");
    assert_eq!(chain.watched, way.watch != Watch::Nothing);
    chain.blocks
}

#[test]
fn contracts_of_the_slice_give_the_same_bytes_however_they_are_executed() {
    let engines = Engines::new();
    let blocks = engines.in_every_way(run, |one, other, how| {
        for (height, (one, other)) in (1..).zip(one.iter().zip(other)) {
            assert!(one == other, "block {height} is another one {how}");
        }
        assert_eq!(one.len(), other.len(), "{how}");
    });
    assert_eq!(blocks.len(), 7);
    engines.assert_kept();
}
