//! Compares what came of a step with what the scenario expects.

use super::model::{Action, Expect, ExpectedEvent, ExpectedItem, Step};
use super::run::{Ended, Sent};
use super::value::{Data, Names, resolve_address};
use crate::compare::hexadecimal;
use std::fmt;
use std::path::{Path, PathBuf};
use unfork_engine::{Account, Address, BlockExecutor, Contract, Event, Fault, RecordKey, read_record};
use unfork_state::{Key, Space, StateError, StateView};

/// An expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The scenario.
    pub file: PathBuf,
    /// The line on which the step begins.
    pub line: usize,
    /// The step, from 1.
    pub step: usize,
    /// What the step does.
    pub action: &'static str,
    /// Which repetition, from 1, of a step that has several.
    pub repetition: Option<u32>,
    /// The expectation, such as `expect.status`.
    pub field: String,
    /// What should have come.
    pub expected: String,
    /// What came.
    pub found: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: step {} ({}", self.file.display(), self.line, self.step, self.action)?;
        if let Some(repetition) = self.repetition {
            write!(f, ", repetition {repetition}")?;
        }
        write!(f, "): {}: expected {}, found {}", self.field, self.expected, self.found)
    }
}

/// The step that is being compared.
pub(super) struct Place<'a> {
    pub file: &'a Path,
    /// From 1.
    pub number: usize,
    pub step: &'a Step,
}

/// Collects failures of one step.
struct Compare<'a> {
    place: &'a Place<'a>,
    repetition: Option<u32>,
    names: &'a dyn Names,
    compared: u64,
    failures: &'a mut Vec<Failure>,
}

impl Compare<'_> {
    fn same(&mut self, field: &str, expected: impl fmt::Display, found: impl fmt::Display) {
        self.compared += 1;
        let (expected, found) = (expected.to_string(), found.to_string());
        if expected == found {
            return;
        }
        let Place { file, number, step } = *self.place;
        self.failures.push(Failure {
            file: file.to_path_buf(),
            line: step.line,
            step: number,
            action: step.action.name(),
            repetition: self.repetition,
            field: format!("expect.{field}"),
            expected,
            found,
        });
    }

    fn bytes(&mut self, field: &str, expected: &Data, found: &[u8]) {
        match expected.encode(self.names) {
            Ok(expected) => self.same(field, hexadecimal(&expected), hexadecimal(found)),
            Err(error) => self.same(field, error, hexadecimal(found)),
        }
    }
}

/// Compares a transaction; gives how many expectations there were.
pub(super) fn check_transaction(place: &Place<'_>, sent: &Sent, names: &dyn Names, failures: &mut Vec<Failure>) -> u64 {
    let Expect { status, gas, output, events, .. } = &place.step.expect;
    let repetition = (place.step.repeat > 1).then(|| sent.repetition + 1);
    let mut compare = Compare { place, repetition, names, compared: 0, failures };
    if let Some(status) = status {
        compare.same("status", status, sent.ended.status_name());
    }
    let Ended::InBlock { receipt, .. } = &sent.ended else {
        // What has no receipt can meet no other expectation.
        let others = [("gas", gas.is_some()), ("output", output.is_some()), ("events", events.is_some())];
        for (field, _) in others.iter().filter(|(_, given)| *given) {
            compare.same(field, "a receipt", sent.ended.status_name());
        }
        if status.is_none() {
            compare.same("status", "a receipt", sent.ended.status_name());
        }
        return compare.compared;
    };
    if let Some(gas) = gas {
        compare.same("gas", gas, receipt.gas_used);
    }
    if let Some(output) = output {
        compare.bytes("output", output, &receipt.output);
    }
    if let Some(events) = events {
        compare.same(
            "events",
            format_args!("{} of them", events.len()),
            format_args!("{} of them", receipt.events.len()),
        );
        for (index, (expected, found)) in events.iter().zip(&receipt.events).enumerate() {
            check_event(&mut compare, index, expected, found);
        }
    }
    compare.compared
}

fn check_event(compare: &mut Compare<'_>, index: usize, expected: &ExpectedEvent, found: &Event) {
    if let Some(contract) = &expected.contract {
        let address = resolve_address(contract, compare.names).map(|address| hexadecimal(&address));
        let address = address.unwrap_or_else(|error| error);
        compare.same(&format!("events[{index}].contract"), address, hexadecimal(found.contract.as_bytes()));
    }
    if let Some(topics) = &expected.topics {
        let field = format!("events[{index}].topics");
        compare.same(&field, format_args!("{} of them", topics.len()), format_args!("{} of them", found.topics.len()));
        for (at, (expected, found)) in topics.iter().zip(&found.topics).enumerate() {
            compare.bytes(&format!("{field}[{at}]"), expected, found);
        }
    }
    if let Some(data) = &expected.data {
        compare.bytes(&format!("events[{index}].data"), data, &found.data);
    }
}

/// Compares the block that `block` or `advance` has closed last; gives how many expectations there were.
pub(super) fn check_block(
    place: &Place<'_>,
    executor: &BlockExecutor,
    names: &dyn Names,
    failures: &mut Vec<Failure>,
) -> Result<u64, Fault> {
    debug_assert!(matches!(place.step.action, Action::Block(_) | Action::Advance(_)));
    let Expect { gas, root, height, balances, storage, .. } = &place.step.expect;
    let mut compare = Compare { place, repetition: None, names, compared: 0, failures };
    let head = executor.head();
    if let Some(gas) = gas {
        let block = executor.block(head.height)?;
        let used: u64 = block.iter().flat_map(|block| &block.receipts).map(|receipt| receipt.gas_used).sum();
        compare.same("gas", gas, used);
    }
    if let Some(root) = root {
        compare.same("root", hexadecimal(&root.0), hexadecimal(&head.state_root));
    }
    if let Some(height) = height {
        compare.same("height", height, head.height);
    }
    let view = executor.store().view();
    for (name, expected) in balances.iter().flat_map(|balances| &balances.0) {
        let field = format!("balances.{name}");
        match resolve_address(name, names) {
            Ok(address) => {
                let account: Option<Account> = read_record(view.as_ref(), RecordKey::Account(&address.into()))?;
                compare.same(&field, expected, account.unwrap_or_default().balance);
            }
            Err(error) => compare.same(&field, expected, error),
        }
    }
    for (index, item) in storage.iter().flatten().enumerate() {
        check_item(&mut compare, index, item, view.as_ref())?;
    }
    Ok(compare.compared)
}

fn check_item(
    compare: &mut Compare<'_>,
    index: usize,
    item: &ExpectedItem,
    view: &dyn StateView,
) -> Result<(), StateError> {
    let field = format!("storage[{index}]");
    let address = resolve_address(&item.contract, compare.names);
    let key = item.key.encode(compare.names).map_err(|error| error.to_string());
    let expected = item.value.as_ref().map(|value| value.encode(compare.names)).transpose();
    let expected = expected.map_err(|error| error.to_string());
    let (address, key, expected) = match (address, key, expected) {
        (Ok(address), Ok(key), Ok(expected)) => (address, key, expected),
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
            compare.same(&field, "names that exist", error);
            return Ok(());
        }
    };
    let found = stored_item(view, &Address::from(address), &key)?;
    let shown = |value: Option<&[u8]>| value.map_or("nothing".to_string(), hexadecimal);
    compare.same(&field, shown(expected.as_deref()), shown(found.as_deref()));
    Ok(())
}

/// The value that a contract has stored under `key`, which may be of either form: 32 bytes exactly, or of any length.
///
/// # Errors
/// When the state cannot be read.
pub fn stored_item(view: &dyn StateView, address: &Address, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
    let contract: Option<Contract> = read_record(view, RecordKey::Contract(address))?;
    let Some(contract) = contract else { return Ok(None) };
    let space = Space::storage(address.as_bytes(), contract.incarnation)?;
    // The engine keeps the two forms apart by a tag before the contract's own bytes (docs/format.md).
    let forms: &[u8] = if key.len() == 32 { &[0, 1] } else { &[1] };
    for form in forms {
        if let Some(value) = view.get(&Key::new(&space, &[&[*form], key].concat()))? {
            return Ok(Some(value.to_vec()));
        }
    }
    Ok(None)
}
