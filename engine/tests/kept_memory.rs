//! What the engine says it keeps is no less than what it takes of the host, so that the bounds of cache and pool are bounds
//! on memory: allocations are counted, not estimated.
#![allow(missing_docs, clippy::arithmetic_side_effects)]
#![allow(unsafe_code, reason = "an allocator that counts cannot be written without")]

mod chain;

use chain::{ALICE, Chain, GAS, fixture};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use unfork_engine::{
    Action, Address, BlockContext, Engine, Environment, Message, Payload, ProfileId, Status, execute_message,
};

/// Counts what is allocated now.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        NOW.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        NOW.fetch_add(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A kind of contract.
struct Kind {
    name: &'static str,
    code: Vec<u8>,
    constructor: Vec<u8>,
    call: Vec<u8>,
    /// At most so many times what is counted.
    times_max: usize,
}

fn kind(name: &'static str, code: Vec<u8>, constructor: &[u8], call: &[u8], times_max: usize) -> Kind {
    Kind { name, code, constructor: constructor.to_vec(), call: call.to_vec(), times_max }
}

fn assembled(text: &str) -> Vec<u8> {
    wat::parse_str(format!(r#"(module (func (export "deploy")) {text})"#)).expect("it assembles")
}

/// Calls itself ten thousand times: what the interpreter's stack has grown to must not stay with the program.
const DEEP: &str = r#"(func $down (param i32)
    (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "call") (call $down (i32.const 10000)))"#;
/// Tables of the greatest size, which each instance has.
const TABLES: &str = r#"(table 16384 funcref) (table 16384 funcref) (table 16384 funcref) (table 16384 funcref)
  (func (export "call"))"#;

fn kinds() -> Vec<Kind> {
    let supply = [[0x9b, 0xae, 0x9d, 0x5e].as_slice(), &1u128.to_le_bytes()].concat();
    let many = |text: &str, count: usize| assembled(&format!("(func (export \"call\")) {}", text.repeat(count)));
    let segments = many(&format!("(elem func {})", "0 ".repeat(16_384)), 1);
    let exports: String = (0..250).map(|number| format!("(func (export \"{number}\"))")).collect();
    let nested = format!("(func (export \"call\") {} {})", "(block ".repeat(400), ")".repeat(400));
    vec![
        kind("nearly nothing", assembled(r#"(func (export "call"))"#), &[], &[], 1),
        kind("C token", fixture("plain/token"), &[], &[0; 5], 1),
        kind("ink! ERC-20", fixture("ink-5.1/erc20"), &supply, &[0xdb, 0x63, 0x75, 0xa8], 1),
        kind("deep recursion", assembled(DEEP), &[], &[], 1),
        kind("large tables", assembled(TABLES), &[], &[], 1),
        // What nothing uses, each instance has nevertheless: of segments, the items of passive ones.
        kind("many functions", many("(func)", 2_000), &[], &[], 1),
        kind("many globals", many("(global (mut i32) (i32.const 0))", 800), &[], &[], 1),
        kind("many exports", many(&exports, 1), &[], &[], 1),
        kind("many segments", many("(data \"\")", 1_000), &[], &[], 2),
        kind("large segments", segments, &[], &[], 2),
        // The translator's own lists stay with the program, whatever its length.
        kind("nested blocks", assembled(&nested), &[], &[], 4),
    ]
}

/// Contracts of a kind, each of a code of its own, on a chain in memory.
struct Ground {
    chain: Chain,
    environment: Environment,
    contracts: Vec<Address>,
}

impl Ground {
    fn new(kind: &Kind, count: u32) -> Self {
        let mut chain = Chain::new();
        let mut contracts = Vec::new();
        for first in (0..count).step_by(500) {
            let copies = (first..count.min(first + 500)).map(|number| {
                // A custom section of six bytes: its name, of one letter, and the number.
                [kind.code.as_slice(), &[0, 6, 1, b'n'], &number.to_le_bytes()].concat()
            });
            let uploads = copies.map(|code| Payload::Upload { profile: ProfileId::Seal, code });
            let hashes = chain.run_all(uploads.collect()).into_iter().map(|receipt| receipt.output);
            let creations = hashes.map(|hash| Payload::Instantiate {
                code_hash: hash.try_into().expect("a code hash"),
                value: 0,
                input: kind.constructor.clone(),
                salt: Vec::new(),
            });
            let created = chain.run_all(creations.collect()).into_iter().map(|receipt| receipt.created);
            contracts.extend(created.map(|created| created.unwrap_or_else(|| panic!("{} is not made", kind.name))));
        }
        let block = BlockContext { height: chain.executor.head().height + 1, time: 1 };
        let environment = Environment::new(Arc::clone(chain.executor.spec()), block);
        Self { chain, environment, contracts }
    }

    /// Calls each contract on `engine`; nothing but what the engine keeps is left of it.
    fn call_all(&self, engine: &Engine, kind: &Kind) {
        for contract in &self.contracts {
            let action = Action::Call { contract: contract.clone(), input: kind.call.clone() };
            let message = Message { caller: ALICE.into(), value: 0, gas_limit: GAS, action };
            let view = self.chain.executor.store().view();
            let (outcome, _) = execute_message(engine, &self.environment, view, &message).expect("no fault");
            assert_eq!(outcome.status, Status::Returned, "{}", kind.name);
        }
    }
}

/// Bytes that calling each contract leaves behind, with an engine of these bounds, and those that it says it keeps.
fn left(ground: &Ground, kind: &Kind, cache: usize, pool: usize) -> (usize, (usize, usize)) {
    let engine = Engine::with_bounds(cache, pool).expect("the self-test passes");
    let before = NOW.load(Relaxed);
    ground.call_all(&engine, kind);
    (NOW.load(Relaxed) - before, engine.kept_bytes())
}

// One test, since whatever else runs beside it would be counted.
#[test]
fn what_is_kept_is_counted_and_bounded() {
    const COUNT: u32 = 40;
    for kind in kinds() {
        let ground = Ground::new(&kind, COUNT);
        let (programs, counted) = left(&ground, &kind, 1 << 30, 0);
        let (both, counted_both) = left(&ground, &kind, 1 << 30, 1 << 30);
        let instances = both.saturating_sub(programs);
        let each = |bytes: usize| bytes.div_ceil(COUNT as usize);
        let (name, times) = (kind.name, kind.times_max);
        println!(
            "{name}: {} bytes a program, counted as {}; {} an instance, counted as {}",
            each(programs),
            each(counted.0),
            each(instances),
            each(counted_both.1)
        );
        assert!(counted.0 > 0 && counted_both.1 > 0, "{name}: nothing was kept");
        assert!(programs <= times * counted.0, "{name}: {programs} bytes of programs, counted as {}", counted.0);
        assert!(instances <= counted_both.1, "{name}: {instances} bytes of instances, counted as {}", counted_both.1);
    }
    let (cache, pool) = (16 << 20, 8 << 20);
    let tiny = kinds().remove(0);
    let (bytes, counted) = left(&Ground::new(&tiny, 10_000), &tiny, cache, pool);
    println!("10,000 contracts: {bytes} bytes are kept, of {} at most", cache + pool);
    assert!(bytes <= cache + pool, "{bytes} bytes are kept");
    assert!(counted.0 > cache / 2 && counted.1 > pool / 2, "the bounds were not reached: {counted:?}");
}
