//! Compares what came of a step with what the scenario expects.

use super::model::{Action, Expect, ExpectedEvent, ExpectedItem, Step};
use super::report::{Ended, Sent};
use super::value::{Data, Output, resolve_address};
use crate::compare::hexadecimal;
use std::fmt;
use std::path::{Path, PathBuf};
use unfork_engine::{Address, BlockExecutor, Event, Fault, Receipt};
use unfork_state::{StateError, StateView};
use unfork_testkit::{InterfaceError, Labels, account, stored_item};

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
    labels: &'a Labels,
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

    /// Compares words by what they mean: `is` says whether it is the same, or why nothing can be.
    fn words(&mut self, field: &str, expected: &str, found: &str, is: Result<bool, InterfaceError>) {
        match is {
            Ok(same) => self.same(field, expected, if same { expected } else { found }),
            Err(error) => self.same(field, format_args!("{expected} ({error})"), found),
        }
    }

    fn bytes(&mut self, field: &str, expected: &Data, found: &[u8]) {
        match expected.encode(self.labels) {
            Ok(expected) => self.same(field, hexadecimal(&expected), hexadecimal(found)),
            Err(error) => self.same(field, error, hexadecimal(found)),
        }
    }
}

/// Compares a transaction; gives how many expectations there were.
pub(super) fn check_transaction(place: &Place<'_>, sent: &Sent, labels: &Labels, failures: &mut Vec<Failure>) -> u64 {
    let Expect { status, gas, output, events, .. } = &place.step.expect;
    let repetition = (place.step.repeat > 1).then(|| sent.repetition + 1);
    let mut compare = Compare { place, repetition, labels, compared: 0, failures };
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
        check_output(&mut compare, sent, output, receipt);
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

fn check_output(compare: &mut Compare<'_>, sent: &Sent, expected: &Output, receipt: &Receipt) {
    let answer = match expected {
        Output::Data(data) => return compare.bytes("output", data, &receipt.output),
        Output::Answer(answer) => answer,
    };
    let labels = compare.labels;
    let Some((interface, method)) = labels.method(&sent.transaction.payload) else {
        return compare.same("output", answer, "an input that is no method's");
    };
    let found = interface.describe_output(method, &receipt.output, labels);
    let found = found.unwrap_or_else(|error| format!("{} ({error})", hexadecimal(&receipt.output)));
    compare.words("output", answer, &found, interface.is_answer(method, answer, &receipt.output, labels));
}

fn check_event(compare: &mut Compare<'_>, index: usize, expected: &ExpectedEvent, found: &Event) {
    if let Some(contract) = &expected.contract {
        let address = resolve_address(contract, compare.labels).map(|address| hexadecimal(&address));
        let address = address.unwrap_or_else(|error| error);
        compare.same(&format!("events[{index}].contract"), address, hexadecimal(found.contract.as_bytes()));
    }
    if let Some(text) = &expected.text {
        let address = found.contract.as_bytes().try_into().unwrap_or_default();
        let (field, labels) = (format!("events[{index}].text"), compare.labels);
        match labels.interface_at(&address) {
            Some(interface) => {
                let described = interface.describe_event(found, labels);
                let described = described.unwrap_or_else(|| "an event that its interface does not have".to_string());
                compare.words(&field, text, &described, interface.is_event(text, found, labels));
            }
            None => compare.same(&field, text, "an event of no known interface"),
        }
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
    labels: &Labels,
    failures: &mut Vec<Failure>,
) -> Result<u64, Fault> {
    debug_assert!(matches!(place.step.action, Action::Block(_) | Action::Advance(_)));
    let Expect { gas, root, height, balances, storage, .. } = &place.step.expect;
    let mut compare = Compare { place, repetition: None, labels, compared: 0, failures };
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
        match resolve_address(name, labels) {
            Ok(address) => {
                compare.same(&field, expected, account(view.as_ref(), &address.into())?.balance);
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
    let address = resolve_address(&item.contract, compare.labels);
    let key = item.key.encode(compare.labels).map_err(|error| error.to_string());
    let expected = item.value.as_ref().map(|value| value.encode(compare.labels)).transpose();
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
