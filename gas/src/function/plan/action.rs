//! What is written into a body, and where.

use super::Pending;
use crate::operator::Width;

/// Something to write into the body before the original byte at `at`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Insert {
    pub(crate) at: u32,
    /// Frames open around it, the function's own included.
    pub(crate) depth: u32,
    pub(crate) action: Action,
}

impl Insert {
    /// Whether this takes the counter, so that a charge that directly follows is made by it.
    pub(crate) fn joins(&self) -> bool {
        matches!(self.action, Action::Check { .. } | Action::AfterCall)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// The beginning of a line: charge the counter.
    Charge(Pending),
    /// The beginning of a line that leaves the function: put the counter less this, the exact gas at its end, into the
    /// global.
    Settle(Pending),
    /// The same, where an `unreachable` is all there is on the line.
    SettleAndTrap(Pending),
    /// Out of gas when the counter is below `pending`.
    Check { pending: Pending },
    /// Put the counter less this into the global: the exact gas left, the frame's units taken.
    BeforeCall(Pending),
    /// Take the counter back from the global.
    AfterCall,
    /// Before a return: out of gas when the global is below 0, where the function is of those that check.
    CheckReturn,
    /// Charge `price` per unit of the topmost operand, and check.
    PerUnit { pending: Pending, price: u64 },
    /// Replace `memory.grow` or `table.grow` by a call of the function that charges, checks `pending` and grows.
    Grow { grow: Grow, pending: Pending, next: u32 },
    /// Make the NaN on top of the stack, if it is one, the canonical one.
    Canonicalise(Width),
    /// The same for a local that was just set; `kept` is whether the value is on the stack too.
    CanonicaliseLocal { width: Width, local: u32, kept: bool },
    /// Before `select`: count the bits of its condition, which keeps zero and non-zero apart.
    ///
    /// wasmi 2.0 leaves out a comparison with zero that stands before a `select`, and then reads the condition from a
    /// register that was never set. After another operator it has nothing to leave out.
    CountBits,
    /// Before a block, loop or `if` that may take parameters, and before some stores: an empty block without any.
    ///
    /// Where a block begins, wasmi 2.0 saves the locals that lie on the operand stack, all but the block's parameters.
    /// It leaves out as many locals as there are parameters, even when the parameters are no locals; what lies below
    /// is then saved on one path only, and read from a register that was never set on the others. At the beginning of
    /// a block without parameters it saves all of them.
    ///
    /// And it panics at a store of an i32, at an offset of more than 16 bits, whose address and value are the same local
    /// in a register of the interpreter: saved locals are in no register.
    SaveLocals,
    /// Replace the `br_if depth` by one that charges only when taken.
    ChargedBrIf { charge: Pending, relative_depth: u32, next: u32 },
    /// Give an `if` without `else` one that charges.
    ChargedElse(Pending),
    /// Charge by the index of the `br_table` that follows: the charges are `table_charges[first..first + count]`,
    /// the last one for the default.
    ChargedBrTable { first: u32, count: u32 },
}

/// What a growing operator grows, and how far it may.
///
/// The prepared code itself answers what needs no growing (by 0, or beyond the maximum), so that no executor's own way of
/// refusing matters. And wasmi 2.0 leaves a frame on the host stack each time it executes one of these operators: this way
/// their number is bounded by what there is to grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grow {
    /// The table; `None` is the memory.
    pub(crate) table: Option<u32>,
    pub(crate) max: u32,
}
