//! Counts the instructions of warm calls: in an engine built without anything that watches, in the one that ships with
//! nobody watching, and with somebody. `make observer` builds both and runs this; needs valgrind.
//!
//!   observer OTHER    runs itself and OTHER, the same program built with `--cfg unfork_unwatched`, under callgrind
//!   observer counted  what runs under callgrind: one call of each kind is counted
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::cast_precision_loss, clippy::float_arithmetic)]

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use unfork_engine::{
    Action, Address, BlockContext, ChainSpec, Engine, Environment, Hash, Message, OpenHooks, Payload, ProfileId,
    Status, Transaction, contract_address, execute_message, execute_transaction, genesis,
};
use unfork_state::{EmptyView, Layer, StateView};

type Failed = Box<dyn Error>;

/// The most that observing nothing may add, in parts of the instructions of a call.
const ADDED_MAX: f64 = 0.01;
const ALICE: [u8; 32] = [0xa1; 32];
const BOB: [u8; 20] = [0xb0; 20];
/// Who watches: nobody, somebody, somebody who asks for the functions in which frames fail.
const WATCHING: [(&str, bool, bool); 3] =
    [("nobody watches", false, false), ("watched", true, false), ("watched, with functions", true, true)];

fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        Some("counted") => counted(),
        Some(other) => compare(Path::new(other)),
        None => Err("the path of the program built with --cfg unfork_unwatched is missing".into()),
    };
    result.unwrap_or_else(|error| {
        eprintln!("observer: {error}");
        ExitCode::from(3)
    })
}

/// What callgrind counts.
#[inline(never)]
fn counted_work(work: &mut dyn FnMut()) {
    work();
    // Something after the call, or it becomes a jump, and callgrind never sees this function return.
    std::hint::black_box(work);
}

/// A contract, and the call of it that is counted.
struct Work {
    name: &'static str,
    code: &'static [u8],
    constructor: Vec<u8>,
    call: Vec<u8>,
}

fn works() -> [Work; 2] {
    let (mut to, one) = ([0; 32], 1u128.to_le_bytes());
    to[..20].copy_from_slice(&BOB);
    [
        Work {
            name: "C token transfer",
            code: include_bytes!("../../contracts/fixtures/plain/token.wasm"),
            constructor: Vec::new(),
            call: [&[1], BOB.as_slice(), &1u64.to_le_bytes()].concat(),
        },
        Work {
            name: "ink! ERC-20 transfer",
            code: include_bytes!("../../contracts/fixtures/ink-5.1/erc20.wasm"),
            constructor: [[0x9b, 0xae, 0x9d, 0x5e].as_slice(), &(1u128 << 100).to_le_bytes()].concat(),
            call: [[0x84, 0xa1, 0x5d, 0xa1].as_slice(), &to, &one].concat(),
        },
    ]
}

/// A chain with the contract on it.
struct Ground {
    engine: Engine,
    environment: Environment,
    view: Arc<dyn StateView>,
    contract: Address,
}

impl Ground {
    fn new(work: &Work) -> Result<Self, Failed> {
        let spec = Arc::new(ChainSpec::released("observer", 0, vec![(ALICE.into(), 1 << 100)])?);
        let (changes, _) = genesis(&spec)?;
        let view: Arc<dyn StateView> = Arc::new(Layer { base: Arc::new(EmptyView), changes: Arc::new(changes) });
        let environment = Environment::new(spec, BlockContext { height: 1, time: 1 });
        let mut ground = Self { engine: Engine::new()?, environment, view, contract: ALICE.into() };
        let hash: Hash = ground.keep(Action::Upload { profile: ProfileId::Seal, code: work.code.to_vec() })?;
        ground.contract = contract_address(&ALICE.into(), &hash, &work.constructor, &[]);
        ground.keep(Action::Instantiate { code_hash: hash, input: work.constructor.clone(), salt: Vec::new() })?;
        Ok(ground)
    }

    /// Carries out a message and keeps what it changes; gives its output, where that is a hash.
    fn keep(&mut self, action: Action) -> Result<Hash, Failed> {
        let message = Message { caller: ALICE.into(), value: 0, gas_limit: 1_000_000_000, action };
        let (outcome, changes) = execute_message(&self.engine, &self.environment, Arc::clone(&self.view), &message)?;
        assert_eq!(outcome.status, Status::Returned);
        self.view = Arc::new(Layer { base: Arc::clone(&self.view), changes: Arc::new(changes) });
        Ok(outcome.output.try_into().unwrap_or_default())
    }

    fn call(&self, environment: &Environment, input: &[u8]) -> Result<usize, Failed> {
        let transaction = Transaction {
            format: Default::default(),
            chain_id: environment.spec.chain_id(),
            sender: ALICE.into(),
            nonce: 0,
            gas_limit: 10_000_000,
            gas_price: 0,
            payload: Payload::Call { contract: self.contract.clone(), value: 0, input: input.to_vec() },
            authentication: Vec::new(),
        };
        let view = Arc::clone(&self.view);
        let (executed, _) = execute_transaction(&self.engine, environment, &OpenHooks, view, &transaction)??;
        assert_eq!(executed.receipt.status, Status::Returned);
        Ok(executed.trace.len())
    }
}

/// The run under callgrind: prints one line for each counted call, in their order.
fn counted() -> Result<ExitCode, Failed> {
    for work in works() {
        let ground = Ground::new(&work)?;
        for (how, trace, locate) in WATCHING {
            let environment = Environment { trace, locate, ..ground.environment.clone() };
            // The first translates and fills the pool.
            ground.call(&environment, &work.call)?;
            ground.call(&environment, &work.call)?;
            let mut events = Ok(0);
            counted_work(&mut || events = ground.call(&environment, &work.call));
            println!("{}\t{how}\t{}", work.name, events?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One counted call.
struct Count {
    work: String,
    how: String,
    events: u64,
    instructions: u64,
}

fn callgrind(program: &Path) -> Result<Vec<Count>, Failed> {
    let folder = std::env::temp_dir().join(format!("unfork-observer-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet", "--collect-atstart=no"]);
    command.arg(format!("--callgrind-out-file={}", folder.join("out").display()));
    command.args(["--toggle-collect=observer::counted_work", "--dump-after=observer::counted_work"]);
    command.arg(program).arg("counted").stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("starting valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("valgrind {} ended with {}", program.display(), output.status).into());
    }
    let mut counts = Vec::new();
    for (position, line) in String::from_utf8(output.stdout)?.lines().enumerate() {
        let [work, how, events] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("not understood: {line}").into());
        };
        let dump = std::fs::read_to_string(folder.join(format!("out.{}", position + 1)))?;
        let totals = dump.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
        let instructions = totals.ok_or("a dump without totals")?.trim().parse()?;
        counts.push(Count { work: work.to_string(), how: how.to_string(), events: events.parse()?, instructions });
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(counts)
}

fn compare(unwatched: &Path) -> Result<ExitCode, Failed> {
    let (ours, without) = (callgrind(&std::env::current_exe()?)?, callgrind(unwatched)?);
    if without.iter().any(|count| count.events > 0) || without.len() != ours.len() {
        return Err(format!("{} was not built with --cfg unfork_unwatched", unwatched.display()).into());
    }
    let mut well = true;
    println!("instructions of one warm call in a transaction, counted by callgrind");
    for (ours, without) in ours.iter().zip(&without) {
        let added = ours.instructions as f64 / without.instructions as f64 - 1.0;
        let (work, how, events) = (&ours.work, &ours.how, ours.events);
        let (with, without) = (ours.instructions, without.instructions);
        println!("{work:<22} {how:<24} {with:>8}  without {without:>8}  {:>+7.2} %  {events} events", added * 100.0);
        well &= events > 0 || added <= ADDED_MAX;
    }
    println!(
        "observing is {} when nobody watches (at most {} % more)",
        if well { "free" } else { "NOT free" },
        ADDED_MAX * 100.0
    );
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
