//! Dry runs of contracts whose result depends on the gas they have: the smallest limit gives the same result, one below does
//! not, and the dependence is reported. `UNFORK_SEED` chooses other inputs.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

use unfork_testkit::{Chain, Code, Contract};

/// Input: mode (1 byte), an amount of gas (8), rounds (4), rounds after (4). Counts the rounds, then, by its mode: 0 returns 1 if
/// less gas than the amount is left, else 0; 1 calls itself with that much gas in mode 2, and returns what came of it; 2 returns
/// 0. Before it returns it counts the rounds after.
const DEPENDS: &str = r#"(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "gas_left" (func $gas_left (param i32 i32)))
  (import "seal0" "address" (func $address (param i32 i32)))
  (import "seal1" "call" (func $call_contract (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  ;; 0: length cell; 8: amount; 16: rounds; 20: rounds after; 32: gas left; 40: output; 64: address; 96: value 0
  (func $count (param $rounds i32)
    (loop $next (br_if $next (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 17))
    (call $input (i32.const 7) (i32.const 0))
    (call $count (i32.load (i32.const 16)))
    (if (i32.eqz (i32.load8_u (i32.const 7))) (then
      (i32.store (i32.const 0) (i32.const 8))
      (call $gas_left (i32.const 32) (i32.const 0))
      (i32.store8 (i32.const 40) (i64.lt_u (i64.load (i32.const 32)) (i64.load (i32.const 8))))))
    (if (i32.eq (i32.load8_u (i32.const 7)) (i32.const 1)) (then
      (i32.store (i32.const 0) (i32.const 32))
      (call $address (i32.const 64) (i32.const 0))
      (i32.store8 (i32.const 7) (i32.const 2))
      (i32.store8 (i32.const 40) (call $call_contract (i32.const 8) (i32.const 64) (i64.load (i32.const 8)) (i32.const 96)
        (i32.const 7) (i32.const 17) (i32.const -1) (i32.const 0)))))
    (call $count (i32.load (i32.const 20)))
    (call $return (i32.const 0) (i32.const 40) (i32.const 1))))"#;

/// The next of a row of numbers that look random (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// What came of the call with this gas limit: status and output.
fn at(chain: &mut Chain, contract: &Contract, input: &[u8], gas: u64) -> (String, Vec<u8>) {
    let ran = chain.call(contract, input).gas(gas).dry();
    (ran.receipt.status.name(), ran.receipt.output)
}

#[test]
fn the_smallest_limit_of_contracts_that_depend_on_gas() {
    let seed = std::env::var("UNFORK_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let mut state = seed;
    let mut chain = Chain::new();
    let contract = chain.deploy(Code::wat(DEPENDS)).contract();
    let (mut exact, mut branching, mut surviving) = (0, 0, 0);
    for round in 0..150 {
        let mode = u8::try_from(next(&mut state) % 3).expect("small");
        let amount = next(&mut state) % 200_000;
        let [rounds, after] = [(); 2].map(|()| u32::try_from(next(&mut state) % 20_000 + 1).expect("small"));
        let input = [&[mode][..], &amount.to_le_bytes(), &rounds.to_le_bytes(), &after.to_le_bytes()].concat();
        let what = format!("UNFORK_SEED={seed}, round {round}: mode {mode}, {amount} gas, {rounds} and {after} rounds");
        let simulation = chain.call(&contract, &input[..]).simulate();
        let (smallest, depends) = (simulation.gas_limit_min, simulation.gas_dependence);
        let result = (simulation.receipt.status.name(), simulation.receipt.output.clone());
        assert_eq!(result.0, "returned", "{what}");
        assert_eq!(at(&mut chain, &contract, &input, smallest), result, "{what}: at {smallest}");
        let below = at(&mut chain, &contract, &input, smallest - 1);
        assert_ne!(below, result, "{what}: one below {smallest}");
        exact += u32::from(smallest == simulation.receipt.gas_used);
        surviving += u32::from(depends.survives_out_of_gas);
        assert_eq!(depends.reads_gas_left, mode == 0, "{what}");
        assert!(!depends.survives_out_of_gas || mode == 1, "{what}");
        // Another result than running out of gas is reported, and is there.
        if below.0 != "out_of_gas" && !depends.certain() {
            assert_eq!(depends.differs_at, Some(smallest - 1), "{what}");
        }
        if let Some(other) = depends.differs_at {
            assert_ne!(at(&mut chain, &contract, &input, other), result, "{what}: at {other}");
            branching += 1;
        }
        if depends.certain() {
            assert_eq!(below.0, "out_of_gas", "{what}");
        }
    }
    println!("150 dry runs from seed {seed}: {exact} need what they use, {branching} branch, {surviving} survive");
    assert!(exact > 10 && exact < 140 && branching > 10 && surviving > 10, "{exact}, {branching}, {surviving}");
}
