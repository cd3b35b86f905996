//! The price of each operator. An operator that is not listed here has no price and is refused, never free.

use wasmparser::Operator;

use crate::schedule::Schedule;

/// The static price of `operator`, or `None` for one that this version does not know.
///
/// Bulk operators and the growing of memories and tables cost their price per unit besides.
// Long on purpose: a table over the operators.
#[inline(always)]
pub(crate) fn price(schedule: &Schedule, operator: &Operator<'_>) -> Option<u64> {
    use Operator::*;
    Some(match operator {
        // Structure does nothing of its own.
        Block { .. } | Else | End => 0,
        Loop { .. } => schedule.op_loop,
        If { .. } => schedule.op_if,
        Br { .. } | Return | Unreachable => schedule.op_br,
        BrIf { .. } => schedule.op_br_if,
        BrTable { .. } => schedule.op_br_table,
        Call { .. } => schedule.op_call,
        CallIndirect { .. } => schedule.op_call_indirect,
        Nop | Drop => schedule.op_drop,
        Select | TypedSelect { .. } => schedule.op_select,
        LocalGet { .. } | LocalSet { .. } | LocalTee { .. } => schedule.op_local,
        GlobalGet { .. } | GlobalSet { .. } => schedule.op_global,
        I32Const { .. } | I64Const { .. } | F32Const { .. } | F64Const { .. } => schedule.op_const,
        I32Load { .. }
        | I64Load { .. }
        | F32Load { .. }
        | F64Load { .. }
        | I32Load8S { .. }
        | I32Load8U { .. }
        | I32Load16S { .. }
        | I32Load16U { .. }
        | I64Load8S { .. }
        | I64Load8U { .. }
        | I64Load16S { .. }
        | I64Load16U { .. }
        | I64Load32S { .. }
        | I64Load32U { .. } => schedule.op_load,
        I32Store { .. }
        | I64Store { .. }
        | F32Store { .. }
        | F64Store { .. }
        | I32Store8 { .. }
        | I32Store16 { .. }
        | I64Store8 { .. }
        | I64Store16 { .. }
        | I64Store32 { .. } => schedule.op_store,
        MemorySize { .. } | TableSize { .. } => schedule.op_memory_size,
        MemoryGrow { .. } | TableGrow { .. } => schedule.op_grow,
        MemoryInit { .. } | MemoryCopy { .. } | MemoryFill { .. } => schedule.op_bulk,
        TableInit { .. } | TableCopy { .. } | TableFill { .. } => schedule.op_bulk,
        DataDrop { .. } | ElemDrop { .. } => schedule.op_segment_drop,
        RefNull { .. } | RefIsNull | RefFunc { .. } => schedule.op_ref,
        TableGet { .. } | TableSet { .. } => schedule.op_table_access,
        I32Eqz | I32Eq | I32Ne | I32LtS | I32LtU | I32GtS | I32GtU | I32LeS | I32LeU | I32GeS | I32GeU => {
            schedule.op_simple
        }
        I64Eqz | I64Eq | I64Ne | I64LtS | I64LtU | I64GtS | I64GtU | I64LeS | I64LeU | I64GeS | I64GeU => {
            schedule.op_simple
        }
        I32Clz | I32Ctz | I32Popcnt | I32Add | I32Sub | I32And | I32Or | I32Xor => schedule.op_simple,
        I32Shl | I32ShrS | I32ShrU | I32Rotl | I32Rotr => schedule.op_simple,
        I64Clz | I64Ctz | I64Popcnt | I64Add | I64Sub | I64And | I64Or | I64Xor => schedule.op_simple,
        I64Shl | I64ShrS | I64ShrU | I64Rotl | I64Rotr => schedule.op_simple,
        I32Mul | I64Mul => schedule.op_mul,
        I32DivS | I32DivU | I32RemS | I32RemU | I64DivS | I64DivU | I64RemS | I64RemU => schedule.op_div,
        I32WrapI64 | I64ExtendI32S | I64ExtendI32U | I32Extend8S | I32Extend16S => schedule.op_conversion,
        I64Extend8S | I64Extend16S | I64Extend32S => schedule.op_conversion,
        I32ReinterpretF32 | I64ReinterpretF64 | F32ReinterpretI32 | F64ReinterpretI64 => schedule.op_conversion,
        F32Eq | F32Ne | F32Lt | F32Gt | F32Le | F32Ge | F32Abs | F32Neg | F32Copysign => schedule.op_float_simple,
        F64Eq | F64Ne | F64Lt | F64Gt | F64Le | F64Ge | F64Abs | F64Neg | F64Copysign => schedule.op_float_simple,
        F32Ceil | F32Floor | F32Trunc | F32Nearest | F32Add | F32Sub | F32Mul | F32Min | F32Max | F32DemoteF64 => {
            schedule.op_float_arithmetic
        }
        F64Ceil | F64Floor | F64Trunc | F64Nearest | F64Add | F64Sub | F64Mul | F64Min | F64Max | F64PromoteF32 => {
            schedule.op_float_arithmetic
        }
        F32Sqrt | F32Div | F64Sqrt | F64Div => schedule.op_float_div,
        I32TruncF32S | I32TruncF32U | I32TruncF64S | I32TruncF64U | I64TruncF32S | I64TruncF32U | I64TruncF64S
        | I64TruncF64U | I32TruncSatF32S | I32TruncSatF32U | I32TruncSatF64S | I32TruncSatF64U | I64TruncSatF32S
        | I64TruncSatF32U | I64TruncSatF64S | I64TruncSatF64U | F32ConvertI32S | F32ConvertI32U | F32ConvertI64S
        | F32ConvertI64U | F64ConvertI32S | F64ConvertI32U | F64ConvertI64S | F64ConvertI64U => {
            schedule.op_float_conversion
        }
        _ => return None,
    })
}

/// Whether an operator takes or makes a float, by its name.
///
/// The validator's own switch for floats leaves those alone that turn a float into an integer: they need a float operand,
/// but not in code that cannot run.
pub(crate) const fn is_float(name: &str) -> bool {
    let mut letters = name.as_bytes();
    while let [_, rest @ ..] = letters {
        if let [b'F', b'3', b'2', ..] | [b'F', b'6', b'4', ..] = letters {
            return true;
        }
        letters = rest;
    }
    false
}

/// The price per unit of a bulk operator, whose topmost operand is the number of units.
pub(crate) fn price_per_unit(schedule: &Schedule, operator: &Operator<'_>) -> Option<u64> {
    use Operator::*;
    Some(match operator {
        MemoryInit { .. } | MemoryCopy { .. } | MemoryFill { .. } => schedule.bulk_memory_byte,
        TableInit { .. } | TableCopy { .. } | TableFill { .. } => schedule.bulk_table_element,
        _ => return None,
    })
}

/// A float width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    F32,
    F64,
}

/// The width of the result of an operator that may make a NaN; operators that pass bits on are not among them.
#[inline(always)]
pub(crate) fn makes_nan(operator: &Operator<'_>) -> Option<Width> {
    use Operator::*;
    match operator {
        F32Ceil | F32Floor | F32Trunc | F32Nearest | F32Sqrt | F32Add | F32Sub | F32Mul | F32Div | F32Min | F32Max
        | F32DemoteF64 => Some(Width::F32),
        F64Ceil | F64Floor | F64Trunc | F64Nearest | F64Sqrt | F64Add | F64Sub | F64Mul | F64Div | F64Min | F64Max
        | F64PromoteF32 => Some(Width::F64),
        _ => None,
    }
}
