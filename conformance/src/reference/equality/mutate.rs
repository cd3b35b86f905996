//! Changes to a module that keep it valid: at random places in its functions, code is inserted that leaves the operand
//! stack as it was, with branches, loops and calls that are decided by the host.

use super::arithmetic;
use crate::generators::random::Random;
use wasm_encoder::reencode::{Error as Reencoding, Reencode};
use wasm_encoder::{BlockType, CodeSection, Instruction};
use wasmparser::{ExternalKind, FuncType, Operator, Parser, Payload, TypeRef};

/// Imports that every generated module has.
const PROBE: u32 = 0;
const BIT: u32 = 1;
/// Most pieces of code inserted into one function.
const INSERTIONS_MAX: u64 = 6;
/// Most operators of one inserted piece, about.
const PIECE_MAX: u32 = 60;

/// Inserts code into the functions of a module that imports `probe: () -> ()` and `bit: () -> i32` first.
///
/// # Panics
/// When the bytes are no module.
#[must_use]
pub fn mutate(code: &[u8], random: &mut Random) -> Vec<u8> {
    let mut mutation = Mutation { random, facts: Facts::of(code), defined: 0 };
    let mut module = wasm_encoder::Module::new();
    mutation.parse_core_module(&mut module, Parser::new(0), code).expect("wasm-smith writes modules");
    module.finish()
}

/// What inserted code may use.
#[derive(Default)]
struct Facts {
    types: Vec<FuncType>,
    /// The type of each function.
    functions: Vec<u32>,
    imported: usize,
    /// Functions without parameters and results, to call.
    callable: Vec<u32>,
    has_memory: bool,
    has_table: bool,
    /// The type without parameters and results, for indirect calls.
    plain_type: Option<u32>,
    /// Exported functions of that type, which a reference may be made of.
    plain_exports: Vec<u32>,
    /// Data segments that bulk operators may name: none without a count of them before the code.
    data: u32,
    elements: u32,
}

impl Facts {
    fn of(code: &[u8]) -> Self {
        let mut facts = Facts::default();
        for payload in Parser::new(0).parse_all(code) {
            match payload.expect("wasm-smith writes modules") {
                Payload::TypeSection(reader) => {
                    facts.types = reader.into_iter_err_on_gc_types().map(|each| each.expect("a type")).collect();
                }
                Payload::ImportSection(reader) => {
                    for import in reader.into_imports().map(|import| import.expect("an import")) {
                        match import.ty {
                            TypeRef::Func(of_type) => facts.functions.push(of_type),
                            TypeRef::Memory(_) => facts.has_memory = true,
                            _ => {}
                        }
                    }
                    facts.imported = facts.functions.len();
                }
                Payload::FunctionSection(reader) => {
                    facts.functions.extend(reader.into_iter().map(|each| each.expect("a type")));
                }
                Payload::MemorySection(_) => facts.has_memory = true,
                Payload::TableSection(_) => facts.has_table = true,
                Payload::ExportSection(reader) => {
                    let exports = reader.into_iter().map(|export| export.expect("an export"));
                    let functions = exports.filter(|export| export.kind == ExternalKind::Func);
                    facts.plain_exports = functions.map(|export| export.index).collect();
                }
                Payload::ElementSection(reader) => facts.elements = reader.count(),
                Payload::DataCountSection { count, .. } => facts.data = count,
                _ => {}
            }
        }
        for (function, index) in facts.functions.iter().enumerate() {
            let of_type = &facts.types[*index as usize];
            if of_type.params().is_empty() && of_type.results().is_empty() {
                facts.plain_type = Some(*index);
                facts.callable.push(u32::try_from(function).expect("few functions"));
            }
        }
        let Facts { plain_exports, callable, .. } = &mut facts;
        plain_exports.retain(|function| callable.contains(function));
        facts
    }

    /// Whether a branch to a block carries nothing.
    fn carries_nothing(&self, block: wasmparser::BlockType, is_loop: bool) -> bool {
        match block {
            wasmparser::BlockType::Empty => true,
            wasmparser::BlockType::Type(_) => is_loop,
            wasmparser::BlockType::FuncType(index) => {
                let of_type = &self.types[index as usize];
                if is_loop { of_type.params().is_empty() } else { of_type.results().is_empty() }
            }
        }
    }
}

struct Mutation<'r> {
    random: &'r mut Random,
    facts: Facts,
    /// Bodies seen so far.
    defined: usize,
}

impl Reencode for Mutation<'_> {
    type Error = std::convert::Infallible;

    fn parse_function_body(
        &mut self,
        section: &mut CodeSection,
        body: wasmparser::FunctionBody<'_>,
    ) -> Result<(), Reencoding<Self::Error>> {
        let of_type = self.facts.functions[self.facts.imported + self.defined];
        let params = self.facts.types[of_type as usize].params().len();
        let (mut function, scratch) = self.with_scratch_locals(&body, params)?;
        self.defined += 1;
        // For each open block, whether a branch to it carries nothing.
        let mut labels = vec![self.facts.types[of_type as usize].results().is_empty()];
        let operators: Vec<Operator<'_>> = body.get_operators_reader()?.into_iter().collect::<Result<_, _>>()?;
        let count = operators.len() as u64;
        let insertions = self.random.next_number() % (INSERTIONS_MAX + 1);
        let mut places: Vec<u64> = (0..insertions).map(|_| self.random.next_number() % count).collect();
        // The very beginning is always executed, if the function is.
        places.push(0);
        for (at, operator) in operators.into_iter().enumerate() {
            for _ in places.iter().filter(|place| **place == at as u64) {
                let mut piece =
                    Piece { random: self.random, facts: &self.facts, labels: labels.clone(), scratch, out: Vec::new() };
                piece.sequence(3);
                for instruction in &piece.out {
                    function.instruction(instruction);
                }
            }
            match &operator {
                Operator::Block { blockty } | Operator::If { blockty } => {
                    labels.push(self.facts.carries_nothing(*blockty, false));
                }
                Operator::Loop { blockty } => labels.push(self.facts.carries_nothing(*blockty, true)),
                Operator::End => drop(labels.pop()),
                _ => {}
            }
            function.instruction(&self.instruction(operator)?);
        }
        section.function(&function);
        Ok(())
    }
}

impl Mutation<'_> {
    /// The function with its own locals and some more, and the index of the first of those.
    fn with_scratch_locals(
        &mut self,
        body: &wasmparser::FunctionBody<'_>,
        params: usize,
    ) -> Result<(wasm_encoder::Function, u32), Reencoding<std::convert::Infallible>> {
        let mut scratch = u32::try_from(params).expect("few parameters");
        let mut locals = Vec::new();
        for group in body.get_locals_reader()? {
            let (count, of_type) = group?;
            scratch += count;
            locals.push((count, self.val_type(of_type)?));
        }
        locals.extend(arithmetic::SCRATCH.map(|of_type| (arithmetic::SCRATCH_EACH, of_type)));
        Ok((wasm_encoder::Function::new(locals), scratch))
    }
}

/// A piece of code under construction.
struct Piece<'r> {
    random: &'r mut Random,
    facts: &'r Facts,
    labels: Vec<bool>,
    /// The first of the locals that only inserted code uses.
    scratch: u32,
    out: Vec<Instruction<'static>>,
}

impl Piece<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_number() % bound as u64).expect("below a length")
    }

    /// A number of i32 to use as a count or constant.
    fn constant(&mut self, below: u64) {
        let value = i32::try_from(self.random.next_number() % below).expect("small");
        self.out.push(Instruction::I32Const(value));
    }

    fn bit(&mut self) {
        self.out.push(Instruction::Call(BIT));
    }

    /// Some statements, nested at most so deep.
    fn sequence(&mut self, depth: u32) {
        for _ in 0..=self.below(3) {
            if self.out.len() > PIECE_MAX as usize {
                return;
            }
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: u32) {
        match self.below(if depth > 0 { 18 } else { 10 }) {
            0 | 1 => self.out.push(Instruction::Call(PROBE)),
            2 => {
                self.constant(1000);
                self.out.push(Instruction::Drop);
            }
            3 => self.branch_if(),
            4 => self.call(),
            5 => self.bulk(),
            6 => self.out.push(Instruction::Nop),
            7 => self.leave(),
            8 | 9 if self.facts.has_memory && self.below(12) == 0 => {
                arithmetic::store_itself(self.random, self.scratch, &mut self.out);
            }
            8 | 9 if self.facts.has_memory => arithmetic::compute(self.random, self.scratch, &mut self.out),
            8 | 9 => {}
            10 | 11 => self.nested(depth, Instruction::Block(BlockType::Empty)),
            12..=14 => self.turns(depth),
            15 => self.branch_table(depth),
            _ => self.choice(depth),
        }
    }

    fn nested(&mut self, depth: u32, head: Instruction<'static>) {
        self.out.push(head);
        self.labels.push(true);
        self.sequence(depth - 1);
        self.labels.pop();
        self.out.push(Instruction::End);
    }

    /// A loop that the host may repeat.
    fn turns(&mut self, depth: u32) {
        self.out.push(Instruction::Loop(BlockType::Empty));
        self.labels.push(true);
        self.sequence(depth - 1);
        if self.below(4) > 0 {
            self.bit();
            self.out.push(Instruction::BrIf(0));
        }
        if self.below(3) == 0 {
            self.sequence(depth - 1);
        }
        self.labels.pop();
        self.out.push(Instruction::End);
    }

    fn choice(&mut self, depth: u32) {
        self.bit();
        self.out.push(Instruction::If(BlockType::Empty));
        self.labels.push(true);
        self.sequence(depth - 1);
        if self.below(2) == 0 {
            self.out.push(Instruction::Else);
            self.sequence(depth - 1);
        }
        self.labels.pop();
        self.out.push(Instruction::End);
    }

    /// A block that a branch can go to without carrying anything.
    fn target(&mut self) -> Option<u32> {
        let depths: Vec<usize> =
            (0..self.labels.len()).filter(|depth| self.labels[self.labels.len() - 1 - depth]).collect();
        if depths.is_empty() {
            return None;
        }
        let choice = self.below(depths.len());
        u32::try_from(depths[choice]).ok()
    }

    fn branch_if(&mut self) {
        if let Some(target) = self.target() {
            self.bit();
            self.out.push(Instruction::BrIf(target));
        }
    }

    /// A table inside a block of its own, so that what follows can be reached.
    fn branch_table(&mut self, depth: u32) {
        self.out.push(Instruction::Block(BlockType::Empty));
        self.labels.push(true);
        self.sequence(depth - 1);
        let targets: Vec<u32> = (0..self.below(4)).filter_map(|_| self.target()).collect();
        self.bit();
        self.out.push(Instruction::BrTable(targets.into(), 0));
        self.labels.pop();
        self.out.push(Instruction::End);
    }

    fn call(&mut self) {
        if self.facts.has_table && self.below(3) == 0 {
            return self.call_indirect();
        }
        if !self.facts.callable.is_empty() {
            let choice = self.below(self.facts.callable.len());
            self.out.push(Instruction::Call(self.facts.callable[choice]));
        }
    }

    /// Through the first table, into which a function may have been put just before.
    fn call_indirect(&mut self) {
        let Some(of_type) = self.facts.plain_type else { return };
        let at = Instruction::I32Const(i32::try_from(self.below(4)).expect("small"));
        if !self.facts.plain_exports.is_empty() && self.below(3) > 0 {
            let choice = self.below(self.facts.plain_exports.len());
            let function = Instruction::RefFunc(self.facts.plain_exports[choice]);
            self.out.extend([at.clone(), function, Instruction::TableSet(0)]);
        }
        self.out.extend([at, Instruction::CallIndirect { type_index: of_type, table_index: 0 }]);
    }

    /// Growing and bulk work, sometimes more than there is.
    fn bulk(&mut self) {
        if self.facts.has_table && self.below(2) == 0 {
            return self.bulk_table();
        }
        if !self.facts.has_memory {
            return;
        }
        let operator = match self.below(if self.facts.data > 0 { 5 } else { 3 }) {
            0 => {
                self.constant(3);
                self.out.extend([Instruction::MemoryGrow(0), Instruction::Drop]);
                return;
            }
            1 => Instruction::MemoryFill(0),
            2 => Instruction::MemoryCopy { src_mem: 0, dst_mem: 0 },
            3 => {
                let segment = self.segment(self.facts.data);
                self.out.push(Instruction::DataDrop(segment));
                return;
            }
            _ => {
                let data_index = self.segment(self.facts.data);
                self.range(300, 3, 4);
                self.out.push(Instruction::MemoryInit { mem: 0, data_index });
                return;
            }
        };
        self.range(2000, 300, 500);
        self.out.push(operator);
    }

    fn bulk_table(&mut self) {
        match self.below(if self.facts.elements > 0 { 6 } else { 4 }) {
            0 => {
                self.out.push(Instruction::RefNull(wasm_encoder::HeapType::FUNC));
                self.constant(3);
                self.out.extend([Instruction::TableGrow(0), Instruction::Drop]);
            }
            1 => {
                self.constant(6);
                self.out.push(Instruction::RefNull(wasm_encoder::HeapType::FUNC));
                self.constant(4);
                self.out.push(Instruction::TableFill(0));
            }
            2 => {
                self.range(6, 6, 4);
                self.out.push(Instruction::TableCopy { src_table: 0, dst_table: 0 });
            }
            3 => {
                self.constant(5);
                self.constant(5);
                self.out.extend([Instruction::TableGet(0), Instruction::TableSet(0)]);
            }
            4 => {
                let segment = self.segment(self.facts.elements);
                self.out.push(Instruction::ElemDrop(segment));
            }
            _ => {
                let elem_index = self.segment(self.facts.elements);
                self.range(5, 2, 3);
                self.out.push(Instruction::TableInit { elem_index, table: 0 });
            }
        }
    }

    fn segment(&mut self, count: u32) -> u32 {
        u32::try_from(self.below(count as usize)).expect("few segments")
    }

    /// Three operands, each below its bound; seldom the count is far too large.
    fn range(&mut self, to: u64, from: u64, count: u64) {
        self.constant(to);
        self.constant(from);
        if self.below(40) == 0 {
            self.out.push(Instruction::I32Const(-1));
        } else {
            self.constant(count);
        }
    }

    /// Leaves a block, the function or everything, if the host wants it.
    fn leave(&mut self) {
        self.bit();
        self.out.push(Instruction::If(BlockType::Empty));
        self.labels.push(true);
        match (self.below(4), self.target()) {
            (0, _) => self.out.push(Instruction::Unreachable),
            (1, _) if self.labels[0] => self.out.push(Instruction::Return),
            (_, Some(target)) => self.out.push(Instruction::Br(target)),
            (_, None) => {}
        }
        self.labels.pop();
        self.out.push(Instruction::End);
    }
}
