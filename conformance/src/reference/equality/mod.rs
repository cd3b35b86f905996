//! The comparison of the reference meter with prepared code on the executor: everything that a run shows must be equal.

mod arithmetic;
mod generate;
mod mutate;
mod prepared;

pub use crate::executor::Observed;
pub use generate::{Generated, INSTRUMENTED_PRICES, generate, prices};
pub use mutate::mutate;
pub use prepared::Ready;

use super::host::Host;
use super::{Budget, Checkpoint, Contents, End, Event, Mistake, Module, Report, Rules, Run, Start, Value, run};
use crate::generators::random::Random;
use std::collections::BTreeSet;
use unfork_gas::{Entry, Floats, Import, Limits, Linking, Profile, Refusal, Schedule, ValueType};
use wasmparser::{ExternalKind, FuncType, Parser, Payload, TypeRef, ValType};

/// A module to compare on.
pub struct Subject {
    /// The original bytes.
    pub code: Vec<u8>,
    /// Name of the exported function to call.
    pub entry: String,
    /// Its arguments.
    pub arguments: Vec<Value>,
    /// Prices.
    pub schedule: Schedule,
    /// Limits.
    pub limits: Limits,
    /// Answers to host calls.
    pub host: Host,
}

impl Subject {
    /// Admits the module under a profile that allows just what it imports, its entry, and floats.
    ///
    /// # Errors
    /// As admission refuses.
    ///
    /// # Panics
    /// When the bytes are no module, or the prepared code is refused by the executor; when loading has another price.
    pub fn prepare(&self) -> Result<Ready, Refusal> {
        let signatures = Signatures::of(&self.code, &self.entry);
        let imports: Vec<Import<'_>> = signatures.imports.iter().map(Signature::as_import).collect();
        let profile = Profile {
            name: "as imported",
            imports: &imports,
            entries: &[Entry {
                name: &self.entry,
                params: &signatures.entry.params,
                results: &signatures.entry.results,
                required: true,
            }],
            memory_import: signatures.memory.as_ref().map(|(module, name)| (module.as_str(), name.as_str())),
            floats: Floats::Canonical,
            linking: Linking::Closed,
        };
        let prepared = crate::admit(&self.code, &self.schedule, &self.limits, &profile)?;
        let module = self.module(&self.schedule);
        let loading_gas = module.loading_gas(self.code.len() as u64, &self.schedule);
        assert_eq!(self.schedule.loading_gas(prepared.loading()), loading_gas, "the gas of loading differs");
        Ok(Ready::new(&prepared, &module, self.host))
    }

    /// The module as the reference meter sees it.
    #[must_use]
    pub fn module(&self, schedule: &Schedule) -> Module<'_> {
        Module::decode(&self.code, schedule, &self.limits)
    }

    /// Runs the reference meter, with the rules as they are or with one that is wrong.
    #[must_use]
    pub fn reference(
        &self,
        module: &Module<'_>,
        schedule: &Schedule,
        mistake: Option<Mistake>,
        budget: Budget,
    ) -> Run<Report> {
        run(module, Rules { schedule, limits: &self.limits, mistake }, self.start(budget), self.host)
    }

    /// Runs the prepared code.
    #[must_use]
    pub fn prepared(&self, ready: &Ready, budget: Budget) -> Run<Observed> {
        ready.run(self.start(budget))
    }

    fn start(&self, budget: Budget) -> Start<'_> {
        Start { entry: &self.entry, arguments: &self.arguments, budget }
    }
}

/// The first difference between a run of the reference meter and one of the prepared code.
#[must_use]
pub fn difference(reference: &Run<Report>, observed: &Run<Observed>) -> Option<String> {
    call_difference(&reference.call, &observed.call)
        .or_else(|| contents_difference(&reference.contents, &observed.contents))
}

/// The first difference between what two calls showed.
#[must_use]
pub fn call_difference(reference: &Report, observed: &Observed) -> Option<String> {
    let pairs = reference.events.iter().map(seen).zip(&observed.events).enumerate();
    for (number, (expected, found)) in pairs {
        if expected != *found {
            return Some(format!("host call {number}: {expected:?}, but prepared {found:?}"));
        }
    }
    let (expected, found) = (reference.events.len(), observed.events.len());
    if expected != found {
        return Some(format!(
            "{expected} host calls, then {:?}, but prepared {found}, {:?}",
            reference.end, observed.end
        ));
    }
    let end = match &reference.end {
        End::Returned(values) => End::Returned(values.iter().map(|value| value.without_identity()).collect()),
        other => other.clone(),
    };
    if end != observed.end {
        return Some(format!("end {end:?} at {}, but prepared {:?}", reference.gas, observed.end));
    }
    if let Some(gas) = observed.gas.filter(|gas| *gas != reference.gas) {
        return Some(format!("gas {}, but prepared {gas}, both {end:?}", reference.gas));
    }
    None
}

/// The first difference between what two instances of the same module hold.
#[must_use]
pub fn contents_difference(expected: &Contents<'_>, found: &Contents<'_>) -> Option<String> {
    if expected.memory != found.memory {
        let mut pairs = expected.memory.iter().zip(found.memory.iter());
        let place = pairs.position(|(expected, found)| expected != found);
        return Some(format!("memory differs, first at {place:?}"));
    }
    if expected.globals != found.globals {
        return Some(format!("globals {:?}, but {:?}", expected.globals, found.globals));
    }
    (expected.nulls != found.nulls).then(|| "tables differ".into())
}

fn seen(event: &Event) -> Event {
    Event { arguments: event.arguments.iter().map(|value| value.without_identity()).collect(), ..event.clone() }
}

/// Budgets that a run just meets or just misses.
#[must_use]
pub fn scarce(first: &Report, ample: Budget, random: &mut Random) -> Vec<Budget> {
    let mut below = |bound: u64| random.next_number() % bound.max(1);
    let mut gas = vec![first.gas, first.gas.saturating_sub(1), below(first.gas)];
    // Seldom kinds of checkpoints as often as frequent ones.
    let kinds: BTreeSet<Checkpoint> = first.checkpoints.iter().map(|(kind, _)| *kind).collect();
    let kinds: Vec<Checkpoint> = kinds.into_iter().collect();
    for _ in 0..2 {
        let Some(kind) = kinds.get(usize::try_from(below(kinds.len() as u64)).expect("a place")) else { break };
        let of_kind: Vec<u64> =
            first.checkpoints.iter().filter(|(other, _)| other == kind).map(|(_, gas)| *gas).collect();
        let checkpoint = of_kind[usize::try_from(below(of_kind.len() as u64)).expect("a place")];
        gas.extend([checkpoint, checkpoint.saturating_sub(1)]);
    }
    let mut stack = vec![first.stack_taken];
    if first.stack_taken > 0 {
        stack.extend([first.stack_taken - 1, below(first.stack_taken)]);
    }
    // Enough for the last checkpoint before a trap, and for nothing behind it.
    if let (End::Trapped(_), Some((_, last))) = (&first.end, first.checkpoints.last()) {
        gas.push(*last);
    }
    // Both at once: the stack may be exhausted where the gas is too.
    let stack_short = first.stack_taken.saturating_sub(1);
    let both: Vec<Budget> =
        gas.iter().skip(3).map(|gas| Budget { gas: *gas.min(&ample.gas), stack: stack_short }).collect();
    let gas = gas.into_iter().map(|gas| Budget { gas: gas.min(ample.gas), ..ample });
    gas.chain(both).chain(stack.into_iter().map(|stack| Budget { stack, ..ample })).collect()
}

/// An import's names and type.
struct Signature {
    module: String,
    name: String,
    params: Vec<ValueType>,
    results: Vec<ValueType>,
}

impl Signature {
    fn new(module: &str, name: &str, of_type: &FuncType) -> Self {
        let list = |types: &[ValType]| types.iter().map(|each| value_type(*each)).collect();
        let (params, results) = (list(of_type.params()), list(of_type.results()));
        Signature { module: module.into(), name: name.into(), params, results }
    }

    fn as_import(&self) -> Import<'_> {
        Import { module: &self.module, name: &self.name, params: &self.params, results: &self.results }
    }
}

fn value_type(of_type: ValType) -> ValueType {
    match of_type {
        ValType::I32 => ValueType::I32,
        ValType::I64 => ValueType::I64,
        ValType::F32 => ValueType::F32,
        ValType::F64 => ValueType::F64,
        _ => ValueType::FuncRef,
    }
}

/// What a module imports, and the type of its entry.
struct Signatures {
    imports: Vec<Signature>,
    memory: Option<(String, String)>,
    entry: Signature,
}

impl Signatures {
    fn of(code: &[u8], entry: &str) -> Self {
        let (mut types, mut functions, mut imports) = (Vec::<FuncType>::new(), Vec::new(), Vec::new());
        let (mut memory, mut entry_type) = (None, FuncType::new([], []));
        for payload in Parser::new(0).parse_all(code) {
            match payload.expect("a module") {
                Payload::TypeSection(reader) => {
                    types = reader.into_iter_err_on_gc_types().map(|each| each.expect("a function type")).collect();
                }
                Payload::ImportSection(reader) => {
                    for import in reader.into_imports().map(|import| import.expect("an import")) {
                        match import.ty {
                            TypeRef::Func(of_type) => {
                                functions.push(of_type);
                                imports.push(Signature::new(import.module, import.name, &types[of_type as usize]));
                            }
                            _ => memory = Some((import.module.to_string(), import.name.to_string())),
                        }
                    }
                }
                Payload::FunctionSection(reader) => {
                    functions.extend(reader.into_iter().map(|each| each.expect("a type")))
                }
                Payload::ExportSection(reader) => {
                    for export in reader.into_iter().map(|export| export.expect("an export")) {
                        if export.name == entry && export.kind == ExternalKind::Func {
                            entry_type = types[functions[export.index as usize] as usize].clone();
                        }
                    }
                }
                _ => {}
            }
        }
        imports.sort_by(|a, b| (&a.module, &a.name).cmp(&(&b.module, &b.name)));
        imports.dedup_by(|a, b| (&a.module, &a.name) == (&b.module, &b.name));
        Signatures { imports, memory, entry: Signature::new("", entry, &entry_type) }
    }
}
