//! Constant expressions: how long they may be, and where an active segment begins.

use alloc::vec::Vec;

use wasmparser::{ConstExpr, Operator};

use super::Walk;
use crate::refusal::{Refusal, RefusalCode};
use crate::refuse::invalid;

impl Walk<'_> {
    /// Limits the length of a constant expression.
    pub(super) fn limit_constant(&self, expression: &ConstExpr<'_>) -> Result<(), Refusal> {
        let offset = expression.get_binary_reader().original_position();
        let mut found: u64 = 0;
        for operator in expression.get_operators_reader() {
            operator.map_err(|error| invalid(&error))?;
            found = found.saturating_add(1);
            self.limit(RefusalCode::ConstantOperators, offset, self.limits.constant_operators_max, found)?;
        }
        Ok(())
    }
}

/// The value of a validated constant expression of type i32; `None` where it is not made of integer operators only.
///
/// No global can be read: only imported ones could be, and importing one is refused where this value matters.
pub(super) fn offset_value(expression: &ConstExpr<'_>) -> Option<u32> {
    let mut stack: Vec<i32> = Vec::new();
    for operator in expression.get_operators_reader() {
        match operator.ok()? {
            Operator::I32Const { value } => stack.push(value),
            Operator::I32Add => binary(&mut stack, i32::wrapping_add)?,
            Operator::I32Sub => binary(&mut stack, i32::wrapping_sub)?,
            Operator::I32Mul => binary(&mut stack, i32::wrapping_mul)?,
            Operator::End => break,
            _ => return None,
        }
    }
    stack.pop().map(i32::cast_unsigned)
}

fn binary(stack: &mut Vec<i32>, apply: fn(i32, i32) -> i32) -> Option<()> {
    let right = stack.pop()?;
    let left = stack.pop()?;
    stack.push(apply(left, right));
    Some(())
}
