//! Contracts that mean harm end in receipts with the right code.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{Chain, GAS, hostile};
use unfork_engine::Status;

/// Enough to load any of these contracts and to go round often.
const SOME_GAS: u64 = 50_000_000;

/// (contract, gas limit, status name, whether all gas is gone)
const CASES: &[(&str, u64, &str, bool)] = &[
    ("loop-forever", SOME_GAS, "out_of_gas", true),
    ("loop-br-table", SOME_GAS, "out_of_gas", true),
    ("loop-inner-to-outer", SOME_GAS, "out_of_gas", true),
    ("loop-bulk", SOME_GAS, "out_of_gas", true),
    ("loop-host", SOME_GAS, "out_of_gas", true),
    ("loop-hash", GAS, "exhausted:copied_bytes", false),
    ("loop-over-locals", SOME_GAS, "out_of_gas", true),
    ("loop-storage", GAS, "exhausted:changed_bytes", false),
    ("loop-keys", GAS, "exhausted:changed_bytes", false),
    ("loop-events", GAS, "exhausted:events", false),
    ("loop-debug", GAS, "exhausted:copied_bytes", false),
    ("recurse-tiny", GAS, "exhausted:stack", true),
    ("recurse-huge", GAS, "exhausted:stack", true),
    ("recurse-operands", GAS, "exhausted:stack", true),
    ("recurse-mutual-indirect", GAS, "exhausted:stack", true),
    ("grow-forever", SOME_GAS, "out_of_gas", true),
];

#[test]
fn end_in_receipts() {
    let mut chain = Chain::new();
    let mut wrong = Vec::new();
    for (name, gas, status, all_gas) in CASES {
        eprintln!("{name}");
        let contract = chain.deploy(hostile(name));
        let receipt = chain.call(&contract, *gas, &[]);
        if receipt.status.name() != *status || (receipt.gas_used == *gas) != *all_gas {
            wrong.push(format!(
                "{name}: {} with gas {} of {gas}, expected {status}",
                receipt.status.name(),
                receipt.gas_used
            ));
        }
        assert!(receipt.gas_used <= *gas);
        assert!(receipt.status == Status::Returned || receipt.events.is_empty(), "{name} kept events");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
