//! Blocks on several executors: stores in memory and on disk, caches cold and warm, watched and not. What one proposes
//! the others must find good and end with, byte for byte.

use super::Reached;
use super::execution::total_balance;
use crate::generators::chain::{SUPPLY, World, spec};
use arbitrary::Unstructured;
use parity_scale_codec::Encode;
use std::collections::BTreeSet;
use std::sync::Arc;
use unfork_engine::{
    BlockExecutor, ChainSpec, Checked, Engine, Header, InvalidBlock, OpenHooks, Reason, StoredBlock, genesis,
    list_proof,
};
use unfork_state::Store;

/// Blocks of one input at most, after the two that every chain begins with.
const BLOCKS_MAX: u8 = 4;

/// One executor of the chain.
pub struct Replica {
    /// What is different about it.
    pub name: &'static str,
    /// The executor, at its genesis.
    pub executor: BlockExecutor,
    /// Where its store lies; kept until the end, removed then.
    #[cfg(feature = "rocksdb")]
    pub directory: Option<tempfile::TempDir>,
}

impl Replica {
    /// An executor with its own engine over a store.
    ///
    /// # Panics
    /// When the store is not at the genesis of the chain.
    #[must_use]
    pub fn new(name: &'static str, cache_bytes: usize, spec: &Arc<ChainSpec>, store: Store) -> Self {
        let engine = Engine::with_cache_bytes(cache_bytes).expect("the self-test passes");
        let executor = BlockExecutor::new(engine, Arc::clone(spec), Arc::new(OpenHooks), store).expect("a good store");
        Self {
            name,
            executor,
            #[cfg(feature = "rocksdb")]
            directory: None,
        }
    }
}

/// Makes the executors that are to agree; the first one proposes. The flag asks for one on disk.
pub type Replicas<'a> = dyn Fn(&Arc<ChainSpec>, bool) -> Vec<Replica> + 'a;

/// The oracle over the engine's own stores.
pub fn blocks(data: &[u8]) -> Reached {
    blocks_of(data, &replicas)
}

/// The oracle over any executors.
///
/// # Panics
/// When a rule is broken.
pub fn blocks_of(data: &[u8], replicas: &Replicas<'_>) -> Reached {
    let mut u = Unstructured::new(data);
    let spec = spec();
    let (Ok(on_disk), Ok(count)) = (u.ratio(1, 4), u.int_in_range(0..=BLOCKS_MAX)) else { return "no input".into() };
    let mut replicas = replicas(&spec, on_disk && cfg!(feature = "rocksdb"));
    let mut world = World::new(&spec);
    let mut ends = BTreeSet::new();
    for number in 0..u64::from(count) + 2 {
        let transactions = match number {
            0 => world.uploads(),
            1 => world.instantiations(),
            _ => match world.block(&mut u) {
                Ok(transactions) => transactions,
                Err(_) => break,
            },
        };
        let proposed = replicas[0].executor.propose(2_000 + number, transactions).expect("no contract makes a fault");
        for left_out in &proposed.left_out {
            assert!(!matches!(left_out.reason, Reason::Fault(_)), "a contract made a fault: {:?}", left_out.reason);
        }
        check_receipts(&proposed.stored);
        ends.extend(proposed.stored.receipts.iter().map(|receipt| receipt.status.name()));
        let stored = proposed.stored.clone();
        commit_everywhere(&mut replicas, proposed);
        world.learn(&stored);
    }
    let place = if replicas.iter().any(|replica| replica.name == "on disk") { "on disk" } else { "in memory" };
    let stage = format!("{place}, {} kinds of ends", ends.len());
    for replica in replicas {
        finish(replica);
    }
    stage
}

/// Lets every executor but the first check the block, and all of them commit it.
fn commit_everywhere(replicas: &mut [Replica], proposed: Checked) {
    let stored = proposed.stored.clone();
    let (first, others) = replicas.split_first_mut().expect("a proposer");
    for replica in others {
        let name = replica.name;
        let checked = replica.executor.check(stored.block.clone());
        let checked = checked.unwrap_or_else(|error| panic!("the executor {name} does not agree: {error}"));
        assert_eq!(checked.stored, stored, "the executor {name} has another block");
        refuse_altered(&replica.executor, &stored);
        replica.executor.commit(checked).expect("a commit");
        assert_eq!(replica.executor.head(), &stored.block.header, "the head of {name}");
    }
    first.executor.commit(proposed).expect("a commit");
}

/// A field of the header, and what changes it.
type Alteration = (&'static str, fn(&mut Header));

/// A header with one field changed is never found good.
fn refuse_altered(executor: &BlockExecutor, stored: &StoredBlock) {
    let alterations: [Alteration; 4] = [
        ("state_root", |header| header.state_root[7] ^= 1),
        ("receipts_root", |header| header.receipts_root[7] ^= 1),
        ("height", |header| header.height += 1),
        ("parent", |header| header.parent[7] ^= 1),
    ];
    // One per block, in turn: executing a block is what takes the time here.
    let turn = usize::try_from(stored.block.header.height).expect("a small height") % alterations.len();
    let (field, alter) = alterations[turn];
    let mut block = stored.block.clone();
    alter(&mut block.header);
    match executor.check(block) {
        Err(InvalidBlock::Header(found)) => assert_eq!(found, field, "the altered field"),
        Err(other) => panic!("a block with another {field} was refused for something else: {other}"),
        Ok(_) => panic!("a block with another {field} was found good"),
    }
}

/// Each transaction, receipt and event can be proved.
fn check_receipts(stored: &StoredBlock) {
    let StoredBlock { block, receipts } = stored;
    assert_eq!(block.transactions.len(), receipts.len());
    let summaries: Vec<_> = receipts.iter().map(|receipt| receipt.summary()).collect();
    for (index, (transaction, receipt)) in (0..).zip(block.transactions.iter().zip(receipts)) {
        assert!(receipt.gas_used <= transaction.gas_limit, "used {} gas", receipt.gas_used);
        let proof = list_proof(&block.transactions, index).expect("a proof");
        assert_eq!(proof.verify(&block.header.transactions_root, index, &transaction.encode()), Ok(()));
        let proof = list_proof(&summaries, index).expect("a proof");
        let summary = receipt.summary();
        assert_eq!(proof.verify(&block.header.receipts_root, index, &summary.encode()), Ok(()));
        for (at, event) in (0..).zip(&receipt.events) {
            let proof = list_proof(&receipt.events, at).expect("a proof");
            assert_eq!(proof.verify(&summary.events_root, at, &event.encode()), Ok(()));
        }
    }
}

/// Recomputes everything, and opens what lies on disk once more.
fn finish(replica: Replica) {
    let name = replica.name;
    let store = replica.executor.store();
    assert_eq!(total_balance(store.view().as_ref()), SUPPLY, "money came or went under {name}");
    store.verify(&mut |_, _| {}).unwrap_or_else(|error| panic!("the store of {name}: {error}"));
    #[cfg(feature = "rocksdb")]
    if let Some(directory) = replica.directory {
        let (head, chain_id) = (store.head(), store.chain_id());
        drop(replica.executor.into_store());
        let opened = Store::open(directory.path(), chain_id).expect("a store that was left in order");
        assert_eq!(opened.head(), head, "the head after opening again");
    }
}

/// The executors that the oracle compares.
fn replicas(spec: &Arc<ChainSpec>, on_disk: bool) -> Vec<Replica> {
    let mut replicas = vec![
        Replica::new("in memory", 16 << 20, spec, memory(spec)),
        Replica::new("without a cache", 0, spec, memory(spec)),
        Replica::new("watched", 16 << 20, spec, memory(spec)),
    ];
    replicas[2].executor.set_trace(true);
    if on_disk {
        replicas.extend(disk(spec));
    }
    replicas
}

/// A store in memory at the genesis.
///
/// # Panics
/// When the genesis cannot be stored.
#[must_use]
pub fn memory(spec: &ChainSpec) -> Store {
    let (changes, block) = genesis(spec).expect("a genesis");
    Store::memory(spec.chain_id(), changes, block.block.header.id(), block.encode()).expect("a new store")
}

/// An executor over a store on disk at the genesis.
#[cfg(feature = "rocksdb")]
fn disk(spec: &Arc<ChainSpec>) -> Option<Replica> {
    let (changes, block) = genesis(spec).expect("a genesis");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let id = block.block.header.id();
    let store = Store::create(directory.path(), spec.chain_id(), changes, id, block.encode()).expect("a new store");
    let replica = Replica::new("on disk", 16 << 20, spec, store);
    Some(Replica { directory: Some(directory), ..replica })
}

#[cfg(not(feature = "rocksdb"))]
fn disk(_: &Arc<ChainSpec>) -> Option<Replica> {
    None
}
