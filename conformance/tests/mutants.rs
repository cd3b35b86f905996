//! Each oracle is given a component with one planted mistake, and must notice. An oracle that does not is no oracle.
#![allow(clippy::arithmetic_side_effects, reason = "counts and seeds")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use unfork_conformance::generators::random::Random;
use unfork_conformance::oracles::admission::{Admitted, admission_of};
use unfork_conformance::oracles::blocks::{Replica, blocks_of, memory};
use unfork_conformance::oracles::decoders::decoders_of;
use unfork_conformance::oracles::execution::execution_of;
use unfork_conformance::oracles::state_model::state_model_of;
use unfork_engine::{Fault, Status, execute_message, genesis};
use unfork_gas::{LIMITS_V1, V1};
use unfork_state::testing::FaultyDisk;
use unfork_state::{
    Backend, Batch, Change, ChangeSet, Key, Range, StateError, StateView, Store, Table, TableRange, Value,
};

const SEED: u64 = 7;

/// Runs `oracle` on seeded inputs until it panics; the message must contain `expected`.
fn must_notice(expected: &str, inputs: u64, longest: usize, mut oracle: impl FnMut(&[u8])) {
    for index in 0..inputs {
        let input = Random::new(SEED + index).input(longest);
        let Err(panic) = catch_unwind(AssertUnwindSafe(|| oracle(&input))) else { continue };
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_string())).unwrap_or_default();
        assert!(text.contains(expected), "noticed for another reason than {expected:?}: {text}");
        println!("noticed at input {index}: {}", text.lines().next().unwrap_or_default());
        return;
    }
    panic!("{inputs} inputs, and nobody noticed: {expected}");
}

fn admit(code: &[u8], profile: &unfork_gas::Profile<'_>) -> Result<Admitted, unfork_gas::Refusal> {
    unfork_gas::admit(code, &V1, &LIMITS_V1, profile).map(Admitted::from)
}

/// Changes the first charge of instrumented code: an `i64.const` before an `i64.add`, in the last bit of its operand.
fn alter_charge(code: &mut [u8]) -> bool {
    let is_charge = |at: &usize| {
        let operand = code[at + 1..].iter().position(|byte| *byte < 0x80);
        code[*at] == 0x42 && operand.is_some_and(|last| code.get(at + 2 + last) == Some(&0x7c))
    };
    let found = (0..code.len()).find(is_charge);
    found.is_some_and(|at| {
        code[at + 1] ^= 1;
        true
    })
}

#[test]
fn admission_notices_a_charge_that_differs_between_runs() {
    let runs = AtomicU64::new(0);
    must_notice("the same code was judged differently", 1_000, 2048, |data| {
        admission_of(data, &mut |code, profile| {
            let mut admitted = admit(code, profile)?;
            if runs.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
                alter_charge(&mut admitted.code);
            }
            Ok(admitted)
        });
    });
}

#[test]
fn admission_notices_code_that_does_not_validate() {
    must_notice("does not validate", 1_000, 2048, |data| {
        admission_of(data, &mut |code, profile| {
            let mut admitted = admit(code, profile)?;
            admitted.code.push(0);
            Ok(admitted)
        });
    });
}

#[test]
fn admission_notices_a_refusal_without_a_place() {
    must_notice("the refusal names byte", 1_000, 2048, |data| {
        admission_of(data, &mut |code, profile| {
            admit(code, profile).map_err(|refusal| unfork_gas::Refusal { offset: u32::MAX, ..refusal })
        });
    });
}

#[test]
fn admission_notices_that_a_limit_is_not_kept() {
    must_notice("memory of", 1_000, 2048, |data| {
        admission_of(data, &mut |code, profile| {
            admit(code, profile).map(|admitted| Admitted { memory_pages_max: 65_536, ..admitted })
        });
    });
}

#[test]
fn execution_notices_that_watching_costs_gas() {
    must_notice("another outcome when watched", 100, 2048, |data| {
        execution_of(data, &|engine, environment, view, message| {
            let (mut outcome, changes) = execute_message(engine, environment, view, message)?;
            outcome.gas_used += u64::from(environment.trace);
            Ok((outcome, changes))
        });
    });
}

#[test]
fn execution_notices_a_fault() {
    must_notice("a contract made a fault", 1_000, 2048, |data| {
        execution_of(data, &|engine, environment, view, message| {
            let (outcome, changes) = execute_message(engine, environment, view, message)?;
            if matches!(outcome.status, Status::Trapped(_)) {
                Err(Fault::executor("a trap"))
            } else {
                Ok((outcome, changes))
            }
        });
    });
}

#[test]
fn execution_notices_one_gas_too_few() {
    must_notice("but one less was enough", 1_000, 2048, |data| {
        execution_of(data, &|engine, environment, view, message| {
            let (mut outcome, changes) = execute_message(engine, environment, view, message)?;
            if outcome.status == Status::Returned && outcome.gas_used < message.gas_limit {
                outcome.gas_used += 1;
            }
            Ok((outcome, changes))
        });
    });
}

/// A view that answers another value for one key of a contract, once.
struct LyingView {
    inner: Arc<dyn StateView>,
    reads: AtomicU64,
}

impl StateView for LyingView {
    fn get(&self, key: &Key) -> Result<Option<Value>, StateError> {
        let found = self.inner.get(key)?;
        // An account's record: nonce u64, balance u128.
        let is_account = key.raw().first() == Some(&1) && found.as_ref().is_some_and(|value| value.len() == 24);
        if is_account && self.reads.fetch_add(1, Ordering::Relaxed) == 0 {
            return Ok(found.map(|value| altered(&value)));
        }
        Ok(found)
    }

    fn length(&self, key: &Key) -> Result<Option<u32>, StateError> {
        self.inner.length(key)
    }

    fn scan(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Value)>, StateError> {
        self.inner.scan(range, limit)
    }
}

/// The same bytes with one bit changed in the last but a few.
fn altered(value: &[u8]) -> Value {
    let mut bytes = value.to_vec();
    if let Some(byte) = bytes.get_mut(8) {
        *byte ^= 1;
    }
    bytes.into()
}

#[test]
fn execution_notices_a_view_that_answers_wrong() {
    must_notice("money came or went", 1_000, 2048, |data| {
        execution_of(data, &|engine, environment, inner, message| {
            execute_message(engine, environment, Arc::new(LyingView { inner, reads: AtomicU64::new(0) }), message)
        });
    });
}

#[test]
fn execution_notices_a_change_left_by_a_failure() {
    must_notice("left 1 changes", 1_000, 2048, |data| {
        execution_of(data, &|engine, environment, view, message| {
            let (outcome, mut changes) = execute_message(engine, environment, view, message)?;
            if !outcome.status.is_success() {
                let key = Key::new(&unfork_state::Space::system(), b"left");
                let left = Change { old: None, new: Some(Value::from([1].as_slice())) };
                changes = ChangeSet::from_map([(key, left)].into());
            }
            Ok((outcome, changes))
        });
    });
}

/// A backend that answers another value for some keys, once the store has been filled.
struct LyingBackend {
    inner: Box<dyn Backend>,
    /// Whether to lie about this value.
    about: fn(&[u8], &[u8]) -> bool,
}

impl Backend for LyingBackend {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, StateError> {
        let found = self.inner.get(table, key)?;
        let lie = |value: Value| {
            let lies = table == Table::Values && (self.about)(key, &value);
            if lies { altered(&value) } else { value }
        };
        Ok(found.map(lie))
    }

    fn scan(&self, table: Table, range: &TableRange, limit: usize) -> Result<Vec<(Vec<u8>, Value)>, StateError> {
        self.inner.scan(table, range, limit)
    }

    fn write(&self, batch: Batch) -> Result<(), StateError> {
        self.inner.write(batch)
    }
}

#[test]
fn blocks_notice_a_store_that_answers_wrong() {
    // The balance of an account with little money: wrong for whoever reads it, right in every scan.
    let about = |key: &[u8], value: &[u8]| key.get(1) == Some(&1) && value.len() == 24;
    must_notice("the executor lying does not agree", 20, 4096, |data| {
        blocks_of(data, &|spec, _| {
            let (changes, block) = genesis(spec).expect("a genesis");
            let disk = FaultyDisk::new();
            let backend = Box::new(LyingBackend { inner: disk.backend(), about });
            let (id, body) = (block.block.header.id(), parity_scale_codec::Encode::encode(&block));
            let store = Store::create_with(backend, disk.block_log(), spec.chain_id(), changes, id, body);
            let honest = Replica::new("in memory", 1 << 20, spec, memory(spec));
            vec![honest, Replica::new("lying", 1 << 20, spec, store.expect("a new store"))]
        });
    });
}

#[test]
fn blocks_notice_another_executor() {
    // The same chain under rules that differ in one price.
    must_notice("the executor dearer does not agree", 20, 4096, |data| {
        blocks_of(data, &|spec, _| {
            let honest = Replica::new("in memory", 1 << 20, spec, memory(spec));
            let mut dearer = Replica::new("dearer", 1 << 20, spec, memory(spec));
            dearer.executor = with_another_price(spec);
            vec![honest, dearer]
        });
    });
}

fn with_another_price(spec: &Arc<unfork_engine::ChainSpec>) -> unfork_engine::BlockExecutor {
    use unfork_engine::{Activation, BlockExecutor, ChainSpec, Engine, OpenHooks, ProfileId, Rules};
    let schedule = unfork_gas::Schedule { storage_write_base: V1.storage_write_base + 1, ..V1 };
    let rules = Arc::new(Rules::new(1, schedule, LIMITS_V1, vec![ProfileId::Seal]));
    let activations = vec![Activation { from_height: 0, rules }];
    let accounts = spec.accounts().to_vec();
    let dearer = ChainSpec::new(spec.name(), spec.genesis_time(), accounts, activations).expect("a specification");
    let engine = Engine::new().expect("the self-test passes");
    let hooks = Arc::new(OpenHooks);
    BlockExecutor::under_chain_id(engine, Arc::new(dearer), spec.chain_id(), hooks, memory(spec)).expect("an executor")
}

#[test]
fn state_model_notices_a_store_that_answers_wrong() {
    must_notice("the proof of", 200, 4096, |data| {
        state_model_of(data, &|inner| Box::new(LyingBackend { inner, about: |_, value| value.len() == 97 }));
    });
}

/// A backend that loses each removal of a key that ends in 0xff.
struct ForgetfulBackend(Box<dyn Backend>);

impl Backend for ForgetfulBackend {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.0.get(table, key)
    }

    fn scan(&self, table: Table, range: &TableRange, limit: usize) -> Result<Vec<(Vec<u8>, Value)>, StateError> {
        self.0.scan(table, range, limit)
    }

    fn write(&self, batch: Batch) -> Result<(), StateError> {
        let mut kept = Batch::default();
        for write in batch.writes() {
            if write.value.is_some() || write.table != Table::Values || !write.key.ends_with(&[0xff]) {
                kept.write(write);
            }
        }
        self.0.write(kept)
    }
}

#[test]
fn state_model_notices_a_lost_removal() {
    must_notice("a scan of", 300, 4096, |data| {
        state_model_of(data, &|inner| Box::new(ForgetfulBackend(inner)));
    });
}

#[test]
fn decoders_notice_trailing_bytes() {
    must_notice("was accepted with a byte behind it", 1_000, 512, |data| {
        decoders_of(data, &|codec, bytes| {
            let recoded = (codec.recode)(bytes);
            let shorter = bytes.split_last().map(|(_, shorter)| shorter).unwrap_or_default();
            if codec.name == "receipt" { recoded.or_else(|| (codec.recode)(shorter)) } else { recoded }
        });
    });
}

#[test]
fn decoders_notice_a_second_encoding() {
    // A decoder that takes no notice of the version in front.
    must_notice("in bytes that are not its encoding", 10_000, 512, |data| {
        decoders_of(data, &|codec, bytes| match (codec.name, bytes) {
            ("transaction", [_, rest @ ..]) => (codec.recode)(&[[1].as_slice(), rest].concat()),
            _ => (codec.recode)(bytes),
        });
    });
}

#[test]
fn honest_components_are_not_accused() {
    // The same inputs as above, without a mistake: whatever an oracle says there is due to the mistake.
    for index in 0..200 {
        let input = Random::new(SEED + index).input(2048);
        admission_of(&input, &mut admit);
        execution_of(&input, &execute_message);
        decoders_of(&input, &|codec, bytes| (codec.recode)(bytes));
        state_model_of(&input, &|backend| backend);
    }
}
