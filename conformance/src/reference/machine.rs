//! Execution: one operator after the other, each paid as it is executed.

use super::height::block_arity;
use super::host::{Answer, Host};
use super::module::{Defined, FuncType, Imported, Instruction, Module};
use super::operators::Kind;
use super::store::{Extern, Function, Store};
use super::value::{Operands, Value};
use super::{
    Budget, CHECKPOINTS_KEPT, Checkpoint, Contents, End, Event, Mistake, Report, Rules, Run, Start, Trap, floats,
    integers,
};
use std::borrow::Cow;
use wasmparser::Operator;

/// Runs an entry of a module to its end, all its imports answered by the host.
///
/// # Panics
/// When the module is not admitted or has no such entry.
pub fn run(module: &Module<'_>, rules: Rules<'_>, start: Start<'_>, host: Host) -> Run<Report> {
    let mut store = Store::default();
    let mut imports: Vec<Extern> = Vec::new();
    for import in &module.imports {
        // A name that is imported twice is the same function.
        let names = module.imports.iter().map(|other| (other.module, other.name));
        let first = names.into_iter().position(|names| names == (import.module, import.name)).expect("itself at least");
        let linked = match &import.entity {
            Imported::Function(_) if first < imports.len() => imports[first],
            Imported::Function(of_type) => {
                let functions = imports.iter().filter(|import| matches!(import, Extern::Function(_)));
                let number = u32::try_from(functions.count()).expect("few imports");
                store.host_function(number, module.type_of(*of_type).clone())
            }
            Imported::Memory(size) => store.memory(size.least, size.most),
            Imported::Table | Imported::Global => panic!("contracts import neither tables nor globals"),
        };
        imports.push(linked);
    }
    let (instance, filled) = store.instantiate(module, &imports);
    filled.expect("admission has looked at the ranges");
    store.host_memory = store.instances[instance].places.memory;
    let Some(Extern::Function(entry)) = store.export(instance, start.entry) else { panic!("the entry is exported") };
    let call = call(&mut store, rules, entry, start.arguments, start.budget, host);
    let Contents { memory, globals, nulls } = store.contents(instance);
    Run { call, contents: Contents { memory: Cow::Owned(memory.into_owned()), globals, nulls } }
}

/// Calls a function of a store.
pub fn call(
    store: &mut Store<'_, '_>,
    rules: Rules<'_>,
    function: u32,
    arguments: &[Value],
    budget: Budget,
    host: Host,
) -> Report {
    let mut machine = Machine {
        store,
        rules,
        host,
        operands: Operands::default(),
        frames: Vec::new(),
        gas: 0,
        gas_given: budget.gas,
        stack_left: i64::try_from(budget.stack).expect("a budget"),
        stack_least: i64::try_from(budget.stack).expect("a budget"),
        events: Vec::new(),
        checkpoints: Vec::new(),
        executed: vec![0; Kind::ALL.len()],
    };
    let end = match machine.run_to_end(function, arguments) {
        Ok(()) => End::Returned(std::mem::take(&mut machine.operands.0)),
        Err(end) => end,
    };
    Report {
        end,
        gas: machine.gas,
        events: machine.events,
        checkpoints: machine.checkpoints,
        stack_taken: budget.stack.saturating_add_signed(-machine.stack_least),
        executed: machine.executed,
    }
}

/// A place that a branch can go to.
struct Label {
    /// Operands that a branch carries.
    carried: usize,
    /// Operands below the block.
    height: usize,
    /// Where a branch continues.
    target: usize,
    is_loop: bool,
}

/// A function that has been entered and not been left.
struct Frame<'m, 'a> {
    instance: usize,
    module: &'m Module<'a>,
    function: &'m Defined<'a>,
    /// The operator to execute next.
    next: usize,
    locals: Vec<Value>,
    /// Open blocks; the first is the function itself.
    labels: Vec<Label>,
}

struct Machine<'s, 'm, 'a> {
    store: &'s mut Store<'m, 'a>,
    rules: Rules<'s>,
    host: Host,
    operands: Operands,
    frames: Vec<Frame<'m, 'a>>,
    /// G of docs/gas.md: everything executed so far, host charges included.
    gas: u64,
    gas_given: u64,
    stack_left: i64,
    stack_least: i64,
    events: Vec<Event>,
    checkpoints: Vec<(Checkpoint, u64)>,
    executed: Vec<u64>,
}

impl<'m, 'a> Machine<'_, 'm, 'a> {
    fn run_to_end(&mut self, entry: u32, arguments: &[Value]) -> Result<(), End> {
        self.operands.0.extend_from_slice(arguments);
        self.enter(entry)?;
        while let Some(frame) = self.frames.last_mut() {
            if frame.labels.is_empty() {
                self.leave()?;
                continue;
            }
            let function = frame.function;
            let instruction = &function.operators[frame.next];
            frame.next += 1;
            self.step(instruction)?;
        }
        self.check(Checkpoint::End)
    }

    fn mistaken(&self, mistake: Mistake) -> bool {
        self.rules.mistake == Some(mistake)
    }

    /// A checkpoint: gas above the gas given ends the frame.
    fn check(&mut self, checkpoint: Checkpoint) -> Result<(), End> {
        if self.mistaken(Mistake::NoCheck(checkpoint)) {
            return Ok(());
        }
        if self.checkpoints.len() < CHECKPOINTS_KEPT {
            self.checkpoints.push((checkpoint, self.gas));
        }
        self.spend()
    }

    fn spend(&self) -> Result<(), End> {
        if self.gas > self.gas_given { Err(End::OutOfGas) } else { Ok(()) }
    }

    fn trap(&mut self, trap: Trap) -> End {
        if self.mistaken(Mistake::TrapsLookAtGas) && self.gas > self.gas_given {
            return End::OutOfGas;
        }
        End::Trapped(trap)
    }

    /// Executes one operator.
    fn step(&mut self, instruction: &'m Instruction<'a>) -> Result<(), End> {
        self.executed[instruction.kind as usize] += 1;
        self.gas += instruction.price;
        if self.mistaken(Mistake::CheckEverywhere) {
            self.spend()?;
        }
        match &instruction.operator {
            Operator::Nop => {}
            Operator::Drop => drop(self.operands.pop()),
            Operator::Select | Operator::TypedSelect { .. } => {
                let (condition, second, first) = (self.operands.pop_i32(), self.operands.pop(), self.operands.pop());
                self.operands.push(if condition != 0 { first } else { second });
            }
            Operator::LocalGet { local_index } => {
                let value = self.frame().locals[*local_index as usize];
                self.operands.push(value);
            }
            Operator::LocalSet { local_index } => {
                let value = self.operands.pop();
                self.frame().locals[*local_index as usize] = value;
            }
            Operator::LocalTee { local_index } => {
                let value = *self.operands.0.last().expect("an operand");
                self.frame().locals[*local_index as usize] = value;
            }
            Operator::I32Const { value } => self.operands.push_i32(value.cast_unsigned()),
            Operator::I64Const { value } => self.operands.push_i64(value.cast_unsigned()),
            Operator::F32Const { value } => self.operands.push(Value::F32(value.bits())),
            Operator::F64Const { value } => self.operands.push(Value::F64(value.bits())),
            _ => return self.control(instruction),
        }
        Ok(())
    }

    /// Executes an operator that may go elsewhere.
    fn control(&mut self, instruction: &'m Instruction<'a>) -> Result<(), End> {
        match &instruction.operator {
            Operator::Block { blockty } => {
                let (params, results) = block_arity(self.frame().module, *blockty);
                self.open(params, results, instruction.end + 1, false);
            }
            Operator::Loop { blockty } => {
                let (params, _) = block_arity(self.frame().module, *blockty);
                let target = self.frame().next;
                self.open(params, params, target, true);
                if !self.mistaken(Mistake::NoCheckEnteringLoop) {
                    self.check(Checkpoint::Loop)?;
                }
            }
            Operator::If { blockty } => {
                let (params, results) = block_arity(self.frame().module, *blockty);
                let condition = self.operands.pop_i32();
                self.open(params, results, instruction.end + 1, false);
                if condition == 0 {
                    let has_else = instruction.otherwise != instruction.end;
                    self.frame().next = instruction.otherwise + usize::from(has_else);
                }
            }
            // The end of the first arm: over the second one, to the end.
            Operator::Else => self.frame().next = instruction.end,
            Operator::End => drop(self.frame().labels.pop()),
            Operator::Br { relative_depth } => self.branch(*relative_depth)?,
            Operator::BrIf { relative_depth } => {
                if self.operands.pop_i32() != 0 {
                    self.branch(*relative_depth)?;
                } else if self.mistaken(Mistake::BranchCostsWhenTaken) {
                    self.gas -= instruction.price;
                }
            }
            Operator::BrTable { targets } => {
                let index = self.operands.pop_i32();
                let target = targets.targets().nth(index as usize).map(|target| target.expect("a target"));
                self.branch(target.unwrap_or(targets.default()))?;
            }
            Operator::Return => {
                let outermost = self.frame().labels.len() - 1;
                self.branch(u32::try_from(outermost).expect("few labels"))?;
            }
            Operator::Unreachable => {
                self.check_with_stack(Checkpoint::Unreachable)?;
                return Err(End::Unreachable);
            }
            Operator::Call { function_index } => {
                let instance = self.frame().instance;
                self.enter(self.store.instances[instance].places.functions[*function_index as usize])?;
            }
            Operator::CallIndirect { type_index, table_index } => self.call_indirect(*type_index, *table_index)?,
            _ => return self.compute(instruction),
        }
        Ok(())
    }

    /// Executes an operator that computes or moves data. What is paid by the unit is checked before the work.
    fn compute(&mut self, instruction: &'m Instruction<'a>) -> Result<(), End> {
        let per_unit = self.price_per_unit(instruction.kind);
        if let Some(per_unit) = per_unit {
            let Some(Value::I32(count)) = self.operands.0.last() else { panic!("a count is topmost") };
            let price = u64::from(*count) * per_unit;
            self.gas += price;
            if !self.mistaken(Mistake::CheckAfterBulk) {
                self.check(Checkpoint::Bulk)?;
            }
            if self.mistaken(Mistake::GrowthCostsWhenGranted) {
                self.gas -= self.refused_growth(instruction.kind, price);
            }
        }
        let (kind, operator) = (instruction.kind, &instruction.operator);
        let instance = self.frame().instance;
        let Store { instances, state, .. } = &mut *self.store;
        let places = &instances[instance].places;
        let nans_as_made = self.rules.mistake == Some(Mistake::NansAsMade);
        let result = integers::execute(kind, &mut self.operands)
            .or_else(|| state.access(places, operator, kind, &mut self.operands))
            .or_else(|| state.execute(places, operator, &mut self.operands))
            .or_else(|| floats::execute(kind, &mut self.operands, nans_as_made))
            .unwrap_or_else(|| panic!("{kind:?} is admitted but not executed"));
        result.map_err(|trap| self.trap(trap))?;
        if per_unit.is_some() && self.mistaken(Mistake::CheckAfterBulk) {
            self.spend()?;
        }
        Ok(())
    }

    fn price_per_unit(&self, kind: Kind) -> Option<u64> {
        let schedule = self.rules.schedule;
        match kind {
            Kind::MemoryGrow => Some(schedule.grow_page),
            Kind::TableGrow => Some(schedule.grow_element),
            Kind::MemoryFill | Kind::MemoryCopy | Kind::MemoryInit => Some(schedule.bulk_memory_byte),
            Kind::TableFill | Kind::TableCopy | Kind::TableInit => Some(schedule.bulk_table_element),
            _ => None,
        }
    }

    /// For the mistake of that name: the price of growing a memory that has no room for one page more.
    fn refused_growth(&mut self, kind: Kind, price: u64) -> u64 {
        let instance = self.frame().instance;
        let memory = self.store.instances[instance].places.memory;
        let full = memory.is_none_or(|memory| self.store.state.is_full(memory));
        if kind == Kind::MemoryGrow && full { price } else { 0 }
    }

    fn frame(&mut self) -> &mut Frame<'m, 'a> {
        self.frames.last_mut().expect("a frame")
    }

    fn open(&mut self, params: usize, carried: usize, target: usize, is_loop: bool) {
        let height = self.operands.0.len() - params;
        self.frame().labels.push(Label { carried, height, target, is_loop });
    }

    /// Branches to the label at this depth. Coming back to the head of a loop is a checkpoint.
    fn branch(&mut self, depth: u32) -> Result<(), End> {
        let frame = self.frames.last_mut().expect("a frame");
        let index = frame.labels.len() - 1 - depth as usize;
        let label = &frame.labels[index];
        let carried = self.operands.pop_many(label.carried);
        self.operands.0.truncate(label.height);
        self.operands.0.extend(carried);
        frame.next = label.target;
        let is_loop = label.is_loop;
        frame.labels.truncate(index + usize::from(is_loop));
        if is_loop { self.check(Checkpoint::Loop) } else { Ok(()) }
    }

    fn call_indirect(&mut self, type_index: u32, table: u32) -> Result<(), End> {
        let at = self.operands.pop_i32();
        let Frame { instance, module, .. } = *self.frame();
        let table = self.store.instances[instance].places.tables[table as usize];
        let Some(element) = self.store.state.tables[table].elements.get(at as usize) else {
            return Err(self.trap(Trap::TableOutOfBounds));
        };
        let Some(function) = *element else { return Err(self.trap(Trap::IndirectCallToNull)) };
        if self.store.functions[function as usize].of_type() != module.type_of(type_index) {
            return Err(self.trap(Trap::IndirectCallType));
        }
        self.enter(function)
    }

    /// Calls a function whose arguments are on the stack: checks gas and stack where that is a checkpoint, then pays.
    fn enter(&mut self, function: u32) -> Result<(), End> {
        let (instance, defined) = match &self.store.functions[function as usize] {
            Function::Defined { instance, body, .. } => (*instance, *body),
            Function::Host { number, of_type } => {
                let (number, of_type) = (*number, of_type.clone());
                return self.call_host(number, &of_type);
            }
        };
        let module = self.store.instances[instance].module;
        let schedule = self.rules.schedule;
        let params = module.type_of(defined.of_type).params().len();
        let paid = defined.locals.len() + if self.mistaken(Mistake::ParametersCost) { params } else { 0 };
        let entry_price = schedule.function_entry + schedule.function_local * paid as u64;
        let above = entry_price + defined.price_of_all > schedule.return_check_above;
        if defined.calls_or_loops || above || self.mistaken(Mistake::CheckEveryEntry) {
            self.check_with_stack(Checkpoint::Entry)?;
        } else if self.stack_left < 0 && self.mistaken(Mistake::StackAtEveryCall) {
            return Err(End::StackExhausted);
        }
        self.gas += entry_price;
        let mut locals = self.operands.pop_many(params);
        locals.extend_from_slice(&defined.locals);
        self.frames.push(Frame { instance, module, function: defined, next: 0, locals, labels: Vec::new() });
        self.stack_left -= self.units(defined);
        let results = module.type_of(defined.of_type).results().len();
        self.open(0, results, defined.operators.len(), false);
        Ok(())
    }

    /// Stack units of a function.
    fn units(&self, function: &Defined<'_>) -> i64 {
        let Some(mut units) = function.units else { return 0 };
        if self.mistaken(Mistake::HeightOfReachableCode) {
            units -= function.unreachable_units;
        }
        i64::try_from(units).expect("few units")
    }

    /// A checkpoint that also looks at the stack, after the gas.
    fn check_with_stack(&mut self, checkpoint: Checkpoint) -> Result<(), End> {
        let exhausted = self.stack_left < 0;
        if !(exhausted && self.mistaken(Mistake::StackWithoutGas)) {
            self.check(checkpoint)?;
        }
        if exhausted {
            return Err(End::StackExhausted);
        }
        self.stack_least = self.stack_least.min(self.stack_left);
        Ok(())
    }

    /// Goes back to the caller. Returning from a function above the threshold is a checkpoint.
    fn leave(&mut self) -> Result<(), End> {
        let frame = self.frames.pop().expect("a frame");
        let above = frame.function.price_of_all > self.rules.schedule.return_check_above;
        if above || self.mistaken(Mistake::CheckEveryReturn) {
            self.check(Checkpoint::Return)?;
        }
        if !self.mistaken(Mistake::UnitsAreKept) {
            self.stack_left += self.units(frame.function);
        }
        Ok(())
    }

    /// A host call: a checkpoint, then what the host does, then what it charges.
    fn call_host(&mut self, function: u32, of_type: &FuncType) -> Result<(), End> {
        self.check_with_stack(Checkpoint::HostCall)?;
        let arguments = self.operands.pop_many(of_type.params().len());
        let number = self.events.len();
        let memory = match self.store.host_memory {
            Some(memory) => &mut self.store.state.memory_mut(memory)[..],
            None => &mut [][..],
        };
        let Answer { results, gas } = self.host.answer(number, &arguments, of_type.results(), memory);
        let stack = u64::try_from(self.stack_left).expect("not exhausted");
        self.events.push(Event { function, arguments, gas: self.gas, stack });
        self.operands.0.extend(results);
        self.gas += gas;
        self.spend()
    }
}
