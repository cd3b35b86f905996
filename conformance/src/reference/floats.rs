//! Operators on floats, with the positive canonical NaN wherever arithmetic makes a NaN (docs/gas.md, section 5).
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_arithmetic,
    clippy::float_cmp,
    reason = "floats are what this module is about, and the conversions of Rust are those of Wasm where used"
)]

use super::Trap;
use super::operators::Kind;
use super::value::{Operands, Value};

/// The positive canonical NaNs.
const NAN_32: u32 = 0x7fc0_0000;
const NAN_64: u64 = 0x7ff8_0000_0000_0000;
const SIGN_32: u32 = 1 << 31;
const SIGN_64: u64 = 1 << 63;

/// Executes an operator with a float operand or result; `None` when it is none.
// Long on purpose: one line an operator.
pub(super) fn execute(kind: Kind, stack: &mut Operands, nans_as_made: bool) -> Option<Result<(), Trap>> {
    let canonical32 = |value: f32| if value.is_nan() && !nans_as_made { NAN_32 } else { value.to_bits() };
    let canonical64 = |value: f64| if value.is_nan() && !nans_as_made { NAN_64 } else { value.to_bits() };
    let unary32 = |stack: &mut Operands, operation: fn(f32) -> f32| {
        let a = f32::from_bits(stack.pop_f32());
        stack.push(Value::F32(canonical32(operation(a))));
    };
    let unary64 = |stack: &mut Operands, operation: fn(f64) -> f64| {
        let a = f64::from_bits(stack.pop_f64());
        stack.push(Value::F64(canonical64(operation(a))));
    };
    let binary32 = |stack: &mut Operands, operation: fn(f32, f32) -> f32| {
        let (b, a) = (f32::from_bits(stack.pop_f32()), f32::from_bits(stack.pop_f32()));
        stack.push(Value::F32(canonical32(operation(a, b))));
    };
    let binary64 = |stack: &mut Operands, operation: fn(f64, f64) -> f64| {
        let (b, a) = (f64::from_bits(stack.pop_f64()), f64::from_bits(stack.pop_f64()));
        stack.push(Value::F64(canonical64(operation(a, b))));
    };
    match kind {
        Kind::F32Ceil => unary32(stack, f32::ceil),
        Kind::F32Floor => unary32(stack, f32::floor),
        Kind::F32Trunc => unary32(stack, f32::trunc),
        Kind::F32Nearest => unary32(stack, f32::round_ties_even),
        Kind::F32Sqrt => unary32(stack, f32::sqrt),
        Kind::F32Add => binary32(stack, |a, b| a + b),
        Kind::F32Sub => binary32(stack, |a, b| a - b),
        Kind::F32Mul => binary32(stack, |a, b| a * b),
        Kind::F32Div => binary32(stack, |a, b| a / b),
        Kind::F32Min => binary32(stack, least32),
        Kind::F32Max => binary32(stack, |a, b| -least32(-a, -b)),
        Kind::F64Ceil => unary64(stack, f64::ceil),
        Kind::F64Floor => unary64(stack, f64::floor),
        Kind::F64Trunc => unary64(stack, f64::trunc),
        Kind::F64Nearest => unary64(stack, f64::round_ties_even),
        Kind::F64Sqrt => unary64(stack, f64::sqrt),
        Kind::F64Add => binary64(stack, |a, b| a + b),
        Kind::F64Sub => binary64(stack, |a, b| a - b),
        Kind::F64Mul => binary64(stack, |a, b| a * b),
        Kind::F64Div => binary64(stack, |a, b| a / b),
        Kind::F64Min => binary64(stack, least64),
        Kind::F64Max => binary64(stack, |a, b| -least64(-a, -b)),
        Kind::F32DemoteF64 => {
            let a = f64::from_bits(stack.pop_f64());
            stack.push(Value::F32(canonical32(a as f32)));
        }
        Kind::F64PromoteF32 => {
            let a = f32::from_bits(stack.pop_f32());
            stack.push(Value::F64(canonical64(f64::from(a))));
        }
        _ => return bits(kind, stack).or_else(|| compare(kind, stack)).or_else(|| convert(kind, stack)),
    }
    Some(Ok(()))
}

/// Operators that move bits about and never make a NaN.
fn bits(kind: Kind, stack: &mut Operands) -> Option<Result<(), Trap>> {
    let result = match kind {
        Kind::F32Abs => Value::F32(stack.pop_f32() & !SIGN_32),
        Kind::F32Neg => Value::F32(stack.pop_f32() ^ SIGN_32),
        Kind::F32Copysign => {
            let (b, a) = (stack.pop_f32(), stack.pop_f32());
            Value::F32(a & !SIGN_32 | b & SIGN_32)
        }
        Kind::F64Abs => Value::F64(stack.pop_f64() & !SIGN_64),
        Kind::F64Neg => Value::F64(stack.pop_f64() ^ SIGN_64),
        Kind::F64Copysign => {
            let (b, a) = (stack.pop_f64(), stack.pop_f64());
            Value::F64(a & !SIGN_64 | b & SIGN_64)
        }
        Kind::I32ReinterpretF32 => Value::I32(stack.pop_f32()),
        Kind::I64ReinterpretF64 => Value::I64(stack.pop_f64()),
        Kind::F32ReinterpretI32 => Value::F32(stack.pop_i32()),
        Kind::F64ReinterpretI64 => Value::F64(stack.pop_i64()),
        _ => return None,
    };
    stack.push(result);
    Some(Ok(()))
}

fn compare(kind: Kind, stack: &mut Operands) -> Option<Result<(), Trap>> {
    let compare32 = |stack: &mut Operands, operation: fn(f32, f32) -> bool| {
        let (b, a) = (f32::from_bits(stack.pop_f32()), f32::from_bits(stack.pop_f32()));
        stack.push_truth(operation(a, b));
    };
    let compare64 = |stack: &mut Operands, operation: fn(f64, f64) -> bool| {
        let (b, a) = (f64::from_bits(stack.pop_f64()), f64::from_bits(stack.pop_f64()));
        stack.push_truth(operation(a, b));
    };
    match kind {
        Kind::F32Eq => compare32(stack, |a, b| a == b),
        Kind::F32Ne => compare32(stack, |a, b| a != b),
        Kind::F32Lt => compare32(stack, |a, b| a < b),
        Kind::F32Gt => compare32(stack, |a, b| a > b),
        Kind::F32Le => compare32(stack, |a, b| a <= b),
        Kind::F32Ge => compare32(stack, |a, b| a >= b),
        Kind::F64Eq => compare64(stack, |a, b| a == b),
        Kind::F64Ne => compare64(stack, |a, b| a != b),
        Kind::F64Lt => compare64(stack, |a, b| a < b),
        Kind::F64Gt => compare64(stack, |a, b| a > b),
        Kind::F64Le => compare64(stack, |a, b| a <= b),
        Kind::F64Ge => compare64(stack, |a, b| a >= b),
        _ => return None,
    }
    Some(Ok(()))
}

/// Between floats and integers.
fn convert(kind: Kind, stack: &mut Operands) -> Option<Result<(), Trap>> {
    let result = match kind {
        Kind::F32ConvertI32S => Value::F32((stack.pop_i32() as i32 as f32).to_bits()),
        Kind::F32ConvertI32U => Value::F32((stack.pop_i32() as f32).to_bits()),
        Kind::F32ConvertI64S => Value::F32((stack.pop_i64() as i64 as f32).to_bits()),
        Kind::F32ConvertI64U => Value::F32((stack.pop_i64() as f32).to_bits()),
        Kind::F64ConvertI32S => Value::F64(f64::from(stack.pop_i32() as i32).to_bits()),
        Kind::F64ConvertI32U => Value::F64(f64::from(stack.pop_i32()).to_bits()),
        Kind::F64ConvertI64S => Value::F64((stack.pop_i64() as i64 as f64).to_bits()),
        Kind::F64ConvertI64U => Value::F64((stack.pop_i64() as f64).to_bits()),
        _ => return truncate(kind, stack),
    };
    stack.push(result);
    Some(Ok(()))
}

/// From a float to the integer nearest to zero, trapping or saturating where there is none.
fn truncate(kind: Kind, stack: &mut Operands) -> Option<Result<(), Trap>> {
    use Kind::*;
    let from32 = matches!(
        kind,
        I32TruncF32S
            | I32TruncF32U
            | I64TruncF32S
            | I64TruncF32U
            | I32TruncSatF32S
            | I32TruncSatF32U
            | I64TruncSatF32S
            | I64TruncSatF32U
    );
    // The least integer of the target, and the number one above its greatest; both are floats without rounding.
    let (least, above, saturating) = match kind {
        I32TruncF32S | I32TruncF64S => (-2_147_483_648.0, 2_147_483_648.0, false),
        I32TruncF32U | I32TruncF64U => (0.0, 4_294_967_296.0, false),
        I64TruncF32S | I64TruncF64S => (-9_223_372_036_854_775_808.0, 9_223_372_036_854_775_808.0, false),
        I64TruncF32U | I64TruncF64U => (0.0, 18_446_744_073_709_551_616.0, false),
        I32TruncSatF32S | I32TruncSatF64S | I32TruncSatF32U | I32TruncSatF64U => (0.0, 0.0, true),
        I64TruncSatF32S | I64TruncSatF64S | I64TruncSatF32U | I64TruncSatF64U => (0.0, 0.0, true),
        _ => return None,
    };
    // Each f32 is an f64.
    let float = if from32 { f64::from(f32::from_bits(stack.pop_f32())) } else { f64::from_bits(stack.pop_f64()) };
    if !saturating {
        if float.is_nan() {
            return Some(Err(Trap::InvalidConversion));
        }
        if float.trunc() < least || float.trunc() >= above {
            return Some(Err(Trap::IntegerOverflow));
        }
    }
    // `as` saturates and turns NaN into 0, as the saturating operators do.
    stack.push(match kind {
        I32TruncF32S | I32TruncF64S | I32TruncSatF32S | I32TruncSatF64S => Value::I32(float as i32 as u32),
        I32TruncF32U | I32TruncF64U | I32TruncSatF32U | I32TruncSatF64U => Value::I32(float as u32),
        I64TruncF32S | I64TruncF64S | I64TruncSatF32S | I64TruncSatF64S => Value::I64(float as i64 as u64),
        _ => Value::I64(float as u64),
    });
    Some(Ok(()))
}

/// The lesser; a NaN if either is, and −0 below +0.
fn least32(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() {
        f32::NAN
    } else if a == b {
        f32::from_bits(a.to_bits() | b.to_bits() & SIGN_32)
    } else if a < b {
        a
    } else {
        b
    }
}

fn least64(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == b {
        f64::from_bits(a.to_bits() | b.to_bits() & SIGN_64)
    } else if a < b {
        a
    } else {
        b
    }
}
