//! Reads a scenario file and checks all of it before anything runs.

use super::code::read_interface;
use super::model::*;
use super::value::{EncodeError, Entry, Input, Integer, Output, resolve_address, resolve_code};
use crate::chain::rules_of;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use unfork_testkit::names::{Bytes32, account_address};
use unfork_testkit::{Interface, Labels};

/// The largest scenario file, in bytes.
pub const FILE_BYTES_MAX: u64 = 16 << 20;
/// The most steps of a scenario, repetitions counted.
pub const STEPS_MAX: u64 = 1_000_000;

/// What is wrong with a scenario file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file as it was named.
    pub file: PathBuf,
    /// The line, from 1; none where the file could not be read.
    pub line: Option<usize>,
    /// The step, counted from 1, and its action where that is known.
    pub step: Option<(usize, Option<&'static str>)>,
    /// The field inside the step or file, such as `call.input.args[0].u8`; may be empty.
    pub field: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        match self.step {
            Some((step, Some(action))) => write!(f, ": step {step} ({action})")?,
            Some((step, None)) => write!(f, ": step {step}")?,
            None => {}
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for ScenarioError {}

/// Reads and checks the scenario in `file`.
///
/// # Errors
/// The file cannot be read, is larger than [`FILE_BYTES_MAX`], or is no valid scenario.
pub fn load(file: &Path) -> Result<Scenario, ScenarioError> {
    let unreadable =
        |what: String| ScenarioError { file: file.to_path_buf(), line: None, step: None, field: String::new(), what };
    let size = std::fs::metadata(file).map_err(|error| unreadable(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(unreadable(format!("the file has {size} bytes, at most {FILE_BYTES_MAX} are read")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    parse(&text, file)
}

/// Checks the scenario in `text`, which came from `file`.
///
/// # Errors
/// `text` is no valid scenario.
pub fn parse(text: &str, file: &Path) -> Result<Scenario, ScenarioError> {
    let source = Source { text, file };
    let document: Document<'_> = source.read(text, "", None)?;
    let chain: Chain = source.read(document.chain.get(), "chain", None)?;
    let mut checker = Checker::of_chain(&source, &document, &chain)?;
    let mut steps = Vec::with_capacity(document.steps.len());
    for (index, raw) in document.steps.iter().enumerate() {
        let number = index + 1;
        let written: WrittenStep = source.read(raw.get(), "", Some(number))?;
        let line = source.line_of(raw.get(), 0);
        let place = Place { source: &source, line, number, action: None };
        let step = written.into_step(&place)?;
        checker.check_step(&Place { action: Some(step.action.name()), ..place }, &step)?;
        steps.push(step);
    }
    let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
    Ok(Scenario { name: document.name, about: document.about, chain, steps, file: file.to_path_buf(), folder })
}

/// The outermost object. Steps stay text, so that each can be reported with its number and line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    name: String,
    #[serde(default)]
    about: String,
    #[serde(borrow)]
    chain: &'a RawValue,
    #[serde(borrow)]
    steps: Vec<&'a RawValue>,
}

/// A step as it is written: exactly one of the actions must be there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStep {
    upload: Option<Upload>,
    instantiate: Option<Instantiate>,
    call: Option<Call>,
    transfer: Option<Transfer>,
    block: Option<Block>,
    advance: Option<Advance>,
    #[serde(default = "once")]
    repeat: u32,
    note: Option<String>,
    #[serde(default)]
    expect: Expect,
}

fn once() -> u32 {
    1
}

impl WrittenStep {
    fn into_step(self, place: &Place<'_>) -> Result<Step, ScenarioError> {
        let written = [
            self.upload.map(Action::Upload),
            self.instantiate.map(Action::Instantiate),
            self.call.map(Action::Call),
            self.transfer.map(Action::Transfer),
            self.block.map(Action::Block),
            self.advance.map(Action::Advance),
        ];
        let mut actions = written.into_iter().flatten();
        let (Some(action), None) = (actions.next(), actions.next()) else {
            let what = "give exactly one of upload, instantiate, call, transfer, block and advance";
            return Err(place.error("", what.to_string()));
        };
        Ok(Step { action, repeat: self.repeat, note: self.note, expect: self.expect, line: place.line })
    }
}

/// The text being read, for errors with line numbers.
struct Source<'a> {
    text: &'a str,
    file: &'a Path,
}

impl Source<'_> {
    fn read<'p, T: Deserialize<'p>>(
        &self,
        part: &'p str,
        field: &str,
        step: Option<usize>,
    ) -> Result<T, ScenarioError> {
        let mut reader = serde_json::Deserializer::from_str(part);
        let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let inner = error.path().to_string();
            // A dot where the whole is meant, a question mark where no field was reached.
            (if inner == "." || inner == "?" { String::new() } else { inner }, error.into_inner())
        });
        let read = read.and_then(|value| reader.end().map(|()| value).map_err(|error| (String::new(), error)));
        read.map_err(|(inner, error)| {
            let separator = if field.is_empty() || inner.is_empty() { "" } else { "." };
            ScenarioError {
                file: self.file.to_path_buf(),
                line: Some(self.line_of(part, error.line().saturating_sub(1))),
                step: step.map(|number| (number, None)),
                field: format!("{field}{separator}{inner}"),
                what: without_position(&error.to_string()),
            }
        })
    }

    /// The line of `part`, which lies inside the text, plus `further` lines.
    fn line_of(&self, part: &str, further: usize) -> usize {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len());
        1 + self.text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + further
    }

    fn error(&self, field: &str, what: String) -> ScenarioError {
        ScenarioError { file: self.file.to_path_buf(), line: Some(1), step: None, field: field.to_string(), what }
    }
}

/// serde_json ends its messages with a position inside the part it was given; ours names the line of the file.
fn without_position(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_string(),
        None => message.to_string(),
    }
}

/// A step of the file, for errors about it.
#[derive(Clone, Copy)]
struct Place<'a> {
    source: &'a Source<'a>,
    line: usize,
    number: usize,
    action: Option<&'static str>,
}

impl Place<'_> {
    fn error(&self, field: &str, what: String) -> ScenarioError {
        let separator = if self.action.is_none() || field.is_empty() || field.starts_with("expect") { "" } else { "." };
        let action = if separator.is_empty() { "" } else { self.action.unwrap_or_default() };
        ScenarioError {
            file: self.source.file.to_path_buf(),
            line: Some(self.line),
            step: Some((self.number, self.action)),
            field: format!("{action}{separator}{field}"),
            what,
        }
    }

    fn encode_error(&self, field: &str, error: EncodeError) -> ScenarioError {
        let separator = if error.place.is_empty() { "" } else { "." };
        self.error(&format!("{field}{separator}{}", error.place), error.what)
    }
}

/// What is known at a step: names that exist and how many transactions there were. Addresses and hashes are not known
/// before the scenario runs; what a name stands for here only has their length.
struct Checker {
    accounts: BTreeSet<String>,
    contracts: BTreeSet<String>,
    codes: BTreeSet<String>,
    labels: Labels,
    /// What the codes so far offer.
    interfaces: Vec<Arc<Interface>>,
    /// Files of codes that are not there, by what stands for the code's hash.
    missing: BTreeMap<Bytes32, PathBuf>,
    folder: PathBuf,
    steps: u64,
}

impl Checker {
    fn of_chain(source: &Source<'_>, document: &Document<'_>, chain: &Chain) -> Result<Self, ScenarioError> {
        if document.name.is_empty() {
            return Err(source.error("name", "is empty".to_string()));
        }
        for (name, balance) in &chain.accounts.0 {
            let field = format!("chain.accounts.{name}");
            check_label(name).map_err(|what| source.error(&field, what))?;
            balance.unsigned::<u128>("").map_err(|error| source.error(&field, error.what))?;
        }
        for (field, number) in [("chain.gas", chain.gas), ("chain.gas_price", chain.gas_price)] {
            check_unsigned(number, field == "chain.gas").map_err(|what| source.error(field, what))?;
        }
        let rises = |pair: &[Version]| pair[0].from < pair[1].from && pair[0].version < pair[1].version;
        let rising = chain.versions.windows(2).all(rises);
        let from_genesis = chain.versions.first().is_none_or(|first| first.from == 0);
        if !(rising && from_genesis) {
            let what = "the first version must begin at height 0; heights and numbers of further ones must rise";
            return Err(source.error("chain.versions", what.to_string()));
        }
        for (index, version) in chain.versions.iter().enumerate() {
            rules_of(version)
                .map_err(|(field, what)| source.error(&format!("chain.versions[{index}].{field}"), what))?;
        }
        let accounts: BTreeSet<String> = chain.accounts.0.keys().cloned().collect();
        let mut labels = Labels::default();
        accounts.iter().for_each(|name| labels.name_address(name, account_address(name)));
        let folder = source.file.parent().unwrap_or(Path::new("")).to_path_buf();
        let (contracts, codes) = (BTreeSet::new(), BTreeSet::new());
        let (interfaces, missing) = (Vec::new(), BTreeMap::new());
        Ok(Checker { accounts, contracts, codes, labels, interfaces, missing, folder, steps: 0 })
    }

    fn check_step(&mut self, place: &Place<'_>, step: &Step) -> Result<(), ScenarioError> {
        let repeatable = matches!(step.action, Action::Call(_) | Action::Transfer(_));
        if step.repeat == 0 || (step.repeat > 1 && !repeatable) {
            return Err(
                place.error("", "repeat must be at least 1, and stands only with call and transfer".to_string())
            );
        }
        self.steps += u64::from(step.repeat);
        if let Action::Advance(advance) = &step.action {
            self.steps += u64::from(advance.blocks);
        }
        if self.steps > STEPS_MAX {
            return Err(place.error("", format!("a scenario has at most {STEPS_MAX} transactions and blocks")));
        }
        self.check_action(place, &step.action)?;
        self.check_expect(place, step)
    }

    fn check_action(&mut self, place: &Place<'_>, action: &Action) -> Result<(), ScenarioError> {
        match action {
            Action::Upload(upload) => {
                let sources = [upload.code.is_some(), upload.wat.is_some(), upload.bytes.is_some()];
                if sources.iter().filter(|given| **given).count() != 1 {
                    return Err(place.error("", "give exactly one of code, wat and bytes".to_string()));
                }
                self.check_sender(place, "by", &upload.by)?;
                check_amounts(place, None, upload.gas)?;
                check_label(&upload.label).map_err(|what| place.error("as", what))?;
                if !self.codes.insert(upload.label.clone()) {
                    return Err(place.error("as", format!("there is already a code \"{}\"", upload.label)));
                }
                let code = account_address(&upload.label);
                self.labels.name_code(&upload.label, code);
                let file = upload.code.as_ref().map(|file| self.folder.join(file)).filter(|file| !file.exists());
                self.missing.extend(file.map(|file| (code, file)));
                let interface = read_interface(upload, &self.folder);
                if let Some(interface) = interface.map_err(|(field, what)| place.error(field, what))?.map(Arc::new) {
                    self.labels.set_interface(code, Arc::clone(&interface));
                    self.interfaces.push(interface);
                }
            }
            Action::Instantiate(create) => {
                self.check_sender(place, "by", &create.by)?;
                check_amounts(place, create.value, create.gas)?;
                let code = resolve_code(&create.code, &self.labels).map_err(|what| place.error("code", what))?;
                self.check_input(place, Entry::Constructor, &create.input, Some(code))?;
                create.salt.encode(&self.labels).map_err(|error| place.encode_error("salt", error))?;
                check_label(&create.label).map_err(|what| place.error("as", what))?;
                if self.accounts.contains(&create.label) || !self.contracts.insert(create.label.clone()) {
                    let what = format!("there is already an account or contract \"{}\"", create.label);
                    return Err(place.error("as", what));
                }
                self.labels.name_address(&create.label, account_address(&create.label));
                self.labels.set_contract(account_address(&create.label), code);
            }
            Action::Call(call) => {
                self.check_sender(place, "by", &call.by)?;
                check_amounts(place, call.value, call.gas)?;
                let to = resolve_address(&call.to, &self.labels).map_err(|what| place.error("to", what))?;
                self.check_input(place, Entry::Message, &call.input, self.labels.code_of(&to))?;
            }
            Action::Transfer(transfer) => {
                self.check_sender(place, "from", &transfer.from)?;
                check_amounts(place, Some(transfer.value), transfer.gas)?;
                resolve_address(&transfer.to, &self.labels).map_err(|what| place.error("to", what))?;
            }
            Action::Block(Block {}) => {}
            Action::Advance(advance) if advance.blocks == 0 => {
                return Err(place.error("blocks", "must be at least 1".to_string()));
            }
            Action::Advance(_) => {}
        }
        Ok(())
    }

    /// An input must have an encoding. A contract may have other code by the time it is called: a call by name may also be one
    /// of any code so far.
    fn check_input(
        &self,
        place: &Place<'_>,
        entry: Entry,
        input: &Input,
        code: Option<Bytes32>,
    ) -> Result<(), ScenarioError> {
        let own = code.and_then(|code| self.labels.interface(&code));
        let Err(error) = input.encode(entry, own.map(Arc::as_ref), &self.labels) else { return Ok(()) };
        let is_call = matches!(input, Input::Call(_));
        if let (true, None, Some(file)) = (is_call, own, code.and_then(|code| self.missing.get(&code))) {
            let what = format!("{} is not there, nor an interface beside it", file.display());
            return Err(place.error("input", what));
        }
        let mut others = self.interfaces.iter();
        let may_change = is_call && entry == Entry::Message && own.is_some();
        if may_change && others.any(|other| input.encode(entry, Some(other), &self.labels).is_ok()) {
            return Ok(());
        }
        Err(place.encode_error("input", error))
    }

    /// Only accounts of the chain send transactions.
    fn check_sender(&self, place: &Place<'_>, field: &str, name: &str) -> Result<(), ScenarioError> {
        if self.accounts.contains(name) {
            return Ok(());
        }
        Err(place.error(field, format!("\"{name}\" is no account of the chain")))
    }

    fn check_expect(&self, place: &Place<'_>, step: &Step) -> Result<(), ScenarioError> {
        let expect = &step.expect;
        let of_receipt = expect.status.is_some() || expect.output.is_some() || expect.events.is_some();
        let of_block =
            expect.root.is_some() || expect.height.is_some() || expect.balances.is_some() || expect.storage.is_some();
        if step.action.is_transaction() && of_block {
            let what = "root, height, balances and storage are expected of block and advance";
            return Err(place.error("expect", what.to_string()));
        }
        if !step.action.is_transaction() && of_receipt {
            return Err(place.error("expect", "status, output and events are expected of transactions".to_string()));
        }
        check_unsigned(expect.gas, true).map_err(|what| place.error("expect.gas", what))?;
        if let Some(output) = &expect.output {
            self.check_output(place, &step.action, output)?;
        }
        for (index, event) in expect.events.iter().flatten().enumerate() {
            self.check_event(place, &format!("expect.events[{index}]"), event)?;
        }
        for (name, balance) in expect.balances.iter().flat_map(|balances| &balances.0) {
            let field = format!("expect.balances.{name}");
            resolve_address(name, &self.labels).map_err(|what| place.error(&field, what))?;
            balance.unsigned::<u128>("").map_err(|error| place.error(&field, error.what))?;
        }
        for (index, item) in expect.storage.iter().flatten().enumerate() {
            let field = format!("expect.storage[{index}]");
            resolve_address(&item.contract, &self.labels)
                .map_err(|what| place.error(&format!("{field}.contract"), what))?;
            let parts = [("key", Some(&item.key)), ("value", item.value.as_ref())];
            for (name, data) in parts.into_iter().filter_map(|(name, data)| Some((name, data?))) {
                data.encode(&self.labels).map_err(|error| place.encode_error(&format!("{field}.{name}"), error))?;
            }
        }
        Ok(())
    }

    /// Bytes must have an encoding; an answer in words must be one of a contract whose interface is known.
    fn check_output(&self, place: &Place<'_>, action: &Action, output: &Output) -> Result<(), ScenarioError> {
        let interface = match action {
            Action::Call(call) => {
                resolve_address(&call.to, &self.labels).ok().and_then(|to| self.labels.interface_at(&to))
            }
            Action::Instantiate(create) => self.labels.code(&create.code).and_then(|code| self.labels.interface(&code)),
            _ => None,
        };
        match output {
            Output::Data(data) => {
                data.encode(&self.labels).map_err(|error| place.encode_error("expect.output", error))?;
            }
            Output::Answer(_) if interface.is_none() => {
                let what = "an answer in words needs an interface beside the code, bytes begin with 0x";
                return Err(place.error("expect.output", what.to_string()));
            }
            Output::Answer(_) => {}
        }
        Ok(())
    }

    fn check_event(&self, place: &Place<'_>, field: &str, event: &ExpectedEvent) -> Result<(), ScenarioError> {
        if let Some(contract) = &event.contract {
            resolve_address(contract, &self.labels).map_err(|what| place.error(&format!("{field}.contract"), what))?;
        }
        for (index, topic) in event.topics.iter().flatten().enumerate() {
            topic
                .encode(&self.labels)
                .map_err(|error| place.encode_error(&format!("{field}.topics[{index}]"), error))?;
        }
        if let Some(data) = &event.data {
            data.encode(&self.labels).map_err(|error| place.encode_error(&format!("{field}.data"), error))?;
        }
        Ok(())
    }
}

fn check_amounts(place: &Place<'_>, value: Option<Integer>, gas: Option<Integer>) -> Result<(), ScenarioError> {
    check_unsigned(value, false).map_err(|what| place.error("value", what))?;
    check_unsigned(gas, true).map_err(|what| place.error("gas", what))
}

/// Gas has 64 bits, balances and prices have 128.
fn check_unsigned(number: Option<Integer>, is_gas: bool) -> Result<(), String> {
    let Some(number) = number else { return Ok(()) };
    let checked = if is_gas { number.unsigned::<u64>("").map(u128::from) } else { number.unsigned::<u128>("") };
    checked.map(|_| ()).map_err(|error| error.what)
}

/// Names of accounts, codes and contracts: short, printable, and not to be taken for an address.
fn check_label(name: &str) -> Result<(), String> {
    const LABEL_BYTES_MAX: usize = 64;
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if name.is_empty() || name.len() > LABEL_BYTES_MAX || !plain || name.starts_with("0x") {
        return Err(format!(
            "a name has 1 to {LABEL_BYTES_MAX} letters, digits, '-', '_' or '.', and does not begin with 0x"
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
