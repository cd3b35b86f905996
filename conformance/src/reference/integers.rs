//! Operators on integers, as the Wasm specification words them.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "wrapping and reading as signed is what these operators do"
)]

use super::Trap;
use super::operators::Kind;
use super::value::Operands;

/// Executes an operator on integers; `None` when it is none.
// Long on purpose: one line an operator.
pub(super) fn execute(kind: Kind, stack: &mut Operands) -> Option<Result<(), Trap>> {
    match kind {
        Kind::I32Eqz => unary32(stack, |a| u32::from(a == 0)),
        Kind::I32Eq => compare32(stack, |a, b| a == b),
        Kind::I32Ne => compare32(stack, |a, b| a != b),
        Kind::I32LtS => compare32(stack, |a, b| (a as i32) < b as i32),
        Kind::I32LtU => compare32(stack, |a, b| a < b),
        Kind::I32GtS => compare32(stack, |a, b| a as i32 > b as i32),
        Kind::I32GtU => compare32(stack, |a, b| a > b),
        Kind::I32LeS => compare32(stack, |a, b| a as i32 <= b as i32),
        Kind::I32LeU => compare32(stack, |a, b| a <= b),
        Kind::I32GeS => compare32(stack, |a, b| a as i32 >= b as i32),
        Kind::I32GeU => compare32(stack, |a, b| a >= b),
        Kind::I64Eqz => {
            let a = stack.pop_i64();
            stack.push_truth(a == 0);
        }
        Kind::I64Eq => compare64(stack, |a, b| a == b),
        Kind::I64Ne => compare64(stack, |a, b| a != b),
        Kind::I64LtS => compare64(stack, |a, b| (a as i64) < b as i64),
        Kind::I64LtU => compare64(stack, |a, b| a < b),
        Kind::I64GtS => compare64(stack, |a, b| a as i64 > b as i64),
        Kind::I64GtU => compare64(stack, |a, b| a > b),
        Kind::I64LeS => compare64(stack, |a, b| a as i64 <= b as i64),
        Kind::I64LeU => compare64(stack, |a, b| a <= b),
        Kind::I64GeS => compare64(stack, |a, b| a as i64 >= b as i64),
        Kind::I64GeU => compare64(stack, |a, b| a >= b),
        Kind::I32Clz => unary32(stack, u32::leading_zeros),
        Kind::I32Ctz => unary32(stack, u32::trailing_zeros),
        Kind::I32Popcnt => unary32(stack, u32::count_ones),
        Kind::I32Add => binary32(stack, u32::wrapping_add),
        Kind::I32Sub => binary32(stack, u32::wrapping_sub),
        Kind::I32Mul => binary32(stack, u32::wrapping_mul),
        Kind::I32And => binary32(stack, |a, b| a & b),
        Kind::I32Or => binary32(stack, |a, b| a | b),
        Kind::I32Xor => binary32(stack, |a, b| a ^ b),
        Kind::I32Shl => binary32(stack, |a, b| a << (b % 32)),
        Kind::I32ShrS => binary32(stack, |a, b| ((a as i32) >> (b % 32)) as u32),
        Kind::I32ShrU => binary32(stack, |a, b| a >> (b % 32)),
        Kind::I32Rotl => binary32(stack, |a, b| a.rotate_left(b % 32)),
        Kind::I32Rotr => binary32(stack, |a, b| a.rotate_right(b % 32)),
        Kind::I64Clz => unary64(stack, |a| u64::from(a.leading_zeros())),
        Kind::I64Ctz => unary64(stack, |a| u64::from(a.trailing_zeros())),
        Kind::I64Popcnt => unary64(stack, |a| u64::from(a.count_ones())),
        Kind::I64Add => binary64(stack, u64::wrapping_add),
        Kind::I64Sub => binary64(stack, u64::wrapping_sub),
        Kind::I64Mul => binary64(stack, u64::wrapping_mul),
        Kind::I64And => binary64(stack, |a, b| a & b),
        Kind::I64Or => binary64(stack, |a, b| a | b),
        Kind::I64Xor => binary64(stack, |a, b| a ^ b),
        Kind::I64Shl => binary64(stack, |a, b| a << (b % 64)),
        Kind::I64ShrS => binary64(stack, |a, b| ((a as i64) >> (b % 64)) as u64),
        Kind::I64ShrU => binary64(stack, |a, b| a >> (b % 64)),
        Kind::I64Rotl => binary64(stack, |a, b| a.rotate_left((b % 64) as u32)),
        Kind::I64Rotr => binary64(stack, |a, b| a.rotate_right((b % 64) as u32)),
        Kind::I32WrapI64 => {
            let a = stack.pop_i64();
            stack.push_i32(a as u32);
        }
        Kind::I64ExtendI32S => {
            let a = stack.pop_i32();
            stack.push_i64(i64::from(a as i32) as u64);
        }
        Kind::I64ExtendI32U => {
            let a = stack.pop_i32();
            stack.push_i64(u64::from(a));
        }
        Kind::I32Extend8S => unary32(stack, |a| i32::from(a as i8) as u32),
        Kind::I32Extend16S => unary32(stack, |a| i32::from(a as i16) as u32),
        Kind::I64Extend8S => unary64(stack, |a| i64::from(a as i8) as u64),
        Kind::I64Extend16S => unary64(stack, |a| i64::from(a as i16) as u64),
        Kind::I64Extend32S => unary64(stack, |a| i64::from(a as i32) as u64),
        _ => return division(kind, stack),
    }
    Some(Ok(()))
}

fn division(kind: Kind, stack: &mut Operands) -> Option<Result<(), Trap>> {
    Some(match kind {
        Kind::I32DivS => divide32(stack, |a, b| Some((a as i32).checked_div(b as i32)? as u32)),
        Kind::I32DivU => divide32(stack, u32::checked_div),
        // The one remainder that Rust calls an overflow is 0.
        Kind::I32RemS => divide32(stack, |a, b| Some((a as i32).wrapping_rem(b as i32) as u32)),
        Kind::I32RemU => divide32(stack, u32::checked_rem),
        Kind::I64DivS => divide64(stack, |a, b| Some((a as i64).checked_div(b as i64)? as u64)),
        Kind::I64DivU => divide64(stack, u64::checked_div),
        Kind::I64RemS => divide64(stack, |a, b| Some((a as i64).wrapping_rem(b as i64) as u64)),
        Kind::I64RemU => divide64(stack, u64::checked_rem),
        _ => return None,
    })
}

fn unary32(stack: &mut Operands, operation: impl Fn(u32) -> u32) {
    let a = stack.pop_i32();
    stack.push_i32(operation(a));
}

fn unary64(stack: &mut Operands, operation: impl Fn(u64) -> u64) {
    let a = stack.pop_i64();
    stack.push_i64(operation(a));
}

fn binary32(stack: &mut Operands, operation: impl Fn(u32, u32) -> u32) {
    let (b, a) = (stack.pop_i32(), stack.pop_i32());
    stack.push_i32(operation(a, b));
}

fn binary64(stack: &mut Operands, operation: impl Fn(u64, u64) -> u64) {
    let (b, a) = (stack.pop_i64(), stack.pop_i64());
    stack.push_i64(operation(a, b));
}

fn compare32(stack: &mut Operands, operation: impl Fn(u32, u32) -> bool) {
    let (b, a) = (stack.pop_i32(), stack.pop_i32());
    stack.push_truth(operation(a, b));
}

fn compare64(stack: &mut Operands, operation: impl Fn(u64, u64) -> bool) {
    let (b, a) = (stack.pop_i64(), stack.pop_i64());
    stack.push_truth(operation(a, b));
}

fn divide32(stack: &mut Operands, operation: impl Fn(u32, u32) -> Option<u32>) -> Result<(), Trap> {
    let (b, a) = (stack.pop_i32(), stack.pop_i32());
    if b == 0 {
        return Err(Trap::DivisionByZero);
    }
    stack.push_i32(operation(a, b).ok_or(Trap::IntegerOverflow)?);
    Ok(())
}

fn divide64(stack: &mut Operands, operation: impl Fn(u64, u64) -> Option<u64>) -> Result<(), Trap> {
    let (b, a) = (stack.pop_i64(), stack.pop_i64());
    if b == 0 {
        return Err(Trap::DivisionByZero);
    }
    stack.push_i64(operation(a, b).ok_or(Trap::IntegerOverflow)?);
    Ok(())
}
