//! Memory, tables, globals and segments of a running module, and the operators that move data between them.

use super::Trap;
use super::module::{Item, Module, Place};
use super::operators::Kind;
use super::value::{Operands, Value};
use wasmparser::{ConstExpr, MemArg, Operator};

/// Bytes of a page.
const PAGE: usize = 64 << 10;

/// The mutable part of a module that runs.
pub(super) struct Instance {
    pub memory: Vec<u8>,
    pub tables: Vec<Vec<Option<u32>>>,
    pub globals: Vec<Value>,
    data: Vec<Vec<u8>>,
    elements: Vec<Vec<Option<u32>>>,
}

impl Instance {
    /// Makes the instance: globals, then active segments in order. A segment that was used at once is dropped.
    pub fn new(module: &Module<'_>) -> Self {
        let mut globals = Vec::new();
        for constant in &module.globals {
            let value = evaluate(constant, &globals);
            globals.push(value);
        }
        let pages = module.memory.map_or(0, |memory| memory.least as usize);
        let mut instance = Instance {
            memory: vec![0; pages * PAGE],
            tables: module.tables.iter().map(|table| vec![None; table.least as usize]).collect(),
            globals,
            data: module.data.iter().map(|segment| segment.items.clone()).collect(),
            elements: Vec::new(),
        };
        instance.fill_tables(module);
        instance.fill_memory(module);
        instance
    }

    fn fill_tables(&mut self, module: &Module<'_>) {
        for (index, segment) in module.elements.iter().enumerate() {
            let items = segment.items.iter().map(|item| match item {
                Item::Function(function) => Some(*function),
                Item::Constant(constant) => match evaluate(constant, &self.globals) {
                    Value::Function(function) => function,
                    other => panic!("a reference, not {other:?}"),
                },
            });
            let items = items.collect::<Vec<_>>();
            let count = items.len();
            self.elements.push(items);
            if let Place::Active { table, offset } = &segment.place {
                let to = self.offset(offset);
                self.table_init(*table, index, to, 0, count).expect("admission has looked at the range");
            }
            if !matches!(segment.place, Place::Passive) {
                self.elements[index].clear();
            }
        }
    }

    fn fill_memory(&mut self, module: &Module<'_>) {
        for (index, segment) in module.data.iter().enumerate() {
            if let Place::Active { offset, .. } = &segment.place {
                let to = self.offset(offset);
                self.memory_init(index, to, 0, segment.items.len()).expect("admission has looked at the range");
                self.data[index].clear();
            }
        }
    }

    fn offset(&self, constant: &ConstExpr<'_>) -> usize {
        match evaluate(constant, &self.globals) {
            Value::I32(offset) => offset as usize,
            other => panic!("an offset, not {other:?}"),
        }
    }

    fn memory_init(&mut self, segment: usize, to: usize, from: usize, count: usize) -> Result<(), Trap> {
        let source = self.data[segment].get(from..from + count).ok_or(Trap::MemoryOutOfBounds)?;
        let target = self.memory.get_mut(to..to + count).ok_or(Trap::MemoryOutOfBounds)?;
        target.copy_from_slice(source);
        Ok(())
    }

    fn table_init(&mut self, table: usize, segment: usize, to: usize, from: usize, count: usize) -> Result<(), Trap> {
        let source = self.elements[segment].get(from..from + count).ok_or(Trap::TableOutOfBounds)?;
        let target = self.tables[table].get_mut(to..to + count).ok_or(Trap::TableOutOfBounds)?;
        target.copy_from_slice(source);
        Ok(())
    }

    /// Pages of the memory.
    fn pages(&self) -> u32 {
        u32::try_from(self.memory.len() / PAGE).expect("within 32 bits")
    }

    /// `memory.grow`: the pages before, or −1 beyond the maximum.
    fn memory_grow(&mut self, module: &Module<'_>, by: u32) -> u32 {
        let most = module.memory.map_or(0, |memory| memory.most);
        let before = self.pages();
        match before.checked_add(by).filter(|pages| *pages <= most) {
            Some(pages) => {
                self.memory.resize(pages as usize * PAGE, 0);
                before
            }
            None => u32::MAX,
        }
    }

    /// `table.grow`: the elements before, or −1 beyond the maximum.
    fn table_grow(&mut self, module: &Module<'_>, table: u32, by: u32, value: Option<u32>) -> u32 {
        let size = module.tables[table as usize];
        let elements = &mut self.tables[table as usize];
        let before = u32::try_from(elements.len()).expect("within 32 bits");
        match before.checked_add(by).filter(|elements| *elements <= size.most) {
            Some(after) => {
                elements.resize(after as usize, value);
                before
            }
            None => u32::MAX,
        }
    }

    /// Executes an operator on memory, tables, globals, segments or references; `None` when it is none.
    // Long on purpose: one arm an operator.
    pub fn execute(
        &mut self,
        module: &Module<'_>,
        operator: &Operator<'_>,
        stack: &mut Operands,
    ) -> Option<Result<(), Trap>> {
        match operator {
            Operator::GlobalGet { global_index } => stack.push(self.globals[*global_index as usize]),
            Operator::GlobalSet { global_index } => self.globals[*global_index as usize] = stack.pop(),
            Operator::MemorySize { .. } => stack.push_i32(self.pages()),
            Operator::MemoryGrow { .. } => {
                let by = stack.pop_i32();
                stack.push_i32(self.memory_grow(module, by));
            }
            Operator::MemoryFill { .. } => {
                let (count, value, to) = (stack.pop_i32(), stack.pop_i32().to_le_bytes()[0], stack.pop_i32());
                match self.memory.get_mut(to as usize..to as usize + count as usize) {
                    Some(target) => target.fill(value),
                    None => return Some(Err(Trap::MemoryOutOfBounds)),
                }
            }
            Operator::MemoryCopy { .. } => {
                let (count, from, to) = triple(stack);
                if from.max(to) + count > self.memory.len() {
                    return Some(Err(Trap::MemoryOutOfBounds));
                }
                self.memory.copy_within(from..from + count, to);
            }
            Operator::MemoryInit { data_index, .. } => {
                let (count, from, to) = triple(stack);
                return Some(self.memory_init(*data_index as usize, to, from, count));
            }
            Operator::DataDrop { data_index } => self.data[*data_index as usize].clear(),
            Operator::TableSize { table } => {
                stack.push_i32(u32::try_from(self.tables[*table as usize].len()).expect("within 32 bits"));
            }
            Operator::TableGrow { table } => {
                let (by, value) = (stack.pop_i32(), stack.pop_function());
                stack.push_i32(self.table_grow(module, *table, by, value));
            }
            Operator::TableFill { table } => {
                let (count, value, to) = (stack.pop_i32() as usize, stack.pop_function(), stack.pop_i32() as usize);
                match self.tables[*table as usize].get_mut(to..to + count) {
                    Some(target) => target.fill(value),
                    None => return Some(Err(Trap::TableOutOfBounds)),
                }
            }
            Operator::TableCopy { dst_table, src_table } => {
                let (count, from, to) = triple(stack);
                let Some(source) = self.tables[*src_table as usize].get(from..from + count) else {
                    return Some(Err(Trap::TableOutOfBounds));
                };
                let source = source.to_vec();
                match self.tables[*dst_table as usize].get_mut(to..to + count) {
                    Some(target) => target.copy_from_slice(&source),
                    None => return Some(Err(Trap::TableOutOfBounds)),
                }
            }
            Operator::TableInit { elem_index, table } => {
                let (count, from, to) = triple(stack);
                return Some(self.table_init(*table as usize, *elem_index as usize, to, from, count));
            }
            Operator::ElemDrop { elem_index } => self.elements[*elem_index as usize].clear(),
            Operator::TableGet { table } => {
                let at = stack.pop_i32();
                match self.tables[*table as usize].get(at as usize) {
                    Some(element) => stack.push(Value::Function(*element)),
                    None => return Some(Err(Trap::TableOutOfBounds)),
                }
            }
            Operator::TableSet { table } => {
                let (value, at) = (stack.pop_function(), stack.pop_i32());
                match self.tables[*table as usize].get_mut(at as usize) {
                    Some(element) => *element = value,
                    None => return Some(Err(Trap::TableOutOfBounds)),
                }
            }
            Operator::RefNull { .. } => stack.push(Value::Function(None)),
            Operator::RefIsNull => {
                let function = stack.pop_function();
                stack.push_truth(function.is_none());
            }
            Operator::RefFunc { function_index } => stack.push(Value::Function(Some(*function_index))),
            _ => return None,
        }
        Some(Ok(()))
    }

    /// Executes a load or a store; `None` when it is none.
    pub fn access(&mut self, operator: &Operator<'_>, kind: Kind, stack: &mut Operands) -> Option<Result<(), Trap>> {
        let access = Access::of(operator, kind)?;
        Some(if access.stores { self.store(&access, stack) } else { self.load(&access, stack) })
    }

    fn load(&self, access: &Access, stack: &mut Operands) -> Result<(), Trap> {
        let at = access.address(stack.pop_i32())?;
        let bytes = self.memory.get(at..at + access.bytes).ok_or(Trap::MemoryOutOfBounds)?;
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

    fn store(&mut self, access: &Access, stack: &mut Operands) -> Result<(), Trap> {
        let whole = match stack.pop() {
            Value::I32(value) | Value::F32(value) => u64::from(value),
            Value::I64(value) | Value::F64(value) => value,
            Value::Function(_) => panic!("a reference is not stored"),
        };
        let at = access.address(stack.pop_i32())?;
        let target = self.memory.get_mut(at..at + access.bytes).ok_or(Trap::MemoryOutOfBounds)?;
        target.copy_from_slice(&whole.to_le_bytes()[..access.bytes]);
        Ok(())
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

/// Count, source and target of a copying operator, the count topmost.
fn triple(stack: &mut Operands) -> (usize, usize, usize) {
    (stack.pop_i32() as usize, stack.pop_i32() as usize, stack.pop_i32() as usize)
}

/// The value of a constant expression, extended ones included.
fn evaluate(constant: &ConstExpr<'_>, globals: &[Value]) -> Value {
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
            Operator::GlobalGet { global_index } => stack.push(globals[global_index as usize]),
            Operator::RefNull { .. } => stack.push(Value::Function(None)),
            Operator::RefFunc { function_index } => stack.push(Value::Function(Some(function_index))),
            _ => super::integers::execute(kind, &mut stack)
                .unwrap_or_else(|| panic!("{operator:?} is not constant"))
                .expect("constant operators do not trap"),
        }
    }
    stack.pop()
}
