//! Every vector of `conformance/vectors` on a store that is not ours: the last id and root of each must be those that
//! `golden/roots.txt` publishes, where the id commits to every transaction and receipt of the chain. Then reads of that store
//! fail, one after the other: that stops the block and never becomes a receipt.

use parity_scale_codec::Encode;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use unfork::chain::ChainFile;
use unfork::scenario::{Scenario, Watch, load, run_in_memory};
use unfork_engine::{
    BlockContext, BlockError, BlockOutcome, ChainSpec, Engine, Environment, FaultKind, Format, Header, OpenHooks,
    Reason, Receipt, StoredBlock, Transaction, execute_block, genesis, select_block,
};
use unfork_outside::{Hash, State, hash, list_root};
use unfork_state::testing::check_view;
use unfork_state::{ChangeSet, Key, Range, StateError, StateView, Value};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

fn vectors() -> Vec<(String, Scenario)> {
    let entries = std::fs::read_dir(folder()).expect("the folder of the vectors");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let name = |file: &Path| file.file_stem().expect("a name").to_string_lossy().into_owned();
    files.iter().map(|file| (name(file), load(file).unwrap_or_else(|error| panic!("{error}")))).collect()
}

/// What is published: height, id and root by vector.
fn published() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("golden/roots.txt")).expect("the golden file");
    let rows = text.lines().map(|line| line.split_once(' ').expect("a name and what follows it"));
    rows.map(|(name, line)| (name.to_string(), line.to_string())).collect()
}

/// The blocks of transactions that a scenario file stands for. Of what came of them only the receipts are kept, so that a
/// difference can be shown where it is.
fn blocks(scenario: &Scenario, engine: &Engine) -> Vec<StoredBlock> {
    let mut blocks = Vec::new();
    run_in_memory(scenario, engine, Watch::Nothing, &mut |report| blocks.push(report.stored.clone()))
        .unwrap_or_else(|error| panic!("{}: {error}", scenario.file.display()));
    blocks
}

/// Which reads of a view fail.
#[derive(Clone, Copy)]
enum Fails {
    Never,
    /// The n-th, from 0.
    Once(u64),
    /// The n-th and all after it.
    From(u64),
}

/// A view that counts what is read, and fails as it is told to.
struct Counted {
    state: State,
    fails: Fails,
    values: AtomicU64,
    lengths: AtomicU64,
    scans: AtomicU64,
}

impl Counted {
    fn new(state: &State, fails: Fails) -> Arc<Self> {
        let [values, lengths, scans] = [0; 3].map(AtomicU64::new);
        Arc::new(Self { state: state.clone(), fails, values, lengths, scans })
    }

    /// Values, lengths and scans that were read.
    fn reads(&self) -> [u64; 3] {
        [&self.values, &self.lengths, &self.scans].map(|count| count.load(Ordering::Relaxed))
    }

    fn read(&self, kind: &AtomicU64) -> Result<(), StateError> {
        let before: u64 = self.reads().iter().sum();
        kind.fetch_add(1, Ordering::Relaxed);
        let fails = match self.fails {
            Fails::Never => false,
            Fails::Once(read) => before == read,
            Fails::From(read) => before >= read,
        };
        let error = StateError::Backend { during: "reading", text: "planted".into() };
        if fails { Err(error) } else { Ok(()) }
    }
}

impl StateView for Counted {
    fn get(&self, key: &Key) -> Result<Option<Value>, StateError> {
        self.read(&self.values)?;
        self.state.get(key)
    }

    fn length(&self, key: &Key) -> Result<Option<u32>, StateError> {
        self.read(&self.lengths)?;
        self.state.length(key)
    }

    fn scan(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Value)>, StateError> {
        self.read(&self.scans)?;
        self.state.scan(range, limit)
    }
}

/// The id of a block (docs/format.md §6).
fn id(header: &Header) -> Hash {
    hash(&[b"unfork/header", &[0], &header.encode()])
}

/// The summary of a receipt (docs/format.md §5).
fn summary(receipt: &Receipt) -> Vec<u8> {
    let events: Vec<Vec<u8>> = receipt.events.iter().map(Encode::encode).collect();
    let Receipt { status, gas_used, created, output, .. } = receipt;
    (status, gas_used, created, hash(&[output]), list_root(&events)).encode()
}

/// A chain on the store of this crate.
struct Node {
    engine: Engine,
    spec: Arc<ChainSpec>,
    state: State,
    height: u64,
    /// The id of the last block.
    id: Hash,
}

impl Node {
    fn new(engine: Engine, scenario: &Scenario) -> Self {
        let spec = ChainFile::of_scenario(&scenario.chain).spec().expect("a chain");
        let (changes, _) = genesis(&spec).expect("a genesis");
        let mut node = Self { engine, spec: Arc::new(spec), state: State::default(), height: 0, id: [0; 32] };
        let (state, time) = (node.state.after(&changes), node.spec.genesis_time());
        node.take(state, 0, time, &[], &[]);
        node
    }

    fn environment(&self, time: u64) -> Environment {
        Environment::new(Arc::clone(&self.spec), BlockContext { height: self.height + 1, time })
    }

    /// What comes of these transactions as the next block.
    fn execute(&self, view: Arc<dyn StateView>, time: u64, block: &[Transaction]) -> Result<BlockOutcome, BlockError> {
        execute_block(&self.engine, &self.environment(time), &OpenHooks, view, block)
    }

    /// Goes on to the block at `height` with this state behind it.
    fn take(&mut self, state: State, height: u64, time: u64, transactions: &[Transaction], receipts: &[Receipt]) {
        let encoded: Vec<Vec<u8>> = transactions.iter().map(Encode::encode).collect();
        let header = Header {
            format: Format::V1,
            chain_id: self.spec.chain_id(),
            parent: self.id,
            height,
            time,
            protocol_version: self.spec.rules_at(height).version(),
            transactions_root: list_root(&encoded),
            receipts_root: list_root(&receipts.iter().map(summary).collect::<Vec<_>>()),
            state_root: state.root(),
        };
        (self.id, self.state, self.height) = (id(&header), state, height);
    }
}

/// Executes a vector on a store of ours; `look` sees each block before it is taken over.
fn on_outside(
    scenario: &Scenario,
    engine: &Engine,
    look: &mut dyn FnMut(&Node, &StoredBlock, &BlockOutcome, &Counted),
) -> Node {
    let mut node = Node::new(engine.clone(), scenario);
    for stored in blocks(scenario, engine) {
        let (time, transactions) = (stored.block.header.time, &stored.block.transactions);
        let view = Counted::new(&node.state, Fails::Never);
        let outcome = node.execute(view.clone(), time, transactions).unwrap_or_else(|error| panic!("{error:?}"));
        look(&node, &stored, &outcome, &view);
        let state = node.state.after(&outcome.changes);
        node.take(state, node.height + 1, time, transactions, &outcome.receipts);
    }
    node
}

#[test]
fn vectors_give_on_this_store_what_is_published() {
    let engine = Engine::new().expect("the self-test passes");
    let published = published();
    let (mut reads, mut receipts, mut differ) = ([0; 3], 0, Vec::new());
    let mut found = BTreeMap::new();
    for (name, scenario) in vectors() {
        let node = on_outside(&scenario, &engine, &mut |node, stored, outcome, view| {
            for (index, (ours, theirs)) in outcome.receipts.iter().zip(&stored.receipts).enumerate() {
                if ours != theirs {
                    differ.push(format!("{name}: block {} receipt {index}: {ours:?}, not {theirs:?}", node.height + 1));
                }
            }
            receipts += outcome.receipts.len();
            reads = std::array::from_fn(|kind| reads[kind] + view.reads()[kind]);
        });
        let line = format!("{} {} {}", node.height, hex::encode(node.id), hex::encode(node.state.root()));
        found.insert(name, line);
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert_eq!(found, published, "height, id and root of each vector");
    let [values, lengths, scans] = reads;
    println!("{} vectors, {receipts} receipts: ids and roots are those published", found.len());
    println!("read: {values} values, {lengths} lengths, {scans} scans");
    assert!(values > 0 && lengths > 0 && scans > 0, "the vectors leave a part of the seam out");
}

/// Checks a block of a vector on a node of which reads fail: there is no verdict, and no receipt.
fn check_failure(node: &Node, stored: &StoredBlock, fails: Fails, place: &str) {
    let (time, transactions) = (stored.block.header.time, &stored.block.transactions);
    match node.execute(Counted::new(&node.state, fails), time, transactions) {
        Err(BlockError::Fault(fault)) => assert!(matches!(fault.kind(), FaultKind::State(_)), "{place}: {fault}"),
        other => panic!("{place}: a read fails, and yet {other:?}"),
    }
}

/// Proposes a block of these transactions on a node of which one read fails. What it could not execute is left out by that
/// name, and what it did propose is a good block. Returns how many it left out so.
fn propose_with_failure(node: &Node, stored: &StoredBlock, fails: Fails, place: &str) -> usize {
    let (time, transactions) = (stored.block.header.time, &stored.block.transactions);
    let (view, environment) = (Counted::new(&node.state, fails), node.environment(time));
    let proposed = select_block(&node.engine, &environment, &OpenHooks, view, transactions.clone());
    // Outside of any transaction there is no proposal at all.
    let Ok((selected, proposed)) = proposed else { return 0 };
    let faults = proposed.left_out.iter().filter(|one| matches!(one.reason, Reason::Fault(_))).count();
    assert!(faults > 0, "{place}: a read fails, and no transaction is left out for it");
    assert_eq!(selected.len() + proposed.left_out.len(), transactions.len(), "{place}");
    let checked = node.execute(Counted::new(&node.state, Fails::Never), time, &selected).expect("a good block");
    assert_eq!((checked.receipts, checked.changes), (proposed.receipts, proposed.changes), "{place}");
    faults
}

#[test]
fn a_read_that_fails_stops_the_block_and_is_no_receipt() {
    // Between them they create, call, remove and scan.
    const VECTORS: [&str; 5] = ["calls", "ink-erc20", "rollback", "sample-factory", "sample-order-book"];
    let engine = Engine::new().expect("the self-test passes");
    let (mut failed, mut left_out) = (0, 0);
    for (name, scenario) in vectors().into_iter().filter(|(name, _)| VECTORS.contains(&name.as_str())) {
        on_outside(&scenario, &engine, &mut |node, stored, outcome, view| {
            let reads: u64 = view.reads().iter().sum();
            assert!(reads > 0, "{name}: nothing is read for block {}", node.height + 1);
            for read in 0..reads {
                let place = format!("{name}: block {}, read {read} of {reads}", node.height + 1);
                check_failure(node, stored, Fails::From(read), &place);
                check_failure(node, stored, Fails::Once(read), &place);
                left_out += propose_with_failure(node, stored, Fails::Once(read), &place);
                failed += 1;
            }
            // Nothing of it is left behind in the engine.
            let view = Counted::new(&node.state, Fails::Never);
            let again = node.execute(view, stored.block.header.time, &stored.block.transactions).expect("a good block");
            assert_eq!((&again.receipts, &again.changes), (&outcome.receipts, &outcome.changes), "{name}");
        });
    }
    println!("{failed} reads failed: each stopped its block; {left_out} proposals left out a transaction by its fault");
    assert!(failed > 300 && left_out > 100, "{failed} and {left_out}");
}

#[test]
fn the_seam_answers_as_its_list_says() {
    let build = |values: &[(Key, Value)]| -> Arc<dyn StateView> {
        Arc::new(State::default().after(&ChangeSet::genesis(values.iter().cloned())))
    };
    let answers = check_view(&build).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("{answers} answers of views");
    assert!(answers >= 50);
}
