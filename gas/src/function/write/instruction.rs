//! The instructions that insertions are made of.

use super::super::op;
use super::super::plan::Pending;
use super::Writer;
use crate::counter;

impl Writer<'_> {
    /// Leaves the function out of gas when the value on the stack is not zero.
    pub(super) fn exit_if(&mut self, depth: u32) {
        let inner = if self.has_body_block { depth } else { depth.saturating_sub(1) };
        op::indexed(self.out, op::BR_IF, inner);
    }

    /// Whether the counter on the stack has less gas than `pending`.
    pub(super) fn below(&mut self, pending: Pending) {
        op::constant(self.out, counter::charge(pending.gas_part()));
        self.out.push(op::I64_LT_S);
    }

    /// What charging this adds to the counter.
    pub(super) fn change(&self, amount: Pending) -> i64 {
        let frames = self.body.frame.saturating_mul(amount.frames());
        frames.saturating_sub(counter::charge(amount.gas_part()))
    }

    pub(super) fn add(&mut self, amount: i64) {
        op::constant(self.out, amount);
        self.out.push(op::I64_ADD);
    }

    pub(super) fn counter_get(&mut self) {
        if self.counter_in_local {
            op::indexed(self.out, op::LOCAL_GET, self.counter);
        } else {
            self.global_get();
        }
    }

    pub(super) fn counter_set(&mut self) {
        if self.counter_in_local {
            op::indexed(self.out, op::LOCAL_SET, self.counter);
        } else {
            self.global_set();
        }
    }

    pub(super) fn global_get(&mut self) {
        op::indexed(self.out, op::GLOBAL_GET, self.body.counter_global);
    }

    pub(super) fn global_set(&mut self) {
        op::indexed(self.out, op::GLOBAL_SET, self.body.counter_global);
    }
}
