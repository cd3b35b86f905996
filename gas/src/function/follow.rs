//! Who follows the operand stack and the open frames of a body: the parser's validator where code is admitted,
//! [`Heights`] where code that was admitted is instrumented again.

use alloc::vec::Vec;

use wasmparser::{BlockType, BrTable, FrameKind, FuncToValidate, FuncValidator, ValidatorResources, VisitOperator};

use super::Types;
use crate::refusal::{Refusal, RefusalCode};
use crate::refuse::invalid;

/// Follows one body; each operator is visited once.
pub(super) trait Follow {
    /// Why an operator does not fit.
    type Error;

    /// What visits the operator at the offset `at`.
    fn visitor<'s, 'a: 's>(&'s mut self, at: u64) -> impl VisitOperator<'a, Output = Result<(), Self::Error>> + 's;

    /// The refusal for an error of the operator at `at`.
    fn refusal(error: Self::Error, at: u64) -> Refusal;

    /// Values on the operand stack, of all frames.
    fn operand_height(&self) -> u32;

    /// Open frames, the function's own included.
    fn frame_count(&self) -> u32;

    /// The innermost open frame and whether what follows in it cannot be reached; `None` behind the end of the body.
    fn innermost(&self) -> Option<(FrameKind, bool)>;

    /// What the module says of its types, tables and memory.
    fn resources(&self) -> &ValidatorResources;
}

impl Follow for FuncValidator<ValidatorResources> {
    type Error = wasmparser::Error;

    #[inline(always)]
    fn visitor<'s, 'a: 's>(&'s mut self, at: u64) -> impl VisitOperator<'a, Output = Result<(), Self::Error>> + 's {
        FuncValidator::visitor(self, at)
    }

    fn refusal(error: Self::Error, _: u64) -> Refusal {
        invalid(&error)
    }

    #[inline(always)]
    fn operand_height(&self) -> u32 {
        self.operand_stack_height()
    }

    fn frame_count(&self) -> u32 {
        self.control_stack_height()
    }

    fn innermost(&self) -> Option<(FrameKind, bool)> {
        self.get_control_frame(0).map(|frame| (frame.kind, frame.unreachable))
    }

    fn resources(&self) -> &ValidatorResources {
        FuncValidator::resources(self)
    }
}

/// How high the operand stack is, and how many values the frames take and leave: all that instrumenting needs to know of
/// a body that the validator has seen before. Types, indices and immediates are not looked at.
///
/// Heights are those of the validator, in code that cannot be reached too: there a value that is missing may be taken.
pub(super) struct Heights<'t> {
    resources: ValidatorResources,
    types: Types<'t>,
    height: u32,
    /// The innermost frame.
    frame: Frame,
    outer: Vec<Frame>,
    ended: bool,
}

/// An open frame.
pub(super) struct Frame {
    kind: FrameKind,
    /// The height below its parameters.
    floor: u32,
    params: u32,
    results: u32,
    /// Whether what follows cannot be reached.
    unreachable: bool,
}

/// The operands, labels or frames of an operator are not there: no validator has seen the body.
pub(super) struct NeverValidated;

type Followed = Result<(), NeverValidated>;

impl<'t> Heights<'t> {
    /// Before the first operator of a body with so many results; the allocation of `outer` is used.
    pub(super) fn new(
        function: FuncToValidate<ValidatorResources>,
        types: Types<'t>,
        results: usize,
        mut outer: Vec<Frame>,
    ) -> Heights<'t> {
        outer.clear();
        let frame = Frame { kind: FrameKind::Block, floor: 0, params: 0, results: count(results), unreachable: false };
        Heights { resources: function.resources, types, height: 0, frame, outer, ended: false }
    }

    /// The allocation for the frames of another body.
    pub(super) fn into_frames(self) -> Vec<Frame> {
        self.outer
    }

    #[inline(always)]
    fn push(&mut self, count: u32) {
        self.height = self.height.saturating_add(count);
    }

    #[inline(always)]
    fn pop(&mut self, count: u32) -> Followed {
        if self.height.wrapping_sub(self.frame.floor) >= count {
            self.height = self.height.wrapping_sub(count);
        } else if self.frame.unreachable {
            self.height = self.frame.floor;
        } else {
            return Err(NeverValidated);
        }
        Ok(())
    }

    fn open(&mut self, kind: FrameKind, block_type: BlockType) -> Followed {
        let (params, results) = match block_type {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => self.types.arity(index).ok_or(NeverValidated)?,
        };
        let (params, results) = (count(params), count(results));
        self.pop(params)?;
        let frame = Frame { kind, floor: self.height, params, results, unreachable: false };
        self.outer.push(core::mem::replace(&mut self.frame, frame));
        self.push(params);
        Ok(())
    }

    /// At the end of the innermost frame, nothing but its results lies above its floor.
    fn take_results(&mut self) -> Followed {
        self.pop(self.frame.results)?;
        if self.height == self.frame.floor { Ok(()) } else { Err(NeverValidated) }
    }

    /// Goes elsewhere, with so many values: what follows cannot be reached.
    fn leave(&mut self, carried: u32) -> Followed {
        self.pop(carried)?;
        self.height = self.frame.floor;
        self.frame.unreachable = true;
        Ok(())
    }

    fn call(&mut self, arity: Option<(usize, usize)>) -> Followed {
        let (params, results) = arity.ok_or(NeverValidated)?;
        self.pop(count(params))?;
        self.push(count(results));
        Ok(())
    }

    /// How many values a branch to a label carries.
    fn carried(&self, relative_depth: u32) -> Result<u32, NeverValidated> {
        let outward = usize::try_from(relative_depth).unwrap_or(usize::MAX);
        let frame = match outward.checked_sub(1) {
            None => Some(&self.frame),
            Some(outward) => self.outer.iter().nth_back(outward),
        };
        let frame = frame.ok_or(NeverValidated)?;
        Ok(if frame.kind == FrameKind::Loop { frame.params } else { frame.results })
    }
}

/// What a type lists is less than 4 Gi.
fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// By the parser's own list of what each operator pops and pushes.
macro_rules! follow {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        $(follow!($op ($($($argty),*)?) $visit $($arity)*);)*
    };
    // These depend on the frames or on types, and are written below.
    (Block $($rest:tt)*) => {};
    (Loop $($rest:tt)*) => {};
    (If $($rest:tt)*) => {};
    (Else $($rest:tt)*) => {};
    (End $($rest:tt)*) => {};
    (Unreachable $($rest:tt)*) => {};
    (Br $($rest:tt)*) => {};
    (BrIf $($rest:tt)*) => {};
    (BrTable $($rest:tt)*) => {};
    (Return $($rest:tt)*) => {};
    (Call $($rest:tt)*) => {};
    (CallIndirect $($rest:tt)*) => {};
    // Of proposals that are not admitted, or never valid.
    ($op:ident ($($argty:ty),*) $visit:ident arity custom) => {
        fn $visit(&mut self $(, _: $argty)*) -> Followed {
            Err(NeverValidated)
        }
    };
    // A memory takes no more operands than are listed.
    ($op:ident ($($argty:ty),*) $visit:ident arity memarg $pops:literal -> $pushes:literal) => {
        follow!($op ($($argty),*) $visit arity $pops -> $pushes);
    };
    ($op:ident ($($argty:ty),*) $visit:ident arity $pops:literal -> $pushes:literal) => {
        #[inline(always)]
        fn $visit(&mut self $(, _: $argty)*) -> Followed {
            self.pop($pops)?;
            self.push($pushes);
            Ok(())
        }
    };
}

impl<'a> VisitOperator<'a> for Heights<'_> {
    type Output = Followed;

    wasmparser::for_each_visit_operator!(follow);

    fn visit_block(&mut self, block_type: BlockType) -> Followed {
        self.open(FrameKind::Block, block_type)
    }

    fn visit_loop(&mut self, block_type: BlockType) -> Followed {
        self.open(FrameKind::Loop, block_type)
    }

    fn visit_if(&mut self, block_type: BlockType) -> Followed {
        self.pop(1)?;
        self.open(FrameKind::If, block_type)
    }

    fn visit_else(&mut self) -> Followed {
        self.take_results()?;
        self.frame.kind = FrameKind::Else;
        self.frame.unreachable = false;
        self.push(self.frame.params);
        Ok(())
    }

    fn visit_end(&mut self) -> Followed {
        self.take_results()?;
        let Frame { kind, params, results, .. } = self.frame;
        // Without an `else` the parameters are the results.
        if kind == FrameKind::If && params != results {
            return Err(NeverValidated);
        }
        match self.outer.pop() {
            Some(frame) => self.frame = frame,
            None => self.ended = true,
        }
        self.push(results);
        Ok(())
    }

    fn visit_unreachable(&mut self) -> Followed {
        self.leave(0)
    }

    fn visit_br(&mut self, relative_depth: u32) -> Followed {
        self.leave(self.carried(relative_depth)?)
    }

    fn visit_br_if(&mut self, relative_depth: u32) -> Followed {
        self.pop(1)?;
        let carried = self.carried(relative_depth)?;
        self.pop(carried)?;
        self.push(carried);
        Ok(())
    }

    fn visit_br_table(&mut self, targets: BrTable<'a>) -> Followed {
        self.pop(1)?;
        // All labels carry as many values.
        self.leave(self.carried(targets.default())?)
    }

    fn visit_return(&mut self) -> Followed {
        self.leave(self.outer.first().unwrap_or(&self.frame).results)
    }

    fn visit_call(&mut self, function_index: u32) -> Followed {
        self.call(self.types.arity_of_function(function_index))
    }

    fn visit_call_indirect(&mut self, type_index: u32, _: u32) -> Followed {
        self.pop(1)?;
        self.call(self.types.arity(type_index))
    }
}

impl Follow for Heights<'_> {
    type Error = NeverValidated;

    #[inline(always)]
    fn visitor<'s, 'a: 's>(&'s mut self, _: u64) -> impl VisitOperator<'a, Output = Followed> + 's {
        self
    }

    fn refusal(_: NeverValidated, at: u64) -> Refusal {
        Refusal::new(RefusalCode::Invalid, at, "operands or labels are missing: the code was never admitted")
    }

    #[inline(always)]
    fn operand_height(&self) -> u32 {
        self.height
    }

    fn frame_count(&self) -> u32 {
        u32::try_from(self.outer.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn innermost(&self) -> Option<(FrameKind, bool)> {
        (!self.ended).then_some((self.frame.kind, self.frame.unreachable))
    }

    fn resources(&self) -> &ValidatorResources {
        &self.resources
    }
}
