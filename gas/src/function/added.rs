//! Functions that the instrumenter adds behind the contract's own, once per module, for what would be long in every body.

use alloc::vec::Vec;

use super::op::{self, TYPE_EMPTY, TYPE_FUNCREF, TYPE_I32, TYPE_I64};
use super::plan::Grow;
use crate::schedule::Schedule;
use crate::{counter, encode};

/// A function that bodies call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// `[] -> []`: charges for an `unreachable`, and traps.
    PayAndTrap,
    /// `[units, pending] -> [size or −1]`, for a table with what to fill with below: charges each unit, takes all gas if
    /// less than `pending`, written as the counter is, is left then, and grows.
    Grow(Grow),
}

/// Those that were called so far. There are no more of them than tables and two.
#[derive(Default)]
pub(crate) struct Added {
    /// The index of the first.
    first: u32,
    functions: Vec<Function>,
}

impl Added {
    pub(crate) fn behind(functions: u32) -> Added {
        Added { first: functions, functions: Vec::new() }
    }

    /// The index of a function, which is added where it was not before.
    pub(super) fn index_of(&mut self, function: Function) -> u32 {
        let place = self.functions.iter().position(|added| *added == function).unwrap_or_else(|| {
            self.functions.push(function);
            self.functions.len().saturating_sub(1)
        });
        self.first.saturating_add(u32::try_from(place).unwrap_or(u32::MAX))
    }

    /// The type of each, and its body with the body's length.
    pub(crate) fn written(&self, counter_global: u32, schedule: &Schedule) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        self.functions.iter().map(move |function| {
            let mut body = Body { out: alloc::vec![0], counter_global };
            let parameters: &[u8] = match function {
                Function::PayAndTrap => {
                    body.pay_and_trap(schedule);
                    return (alloc::vec![0x60, 0, 0], body.end());
                }
                Function::Grow(grow) if grow.table.is_some() => {
                    body.grow(*grow, schedule.grow_element, 1);
                    &[TYPE_FUNCREF, TYPE_I32, TYPE_I64]
                }
                Function::Grow(grow) => {
                    body.grow(*grow, schedule.grow_page, 0);
                    &[TYPE_I32, TYPE_I64]
                }
            };
            let mut function_type = alloc::vec![0x60];
            encode::unsigned(&mut function_type, encode::length(parameters.len()));
            function_type.extend_from_slice(parameters);
            function_type.extend_from_slice(&[1, TYPE_I32]);
            (function_type, body.end())
        })
    }
}

/// The body of one of them, which begins without locals of its own.
struct Body {
    out: Vec<u8>,
    counter_global: u32,
}

impl Body {
    fn end(mut self) -> Vec<u8> {
        self.out.push(op::END);
        let mut out = Vec::new();
        encode::unsigned(&mut out, encode::length(self.out.len()));
        out.append(&mut self.out);
        out
    }

    fn pay_and_trap(&mut self, schedule: &Schedule) {
        op::indexed(&mut self.out, op::GLOBAL_GET, self.counter_global);
        op::constant(&mut self.out, counter::charge(schedule.op_br.cast_signed()));
        self.out.push(op::I64_SUB);
        op::indexed(&mut self.out, op::GLOBAL_SET, self.counter_global);
        self.out.push(op::UNREACHABLE);
    }

    /// `units` is the parameter with the number of units; below it, for a table, is what to fill with; above it `pending`.
    fn grow(&mut self, grow: Grow, price: u64, units: u32) {
        let price = i64::try_from(price).unwrap_or(i64::MAX);
        let pending = units.saturating_add(1);
        self.out.extend_from_slice(&[op::BLOCK, TYPE_EMPTY]);
        // By nothing, nothing is charged.
        op::indexed(&mut self.out, op::LOCAL_GET, units);
        self.out.extend_from_slice(&[op::I32_EQZ, op::IF, TYPE_EMPTY]);
        op::indexed(&mut self.out, op::GLOBAL_GET, self.counter_global);
        op::indexed(&mut self.out, op::LOCAL_GET, pending);
        self.out.extend_from_slice(&[op::I64_LT_S, op::BR_IF, 1]);
        self.size(grow);
        self.out.extend_from_slice(&[op::RETURN, op::END]);
        // The charge may be more than the counter holds: the gas is compared before.
        self.gas_of(op::GLOBAL_GET, self.counter_global);
        op::less_units(&mut self.out, units, price);
        self.gas_of(op::LOCAL_GET, pending);
        self.out.extend_from_slice(&[op::I64_LT_S, op::BR_IF, 0]);
        op::indexed(&mut self.out, op::GLOBAL_GET, self.counter_global);
        op::less_units(&mut self.out, units, counter::charge(price));
        op::indexed(&mut self.out, op::GLOBAL_SET, self.counter_global);
        // units > max - size, unsigned: no table or memory is larger than its maximum.
        op::indexed(&mut self.out, op::LOCAL_GET, units);
        op::narrow_constant(&mut self.out, grow.max.cast_signed());
        self.size(grow);
        self.out.extend_from_slice(&[op::I32_SUB, op::I32_GT_U, op::IF, TYPE_I32]);
        op::narrow_constant(&mut self.out, -1);
        self.out.push(op::ELSE);
        match grow.table {
            None => {
                op::indexed(&mut self.out, op::LOCAL_GET, units);
                self.out.extend_from_slice(&[op::MEMORY_GROW, 0]);
            }
            Some(table) => {
                op::indexed(&mut self.out, op::LOCAL_GET, 0);
                op::indexed(&mut self.out, op::LOCAL_GET, units);
                self.out.push(op::PREFIXED);
                op::indexed(&mut self.out, op::PREFIXED_TABLE_GROW, table);
            }
        }
        self.out.extend_from_slice(&[op::END, op::RETURN, op::END]);
        op::constant(&mut self.out, -1);
        op::indexed(&mut self.out, op::GLOBAL_SET, self.counter_global);
        self.out.push(op::UNREACHABLE);
    }

    /// The gas in a counter.
    fn gas_of(&mut self, get: u8, index: u32) {
        op::indexed(&mut self.out, get, index);
        op::constant(&mut self.out, counter::GAS_SHIFT);
        self.out.push(op::I64_SHR_S);
    }

    fn size(&mut self, grow: Grow) {
        match grow.table {
            None => self.out.extend_from_slice(&[op::MEMORY_SIZE, 0]),
            Some(table) => {
                self.out.push(op::PREFIXED);
                op::indexed(&mut self.out, op::PREFIXED_TABLE_SIZE, table);
            }
        }
    }
}
