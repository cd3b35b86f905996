//! Removing a contract takes one step; what it stored is out of reach at once and swept by later blocks.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{ALICE, BOB, COINS, Chain, GAS};
use std::sync::Arc;
use unfork_engine::{
    Activation, Address, BlockExecutor, ChainSpec, Contract, Engine, OpenHooks, Payload, ProfileId, RecordKey, Rules,
    Status, read_record,
};
use unfork_gas::{LIMITS_V1, V1};
use unfork_state::{Range, Space};

/// Its constructor writes 25 keys. A call without input ends it in favour of the account of 32 twos; one with input
/// returns the length of key 0, or 0xFFFFFFFF.
const KEEPER: &str = r#"(module
  (import "env" "memory" (memory 1 1))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "contains_storage" (func $contains (param i32 i32) (result i32)))
  (import "seal1" "seal_terminate" (func $terminate (param i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (data (i32.const 64) "\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02\02")
  (func (export "deploy") (local $i i32)
    (loop $again
      (i32.store (i32.const 0) (local.get $i))
      (drop (call $set (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 25)))))
  (func (export "call")
    (i32.store (i32.const 8) (i32.const 16))
    (call $input (i32.const 16) (i32.const 8))
    (if (i32.eqz (i32.load (i32.const 8))) (then (call $terminate (i32.const 64))))
    (i32.store (i32.const 32) (call $contains (i32.const 0) (i32.const 4)))
    (call $return (i32.const 0) (i32.const 32) (i32.const 4))))"#;

/// A chain that sweeps ten keys a block.
fn sweeping_ten() -> Chain {
    let mut limits = LIMITS_V1;
    assert!(limits.set("swept_keys_max", 10));
    let rules = Arc::new(Rules::new(1, V1, limits, vec![ProfileId::Seal]));
    let accounts = vec![(ALICE.into(), COINS)];
    let spec = ChainSpec::new("sweep", 0, accounts, vec![Activation { from_height: 0, rules }]).expect("good");
    let engine = Engine::new().expect("the self-test passes");
    let executor = BlockExecutor::in_memory(engine, Arc::new(spec), Arc::new(OpenHooks)).expect("a chain");
    Chain { executor }
}

fn stored(chain: &Chain, contract: &Address, incarnation: u64) -> usize {
    let space = Space::storage(contract.as_bytes(), incarnation).expect("a space");
    chain.executor.store().view().scan(&Range::all(space), 1_000).expect("state").len()
}

fn record(chain: &Chain, contract: &Address) -> Option<Contract> {
    read_record(chain.executor.store().view().as_ref(), RecordKey::Contract(contract)).expect("state")
}

#[test]
fn storage_is_out_of_reach_at_once_and_swept_in_time() {
    let mut chain = sweeping_ten();
    let code_hash = chain.upload(wat::parse_str(KEEPER).expect("it assembles"));
    let contract = chain.instantiate(code_hash, 500, &[]);
    let kept = record(&chain, &contract).expect("a contract");
    assert_eq!((kept.incarnation, kept.items, kept.bytes), (0, 25, 25 * (1 + 4 + 4)));
    assert_eq!(stored(&chain, &contract, 0), 25);

    let ended = chain.call(&contract, GAS, &[]);
    assert_eq!((ended.status, chain.balance(&BOB.into()), record(&chain, &contract)), (Status::Returned, 500, None));
    assert_eq!(stored(&chain, &contract, 0), 15, "the block that removed it sweeps too");

    // The same creator, code, input and salt: the same address, another incarnation, none of the former values.
    let again = chain.instantiate(code_hash, 0, &[]);
    assert_eq!((&again, record(&chain, &again).map(|record| record.incarnation)), (&contract, Some(1)));
    assert_eq!((stored(&chain, &contract, 0), stored(&chain, &contract, 1)), (5, 25));
    assert_eq!(chain.call(&contract, GAS, &[1]).output, [4, 0, 0, 0]);
    assert_eq!((stored(&chain, &contract, 0), stored(&chain, &contract, 1)), (0, 25));
    chain.run(GAS, Payload::Transfer { to: BOB.into(), value: 1 });
    let queue = Range::all(Space::system());
    let left = chain.executor.store().view().scan(&queue, 1_000).expect("state");
    assert!(left.iter().all(|(key, _)| key.raw().first() != Some(&6)), "nothing is left to be swept");
    chain.executor.store().verify(&mut |_, _| ()).expect("the root is that of the values");
}
