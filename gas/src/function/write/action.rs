//! What stands in the body for each insertion of the plan.

use alloc::vec::Vec;

use super::super::added::Function;
use super::super::op::{self, TYPE_EMPTY};
use super::super::plan::{Action, Grow, Insert, Pending};
use super::Writer;
use crate::operator::Width;
use crate::{counter, encode};

const CANONICAL_NAN_F32: u32 = 0x7fc0_0000;
const CANONICAL_NAN_F64: u64 = 0x7ff8_0000_0000_0000;

impl Writer<'_> {
    /// Writes one insertion; `joined` is the charge that a check makes besides.
    pub(super) fn insert(&mut self, insert: &Insert, joined: Pending) {
        match insert.action {
            Action::Charge(amount) => self.charge(amount),
            Action::Check { pending } => {
                let change = self.change(joined);
                if self.counter_in_local && change != 0 {
                    op::indexed(self.out, op::LOCAL_GET, self.counter);
                    self.add(change);
                    op::indexed(self.out, op::LOCAL_TEE, self.counter);
                } else {
                    self.charge(joined);
                    self.counter_get();
                }
                self.below(pending.less(joined));
                self.exit_if(insert.depth);
            }
            Action::CheckReturn => self.check_return(insert.depth),
            Action::Settle(amount) | Action::BeforeCall(amount) => self.settle(amount),
            Action::SettleAndTrap(amount) => self.settle_and_trap(amount, !self.counter_in_local),
            Action::AfterCall => self.after_call(joined),
            Action::PerUnit { pending, price } => self.per_unit(pending, price, insert.depth),
            Action::Grow { grow, pending, .. } => self.grow(grow, pending),
            Action::Canonicalise(width) => self.canonicalise(width),
            Action::CanonicaliseLocal { width, local, kept } => self.canonicalise_local(width, local, kept),
            Action::CountBits => self.out.push(op::I32_POPCNT),
            Action::SaveLocals => self.out.extend_from_slice(&[op::BLOCK, TYPE_EMPTY, op::END]),
            Action::ChargedBrIf { charge, relative_depth, .. } => {
                self.out.extend_from_slice(&[op::IF, TYPE_EMPTY]);
                self.charge(charge);
                op::indexed(self.out, op::BR, relative_depth.saturating_add(1));
                self.out.push(op::END);
            }
            Action::ChargedElse(amount) => {
                self.out.push(op::ELSE);
                self.charge(amount);
            }
            Action::ChargedBrTable { first, count } => self.charge_by_index(first, count),
        }
    }

    pub(super) fn charge(&mut self, amount: Pending) {
        let change = self.change(amount);
        if change != 0 {
            self.counter_get();
            self.add(change);
            self.counter_set();
        }
    }

    pub(super) fn charge_global(&mut self, amount: Pending) {
        let change = self.change(amount);
        if change != 0 {
            self.global_get();
            self.add(change);
            self.global_set();
        }
    }

    /// Puts the counter less this into the global.
    pub(super) fn settle(&mut self, amount: Pending) {
        let change = self.change(amount);
        if change == 0 && !self.counter_in_local {
            return;
        }
        self.counter_get();
        if change != 0 {
            self.add(change);
        }
        self.global_set();
    }

    /// Before an `unreachable`: the same, by a function of its own where the counter is in the global and there is nothing
    /// to pay for but the `unreachable`.
    pub(super) fn settle_and_trap(&mut self, amount: Pending, in_global: bool) {
        match in_global {
            true if amount == self.body.unreachable_price && !amount.is_nothing() => {
                let pay_and_trap = self.added.index_of(Function::PayAndTrap);
                op::indexed(self.out, op::CALL, pay_and_trap);
            }
            true => self.charge_global(amount),
            false => self.settle(amount),
        }
    }

    fn after_call(&mut self, joined: Pending) {
        if !self.counter_in_local {
            return self.charge(joined);
        }
        self.global_get();
        let change = self.change(joined);
        if change != 0 {
            self.add(change);
        }
        op::indexed(self.out, op::LOCAL_SET, self.counter);
    }

    /// The exact gas stands in the global already.
    pub(super) fn check_return(&mut self, depth: u32) {
        if self.body.check_return {
            self.global_get();
            self.below(Pending::NOTHING);
            self.exit_if(depth);
        }
    }

    fn per_unit(&mut self, pending: Pending, price: u64, depth: u32) {
        op::indexed(self.out, op::LOCAL_TEE, self.units);
        let price = i64::try_from(price).unwrap_or(i64::MAX);
        let each = counter::charge(price);
        if price > counter::UNIT_PRICE_MAX {
            // The charge may be more than the counter holds: it is compared with the gas before.
            self.counter_get();
            op::constant(self.out, counter::GAS_SHIFT);
            self.out.push(op::I64_SHR_S);
            op::less_units(self.out, self.units, price);
            op::constant(self.out, pending.gas_part());
            self.out.push(op::I64_LT_S);
            self.exit_if(depth);
            self.counter_get();
            op::less_units(self.out, self.units, each);
            return self.counter_set();
        }
        self.counter_get();
        op::less_units(self.out, self.units, each);
        op::indexed(self.out, op::LOCAL_TEE, self.counter);
        if !self.counter_in_local {
            self.global_set();
            op::indexed(self.out, op::LOCAL_GET, self.counter);
        }
        self.below(pending);
        self.exit_if(depth);
    }

    /// A function of its own charges, checks and grows. It counts in the global.
    fn grow(&mut self, grow: Grow, pending: Pending) {
        if self.counter_in_local {
            self.counter_get();
            self.global_set();
        }
        op::constant(self.out, counter::charge(pending.gas_part()));
        let function = self.added.index_of(Function::Grow(grow));
        op::indexed(self.out, op::CALL, function);
        if self.counter_in_local {
            self.global_get();
            self.counter_set();
        }
    }

    fn canonicalise(&mut self, width: Width) {
        let (local, is_equal) = match width {
            Width::F32 => (self.nan_f32, op::F32_EQ),
            Width::F64 => (self.nan_f64, op::F64_EQ),
        };
        op::indexed(self.out, op::LOCAL_TEE, local);
        self.canonical_nan(width);
        op::indexed(self.out, op::LOCAL_GET, local);
        op::indexed(self.out, op::LOCAL_GET, local);
        self.out.extend_from_slice(&[is_equal, op::SELECT]);
    }

    fn canonicalise_local(&mut self, width: Width, local: u32, kept: bool) {
        if kept {
            self.out.push(op::DROP);
        }
        let is_not_equal = match width {
            Width::F32 => op::F32_NE,
            Width::F64 => op::F64_NE,
        };
        op::indexed(self.out, op::LOCAL_GET, local);
        op::indexed(self.out, op::LOCAL_GET, local);
        self.out.extend_from_slice(&[is_not_equal, op::IF, TYPE_EMPTY]);
        self.canonical_nan(width);
        op::indexed(self.out, op::LOCAL_SET, local);
        self.out.push(op::END);
        if kept {
            op::indexed(self.out, op::LOCAL_GET, local);
        }
    }

    fn canonical_nan(&mut self, width: Width) {
        match width {
            Width::F32 => {
                self.out.push(op::F32_CONST);
                self.out.extend_from_slice(&CANONICAL_NAN_F32.to_le_bytes());
            }
            Width::F64 => {
                self.out.push(op::F64_CONST);
                self.out.extend_from_slice(&CANONICAL_NAN_F64.to_le_bytes());
            }
        }
    }

    /// One block per distinct charge; a `br_table` of its own picks the block, then the original one follows.
    fn charge_by_index(&mut self, first: u32, count: u32) {
        let from = usize::try_from(first).unwrap_or(usize::MAX);
        let to = from.saturating_add(usize::try_from(count).unwrap_or(usize::MAX));
        let charges = self.plan.table_charges.get(from..to).unwrap_or_default();
        let mut distinct: Vec<Pending> = charges.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        op::indexed(self.out, op::LOCAL_SET, self.units);
        for _ in 0..=distinct.len() {
            self.out.extend_from_slice(&[op::BLOCK, TYPE_EMPTY]);
        }
        op::indexed(self.out, op::LOCAL_GET, self.units);
        self.out.push(op::BR_TABLE);
        encode::unsigned(self.out, u64::from(count.saturating_sub(1)));
        for charge in charges {
            let class = distinct.binary_search(charge).unwrap_or_default();
            encode::unsigned(self.out, encode::length(class));
        }
        for (class, &charge) in distinct.iter().enumerate() {
            self.out.push(op::END);
            self.charge(charge);
            let outward = distinct.len().saturating_sub(class).saturating_sub(1);
            self.out.push(op::BR);
            encode::unsigned(self.out, encode::length(outward));
        }
        self.out.push(op::END);
        op::indexed(self.out, op::LOCAL_GET, self.units);
    }
}
