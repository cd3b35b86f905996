//! A node's own authorisation and fees, inside the same journal as the transaction.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{ALICE, BOB, COINS, hostile, spec};
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use std::sync::Arc;
use unfork_engine::{
    Accounts, Address, BlockExecutor, ChainSpec, Engine, Fault, Hash, Hooks, Invalid, Payload, ProfileId, Reason,
    Receipt, Status, Transaction,
};

const COLLECTOR: [u8; 32] = [9; 32];
const GAS: u64 = 100_000_000;

/// Senders sign with secp256k1; an address is Keccak-256 of the compressed public key. The fee for all the gas that
/// may be used is taken before, what was not used is given back after.
struct SignedWithFees;

fn address_of(key: &VerifyingKey) -> Address {
    unfork_proof::keccak256(&[key.to_sec1_point(true).as_bytes()]).into()
}

impl Hooks for SignedWithFees {
    fn authorise(&self, transaction: &Transaction) -> Result<(), Invalid> {
        let refused = Invalid::Unauthorised(1);
        let (signature, id) = transaction.authentication.split_at_checked(64).ok_or(refused)?;
        let signature = Signature::from_slice(signature).map_err(|_| refused)?;
        let id = id.first().and_then(|id| RecoveryId::from_byte(*id)).ok_or(refused)?;
        let hash = transaction.signing_hash();
        let key = VerifyingKey::recover_from_prehash(&hash, &signature, id).map_err(|_| refused)?;
        if address_of(&key) == transaction.sender { Ok(()) } else { Err(refused) }
    }

    fn before(&self, transaction: &Transaction, accounts: &mut Accounts<'_>) -> Result<Result<(), Invalid>, Fault> {
        let fee = transaction.gas_price * u128::from(transaction.gas_limit);
        Ok(accounts.transfer(&transaction.sender, &COLLECTOR.into(), fee)?.map_err(|_| Invalid::Fee))
    }

    fn after(&self, transaction: &Transaction, gas_used: u64, accounts: &mut Accounts<'_>) -> Result<(), Fault> {
        let rest = transaction.gas_price * u128::from(transaction.gas_limit - gas_used);
        let moved = accounts.transfer(&COLLECTOR.into(), &transaction.sender, rest)?;
        moved.map_err(|_| Fault::internal("the collector cannot give back what it has just got"))
    }
}

struct Node {
    executor: BlockExecutor,
    key: SigningKey,
}

impl Node {
    fn new() -> Self {
        let key = SigningKey::from_slice(&[7; 32]).expect("a key");
        let accounts = vec![(address_of(key.verifying_key()), COINS)];
        let spec = Arc::new(ChainSpec::released("signed", 0, accounts).expect("a specification"));
        let engine = Engine::new().expect("the self-test passes");
        let executor = BlockExecutor::in_memory(engine, spec, Arc::new(SignedWithFees)).expect("a chain");
        Self { executor, key }
    }

    fn sender(&self) -> Address {
        address_of(self.key.verifying_key())
    }

    fn signed(&self, nonce: u64, gas_price: u128, payload: Payload) -> Transaction {
        let mut transaction = Transaction {
            format: Default::default(),
            chain_id: self.executor.chain_id(),
            sender: self.sender(),
            nonce,
            gas_limit: GAS,
            gas_price,
            payload,
            authentication: Vec::new(),
        };
        let (signature, id) = self.key.sign_prehash_recoverable(&transaction.signing_hash());
        transaction.authentication = signature.to_bytes().to_vec();
        transaction.authentication.push(id.to_byte());
        transaction
    }

    fn run(&mut self, transactions: Vec<Transaction>) -> (Vec<Receipt>, Vec<Reason>) {
        let checked = self.executor.propose(0, transactions).expect("no fault");
        let left_out = checked.left_out.into_iter().map(|left| left.reason).collect();
        let checked = self.executor.check(checked.stored.block).expect("what one proposes, another accepts");
        (self.executor.commit(checked).expect("no fault").receipts, left_out)
    }

    fn balance(&self, of: &Address) -> u128 {
        let view = self.executor.store().view();
        let account: Option<unfork_engine::Account> =
            unfork_engine::read_record(view.as_ref(), unfork_engine::RecordKey::Account(of)).expect("state");
        account.unwrap_or_default().balance
    }
}

#[test]
fn fees_are_kept_when_the_call_fails() {
    let mut node = Node::new();
    let upload = Payload::Upload { profile: ProfileId::Seal, code: hostile("deploy-traps") };
    let (receipts, _) = node.run(vec![node.signed(0, 2, upload)]);
    assert_eq!(receipts[0].status, Status::Returned);
    let code_hash: Hash = receipts[0].output.clone().try_into().expect("a hash");
    let upload_fee = 2 * u128::from(receipts[0].gas_used);
    assert_eq!(node.balance(&node.sender()), COINS - upload_fee);

    let instantiate = Payload::Instantiate { code_hash, value: 5, input: vec![], salt: vec![] };
    let (receipts, _) = node.run(vec![node.signed(1, 3, instantiate)]);
    assert!(matches!(receipts[0].status, Status::Trapped(_)), "{:?}", receipts[0]);
    let fee = 3 * u128::from(receipts[0].gas_used);
    assert_eq!(node.balance(&node.sender()), COINS - upload_fee - fee, "the value is back, the fee is not");
    assert_eq!(node.balance(&COLLECTOR.into()), upload_fee + fee);
}

#[test]
fn what_is_not_signed_or_cannot_pay_has_no_place() {
    let mut node = Node::new();
    let payload = || Payload::Transfer { to: BOB.into(), value: 1 };
    let mut forged = node.signed(0, 1, payload());
    forged.gas_price = 0;
    let mut unsigned = node.signed(0, 1, payload());
    unsigned.authentication.clear();
    let poor = node.signed(0, u128::MAX / u128::from(GAS), payload());
    let good = node.signed(0, 1, payload());
    let again = good.clone();
    let (receipts, left_out) = node.run(vec![forged, unsigned, poor, good, again]);
    assert_eq!(receipts.len(), 1);
    let reasons: Vec<_> = left_out
        .iter()
        .map(|reason| match reason {
            Reason::Invalid(invalid) => *invalid,
            other => panic!("{other:?}"),
        })
        .collect();
    let unauthorised = Invalid::Unauthorised(1);
    assert_eq!(reasons, [unauthorised, unauthorised, Invalid::Fee, Invalid::Nonce { found: 0, expected: 1 }]);
    assert_eq!(node.balance(&BOB.into()), 1);
}

#[test]
fn the_open_hooks_let_everybody_through() {
    let mut chain = chain::Chain::new();
    let receipt = chain.run(GAS, Payload::Transfer { to: BOB.into(), value: 10 });
    assert_eq!((receipt.status, chain.nonce(ALICE)), (Status::Returned, 1));
    assert_eq!((chain.balance(&ALICE.into()), chain.balance(&BOB.into())), (COINS - 10, COINS + 10));
    assert_eq!(spec().chain_id(), chain.executor.chain_id());
}
