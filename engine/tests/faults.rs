//! A node in trouble gives faults, never receipts, and its old head stays readable.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{ALICE, Chain, GAS, fixture, spec};
use parity_scale_codec::Encode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use unfork_engine::{
    Action, Address, BlockContext, BlockExecutor, Engine, Environment, Fault, FaultKind, InvalidBlock, Message,
    OpenHooks, Payload, ProfileId, Reason, Transaction, execute_message, genesis,
};
use unfork_state::testing::FaultyDisk;
use unfork_state::{Key, Range, StateError, StateView, Store, Value};

const FLIP: [u8; 4] = [0x63, 0x3a, 0xa5, 0x51];

/// A view that fails from its n-th read on.
struct FailingView {
    inner: Arc<dyn StateView>,
    left: AtomicU64,
}

impl FailingView {
    fn spend(&self) -> Result<(), StateError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| StateError::Backend { during: "reading", text: "planted".into() })
    }
}

impl StateView for FailingView {
    fn get(&self, key: &Key) -> Result<Option<Value>, StateError> {
        self.spend()?;
        self.inner.get(key)
    }

    fn length(&self, key: &Key) -> Result<Option<u32>, StateError> {
        self.spend()?;
        self.inner.length(key)
    }

    fn scan(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Value)>, StateError> {
        self.spend()?;
        self.inner.scan(range, limit)
    }
}

fn flipper(chain: &mut Chain) -> Address {
    let code_hash = chain.upload(fixture("ink-5.1/flipper"));
    chain.instantiate(code_hash, 0, &[0x9b, 0xae, 0x9d, 0x5e, 1])
}

#[test]
fn a_read_that_fails_is_a_fault_wherever_it_happens() {
    let mut chain = Chain::new();
    let contract = flipper(&mut chain);
    let engine = Engine::new().expect("the self-test passes");
    let environment = Environment::new(spec(), BlockContext { height: 9, time: 9 });
    let action = Action::Call { contract, input: FLIP.to_vec() };
    let message = Message { caller: ALICE.into(), value: 1, gas_limit: GAS, action };
    let inner = chain.executor.store().view();
    let (outcome, changes) =
        execute_message(&engine, &environment, Arc::clone(&inner), &message).expect("no fault without a failure");
    let mut faults = 0;
    for reads in 0.. {
        let view = Arc::new(FailingView { inner: Arc::clone(&inner), left: AtomicU64::new(reads) });
        engine.clear_cache();
        match execute_message(&engine, &environment, view, &message) {
            Ok(done) => {
                assert_eq!(done, (outcome, changes), "after {reads} reads");
                break;
            }
            Err(fault) => assert!(matches!(fault.kind(), FaultKind::State(_)), "{fault}"),
        }
        faults += 1;
    }
    assert!(faults >= 5, "only {faults} reads");
    println!("{faults} reads, each failed once");
}

/// A chain with a flipper on a disk that can be made to fail.
fn on_faulty_disk() -> (FaultyDisk, Address) {
    let disk = FaultyDisk::new();
    let (changes, block) = genesis(&spec()).expect("a genesis");
    let id = block.block.header.id();
    let chain_id = spec().chain_id();
    let store = Store::create_with(disk.backend(), disk.block_log(), chain_id, changes, id, block.encode());
    let engine = Engine::new().expect("the self-test passes");
    let executor = BlockExecutor::new(engine, spec(), Arc::new(OpenHooks), store.expect("a store")).expect("a chain");
    let mut chain = Chain { executor };
    let contract = flipper(&mut chain);
    (disk, contract)
}

fn reopen(disk: &FaultyDisk) -> Chain {
    disk.restart();
    let store = Store::with_backend(disk.backend(), disk.block_log(), spec().chain_id()).expect("it opens again");
    let engine = Engine::new().expect("the self-test passes");
    Chain { executor: BlockExecutor::new(engine, spec(), Arc::new(OpenHooks), store).expect("it goes on") }
}

fn flip(chain: &Chain, contract: &Address) -> Transaction {
    let payload = Payload::Call { contract: contract.clone(), value: 0, input: FLIP.to_vec() };
    chain.transaction(ALICE, GAS, payload)
}

#[test]
fn a_store_that_fails_at_the_nth_operation_stops_the_block_and_keeps_a_whole_head() {
    let (disk, contract) = on_faulty_disk();
    let before = reopen(&disk).executor.head().clone();
    let (mut proposing, mut committing) = (0, 0);
    for operations in 0.. {
        let mut chain = reopen(&disk);
        let head = chain.executor.head().clone();
        let transaction = flip(&chain, &contract);
        disk.fail_after(operations, true);
        let Ok(checked) = chain.executor.propose(head.time, vec![transaction]) else {
            proposing += 1;
            assert_eq!(*reopen(&disk).executor.head(), head);
            continue;
        };
        if let Some(left_out) = checked.left_out.first() {
            // The transaction that faulted is named and left out; nothing of it is in the block.
            let Reason::Fault(fault) = &left_out.reason else { panic!("{left_out:?}") };
            assert_eq!(fault.transaction(), Some((head.height + 1, 0)), "{fault}");
            assert!(checked.stored.receipts.is_empty());
            proposing += 1;
            continue;
        }
        let next = checked.stored.block.header.clone();
        if chain.executor.commit(checked).is_ok() {
            assert_eq!(*reopen(&disk).executor.head(), next);
            break;
        }
        committing += 1;
        // Not acknowledged: the old block or the whole new one is there, never half of it.
        let reopened = reopen(&disk);
        assert!([&head, &next].contains(&reopened.executor.head()), "after {operations} operations");
        reopened.executor.store().verify(&mut |_, _| ()).expect("what is there is whole");
    }
    assert!(before.height >= 2 && proposing >= 4 && committing >= 2, "{proposing} and {committing}");
    println!("{proposing} failures while proposing, {committing} while committing");
}

#[test]
fn a_checker_in_trouble_has_no_verdict() {
    let (disk, contract) = on_faulty_disk();
    let mut verdicts = 0;
    for operations in 0.. {
        let chain = reopen(&disk);
        let transaction = flip(&chain, &contract);
        let block = chain.executor.propose(0, vec![transaction]).expect("no fault").stored.block;
        let fresh = reopen(&disk);
        disk.fail_after(operations, true);
        match fresh.executor.check(block) {
            Ok(_) => break,
            Err(InvalidBlock::Fault(_)) => verdicts += 1,
            Err(other) => panic!("a verdict by a node in trouble: {other}"),
        }
    }
    assert!(verdicts >= 4, "{verdicts}");
}

#[test]
fn faults_name_their_transaction() {
    let fault = Fault::host_memory("a test").during(3, 1, [0xab; 32]);
    assert_eq!(fault.to_string(), "block 3 transaction 1 (abababababababab…): the host has no memory for a test");
    assert_eq!(fault.transaction(), Some((3, 1)));
    let payload = Payload::Upload { profile: ProfileId::Seal, code: vec![] };
    assert_eq!(Chain::new().run(GAS, payload).status.name().split(':').next(), Some("refused"));
}
