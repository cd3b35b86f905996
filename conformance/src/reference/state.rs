//! Memories, tables, globals and segments, and the operators that move data between them.

use super::Trap;
use super::module::Size;
use super::operators::Kind;
use super::value::{Operands, Value};
use std::rc::Rc;
use wasmparser::{ConstExpr, MemArg, Operator};

/// Bytes of a page.
const PAGE: usize = 64 << 10;

/// A memory. Copies share the bytes until one of them writes.
#[derive(Clone)]
pub(super) struct Memory {
    bytes: Rc<Vec<u8>>,
    most: u32,
}

/// A table of functions, by their numbers in the store.
#[derive(Clone)]
pub(super) struct Table {
    pub elements: Vec<Option<u32>>,
    most: u32,
}

/// All that running code can change, of all instances of a store.
#[derive(Clone, Default)]
pub(super) struct State {
    memories: Vec<Memory>,
    pub tables: Vec<Table>,
    pub globals: Vec<Value>,
    pub data: Vec<Vec<u8>>,
    pub elements: Vec<Vec<Option<u32>>>,
}

/// Where in the store is what a module names by index.
#[derive(Clone, Default)]
pub(super) struct Places {
    pub functions: Vec<u32>,
    pub tables: Vec<usize>,
    pub memory: Option<usize>,
    pub globals: Vec<usize>,
    pub data: Vec<usize>,
    pub elements: Vec<usize>,
}

impl Places {
    fn memory(&self) -> usize {
        self.memory.expect("admitted code has the memory that it accesses")
    }
}

/// Adds a thing to a list; its place comes back.
pub(super) fn put<T>(list: &mut Vec<T>, thing: T) -> usize {
    list.push(thing);
    list.len() - 1
}

impl State {
    pub fn add_memory(&mut self, size: Size) -> usize {
        let bytes = Rc::new(vec![0; size.least as usize * PAGE]);
        put(&mut self.memories, Memory { bytes, most: size.most })
    }

    pub fn add_table(&mut self, size: Size) -> usize {
        put(&mut self.tables, Table { elements: vec![None; size.least as usize], most: size.most })
    }

    /// The bytes of a memory.
    pub fn memory(&self, place: usize) -> &[u8] {
        &self.memories[place].bytes
    }

    pub fn memory_mut(&mut self, place: usize) -> &mut Vec<u8> {
        Rc::make_mut(&mut self.memories[place].bytes)
    }

    /// The value of a constant expression, extended ones included.
    pub fn evaluate(&self, at: &Places, constant: &ConstExpr<'_>) -> Value {
        let mut stack = Operands::default();
        for operator in constant.get_operators_reader() {
            let operator = operator.expect("an operator");
            let kind = Kind::of(&operator).unwrap_or_else(|| panic!("{operator:?} is not constant"));
            match operator {
                Operator::End => {}
                Operator::I32Const { value } => stack.push_i32(value.cast_unsigned()),
                Operator::I64Const { value } => stack.push_i64(value.cast_unsigned()),
                Operator::F32Const { value } => stack.push(Value::F32(value.bits())),
                Operator::F64Const { value } => stack.push(Value::F64(value.bits())),
                Operator::GlobalGet { global_index } => stack.push(self.globals[at.globals[global_index as usize]]),
                Operator::RefNull { .. } => stack.push(Value::Function(None)),
                Operator::RefFunc { function_index } => {
                    stack.push(Value::Function(Some(at.functions[function_index as usize])));
                }
                _ => super::integers::execute(kind, &mut stack)
                    .unwrap_or_else(|| panic!("{operator:?} is not constant"))
                    .expect("constant operators do not trap"),
            }
        }
        stack.pop()
    }

    /// Copies a part of a data segment, named by its place.
    pub fn memory_init(&mut self, memory: usize, data: usize, range: Range) -> Result<(), Trap> {
        let Range { to, from, count } = range;
        let source = self.data[data].get(from..from + count).ok_or(Trap::MemoryOutOfBounds)?;
        // Found before the memory is written, or copies of the store would part for nothing.
        if to + count > self.memories[memory].bytes.len() {
            return Err(Trap::MemoryOutOfBounds);
        }
        Rc::make_mut(&mut self.memories[memory].bytes)[to..to + count].copy_from_slice(source);
        Ok(())
    }

    /// Copies a part of an element segment, named by its place.
    pub fn table_init(&mut self, table: usize, elements: usize, range: Range) -> Result<(), Trap> {
        let Range { to, from, count } = range;
        let source = self.elements[elements].get(from..from + count).ok_or(Trap::TableOutOfBounds)?;
        let target = self.tables[table].elements.get_mut(to..to + count).ok_or(Trap::TableOutOfBounds)?;
        target.copy_from_slice(source);
        Ok(())
    }

    /// Pages of a memory.
    pub fn pages(&self, memory: usize) -> u32 {
        u32::try_from(self.memory(memory).len() / PAGE).expect("within 32 bits")
    }

    /// Whether a memory has no room for one page more.
    pub fn is_full(&self, memory: usize) -> bool {
        self.pages(memory) >= self.memories[memory].most
    }

    /// `memory.grow`: the pages before, or −1 beyond the maximum.
    fn memory_grow(&mut self, memory: usize, by: u32) -> u32 {
        let most = self.memories[memory].most;
        let before = self.pages(memory);
        match before.checked_add(by).filter(|pages| *pages <= most) {
            Some(pages) => {
                self.memory_mut(memory).resize(pages as usize * PAGE, 0);
                before
            }
            None => u32::MAX,
        }
    }

    /// `table.grow`: the elements before, or −1 beyond the maximum.
    fn table_grow(&mut self, table: usize, by: u32, value: Option<u32>) -> u32 {
        let Table { elements, most } = &mut self.tables[table];
        let before = u32::try_from(elements.len()).expect("within 32 bits");
        match before.checked_add(by).filter(|elements| *elements <= *most) {
            Some(after) => {
                elements.resize(after as usize, value);
                before
            }
            None => u32::MAX,
        }
    }

    /// Executes an operator on memory, tables, globals, segments or references; `None` when it is none.
    // Long on purpose: one arm an operator.
    pub fn execute(&mut self, at: &Places, operator: &Operator<'_>, stack: &mut Operands) -> Option<Result<(), Trap>> {
        let result = match operator {
            Operator::TableSize { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::ElemDrop { .. }
            | Operator::TableGet { .. }
            | Operator::TableSet { .. } => return Some(self.execute_on_table(at, operator, stack)),
            Operator::GlobalGet { global_index } => {
                stack.push(self.globals[at.globals[*global_index as usize]]);
                Ok(())
            }
            Operator::GlobalSet { global_index } => {
                self.globals[at.globals[*global_index as usize]] = stack.pop();
                Ok(())
            }
            Operator::MemorySize { .. } => {
                stack.push_i32(self.pages(at.memory()));
                Ok(())
            }
            Operator::MemoryGrow { .. } => {
                let by = stack.pop_i32();
                stack.push_i32(self.memory_grow(at.memory(), by));
                Ok(())
            }
            Operator::MemoryFill { .. } => {
                let (count, value, to) = (stack.pop_i32(), stack.pop_i32().to_le_bytes()[0], stack.pop_i32());
                let (count, to) = (count as usize, to as usize);
                self.write(at.memory(), to, count).map(|target| target.fill(value))
            }
            Operator::MemoryCopy { .. } => {
                let Range { count, from, to } = Range::pop(stack);
                let memory = at.memory();
                if from.max(to) + count > self.memory(memory).len() {
                    return Some(Err(Trap::MemoryOutOfBounds));
                }
                self.memory_mut(memory).copy_within(from..from + count, to);
                Ok(())
            }
            Operator::MemoryInit { data_index, .. } => {
                self.memory_init(at.memory(), at.data[*data_index as usize], Range::pop(stack))
            }
            Operator::DataDrop { data_index } => {
                self.data[at.data[*data_index as usize]].clear();
                Ok(())
            }
            Operator::RefNull { .. } => {
                stack.push(Value::Function(None));
                Ok(())
            }
            Operator::RefIsNull => {
                let function = stack.pop_function();
                stack.push_truth(function.is_none());
                Ok(())
            }
            Operator::RefFunc { function_index } => {
                stack.push(Value::Function(Some(at.functions[*function_index as usize])));
                Ok(())
            }
            _ => return None,
        };
        Some(result)
    }

    fn execute_on_table(&mut self, at: &Places, operator: &Operator<'_>, stack: &mut Operands) -> Result<(), Trap> {
        let place = |table: &u32| at.tables[*table as usize];
        match operator {
            Operator::TableSize { table } => {
                let elements = &self.tables[place(table)].elements;
                stack.push_i32(u32::try_from(elements.len()).expect("within 32 bits"));
            }
            Operator::TableGrow { table } => {
                let (by, value) = (stack.pop_i32(), stack.pop_function());
                stack.push_i32(self.table_grow(place(table), by, value));
            }
            Operator::TableFill { table } => {
                let (count, value, to) = (stack.pop_i32() as usize, stack.pop_function(), stack.pop_i32() as usize);
                let elements = &mut self.tables[place(table)].elements;
                elements.get_mut(to..to + count).ok_or(Trap::TableOutOfBounds)?.fill(value);
            }
            Operator::TableCopy { dst_table, src_table } => {
                let Range { count, from, to } = Range::pop(stack);
                let source = &self.tables[place(src_table)].elements;
                let source = source.get(from..from + count).ok_or(Trap::TableOutOfBounds)?.to_vec();
                let target = &mut self.tables[place(dst_table)].elements;
                target.get_mut(to..to + count).ok_or(Trap::TableOutOfBounds)?.copy_from_slice(&source);
            }
            Operator::TableInit { elem_index, table } => {
                return self.table_init(place(table), at.elements[*elem_index as usize], Range::pop(stack));
            }
            Operator::ElemDrop { elem_index } => self.elements[at.elements[*elem_index as usize]].clear(),
            Operator::TableGet { table } => {
                let index = stack.pop_i32() as usize;
                let element = self.tables[place(table)].elements.get(index).ok_or(Trap::TableOutOfBounds)?;
                stack.push(Value::Function(*element));
            }
            Operator::TableSet { table } => {
                let (value, index) = (stack.pop_function(), stack.pop_i32() as usize);
                let element = self.tables[place(table)].elements.get_mut(index).ok_or(Trap::TableOutOfBounds)?;
                *element = value;
            }
            other => panic!("{other:?} is not about tables"),
        }
        Ok(())
    }

    /// Executes a load or a store; `None` when it is none.
    pub fn access(
        &mut self,
        at: &Places,
        operator: &Operator<'_>,
        kind: Kind,
        stack: &mut Operands,
    ) -> Option<Result<(), Trap>> {
        let access = Access::of(operator, kind)?;
        let memory = at.memory();
        Some(if access.stores { self.store(memory, &access, stack) } else { self.load(memory, &access, stack) })
    }

    /// The bytes to write to, found inside before the memory is taken for writing.
    fn write(&mut self, memory: usize, to: usize, count: usize) -> Result<&mut [u8], Trap> {
        if to + count > self.memory(memory).len() {
            return Err(Trap::MemoryOutOfBounds);
        }
        Ok(&mut self.memory_mut(memory)[to..to + count])
    }

    fn load(&self, memory: usize, access: &Access, stack: &mut Operands) -> Result<(), Trap> {
        let at = access.address(stack.pop_i32())?;
        let bytes = self.memory(memory).get(at..at + access.bytes).ok_or(Trap::MemoryOutOfBounds)?;
        // Sign or zero extended to 8 bytes.
        let top = if access.signed && bytes[access.bytes - 1] >= 0x80 { 0xff } else { 0 };
        let mut whole = [top; 8];
        whole[..access.bytes].copy_from_slice(bytes);
        let [b0, b1, b2, b3, ..] = whole;
        let half = u32::from_le_bytes([b0, b1, b2, b3]);
        stack.push(match access.of_type {
            Value::I32(_) => Value::I32(half),
            Value::F32(_) => Value::F32(half),
            Value::F64(_) => Value::F64(u64::from_le_bytes(whole)),
            _ => Value::I64(u64::from_le_bytes(whole)),
        });
        Ok(())
    }

    fn store(&mut self, memory: usize, access: &Access, stack: &mut Operands) -> Result<(), Trap> {
        let whole = match stack.pop() {
            Value::I32(value) | Value::F32(value) => u64::from(value),
            Value::I64(value) | Value::F64(value) => value,
            Value::Function(_) => panic!("a reference is not stored"),
        };
        let at = access.address(stack.pop_i32())?;
        let target = self.write(memory, at, access.bytes)?;
        target.copy_from_slice(&whole.to_le_bytes()[..access.bytes]);
        Ok(())
    }
}

/// What a copying operator copies.
pub(super) struct Range {
    pub to: usize,
    pub from: usize,
    pub count: usize,
}

impl Range {
    /// Three operands, the count topmost.
    fn pop(stack: &mut Operands) -> Range {
        let (count, from, to) = (stack.pop_i32() as usize, stack.pop_i32() as usize, stack.pop_i32() as usize);
        Range { to, from, count }
    }
}

/// A load or store.
struct Access {
    stores: bool,
    /// The type of the operand; its value means nothing.
    of_type: Value,
    bytes: usize,
    signed: bool,
    offset: u64,
}

impl Access {
    fn of(operator: &Operator<'_>, kind: Kind) -> Option<Access> {
        let (i32, i64, f32, f64) = (Value::I32(0), Value::I64(0), Value::F32(0), Value::F64(0));
        let (of_type, bytes, signed) = match kind {
            Kind::I32Load | Kind::I32Store => (i32, 4, false),
            Kind::I64Load | Kind::I64Store => (i64, 8, false),
            Kind::F32Load | Kind::F32Store => (f32, 4, false),
            Kind::F64Load | Kind::F64Store => (f64, 8, false),
            Kind::I32Load8S => (i32, 1, true),
            Kind::I32Load8U | Kind::I32Store8 => (i32, 1, false),
            Kind::I32Load16S => (i32, 2, true),
            Kind::I32Load16U | Kind::I32Store16 => (i32, 2, false),
            Kind::I64Load8S => (i64, 1, true),
            Kind::I64Load8U | Kind::I64Store8 => (i64, 1, false),
            Kind::I64Load16S => (i64, 2, true),
            Kind::I64Load16U | Kind::I64Store16 => (i64, 2, false),
            Kind::I64Load32S => (i64, 4, true),
            Kind::I64Load32U | Kind::I64Store32 => (i64, 4, false),
            _ => return None,
        };
        let stores = kind.row().pops == 2;
        Some(Access { stores, of_type, bytes, signed, offset: argument(operator).offset })
    }

    /// Address and offset are added without wrapping.
    fn address(&self, base: u32) -> Result<usize, Trap> {
        usize::try_from(u64::from(base) + self.offset).map_err(|_| Trap::MemoryOutOfBounds)
    }
}

fn argument(operator: &Operator<'_>) -> MemArg {
    use Operator::*;
    match operator {
        I32Load { memarg }
        | I64Load { memarg }
        | F32Load { memarg }
        | F64Load { memarg }
        | I32Load8S { memarg }
        | I32Load8U { memarg }
        | I32Load16S { memarg }
        | I32Load16U { memarg }
        | I64Load8S { memarg }
        | I64Load8U { memarg }
        | I64Load16S { memarg }
        | I64Load16U { memarg }
        | I64Load32S { memarg }
        | I64Load32U { memarg }
        | I32Store { memarg }
        | I64Store { memarg }
        | F32Store { memarg }
        | F64Store { memarg }
        | I32Store8 { memarg }
        | I32Store16 { memarg }
        | I64Store8 { memarg }
        | I64Store16 { memarg }
        | I64Store32 { memarg } => *memarg,
        other => panic!("{other:?} does not access memory"),
    }
}
