//! One function body: validated, planned ([`plan`]) and written with its insertions ([`mod@write`]) in one walk.

mod op;
mod plan;
mod write;

use alloc::vec::Vec;

use wasmparser::{
    BlockType, FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, OperatorsReader,
    OperatorsReaderAllocations, ValidatorResources, WasmModuleResources,
};

use self::plan::{Grow, Plan, Step};
use crate::limits::Limits;
use crate::operator::{consumes_float, makes_nan, price, price_per_unit};
use crate::profile::Floats;
use crate::refusal::{Refusal, RefusalCode};
use crate::refuse::{invalid, limit};
use crate::schedule::Schedule;

/// What all bodies of a module share, with the scratch space they reuse.
pub(crate) struct Functions<'a> {
    pub(crate) module: &'a [u8],
    pub(crate) schedule: &'a Schedule,
    pub(crate) limits: &'a Limits,
    /// Whether admission limits are checked.
    pub(crate) admitting: bool,
    pub(crate) floats: Floats,
    pub(crate) gas_global: u32,
    pub(crate) stack_global: u32,
    pub(crate) totals: Totals,
    plan: Plan,
    validator_allocations: FuncValidatorAllocations,
    reader_allocations: OperatorsReaderAllocations,
}

/// What adds up, or is the largest, over the bodies.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) locals: u64,
    pub(crate) br_table_targets: u64,
    pub(crate) frame_units_max: u64,
    pub(crate) leaf_values_max: u64,
    pub(crate) function_gas_max: u64,
}

/// The signature of a function, as far as its body is concerned.
pub(crate) struct Signature<'a> {
    pub(crate) param_count: u32,
    pub(crate) result_count: usize,
    /// The block type `[] -> results`, encoded.
    pub(crate) result_type: &'a [u8],
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
        first_added_global: u32,
    ) -> Functions<'a> {
        Functions {
            module,
            schedule,
            limits,
            admitting,
            floats,
            gas_global: first_added_global,
            stack_global: first_added_global.saturating_add(1),
            totals: Totals::default(),
            plan: Plan::default(),
            validator_allocations: FuncValidatorAllocations::default(),
            reader_allocations: OperatorsReaderAllocations::default(),
        }
    }

    /// Validates one body and appends it instrumented, without its length.
    pub(crate) fn instrument(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        signature: &Signature<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let range = body.range();
        let bytes = range.end.saturating_sub(range.start);
        self.limit(RefusalCode::FunctionBytes, range.start, self.limits.function_bytes_max, bytes)?;
        let locals = self.read_locals(body, signature)?;
        let height = self.walk(function, body, &locals, signature.result_count)?;
        let values = u64::from(signature.param_count).saturating_add(locals.declared).saturating_add(height);
        let frame_units = self.limits.stack_frame_base.saturating_add(values);
        if self.plan.has_call {
            self.totals.frame_units_max = self.totals.frame_units_max.max(frame_units);
        } else {
            self.totals.leaf_values_max = self.totals.leaf_values_max.max(values);
        }
        self.limit(RefusalCode::FunctionGas, range.start, self.limits.function_gas_max, self.plan.static_gas)?;
        self.totals.function_gas_max = self.totals.function_gas_max.max(self.plan.static_gas);
        let body = write::Body {
            module: self.module,
            local_groups: slice(self.module, locals.from, locals.to),
            local_group_count: locals.group_count,
            local_count: signature.param_count.saturating_add(narrow(locals.declared)),
            first: narrow(locals.to),
            end: narrow(range.end.saturating_sub(1)),
            result_type: signature.result_type,
            gas_global: self.gas_global,
            stack_global: self.stack_global,
            frame_units: i64::try_from(frame_units).unwrap_or(i64::MAX),
            check_after_call: self.plan.static_gas > self.schedule.return_check_above,
        };
        write::write(out, &self.plan, &body);
        Ok(())
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

    /// Validates and plans the operators; the greatest height of the operand stack comes back.
    fn walk(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        locals: &Locals,
        result_count: usize,
    ) -> Result<u64, Refusal> {
        let mut validator = function.into_validator(core::mem::take(&mut self.validator_allocations));
        let mut declarations = body.get_binary_reader();
        validator.read_locals(&mut declarations).map_err(|error| invalid(&error))?;
        let mut reader = OperatorsReader::new_with_allocs(declarations, core::mem::take(&mut self.reader_allocations));
        self.plan.begin(narrow(locals.to), self.entry_gas(locals.declared), result_count);
        let mut height = 0;
        while !reader.eof() {
            let at = reader.original_position();
            let operator = reader.read().map_err(|error| self.unreadable(&error, at))?;
            let Some(price) = price(self.schedule, &operator) else {
                let refused = validator.op(at, &operator).map_err(|error| invalid(&error));
                return Err(refused.err().unwrap_or_else(|| unknown_operator(at, &operator)));
            };
            if self.floats == Floats::Forbid && consumes_float(&operator) {
                return Err(Refusal::new(RefusalCode::Float, at, alloc::format!("{operator:?}")));
            }
            if let Operator::BrTable { targets } = &operator {
                self.count_targets(targets.len(), at)?;
            }
            validator.op(at, &operator).map_err(|error| invalid(&error))?;
            height = height.max(u64::from(validator.operand_stack_height()));
            if self.admitting {
                limit(RefusalCode::OperandHeight, at, self.limits.operand_height_max, height)?;
                let nested = u64::from(validator.control_stack_height());
                limit(RefusalCode::Nesting, at, self.limits.nesting_max, nested)?;
            }
            let step = Step {
                price: i64::try_from(price).unwrap_or(i64::MAX),
                per_unit: price_per_unit(self.schedule, &operator),
                grow: self.grow(validator.resources(), &operator),
                canonicalise: if self.floats == Floats::Canonical { makes_nan(&operator) } else { None },
                at: narrow(at),
                next: narrow(reader.original_position()),
                label_arity: label_arity(validator.resources(), &operator),
                operator: &operator,
            };
            self.plan.step(&step);
        }
        reader.finish().map_err(|error| invalid(&error))?;
        self.reader_allocations = reader.into_allocations();
        self.validator_allocations = validator.into_allocations();
        Ok(height)
    }

    /// How far a growing operator may grow what it grows: as far as declared, and never past the cap.
    fn grow(&self, resources: &ValidatorResources, operator: &Operator<'_>) -> Option<Grow> {
        let growth_max = self.limits.table_growth_max;
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

    fn entry_gas(&self, declared: u64) -> i64 {
        let locals = self.schedule.function_local.saturating_mul(declared);
        i64::try_from(self.schedule.function_entry.saturating_add(locals)).unwrap_or(i64::MAX)
    }

    fn count_targets(&mut self, targets: u32, at: u64) -> Result<(), Refusal> {
        let targets = u64::from(targets);
        self.limit(RefusalCode::BrTableTargets, at, self.limits.br_table_targets_max, targets)?;
        self.totals.br_table_targets = self.totals.br_table_targets.saturating_add(targets);
        let total_max = self.limits.br_table_targets_total_max;
        self.limit(RefusalCode::BrTableTargetsTotal, at, total_max, self.totals.br_table_targets)
    }

    /// An operator that the parser cannot read: two prefixes belong to proposals it may have been built without.
    fn unreadable(&self, error: &wasmparser::Error, at: u64) -> Refusal {
        let prefix = slice(self.module, at, at.saturating_add(1)).first().copied();
        match (error.missing_wasm_feature(), prefix) {
            (None, Some(0xfd)) => Refusal::new(RefusalCode::FeatureSimd, at, error.message()),
            (None, Some(0xfe)) => Refusal::new(RefusalCode::FeatureThreads, at, error.message()),
            _ => invalid(error),
        }
    }

    fn limit(&self, code: RefusalCode, offset: u64, max: u64, found: u64) -> Result<(), Refusal> {
        if self.admitting { limit(code, offset, max, found) } else { Ok(()) }
    }
}

fn unknown_operator(at: u64, operator: &Operator<'_>) -> Refusal {
    Refusal::new(RefusalCode::OperatorUnknown, at, alloc::format!("{operator:?}"))
}

/// How many values a branch to the label that `operator` opens carries.
fn label_arity(resources: &ValidatorResources, operator: &Operator<'_>) -> usize {
    let (block_type, is_loop) = match operator {
        Operator::Block { blockty } | Operator::If { blockty } => (blockty, false),
        Operator::Loop { blockty } => (blockty, true),
        _ => return 0,
    };
    match block_type {
        BlockType::Empty => 0,
        BlockType::Type(_) => usize::from(!is_loop),
        BlockType::FuncType(index) => match resources.sub_type_at(*index) {
            Some(sub_type) => {
                let function = sub_type.unwrap_func();
                if is_loop { function.params().len() } else { function.results().len() }
            }
            None => 0,
        },
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
