//! The kernel knows no ABI: a thin slice of CosmWasm runs on it. Contracts allocate for the host on their own instance,
//! queue messages with replies, and scan over what is not committed; and the two profiles call each other.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{ALICE, BOB, COINS, Chain, GAS};
use std::sync::Arc;
use unfork_engine::{
    Activation, Address, BlockExecutor, ChainSpec, Engine, OpenHooks, Payload, ProfileId, Receipt, Rules, Status,
    Transaction,
};
use unfork_gas::{LIMITS_V1, Limits, V1};
use unfork_state::{Key, Space, Value};

fn chain() -> Chain {
    chain_of(vec![(ALICE.into(), COINS), (BOB.into(), COINS)], &LIMITS_V1)
}

fn chain_of(accounts: Vec<(Address, u128)>, limits: &Limits) -> Chain {
    let rules = Rules::new(1, V1.clone(), limits.clone(), vec![ProfileId::Seal, ProfileId::CosmWasm]);
    let activations = vec![Activation { from_height: 0, rules: Arc::new(rules) }];
    let spec = ChainSpec::new("test", 0, accounts, activations).expect("a good specification");
    let engine = Engine::new().expect("the self-test passes");
    Chain { executor: BlockExecutor::in_memory(engine, Arc::new(spec), Arc::new(OpenHooks)).expect("a chain") }
}

fn deploy(chain: &mut Chain, code: Vec<u8>, salt: u8) -> Address {
    let receipt = chain.run(GAS, Payload::Upload { profile: ProfileId::CosmWasm, code });
    assert_eq!(receipt.status, Status::Returned, "upload");
    let code_hash = receipt.output.try_into().expect("a code hash");
    let receipt =
        chain.run(GAS, Payload::Instantiate { code_hash, value: 0, input: vec![b'{', b'}'], salt: vec![salt] });
    assert_eq!(receipt.status, Status::Returned, "instantiate");
    receipt.created.expect("an address")
}

/// What a contract of the profile has stored under `key`.
fn stored(chain: &Chain, contract: &Address, key: &[u8]) -> Option<Value> {
    let space = Space::storage(contract.as_bytes(), 0).expect("an address");
    chain.executor.store().view().get(&Key::new(&space, &[[3].as_slice(), key].concat())).expect("state")
}

fn transfer(to: u8, amount: u64) -> Vec<u8> {
    [[1].as_slice(), &[to; 20], &amount.to_le_bytes()].concat()
}

fn balance(chain: &Chain, contract: &Address, of: u8) -> Option<u64> {
    let value = stored(chain, contract, &[[b'b'].as_slice(), &[of; 20]].concat())?;
    Some(u64::from_le_bytes(value.as_ref().try_into().expect("eight bytes")))
}

#[test]
fn an_unmodified_contract_runs() {
    let mut chain = chain();
    let token = deploy(&mut chain, chain::fixture("cosmwasm/token"), 0);
    assert_eq!(balance(&chain, &token, 1), Some(1_000_000_000_000_000));
    let first = chain.call(&token, GAS, &transfer(2, 5));
    assert_eq!(first.status, Status::Returned);
    // The attribute, as SCALE: one pair of texts.
    assert_eq!(first.events[0].data, [&[4, 24], b"action".as_slice(), &[32], b"transfer"].concat());
    let second = chain.call(&token, GAS, &transfer(2, 7));
    // The first transfer reads nothing under the receiver's key, the second allocates room for eight bytes.
    assert!(second.gas_used > first.gas_used);
    assert_eq!((balance(&chain, &token, 1), balance(&chain, &token, 2)), (Some(999_999_999_999_988), Some(12)));
    assert_eq!(chain.call(&token, GAS, &transfer(3, u64::MAX)).status.name(), "trapped:unreachable");
    assert_eq!(balance(&chain, &token, 3), None);
    // Whatever the gas is, the host's calls of `allocate` are paid for by it.
    for gas in [second.gas_used - 1, second.gas_used - 1_000, second.gas_used - 20_000] {
        assert_eq!(chain.call(&token, gas, &transfer(2, 7)).status, Status::OutOfGas, "{gas}");
    }
    assert_eq!(chain.call(&token, second.gas_used, &transfer(2, 7)).status, Status::Returned);
}

#[test]
fn a_call_of_the_contract_by_a_host_function_is_a_level_of_depth() {
    for (depth, status) in [(1, "exhausted:call_depth"), (2, "returned")] {
        let mut limits = LIMITS_V1.clone();
        assert!(limits.set("call_depth_max", depth));
        let mut chain = chain_of(vec![(ALICE.into(), COINS)], &limits);
        let token = deploy(&mut chain, chain::fixture("cosmwasm/token"), 0);
        // What is allocated for the arguments is no level of its own; what `db_read` gives is.
        assert_eq!(chain.call(&token, GAS, &transfer(2, 5)).status.name(), status, "{depth}");
    }
}

const ECHO: &str = include_str!("cosmwasm/echo.wat");

const PLAIN: &str = r#"{"ok":{"messages":[],"attributes":[],"data":null}}"#;

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
    let digit =
        |bits: &[u8]| bits.iter().chain([0; 5].iter()).take(6).fold(0usize, |digit, bit| digit << 1 | *bit as usize);
    let mut text: String = bits.chunks(6).map(|bits| char::from(DIGITS[digit(bits)])).collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// An answer that queues `message` for `to`.
fn queue(to: &Address, message: &[u8], reply_on: &str) -> String {
    let to: String = to.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let execute = format!(r#"{{"contract_addr":"{to}","msg":"{}","funds":[]}}"#, base64(message));
    let message = format!(
        r#"{{"id":7,"payload":"bm90ZQ==","msg":{{"wasm":{{"execute":{execute}}}}},"gas_limit":null,"reply_on":"{reply_on}"}}"#
    );
    format!(r#"{{"ok":{{"messages":[{message}],"attributes":[],"data":"cGFyZW50"}}}}"#)
}

#[test]
fn messages_run_after_the_contract_and_replies_tell_of_them() {
    let mut chain = chain();
    let [parent, child] = [0, 1].map(|salt| deploy(&mut chain, wat::parse_str(ECHO).expect("it assembles"), salt));
    let mut ask = |answer: &str| -> (Receipt, Option<String>) {
        let receipt = chain.call(&parent, GAS, answer.as_bytes());
        let told = stored(&chain, &parent, b"r").map(|value| String::from_utf8(value.to_vec()).expect("a text"));
        (receipt, told)
    };
    // Nobody asks for a reply: the contract's own data stay, and a failure is the contract's.
    let (receipt, told) = ask(&queue(&child, PLAIN.as_bytes(), "never"));
    assert_eq!((receipt.status, receipt.output.as_slice(), told), (Status::Returned, b"parent".as_slice(), None));
    let (receipt, told) = ask(&queue(&child, b"!", "never"));
    assert_eq!((receipt.status, told), (Status::Reverted, None));
    assert_eq!(ask(&queue(&child, b"!", "success")).0.status, Status::Reverted);
    // A reply to a failure: the message is undone, the contract goes on, and the reply's data stand for its own.
    let (receipt, told) = ask(&queue(&child, b"!", "error"));
    assert_eq!((receipt.status, receipt.output.as_slice()), (Status::Returned, b"hi".as_slice()));
    let failure = r#"{"gas_used":0,"id":7,"payload":"bm90ZQ==","result":{"error":"trapped:unreachable"}}"#;
    assert_eq!(told.as_deref(), Some(failure));
    // A reply to a success carries the message's data; that of the message's own message comes before.
    let inner = queue(&child, PLAIN.as_bytes(), "never");
    let (receipt, told) = ask(&queue(&child, inner.as_bytes(), "always"));
    assert_eq!((receipt.status, receipt.output.as_slice()), (Status::Returned, b"hi".as_slice()));
    let success = r#"{"ok":{"data":"cGFyZW50","events":[],"msg_responses":[]}}"#;
    assert!(told.expect("a reply").ends_with(&format!(r#""result":{success}}}"#)));
    // Messages nest as calls do, and each level of them counts; base64 makes a deeper one longer than an input may be.
    let nested = (0..8).fold(PLAIN.to_string(), |answer, _| queue(&child, answer.as_bytes(), "never"));
    assert_eq!(ask(&nested).0.status, Status::Returned);
}

#[test]
fn an_answer_that_is_none_traps_and_an_error_reverts() {
    let mut chain = chain();
    let echo = deploy(&mut chain, wat::parse_str(ECHO).expect("it assembles"), 0);
    let mut ask = |answer: &str| chain.call(&echo, GAS, answer.as_bytes());
    assert_eq!(ask("{").status.name(), "trapped:invalid_argument");
    assert_eq!(ask(r#"{"ok":{}}"#).status.name(), "trapped:invalid_argument");
    assert_eq!(ask(&"[".repeat(50_000)).status.name(), "trapped:invalid_argument");
    let receipt = ask(r#"{"error":"no"}"#);
    assert_eq!((receipt.status, receipt.output), (Status::Reverted, b"no".to_vec()));
}

const SCANS: &str = include_str!("cosmwasm/scans.wat");

#[test]
fn scans_see_what_is_not_committed() {
    for (order, expected) in [(1u8, b"acef".as_slice()), (2, b"feca")] {
        let mut chain = chain();
        let contract = deploy(&mut chain, wat::parse_str(SCANS).expect("it assembles"), 0);
        let first = chain.call(&contract, GAS, &[order]);
        assert_eq!(first.status, Status::Returned);
        assert_eq!(stored(&chain, &contract, b"o").as_deref(), Some(expected), "order {order}");
        assert_eq!(stored(&chain, &contract, b"b"), None);
    }
    let mut chain = chain();
    let contract = deploy(&mut chain, wat::parse_str(SCANS).expect("it assembles"), 0);
    assert_eq!(chain.call(&contract, GAS, &[3]).status.name(), "trapped:invalid_argument");
}

/// A code that either profile takes; the one has no `execute`.
const EITHER: &str = r#"(module
  (memory (export "memory") 1)
  (data (i32.const 16) "\80\00\00\00\32\00\00\00\32\00\00\00")
  (data (i32.const 128) "{\22ok\22:{\22messages\22:[],\22attributes\22:[],\22data\22:null}}")
  (func (export "deploy"))
  (func (export "call"))
  (func (export "allocate") (param i32) (result i32) (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1024)) (i32.const 0))
  (func (export "deallocate") (param i32))
  (func (export "instantiate") (param i32 i32 i32) (result i32) (i32.const 16)))"#;

#[test]
fn a_code_has_one_profile_and_that_of_the_chain() {
    let code = wat::parse_str(EITHER).expect("it assembles");
    let upload =
        |chain: &mut Chain, profile| chain.run(GAS, Payload::Upload { profile, code: code.clone() }).status.name();
    let mut chain = chain();
    assert_eq!(upload(&mut chain, ProfileId::CosmWasm), "returned");
    assert_eq!(upload(&mut chain, ProfileId::CosmWasm), "returned", "the same again is no failure");
    assert_eq!(upload(&mut chain, ProfileId::Seal), "refused:other_profile");
    let contract = deploy(&mut chain, code.clone(), 0);
    assert_eq!(chain.call(&contract, GAS, b"{}").status.name(), "trapped:export_missing");
    // Released rules have one profile.
    assert_eq!(upload(&mut Chain::new(), ProfileId::CosmWasm), "refused:unknown_profile");
}

#[test]
fn a_profile_may_want_addresses_of_one_length() {
    let short = Address::new(&[7; 20]).expect("an address");
    let mut chain = chain_of(vec![(ALICE.into(), COINS), (short.clone(), COINS)], &LIMITS_V1);
    let echo = deploy(&mut chain, wat::parse_str(ECHO).expect("it assembles"), 0);
    let seal = chain.deploy(wat::parse_str(CALLER).expect("it assembles"));
    let statuses = [echo, seal].map(|contract| {
        let payload = Payload::Call { contract, value: 0, input: PLAIN.into() };
        let transaction = Transaction { sender: short.clone(), nonce: 0, ..chain.transaction(ALICE, GAS, payload) };
        chain.propose(vec![transaction]).stored.receipts[0].status.name()
    });
    assert_eq!(statuses, ["returned", "refused:address_length"]);
}

/// Calls the address in the first 32 bytes of its input with the rest, and returns the output.
const CALLER: &str = r#"(module
  (import "seal1" "call" (func $call (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 2000))
    (call $input (i32.const 64) (i32.const 0))
    (i32.store (i32.const 4) (i32.const 100))
    (drop (call $call (i32.const 8) (i32.const 64) (i64.const 0) (i32.const 16) (i32.const 96)
      (i32.sub (i32.load (i32.const 0)) (i32.const 32)) (i32.const 3000) (i32.const 4)))
    (call $return (i32.const 0) (i32.const 3000) (i32.load (i32.const 4)))))"#;

#[test]
fn profiles_call_each_other_with_raw_bytes() {
    let mut chain = chain();
    let echo = deploy(&mut chain, wat::parse_str(ECHO).expect("it assembles"), 0);
    let caller = chain.deploy(wat::parse_str(CALLER).expect("it assembles"));
    let answer = r#"{"ok":{"messages":[],"attributes":[],"data":"cmF3"}}"#;
    // seal → CosmWasm: the input is the message, the output is the data.
    let receipt = chain.call(&caller, GAS, &[echo.as_bytes(), answer.as_bytes()].concat());
    assert_eq!((receipt.status, receipt.output.as_slice()), (Status::Returned, b"raw".as_slice()));
    // CosmWasm → seal → CosmWasm, and what came of it in the reply.
    let message = [echo.as_bytes(), answer.as_bytes()].concat();
    let receipt = chain.call(&echo, GAS, queue(&caller, &message, "success").as_bytes());
    assert_eq!((receipt.status, receipt.output.as_slice()), (Status::Returned, b"hi".as_slice()));
    let told = stored(&chain, &echo, b"r").expect("a reply");
    assert!(String::from_utf8_lossy(&told).contains(r#""data":"cmF3""#));
}
