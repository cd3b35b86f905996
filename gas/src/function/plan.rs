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
//! What must be done somewhere on a straight line is done at its beginning (its *line*), so that it does not come
//! between a comparison and the branch that uses it, or between a result and the return that takes it.

mod action;
mod branch;

use alloc::vec::Vec;

pub(crate) use self::action::{Action, Grow, Insert};
use crate::operator::Width;

/// What remains to be done once it is known where the operator ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    /// A line begins.
    Line,
    /// A loop's head, and a line.
    LoopHead { pending: i64 },
    /// A call has returned, and a line begins.
    Call,
    /// Something has grown, and a line begins.
    Grow(Grow),
    /// A NaN may have been made.
    Nan(Width),
    /// The last insertion stands for this operator, and a line begins.
    Replaced,
}

/// What the preceding operator was, as far as the interpreter's mistakes make it matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Previous {
    /// Computes what it pushes, by an operation that wasmi does not leave out before a `select`.
    Condition,
    /// Computes what it pushes: that is no local.
    Computation,
    /// Anything else.
    #[default]
    Other,
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
    /// Whether every branch that arrived had the stack checked.
    label_stack_checked: bool,
    /// `pending` where the frame began; `None` where that cannot be reached.
    entered: Option<i64>,
    entered_stack_checked: bool,
    /// The line in which the frame began.
    line: Line,
    /// Whether a branch to the label carries no values.
    carries_nothing: bool,
}

/// The beginning of a straight line: its insertion, and how many frames were open there.
#[derive(Clone, Copy, Default)]
struct Line {
    insert: usize,
    depth: usize,
}

/// The plan of one body, and the scratch space that is reused from body to body.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) inserts: Vec<Insert>,
    pub(crate) table_charges: Vec<i64>,
    /// Whether any loop can be reached: then the counter may live in a local.
    has_loop: bool,
    /// Operations that the interpreter needs with the counter in a local, and in the global; those in loops count more.
    local_cost: u64,
    global_cost: u64,
    /// Whether a loop, call or call_indirect stands anywhere in the body, also where it cannot be reached.
    pub(crate) loops_or_calls: bool,
    /// Whether a branch, not a return, leaves the function.
    pub(crate) branches_to_function: bool,
    /// Whether a call or call_indirect stands anywhere in the body, also where it cannot be reached.
    pub(crate) has_call: bool,
    pub(crate) has_per_unit: bool,
    pub(crate) has_table_grow: bool,
    pub(crate) has_charged_table: bool,
    pub(crate) canonical_f32: bool,
    pub(crate) canonical_f64: bool,
    /// What entering the function costs.
    pub(crate) entry_gas: i64,
    /// `pending` at the end of the function, where branches arrive there.
    pub(crate) pending_at_end: Option<i64>,
    /// What the walk must see to once it knows where the operator ends.
    pub(crate) after: Option<After>,
    /// What the operator before was.
    pub(crate) previous: Previous,
    frames: Vec<Frame>,
    /// Index of each open loop that can be reached in `frames`.
    loops: Vec<usize>,
    reachable: bool,
    /// The sum of the prices of all operators so far, reachable or not; `pending` is what this is above `settled`.
    paid: i64,
    settled: i64,
    line: Line,
    /// Where the stack budget of the frame is computed: before all calls, outside of loops.
    take: Option<Line>,
    /// Where it must move to when another call comes: the line before the frame that it stood in.
    take_moved: Option<Line>,
    /// Whether the stack was checked on every path to here.
    stack_checked: bool,
}

impl Plan {
    /// Begins a body whose first operator is at `at`.
    pub(crate) fn begin(&mut self, at: u32, entry_gas: i64, result_count: usize) {
        let mut reused = core::mem::take(self);
        reused.inserts.clear();
        reused.table_charges.clear();
        reused.frames.clear();
        reused.loops.clear();
        *self = Plan {
            inserts: reused.inserts,
            table_charges: reused.table_charges,
            frames: reused.frames,
            loops: reused.loops,
            entry_gas,
            settled: entry_gas.saturating_neg(),
            reachable: true,
            ..Plan::default()
        };
        self.push(Kind::Function, None, result_count);
        self.open_line(at);
    }

    /// The sum of the prices of all operators, reachable or not.
    pub(crate) fn static_gas(&self) -> u64 {
        self.paid.unsigned_abs()
    }

    /// Whether the counter lives in a local between calls.
    pub(crate) fn counter_in_local(&self) -> bool {
        self.has_loop && self.local_cost < self.global_cost
    }

    /// Counts operations that are needed here, by where the counter lives.
    fn weigh(&mut self, local: u64, global: u64) {
        let depth = u32::try_from(self.loops.len().min(6)).unwrap_or(6);
        let weight = 8_u64.pow(depth);
        self.local_cost = self.local_cost.saturating_add(local.saturating_mul(weight));
        self.global_cost = self.global_cost.saturating_add(global.saturating_mul(weight));
    }

    /// The line at which the stack budget is computed.
    pub(crate) fn take(&self) -> Option<usize> {
        self.take.map(|line| line.insert)
    }

    /// Adds the price of an operator. Prices and bodies are small enough that nothing overflows.
    #[inline(always)]
    pub(crate) fn pay(&mut self, price: i64) {
        self.paid = self.paid.wrapping_add(price);
    }

    fn pending(&self) -> i64 {
        self.paid.wrapping_sub(self.settled)
    }

    fn set_pending(&mut self, pending: i64) {
        self.settled = self.paid.wrapping_sub(pending);
    }

    fn reachable_pending(&self) -> Option<i64> {
        self.reachable.then(|| self.pending())
    }

    pub(crate) fn enter_block(&mut self, at: u32, arity: usize, by_index: bool) {
        self.save_locals(at, by_index);
        self.push(Kind::Block, None, arity);
    }

    pub(crate) fn enter_loop(&mut self, at: u32, arity: usize, by_index: bool) {
        self.save_locals(at, by_index);
        self.loops_or_calls = true;
        if self.reachable {
            self.has_loop = true;
            self.loops.push(self.frames.len());
            self.after = Some(After::LoopHead { pending: self.pending() });
        }
        self.push(Kind::Loop, self.reachable_pending(), arity);
    }

    pub(crate) fn enter_if(&mut self, at: u32, arity: usize, by_index: bool) {
        self.save_locals(at, by_index);
        self.push(Kind::If, None, arity);
        self.after = Some(After::Line);
    }

    fn push(&mut self, kind: Kind, label: Option<i64>, arity: usize) {
        self.frames.push(Frame {
            kind,
            label,
            label_stack_checked: true,
            entered: self.reachable_pending(),
            entered_stack_checked: self.stack_checked,
            line: self.line_here(),
            carries_nothing: arity == 0,
        });
    }

    fn save_locals(&mut self, at: u32, needed: bool) {
        if needed && self.reachable {
            self.insert(at, Action::SaveLocals);
        }
    }

    /// A store of an i32 at an offset of more than 16 bits: see [`Action::SaveLocals`].
    pub(crate) fn far_store(&mut self, at: u32) {
        self.save_locals(at, self.previous == Previous::Other);
    }

    pub(crate) fn select(&mut self, at: u32) {
        if self.reachable && self.previous != Previous::Condition {
            self.insert(at, Action::CountBits);
        }
    }

    /// Work that is charged by the unit.
    pub(crate) fn work(&mut self, at: u32, price: u64, grow: Option<Grow>) {
        let Some(pending) = self.reachable_pending() else { return };
        self.has_per_unit = true;
        self.insert(at, Action::PerUnit { pending, price });
        self.after = Some(After::Line);
        if let Some(grow) = grow {
            self.has_table_grow |= grow.table.is_some();
            self.insert(at, Action::BeforeGrow(grow));
            self.after = Some(After::Grow(grow));
        }
    }

    pub(crate) fn makes_nan(&mut self, width: Width) {
        if self.reachable {
            self.after = Some(After::Nan(width));
        }
    }

    pub(crate) fn call(&mut self, at: u32) {
        self.has_call = true;
        self.loops_or_calls = true;
        let Some(pending) = self.reachable_pending() else { return };
        self.take_stack();
        self.weigh(4, 3);
        self.insert(at, Action::BeforeCall { pending, check_stack: !self.stack_checked });
        self.stack_checked = true;
        self.set_pending(0);
        self.after = Some(After::Call);
    }

    /// Sees to it that the stack budget is computed at a line that every path to here has passed, once.
    fn take_stack(&mut self) {
        if let Some(moved) = self.take_moved.take() {
            self.take = Some(moved);
        }
        if self.take.is_none() {
            let outermost = self.loops.first().and_then(|&index| self.frames.get(index));
            self.take = Some(outermost.map_or(self.line_here(), |frame| frame.line));
        }
    }

    /// Before the innermost frame ends: what was computed in it has not been computed on all paths behind it.
    fn leave_take(&mut self) {
        let stands = self.take_moved.or(self.take);
        if let (Some(stands), Some(frame)) = (stands, self.frames.last())
            && stands.depth >= self.frames.len()
        {
            self.take_moved = Some(frame.line);
        }
    }

    /// A return, or the end of the body.
    pub(crate) fn leave_function(&mut self, at: u32) {
        if let Some(pending) = self.reachable_pending() {
            self.settle_line(pending, at);
            self.insert(at, Action::CheckReturn);
            self.reachable = false;
        }
    }

    pub(crate) fn meet_unreachable(&mut self, at: u32) {
        if let Some(pending) = self.reachable_pending() {
            self.settle_line(pending, at);
            self.reachable = false;
        }
    }

    pub(crate) fn meet_else(&mut self) {
        self.jump(0);
        self.leave_take();
        if let Some(frame) = self.frames.last_mut() {
            frame.kind = Kind::Else;
            let (entered, checked) = (frame.entered, frame.entered_stack_checked);
            self.reach(entered);
            self.stack_checked = checked;
        }
        self.after = Some(After::Line);
    }

    pub(crate) fn leave(&mut self, at: u32) {
        let Some(kind) = self.frames.last().map(|frame| frame.kind) else { return };
        self.leave_take();
        match kind {
            Kind::Loop => {
                let reached = self.frames.pop().is_some_and(|frame| frame.label.is_some());
                if reached {
                    self.loops.pop();
                }
                return;
            }
            Kind::Function => return self.end(at),
            Kind::If => self.implied_else(at),
            Kind::Block | Kind::Else => self.jump(0),
        }
        if let Some(frame) = self.frames.pop() {
            self.reach(frame.label);
            self.stack_checked = frame.label_stack_checked;
        }
        self.after = Some(After::Line);
    }

    /// The end of the body.
    fn end(&mut self, at: u32) {
        if self.branches_to_function {
            self.jump(0);
            self.pending_at_end = self.frames.pop().and_then(|frame| frame.label);
        } else {
            self.leave_function(at);
            self.frames.pop();
        }
    }

    fn reach(&mut self, pending: Option<i64>) {
        self.reachable = pending.is_some();
        self.set_pending(pending.unwrap_or(0));
    }

    /// At the `end` of an `if` without `else`: the way past it costs nothing, unless a branch fixed the label before.
    fn implied_else(&mut self, at: u32) {
        let Some(frame) = self.frames.last_mut() else { return };
        let Some(entered) = frame.entered else { return };
        let label = *frame.label.get_or_insert(entered);
        frame.label_stack_checked &= frame.entered_stack_checked;
        self.jump(0);
        if label != entered {
            self.insert(at, Action::ChargedElse(entered.saturating_sub(label)));
        }
    }

    /// What was left to do once the operator's end is known: `next`, before the bytes `following`.
    pub(crate) fn finish(&mut self, next: u32, following: &[u8]) {
        match self.after.take() {
            None => return,
            Some(After::Line) => {}
            Some(After::LoopHead { pending }) => {
                self.weigh(1, 2);
                self.insert(next, Action::Check { pending });
            }
            Some(After::Call) => self.insert(next, Action::AfterCall),
            Some(After::Grow(grow)) => self.insert(next, Action::AfterGrow(grow)),
            Some(After::Nan(width)) => return self.canonicalise(width, next, following),
            Some(After::Replaced) => {
                if let Some(Insert { action: Action::ChargedBrIf { next: end, .. }, .. }) = self.inserts.last_mut() {
                    *end = next;
                }
            }
        }
        self.open_line(next);
    }

    /// A NaN made here is made canonical before anything can tell it from another.
    ///
    /// Where the next operator makes a NaN of a NaN, or compares, or throws it away, nothing can. Where it goes into a
    /// local it is corrected there, which costs least.
    fn canonicalise(&mut self, width: Width, next: u32, following: &[u8]) {
        if is_lost_in(following) {
            return;
        }
        // local.set of a local with a small index.
        if let [0x21, local @ 0..=0x7f, ..] = following {
            let action = Action::CanonicaliseLocal { width, local: u32::from(*local) };
            return self.insert(next.saturating_add(2), action);
        }
        match width {
            Width::F32 => self.canonical_f32 = true,
            Width::F64 => self.canonical_f64 = true,
        }
        self.insert(next, Action::Canonicalise(width));
    }

    fn charge_line(&mut self, amount: i64) {
        if amount == 0 {
            return;
        }
        self.weigh(1, 3);
        if let Some(Insert { action: Action::Charge(charge), .. }) = self.inserts.get_mut(self.line.insert) {
            *charge = charge.saturating_add(amount);
        }
    }

    /// Puts the exact gas at the end of this line into the global, at its beginning.
    fn settle_line(&mut self, pending: i64, at: u32) {
        self.weigh(2, 3);
        match self.inserts.get_mut(self.line.insert) {
            Some(Insert { action: action @ Action::Charge(0), .. }) => *action = Action::Settle(pending),
            _ => self.insert(at, Action::Settle(pending)),
        }
    }

    /// The current line. One that began in a loop and goes on behind it is left by no branch: it belongs where it ends.
    fn line_here(&self) -> Line {
        Line { depth: self.line.depth.min(self.frames.len()), ..self.line }
    }

    fn open_line(&mut self, at: u32) {
        self.line = Line { insert: self.inserts.len(), depth: self.frames.len() };
        self.insert(at, Action::Charge(0));
    }

    fn insert(&mut self, at: u32, action: Action) {
        self.inserts.push(Insert { at, depth: count(self.frames.len()), action });
    }
}

/// Whether the bytes of the next operators take a float such that nobody can tell which NaN it was.
fn is_lost_in(following: &[u8]) -> bool {
    // Float operators with two operands that make a NaN of a NaN, or compare.
    let is_binary = |operator: u8| matches!(operator, 0x5b..=0x66 | 0x92..=0x97 | 0xa0..=0xa5);
    match following {
        // With one operand: rounding, square root, conversions, drop.
        [0x1a | 0x8d..=0x91 | 0x9b..=0x9f | 0xa8..=0xab | 0xae..=0xb1 | 0xb6 | 0xbb, ..] => true,
        // As the first operand: the second is a local or a constant.
        [0x20, 0..=0x7f, operator, ..]
        | [0x43, _, _, _, _, operator, ..]
        | [0x44, _, _, _, _, _, _, _, _, operator, ..] => is_binary(*operator),
        [operator, ..] => is_binary(*operator),
        [] => false,
    }
}

/// Counts within one body fit: bodies are shorter than 4 GiB.
fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
