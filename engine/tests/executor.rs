//! What a node drives: several children of one parent, questions while blocks go on, and what the chain itself does.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "one test asks from another thread"
)]

mod chain;

use chain::{ALICE, BOB, Chain, GAS};
use std::sync::{Arc, Mutex};
use unfork_engine::{
    Accounts, Action, Address, BlockContext, BlockExecutor, Engine, Fault, Hooks, Invalid, Message, Moment, Payload,
    Snapshot, Status, Transaction,
};

fn sent<T: Send + 'static>() {}
fn shared<T: Send + Sync + Clone + 'static>() {}

#[test]
fn an_executor_may_move_to_another_thread() {
    sent::<BlockExecutor>();
    shared::<Snapshot>();
    shared::<Engine>();
}

#[test]
fn several_children_of_one_parent_are_checked_before_one_is_committed() {
    let mut chain = Chain::new();
    let carol = Address::from([3; 32]);
    let pay = |chain: &Chain, from, value| {
        chain.propose(vec![chain.transaction(from, GAS, Payload::Transfer { to: carol.clone(), value })])
    };
    let (one, two) = (pay(&chain, ALICE, 1), pay(&chain, BOB, 2));
    assert_ne!(one.id(), two.id());
    let (one, two) = (one.stored.block, two.stored.block);
    // Each is good, in whichever order they are looked at, and looking at one changes nothing for the other.
    let checked = [&two, &one, &two].map(|block| chain.executor.check(block.clone()).expect("a good block"));
    assert_eq!(checked[0].id(), checked[2].id());
    let [_, _, second] = checked;
    let before = chain.executor.snapshot();
    chain.executor.commit(second).expect("a commit");
    assert_eq!(chain.balance(&carol), 2);
    chain.executor.check(one).err().expect("its parent is not the head any more");
    // A snapshot stays what it was, also in another thread.
    let ask = |snapshot: Snapshot| {
        let message =
            Message { caller: carol.clone(), value: 1, gas_limit: GAS, action: Action::Transfer { to: BOB.into() } };
        std::thread::spawn(move || snapshot.query(&message).expect("no fault").status.name()).join().expect("no panic")
    };
    assert_eq!(ask(before), "refused:insufficient_balance");
    assert_eq!(ask(chain.executor.snapshot()), "returned");
    assert_eq!(chain.balance(&carol), 2, "a question changes nothing");
}

/// Stores what `caller_is_root` answers, in one byte after those stored before; traps where its input says so.
const WITNESS: &str = r#"(module
  (import "seal0" "caller_is_root" (func $root (result i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (memory 1)
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 8))
    (call $input (i32.const 8) (i32.const 0))
    (i32.store8 (i32.const 16) (call $root))
    (call $event (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 1))
    (if (i32.load8_u (i32.const 8)) (then unreachable))))"#;

/// Calls a contract at the beginning of a block, and again, to fail, at its end.
#[derive(Default)]
struct Calls(Mutex<Option<Address>>);

impl Hooks for Calls {
    fn authorise(&self, _: &Transaction) -> Result<(), Invalid> {
        Ok(())
    }
    fn before(&self, _: &Transaction, _: &mut Accounts<'_>) -> Result<Result<(), Invalid>, Fault> {
        Ok(Ok(()))
    }
    fn after(&self, _: &Transaction, _: u64, _: &mut Accounts<'_>) -> Result<(), Fault> {
        Ok(())
    }
    fn system_messages(&self, moment: Moment, _: BlockContext) -> Vec<Message> {
        let contract = self.0.lock().expect("no panic").clone();
        let input = vec![u8::from(moment == Moment::End)];
        let call = |contract| Message {
            caller: [0; 32].into(),
            value: 0,
            gas_limit: GAS,
            action: Action::Call { contract, input: input.clone() },
        };
        contract.into_iter().map(call).collect()
    }
}

#[test]
fn the_chain_itself_calls_contracts_as_root() {
    let hooks = Arc::new(Calls::default());
    let engine = Engine::new().expect("the self-test passes");
    let executor = BlockExecutor::in_memory(engine, chain::spec(), Arc::clone(&hooks) as Arc<dyn Hooks>);
    let mut chain = Chain { executor: executor.expect("a chain") };
    let contract = chain.deploy(wat::parse_str(WITNESS).expect("it assembles"));
    *hooks.0.lock().expect("no panic") = Some(contract.clone());
    let call = Payload::Call { contract, value: 0, input: vec![0] };
    let checked = chain.propose(vec![chain.transaction(ALICE, GAS, call)]);
    let [begin, end] = checked.system.as_slice() else { panic!("{:?}", checked.system) };
    assert_eq!((begin.status, begin.events[0].data.as_slice()), (Status::Returned, [1].as_slice()));
    assert_eq!((end.status.name().as_str(), end.events.len()), ("trapped:unreachable", 0));
    assert_eq!(checked.stored.receipts.len(), 1);
    assert_eq!(checked.stored.receipts[0].events[0].data, [0], "a transaction is not root");
    // A checker makes the same of it.
    let again = chain.executor.check(checked.stored.block).expect("a good block");
    assert_eq!(again.system.len(), 2);
}
