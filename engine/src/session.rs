//! What one transaction carries through all its frames: the journal, gas, budgets, events. It is handed over to an
//! executor by value and handed back, so that an import table is linked once and nested calls need no unsafe.

use crate::cache::Machine;
use crate::executor::Program;
use crate::outcome::{Abort, Budget, Fault, Status, Trap};
use crate::records::{self, Code, MetCode, RecordKey};
use crate::rules::{ChainSpec, Environment, Rules};
use crate::trace::{POSSIBLE, Trace, TraceEvent};
use crate::types::{Address, Balance, BlockContext, Event, Hash};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use unfork_gas::{Limits, Loading, Schedule};
use unfork_state::{Checkpoint, Overlay, Range, Space, StateError, Value};

/// How a frame came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// The constructor of a new contract.
    Deploy,
    /// A call of a contract.
    Call,
    /// Foreign code over the caller's own storage and balance.
    Delegate,
    /// A contract is told what became of a message that it has queued.
    Reply,
}

/// A call that a contract asks for when it returns, carried out after it, in a sub-transaction.
#[derive(Debug)]
pub(crate) struct Queued {
    pub callee: Address,
    pub value: Balance,
    pub input: Vec<u8>,
    /// 0: all that is left.
    pub gas: u64,
    pub reply_on: ReplyOn,
    /// The contract's own name for it.
    pub id: u64,
    /// The contract's own note, handed back with the reply.
    pub payload: Vec<u8>,
}

/// Of which outcomes a contract wants to be told. One it does not want to be told of, if it is a failure, is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyOn {
    Never,
    Success,
    Error,
    Always,
}

impl ReplyOn {
    pub fn wants(self, success: bool) -> bool {
        match self {
            Self::Never => false,
            Self::Success => success,
            Self::Error => !success,
            Self::Always => true,
        }
    }
}

/// What became of a queued message.
#[derive(Debug)]
pub(crate) struct Reply {
    pub id: u64,
    pub payload: Vec<u8>,
    pub status: Status,
    pub output: Vec<u8>,
}

/// A part of a call that begins, for benches that want to know where the time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Whatever is not one of the others: envelope, checks, frame, receipt.
    Other,
    /// Finding the program, and preparing and translating it where the cache does not have it.
    LookUp,
    /// Getting an instance.
    Instantiate,
    /// The contract itself.
    Execute,
    /// A host function.
    Host,
    /// The journal of changes and the state below it, for a host function.
    Overlay,
    /// Setting the instance back.
    Reset,
}

/// Is told which part begins. The engine itself looks at no clock.
pub type Stopwatch = Arc<dyn Fn(Phase) + Send + Sync>;

/// One contract call on the stack.
#[derive(Debug)]
pub(crate) struct Frame {
    pub kind: FrameKind,
    pub contract: Address,
    pub code_hash: Hash,
    pub storage: Space,
    pub caller: Address,
    pub value: Balance,
    /// `None` once it was read or forwarded.
    pub input: Option<Vec<u8>>,
    pub output: Vec<u8>,
    pub read_only: bool,
    /// Whether what is called from here right now may call this contract again.
    pub allow_reentry: bool,
    /// What is to be carried out once the contract has returned, in this order.
    pub queue: Vec<Queued>,
    /// What a reply is about.
    pub reply: Option<Box<Reply>>,
    /// What is left of the scans that the contract has opened; `None` for those that are through.
    pub scans: Vec<Option<Range>>,
    /// Pages of this frame's memory that the live-memory budget counts.
    pub memory_pages: u64,
    /// Whether what its contract has in storage has changed in number or length, and its record is counted for that.
    pub counts_changed: bool,
}

/// Gas of the frame that runs. The counter is signed: below zero means out of gas, whoever charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gas {
    pub left: i64,
}

impl Gas {
    /// Charges `amount`, checked before whatever it pays for.
    ///
    /// # Errors
    /// Out of gas; the counter then is below zero.
    pub fn charge(&mut self, amount: u64) -> Result<(), Abort> {
        self.left = self.left.saturating_sub_unsigned(amount);
        if self.left < 0 { Err(Abort::Stop(Status::OutOfGas)) } else { Ok(()) }
    }

    /// Charges `base` and `each` for each of `count`.
    ///
    /// # Errors
    /// Out of gas.
    pub fn charge_linear(&mut self, base: u64, each: u64, count: usize) -> Result<(), Abort> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.charge(base.saturating_add(each.saturating_mul(count)))
    }

    /// Gas that can still be spent.
    pub fn available(self) -> u64 {
        u64::try_from(self.left).unwrap_or(0)
    }
}

/// What is left of the budgets other than gas; shared by all frames, never reset by a nested call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budgets {
    pub stack: i64,
    pub live_memory_pages: u64,
    pub copied_bytes: u64,
    pub events: u64,
    pub event_bytes: u64,
    pub changed_bytes: u64,
}

impl Budgets {
    fn new(limits: &Limits) -> Self {
        Self {
            stack: i64::try_from(limits.stack_budget).unwrap_or(i64::MAX),
            live_memory_pages: limits.memory_pages_live_max,
            copied_bytes: limits.host_copied_bytes_max,
            events: limits.events_max,
            event_bytes: limits.event_bytes_total_max,
            changed_bytes: limits.changed_bytes_max,
        }
    }
}

/// Takes `amount` of a budget.
pub(crate) fn spend(left: &mut u64, amount: u64, budget: Budget) -> Result<(), Abort> {
    *left = left.checked_sub(amount).ok_or(budget)?;
    Ok(())
}

/// See the module's description.
pub(crate) struct Session {
    pub machine: Arc<Machine>,
    pub spec: Arc<ChainSpec>,
    pub rules: Arc<Rules>,
    pub block: BlockContext,
    pub origin: Address,
    pub gas_price: Balance,
    /// Whether the origin is the chain itself.
    pub root: bool,
    pub overlay: Overlay,
    pub frames: Vec<Frame>,
    pub gas: Gas,
    pub budgets: Budgets,
    pub events: Vec<Event>,
    pub transient: Transient,
    /// The codes that were met. A code's record stays as it is.
    codes: Codes,
    pub trace: Trace,
    /// Whether contracts run as code that notes where they are.
    pub locate: bool,
    /// The functions in which the frame that has just run failed, the innermost first; taken when its end is told.
    pub places: Vec<u32>,
    /// Calls of exports made by host functions that have not returned; each is a level of depth.
    guest_calls: u64,
    /// Whom to tell which part of a call begins; nobody but a bench wants to know.
    pub stopwatch: Option<Stopwatch>,
    /// Why the guest was left from inside a host function; taken by whoever ran it.
    pub abort: Option<Abort>,
}

/// Where a frame began; what is rolled back when it fails.
pub(crate) struct FrameStart {
    overlay: Checkpoint,
    events: usize,
    transient: usize,
}

impl Session {
    pub fn new(
        machine: Arc<Machine>,
        environment: &Environment,
        origin: Address,
        gas_price: Balance,
        gas_limit: u64,
        overlay: Overlay,
    ) -> Self {
        let rules = Arc::clone(environment.rules());
        let budgets = Budgets::new(rules.limits());
        Self {
            machine,
            spec: Arc::clone(&environment.spec),
            rules,
            block: environment.block,
            origin,
            gas_price,
            root: environment.root,
            overlay,
            // Most transactions have one.
            frames: Vec::with_capacity(1),
            gas: Gas { left: i64::try_from(gas_limit).unwrap_or(i64::MAX) },
            budgets,
            events: Vec::new(),
            transient: Transient::default(),
            codes: Codes::default(),
            trace: Trace::new(environment.trace),
            locate: POSSIBLE && environment.trace && environment.locate,
            places: Vec::new(),
            guest_calls: 0,
            stopwatch: environment.stopwatch.clone(),
            abort: None,
        }
    }

    pub fn prices(&self) -> &Schedule {
        self.rules.schedule()
    }

    pub fn limits(&self) -> &Limits {
        self.rules.limits()
    }

    /// A code with what its record says; `None` when there is none. Read once in a transaction.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn code(&mut self, hash: &Hash) -> Result<Option<&mut Met>, StateError> {
        let Codes { first, more, .. } = &mut self.codes;
        let is_first = first.as_ref().is_none_or(|(met, _)| met == hash);
        if is_first {
            if first.is_none() {
                *first = met_code(&mut self.overlay, hash)?.map(|met| (*hash, met));
            }
            return Ok(first.as_mut().map(|(_, met)| met));
        }
        match more.entry(*hash) {
            Entry::Occupied(met) => Ok(Some(met.into_mut())),
            Entry::Vacant(place) => Ok(met_code(&mut self.overlay, hash)?.map(|met| place.insert(met))),
        }
    }

    /// Keeps the program of a code, whose loading is paid for. Where all that are kept would be too many bytes, those before
    /// it are to be loaded again.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn loaded(&mut self, hash: &Hash, loading: Loading, program: &Arc<dyn Program>) -> Result<(), StateError> {
        let bytes = loading.instrumented_bytes_bound();
        if self.codes.loaded_bytes.saturating_add(bytes) > self.limits().loaded_bytes_max {
            self.codes.unload();
        }
        self.codes.loaded_bytes = self.codes.loaded_bytes.saturating_add(bytes);
        if let Some(met) = self.code(hash)? {
            met.program = Some(Arc::clone(program));
        }
        Ok(())
    }

    /// The frame that runs.
    ///
    /// # Errors
    /// A fault when none does: only our own bug leads there.
    pub fn frame(&self) -> Result<&Frame, Abort> {
        self.frames.last().ok_or_else(|| Fault::internal("a host function outside any frame").into())
    }

    /// The frame that runs, to change it.
    ///
    /// # Errors
    /// As [`Session::frame`].
    pub fn frame_mut(&mut self) -> Result<&mut Frame, Abort> {
        self.frames.last_mut().ok_or_else(|| Fault::internal("a host function outside any frame").into())
    }

    /// How deep the present frame is nested, every kind of nesting counted.
    pub fn depth(&self) -> u64 {
        u64::try_from(self.frames.len()).unwrap_or(u64::MAX).saturating_add(self.guest_calls)
    }

    /// Refuses one level more than there may be.
    ///
    /// # Errors
    /// The budget `CallDepth` is exhausted.
    pub fn check_depth(&self) -> Result<(), Abort> {
        if self.depth() >= self.limits().call_depth_max { Err(Budget::CallDepth.into()) } else { Ok(()) }
    }

    /// A host function calls the contract back.
    ///
    /// # Errors
    /// As [`Session::check_depth`].
    pub fn enter_guest(&mut self) -> Result<(), Abort> {
        self.check_depth()?;
        self.guest_calls = self.guest_calls.saturating_add(1);
        Ok(())
    }

    /// The call made by a host function has ended.
    pub fn leave_guest(&mut self) {
        self.guest_calls = self.guest_calls.saturating_sub(1);
    }

    /// Tells the stopwatch that a part of a call begins.
    pub fn watch(&self, phase: Phase) {
        if POSSIBLE && let Some(stopwatch) = &self.stopwatch {
            stopwatch(phase);
        }
    }

    /// Does `work` for a host function with the journal, of which the stopwatch is told.
    pub fn in_overlay<T>(&mut self, work: impl FnOnce(&mut Overlay) -> T) -> T {
        self.watch(Phase::Overlay);
        let done = work(&mut self.overlay);
        self.watch(Phase::Host);
        done
    }

    /// Tells whoever watches, in the name of the contract that runs.
    pub fn note(&mut self, event: impl FnOnce(&Address) -> TraceEvent) {
        if self.trace.is_on()
            && let Some(frame) = self.frames.last()
        {
            self.trace.note(|| event(&frame.contract));
        }
    }

    /// Refuses a state change in a frame that may only read.
    ///
    /// # Errors
    /// The trap `StateChangeDenied`.
    pub fn require_writable(&self) -> Result<(), Abort> {
        if self.frame()?.read_only { Err(Trap::StateChangeDenied.into()) } else { Ok(()) }
    }

    /// Notes where a frame begins.
    pub fn begin(&mut self) -> FrameStart {
        let (overlay, transient) = (self.overlay.checkpoint(), self.transient.begin());
        FrameStart { overlay, events: self.events.len(), transient }
    }

    /// Undoes everything since `start`: state, events, transient storage.
    pub fn roll_back(&mut self, start: FrameStart) {
        self.overlay.rollback(start.overlay);
        self.events.truncate(start.events);
        self.transient.truncate(start.transient);
    }
}

/// A code that a transaction has met.
pub(crate) struct Met {
    pub code: MetCode,
    /// Its program, once loading it is paid for. Kept here, since what is paid once must not be done again, whatever the
    /// cache has room for.
    pub program: Option<Arc<dyn Program>>,
}

/// Codes that a transaction has met. Most meet one, which needs no map.
#[derive(Default)]
struct Codes {
    first: Option<(Hash, Met)>,
    more: BTreeMap<Hash, Met>,
    /// Bytes of those that are loaded, as `instrumented_bytes_max` counts them.
    loaded_bytes: u64,
}

impl Codes {
    fn unload(&mut self) {
        self.loaded_bytes = 0;
        for met in self.first.iter_mut().map(|(_, met)| met).chain(self.more.values_mut()) {
            met.program = None;
        }
    }
}

fn met_code(overlay: &mut Overlay, hash: &Hash) -> Result<Option<Met>, StateError> {
    let record: Option<Code> = records::get(overlay, RecordKey::Code(hash))?;
    Ok(record.map(|Code { profile, admitted, bytes, items, values, growth, .. }| {
        let code = MetCode { profile, admitted, loading: Loading { bytes, items, values, growth } };
        Met { code, program: None }
    }))
}

/// Storage that lasts for one transaction: a map with an undo log.
#[derive(Debug, Default)]
pub(crate) struct Transient {
    values: BTreeMap<TransientKey, Kept>,
    undo: Vec<(TransientKey, Option<Kept>)>,
    /// What was noted after this place in the log need not be noted again.
    floor: usize,
}

/// Whose it is, and its raw key.
type TransientKey = (Address, Vec<u8>);

/// What is under a key that was ever set.
#[derive(Clone, Debug)]
struct Kept {
    value: Option<Value>,
    /// The length of the log when this key was last noted in it.
    noted_at: usize,
}

impl Transient {
    /// A point to take back changes to.
    fn begin(&mut self) -> usize {
        self.floor = self.undo.len();
        self.floor
    }

    /// Takes back all changes since [`Transient::begin`] gave this length.
    fn truncate(&mut self, length: usize) {
        while self.undo.len() > length {
            if let Some((key, before)) = self.undo.pop() {
                match before {
                    Some(kept) => self.values.insert(key, kept),
                    None => self.values.remove(&key),
                };
            }
        }
        self.floor = self.floor.min(length);
    }

    pub fn get(&self, contract: &Address, key: &[u8]) -> Option<Value> {
        self.values.get(&(contract.clone(), key.to_vec()))?.value.clone()
    }

    /// Sets or, with `None`, removes a value; gives the one before.
    pub fn replace(&mut self, contract: &Address, key: &[u8], value: Option<Value>) -> Option<Value> {
        let key = (contract.clone(), key.to_vec());
        let before = self.values.get(&key);
        let (held, noted_at) = before.map_or((None, 0), |kept| (kept.value.clone(), kept.noted_at));
        if held.is_none() && value.is_none() {
            return None;
        }
        // One note per key and frame is enough, however often the key is written: the log is no longer than what is paid for.
        let noted_at = if before.is_none() || noted_at <= self.floor {
            self.undo.push((key.clone(), before.cloned()));
            self.undo.len()
        } else {
            noted_at
        };
        self.values.insert(key, Kept { value, noted_at });
        held
    }
}

#[cfg(test)]
mod tests {
    use super::Transient;
    use crate::types::Address;
    use std::collections::BTreeMap;
    use unfork_state::Value;

    #[test]
    fn transient_values_are_taken_back_as_if_each_frame_had_a_copy() {
        let contract = Address::from([7; 32]);
        let (mut transient, mut model) = (Transient::default(), BTreeMap::new());
        let mut frames = Vec::new();
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33).checked_rem(below).unwrap_or(0)).unwrap_or(0)
        };
        for step in 0..20_000usize {
            match random(10) {
                0 if frames.len() < 6 => frames.push((transient.begin(), model.clone())),
                // A frame ends, and what it did stays.
                1 => drop(frames.pop()),
                2 => {
                    if let Some((start, before)) = frames.pop() {
                        transient.truncate(start);
                        model = before;
                    }
                }
                3 => {
                    let key = vec![0; random(4)];
                    assert_eq!(transient.replace(&contract, &key, None), model.remove(&key), "step {step}");
                }
                _ => {
                    let (key, value) = (vec![0; random(4)], Value::from(step.to_le_bytes().as_slice()));
                    let before = transient.replace(&contract, &key, Some(value.clone()));
                    assert_eq!(before, model.insert(key, value), "step {step}");
                }
            }
            for key in (0..4).map(|length| vec![0; length]) {
                assert_eq!(transient.get(&contract, &key), model.get(&key).cloned(), "step {step}");
            }
        }
    }

    #[test]
    fn a_key_is_noted_once_in_a_frame() {
        let (mut transient, contract) = (Transient::default(), Address::from([7; 32]));
        for frame in 1..4 {
            transient.begin();
            for value in 0..100u8 {
                transient.replace(&contract, &[1], Some(Value::from([value].as_slice())));
                transient.replace(&contract, &[1], None);
                transient.replace(&contract, &[2], None);
            }
            assert_eq!(transient.undo.len(), frame);
        }
    }
}
