//! Where a function body is charged and checked, decided in one forward pass over its operators.
//!
//! Gas is defined per operator, but charging per operator would be slow. At each point of the body the pass knows
//! `pending`: how much has been executed and not yet subtracted from the counter. So
//!
//! ```text
//! counter - pending = exact gas left            at every point, on every path
//! ```
//!
//! and a checkpoint needs no charge at all: it compares the counter with `pending`. A charge is made only where two
//! paths meet with different `pending` (all but the first must adjust), where the exact amount must stand in the
//! global (calls, returns, `unreachable`), and at operators whose cost is known at run time only. `pending` may
//! become negative: then more was charged than was executed.
//!
//! A charge may stand anywhere in the straight line that ends where it is needed. It is put at the start of that
//! line (its *slot*), so that it does not come between a comparison and the branch that uses it.

use alloc::vec::Vec;

use wasmparser::{BlockType, BrTable, Operator};

use crate::operator::Width;

/// Something to write into the body before the original byte at `at`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Insert {
    pub(crate) at: u32,
    /// Frames open around it, the function's own included.
    pub(crate) depth: u32,
    pub(crate) action: Action,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// Subtract from the counter (add, when negative).
    Charge(i64),
    /// Out of gas when the counter is below `pending`.
    Check { pending: i64 },
    /// Put the exact gas left into the global: before a return or an `unreachable`.
    Settle { pending: i64 },
    /// The same before a call, and hand the stack budget on.
    BeforeCall { pending: i64 },
    /// Take the counter back from the global; check where the function is of those that do.
    AfterCall,
    /// Charge `price` per unit of the topmost operand, and check.
    PerUnit { pending: i64, price: u64 },
    /// Before `memory.grow` or `table.grow`: reach it only where it grows by one or more, within the maximum.
    BeforeGrow(Grow),
    /// After it: the answers where it is not reached, the size for a growth by 0 and else −1.
    AfterGrow(Grow),
    /// Make the NaN on top of the stack, if it is one, the canonical one.
    Canonicalise(Width),
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
    ChargedBrIf { charge: i64, relative_depth: u32, next: u32 },
    /// Give an `if` without `else` one that charges.
    ChargedElse(i64),
    /// Charge by the index of the `br_table` that follows: the charges are `table_charges[first..first + count]`,
    /// the last one for the default.
    ChargedBrTable { first: u32, count: u32 },
}

/// What a growing operator grows, and how far it may.
///
/// The prepared code itself answers what needs no growing, so that no executor's own way of refusing matters. And wasmi
/// 2.0 leaves a frame on the host stack each time it executes one of these operators: this way their number is bounded
/// by what there is to grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grow {
    /// The table; `None` is the memory.
    pub(crate) table: Option<u32>,
    pub(crate) max: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Function,
    Block,
    Loop,
    If,
    Else,
}

struct Frame {
    kind: Kind,
    /// `pending` at the label: of a loop known from its start, else fixed by the first branch that arrives.
    label: Option<i64>,
    /// `pending` where an `if` began; `None` where it cannot be reached.
    entered: Option<i64>,
    /// Whether a branch to the label carries no values.
    carries_nothing: bool,
}

/// The plan of one body, and the scratch space that is reused from body to body.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) inserts: Vec<Insert>,
    pub(crate) table_charges: Vec<i64>,
    /// Whether any loop can be reached: then the counter lives in a local.
    pub(crate) has_loop: bool,
    /// Whether a branch, not a return, leaves the function.
    pub(crate) branches_to_function: bool,
    /// Whether a call or call_indirect stands anywhere in the body, also where it cannot be reached.
    pub(crate) has_call: bool,
    pub(crate) has_per_unit: bool,
    pub(crate) has_table_grow: bool,
    pub(crate) has_charged_table: bool,
    pub(crate) canonical_f32: bool,
    pub(crate) canonical_f64: bool,
    /// Sum of the prices of all operators, reachable or not.
    pub(crate) static_gas: u64,
    /// What entering the function costs.
    pub(crate) entry_gas: i64,
    /// `pending` at the end of the function; `None` where it cannot be reached.
    pub(crate) pending_at_end: Option<i64>,
    frames: Vec<Frame>,
    /// Index of each open loop in `frames`.
    loops: Vec<usize>,
    /// `None` where code cannot be reached.
    pending: Option<i64>,
    /// Index of the `Charge` insertion that the current straight line may use.
    slot: usize,
}

/// Whether wasmi is to save the locals on the operand stack before this operator: see [`Action::SaveLocals`].
fn needs_saved_locals(operator: &Operator<'_>) -> bool {
    match operator {
        Operator::I32Store { memarg } | Operator::I32Store8 { memarg } | Operator::I32Store16 { memarg } => {
            memarg.offset > u64::from(u16::MAX)
        }
        Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
            matches!(blockty, BlockType::FuncType(_))
        }
        _ => false,
    }
}

/// What the pass needs to know about an operator besides the operator itself.
pub(crate) struct Step<'a, 'b> {
    pub(crate) operator: &'a Operator<'b>,
    pub(crate) price: i64,
    pub(crate) per_unit: Option<u64>,
    pub(crate) grow: Option<Grow>,
    pub(crate) canonicalise: Option<Width>,
    /// Offset of the operator and of what follows it.
    pub(crate) at: u32,
    pub(crate) next: u32,
    /// For a block, loop or if: how many values a branch to its label carries.
    pub(crate) label_arity: usize,
}

impl Plan {
    /// Begins a body whose first operator is at `at`.
    pub(crate) fn begin(&mut self, at: u32, entry_gas: i64, result_count: usize) {
        self.inserts.clear();
        self.table_charges.clear();
        self.frames.clear();
        self.loops.clear();
        self.has_loop = false;
        self.branches_to_function = false;
        self.has_call = false;
        self.has_per_unit = false;
        self.has_table_grow = false;
        self.has_charged_table = false;
        self.canonical_f32 = false;
        self.canonical_f64 = false;
        self.static_gas = 0;
        self.entry_gas = entry_gas;
        self.pending_at_end = None;
        self.pending = Some(entry_gas);
        self.frames.push(Frame {
            kind: Kind::Function,
            label: None,
            entered: None,
            carries_nothing: result_count == 0,
        });
        self.open_slot(at);
    }

    /// Takes the next operator of the body.
    pub(crate) fn step(&mut self, step: &Step<'_, '_>) {
        self.static_gas = self.static_gas.saturating_add(step.price.unsigned_abs());
        self.pending = self.pending.map(|pending| pending.saturating_add(step.price));
        if self.pending.is_some() && needs_saved_locals(step.operator) {
            self.insert(step.at, Action::SaveLocals);
        }
        match step.operator {
            Operator::Block { .. } => self.push(Kind::Block, None, step),
            Operator::Loop { .. } => self.enter_loop(step),
            Operator::If { .. } => {
                self.push(Kind::If, None, step);
                self.open_slot(step.next);
            }
            Operator::Else => self.meet_else(step),
            Operator::End => self.leave(step),
            Operator::Br { relative_depth } => {
                self.note_branch(*relative_depth);
                self.jump(*relative_depth);
                self.pending = None;
            }
            Operator::BrIf { relative_depth } => self.branch_if(*relative_depth, step),
            Operator::BrTable { targets } => self.branch_table(targets, step.at),
            Operator::Return => self.end_with_settlement(step.at),
            Operator::Unreachable => self.end_with_settlement(step.at),
            Operator::Call { .. } | Operator::CallIndirect { .. } => self.call(step),
            Operator::Select | Operator::TypedSelect { .. } if self.pending.is_some() => {
                self.insert(step.at, Action::CountBits);
            }
            _ => self.straight(step),
        }
    }

    fn straight(&mut self, step: &Step<'_, '_>) {
        let Some(pending) = self.pending else { return };
        if let Some(price) = step.per_unit {
            self.has_per_unit = true;
            self.insert(step.at, Action::PerUnit { pending, price });
            if let Some(grow) = step.grow {
                self.has_table_grow |= grow.table.is_some();
                self.insert(step.at, Action::BeforeGrow(grow));
                self.insert(step.next, Action::AfterGrow(grow));
            }
            self.open_slot(step.next);
        }
        if let Some(width) = step.canonicalise {
            match width {
                Width::F32 => self.canonical_f32 = true,
                Width::F64 => self.canonical_f64 = true,
            }
            self.insert(step.next, Action::Canonicalise(width));
        }
    }

    fn call(&mut self, step: &Step<'_, '_>) {
        self.has_call = true;
        let Some(pending) = self.pending else { return };
        self.insert(step.at, Action::BeforeCall { pending });
        self.insert(step.next, Action::AfterCall);
        self.pending = Some(0);
        self.open_slot(step.next);
    }

    fn end_with_settlement(&mut self, at: u32) {
        if let Some(pending) = self.pending.take() {
            self.insert(at, Action::Settle { pending });
        }
    }

    fn push(&mut self, kind: Kind, label: Option<i64>, step: &Step<'_, '_>) {
        let carries_nothing = step.label_arity == 0;
        self.frames.push(Frame { kind, label, entered: self.pending, carries_nothing });
    }

    fn enter_loop(&mut self, step: &Step<'_, '_>) {
        self.loops.push(self.frames.len());
        self.push(Kind::Loop, self.pending, step);
        if let Some(pending) = self.pending {
            self.has_loop = true;
            self.insert(step.next, Action::Check { pending });
            self.open_slot(step.next);
        }
    }

    fn meet_else(&mut self, step: &Step<'_, '_>) {
        self.jump(0);
        if let Some(frame) = self.frames.last_mut() {
            frame.kind = Kind::Else;
            self.pending = frame.entered;
        }
        self.open_slot(step.next);
    }

    fn leave(&mut self, step: &Step<'_, '_>) {
        let Some(kind) = self.frames.last().map(|frame| frame.kind) else { return };
        match kind {
            Kind::Loop => {
                self.loops.pop();
                self.frames.pop();
                return;
            }
            Kind::If => self.implied_else(step.at),
            Kind::Function | Kind::Block | Kind::Else => self.jump(0),
        }
        self.pending = self.frames.pop().and_then(|frame| frame.label);
        if kind == Kind::Function {
            self.pending_at_end = self.pending;
        } else {
            self.open_slot(step.next);
        }
    }

    /// At the `end` of an `if` without `else`: the way past it costs nothing, unless a branch fixed the label before.
    fn implied_else(&mut self, at: u32) {
        let Some(frame) = self.frames.last_mut() else { return };
        let Some(entered) = frame.entered else { return };
        let label = *frame.label.get_or_insert(entered);
        self.jump(0);
        if label != entered {
            self.insert(at, Action::ChargedElse(entered.saturating_sub(label)));
        }
    }

    /// Arrives at the label `relative_depth` frames out, from here, always.
    fn jump(&mut self, relative_depth: u32) {
        let Some(pending) = self.pending else { return };
        let Some(label) = self.arrive(relative_depth, pending) else { return };
        self.charge_in_slot(pending.saturating_sub(label));
        self.pending = Some(label);
    }

    fn branch_if(&mut self, relative_depth: u32, step: &Step<'_, '_>) {
        self.note_branch(relative_depth);
        let Some(pending) = self.pending else { return };
        let Some(label) = self.arrive(relative_depth, pending) else { return };
        let charge = pending.saturating_sub(label);
        if charge != 0 {
            if self.leaves_loop(relative_depth) {
                self.insert(step.at, Action::ChargedBrIf { charge, relative_depth, next: step.next });
            } else {
                self.charge_in_slot(charge);
                self.pending = Some(label);
            }
        }
        self.open_slot(step.next);
    }

    /// Whether a branch leaves the innermost loop and carries nothing: taken once per loop, so it pays for itself.
    fn leaves_loop(&self, relative_depth: u32) -> bool {
        let Some(target) = self.frame_index(relative_depth) else { return false };
        let carries_nothing = self.frames.get(target).is_some_and(|frame| frame.carries_nothing);
        carries_nothing && self.loops.last().is_some_and(|&innermost| target < innermost)
    }

    fn branch_table(&mut self, targets: &BrTable<'_>, at: u32) {
        let default = targets.default();
        let depths = || targets.targets().flatten().chain([default]);
        depths().for_each(|depth| self.note_branch(depth));
        let Some(pending) = self.pending else { return };
        let mut fixed = None;
        let mut agree = true;
        for depth in depths() {
            let label = self.frame_index(depth).and_then(|index| self.frames.get(index)).and_then(|frame| frame.label);
            match (fixed, label) {
                (None, Some(_)) => fixed = label,
                (Some(one), Some(other)) if one != other => agree = false,
                _ => {}
            }
        }
        if agree {
            let label = fixed.unwrap_or(pending);
            self.charge_in_slot(pending.saturating_sub(label));
            for depth in depths() {
                self.arrive(depth, label);
            }
        } else {
            self.charge_by_index(depths(), pending, at);
        }
        self.pending = None;
    }

    fn charge_by_index(&mut self, depths: impl Iterator<Item = u32>, pending: i64, at: u32) {
        let first = count(self.table_charges.len());
        for depth in depths {
            let label = self.arrive(depth, pending).unwrap_or(pending);
            self.table_charges.push(pending.saturating_sub(label));
        }
        self.has_charged_table = true;
        let count = count(self.table_charges.len()).saturating_sub(first);
        self.insert(at, Action::ChargedBrTable { first, count });
    }

    /// `pending` at the label `relative_depth` frames out, fixing it to `pending` if nothing arrived there before.
    fn arrive(&mut self, relative_depth: u32, pending: i64) -> Option<i64> {
        let index = self.frame_index(relative_depth)?;
        let frame = self.frames.get_mut(index)?;
        Some(*frame.label.get_or_insert(pending))
    }

    /// Reachable or not: a branch to the function's label must find that label after the body is wrapped.
    fn note_branch(&mut self, relative_depth: u32) {
        self.branches_to_function |= self.frame_index(relative_depth) == Some(0);
    }

    fn frame_index(&self, relative_depth: u32) -> Option<usize> {
        self.frames.len().checked_sub(1)?.checked_sub(usize::try_from(relative_depth).ok()?)
    }

    fn charge_in_slot(&mut self, amount: i64) {
        if let Some(Insert { action: Action::Charge(charge), .. }) = self.inserts.get_mut(self.slot) {
            *charge = charge.saturating_add(amount);
        }
    }

    fn open_slot(&mut self, at: u32) {
        self.slot = self.inserts.len();
        self.insert(at, Action::Charge(0));
    }

    fn insert(&mut self, at: u32, action: Action) {
        self.inserts.push(Insert { at, depth: count(self.frames.len()), action });
    }
}

/// Counts within one body fit: bodies are shorter than 4 GiB.
fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
