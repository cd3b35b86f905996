//! Functions of the `seal` profile that chains differ in: the node's own, minimum balances, signatures, dependencies.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{ALICE, BOB, COINS, Chain, GAS};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use unfork_engine::{
    Address, BlockExecutor, ChainExtension, ChainSpec, Engine, ExtensionAnswer, ExtensionFunction, Kernel, OpenHooks,
    Payload, SpecError, Status, Stopped, contract_address,
};

/// Calls the extension function whose number is the input's first word with the rest of the input; returns its code and
/// output.
const EXTENDED: &str = r#"(module
  (import "seal0" "call_chain_extension" (func $extension (param i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 1000))
    (call $input (i32.const 8) (i32.const 0))
    (i32.store (i32.const 2044) (i32.const 100))
    (i32.store (i32.const 2048)
      (call $extension (i32.load (i32.const 8)) (i32.const 12) (i32.sub (i32.load (i32.const 0)) (i32.const 4))
        (i32.const 2052) (i32.const 2044)))
    (call $return (i32.const 0) (i32.const 2048) (i32.add (i32.const 4) (i32.load (i32.const 2044))))))"#;

/// 1 counts, 2 reverses its input, 3 traps, 4 counts and then traps, 5 writes what is too long and goes on as if it had not.
/// Notes how often it was called.
#[derive(Default)]
struct Example(AtomicU32);

impl ChainExtension for Example {
    fn call(&self, id: u32, input: &[u8], kernel: &mut Kernel<'_>) -> Result<ExtensionAnswer, Stopped> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if id == 1 || id == 4 {
            let before = kernel.read(b"count")?.map_or(0, |value| value[0]);
            kernel.write(b"count", &[before + 1])?;
            kernel.emit(Vec::new(), vec![before])?;
            if id == 4 {
                return Err(Kernel::trap());
            }
            return Ok(ExtensionAnswer { code: u32::from(before), output: Vec::new() });
        }
        if id == 3 {
            return Err(Kernel::trap());
        }
        if id == 5 {
            kernel.write(b"long", &[0; 20_000]).ok();
            kernel.write(b"count", &[9]).ok();
        }
        Ok(ExtensionAnswer { code: 0, output: input.iter().rev().copied().collect() })
    }
}

fn function(id: u32, since: u64) -> ExtensionFunction {
    ExtensionFunction { id, since, base: 1_000_000, per_byte: 1_000 }
}

fn on(spec: ChainSpec, engine: Engine) -> Chain {
    Chain { executor: BlockExecutor::in_memory(engine, Arc::new(spec), Arc::new(OpenHooks)).expect("a chain") }
}

fn plain_spec() -> ChainSpec {
    ChainSpec::released("test", 0, vec![(ALICE.into(), COINS), (BOB.into(), COINS)]).expect("a good specification")
}

#[test]
fn the_nodes_own_functions_are_declared_paid_and_journaled() {
    let spec = plain_spec().with_extension(vec![
        function(2, 0),
        function(1, 0),
        function(4, 0),
        function(5, 0),
        function(3, 5),
    ]);
    let spec = spec.expect("different numbers");
    assert_ne!(spec.chain_id(), plain_spec().chain_id());
    let example = Arc::new(Example::default());
    let extension = Arc::clone(&example) as Arc<dyn ChainExtension>;
    let mut chain = on(spec, Engine::with_extension(extension).expect("the self-test passes"));
    let contract = chain.deploy(wat::parse_str(EXTENDED).expect("it assembles"));
    let mut call_with = |gas: u64, id: u32, input: &[u8]| {
        let receipt = chain.call(&contract, gas, &[id.to_le_bytes().as_slice(), input].concat());
        (receipt.status.name(), receipt.output, receipt.gas_used, receipt.events.len())
    };
    let mut call = |id: u32, input: &[u8]| call_with(GAS, id, input);
    // Height 3: function 3 is not there yet, nor is 9.
    assert_eq!(call(3, &[]).0, "trapped:unavailable");
    assert_eq!(call(9, &[]).0, "trapped:unavailable");
    // From height 5 on it is.
    assert_eq!(call(3, &[]).0, "trapped:invalid_argument");
    let (status, output, short, _) = call(2, b"abc");
    assert_eq!((status.as_str(), output.as_slice()), ("returned", b"\0\0\0\0cba".as_slice()));
    let (_, _, long, _) = call(2, b"abcd");
    assert!(short > 1_003_000 && (long - short) / 1_000 == 1, "the declared price: {short}, {long}");
    assert_eq!((call(1, &[]).1[0], call(1, &[]).1[0]), (0, 1));
    // What the trap undoes was written through the same journal.
    assert_eq!(call(4, &[]).3, 0);
    let (status, output, _, events) = call(1, &[]);
    assert_eq!((status.as_str(), output[0], events), ("returned", 2, 1));
    assert_eq!(call_with(GAS, 5, &[]).0, "trapped:value_too_long");
    // The price is paid before anything is done: without enough gas for it the function is not reached.
    let calls = example.0.load(Ordering::Relaxed);
    assert_eq!(call_with(short - 900_000, 2, b"abc").0, "out_of_gas");
    assert_eq!(example.0.load(Ordering::Relaxed), calls);
    assert_eq!(call_with(short, 2, b"abc").0, "returned");
    assert_eq!(example.0.load(Ordering::Relaxed), calls + 1);
}

#[test]
fn a_program_is_of_one_set_of_functions() {
    let engine = Engine::with_extension(Arc::new(Example::default())).expect("the self-test passes");
    let specs = [vec![function(2, 0)], vec![function(2, 1)], vec![function(2, 0)]]
        .map(|functions| plain_spec().with_extension(functions).expect("different numbers"));
    let kept = specs.map(|spec| {
        on(spec, engine.clone()).deploy(wat::parse_str(EXTENDED).expect("it assembles"));
        engine.kept_bytes().0
    });
    // The second chain declares other functions: it does not find the first one's program. The third declares the same.
    assert!(kept[0] > 0 && kept[1] == 2 * kept[0] && kept[2] == kept[1], "{kept:?}");
}

#[test]
fn an_address_may_have_coins_before_its_contract() {
    let mut chain = Chain::new();
    let code = chain.upload(wat::parse_str(EXTENDED).expect("it assembles"));
    let address = contract_address(&ALICE.into(), &code, &[], &[]);
    let sent = chain.run(GAS, Payload::Transfer { to: address.clone(), value: 30 });
    assert_eq!(sent.status, Status::Returned);
    assert_eq!(chain.instantiate(code, 12, &[]), address);
    assert_eq!(chain.balance(&address), 42);
}

#[test]
fn an_engine_without_the_declared_functions_stops_and_says_so() {
    let spec = plain_spec().with_extension(vec![function(2, 0)]).expect("different numbers");
    let mut chain = on(spec, Engine::new().expect("the self-test passes"));
    let contract = chain.deploy(wat::parse_str(EXTENDED).expect("it assembles"));
    let payload = Payload::Call { contract, value: 0, input: 2u32.to_le_bytes().to_vec() };
    let checked = chain.propose(vec![chain.transaction(ALICE, GAS, payload)]);
    assert!(checked.stored.receipts.is_empty());
    assert!(format!("{:?}", checked.left_out[0].reason).contains("this engine was given no extension"));
    let twice = plain_spec().with_extension(vec![function(2, 0), function(2, 7)]);
    assert_eq!(twice, Err(SpecError::DuplicateExtension(2)));
}

#[test]
fn an_account_has_nothing_or_the_minimum() {
    let spec = plain_spec().with_minimum_balance(100).expect("rich accounts");
    assert_ne!(spec.chain_id(), plain_spec().chain_id());
    let mut chain = on(spec, Engine::new().expect("the self-test passes"));
    let carol = Address::from([3; 32]);
    let mut send = |to: &Address, value| chain.run(GAS, Payload::Transfer { to: to.clone(), value }).status.name();
    assert_eq!(send(&carol, 99), "refused:below_minimum");
    assert_eq!(send(&carol, 100), "returned");
    assert_eq!(send(&carol, 1), "returned");
    assert_eq!(send(&carol, COINS - 101 - 99), "refused:below_minimum");
    assert_eq!(send(&carol, COINS - 101 - 100), "returned");
    assert_eq!(send(&carol, 100), "returned");
    assert_eq!(chain.balance(&ALICE.into()), 0);
    let poor = ChainSpec::released("test", 0, vec![(ALICE.into(), 5)]).expect("a good specification");
    assert_eq!(poor.with_minimum_balance(6), Err(SpecError::BelowMinimum(ALICE.into())));
}

/// Signature, key and message in the input; returns what `sr25519_verify` answers.
const SIGNED: &str = r#"(module
  (import "seal0" "sr25519_verify" (func $verify (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 1000))
    (call $input (i32.const 8) (i32.const 0))
    (i32.store (i32.const 2000)
      (call $verify (i32.const 8) (i32.const 72) (i32.sub (i32.load (i32.const 0)) (i32.const 96)) (i32.const 104)))
    (call $return (i32.const 0) (i32.const 2000) (i32.const 4))))"#;

#[test]
fn sr25519_signatures_are_those_of_the_original() {
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")).collect()
    };
    // Made by @polkadot/util-crypto 14 with the secret seed 07…07.
    let key = bytes("7c0f469d3bd340bae718203fa30ca071a5e37c751e891dbded837b213d45d91d");
    let signature = bytes(concat!(
        "7649ecfda2130d90d6bb3f017401c4dfb2f5d4232e9c4cac0da6ab4c00285f38",
        "a2ac93d184267cd35fe2c74ed0f26e41e527bc9084a363402d93c32d1826e88e",
    ));
    let mut chain = Chain::new();
    let contract = chain.deploy(wat::parse_str(SIGNED).expect("it assembles"));
    let mut verify = |signature: &[u8], key: &[u8], message: &[u8]| {
        let receipt = chain.call(&contract, GAS, &[signature, key, message].concat());
        assert_eq!(receipt.status, Status::Returned);
        u32::from_le_bytes(receipt.output.try_into().expect("a word"))
    };
    assert_eq!(verify(&signature, &key, b"hello world"), 0);
    assert_eq!(verify(&signature, &key, b"hello worle"), 12);
    for at in 0..64 {
        let mut other = signature.clone();
        other[at] ^= 1;
        assert_eq!(verify(&other, &key, b"hello world"), 12, "byte {at}");
    }
    // No point of the curve, and a signature without the mark of its kind.
    assert_eq!(verify(&signature, &[0xff; 32], b"hello world"), 12);
    let mut unmarked = signature.clone();
    unmarked[63] &= 0x7f;
    assert_eq!(verify(&unmarked, &key, b"hello world"), 12);
}

/// Locks (first byte 0) or unlocks (1) the code hash in the input.
const DEPENDS: &str = r#"(module
  (import "seal0" "lock_delegate_dependency" (func $lock (param i32)))
  (import "seal0" "unlock_delegate_dependency" (func $unlock (param i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (memory 1)
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 100))
    (call $input (i32.const 8) (i32.const 0))
    (if (i32.load8_u (i32.const 8)) (then (call $unlock (i32.const 9))) (else (call $lock (i32.const 9))))))"#;

#[test]
fn dependencies_are_noted_once_and_let_go() {
    let mut chain = Chain::new();
    let own = chain.upload(wat::parse_str(DEPENDS).expect("it assembles"));
    let contract = chain.instantiate(own, 0, &[]);
    let others: Vec<_> = (0..33)
        .map(|number| {
            let text =
                format!(r#"(module (func (export "deploy")) (func (export "call") (drop (i32.const {number}))))"#);
            chain.upload(wat::parse_str(&text).expect("it assembles"))
        })
        .collect();
    let mut ask =
        |what: u8, hash: &[u8; 32]| chain.call(&contract, GAS, &[[what].as_slice(), hash].concat()).status.name();
    let refused = "trapped:delegate_dependency";
    assert_eq!(ask(1, &others[0]), refused, "not noted yet");
    assert_eq!(ask(0, &[9; 32]), refused, "no such code");
    assert_eq!(ask(0, &own), refused, "its own code");
    for other in &others[..32] {
        assert_eq!(ask(0, other), "returned");
    }
    assert_eq!(ask(0, &others[32]), refused, "one too many");
    assert_eq!(ask(0, &others[3]), refused, "noted already");
    assert_eq!(ask(1, &others[3]), "returned");
    assert_eq!(ask(0, &others[32]), "returned");
}

/// Begins with the keys a, c and e. A call removes c, writes d, and asks for the key after (input's first byte 0) or before
/// (1) the key and up to the end that follow, each one byte and absent when 0; returns the answer and what was found.
const ORDERED: &str = r#"(module
  (import "unfork0" "storage_next" (func $next (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "clear_storage" (func $clear (param i32 i32) (result i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  (data (i32.const 100) "acde")
  (func $write (param $key i32) (drop (call $set (local.get $key) (i32.const 1) (i32.const 0) (i32.const 0))))
  (func (export "deploy") (call $write (i32.const 100)) (call $write (i32.const 101)) (call $write (i32.const 103)))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 8))
    (call $input (i32.const 8) (i32.const 0))
    (drop (call $clear (i32.const 101) (i32.const 1)))
    (call $write (i32.const 102))
    (i32.store (i32.const 16) (i32.const 8))
    (i32.store8 (i32.const 20)
      (call $next (i32.const 9) (i32.ne (i32.load8_u (i32.const 9)) (i32.const 0))
        (i32.const 10) (i32.ne (i32.load8_u (i32.const 10)) (i32.const 0))
        (i32.load8_u (i32.const 8)) (i32.const 21) (i32.const 16)))
    (call $return (i32.const 0) (i32.const 20) (i32.const 2))))"#;

#[test]
fn keys_follow_each_other_in_order() {
    let mut chain = Chain::new();
    let mut cases: Vec<([u8; 3], Option<u8>)> = Vec::new();
    for (key, end, found) in
        [(0, 0, b'a'), (b'a', 0, b'd'), (b'b', b'e', b'd'), (b'd', 0, b'e'), (b'a', b'd', 0), (b'e', 0, 0)]
    {
        cases.push(([0, key, end], Some(found).filter(|found| *found > 0)));
    }
    for (key, end, found) in
        [(0, 0, b'e'), (b'e', 0, b'd'), (b'd', 0, b'a'), (b'd', b'a', b'a'), (b'd', b'b', 0), (b'a', 0, 0)]
    {
        cases.push(([1, key, end], Some(found).filter(|found| *found > 0)));
    }
    let mut gas = std::collections::BTreeMap::new();
    for (input, found) in cases {
        // A new contract each time: what the call changes is not committed when it asks.
        let code_hash = chain.upload(wat::parse_str(ORDERED).expect("it assembles"));
        let contract = chain.instantiate(code_hash, 0, &input);
        let receipt = chain.call(&contract, GAS, &input);
        let expected = found.map_or(vec![3, 0], |found| vec![0, found]);
        assert_eq!((receipt.status, receipt.output), (Status::Returned, expected), "{input:?}");
        gas.insert(input, receipt.gas_used);
    }
    // The call removes c: on the way from a to d, and from d to a, it is passed and paid for. From d to e, and from e to d,
    // there is nothing between.
    let item = unfork_gas::V1.storage_scan_item;
    assert_eq!(gas[&[0, b'a', 0]], gas[&[0, b'd', 0]] + item, "a removed key passed");
    assert_eq!(gas[&[1, b'd', 0]], gas[&[1, b'e', 0]] + item, "a removed key passed backwards");
    let contract = chain.deploy(wat::parse_str(ORDERED).expect("it assembles"));
    assert_eq!(chain.call(&contract, GAS, &[2, 0, 0]).status.name(), "trapped:invalid_argument");
}
