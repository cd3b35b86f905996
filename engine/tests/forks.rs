//! One engine for several histories: what it has kept of one decides nothing in another.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{ALICE, COINS, Chain, GAS};
use std::sync::Arc;
use unfork_engine::{Activation, BlockExecutor, ChainSpec, Engine, OpenHooks, Payload, ProfileId, Rules};

/// Returns what growing by 20 pages answers.
const GROWS: &str = r#"(module
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (memory.grow (i32.const 20)))
    (call $return (i32.const 0) (i32.const 0) (i32.const 4))))"#;

/// A chain whose version 1 allows 16 pages of memory, and version 2, from block 2 on, allows 64.
fn spec() -> ChainSpec {
    let released = Rules::released(1).expect("version 1");
    let mut narrow = released.limits().clone();
    assert!(narrow.set("memory_pages_max", 16));
    let rules = |version, limits| Rules::new(version, released.schedule().clone(), limits, vec![ProfileId::Seal]);
    let activations = [(0, rules(1, narrow)), (2, rules(2, released.limits().clone()))];
    let activations = activations.map(|(from_height, rules)| Activation { from_height, rules: Arc::new(rules) });
    ChainSpec::new("forks", 0, vec![(ALICE.into(), COINS)], activations.into()).expect("good")
}

#[test]
fn the_same_code_admitted_under_other_limits_is_another_program() {
    let spec = Arc::new(spec());
    let shared = Engine::new().expect("the self-test passes");
    // Two forks from one genesis. On one the code is uploaded in block 1, on the other in block 2.
    let answer = |engine: &Engine, after_another: bool| {
        let executor = BlockExecutor::in_memory(engine.clone(), Arc::clone(&spec), Arc::new(OpenHooks));
        let mut chain = Chain { executor: executor.expect("a chain") };
        if after_another {
            chain.run(GAS, Payload::Transfer { to: ALICE.into(), value: 0 });
        }
        let contract = chain.deploy(wat::parse_str(GROWS).expect("it assembles"));
        assert!(chain.executor.head().height >= 2);
        chain.call(&contract, GAS, &[]).output
    };
    let (early, late) = ([255; 4], [1, 0, 0, 0]);
    // Whatever fork a node sees first, the run-time caps are those the code was admitted under there.
    assert_eq!(answer(&shared, false), early);
    assert_eq!(answer(&shared, true), late);
    assert_eq!(answer(&shared, false), early);
}
