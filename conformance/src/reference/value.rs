//! Values, and how they lie on the operand stack.

use wasmparser::ValType;

/// A value. Floats are kept as bits, so that nothing but arithmetic can change them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// 32-bit integer.
    I32(u32),
    /// 64-bit integer.
    I64(u64),
    /// Bits of a 32-bit float.
    F32(u32),
    /// Bits of a 64-bit float.
    F64(u64),
    /// The number of a function in the module, or null.
    Function(Option<u32>),
}

impl Value {
    /// The same with any function for a function: an executor tells whether a reference is null, not which function it is.
    pub(super) fn without_identity(self) -> Value {
        match self {
            Value::Function(Some(_)) => Value::Function(Some(0)),
            other => other,
        }
    }

    /// What a local or global of this type begins with.
    pub(super) fn zero(of_type: ValType) -> Value {
        match of_type {
            ValType::I32 => Value::I32(0),
            ValType::I64 => Value::I64(0),
            ValType::F32 => Value::F32(0),
            ValType::F64 => Value::F64(0),
            ValType::Ref(_) => Value::Function(None),
            ValType::V128 => panic!("vectors are not admitted"),
        }
    }
}

/// The operand stack. Popping what is not there, or is of another type, is a bug of the meter.
#[derive(Default)]
pub(super) struct Operands(pub Vec<Value>);

impl Operands {
    pub fn push(&mut self, value: Value) {
        self.0.push(value);
    }

    pub fn push_i32(&mut self, value: u32) {
        self.push(Value::I32(value));
    }

    pub fn push_i64(&mut self, value: u64) {
        self.push(Value::I64(value));
    }

    pub fn push_truth(&mut self, value: bool) {
        self.push_i32(u32::from(value));
    }

    pub fn pop(&mut self) -> Value {
        self.0.pop().expect("an operand")
    }

    pub fn pop_i32(&mut self) -> u32 {
        match self.pop() {
            Value::I32(value) => value,
            other => panic!("an i32, not {other:?}"),
        }
    }

    pub fn pop_i64(&mut self) -> u64 {
        match self.pop() {
            Value::I64(value) => value,
            other => panic!("an i64, not {other:?}"),
        }
    }

    pub fn pop_f32(&mut self) -> u32 {
        match self.pop() {
            Value::F32(bits) => bits,
            other => panic!("an f32, not {other:?}"),
        }
    }

    pub fn pop_f64(&mut self) -> u64 {
        match self.pop() {
            Value::F64(bits) => bits,
            other => panic!("an f64, not {other:?}"),
        }
    }

    pub fn pop_function(&mut self) -> Option<u32> {
        match self.pop() {
            Value::Function(function) => function,
            other => panic!("a reference, not {other:?}"),
        }
    }

    /// The topmost `count` operands, the topmost last.
    pub fn pop_many(&mut self, count: usize) -> Vec<Value> {
        let from = self.0.len().checked_sub(count).expect("so many operands");
        self.0.split_off(from)
    }
}
