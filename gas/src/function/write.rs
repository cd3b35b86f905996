//! Writing an instrumented body: the original bytes, cut at the plan's insertions.
//!
//! ```text
//! block $out_of_gas             where anything jumps there
//!   prologue                    the entry checkpoint, where there is one: it traps by itself
//!   block $body (results)       where a branch leaves the function
//!     original bytes with insertions
//!   end
//!   epilogue                    the exact gas left into the global
//!   return
//! end
//! counter := -1; unreachable
//! ```

mod action;
mod instruction;

use alloc::vec::Vec;

use super::added::Added;
use super::op::{self, TYPE_EMPTY, TYPE_F32, TYPE_F64, TYPE_I32, TYPE_I64};
use super::plan::{Action, Pending, Plan};
use crate::{counter, encode};

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
    pub(crate) counter_global: u32,
    /// What the frame takes in the counter; 0 where it takes nothing.
    pub(crate) frame: i64,
    pub(crate) stack_metered: bool,
    /// What [`Function::PayAndTrap`](super::added::Function) charges.
    pub(crate) unreachable_price: Pending,
    /// Whether the entry is a checkpoint.
    pub(crate) check_entry: bool,
    /// Whether returning is a checkpoint.
    pub(crate) check_return: bool,
}

/// Appends the instrumented body, without its length.
pub(crate) fn write(out: &mut Vec<u8>, plan: &Plan, body: &Body<'_>, added: &mut Added) {
    let mut writer = Writer::new(out, plan, body, added);
    writer.locals();
    writer.open();
    writer.operators();
    writer.close();
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    plan: &'a Plan,
    body: &'a Body<'a>,
    added: &'a mut Added,
    /// The counter lives in a local where there are loops, else in the global.
    counter_in_local: bool,
    /// Whether the body is wrapped in the block whose end is the out-of-gas exit.
    has_exit: bool,
    has_body_block: bool,
    /// Indices of the locals that this function got.
    counter: u32,
    units: u32,
    nan_f32: u32,
    nan_f64: u32,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut Vec<u8>, plan: &'a Plan, body: &'a Body<'a>, added: &'a mut Added) -> Writer<'a> {
        let counter_in_local = plan.counter_in_local();
        let mut writer = Writer {
            out,
            plan,
            body,
            added,
            counter_in_local,
            has_exit: plan.has_loop || plan.has_per_unit || body.check_return,
            has_body_block: plan.branches_to_function,
            counter: 0,
            units: 0,
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
        writer.units = take(plan.has_per_unit || plan.has_charged_table);
        writer.nan_f32 = take(plan.canonical_f32);
        writer.nan_f64 = take(plan.canonical_f64);
        writer
    }

    fn locals(&mut self) {
        let plan = self.plan;
        let added = [
            (self.counter_in_local || plan.has_per_unit, TYPE_I64),
            (plan.has_per_unit || plan.has_charged_table, TYPE_I32),
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
        if self.body.check_entry {
            self.check_entry();
        }
        let charge = if let Some(Action::Charge(amount)) = first { amount } else { Pending::NOTHING };
        if self.counter_in_local {
            self.global_get();
            let change = self.change(charge);
            if change != 0 {
                self.add(change);
            }
            op::indexed(self.out, op::LOCAL_SET, self.counter);
        } else {
            self.charge(charge);
        }
        match first {
            Some(Action::Settle(amount)) => self.settle(amount),
            Some(Action::SettleAndTrap(amount)) => self.settle_and_trap(amount, true),
            _ => {}
        }
    }

    /// The exact gas, the stack units of the caller taken, stands in the global: it says by itself what is exhausted.
    fn check_entry(&mut self) {
        self.global_get();
        if self.body.stack_metered {
            op::constant(self.out, counter::EITHER_EXHAUSTED);
            self.out.push(op::I64_AND);
            op::constant(self.out, 0);
            self.out.push(op::I64_NE);
        } else {
            self.below(Pending::NOTHING);
        }
        self.out.extend_from_slice(&[op::IF, TYPE_EMPTY, op::UNREACHABLE, op::END]);
    }

    fn operators(&mut self) {
        let mut position = self.body.first;
        let mut inserts = self.plan.inserts.iter().skip(1).peekable();
        while let Some(insert) = inserts.next() {
            if matches!(insert.action, Action::Charge(Pending::NOTHING)) {
                continue;
            }
            self.copy(position, insert.at);
            position = position.max(insert.at);
            // A charge that directly follows a check is made by it.
            let next = inserts.peek().map(|next| next.action).filter(|_| insert.joins());
            let after_call = matches!(insert.action, Action::AfterCall);
            match next {
                Some(Action::Charge(amount)) => {
                    inserts.next();
                    self.insert(insert, amount);
                }
                // Nobody reads the counter between a call and what leaves the function: it stays in the global.
                Some(Action::Settle(amount)) if after_call => {
                    inserts.next();
                    self.charge_global(amount);
                }
                Some(Action::SettleAndTrap(amount)) if after_call => {
                    inserts.next();
                    self.settle_and_trap(amount, true);
                }
                _ => self.insert(insert, Pending::NOTHING),
            }
            if let Action::ChargedBrIf { next, .. } | Action::Grow { next, .. } = insert.action {
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
            op::constant(self.out, -1);
            self.global_set();
            self.out.push(op::UNREACHABLE);
        }
        self.out.push(op::END);
    }
}
