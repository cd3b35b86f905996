//! What the engine should do with a script, in plain Rust on plain maps, written from docs/abi.md.
//!
//! The model predicts everything but how much gas an operation costs: which frames begin, with what, what each does to
//! state, in which order, and how it ends. It walks along the engine's trace and stops at the first thing that is not as
//! it says. From the trace it takes only gas: which frames ran out of it, whose insides are then skipped, and what was
//! left around calls, about which it checks that none is lost or made.

use super::script::{Bytes32, Callee, Op, encode, flag};
use std::collections::BTreeMap;
use unfork_engine::{Address, Budget, Event, FrameKind, Refused, Status, TraceEvent, Trap, contract_address};

/// What return codes mean (docs/abi.md §4).
mod code {
    pub const SUCCESS: u32 = 0;
    pub const TRAPPED: u32 = 1;
    pub const REVERTED: u32 = 2;
    pub const KEY_NOT_FOUND: u32 = 3;
    pub const TRANSFER_FAILED: u32 = 5;
    pub const CODE_NOT_FOUND: u32 = 7;
    pub const NOT_CALLABLE: u32 = 8;
}

/// "There was no value", as a length.
const NONE: u32 = u32::MAX;
/// What the records of an account and of a contract count as in changed bytes.
const ACCOUNT_BYTES: usize = 64;
const CONTRACT_BYTES: usize = 192;
/// Pages of memory that the contract begins with.
const PAGES: u64 = 2;

/// A contract of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub code: usize,
    pub incarnation: u64,
    pub storage: BTreeMap<u8, Vec<u8>>,
}

/// Everything that a failed frame takes back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    pub balances: BTreeMap<Bytes32, u128>,
    pub contracts: BTreeMap<Bytes32, Record>,
    pub next_incarnations: BTreeMap<Bytes32, u64>,
    pub transient: BTreeMap<(Bytes32, u8), Vec<u8>>,
    pub events: Vec<Event>,
}

/// Budgets of a transaction that no failing frame gives back, or only when it ends.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub call_depth: usize,
    pub live_pages: u64,
    pub events: u64,
    pub event_bytes: u64,
    pub changed_bytes: u64,
}

/// A frame on the stack.
struct Frame {
    kind: FrameKind,
    contract: Bytes32,
    code: usize,
    caller: Bytes32,
    value: u128,
    read_only: bool,
    allow_reentry: bool,
    created: Bytes32,
    /// Whether it has changed how much its contract has stored.
    counts_changed: bool,
    output: Vec<u8>,
}

/// What a call costs its caller besides what the callee uses, by all that this may depend on; the same in every tree.
pub type Overheads = BTreeMap<(u8, u32, usize, usize), (u64, Option<u64>)>;

/// Why a frame stops before the end of its script.
enum Stop {
    Status(Status),
    /// The trace is not as the model says.
    Differs(String),
}

impl From<Trap> for Stop {
    fn from(trap: Trap) -> Self {
        Self::Status(Status::Trapped(trap))
    }
}

impl From<Budget> for Stop {
    fn from(budget: Budget) -> Self {
        Self::Status(Status::Exhausted(budget))
    }
}

fn differs<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Differs(what.into()))
}

/// The model in the middle of a transaction.
pub struct Model<'a> {
    pub world: World,
    pub limits: Limits,
    codes: &'a [Bytes32],
    trace: &'a [TraceEvent],
    at: usize,
    /// Where the frame that begins at an index ends.
    ends: BTreeMap<usize, usize>,
    stack: Vec<Frame>,
    overheads: &'a mut Overheads,
}

/// Ends and what was answered.
pub type Ended = (Status, Vec<u8>);

/// A frame about to begin.
struct Begin<'s> {
    kind: FrameKind,
    contract: Bytes32,
    code: usize,
    caller: Bytes32,
    value: u128,
    read_only: bool,
    script: &'s [Op],
}

impl<'a> Model<'a> {
    pub fn new(
        world: World,
        limits: Limits,
        codes: &'a [Bytes32],
        trace: &'a [TraceEvent],
        overheads: &'a mut Overheads,
    ) -> Self {
        let (mut open, mut ends) = (Vec::new(), BTreeMap::new());
        for (index, event) in trace.iter().enumerate() {
            match event {
                TraceEvent::FrameStarted { .. } => open.push(index),
                TraceEvent::FrameEnded { .. } => {
                    ends.insert(open.pop().expect("frames nest"), index);
                }
                _ => {}
            }
        }
        assert!(open.is_empty(), "every frame ends");
        Self { world, limits, codes, trace, at: 0, ends, stack: Vec::new(), overheads }
    }

    /// A call from outside. The error says what is not as the model has it.
    pub fn run(&mut self, caller: Bytes32, contract: Bytes32, value: u128, script: &[Op]) -> Result<Ended, String> {
        let code = self.world.contracts[&contract].code;
        let begin = Begin { kind: FrameKind::Call, contract, code, caller, value, read_only: false, script };
        let ended = match self.frame(&begin) {
            Ok((ended, _, _)) => ended,
            Err(Stop::Differs(what)) => return Err(what),
            Err(Stop::Status(status)) => return Err(format!("the outermost frame passes {} on", status.name())),
        };
        match self.trace.get(self.at) {
            None => Ok(ended),
            Some(more) => Err(format!("trace[{}] is one event too many: {more:?}", self.at)),
        }
    }

    /// The next event of the trace, which must be this.
    fn expect(&mut self, expected: TraceEvent) -> Result<(), Stop> {
        let found = self.trace.get(self.at);
        if found != Some(&expected) {
            return differs(format!("trace[{}]:\n  expected {expected:?}\n     found {found:?}", self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// Runs a frame to its end: how it ended, its gas limit, the gas it used.
    fn frame(&mut self, begin: &Begin<'_>) -> Result<(Ended, u64, u64), Stop> {
        let start = self.at;
        let Some(TraceEvent::FrameStarted { gas_limit, .. }) = self.trace.get(start) else {
            return differs(format!("trace[{start}]: a frame should begin, found {:?}", self.trace.get(start)));
        };
        let gas_limit = *gas_limit;
        self.expect(TraceEvent::FrameStarted {
            depth: self.stack.len(),
            kind: begin.kind,
            contract: begin.contract.into(),
            code_hash: self.codes[begin.code],
            caller: begin.caller.into(),
            read_only: begin.read_only,
            value: begin.value,
            input: encode(begin.script, self.codes),
            gas_limit,
        })?;
        let before = self.world.clone();
        let end = self.ends[&start];
        let Some(TraceEvent::FrameEnded { status, gas_used, .. }) = self.trace.get(end) else {
            return differs("frames do not nest");
        };
        let (found, gas_used) = (*status, *gas_used);
        let (status, output) = if found == Status::OutOfGas {
            // How far it came is the engine's to know.
            self.at = end;
            (found, Vec::new())
        } else {
            self.inside(begin)?
        };
        if !status.is_success() {
            self.world = before;
        }
        if gas_used > gas_limit {
            return differs(format!("trace[{end}]: gas {gas_used} of {gas_limit}"));
        }
        // Traps of operators are noticed too late to say what ran (docs/gas.md §3).
        let takes_all = match status {
            Status::OutOfGas | Status::Exhausted(Budget::LiveMemory) => true,
            Status::Trapped(trap) => trap == Trap::DivisionByZero,
            _ => false,
        };
        if takes_all && gas_used != gas_limit {
            return differs(format!("trace[{end}]: {} takes all gas, not {gas_used} of {gas_limit}", status.name()));
        }
        let depth = self.stack.len();
        self.expect(TraceEvent::FrameEnded { depth, status, gas_used, output: output.clone(), places: Vec::new() })?;
        Ok(((status, output), gas_limit, gas_used))
    }

    fn inside(&mut self, begin: &Begin<'_>) -> Result<Ended, Stop> {
        if begin.kind != FrameKind::Delegate && begin.value > 0 {
            if let Err(Stop::Status(status)) = self.spend_changed(2 * ACCOUNT_BYTES) {
                return Ok((status, Vec::new()));
            }
            self.pay(begin.caller, begin.contract, begin.value);
        }
        let Some(pages) = self.limits.live_pages.checked_sub(PAGES) else {
            return Ok((Status::Exhausted(Budget::LiveMemory), Vec::new()));
        };
        let all_pages = std::mem::replace(&mut self.limits.live_pages, pages);
        self.stack.push(Frame {
            kind: begin.kind,
            contract: begin.contract,
            code: begin.code,
            caller: begin.caller,
            value: begin.value,
            read_only: begin.read_only,
            allow_reentry: true,
            created: [0; 32],
            counts_changed: false,
            output: Vec::new(),
        });
        let result = begin.script.iter().try_for_each(|op| self.step(op));
        let frame = self.stack.pop().expect("it was pushed");
        self.limits.live_pages = all_pages;
        match result {
            Ok(()) => Ok((Status::Returned, frame.output)),
            Err(Stop::Status(status @ (Status::Returned | Status::Reverted))) => Ok((status, frame.output)),
            Err(Stop::Status(status)) => Ok((status, Vec::new())),
            Err(differs) => Err(differs),
        }
    }

    fn top(&mut self) -> &mut Frame {
        self.stack.last_mut().expect("a frame runs")
    }

    fn put(&mut self, number: u32) {
        self.top().output.extend(number.to_le_bytes());
    }

    fn balance(&self, of: &Bytes32) -> u128 {
        self.world.balances.get(of).copied().unwrap_or(0)
    }

    /// Moves an amount that is there.
    fn pay(&mut self, from: Bytes32, to: Bytes32, value: u128) {
        *self.world.balances.entry(from).or_default() -= value;
        *self.world.balances.entry(to).or_default() += value;
        self.world.balances.retain(|_, balance| *balance > 0);
    }

    fn writable(&mut self) -> Result<(), Stop> {
        if self.top().read_only { Err(Trap::StateChangeDenied.into()) } else { Ok(()) }
    }

    fn spend_changed(&mut self, bytes: usize) -> Result<(), Stop> {
        let left = self.limits.changed_bytes.checked_sub(bytes as u64);
        self.limits.changed_bytes = left.ok_or(Budget::ChangedBytes)?;
        Ok(())
    }

    /// A contract's record has other counts from now on; once in a frame it is counted.
    fn counts_change(&mut self) -> Result<(), Stop> {
        if std::mem::replace(&mut self.top().counts_changed, true) {
            return Ok(());
        }
        self.spend_changed(CONTRACT_BYTES)
    }

    // Long on purpose: one arm an operation.
    fn step(&mut self, op: &Op) -> Result<(), Stop> {
        match op {
            Op::Set { transient, key, value } => self.set(*transient, *key, value)?,
            Op::Get { transient, key } => {
                let contract = self.top().contract;
                let found = if *transient {
                    self.world.transient.get(&(contract, *key))
                } else {
                    self.world.contracts[&contract].storage.get(key)
                };
                let found = found.cloned();
                self.put(if found.is_some() { code::SUCCESS } else { code::KEY_NOT_FOUND });
                self.top().output.extend(found.unwrap_or_default());
            }
            Op::Clear { key } => {
                self.writable()?;
                self.spend_changed(2)?;
                let contract = self.top().contract;
                let storage = &mut self.world.contracts.get_mut(&contract).expect("it runs").storage;
                let before = storage.remove(key).map(|value| value.len() as u32);
                if before.is_some() {
                    self.counts_change()?;
                    let (contract, key) = (contract.into(), vec![1, *key]);
                    self.expect(TraceEvent::Stored { contract, transient: false, key, before, after: None })?;
                }
                self.put(before.unwrap_or(NONE));
            }
            Op::Emit { topic, data } => {
                self.writable()?;
                let topics: Vec<Bytes32> = topic.iter().copied().collect();
                self.limits.events = self.limits.events.checked_sub(1).ok_or(Budget::Events)?;
                let bytes = (data.len() + 32 * topics.len()) as u64;
                self.limits.event_bytes = self.limits.event_bytes.checked_sub(bytes).ok_or(Budget::Events)?;
                let event = Event { contract: self.top().contract.into(), topics, data: data.clone() };
                self.world.events.push(event.clone());
                self.expect(TraceEvent::Emitted(event))?;
            }
            Op::Transfer { to, value } => {
                self.writable()?;
                let from = self.top().contract;
                if *value > 0 {
                    self.spend_changed(2 * ACCOUNT_BYTES)?;
                }
                let moved = self.balance(&from) >= *value;
                if moved {
                    self.pay(from, *to, *value);
                }
                let (from, to, value) = (from.into(), (*to).into(), *value);
                self.expect(TraceEvent::Transferred { from, to, value, moved })?;
                self.put(if moved { code::SUCCESS } else { code::TRANSFER_FAILED });
            }
            Op::Call { flags, callee, gas, value, script } => self.call(*flags, *callee, *gas, *value, script)?,
            Op::Delegate { flags, code, script } => self.delegate(*flags, *code, script)?,
            Op::Instantiate { code, gas, value, salt, script } => {
                self.instantiate(*code, *gas, *value, *salt, script)?;
            }
            Op::Terminate { beneficiary } => return self.terminate(*beneficiary),
            Op::SetCode { code } => {
                self.writable()?;
                let contract = self.top().contract;
                if *code < self.codes.len() - 1 {
                    self.spend_changed(CONTRACT_BYTES)?;
                    self.world.contracts.get_mut(&contract).expect("it runs").code = *code;
                    let code_hash = self.codes[*code];
                    self.expect(TraceEvent::CodeReplaced { contract: contract.into(), code_hash })?;
                    self.put(code::SUCCESS);
                } else {
                    self.put(code::CODE_NOT_FOUND);
                }
            }
            Op::Info { kind } => {
                let contract = self.top().contract;
                let balance = self.balance(&contract);
                let codes = self.codes;
                let frame = self.top();
                let bytes = match kind {
                    0 => frame.caller.to_vec(),
                    1 => contract.to_vec(),
                    2 => frame.value.to_le_bytes().to_vec(),
                    3 => balance.to_le_bytes().to_vec(),
                    _ => codes[frame.code].to_vec(),
                };
                self.put(bytes.len() as u32);
                self.top().output.extend(bytes);
            }
            Op::Burn { .. } => {}
            Op::Return { reverts } => {
                return Err(Stop::Status(if *reverts { Status::Reverted } else { Status::Returned }));
            }
            Op::Unreachable => return Err(Trap::Unreachable.into()),
            Op::DivideByZero => return Err(Trap::DivisionByZero.into()),
            Op::ReentranceCount => {
                let contract = self.top().contract;
                let count = self.frames_of(&contract) - 1;
                self.put(count as u32);
            }
            Op::Mark => {
                let code = self.top().code;
                self.put(mark(code));
            }
        }
        Ok(())
    }

    fn set(&mut self, transient: bool, key: u8, value: &[u8]) -> Result<(), Stop> {
        self.writable()?;
        // The byte that tells the key's form, the key, the value.
        self.spend_changed(2 + value.len())?;
        let contract = self.top().contract;
        let before = if transient {
            self.world.transient.insert((contract, key), value.to_vec())
        } else {
            self.world.contracts.get_mut(&contract).expect("it runs").storage.insert(key, value.to_vec())
        };
        let before = before.map(|value| value.len() as u32);
        let (contract, key, after) = (Address::from(contract), vec![1, key], Some(value.to_vec()));
        self.expect(TraceEvent::Stored { contract, transient, key, before, after })?;
        if !transient && before != Some(value.len() as u32) {
            self.counts_change()?;
        }
        self.put(before.unwrap_or(NONE));
        Ok(())
    }

    fn check_depth(&mut self) -> Result<(), Stop> {
        if self.stack.len() >= self.limits.call_depth { Err(Budget::CallDepth.into()) } else { Ok(()) }
    }

    /// Frames of a contract's own; delegate calls are their caller's.
    fn frames_of(&self, contract: &Bytes32) -> usize {
        self.stack.iter().filter(|frame| frame.kind != FrameKind::Delegate && frame.contract == *contract).count()
    }

    fn call(&mut self, flags: u8, callee: Callee, gas: u64, value: u128, script: &[Op]) -> Result<(), Stop> {
        self.expect(TraceEvent::GasRead)?;
        let known = flag::TAIL_CALL | flag::ALLOW_REENTRY | flag::READ_ONLY;
        if flags & !known != 0 {
            return Err(Trap::InvalidArgument.into());
        }
        let (op, contract) = match callee {
            Callee::At(address) => (8, address),
            Callee::Created => (9, self.top().created),
        };
        self.check_depth()?;
        let caller = self.top().contract;
        let read_only = self.top().read_only || flags & flag::READ_ONLY != 0;
        if read_only && value > 0 {
            return Err(Trap::StateChangeDenied.into());
        }
        // Whether the contract may be called again holds for this one call.
        self.top().allow_reentry = flags & flag::ALLOW_REENTRY != 0;
        if self.stack.iter().any(|frame| frame.contract == contract && !frame.allow_reentry) {
            return Err(Trap::ReentranceDenied.into());
        }
        let refused = match self.world.contracts.get(&contract) {
            None => Some(Refused::ContractNotFound),
            Some(_) if self.balance(&caller) < value => Some(Refused::InsufficientBalance),
            Some(_) => None,
        };
        let ended = match refused {
            Some(reason) => Err(reason),
            None => {
                let code = self.world.contracts[&contract].code;
                let kind = FrameKind::Call;
                Ok(self.frame(&Begin { kind, contract, code, caller, value, read_only, script })?)
            }
        };
        self.top().allow_reentry = true;
        self.answer(op, flags, gas, script, ended)
    }

    fn delegate(&mut self, flags: u8, code: usize, script: &[Op]) -> Result<(), Stop> {
        self.expect(TraceEvent::GasRead)?;
        self.check_depth()?;
        let ended = if code < self.codes.len() - 1 {
            let Frame { contract, caller, value, read_only, .. } = *self.top();
            let kind = FrameKind::Delegate;
            Ok(self.frame(&Begin { kind, contract, code, caller, value, read_only, script })?)
        } else {
            Err(Refused::CodeNotFound)
        };
        self.answer(10, flags, 0, script, ended)
    }

    fn instantiate(&mut self, code: usize, gas: u64, value: u128, salt: u8, script: &[Op]) -> Result<(), Stop> {
        self.expect(TraceEvent::GasRead)?;
        self.writable()?;
        self.check_depth()?;
        let caller = self.top().contract;
        let input = encode(script, self.codes);
        let address = contract_address(&caller.into(), &self.codes[code], &input, &[salt]);
        let contract: Bytes32 = address.as_bytes().try_into().expect("32 bytes");
        let ended = if self.balance(&caller) < value {
            Err(Refused::InsufficientBalance)
        } else if code >= self.codes.len() - 1 {
            Err(Refused::CodeNotFound)
        } else if self.world.contracts.contains_key(&contract) {
            return Err(Trap::DuplicateContract.into());
        } else {
            self.spend_changed(CONTRACT_BYTES)?;
            let before = self.world.clone();
            let incarnation = self.world.next_incarnations.entry(contract).or_default();
            let record = Record { code, incarnation: *incarnation, storage: BTreeMap::new() };
            *incarnation += 1;
            self.world.contracts.insert(contract, record);
            let kind = FrameKind::Deploy;
            let ended = self.frame(&Begin { kind, contract, code, caller, value, read_only: false, script })?;
            if !ended.0.0.is_success() {
                self.world = before;
            }
            Ok(ended)
        };
        if let Ok(((Status::Returned, _), ..)) = &ended {
            self.top().created = contract;
        }
        self.answer(11, 0, gas, script, ended)
    }

    /// What the caller learns, and whether gas was conserved.
    fn answer(
        &mut self,
        op: u8,
        flags: u8,
        gas: u64,
        script: &[Op],
        ended: Result<(Ended, u64, u64), Refused>,
    ) -> Result<(), Stop> {
        let (answered, output, limit, used) = match ended {
            Err(reason) => {
                self.expect(TraceEvent::NotStarted { reason })?;
                let answered = match reason {
                    Refused::ContractNotFound => code::NOT_CALLABLE,
                    Refused::CodeNotFound => code::CODE_NOT_FOUND,
                    _ => code::TRANSFER_FAILED,
                };
                (answered, Vec::new(), None, 0)
            }
            Ok(((status @ (Status::Returned | Status::Reverted), output), limit, used)) => {
                if flags & flag::TAIL_CALL != 0 {
                    self.top().output = output;
                    return Err(Stop::Status(status));
                }
                let answered = if status == Status::Returned { code::SUCCESS } else { code::REVERTED };
                (answered, output, Some(limit), used)
            }
            Ok((_, limit, used)) => (code::TRAPPED, Vec::new(), Some(limit), used),
        };
        self.expect(TraceEvent::GasRead)?;
        let contract = Address::from(self.top().contract);
        let said = match self.trace.get(self.at) {
            Some(TraceEvent::Debug { contract: found, message }) if *found == contract => message,
            other => return differs(format!("trace[{}]: the gas around a call, found {other:?}", self.at)),
        };
        self.at += 1;
        let number = |at: usize| u64::from_le_bytes(said[at..at + 8].try_into().expect("16 bytes"));
        let (before, after) = (number(0), number(8));
        let input = encode(script, self.codes).len();
        self.conserved((op, answered, input, output.len()), gas, before, after, limit, used)?;
        self.put(answered);
        self.top().output.extend(output);
        Ok(())
    }

    /// What is gone around a call is what the callee used and what calling costs, the latter the same in every tree.
    fn conserved(
        &mut self,
        key: (u8, u32, usize, usize),
        gas: u64,
        before: u64,
        after: u64,
        limit: Option<u64>,
        used: u64,
    ) -> Result<(), Stop> {
        let Some(overhead) = before.checked_sub(after).and_then(|gone| gone.checked_sub(used)) else {
            return differs(format!("gas {before} before, {after} after a call that used {used}"));
        };
        // What is charged before the callee begins shows where it gets all that is left.
        let all_left = limit.filter(|limit| gas == 0 || *limit < gas);
        let before_begin = match all_left.map(|limit| before.checked_sub(limit)) {
            Some(None) => return differs(format!("gas {before} before a call that may use {limit:?}")),
            Some(charged) => charged,
            None => None,
        };
        if limit.is_some_and(|limit| gas != 0 && limit > gas) {
            return differs(format!("a call that may use {gas} may use {limit:?}"));
        }
        let known = self.overheads.entry(key).or_insert((overhead, before_begin));
        if known.1.is_none() {
            known.1 = before_begin;
        }
        let same = known.0 == overhead && (before_begin.is_none() || known.1 == before_begin);
        if !same {
            return differs(format!(
                "calling (operation, answer, input, output) {key:?} cost {overhead}, {before_begin:?} of it before; \
                 elsewhere {known:?}"
            ));
        }
        Ok(())
    }

    fn terminate(&mut self, beneficiary: Bytes32) -> Result<(), Stop> {
        self.writable()?;
        let (kind, contract) = (self.top().kind, self.top().contract);
        if kind != FrameKind::Call || self.frames_of(&contract) > 1 {
            return Err(Trap::TerminateDenied.into());
        }
        self.spend_changed(CONTRACT_BYTES)?;
        let value = self.balance(&contract);
        if value > 0 {
            self.spend_changed(2 * ACCOUNT_BYTES)?;
        }
        self.pay(contract, beneficiary, value);
        self.world.contracts.remove(&contract);
        let contract = contract.into();
        self.expect(TraceEvent::Terminated { contract, beneficiary: beneficiary.into(), value })?;
        self.top().output.clear();
        Err(Stop::Status(Status::Returned))
    }
}

/// What code number `code` calls itself.
pub fn mark(code: usize) -> u32 {
    0x6d61_726b + code as u32
}
