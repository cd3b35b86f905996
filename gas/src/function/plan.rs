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
//! The stack is counted in the same way, in the same counter: `pending` also says whether the units of the frame have been
//! taken from it. They must be at calls and must not be at returns; in between it is left to what merges best.
//!
//! What must be done somewhere on a straight line is done at its beginning (its *line*), so that it does not come
//! between a comparison and the branch that uses it, or between a result and the return that takes it.

mod action;
mod branch;
mod lost;
mod pending;

use alloc::vec::Vec;

pub(crate) use self::action::{Action, Grow, Insert};
pub(crate) use self::pending::Pending;
use super::slice;
use crate::operator::Width;

/// What remains to be done once it is known where the operator ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    /// A line begins.
    Line,
    /// A loop's head, and a line.
    LoopHead { pending: Pending },
    /// A call has returned, and a line begins.
    Call,
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
    label: Option<Pending>,
    /// `pending` where the frame began; `None` where that cannot be reached.
    entered: Option<Pending>,
    /// How many values a branch to the label carries.
    arity: usize,
}

/// The plan of one body, and the scratch space that is reused from body to body.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) inserts: Vec<Insert>,
    pub(crate) table_charges: Vec<Pending>,
    /// Whether any loop can be reached: then the counter may live in a local.
    pub(crate) has_loop: bool,
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
    pub(crate) has_charged_table: bool,
    pub(crate) canonical_f32: bool,
    pub(crate) canonical_f64: bool,
    /// Values that branches and returns carry to their labels, reachable or not.
    pub(crate) values_carried: u64,
    /// `pending` at the end of the function, where branches arrive there.
    pub(crate) pending_at_end: Option<Pending>,
    /// What the walk must see to once it knows where the operator ends.
    pub(crate) after: Option<After>,
    /// What the operator before was.
    pub(crate) previous: Previous,
    frames: Vec<Frame>,
    /// Index of each open loop that can be reached in `frames`.
    loops: Vec<usize>,
    reachable: bool,
    /// The prices of all operators so far, reachable or not; `pending` is what this is above `settled`.
    paid: Pending,
    settled: Pending,
    /// The insertion at the beginning of the current straight line.
    line: usize,
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
            settled: Pending::gas(entry_gas).negative(),
            reachable: true,
            ..Plan::default()
        };
        self.push(Kind::Function, None, result_count);
        self.open_line(at);
    }

    /// The sum of the prices of all operators, reachable or not.
    pub(crate) fn static_gas(&self) -> u64 {
        self.paid.gas_part().unsigned_abs()
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

    /// Adds the price of an operator. Prices and bodies are small enough that nothing overflows.
    #[inline(always)]
    pub(crate) fn pay(&mut self, price: i64) {
        self.paid = self.paid.and(Pending::gas(price));
    }

    fn pending(&self) -> Pending {
        self.paid.less(self.settled)
    }

    fn set_pending(&mut self, pending: Pending) {
        self.settled = self.paid.less(pending);
    }

    fn reachable_pending(&self) -> Option<Pending> {
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

    fn push(&mut self, kind: Kind, label: Option<Pending>, arity: usize) {
        self.frames.push(Frame { kind, label, entered: self.reachable_pending(), arity });
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
    pub(crate) fn work(&mut self, at: u32, price: u64) {
        let Some(pending) = self.reachable_pending() else { return };
        self.has_per_unit = true;
        self.insert(at, Action::PerUnit { pending, price });
        self.after = Some(After::Line);
    }

    pub(crate) fn grow(&mut self, at: u32, grow: Grow) {
        let Some(pending) = self.reachable_pending() else { return };
        self.weigh(2, 0);
        self.insert(at, Action::Grow { grow, pending, next: at });
        self.after = Some(After::Replaced);
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
        self.weigh(4, 3);
        self.insert(at, Action::BeforeCall(pending.less(Pending::TAKEN)));
        self.set_pending(Pending::TAKEN);
        self.after = Some(After::Call);
    }

    /// A return, or the end of the body.
    pub(crate) fn leave_function(&mut self, at: u32) {
        if let Some(pending) = self.reachable_pending() {
            self.settle_line(at, Action::Settle(pending));
            self.insert(at, Action::CheckReturn);
            self.reachable = false;
        }
    }

    pub(crate) fn meet_unreachable(&mut self, at: u32) {
        if let Some(pending) = self.reachable_pending() {
            let amount = pending.less(Pending::TAKEN);
            let at_once = self.inserts.get(self.line).is_some_and(|line| line.at == at);
            self.settle_line(at, if at_once { Action::SettleAndTrap(amount) } else { Action::Settle(amount) });
            self.reachable = false;
        }
    }

    pub(crate) fn meet_else(&mut self) {
        self.jump(0);
        if let Some(frame) = self.frames.last_mut() {
            frame.kind = Kind::Else;
            let entered = frame.entered;
            self.reach(entered);
        }
        self.after = Some(After::Line);
    }

    pub(crate) fn leave(&mut self, at: u32) {
        let Some(kind) = self.frames.last().map(|frame| frame.kind) else { return };
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

    fn reach(&mut self, pending: Option<Pending>) {
        self.reachable = pending.is_some();
        self.set_pending(pending.unwrap_or_default());
    }

    /// At the `end` of an `if` without `else`: the way past it costs nothing, unless a branch fixed the label before.
    fn implied_else(&mut self, at: u32) {
        let Some(frame) = self.frames.last_mut() else { return };
        let Some(entered) = frame.entered else { return };
        let label = *frame.label.get_or_insert(entered);
        self.jump(0);
        if label != entered {
            self.insert(at, Action::ChargedElse(entered.less(label)));
        }
    }

    /// What was left to do once the operator's end is known: `next`, an offset in the module.
    pub(crate) fn finish(&mut self, next: u32, module: &[u8]) {
        match self.after.take() {
            None => return,
            Some(After::Line) => {}
            Some(After::LoopHead { pending }) => {
                self.weigh(1, 2);
                self.insert(next, Action::Check { pending });
            }
            Some(After::Call) => self.insert(next, Action::AfterCall),
            Some(After::Nan(width)) => {
                let from = u64::from(next);
                let following = slice(module, from, from.saturating_add(lost::LOOKED_AT));
                return self.canonicalise(width, next, following);
            }
            Some(After::Replaced) => {
                if let Some(Insert {
                    action: Action::ChargedBrIf { next: end, .. } | Action::Grow { next: end, .. },
                    ..
                }) = self.inserts.last_mut()
                {
                    *end = next;
                }
            }
        }
        self.open_line(next);
    }

    /// A NaN made here is made canonical before anything can tell it from another.
    ///
    /// Where the operator that takes it makes a NaN of a NaN, or compares, or throws it away, nothing can. Where it goes into
    /// a local it is corrected there, which costs least.
    fn canonicalise(&mut self, width: Width, next: u32, following: &[u8]) {
        if lost::is_lost_in(following) {
            return;
        }
        // local.set and local.tee of a local with a small index.
        if let [operator @ (0x21 | 0x22), local @ 0..=0x7f, ..] = following {
            let action = Action::CanonicaliseLocal { width, local: u32::from(*local), kept: *operator == 0x22 };
            return self.insert(next.saturating_add(2), action);
        }
        match width {
            Width::F32 => self.canonical_f32 = true,
            Width::F64 => self.canonical_f64 = true,
        }
        self.insert(next, Action::Canonicalise(width));
    }

    fn charge_line(&mut self, amount: Pending) {
        if amount.is_nothing() {
            return;
        }
        self.weigh(1, 3);
        if let Some(Insert { action: Action::Charge(charge), .. }) = self.inserts.get_mut(self.line) {
            *charge = charge.and(amount);
        }
    }

    /// Puts the exact gas at the end of this line into the global, at its beginning.
    fn settle_line(&mut self, at: u32, settle: Action) {
        self.weigh(2, 3);
        match self.inserts.get_mut(self.line) {
            Some(Insert { action: action @ Action::Charge(Pending::NOTHING), .. }) => *action = settle,
            _ => self.insert(at, settle),
        }
    }

    fn open_line(&mut self, at: u32) {
        self.line = self.inserts.len();
        self.insert(at, Action::Charge(Pending::NOTHING));
    }

    fn insert(&mut self, at: u32, action: Action) {
        self.inserts.push(Insert { at, depth: count(self.frames.len()), action });
    }
}

/// Counts within one body fit: bodies are shorter than 4 GiB.
fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
