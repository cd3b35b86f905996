//! Runs a script in all worlds at once and compares them after every step.

use crate::script::{Action, Directive, Script, Step};
use crate::tally::{Outcome, Tally};
use std::collections::BTreeMap;
use unfork_conformance::admit;
use unfork_conformance::generators::random::Random;
use unfork_conformance::linked::{Code, LIMITS, Observed, OnExecutor, OnMeter, PROFILE, Source};
use unfork_conformance::reference::equality::{call_difference, contents_difference, scarce};
use unfork_conformance::reference::host::Host;
use unfork_conformance::reference::{Budget, End, Kind, Module, Report, Rules, Trap, Value};
use unfork_gas::{Counter, Refusal, RefusalCode, Schedule};
use wasmparser::{Validator, WasmFeatures};

/// What a whole run counts besides verdicts.
#[derive(Default)]
pub struct Compared {
    pub calls: u64,
    pub checkpoints: u64,
    pub host_calls: u64,
    pub ends: BTreeMap<String, u64>,
    pub executed: BTreeMap<Kind, u64>,
}

impl Compared {
    fn add(&mut self, report: &Report) {
        self.calls += 1;
        self.checkpoints += report.checkpoints.len() as u64;
        self.host_calls += report.events.len() as u64;
        let name = match &report.end {
            End::Returned(_) => "Returned".into(),
            other => format!("{other:?}"),
        };
        *self.ends.entry(name).or_default() += 1;
        for (kind, count) in Kind::ALL.iter().zip(&report.executed).filter(|(_, count)| **count > 0) {
            *self.executed.entry(*kind).or_default() += count;
        }
    }
}

/// How a script is run.
pub enum Mode {
    /// Plenty of gas: what happens is what the script says, and what the executor does with the original code.
    Ample,
    /// Each call under budgets that it just meets and just misses, then under a large one. What the script expects no
    /// longer holds: calls that ended early have left their traces, the same in both worlds.
    Scarce {
        random: Box<Random>,
        /// How many scarce budgets each call is run under, at most.
        each: usize,
    },
}

/// Enough for everything that the scripts do, and not enough to run for ever.
const AMPLE_GAS: u64 = Counter::GAS_MAX.cast_unsigned();
const LARGE_GAS: u64 = 30_000_000;

/// A module of a script, admitted or not.
struct Judged<'a> {
    admitted: Result<(Module<'a>, Code), Refused>,
}

/// What a name of the script stands for.
#[derive(Clone, Copy)]
enum Slot {
    Live(usize),
    Refused(&'static str),
    /// It was not made, which is a failure that is told elsewhere.
    Missing,
}

/// Why a step did not pass.
enum Left {
    Refused(&'static str),
    /// All worlds agree, but the script says something else.
    Otherwise(String),
    Failed(String),
}

/// Runs a script; what went wrong comes back.
pub fn run(
    script: &Script,
    schedule: &Schedule,
    mode: Mode,
    host: Host,
    tally: &mut Tally,
    compared: &mut Compared,
) -> Vec<String> {
    let judged: Vec<Judged<'_>> = script.modules.iter().map(|code| judge(code, schedule)).collect();
    let rules = Rules { schedule, limits: &LIMITS, mistake: None };
    let plain = matches!(mode, Mode::Ample).then(|| OnExecutor::plain(host));
    let mut run = Run {
        script,
        judged: &judged,
        mode,
        plain,
        prepared: OnExecutor::prepared(host),
        meter: OnMeter::new(rules, host),
        made: 0,
        current: Slot::Missing,
        names: BTreeMap::new(),
        definitions: BTreeMap::new(),
        last_definition: None,
        registered: BTreeMap::new(),
        tally,
        compared,
        failures: Vec::new(),
    };
    for step in &script.steps {
        run.step(step);
    }
    run.compare_all();
    run.failures
}

fn judge<'a>(code: &'a [u8], schedule: &Schedule) -> Judged<'a> {
    let admitted = match admit(code, schedule, &LIMITS, &PROFILE) {
        Ok(prepared) => {
            let module = Module::decode(code, schedule, &LIMITS);
            let code = Code::new(code, &module, &prepared);
            Ok((module, code))
        }
        Err(refusal) => Err(Refused { needs: needs(&refusal, code), refusal }),
    };
    Judged { admitted }
}

/// Why a module is refused.
struct Refused {
    refusal: Refusal,
    /// The proposal that it needs, if it is that.
    needs: Option<&'static str>,
}

/// The proposal that a refusal names; or that it is one, where the module is valid with all of them or the parser says so.
pub fn needs(refusal: &Refusal, code: &[u8]) -> Option<&'static str> {
    let name = refusal.code.name();
    if name.starts_with("Feature") {
        return Some(name);
    }
    let is_one = refusal.code == RefusalCode::Invalid
        && (refusal.detail.contains("proposal")
            || Validator::new_with_features(WasmFeatures::all()).validate_all(code).is_ok());
    is_one.then_some("a proposal, refused as Invalid")
}

struct Run<'r, 'a> {
    script: &'r Script,
    judged: &'r [Judged<'a>],
    mode: Mode,
    plain: Option<OnExecutor>,
    prepared: OnExecutor,
    meter: OnMeter<'r, 'a>,
    /// How many instances were asked for.
    made: usize,
    current: Slot,
    names: BTreeMap<&'r str, Slot>,
    definitions: BTreeMap<&'r str, usize>,
    last_definition: Option<usize>,
    registered: BTreeMap<&'r str, Slot>,
    tally: &'r mut Tally,
    compared: &'r mut Compared,
    failures: Vec<String>,
}

impl<'r, 'a> Run<'r, 'a> {
    fn step(&mut self, step: &'r Step) {
        let outcome = match self.outcome(step) {
            Ok(outcome) => outcome,
            Err(Left::Otherwise(_)) if superseded(&self.script.file, step.line).is_some() => {
                Outcome::Superseded(superseded(&self.script.file, step.line).unwrap_or_default())
            }
            Err(Left::Refused(needs)) => Outcome::Refused(needs),
            Err(Left::Failed(what) | Left::Otherwise(what)) => {
                let Script { file, .. } = self.script;
                self.failures.push(format!("{file}:{}: {}: {what}", step.line, step.directive.name()));
                Outcome::Failed
            }
        };
        self.tally.directive(step.directive.name(), outcome);
    }

    fn outcome(&mut self, step: &'r Step) -> Result<Outcome, Left> {
        match &step.directive {
            Directive::Module { name, module } => {
                let slot = self.slot_of(*module);
                self.current = slot.as_ref().map_or_else(as_slot, |slot| *slot);
                if let Some(name) = name {
                    self.names.insert(name, self.current);
                }
                slot?;
            }
            Directive::Definition { name, module } => {
                self.last_definition = Some(*module);
                if let Some(name) = name {
                    self.definitions.insert(name, *module);
                }
                self.admitted(*module)?;
            }
            Directive::Instance { name, definition } => {
                let definition = match definition {
                    Some(definition) => self.definitions.get(definition.as_str()).copied(),
                    None => self.last_definition,
                };
                let module = definition.ok_or_else(|| Left::Failed("no such definition".into()))?;
                let slot = self.slot_of(module);
                self.current = slot.as_ref().map_or_else(as_slot, |slot| *slot);
                if let Some(name) = name {
                    self.names.insert(name, self.current);
                }
                slot?;
            }
            Directive::Register { name, instance } => {
                let slot = self.named(instance.as_deref())?;
                self.registered.insert(name, slot);
                live(slot)?;
            }
            Directive::Invoke(action) => match self.act(action)? {
                End::Returned(_) => {}
                other if matches!(self.mode, Mode::Ample) => return Err(Left::Failed(format!("ended {other:?}"))),
                _ => {}
            },
            Directive::Return { action, expected } => {
                let end = self.act(action)?;
                self.expect(&end, |end| match end {
                    End::Returned(values) => {
                        values.len() == expected.len()
                            && expected.iter().zip(values).all(|(expected, value)| expected.fits(value))
                    }
                    _ => false,
                })?;
            }
            Directive::Trap { action, message } => {
                let end = self.act(action)?;
                self.expect(&end, |end| is_trap(end, message))?;
            }
            Directive::TrapOfModule { module, message } => {
                let end = self.make(*module)?.1;
                let end = end.ok_or_else(|| Left::Failed("does not link".into()))?;
                self.expect(&end, |end| is_trap(end, message))?;
            }
            Directive::Exhaustion(action) => {
                let end = self.act(action)?;
                self.expect(&end, |end| *end == End::StackExhausted)?;
            }
            Directive::Unlinkable { module } => {
                if let (_, Some(end)) = self.make(*module)? {
                    return Err(Left::Otherwise(format!("links, and ended {end:?}")));
                }
            }
            Directive::Invalid { module } | Directive::Malformed { module } => return self.refused(*module),
            Directive::TextRefused { .. } => return Ok(Outcome::PassedAsText),
            Directive::Other { .. } => return Ok(Outcome::Unknown),
        }
        Ok(Outcome::Passed)
    }

    fn expect(&self, end: &End, fits: impl Fn(&End) -> bool) -> Result<(), Left> {
        match self.mode {
            Mode::Ample if !fits(end) => Err(Left::Otherwise(format!("ended {end:?}"))),
            _ => Ok(()),
        }
    }

    /// Whether a module that should be refused is.
    fn refused(&self, module: usize) -> Result<Outcome, Left> {
        match &self.judged[module].admitted {
            Ok(_) => Err(Left::Otherwise("admitted".into())),
            Err(Refused { refusal, .. }) => match refusal.code {
                RefusalCode::Invalid | RefusalCode::NotAModule | RefusalCode::Empty => Ok(Outcome::Passed),
                code if code.name().starts_with("Feature") => Ok(Outcome::PassedByProposal(code.name())),
                _ => Err(Left::Failed(refusal.to_string())),
            },
        }
    }

    fn admitted(&self, module: usize) -> Result<&'r (Module<'a>, Code), Left> {
        let judged: &'r [Judged<'a>] = self.judged;
        match &judged[module].admitted {
            Ok(admitted) => Ok(admitted),
            Err(Refused { needs: Some(needs), .. }) => Err(Left::Refused(needs)),
            Err(Refused { refusal, .. }) => Err(Left::Failed(refusal.to_string())),
        }
    }

    fn slot_of(&mut self, module: usize) -> Result<Slot, Left> {
        match self.make(module)? {
            (instance, Some(End::Returned(_))) => Ok(Slot::Live(instance)),
            (_, Some(end)) => Err(Left::Failed(format!("ended {end:?}"))),
            (_, None) => Err(Left::Failed("does not link".into())),
        }
    }

    fn named(&self, name: Option<&str>) -> Result<Slot, Left> {
        match name {
            None => Ok(self.current),
            Some(name) => self.names.get(name).copied().ok_or_else(|| Left::Failed(format!("no module {name}"))),
        }
    }

    /// Where each import of a module comes from; `None` when nothing of that name is registered.
    fn sources(&self, module: &Module<'_>) -> Result<Option<Vec<Source>>, Left> {
        let mut sources = Vec::new();
        for (from, _) in module.import_names() {
            match self.registered.get(from) {
                Some(slot) => sources.push(Source::Instance(live(*slot)?)),
                None if from == "spectest" => sources.push(Source::Spectest),
                None => return Ok(None),
            }
        }
        Ok(Some(sources))
    }

    fn ample(&self) -> Budget {
        let gas = if matches!(self.mode, Mode::Ample) { AMPLE_GAS } else { LARGE_GAS };
        Budget { gas, stack: LIMITS.stack_budget }
    }

    /// Makes an instance in all worlds: its number, and how that ended, unless the module does not link.
    fn make(&mut self, number: usize) -> Result<(usize, Option<End>), Left> {
        let (module, code) = self.admitted(number)?;
        let Some(sources) = self.sources(module)? else { return Ok((usize::MAX, None)) };
        let ample = self.ample();
        if matches!(self.mode, Mode::Scarce { .. }) && module.has_start() {
            let without_gas = self.make_once(module, code, &sources, Budget { gas: 0, ..ample })?;
            if without_gas.1.is_none() {
                return Ok(without_gas);
            }
            let (ahead, _) = self.meter.clone().instantiate(module, &sources, ample);
            for budget in self.scarce(&ahead) {
                self.make_once(module, code, &sources, budget)?;
            }
        }
        self.make_once(module, code, &sources, ample)
    }

    fn make_once(
        &mut self,
        module: &'r Module<'a>,
        code: &Code,
        sources: &[Source],
        budget: Budget,
    ) -> Result<(usize, Option<End>), Left> {
        let number = self.made;
        self.made += 1;
        let prepared = self.prepared.instantiate(code, sources, budget);
        let plain = self.plain.as_mut().map(|plain| plain.instantiate(code, sources, budget));
        if plain.as_ref().is_some_and(|plain| plain.is_some() != prepared.is_some()) {
            return Err(Left::Failed("links in one world and not in the other".into()));
        }
        let Some(prepared) = prepared else {
            self.meter.leave_out();
            return Ok((number, None));
        };
        let (report, misfit) = self.meter.instantiate(module, sources, budget);
        if let Some(misfit) = misfit.filter(|_| !module.has_start()) {
            let plain = self.plain.as_mut();
            [Some(&mut self.prepared), plain]
                .into_iter()
                .flatten()
                .for_each(|world| world.make_again(code, sources, misfit));
        }
        self.compare(&report, &prepared, plain.flatten().as_ref(), number)?;
        Ok((number, Some(report.end)))
    }

    /// Carries out an action in all worlds.
    fn act(&mut self, action: &Action) -> Result<End, Left> {
        let instance = live(self.named(action.instance.as_deref())?)?;
        let Some(arguments) = &action.arguments else { return self.look(instance, &action.name) };
        let arguments: Option<Vec<Value>> = arguments.iter().copied().collect();
        let arguments = arguments.ok_or_else(|| Left::Failed("arguments that no profile has".into()))?;
        let ample = self.ample();
        if matches!(self.mode, Mode::Scarce { .. }) {
            let ahead = self.meter.clone().invoke(instance, &action.name, &arguments, ample);
            for budget in self.scarce(&ahead) {
                self.call(instance, &action.name, &arguments, budget)?;
            }
        }
        self.call(instance, &action.name, &arguments, ample)
    }

    fn scarce(&mut self, ahead: &Report) -> Vec<Budget> {
        let ample = self.ample();
        match &mut self.mode {
            Mode::Ample => Vec::new(),
            Mode::Scarce { random, each } => {
                let mut budgets = scarce(ahead, ample, random);
                while budgets.len() > *each {
                    let out = random.next_number() % budgets.len() as u64;
                    budgets.swap_remove(usize::try_from(out).expect("within a list"));
                }
                budgets
            }
        }
    }

    fn call(&mut self, instance: usize, name: &str, arguments: &[Value], budget: Budget) -> Result<End, Left> {
        let report = self.meter.invoke(instance, name, arguments, budget);
        let prepared = self.prepared.invoke(instance, name, arguments, budget);
        let plain = self.plain.as_mut().map(|plain| plain.invoke(instance, name, arguments, budget));
        self.compare(&report, &prepared, plain.as_ref(), instance)?;
        Ok(report.end)
    }

    fn look(&self, instance: usize, global: &str) -> Result<End, Left> {
        let value = self.meter.get(instance, global);
        let same = self.prepared.get(instance, global) == value
            && self.plain.as_ref().is_none_or(|plain| plain.get(instance, global) == value);
        match value {
            Some(value) if same => Ok(End::Returned(vec![value])),
            value => Err(Left::Failed(format!("{global} is {value:?}, and something else in another world"))),
        }
    }

    /// Compares what a step showed in the three worlds, and what it left behind.
    fn compare(
        &mut self,
        report: &Report,
        prepared: &Observed,
        plain: Option<&Observed>,
        instance: usize,
    ) -> Result<(), Left> {
        self.compared.add(report);
        if let Some(difference) = call_difference(report, prepared) {
            return Err(Left::Failed(format!("the meter has {difference}")));
        }
        let shown = |observed: &Observed| {
            let calls = observed.events.iter().map(|event| (event.function, event.arguments.clone()));
            (observed.end.clone(), calls.collect::<Vec<_>>())
        };
        if let Some(plain) = plain.filter(|plain| shown(plain) != shown(prepared)) {
            return Err(Left::Failed(format!("prepared {prepared:?}, but original {plain:?}")));
        }
        let registered = self.registered.values().filter_map(|slot| live(*slot).ok());
        let mut seen: Vec<usize> = registered.chain([instance]).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.into_iter().try_for_each(|instance| self.compare_contents(instance))
    }

    fn compare_contents(&self, instance: usize) -> Result<(), Left> {
        let (meter, prepared) = (self.meter.contents(instance), self.prepared.contents(instance));
        let difference = match (&meter, &prepared) {
            (Some(meter), Some(prepared)) => contents_difference(meter, prepared),
            (meter, prepared) => (meter.is_some() != prepared.is_some()).then(|| "only one was made".into()),
        };
        if let Some(difference) = difference {
            return Err(Left::Failed(format!("instance {instance}: meter and prepared: {difference}")));
        }
        let plain = self.plain.as_ref().and_then(|plain| plain.contents(instance));
        let difference = plain.zip(prepared).and_then(|(plain, prepared)| contents_difference(&plain, &prepared));
        match difference {
            Some(difference) => Err(Left::Failed(format!("instance {instance}: original and prepared: {difference}"))),
            None => Ok(()),
        }
    }

    /// At the end of a script: instances that nobody looked at for long.
    fn compare_all(&mut self) {
        for instance in 0..self.made {
            if let Err(Left::Failed(what)) = self.compare_contents(instance) {
                self.failures.push(format!("{}: at the end: {what}", self.script.file));
            }
        }
    }
}

fn as_slot(left: &Left) -> Slot {
    match left {
        Left::Refused(code) => Slot::Refused(code),
        Left::Failed(_) | Left::Otherwise(_) => Slot::Missing,
    }
}

fn live(slot: Slot) -> Result<usize, Left> {
    match slot {
        Slot::Live(instance) => Ok(instance),
        Slot::Refused(code) => Err(Left::Refused(code)),
        Slot::Missing => Err(Left::Failed("the module is not there".into())),
    }
}

/// Lines of old scripts that say what no longer holds, by file, and what they wait for.
const SUPERSEDED: &[(&str, &[usize], &str)] = &[
    (
        "mutable-global/linking.wast",
        &[206, 227, 236, 238, 248, 298, 334, 342, 344, 354],
        "as before bulk memory, which traps at a segment that does not fit and keeps those before it",
    ),
    ("reference-types/unreached-invalid.wast", &[539], "refuses what is valid since function references"),
    ("threads/imports.wast", &[309, 313, 317], "refuses several tables, as before reference types"),
    ("multi-memory/linking0.wast", &[42], "follows from a module that needs FeatureMultiMemory"),
    ("multi-memory/load1.wast", &[25, 26, 27, 28, 29], "follows from a module that needs FeatureMultiMemory"),
];

fn superseded(file: &str, line: usize) -> Option<&'static str> {
    let found = SUPERSEDED.iter().find(|(of, lines, _)| *of == file && lines.contains(&line));
    found.map(|(_, _, reason)| *reason)
}

/// Whether an end is the trap that a script means by its message.
fn is_trap(end: &End, message: &str) -> bool {
    const TRAPS: &[(&str, End)] = &[
        ("unreachable", End::Unreachable),
        ("integer divide by zero", End::Trapped(Trap::DivisionByZero)),
        ("integer overflow", End::Trapped(Trap::IntegerOverflow)),
        ("invalid conversion to integer", End::Trapped(Trap::InvalidConversion)),
        ("out of bounds memory access", End::Trapped(Trap::MemoryOutOfBounds)),
        ("out of bounds table access", End::Trapped(Trap::TableOutOfBounds)),
        ("undefined element", End::Trapped(Trap::TableOutOfBounds)),
        ("uninitialized element", End::Trapped(Trap::IndirectCallToNull)),
        ("indirect call type mismatch", End::Trapped(Trap::IndirectCallType)),
    ];
    // Old scripts are shorter, new ones add a number.
    let fits = |text: &str| message.starts_with(text) || text.starts_with(message);
    TRAPS.iter().any(|(text, trap)| fits(text) && trap == end)
}
