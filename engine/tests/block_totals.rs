//! What a block may have of everything, at the edge: what just fits is in the block, one byte less room leaves it out, and a
//! block that has too much is none.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::disallowed_methods)]

mod chain;

use chain::{ALICE, BOB, COINS, Chain, GAS, hostile};
use parity_scale_codec::Encode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use unfork_engine::{
    Accounts, Activation, BlockExecutor, BlockTotal, ChainSpec, Engine, Fault, Hooks, Invalid, InvalidBlock, LeftOut,
    OpenHooks, Payload, ProfileId, Reason, Rules, Status, Transaction, list_root,
};

fn chain_with(limit: &str, value: u64) -> Chain {
    chain_of(&[(limit, value)], Arc::new(OpenHooks))
}

fn chain_of(changed: &[(&str, u64)], hooks: Arc<dyn Hooks>) -> Chain {
    let released = Rules::released(1).expect("version 1");
    let mut limits = released.limits().clone();
    for (limit, value) in changed {
        assert!(limits.set(limit, *value), "{limit} is no limit");
    }
    let rules = Arc::new(Rules::new(1, released.schedule().clone(), limits, vec![ProfileId::Seal]));
    let accounts = vec![(ALICE.into(), COINS), (BOB.into(), COINS)];
    let spec = ChainSpec::new("totals", 0, accounts, vec![Activation { from_height: 0, rules }]).expect("good");
    let engine = Engine::new().expect("the self-test passes");
    Chain { executor: BlockExecutor::in_memory(engine, Arc::new(spec), hooks).expect("a chain") }
}

/// Offers three payloads of alice's; how many are in the block, and why the first that is not was left out.
fn offered(limit: &str, value: u64, payloads: &dyn Fn(&mut Chain) -> [Payload; 3]) -> (usize, Option<BlockTotal>) {
    let mut chain = chain_with(limit, value);
    let payloads = payloads(&mut chain);
    let first = chain.nonce(ALICE);
    let transactions: Vec<Transaction> = (first..)
        .zip(payloads)
        .map(|(nonce, payload)| Transaction { nonce, ..chain.transaction(ALICE, GAS, payload) })
        .collect();
    let before = chain.balance(&ALICE.into());
    let checked = chain.propose(transactions.clone());
    let taken = checked.stored.receipts.len();
    assert!(checked.stored.receipts.iter().all(|receipt| receipt.status == Status::Returned));
    let why = checked.left_out.first().map(|left_out| match left_out.reason {
        Reason::Full(total) => total,
        ref other => panic!("{other:?}"),
    });
    // A checker agrees with the block as it is, and refuses it with what was left out.
    chain.executor.check(checked.stored.block.clone()).expect("a good block");
    if let Some(total) = why {
        let mut greedy = checked.stored.block.clone();
        greedy.transactions = transactions[..=taken].to_vec();
        greedy.header.transactions_root = list_root(&greedy.transactions);
        match chain.executor.check(greedy).err() {
            Some(InvalidBlock::TooLarge(found)) => assert_eq!(found, total),
            other => panic!("{other:?}"),
        }
    }
    // What was left out left nothing: the sender may send it again.
    chain.executor.commit(checked).expect("a commit");
    assert_eq!(chain.nonce(ALICE), first + u64::try_from(taken).expect("few"));
    assert_eq!(
        before - chain.balance(&ALICE.into()),
        u128::try_from(taken).expect("few") * spent_each(&transactions[0])
    );
    (taken, why)
}

fn spent_each(transaction: &Transaction) -> u128 {
    match transaction.payload {
        Payload::Transfer { value, .. } | Payload::Call { value, .. } => value,
        _ => 0,
    }
}

/// The smallest value with which two of three are taken is `edge`; one below, one is.
fn check(limit: &str, edge: u64, total: BlockTotal, payloads: &dyn Fn(&mut Chain) -> [Payload; 3]) {
    assert_eq!(offered(limit, edge, payloads), (2, Some(total)), "{limit} = {edge}");
    assert_eq!(offered(limit, edge - 1, payloads), (1, Some(total)), "{limit} = {}", edge - 1);
    let all = edge / 2 * 3 + edge % 2 * 2;
    assert_eq!(offered(limit, all, payloads), (3, None), "{limit} = {all}");
}

fn transfers(_: &mut Chain) -> [Payload; 3] {
    [7, 7, 7].map(|value| Payload::Transfer { to: [3; 32].into(), value })
}

#[test]
fn transactions_and_their_gas() {
    check("transactions_per_block_max", 2, BlockTotal::Transactions, &transfers);
    check("block_gas_max", 2 * GAS, BlockTotal::Gas, &transfers);
}

#[test]
fn what_no_block_takes_does_not_wait_for_the_next_one() {
    let chain = Chain::new();
    let payload = Payload::Transfer { to: BOB.into(), value: 1 };
    let offered = [u64::MAX, GAS].map(|gas_limit| chain.transaction(ALICE, gas_limit, payload.clone()));
    let checked = chain.propose(offered.to_vec());
    assert_eq!(checked.stored.receipts.len(), 1);
    let why = &checked.left_out[0].reason;
    assert!(matches!(why, Reason::Invalid(Invalid::GasLimitTooHigh { found: u64::MAX, .. })), "{why:?}");
}

#[test]
fn bytes_of_transactions() {
    // 1 format, 32 chain id, 1+32 sender, 8 nonce, 8 gas limit, 16 gas price, 1 no authentication; 1 index, 1+32 receiver, 16.
    let each = 99 + 50;
    let transaction = Chain::new().transaction(ALICE, GAS, transfers(&mut Chain::new())[0].clone());
    assert_eq!(transaction.encoded_size(), each);
    check(
        "block_transaction_bytes_max",
        2 * u64::try_from(each).expect("small"),
        BlockTotal::TransactionBytes,
        &transfers,
    );
}

/// Emits an event of 10 bytes without topics, writes 4,000 bytes under a key of 3, and returns 4 bytes.
const WRITES: &str = r#"(module
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  (func (export "deploy"))
  (func (export "call")
    (call $event (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 10))
    (drop (call $set (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 4000)))
    (call $return (i32.const 0) (i32.const 0) (i32.const 4))))"#;

fn writes(chain: &mut Chain) -> [Payload; 3] {
    let contract = chain.deploy(wat::parse_str(WRITES).expect("it assembles"));
    [1, 1, 1].map(|value| Payload::Call { contract: contract.clone(), value, input: Vec::new() })
}

#[test]
fn bytes_of_receipts() {
    // 1 status, 8 gas, 1 nothing created, 1+4 output, 1 the number of events; 1+32 contract, 1 no topics, 1+10 data.
    check("block_receipt_bytes_max", 2 * (16 + 45), BlockTotal::ReceiptBytes, &writes);
}

#[test]
fn changed_bytes() {
    // The key's 3 bytes and the byte that tells its form, 4,000 of the value; two accounts; the contract's record, but not
    // where the key is there already.
    check("block_changed_bytes_max", 2 * (4_004 + 128) + 192, BlockTotal::ChangedBytes, &writes);
    check("block_changed_bytes_max", 2 * 128, BlockTotal::ChangedBytes, &transfers);
}

#[test]
fn uploaded_code_is_changed_bytes_whether_or_not_it_is_there() {
    let code = hostile("return-flags");
    let each = u64::try_from(code.len()).expect("small");
    let uploads = |_: &mut Chain| [(); 3].map(|()| Payload::Upload { profile: ProfileId::Seal, code: code.clone() });
    check("block_changed_bytes_max", 2 * each, BlockTotal::ChangedBytes, &uploads);
}

/// Counts the transactions that were executed.
#[derive(Default)]
struct Counting(AtomicU64);

impl Hooks for Counting {
    fn authorise(&self, _: &Transaction) -> Result<(), Invalid> {
        Ok(())
    }

    fn before(&self, _: &Transaction, _: &mut Accounts<'_>) -> Result<Result<(), Invalid>, Fault> {
        Ok(Ok(()))
    }

    fn after(&self, _: &Transaction, _: u64, _: &mut Accounts<'_>) -> Result<(), Fault> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[test]
fn what_is_executed_in_vain_is_bounded() {
    const EACH: u64 = 2_000_000;
    let counting = Arc::new(Counting::default());
    // Room for the changes of one transaction, and for the gas limits of three.
    let limits = [("block_changed_bytes_max", 4_004 + 128 + 192 + 128), ("block_gas_max", 3 * EACH)];
    let mut chain = chain_of(&limits, Arc::clone(&counting) as Arc<dyn Hooks>);
    let code = wat::parse_str(WRITES).expect("it assembles");
    let mut deploy = |payload| chain.run(EACH, payload);
    let uploaded = deploy(Payload::Upload { profile: ProfileId::Seal, code });
    let code_hash = uploaded.output.try_into().expect("a code hash");
    let made = deploy(Payload::Instantiate { code_hash, value: 0, input: Vec::new(), salt: Vec::new() });
    let call = Payload::Call { contract: made.created.expect("a contract"), value: 1, input: Vec::new() };
    // A hundred with the same nonce, each of which could be in the block, were there no other before; then one of bob's.
    let first = chain.transaction(ALICE, EACH, call);
    let next = |number: u8| Transaction { nonce: first.nonce + 1, authentication: vec![number], ..first.clone() };
    let of_bob = chain.transaction(BOB, EACH / 2, transfers(&mut Chain::new())[0].clone());
    let offered = [vec![first.clone()], (0..100).map(next).collect(), vec![of_bob]].concat();
    let before = counting.0.load(Ordering::SeqCst);
    let checked = chain.propose(offered);
    let executed = counting.0.load(Ordering::SeqCst) - before;
    let [writes, transfer] = &checked.stored.receipts[..] else { panic!("{:?}", checked.stored.receipts) };
    assert_eq!((writes.status, transfer.status), (Status::Returned, Status::Returned));
    assert_eq!(checked.left_out.len(), 100);
    let full = |left_out: &LeftOut| matches!(left_out.reason, Reason::Full(BlockTotal::ChangedBytes));
    assert!(checked.left_out.iter().all(full), "{:?}", checked.left_out);
    // As long as its gas limit is left of the block's, one more is tried; each uses as much as the first, less the new record.
    let tried = executed - 2;
    let used = writes.gas_used;
    assert!(tried * used > EACH && (tried - 1) * used <= 2 * EACH, "{tried} of {used} gas each");
}
