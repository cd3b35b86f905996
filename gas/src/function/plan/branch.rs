//! Branches: what is pending where one leaves, and at the label where it arrives.

use wasmparser::BrTable;

use super::{Action, After, Pending, Plan, count};
use crate::encode;

impl Plan {
    pub(crate) fn branch(&mut self, relative_depth: u32) {
        self.note_branch(relative_depth);
        self.jump(relative_depth);
        self.reachable = false;
    }

    /// Arrives at the label `relative_depth` frames out, from here, always.
    pub(super) fn jump(&mut self, relative_depth: u32) {
        let Some(pending) = self.reachable_pending() else { return };
        let Some(label) = self.arrive(relative_depth, pending) else { return };
        self.charge_line(pending.less(label));
        self.set_pending(label);
    }

    pub(crate) fn branch_if(&mut self, relative_depth: u32, at: u32) {
        self.note_branch(relative_depth);
        let Some(pending) = self.reachable_pending() else { return };
        let Some(label) = self.arrive(relative_depth, pending) else { return };
        let charge = pending.less(label);
        self.after = Some(After::Line);
        if !charge.is_nothing() {
            if self.leaves_loop(relative_depth) {
                self.insert(at, Action::ChargedBrIf { charge, relative_depth, next: at });
                self.after = Some(After::Replaced);
            } else {
                self.charge_line(charge);
                self.set_pending(label);
            }
        }
    }

    /// Whether a branch leaves the innermost loop and carries nothing: taken once per loop, so it pays for itself.
    fn leaves_loop(&self, relative_depth: u32) -> bool {
        let Some(target) = self.frame_index(relative_depth) else { return false };
        let carries_nothing = self.frames.get(target).is_some_and(|frame| frame.arity == 0);
        carries_nothing && self.loops.last().is_some_and(|&innermost| target < innermost)
    }

    pub(crate) fn branch_table(&mut self, targets: &BrTable<'_>, at: u32) {
        let default = targets.default();
        let depths = || targets.targets().flatten().chain([default]);
        depths().for_each(|depth| self.note_branch(depth));
        let Some(pending) = self.reachable_pending() else { return };
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
            self.charge_line(pending.less(label));
            for depth in depths() {
                self.arrive(depth, label);
            }
        } else {
            self.charge_by_index(depths(), pending, at);
        }
        self.reachable = false;
    }

    fn charge_by_index(&mut self, depths: impl Iterator<Item = u32>, pending: Pending, at: u32) {
        let first = count(self.table_charges.len());
        for depth in depths {
            let label = self.arrive(depth, pending).unwrap_or(pending);
            self.table_charges.push(pending.less(label));
        }
        self.has_charged_table = true;
        let count = count(self.table_charges.len()).saturating_sub(first);
        self.insert(at, Action::ChargedBrTable { first, count });
    }

    /// A return: what it carries is paid for as a branch to the function's label is.
    pub(crate) fn carry_results(&mut self) {
        let results = self.frames.first().map_or(0, |frame| frame.arity);
        self.values_carried = self.values_carried.saturating_add(encode::length(results));
    }

    /// `pending` at the label `relative_depth` frames out, fixing it to `pending` if nothing arrived there before.
    fn arrive(&mut self, relative_depth: u32, pending: Pending) -> Option<Pending> {
        let index = self.frame_index(relative_depth)?;
        Some(*self.frames.get_mut(index)?.label.get_or_insert(pending))
    }

    /// Reachable or not: a branch to the function's label must find that label after the body is wrapped, and what is
    /// carried is paid for when code is loaded.
    fn note_branch(&mut self, relative_depth: u32) {
        let target = self.frame_index(relative_depth);
        self.branches_to_function |= target == Some(0);
        let arity = target.and_then(|index| self.frames.get(index)).map_or(0, |frame| frame.arity);
        self.values_carried = self.values_carried.saturating_add(encode::length(arity));
    }

    fn frame_index(&self, relative_depth: u32) -> Option<usize> {
        self.frames.len().checked_sub(1)?.checked_sub(usize::try_from(relative_depth).ok()?)
    }
}
