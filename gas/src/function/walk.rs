//! The operators of one body, each visited once: followed ([`Follow`]), limited, and planned.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::ManuallyDrop;

use wasmparser::{BinaryReader, BlockType, FrameKind, FrameStack, Operator, VisitOperator, WasmModuleResources};

use super::follow::Follow;
use super::plan::{After, Grow, Plan, Previous};
use super::{Totals, Types, narrow, slice};
use crate::encode;
use crate::growth;
use crate::limits::Limits;
use crate::operator::{Width, is_float, makes_nan, price, price_per_unit};
use crate::profile::Floats;
use crate::refusal::{Refusal, RefusalCode};
use crate::refuse::{invalid, limit};
use crate::schedule::Schedule;

/// The state of the visit.
pub(super) struct Walk<'w, F> {
    pub(super) follower: F,
    pub(super) types: Types<'w>,
    pub(super) module: &'w [u8],
    pub(super) schedule: &'w Schedule,
    pub(super) limits: &'w Limits,
    /// Whether admission limits are checked.
    pub(super) admitting: bool,
    pub(super) floats: Floats,
    pub(super) canonicalises: bool,
    pub(super) totals: &'w mut Totals,
    pub(super) plan: &'w mut Plan,
    /// Offset of the operator that is visited.
    pub(super) at: u64,
    /// The greatest height of the operand stack so far.
    pub(super) height: u32,
    /// Bytes that the operators so far may grow by.
    pub(super) growth: u64,
    /// Whether the follower says that what follows cannot be reached: there nothing grows.
    pub(super) unreachable: bool,
    /// The innermost open block; `None` behind the end of the body.
    pub(super) frame: Option<FrameKind>,
}

/// Small enough for a register, unlike the refusal itself: there is one result per operator.
type Visited = Result<(), Box<Refusal>>;

impl<F: Follow> Walk<'_, F> {
    /// Visits all operators, which `reader` stands before.
    pub(super) fn run(&mut self, mut reader: BinaryReader<'_>) -> Result<(), Refusal> {
        self.at = reader.original_position();
        while !reader.eof() {
            let visited = reader.visit_operator(self);
            visited.map_err(|error| self.unreadable(&error))?.map_err(|refusal| *refusal)?;
            self.at = reader.original_position();
            if self.plan.after.is_some() {
                self.plan.finish(narrow(self.at), self.module);
            }
        }
        reader.finish_expression(self).map_err(|error| invalid(&error))
    }

    /// What is left to do for an operator that has been followed.
    ///
    /// Inlined where the operator is known, so that all but a few of them only add their price.
    #[inline(always)]
    fn plan(&mut self, operator: &Operator<'_>, price: u64) -> Visited {
        self.plan.pay(price.cast_signed());
        let height = self.follower.operand_height();
        if height > self.height {
            self.grow_height(height)?;
        }
        if is_planned(operator) {
            self.planned(operator)?;
        }
        if self.canonicalises
            && let Some(width) = makes_nan(operator)
        {
            self.canonicalise(width);
        }
        self.plan.previous = previous(operator);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn grow_height(&mut self, height: u32) -> Visited {
        self.height = height;
        self.limit(RefusalCode::OperandHeight, self.limits.operand_height_max, u64::from(height))
    }

    #[inline(never)]
    fn canonicalise(&mut self, width: Width) {
        self.grow_by(growth::NAN);
        self.plan.makes_nan(width);
    }

    /// An operator that the plan needs to know.
    #[inline(always)]
    fn planned(&mut self, operator: &Operator<'_>) -> Visited {
        let at = narrow(self.at);
        if matches!(operator, Operator::Else | Operator::End) {
            self.unreachable = false;
        }
        self.grow_by(growth::operator(operator));
        self.totals.values = self.totals.values.saturating_add(self.values(operator));
        match operator {
            Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                let nested = u64::from(self.follower.frame_count());
                self.limit(RefusalCode::Nesting, self.limits.nesting_max, nested)?;
                let (arity, many) = self.label_arity(*blockty, matches!(operator, Operator::Loop { .. }));
                match operator {
                    Operator::Block { .. } => self.plan.enter_block(at, arity, many),
                    Operator::Loop { .. } => self.plan.enter_loop(at, arity, many),
                    _ => self.plan.enter_if(at, arity, many),
                }
                self.find_frame();
            }
            Operator::Else => {
                self.plan.meet_else();
                self.find_frame();
            }
            Operator::End => {
                self.plan.leave(at);
                self.find_frame();
            }
            Operator::Br { relative_depth } => {
                self.plan.branch(*relative_depth);
                self.unreachable = true;
            }
            Operator::BrIf { relative_depth } => self.plan.branch_if(*relative_depth, at),
            Operator::BrTable { targets } => {
                self.plan.branch_table(targets, at);
                self.unreachable = true;
            }
            Operator::Return => {
                self.plan.carry_results();
                self.plan.leave_function(at);
                self.unreachable = true;
            }
            Operator::Unreachable => {
                self.plan.meet_unreachable(at);
                self.unreachable = true;
            }
            Operator::Call { .. } | Operator::CallIndirect { .. } => self.plan.call(at),
            Operator::Select | Operator::TypedSelect { .. } => self.plan.select(at),
            Operator::I32Store { .. } | Operator::I32Store8 { .. } | Operator::I32Store16 { .. } => {
                self.plan.far_store(at);
            }
            _ => {
                if let Some(grow) = self.grow(operator) {
                    self.plan.grow(at, grow);
                } else if let Some(price) = price_per_unit(self.schedule, operator) {
                    self.plan.work(at, price);
                }
            }
        }
        Ok(())
    }

    fn find_frame(&mut self) {
        let innermost = self.follower.innermost();
        self.frame = innermost.map(|(kind, _)| kind);
        self.unreachable = innermost.is_some_and(|(_, unreachable)| unreachable);
    }

    fn grow_by(&mut self, bytes: u64) {
        if !self.unreachable {
            self.growth = self.growth.saturating_add(bytes);
        }
    }

    /// How many values a branch to the label that a block opens carries, and whether its type is given by index.
    fn label_arity(&self, block_type: BlockType, is_loop: bool) -> (usize, bool) {
        let (params, results) = self.block_arity(block_type);
        (if is_loop { params } else { results }, matches!(block_type, BlockType::FuncType(_)))
    }

    /// Parameters and results of a block.
    fn block_arity(&self, block_type: BlockType) -> (usize, usize) {
        match block_type {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => self.types.arity(index).unwrap_or_default(),
        }
    }

    /// The values of the type that a block or a call has: paid for when code is loaded.
    #[inline(always)]
    fn values(&self, operator: &Operator<'_>) -> u64 {
        let (params, results) = match operator {
            Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                self.block_arity(*blockty)
            }
            Operator::Call { function_index } => self.types.arity_of_function(*function_index).unwrap_or_default(),
            Operator::CallIndirect { type_index, .. } => self.types.arity(*type_index).unwrap_or_default(),
            _ => return 0,
        };
        encode::length(params.saturating_add(results))
    }

    /// How far a growing operator may grow what it grows: as far as declared, and never past the cap.
    fn grow(&self, operator: &Operator<'_>) -> Option<Grow> {
        let growth_max = self.limits.table_growth_max;
        let resources = self.follower.resources();
        let (table, initial, declared, cap) = match operator {
            Operator::MemoryGrow { mem } => {
                let memory = resources.memory_at(*mem)?;
                (None, memory.initial, memory.maximum, self.limits.memory_pages_max)
            }
            Operator::TableGrow { table } => {
                let grown = resources.table_at(*table)?;
                let cap = self.limits.table_elements_max.min(grown.initial.saturating_add(growth_max));
                (Some(*table), grown.initial, grown.maximum, cap)
            }
            _ => return None,
        };
        let max = declared.unwrap_or(u64::MAX).min(cap).max(initial).min(0x7fff_ffff);
        Some(Grow { table, max: u32::try_from(max).unwrap_or(0) })
    }

    fn count_targets(&mut self, targets: u32) -> Visited {
        let targets = u64::from(targets);
        self.limit(RefusalCode::BrTableTargets, self.limits.br_table_targets_max, targets)?;
        self.totals.br_table_targets = self.totals.br_table_targets.saturating_add(targets);
        let total_max = self.limits.br_table_targets_total_max;
        self.limit(RefusalCode::BrTableTargetsTotal, total_max, self.totals.br_table_targets)
    }

    fn limit(&self, code: RefusalCode, max: u64, found: u64) -> Visited {
        if self.admitting { limit(code, self.at, max, found).map_err(Box::new) } else { Ok(()) }
    }

    /// An operator that the parser cannot read: two prefixes belong to proposals it may have been built without.
    #[cold]
    fn unreadable(&self, error: &wasmparser::Error) -> Refusal {
        let prefix = slice(self.module, self.at, self.at.saturating_add(1)).first().copied();
        match (error.missing_wasm_feature(), prefix) {
            (None, Some(0xfd)) => Refusal::new(RefusalCode::FeatureSimd, self.at, error.message()),
            (None, Some(0xfe)) => Refusal::new(RefusalCode::FeatureThreads, self.at, error.message()),
            _ => invalid(error),
        }
    }

    #[cold]
    #[inline(never)]
    fn refused(&self, error: F::Error) -> Box<Refusal> {
        Box::new(F::refusal(error, self.at))
    }

    #[cold]
    #[inline(never)]
    fn floats_forbidden(&self, operator: &Operator<'_>) -> Box<Refusal> {
        Box::new(Refusal::new(RefusalCode::Float, self.at, alloc::format!("{operator:?}")))
    }

    #[cold]
    #[inline(never)]
    fn unpriced(&self, operator: &Operator<'_>) -> Box<Refusal> {
        Box::new(Refusal::new(RefusalCode::OperatorUnknown, self.at, alloc::format!("{operator:?}")))
    }
}

/// Whether [`Walk::planned`] has anything to do for an operator.
#[inline(always)]
fn is_planned(operator: &Operator<'_>) -> bool {
    use Operator::*;
    match operator {
        Block { .. } | Loop { .. } | If { .. } | Else | End | Br { .. } | BrIf { .. } | BrTable { .. } | Return => true,
        Unreachable | Call { .. } | CallIndirect { .. } | Select | TypedSelect { .. } => true,
        MemoryGrow { .. } | MemoryInit { .. } | MemoryCopy { .. } | MemoryFill { .. } => true,
        TableGrow { .. } | TableInit { .. } | TableCopy { .. } | TableFill { .. } => true,
        // See `Action::SaveLocals`.
        I32Store { memarg } | I32Store8 { memarg } | I32Store16 { memarg } => memarg.offset > 0xffff,
        _ => false,
    }
}

/// Whether an operator changes what only a new instance has as it was: tables and segments.
#[inline(always)]
fn changes_tables(operator: &Operator<'_>) -> bool {
    use Operator::*;
    matches!(
        operator,
        TableSet { .. }
            | TableFill { .. }
            | TableCopy { .. }
            | TableInit { .. }
            | TableGrow { .. }
            | ElemDrop { .. }
            | DataDrop { .. }
    )
}

/// What the operator after this one may need to know about it. Left out is what wasmi may write no operation for (shifts by
/// zero, extensions) and what it may write as a comparison with zero (equalities, of i64 too).
#[inline(always)]
fn previous(operator: &Operator<'_>) -> Previous {
    use Operator::*;
    match operator {
        I32LtS | I32LtU | I32GtS | I32GtU | I32LeS | I32LeU | I32GeS | I32GeU => Previous::Condition,
        I64LtS | I64LtU | I64GtS | I64GtU | I64LeS | I64LeU | I64GeS | I64GeU => Previous::Condition,
        F32Eq | F32Ne | F32Lt | F32Gt | F32Le | F32Ge | F64Eq | F64Ne | F64Lt | F64Gt | F64Le | F64Ge => {
            Previous::Condition
        }
        I32And | I32Add | I32Load { .. } | I32Load8U { .. } | I32Load8S { .. } => Previous::Condition,
        I32Const { .. } | I32Sub | I32Mul | I32Or | I32Xor | I32Eqz | I32Eq | I32Ne | GlobalGet { .. } => {
            Previous::Computation
        }
        _ => Previous::Other,
    }
}

macro_rules! visits {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        $(fn $visit(&mut self $($(, $arg: $argty)*)?) -> Visited {
            let operator = Operator::$op $({ $($arg: $arg.clone()),* })?;
            let Some(price) = price(self.schedule, &operator) else {
                let followed = self.follower.visitor(self.at).$visit($($($arg),*)?);
                return Err(followed.map_or_else(|error| self.refused(error), |()| self.unpriced(&operator)));
            };
            // No operator that has a price owns memory; the compiler does not see that.
            let operator = ManuallyDrop::new(operator);
            if const { is_float(stringify!($op)) } && self.floats == Floats::Forbid {
                return Err(self.floats_forbidden(&operator));
            }
            if let Operator::BrTable { targets } = &*operator {
                self.count_targets(targets.len())?;
            }
            let followed = self.follower.visitor(self.at).$visit($($($arg),*)?);
            followed.map_err(|error| self.refused(error))?;
            if changes_tables(&operator) {
                self.totals.changes_tables = true;
            }
            self.plan(&operator, price)
        })*
    };
}

#[allow(clippy::clone_on_copy, reason = "one body for arguments of every type")]
impl<'a, F: Follow> VisitOperator<'a> for Walk<'_, F> {
    type Output = Visited;

    wasmparser::for_each_visit_operator!(visits);
}

impl<F> FrameStack for Walk<'_, F> {
    #[inline]
    fn current_frame(&self) -> Option<FrameKind> {
        self.frame
    }
}

const _: () = assert!(size_of::<Option<After>>() <= 24);
