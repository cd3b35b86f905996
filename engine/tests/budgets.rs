//! What a transaction may use besides gas is one budget for all its frames: what a callee spends is gone for its caller, also
//! when the callee reverts or traps; and each end has its own name. Stack, live memory and depth, which come back, are in the
//! vector `budget-edges` and in random call trees (`conformance/tests/call_trees.rs`).
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{ALICE, Chain, GAS};
use std::sync::Arc;
use unfork_engine::{
    Action, Activation, Address, BlockContext, ChainSpec, Code, Contract, Engine, Environment, Message, ProfileId,
    RecordKey, Rules, Status, TraceEvent, execute_message, read_record,
};

/// Input: what to spend of (1 byte), how (1), how much itself (4), how much in a call of itself (4). 1 hashes so many bytes, 2
/// emits so many events, 3 emits an event of so many bytes, 4 stores a value of so many. How: 0 itself only; else it then
/// calls itself to spend and return (1), revert (2) or trap (3).
const SPENDER: &str = r#"(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "address" (func $address (param i32 i32)))
  (import "seal1" "call" (func $call_contract (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "hash_blake2_128" (func $hash (param i32 i32 i32)))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (import "seal2" "set_storage" (func $store (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  ;; 0: length cell; 16: input; 32: address; 64: value 0; 96: input of the call; 112: hash; 128: what is spent
  (func $spend (param $kind i32) (param $amount i32)
    (if (i32.eq (local.get $kind) (i32.const 1))
      (then (call $hash (i32.const 128) (local.get $amount) (i32.const 112))))
    (if (i32.eq (local.get $kind) (i32.const 2)) (then
      (block $done (loop $next
        (br_if $done (i32.eqz (local.get $amount)))
        (call $event (i32.const 0) (i32.const 0) (i32.const 128) (i32.const 0))
        (local.set $amount (i32.sub (local.get $amount) (i32.const 1)))
        (br $next)))))
    (if (i32.eq (local.get $kind) (i32.const 3))
      (then (call $event (i32.const 0) (i32.const 0) (i32.const 128) (local.get $amount))))
    (if (i32.eq (local.get $kind) (i32.const 4))
      (then (drop (call $store (i32.const 64) (i32.const 1) (i32.const 128) (local.get $amount))))))
  (func (export "deploy"))
  (func (export "call") (local $how i32)
    (i32.store (i32.const 0) (i32.const 16))
    (call $input (i32.const 16) (i32.const 0))
    (local.set $how (i32.load8_u (i32.const 17)))
    (call $spend (i32.load8_u (i32.const 16)) (i32.load (i32.const 18)))
    (if (i32.and (i32.ne (local.get $how) (i32.const 0)) (i32.lt_u (local.get $how) (i32.const 10))) (then
      (i32.store (i32.const 0) (i32.const 32))
      (call $address (i32.const 32) (i32.const 0))
      (i32.store8 (i32.const 96) (i32.load8_u (i32.const 16)))
      (i32.store8 (i32.const 97) (i32.add (local.get $how) (i32.const 10)))
      (i32.store (i32.const 98) (i32.load (i32.const 22)))
      (drop (call $call_contract (i32.const 8) (i32.const 32) (i64.const 0) (i32.const 64)
        (i32.const 96) (i32.const 10) (i32.const -1) (i32.const 0)))))
    (if (i32.eq (local.get $how) (i32.const 12)) (then (call $return (i32.const 1) (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $how) (i32.const 13)) (then unreachable))))"#;

/// How frames ended, the innermost first, and with how much gas, where a limit of version 1 has this value.
fn ends_with_gas(chain: &Chain, contract: &Address, (limit, value): (&str, u64), input: &[u8]) -> Vec<(Status, u64)> {
    let released = Rules::released(1).expect("version 1");
    let mut limits = released.limits().clone();
    assert!(limits.set(limit, value), "{limit} is no limit");
    let rules = Arc::new(Rules::new(2, released.schedule().clone(), limits, vec![ProfileId::Seal]));
    let activations = [(0, Arc::new(released)), (1, rules)];
    let activations = activations.map(|(from_height, rules)| Activation { from_height, rules }).into();
    let spec = Arc::new(ChainSpec::new("test", 0, Vec::new(), activations).expect("a good specification"));
    let environment = Environment { trace: true, ..Environment::new(spec, BlockContext { height: 9, time: 1 }) };
    let action = Action::Call { contract: contract.clone(), input: input.to_vec() };
    let message = Message { caller: ALICE.into(), value: 0, gas_limit: GAS, action };
    let view = chain.executor.store().view();
    let (outcome, _) = execute_message(chain.executor.engine(), &environment, view, &message).expect("no fault");
    let ended = |event| match event {
        TraceEvent::FrameEnded { status, gas_used, .. } => Some((status, gas_used)),
        _ => None,
    };
    outcome.trace.into_iter().filter_map(ended).collect()
}

fn ends(chain: &Chain, contract: &Address, limit: (&str, u64), input: &[u8]) -> Vec<Status> {
    ends_with_gas(chain, contract, limit, input).into_iter().map(|(status, _)| status).collect()
}

#[test]
fn what_a_callee_spends_is_spent_however_it_ends() {
    let mut chain = Chain::new();
    let contract = chain.deploy(wat::parse_str(SPENDER).expect("it assembles"));
    let budgets = [
        (1, "host_copied_bytes_max", "exhausted:copied_bytes", 300),
        (2, "events_max", "exhausted:events", 3),
        (3, "event_bytes_total_max", "exhausted:events", 300),
        (4, "changed_bytes_max", "exhausted:changed_bytes", 300),
    ];
    for (kind, limit, name, amount) in budgets {
        let run = |value: u64, how: u8, own: u32, inner: u32| {
            let input = [&[kind, how][..], &own.to_le_bytes(), &inner.to_le_bytes()].concat();
            ends(&chain, &contract, (limit, value), &input)
        };
        // The smallest limit at which no frame is exhausted; one below it a frame is, by this budget.
        let needed = |how: u8, own: u32, inner: u32| {
            let exhausted =
                |value: u64| run(value, how, own, inner).iter().any(|end| matches!(end, Status::Exhausted(_)));
            let (mut below, mut enough) = (0, 1 << 16);
            assert!(!exhausted(enough), "{limit}");
            while below < enough {
                let middle = below.midpoint(enough);
                if exhausted(middle) { below = middle + 1 } else { enough = middle }
            }
            if let Some(less) = enough.checked_sub(1) {
                let ends = run(less, how, own, inner);
                let named = ends.iter().filter(|end| matches!(end, Status::Exhausted(_))).all(|end| end.name() == name);
                assert!(named && exhausted(less), "{limit} of {less}: {ends:?}");
            }
            enough
        };
        let unit = u64::from(amount);
        assert_eq!(needed(0, 1 + amount, 0) - needed(0, 1, 0), unit, "{limit}");
        for (how, inner_end) in [(1, "returned"), (2, "reverted"), (3, "trapped:unreachable")] {
            // Both spend something, and not the same: a value of another length is counted in the contract's record, too.
            let little = needed(how, 1, 2);
            assert_eq!(needed(how, 1 + amount, 2) - little, unit, "{limit}, {inner_end}");
            assert_eq!(needed(how, 1, 2 + amount) - little, unit, "{limit}, {inner_end}");
            // A budget of its own for the callee, or one given back when it fails, would need less.
            let (own, inner) = (1 + amount, 2 + amount);
            let both = needed(how, own, inner);
            assert_eq!(both - little, 2 * unit, "{limit}, {inner_end}");
            let names = |ends: Vec<Status>| ends.into_iter().map(Status::name).collect::<Vec<_>>();
            assert_eq!(names(run(both, how, own, inner)), [inner_end, "returned"], "{limit}");
            // The callee is exhausted, in its own name; its caller is told and goes on.
            assert_eq!(names(run(both - 1, how, own, inner)), [name, "returned"], "{limit}");
        }
    }
}

/// Calls the address in its input's first 32 bytes: with the gas in the 8 bytes behind, then with all there is.
const TWICE: &str = r#"(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal1" "call" (func $call_contract (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (memory 1)
  (func $ask (param $gas i64)
    (drop (call $call_contract (i32.const 0) (i32.const 16) (local.get $gas) (i32.const 64)
      (i32.const 96) (i32.const 10) (i32.const -1) (i32.const 0))))
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 40))
    (call $input (i32.const 16) (i32.const 0))
    (call $ask (i64.load (i32.const 48)))
    (call $ask (i64.const 0))))"#;

#[test]
fn who_could_not_pay_for_loading_code_has_not_paid() {
    let mut chain = Chain::new();
    let callee = chain.deploy(wat::parse_str(SPENDER).expect("it assembles"));
    let caller = chain.deploy(wat::parse_str(TWICE).expect("it assembles"));
    let frames = |first_gas: u64| {
        let input = [callee.as_bytes(), &first_gas.to_le_bytes()].concat();
        let environment = Environment {
            trace: true,
            ..Environment::new(Arc::clone(chain.executor.spec()), BlockContext { height: 9, time: 1 })
        };
        let message = Message {
            caller: ALICE.into(),
            value: 0,
            gas_limit: GAS,
            action: Action::Call { contract: caller.clone(), input },
        };
        let view = chain.executor.store().view();
        let (outcome, _) = execute_message(chain.executor.engine(), &environment, view, &message).expect("no fault");
        let ended = |event| match event {
            TraceEvent::FrameEnded { status, gas_used, depth: 1, .. } => Some((status, gas_used)),
            _ => None,
        };
        outcome.trace.into_iter().filter_map(ended).collect::<Vec<_>>()
    };
    // With enough gas the first call loads the code, and the second finds it loaded.
    let [(Status::Returned, cold), (Status::Returned, warm)] = frames(0)[..] else { panic!("{:?}", frames(0)) };
    assert!(cold > 2 * warm, "{cold} and {warm}");
    // One that gets less gas than loading costs leaves all of that to the second.
    for gas in [1, warm, cold - warm - 1] {
        assert_eq!(frames(gas), [(Status::OutOfGas, gas), (Status::Returned, cold)], "{gas}");
    }
    // And one that could pay for loading, but not for what came after, has paid for it.
    assert_eq!(frames(cold - 1), [(Status::OutOfGas, cold - 1), (Status::Returned, warm)]);
}

/// Calls the addresses of which its input consists, one after the other.
const EACH: &str = r#"(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal1" "call" (func $call_contract (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (memory 1)
  (func (export "deploy"))
  (func (export "call") (local $at i32) (local $end i32)
    (i32.store (i32.const 0) (i32.const 4096))
    (call $input (i32.const 64) (i32.const 0))
    (local.set $at (i32.const 64))
    (local.set $end (i32.add (i32.const 64) (i32.load (i32.const 0))))
    (loop $next
      (drop (call $call_contract (i32.const 0) (local.get $at) (i64.const 0) (i32.const 16)
        (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 32))) (local.get $end))))))"#;

#[test]
fn what_is_loaded_is_kept_and_bounded() {
    // An engine that keeps nothing: what a transaction uses again it must have kept itself.
    let mut chain = Chain::with(Engine::with_bounds(0, 0).expect("the self-test passes"));
    let idle = |number: u32| {
        format!(r#"(module (func (export "deploy")) (func (export "call") (drop (i32.const {number}))))"#)
    };
    let caller = chain.deploy(wat::parse_str(EACH).expect("it assembles"));
    let callees = [1, 2, 3].map(|number| chain.deploy(wat::parse_str(idle(number)).expect("it assembles")));
    let counted = |contract: &Address| {
        let view = chain.executor.store().view();
        let record: Option<Contract> = read_record(view.as_ref(), RecordKey::Contract(contract)).expect("state");
        let hash = record.expect("a contract").code_hash;
        let code: Option<Code> = read_record(view.as_ref(), RecordKey::Code(&hash)).expect("state");
        code.map(|code| u64::from(code.bytes) + code.growth).expect("a code")
    };
    let bytes = counted(&callees[0]);
    assert!(callees.iter().all(|callee| counted(callee) == bytes));
    // The first column says which callees are called, the second which of these calls load code.
    let run = |limit: u64, calls: &str| {
        let input = calls.bytes().flat_map(|name| callees[usize::from(name - b'a')].as_bytes().to_vec());
        let made = chain.executor.engine().programs_made();
        let limit = ("loaded_bytes_max", limit);
        let mut ends = ends_with_gas(&chain, &caller, limit, &input.collect::<Vec<_>>());
        assert!(ends.iter().all(|(status, _)| *status == Status::Returned), "{ends:?}");
        ends.pop();
        let warm = ends.iter().map(|(_, gas)| *gas).min().expect("frames");
        let loads: String = ends.iter().map(|(_, gas)| if *gas > warm { 'x' } else { '-' }).collect();
        let made = chain.executor.engine().programs_made() - made;
        // The caller, and what was paid for.
        assert_eq!(made, 1 + u64::try_from(loads.matches('x').count()).expect("few"), "{calls}: {loads}");
        loads
    };
    let plenty = 1 << 20;
    assert_eq!(run(plenty, "aabbabcabc"), "x-x---x---");
    // Room for the caller and two, to the byte; and one less. The caller is loaded first, and unloaded with the others.
    let two = counted(&caller) + 2 * bytes;
    assert_eq!(run(two, "aabbabab"), "x-x-----");
    assert_eq!(run(two, "abccaacb"), "xxx-x--x");
    assert_eq!(run(counted(&caller) + 2 * bytes - 1, "aabba"), "x-x-x");
    // One code is loaded however little room there is.
    assert_eq!(run(1, "aaba"), "x-xx");
}
