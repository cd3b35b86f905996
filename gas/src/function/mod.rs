//! One function body: followed ([`follow`]) and planned ([`plan`]) in one walk ([`walk`]), then written with its insertions
//! ([`mod@write`]).

mod added;
mod follow;
mod op;
mod plan;
mod walk;
mod write;

use alloc::vec::Vec;

use wasmparser::{
    BinaryReader, FrameKind, FuncToValidate, FuncType, FuncValidatorAllocations, FunctionBody, ValidatorResources,
};

pub(crate) use self::added::Added;
use self::follow::{Follow, Frame, Heights};
use self::plan::{Pending, Plan};
use crate::counter;
use crate::growth;
use crate::limits::Limits;
use crate::profile::Floats;
use crate::refusal::{Refusal, RefusalCode};
use crate::refuse::{invalid, limit};
use crate::schedule::Schedule;

/// What all bodies of a module share, with the scratch space they reuse.
pub(crate) struct Functions<'a> {
    pub(crate) module: &'a [u8],
    pub(crate) schedule: &'a Schedule,
    pub(crate) limits: &'a Limits,
    /// Whether admission limits are checked, and bodies validated.
    pub(crate) admitting: bool,
    pub(crate) floats: Floats,
    pub(crate) counter_global: u32,
    /// The functions behind all others that bodies call.
    pub(crate) added: Added,
    /// Whether the stack is metered; only measurements leave it out.
    pub(crate) stack_metered: bool,
    /// Whether NaNs that are made are made canonical; under canonical floats only measurements leave it out.
    pub(crate) canonicalises: bool,
    pub(crate) totals: Totals,
    plan: Plan,
    validator_allocations: FuncValidatorAllocations,
    frames: Vec<Frame>,
}

/// What adds up, or is the largest, over the bodies.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) locals: u64,
    pub(crate) br_table_targets: u64,
    /// Values of functions, blocks, calls and branches, which loading is priced by.
    pub(crate) values: u64,
    pub(crate) frame_units_max: u64,
    pub(crate) top_values_max: u64,
    pub(crate) function_gas_max: u64,
    /// Bytes of the body that may become the longest.
    pub(crate) longest_body: u64,
    /// Whether an operator changes a table or drops a segment.
    pub(crate) changes_tables: bool,
}

/// The signature of a function, as far as its body is concerned.
pub(crate) struct Signature<'a> {
    pub(crate) param_count: u32,
    pub(crate) result_count: usize,
    /// The block type `[] -> results`, encoded.
    pub(crate) result_type: &'a [u8],
}

/// The function types of a module, and the index of each function's, imported ones first.
#[derive(Clone, Copy)]
pub(crate) struct Types<'a> {
    pub(crate) all: &'a [FuncType],
    pub(crate) of_functions: &'a [u32],
}

impl Types<'_> {
    /// Parameters and results of a type.
    fn arity(&self, type_index: u32) -> Option<(usize, usize)> {
        let function_type = self.all.get(usize::try_from(type_index).ok()?)?;
        Some((function_type.params().len(), function_type.results().len()))
    }

    /// Parameters and results of a function.
    fn arity_of_function(&self, function_index: u32) -> Option<(usize, usize)> {
        self.arity(*self.of_functions.get(usize::try_from(function_index).ok()?)?)
    }
}

/// Declared locals, read before the validator allocates for them.
struct Locals {
    group_count: u32,
    /// Offsets of the first group and of what follows the last.
    from: u64,
    to: u64,
    declared: u64,
}

impl<'a> Functions<'a> {
    pub(crate) fn new(
        module: &'a [u8],
        schedule: &'a Schedule,
        limits: &'a Limits,
        admitting: bool,
        floats: Floats,
        counter_global: u32,
        functions: u32,
    ) -> Functions<'a> {
        Functions {
            module,
            schedule,
            limits,
            admitting,
            floats,
            counter_global,
            added: Added::behind(functions),
            stack_metered: true,
            canonicalises: floats == Floats::Canonical,
            totals: Totals::default(),
            plan: Plan::default(),
            validator_allocations: FuncValidatorAllocations::default(),
            frames: Vec::new(),
        }
    }

    /// Appends one body instrumented, without its length; one that is admitted is validated. By how many bytes any
    /// instrumenter may make it longer comes back.
    pub(crate) fn instrument(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        signature: &Signature<'_>,
        types: Types<'_>,
        out: &mut Vec<u8>,
    ) -> Result<u64, Refusal> {
        let range = body.range();
        let bytes = range.end.saturating_sub(range.start);
        self.limit(RefusalCode::FunctionBytes, range.start, self.limits.function_bytes_max, bytes)?;
        let locals = self.read_locals(body, signature)?;
        let entry_gas = self.entry_gas(locals.declared);
        let (height, growth) = self.walk(function, body, &locals, signature.result_count, types)?;
        let growth = growth.saturating_add(growth::FUNCTION);
        let longest = bytes.saturating_add(growth);
        self.limit(
            RefusalCode::InstrumentedFunctionBytes,
            range.start,
            self.limits.instrumented_function_bytes_max,
            longest,
        )?;
        self.totals.longest_body = self.totals.longest_body.max(longest);
        let static_gas = self.plan.static_gas();
        let values = u64::from(signature.param_count).saturating_add(locals.declared).saturating_add(height);
        let counted =
            u64::from(signature.param_count).saturating_add(locals.declared).saturating_add(self.plan.values_carried);
        self.totals.values = self.totals.values.saturating_add(counted);
        let frame_units = self.limits.stack_frame_base.saturating_add(values);
        self.totals.top_values_max = self.totals.top_values_max.max(values);
        if self.plan.has_call {
            self.totals.frame_units_max = self.totals.frame_units_max.max(frame_units);
        }
        self.limit(RefusalCode::FunctionGas, range.start, self.limits.function_gas_max, static_gas)?;
        self.totals.function_gas_max = self.totals.function_gas_max.max(static_gas);
        let unchecked_max = self.schedule.return_check_above;
        let whole_gas = static_gas.saturating_add(entry_gas.unsigned_abs());
        let metered = self.plan.has_call && self.stack_metered;
        let body = write::Body {
            module: self.module,
            local_groups: slice(self.module, locals.from, locals.to),
            local_group_count: locals.group_count,
            local_count: signature.param_count.saturating_add(narrow(locals.declared)),
            first: narrow(locals.to),
            end: narrow(range.end.saturating_sub(1)),
            result_type: signature.result_type,
            counter_global: self.counter_global,
            frame: if metered { counter::frame(frame_units) } else { 0 },
            stack_metered: self.stack_metered,
            unreachable_price: Pending::gas(self.schedule.op_br.cast_signed()),
            check_entry: self.plan.loops_or_calls || whole_gas > unchecked_max,
            check_return: static_gas > unchecked_max,
        };
        write::write(out, &self.plan, &body, &mut self.added);
        Ok(growth)
    }

    fn read_locals(&mut self, body: &FunctionBody<'_>, signature: &Signature<'_>) -> Result<Locals, Refusal> {
        let mut reader = body.get_locals_reader().map_err(|error| invalid(&error))?;
        let offset = body.range().start;
        let group_count = reader.get_count();
        let groups_max = self.limits.local_groups_max;
        self.limit(RefusalCode::LocalGroups, offset, groups_max, u64::from(group_count))?;
        let from = reader.original_position();
        let mut declared: u64 = 0;
        for _ in 0..group_count {
            let (count, _) = reader.read().map_err(|error| invalid(&error))?;
            declared = declared.saturating_add(u64::from(count));
            let all = declared.saturating_add(u64::from(signature.param_count));
            self.limit(RefusalCode::Locals, offset, self.limits.locals_max, all)?;
        }
        let all = declared.saturating_add(u64::from(signature.param_count));
        self.totals.locals = self.totals.locals.saturating_add(all);
        self.limit(RefusalCode::LocalsTotal, offset, self.limits.locals_total_max, self.totals.locals)?;
        Ok(Locals { group_count, from, to: reader.original_position(), declared })
    }

    /// Plans the operators; the greatest height of the operand stack comes back, and their growth.
    fn walk(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        locals: &Locals,
        result_count: usize,
        types: Types<'_>,
    ) -> Result<(u64, u64), Refusal> {
        let mut reader = body.get_binary_reader_for_operators().map_err(|error| invalid(&error))?;
        reader.set_features(function.features);
        self.plan.begin(narrow(locals.to), self.entry_gas(locals.declared), result_count);
        if self.admitting {
            let mut validator = function.into_validator(core::mem::take(&mut self.validator_allocations));
            validator.read_locals(&mut body.get_binary_reader()).map_err(|error| invalid(&error))?;
            let (validator, found) = self.follow(validator, types, reader)?;
            self.validator_allocations = validator.into_allocations();
            Ok(found)
        } else {
            let heights = Heights::new(function, types, result_count, core::mem::take(&mut self.frames));
            let (heights, found) = self.follow(heights, types, reader)?;
            self.frames = heights.into_frames();
            Ok(found)
        }
    }

    fn follow<F: Follow>(
        &mut self,
        follower: F,
        types: Types<'_>,
        reader: BinaryReader<'_>,
    ) -> Result<(F, (u64, u64)), Refusal> {
        let mut walk = walk::Walk {
            follower,
            types,
            module: self.module,
            schedule: self.schedule,
            limits: self.limits,
            admitting: self.admitting,
            floats: self.floats,
            canonicalises: self.canonicalises,
            totals: &mut self.totals,
            plan: &mut self.plan,
            at: 0,
            height: 0,
            growth: 0,
            unreachable: false,
            frame: Some(FrameKind::Block),
        };
        walk.run(reader)?;
        let found = (u64::from(walk.height), walk.growth);
        Ok((walk.follower, found))
    }

    fn entry_gas(&self, declared: u64) -> i64 {
        let locals = self.schedule.function_local.saturating_mul(declared);
        i64::try_from(self.schedule.function_entry.saturating_add(locals)).unwrap_or(i64::MAX)
    }

    fn limit(&self, code: RefusalCode, offset: u64, max: u64, found: u64) -> Result<(), Refusal> {
        if self.admitting { limit(code, offset, max, found) } else { Ok(()) }
    }
}

/// Offsets fit 32 bits: modules are shorter than 4 GiB, which is checked before the walk.
fn narrow(offset: u64) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// The bytes of the module between two offsets; empty where they are not in it.
pub(crate) fn slice(module: &[u8], from: u64, to: u64) -> &[u8] {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let to = usize::try_from(to).unwrap_or(usize::MAX);
    module.get(from..to).unwrap_or_default()
}
