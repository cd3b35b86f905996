//! Writing an instrumented body: the original bytes, cut at the plan's insertions.
//!
//! ```text
//! block $out_of_gas             where anything jumps there
//!   prologue                    the entry checkpoint, where there is one
//!   block $body (results)       where a branch leaves the function
//!     original bytes with insertions
//!   end
//!   epilogue                    the exact gas left into the global
//!   return
//! end
//! gas := -1, unless the stack is below 0, by a function of its own; unreachable
//! ```

mod action;
mod instruction;

use alloc::vec::Vec;

use super::op::{self, TYPE_EMPTY, TYPE_F32, TYPE_F64, TYPE_FUNCREF, TYPE_I32, TYPE_I64};
use super::plan::{Action, Plan};
use crate::encode;

/// What of the module and the function the writer needs.
pub(crate) struct Body<'a> {
    /// The whole module: offsets of the plan point into it.
    pub(crate) module: &'a [u8],
    /// The declaration groups of locals, without their count.
    pub(crate) local_groups: &'a [u8],
    pub(crate) local_group_count: u32,
    /// Parameters and declared locals.
    pub(crate) local_count: u32,
    /// Offset of the first operator, and of the final `end`.
    pub(crate) first: u32,
    pub(crate) end: u32,
    /// Block type of `[] -> results`, encoded; only read where the plan says that a branch leaves the function.
    pub(crate) result_type: &'a [u8],
    pub(crate) gas_global: u32,
    pub(crate) stack_global: u32,
    /// Stack units of a frame, and the insertion before which what it leaves is computed, where it takes any.
    pub(crate) frame_units: i64,
    pub(crate) take: Option<usize>,
    /// Index of the function made of [`exhausted_body`].
    pub(crate) exhausted: u32,
    /// Whether the entry is a checkpoint.
    pub(crate) check_entry: bool,
    /// Whether returning is a checkpoint.
    pub(crate) check_return: bool,
}

/// Appends the instrumented body, without its length.
pub(crate) fn write(out: &mut Vec<u8>, plan: &Plan, body: &Body<'_>) {
    let mut writer = Writer::new(out, plan, body);
    writer.locals();
    writer.open();
    writer.operators();
    writer.close();
}

/// The body of the function that others call where gas or stack are exhausted, with its length: the stack budget below 0
/// says which, and stays; else it is the gas.
pub(crate) fn exhausted_body(gas_global: u32, stack_global: u32) -> Vec<u8> {
    let mut body = alloc::vec![0, op::GLOBAL_GET];
    encode::unsigned(&mut body, u64::from(stack_global));
    body.extend_from_slice(&[op::I64_CONST, 0, op::I64_GE_S, op::IF, TYPE_EMPTY, op::I64_CONST, 0x7f, op::GLOBAL_SET]);
    encode::unsigned(&mut body, u64::from(gas_global));
    body.extend_from_slice(&[op::END, op::UNREACHABLE, op::END]);
    let mut out = Vec::new();
    encode::unsigned(&mut out, encode::length(body.len()));
    out.append(&mut body);
    out
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    plan: &'a Plan,
    body: &'a Body<'a>,
    /// The counter lives in a local where there are loops, else in the global.
    counter_in_local: bool,
    /// Whether the body is wrapped in the block whose end is the out-of-gas exit.
    has_exit: bool,
    has_body_block: bool,
    /// Indices of the locals that this function got.
    counter: u32,
    stack_left: u32,
    units: u32,
    filler: u32,
    nan_f32: u32,
    nan_f64: u32,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut Vec<u8>, plan: &'a Plan, body: &'a Body<'a>) -> Writer<'a> {
        let counter_in_local = plan.counter_in_local();
        let mut writer = Writer {
            out,
            plan,
            body,
            counter_in_local,
            has_exit: body.check_entry || plan.has_per_unit || body.check_return,
            has_body_block: plan.branches_to_function,
            counter: 0,
            stack_left: 0,
            units: 0,
            filler: 0,
            nan_f32: 0,
            nan_f64: 0,
        };
        let mut next = body.local_count;
        let mut take = |wanted: bool| {
            let index = next;
            next = next.saturating_add(u32::from(wanted));
            index
        };
        writer.counter = take(counter_in_local || plan.has_per_unit);
        writer.stack_left = take(body.take.is_some());
        writer.units = take(plan.has_per_unit || plan.has_charged_table);
        writer.filler = take(plan.has_table_grow);
        writer.nan_f32 = take(plan.canonical_f32);
        writer.nan_f64 = take(plan.canonical_f64);
        writer
    }

    fn locals(&mut self) {
        let plan = self.plan;
        let added = [
            (self.counter_in_local || plan.has_per_unit, TYPE_I64),
            (self.body.take.is_some(), TYPE_I64),
            (plan.has_per_unit || plan.has_charged_table, TYPE_I32),
            (plan.has_table_grow, TYPE_FUNCREF),
            (plan.canonical_f32, TYPE_F32),
            (plan.canonical_f64, TYPE_F64),
        ];
        let groups = added.iter().filter(|(wanted, _)| *wanted).count();
        encode::unsigned(self.out, u64::from(self.body.local_group_count).saturating_add(encode::length(groups)));
        self.out.extend_from_slice(self.body.local_groups);
        for (_, value_type) in added.iter().filter(|(wanted, _)| *wanted) {
            self.out.extend_from_slice(&[1, *value_type]);
        }
    }

    fn open(&mut self) {
        if self.has_exit {
            self.out.extend_from_slice(&[op::BLOCK, TYPE_EMPTY]);
        }
        self.enter();
        if self.has_body_block {
            self.out.push(op::BLOCK);
            self.out.extend_from_slice(self.body.result_type);
        }
    }

    /// The entry checkpoint, and what stands at the beginning of the first line.
    fn enter(&mut self) {
        let first = self.plan.inserts.first().map(|insert| insert.action);
        let charge = if let Some(Action::Charge(amount)) = first { amount } else { 0 };
        let pending = self.plan.entry_gas;
        if self.counter_in_local {
            self.global_get(self.body.gas_global);
            if charge != 0 {
                self.add(charge.saturating_neg());
            }
            if self.body.check_entry {
                self.indexed(op::LOCAL_TEE, self.counter);
                self.below(pending.saturating_sub(charge));
                self.indexed(op::BR_IF, 0);
            } else {
                self.indexed(op::LOCAL_SET, self.counter);
            }
        } else {
            if self.body.check_entry {
                self.global_get(self.body.gas_global);
                self.below(pending);
                self.indexed(op::BR_IF, 0);
            }
            self.charge(charge);
        }
        if self.body.take == Some(0) {
            self.take_stack();
        }
        if let Some(Action::Settle(pending)) = first {
            self.settle(pending);
        }
    }

    /// What this frame leaves of the stack budget stays in a local and is handed on before each call: nothing to give
    /// back.
    fn take_stack(&mut self) {
        self.global_get(self.body.stack_global);
        self.add(self.body.frame_units.saturating_neg());
        self.indexed(op::LOCAL_SET, self.stack_left);
    }

    fn operators(&mut self) {
        let mut position = self.body.first;
        let mut inserts = self.plan.inserts.iter().enumerate().skip(1).peekable();
        while let Some((index, insert)) = inserts.next() {
            let takes = self.body.take == Some(index);
            if matches!(insert.action, Action::Charge(0)) && !takes {
                continue;
            }
            self.copy(position, insert.at);
            position = position.max(insert.at);
            // A charge that directly follows a check is made by it.
            let next = inserts.peek().map(|&(index, next)| (index, next.action)).filter(|_| insert.joins());
            match next {
                Some((next_index, Action::Charge(amount))) => {
                    inserts.next();
                    self.insert(insert, amount);
                    if self.body.take == Some(next_index) {
                        self.take_stack();
                    }
                }
                // Nobody reads the counter between a call and what leaves the function: it stays in the global.
                Some((_, Action::Settle(pending))) if matches!(insert.action, Action::AfterCall) => {
                    inserts.next();
                    self.charge_global(pending);
                }
                _ => {
                    self.insert(insert, 0);
                    if takes {
                        self.take_stack();
                    }
                }
            }
            if let Action::ChargedBrIf { next, .. } = insert.action {
                position = next;
            }
        }
        self.copy(position, self.body.end);
    }

    fn copy(&mut self, from: u32, to: u32) {
        let range = usize::try_from(from).unwrap_or(usize::MAX)..usize::try_from(to).unwrap_or(usize::MAX);
        if let Some(bytes) = self.body.module.get(range) {
            self.out.extend_from_slice(bytes);
        }
    }

    fn close(&mut self) {
        if self.has_body_block {
            self.out.push(op::END);
        }
        if let Some(pending) = self.plan.pending_at_end {
            self.settle(pending);
            self.check_return(0);
        }
        if self.has_exit {
            self.out.extend_from_slice(&[op::RETURN, op::END]);
            self.leave_exhausted();
        }
        self.out.push(op::END);
    }

    /// Out of gas, unless it is the stack budget that is below 0.
    fn leave_exhausted(&mut self) {
        if self.body.take.is_some() {
            self.indexed(op::CALL, self.body.exhausted);
        } else {
            self.constant(-1);
            self.global_set(self.body.gas_global);
        }
        self.out.push(op::UNREACHABLE);
    }
}
