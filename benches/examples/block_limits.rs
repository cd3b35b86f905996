//! What a block takes beside its execution when it has as much as the limits of version 1 allow, in a few large items or in
//! small ones: the roots over its lists, the state root, and the commit with both syncs.
//!
//!   cargo run --release --locked -p unfork-benches --example block_limits
#![allow(clippy::arithmetic_side_effects, clippy::disallowed_methods, clippy::disallowed_types, reason = "measures")]
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "milliseconds, lengths"
)]

use parity_scale_codec::Encode;
use std::time::Instant;
use unfork_engine::{
    Address, Block, BlockOutcome, Event, Format, Header, Payload, Receipt, Rules, Status, StoredBlock, Transaction,
    list_root,
};
use unfork_state::{Change, ChangeSet, Key, Space, Store};

const CHAIN: [u8; 32] = [7; 32];
const ROUNDS: u64 = 3;
/// A key of the seal profile: its form and eight bytes.
const KEY_BYTES: u64 = 9;

/// `count` transactions with `bytes` bytes together, about.
fn transactions(count: u64, bytes: u64) -> Vec<Transaction> {
    let transaction = |nonce| Transaction {
        format: Format::V1,
        chain_id: CHAIN,
        sender: Address::from([1; 32]),
        nonce,
        gas_limit: 1_000_000,
        gas_price: 0,
        payload: Payload::Call { contract: Address::from([2; 32]), value: 0, input: Vec::new() },
        authentication: vec![9; usize::try_from(bytes / count - 160).expect("a length")],
    };
    (0..count).map(transaction).collect()
}

/// One receipt for each of `count` transactions: an output, or as many of the smallest events, with `bytes` together.
fn receipts(count: u64, bytes: u64, events: bool) -> Vec<Receipt> {
    let event = Event { contract: Address::from([2; 32]), topics: Vec::new(), data: Vec::new() };
    let each = usize::try_from(bytes / count).expect("a length");
    let receipt = Receipt {
        status: Status::Returned,
        gas_used: 1_000_000,
        created: None,
        output: if events { Vec::new() } else { vec![5; each - 20] },
        events: if events { vec![event.clone(); (each - 20) / event.encoded_size()] } else { Vec::new() },
    };
    (0..count).map(|_| receipt.clone()).collect()
}

/// `count` new values with `bytes` of keys and values together.
fn changes(count: u64, bytes: u64, round: u64) -> ChangeSet {
    let space = Space::storage(&[2; 32], round).expect("a short address");
    let value = usize::try_from(bytes / count - KEY_BYTES).expect("a length");
    let change = |number: u64| {
        let mut raw = [0; KEY_BYTES as usize];
        raw[1..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let value = vec![number.to_le_bytes()[0]; value];
        (Key::new(&space, &raw), Change { old: Some(None), new: Some(value.into()) })
    };
    ChangeSet::from_map((0..count).map(change).collect())
}

fn header() -> Header {
    let (zero, format) = ([0; 32], Format::V1);
    Header {
        format,
        chain_id: CHAIN,
        parent: zero,
        height: 1,
        time: 1,
        protocol_version: 1,
        transactions_root: zero,
        receipts_root: zero,
        state_root: zero,
    }
}

fn milliseconds<T>(what: &mut Vec<f64>, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    what.push(start.elapsed().as_secs_f64() * 1e3);
    done
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn main() {
    let rules = Rules::released(1).expect("version 1");
    let limits = rules.limits();
    let most = limits.transactions_per_block_max;
    let [sent, received, changed] =
        [limits.block_transaction_bytes_max, limits.block_receipt_bytes_max, limits.block_changed_bytes_max];
    println!("limits: {sent} bytes of transactions, {received} of receipts, {changed} changed");
    println!(
        "{:<34} {:>9} {:>8} {:>10} {:>10} {:>10}",
        "median of 3, milliseconds", "keys", "MB", "lists", "state root", "commit"
    );
    let prices = rules.schedule();
    let paid = limits.block_gas_max / (prices.storage_write_base + (KEY_BYTES + 1) * prices.storage_write_byte);
    // Transactions, receipts, whether these have events, and changes.
    for (name, listed, events, keys, changed) in [
        ("few and large", 16, false, 16, changed),
        ("20,000 and outputs, 100 a change", most, false, changed / 100, changed),
        ("20,000 and events, 40 a change", most, true, changed / 40, changed),
        ("as many keys as gas pays for", most, true, paid, paid * (KEY_BYTES + 1)),
    ] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut store = Store::create(directory.path(), CHAIN, ChangeSet::new(), [0; 32], Vec::new()).expect("a store");
        let (mut lists, mut roots, mut commits, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for round in 1..=ROUNDS {
            let transactions = transactions(listed, sent);
            let outcome = BlockOutcome {
                receipts: receipts(listed, received, events),
                traces: Vec::new(),
                system: Vec::new(),
                changes: changes(keys, changed, round),
                left_out: Vec::new(),
            };
            milliseconds(&mut lists, || (list_root(&transactions), outcome.receipts_root()));
            let BlockOutcome { receipts, changes, .. } = outcome;
            let body = StoredBlock { block: Block { header: header(), transactions }, receipts }.encode();
            let head = store.head();
            let (_, pending) =
                milliseconds(&mut roots, || store.prepare(head.id, changes)).expect("changes over the head");
            let (height, before) = (head.height + 1, store.stats().block_file_bytes);
            let id = [u8::try_from(round).expect("few"); 32];
            milliseconds(&mut commits, || store.commit(pending, height, id, body)).expect("a commit");
            bytes = store.stats().block_file_bytes - before;
        }
        let [lists, roots, commits] = [lists, roots, commits].map(|mut samples| median(&mut samples));
        println!("{name:<34} {keys:>9} {:>8.1} {lists:>10.1} {roots:>10.1} {commits:>10.1}", bytes as f64 / 1e6);
    }
}
