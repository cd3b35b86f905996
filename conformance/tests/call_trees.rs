//! Random call trees against a model: state, balances, events, budgets, rollback, read-only and delegate calls,
//! re-entrance, termination, and that gas is neither lost nor made. `UNFORK_SEED` chooses other trees,
//! `UNFORK_EVIDENCE=1` runs many more. A tree on which engine and model differ is made small before it is printed.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

#[path = "call_trees/model.rs"]
mod model;
#[path = "call_trees/script.rs"]
mod script;

use model::{Limits, Model, Overheads, Record, World, mark};
use script::{Bytes32, Choices, Op, encode, generate, smaller};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use unfork_conformance::generators::random::Random;
use unfork_engine::{
    Account, Action, Activation, Address, BlockContext, ChainSpec, Contract, Engine, Environment, Message, OpenHooks,
    Outcome, Payload, ProfileId, RecordKey, Rules, Status, TraceEvent, Transaction, execute_message,
    execute_transaction, genesis, simulate,
};
use unfork_state::{ChangeSet, EmptyView, Layer, Range, Space, StateView};

const ALICE: Bytes32 = [0xa1; 32];
const BOB: Bytes32 = [0xb0; 32];
/// No account and no contract.
const NOBODY: Bytes32 = [0xee; 32];
/// Codes that differ in their mark only.
const CODES: usize = 2;
const GAS: u64 = 5_000_000_000;

fn number(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn is_evidence() -> bool {
    number("UNFORK_EVIDENCE", 0) == 1
}

/// A chain on which trees run, each from the same state.
struct Ground {
    engine: Engine,
    environment: Environment,
    view: Arc<dyn StateView>,
    world: World,
    limits: Limits,
    /// The codes there are, and the hash of one there is not.
    codes: Vec<Bytes32>,
    contracts: Vec<Bytes32>,
    limits_gas: bool,
}

/// Limits that differ from the released ones. With small budgets no call limits its gas: what a frame that runs out of
/// gas has spent of budgets only the engine knows.
fn grounds() -> [Ground; 4] {
    let shallow: &[(&str, u64)] = &[("call_depth_max", 4)];
    let narrow: &[(&str, u64)] = &[("memory_pages_live_max", 6)];
    let few_events: &[(&str, u64)] = &[("events_max", 2), ("event_bytes_total_max", 60)];
    let few_bytes: &[(&str, u64)] = &[("call_depth_max", 5), ("changed_bytes_max", 600)];
    [
        Ground::new(shallow, true),
        Ground::new(narrow, true),
        Ground::new(few_events, false),
        Ground::new(few_bytes, false),
    ]
}

impl Ground {
    fn new(overrides: &[(&str, u64)], limits_gas: bool) -> Self {
        let released = Rules::released(1).expect("version 1");
        let (schedule, mut limits) = (released.schedule().clone(), released.limits().clone());
        for (name, value) in overrides {
            assert!(limits.set(name, *value), "{name} is no limit");
        }
        let rules = Arc::new(Rules::new(1, schedule, limits.clone(), vec![ProfileId::Seal]));
        let accounts = vec![(ALICE.into(), 1_000_000_000), (BOB.into(), 5)];
        let spec = ChainSpec::new("trees", 0, accounts, vec![Activation { from_height: 0, rules }]).expect("good");
        let spec = Arc::new(spec);
        let (changes, _) = genesis(&spec).expect("a genesis");
        let block = BlockContext { height: 1, time: 1_000_000_000 };
        // Half of the grounds run code that notes where it is, which must make no difference.
        let environment = Environment { trace: true, locate: limits_gas, ..Environment::new(spec, block) };
        let limits = Limits {
            call_depth: limits.call_depth_max as usize,
            live_pages: limits.memory_pages_live_max,
            events: limits.events_max,
            event_bytes: limits.event_bytes_total_max,
            changed_bytes: limits.changed_bytes_max,
        };
        let mut ground = Self {
            engine: Engine::new().expect("the self-test passes"),
            environment,
            view: Arc::new(Layer { base: Arc::new(EmptyView), changes: Arc::new(changes) }),
            world: World::default(),
            limits,
            codes: Vec::new(),
            contracts: Vec::new(),
            limits_gas,
        };
        for code in 0..CODES {
            let text = include_str!("call_trees/contract.wat").replace("MARK", &mark(code).to_string());
            let code = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
            let outcome = ground.set_up(0, Action::Upload { profile: ProfileId::Seal, code });
            ground.codes.push(outcome.output.try_into().expect("a code hash"));
        }
        for (code, salt, value) in [(0, 0, 1_000), (1, 1, 300), (0, 2, 0)] {
            let (code_hash, input, salt) = (ground.codes[code], Vec::new(), vec![salt]);
            let outcome = ground.set_up(value, Action::Instantiate { code_hash, input, salt });
            ground.contracts.push(outcome.created.expect("made").as_bytes().try_into().expect("32 bytes"));
        }
        ground.codes.push([0xcc; 32]);
        ground.world = world_of(ground.view.as_ref(), &ground.codes).expect("a world");
        ground
    }

    fn set_up(&mut self, value: u128, action: Action) -> Outcome {
        let message = Message { caller: ALICE.into(), value, gas_limit: GAS, action };
        let (outcome, changes) = self.execute(&message);
        assert_eq!(outcome.status, Status::Returned);
        self.view = Arc::new(Layer { base: Arc::clone(&self.view), changes: Arc::new(changes) });
        outcome
    }

    fn execute(&self, message: &Message) -> (Outcome, ChangeSet) {
        let done = execute_message(&self.engine, &self.environment, Arc::clone(&self.view), message);
        let (mut outcome, changes) = done.expect("no fault");
        for event in &mut outcome.trace {
            if let TraceEvent::FrameEnded { places, status, .. } = event {
                let expected = self.environment.locate && !matches!(status, Status::Returned | Status::Reverted);
                assert!(places.is_empty() || expected, "{status:?} in {places:?}");
                places.clear();
            }
        }
        (outcome, changes)
    }

    fn tree(&self, seed: u64) -> Tree {
        let mut random = Random::new(seed);
        let choices = Choices {
            contracts: &self.contracts,
            others: &[ALICE, BOB, NOBODY],
            codes: CODES,
            limits_gas: self.limits_gas,
        };
        let mut room = 60;
        let script = generate(&mut random, &choices, 6, &mut room);
        let value = if random.next_number().is_multiple_of(4) { 50 } else { 0 };
        Tree { value, script }
    }

    fn message(&self, tree: &Tree) -> Message {
        let input = encode(&tree.script, &self.codes);
        let action = Action::Call { contract: self.contracts[0].into(), input };
        Message { caller: ALICE.into(), value: tree.value, gas_limit: GAS, action }
    }

    /// Runs a tree in the engine and in the model; what differs, or what the engine came to.
    fn compare(&self, tree: &Tree, overheads: &mut Overheads) -> Result<Outcome, String> {
        let (outcome, changes) = self.execute(&self.message(tree));
        let mut model = Model::new(self.world.clone(), self.limits, &self.codes, &outcome.trace, overheads);
        let (status, output) = model.run(ALICE, self.contracts[0], tree.value, &tree.script)?;
        let same = |what: &str, same: bool, found: String, expected: String| {
            if same { Ok(()) } else { Err(format!("{what}:\n  expected {expected}\n     found {found}")) }
        };
        let (found, expected) = (&outcome.status, &status);
        same("status", found == expected, found.name(), expected.name())?;
        same("output", outcome.output == output, hex::encode(&outcome.output), hex::encode(&output))?;
        let mut expected = model.world;
        let events = std::mem::take(&mut expected.events);
        same("events", outcome.events == events, format!("{:?}", outcome.events), format!("{events:?}"))?;
        // Transient storage is nothing that stays.
        expected.transient.clear();
        let after = Layer { base: Arc::clone(&self.view), changes: Arc::new(changes) };
        let found = world_of(&after, &self.codes)?;
        same("state", found == expected, format!("{found:?}"), format!("{expected:?}"))?;
        let Some(TraceEvent::FrameEnded { gas_used, .. }) = outcome.trace.last() else {
            return Err("the trace does not end with a frame's end".to_string());
        };
        let base = self.environment.rules().schedule().call_base;
        same("gas", outcome.gas_used == gas_used + base, outcome.gas_used.to_string(), (gas_used + base).to_string())?;
        Ok(outcome)
    }

    /// The same with every tree on its own, so that a tree can be made smaller; gas around calls is compared inside it.
    fn differs(&self, tree: &Tree) -> Option<String> {
        self.compare(tree, &mut Overheads::new()).err()
    }

    /// The smallest tree found that differs as `tree` does.
    fn smallest(&self, mut tree: Tree) -> Tree {
        loop {
            let candidates = smaller(&tree.script).into_iter().map(|script| Tree { script, ..tree.clone() });
            match candidates.into_iter().find(|tree| self.differs(tree).is_some()) {
                Some(smaller) => tree = smaller,
                None => return tree,
            }
        }
    }

    /// A text in which the addresses and codes that every tree knows stand by name.
    fn named(&self, text: &str) -> String {
        let contracts =
            self.contracts.iter().enumerate().map(|(index, address)| (*address, format!("contract-{index}")));
        let others = [(ALICE, "alice"), (BOB, "bob"), (NOBODY, "nobody")];
        let all = contracts.chain(others.map(|(address, name)| (address, name.to_string())));
        all.fold(text.to_string(), |text, (address, name)| {
            text.replace(&format!("{address:?}"), &name).replace(&format!("{:?}", Address::from(address)), &name)
        })
    }

    fn check(&self, seed: u64, overheads: &mut Overheads, seen: &mut Seen) {
        let tree = self.tree(seed);
        match self.compare(&tree, overheads) {
            Ok(outcome) => seen.note(&outcome),
            Err(what) => {
                let small = if self.differs(&tree).is_some() { self.smallest(tree) } else { tree };
                let what = self.differs(&small).unwrap_or(what);
                let shown = self.named(&format!("{small:?}\n{what}"));
                panic!("UNFORK_SEED={seed}, small budgets: {}\n{shown}", !self.limits_gas);
            }
        }
    }
}

/// A transaction: a call of the first contract.
#[derive(Clone, Debug)]
struct Tree {
    value: u128,
    script: Vec<Op>,
}

/// The state of accounts and contracts as the model has it.
fn world_of(view: &dyn StateView, codes: &[Bytes32]) -> Result<World, String> {
    let mut world = World::default();
    let all = |space| view.scan(&Range::all(space), 100_000).expect("a state in memory");
    for (key, _) in all(Space::system()) {
        let (Some(tag), Some(address)) = (key.raw().first(), key.raw().get(1..).and_then(|raw| raw.try_into().ok()))
        else {
            continue;
        };
        let address: Bytes32 = address;
        let id = Address::from(address);
        match tag {
            1 => {
                let account: Option<Account> = read(view, RecordKey::Account(&id));
                world.balances.extend(account.map(|account| (address, account.balance)));
            }
            2 => {
                let contract: Contract = read(view, RecordKey::Contract(&id)).expect("its key is there");
                let code = codes.iter().position(|code| *code == contract.code_hash);
                let code = code.ok_or_else(|| format!("{id:?} has a code that nobody uploaded"))?;
                let space = Space::storage(&address, contract.incarnation).expect("an address");
                let items = all(space);
                let bytes: usize = items.iter().map(|(key, value)| key.raw().len() + value.len()).sum();
                if (contract.items, contract.bytes) != (items.len() as u64, bytes as u64) {
                    return Err(format!("{id:?} counts {} items, it has {}", contract.items, items.len()));
                }
                let storage = items.iter().map(|(key, value)| (key.raw()[1], value.to_vec())).collect();
                world.contracts.insert(address, Record { code, incarnation: contract.incarnation, storage });
            }
            5 => {
                let next: u64 = read(view, RecordKey::NextIncarnation(&id)).expect("its key is there");
                world.next_incarnations.insert(address, next);
            }
            _ => {}
        }
    }
    Ok(world)
}

fn read<R: parity_scale_codec::Decode>(view: &dyn StateView, key: RecordKey<'_>) -> Option<R> {
    unfork_engine::read_record(view, key).expect("a state in memory")
}

/// What trees came across, so that a generator that has become tame is noticed.
#[derive(Default)]
struct Seen(BTreeMap<String, u64>);

impl Seen {
    fn note(&mut self, outcome: &Outcome) {
        let mut count = |name: String| *self.0.entry(name).or_default() += 1;
        for event in &outcome.trace {
            match event {
                TraceEvent::FrameStarted { kind, read_only, .. } => {
                    count(format!("{kind:?}{}", if *read_only { " read-only" } else { "" }));
                }
                TraceEvent::FrameEnded { depth, status, .. } => {
                    count(status.name());
                    if *depth > 0 && !status.is_success() && outcome.status.is_success() {
                        count(format!("survived {}", status.name()));
                    }
                }
                TraceEvent::NotStarted { reason } => count(format!("not started {}", reason.name())),
                TraceEvent::Terminated { .. } => count("terminated".to_string()),
                TraceEvent::CodeReplaced { .. } => count("code replaced".to_string()),
                _ => {}
            }
        }
    }

    /// Panics unless each of these was seen a few times.
    fn must_have(&self, names: &[&str]) {
        let missing: Vec<&&str> = names.iter().filter(|name| self.0.get(**name).copied().unwrap_or(0) < 3).collect();
        assert!(missing.is_empty(), "seen less than three times: {missing:?}, of {:#?}", self.0);
    }
}

#[test]
fn random_call_trees_do_what_the_model_does() {
    let count = if is_evidence() { 100_000 } else { 1_000 };
    let first = number("UNFORK_SEED", 1);
    let (mut overheads, mut seen) = (Overheads::new(), Seen::default());
    for ground in grounds() {
        for seed in first..first + count {
            ground.check(seed, &mut overheads, &mut seen);
        }
    }
    println!("4 × {count} call trees from seed {first}: {:?}; gas around {} kinds of calls", seen.0, overheads.len());
    seen.must_have(&[
        "Call",
        "Call read-only",
        "Delegate",
        "Delegate read-only",
        "Deploy",
        "returned",
        "reverted",
        "out_of_gas",
        "trapped:unreachable",
        "trapped:division_by_zero",
        "trapped:state_change_denied",
        "trapped:reentrance_denied",
        "trapped:terminate_denied",
        "trapped:duplicate_contract",
        "trapped:invalid_argument",
        "exhausted:call_depth",
        "exhausted:live_memory",
        "exhausted:events",
        "exhausted:changed_bytes",
        "survived out_of_gas",
        "survived reverted",
        "survived exhausted:live_memory",
        "not started contract_not_found",
        "not started insufficient_balance",
        "not started code_not_found",
        "terminated",
        "code replaced",
    ]);
}

/// A model that is wrong in one place must be noticed: otherwise nothing above shows anything.
#[test]
fn a_model_that_is_wrong_is_noticed() {
    type Change = fn(&mut Ground);
    let wrong: [(&str, Change); 6] = [
        ("one more frame", |ground| ground.limits.call_depth += 1),
        ("one page less", |ground| ground.limits.live_pages -= 1),
        ("one more event", |ground| ground.limits.events += 1),
        ("eight changed bytes less", |ground| ground.limits.changed_bytes -= 8),
        ("a coin more", |ground| *ground.world.balances.entry(BOB).or_default() += 1),
        ("another incarnation", |ground| {
            let contract = ground.contracts[1];
            ground.world.contracts.get_mut(&contract).expect("there").incarnation += 1;
        }),
    ];
    for (name, change) in wrong {
        let found = grounds().into_iter().find_map(|mut ground| {
            change(&mut ground);
            let seed = (1..500).find(|seed| ground.differs(&ground.tree(*seed)).is_some())?;
            Some((seed, ground.smallest(ground.tree(seed))))
        });
        let (seed, small) = found.unwrap_or_else(|| panic!("{name}: not noticed"));
        println!("{name}: noticed at seed {seed}, with {} steps", small.script.len());
    }
    // Gas that goes astray: a trace in which one frame is said to have used a unit more.
    let [ground, ..] = grounds();
    let mut noticed = BTreeSet::new();
    for seed in 1..200 {
        let tree = ground.tree(seed);
        let (mut outcome, _) = ground.execute(&ground.message(&tree));
        let nested = outcome.trace.iter_mut().find_map(|event| match event {
            TraceEvent::FrameEnded { depth, gas_used, status, .. } if *depth == 1 && *status == Status::Returned => {
                Some(gas_used)
            }
            _ => None,
        });
        let Some(gas_used) = nested else { continue };
        *gas_used += 1;
        let mut overheads = Overheads::new();
        ground.compare(&tree, &mut overheads).expect("the engine is right");
        let mut model = Model::new(ground.world.clone(), ground.limits, &ground.codes, &outcome.trace, &mut overheads);
        noticed.insert(model.run(ALICE, ground.contracts[0], tree.value, &tree.script).is_err());
    }
    assert!(noticed.contains(&true), "gas that goes astray is not noticed");
}

#[test]
fn simulating_finds_the_smallest_gas_limit() {
    let count = if is_evidence() { 10_000 } else { 150 };
    let first = number("UNFORK_SEED", 1);
    let [ground, ..] = grounds();
    let (mut exact, mut certain, mut branching) = (0, 0, 0);
    let mut random = Random::new(first);
    for seed in first..first + count {
        let tree = ground.tree(seed);
        let payload = Payload::Call {
            contract: ground.contracts[0].into(),
            value: tree.value,
            input: encode(&tree.script, &ground.codes),
        };
        let at = |gas_limit| Transaction {
            format: Default::default(),
            chain_id: ground.environment.spec.chain_id(),
            sender: ALICE.into(),
            nonce: read::<Account>(ground.view.as_ref(), RecordKey::Account(&ALICE.into())).expect("there").nonce,
            gas_limit,
            gas_price: 0,
            payload: payload.clone(),
            authentication: Vec::new(),
        };
        let (engine, environment) = (&ground.engine, &ground.environment);
        let view = || Arc::clone(&ground.view);
        let simulation = simulate(engine, environment, &OpenHooks, view(), &at(GAS)).expect("no fault").expect("valid");
        let executed = |gas_limit| {
            let done = execute_transaction(engine, environment, &OpenHooks, view(), &at(gas_limit)).expect("no fault");
            done.ok().map(|(executed, changes)| {
                let receipt = executed.receipt;
                (receipt.status, receipt.output, receipt.events, receipt.created, changes)
            })
        };
        let receipt = simulation.receipt.clone();
        let dry = (receipt.status, receipt.output, receipt.events, receipt.created, simulation.writes.clone());
        let smallest = simulation.gas_limit_min;
        assert_eq!(executed(smallest).as_ref(), Some(&dry), "seed {seed}: at {smallest}");
        assert_ne!(executed(smallest - 1).as_ref(), Some(&dry), "seed {seed}: one below {smallest}");
        if smallest == receipt.gas_used {
            exact += 1;
        }
        if simulation.gas_dependence.certain() {
            certain += 1;
            // Nor is any smaller limit enough.
            for _ in 0..4 {
                let less = random.next_number() % smallest;
                assert_ne!(executed(less).as_ref(), Some(&dry), "seed {seed}: at {less}");
            }
            // Nothing looks at gas, so more of it changes nothing.
            for more in [smallest + 1, smallest * 2, GAS * 2] {
                assert_eq!(executed(more).as_ref(), Some(&dry), "seed {seed}: at {more}");
            }
        }
        if let Some(other) = simulation.gas_dependence.differs_at {
            branching += 1;
            assert_ne!(executed(other).as_ref(), Some(&dry), "seed {seed}: at {other}");
        }
    }
    println!("{count} dry runs: {exact} need what they use, {certain} do not look at gas, {branching} depend on it");
    // Contracts that do something else with less gas are tried in testkit/tests/gas.rs.
    assert!(exact > 0 && certain > 0);
}
