//! What a module uses of each limit and what its functions cost, for people and tools: nothing here is consensus.
//!
//! Counted in a walk of its own, so that admission does not pay for it. `tests/explain.rs` holds every figure against
//! what admission counts.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use wasmparser::{
    FuncToValidate, FuncValidatorAllocations, FunctionBody, KnownCustom, Name, Operator, Parser, Payload, TypeRef,
    ValidPayload, Validator, ValidatorResources,
};

use crate::encode;
use crate::limits::Limits;
use crate::module::{admit, features};
use crate::operator::price;
use crate::prepared::Prepared;
use crate::profile::Profile;
use crate::refusal::{Refusal, RefusalCode};
use crate::refuse::invalid;
use crate::schedule::Schedule;

/// An admitted module, with what it uses of each limit and what its functions cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The prepared code.
    pub prepared: Prepared,
    /// One entry for each limit of admission.
    pub usage: Vec<Usage>,
    /// One entry for each defined function, in the order of the code section.
    pub functions: Vec<FunctionFacts>,
}

/// How much of one limit a module uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The limit's name: a field of [`Limits`].
    pub limit: &'static str,
    /// What a module above it is refused with.
    pub code: RefusalCode,
    /// What the module has; of a limit on single items, the largest.
    pub found: u64,
    /// The limit.
    pub max: u64,
}

/// What is known of a defined function before it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionFacts {
    /// Its index among all functions, imported ones included.
    pub index: u32,
    /// Its name in the name section, where there is one.
    pub name: Option<String>,
    /// Where its body begins, as a byte offset into the uploaded bytes.
    pub offset: u32,
    /// Length of its body.
    pub bytes: u64,
    /// Operators, reachable or not.
    pub operators: u64,
    /// Gas of entering it: `function_entry` and its declared locals.
    pub entry_gas: u64,
    /// Sum of the static prices of its operators: an upper bound for one pass that repeats nothing.
    pub straight_gas: u64,
    /// Parameters and declared locals.
    pub locals: u64,
    /// The most operands at once.
    pub operand_height: u64,
    /// The deepest nesting of blocks, the function itself included.
    pub nesting: u64,
    /// Loops, reachable or not.
    pub loops: u64,
    /// Calls, direct and indirect, reachable or not.
    pub calls: u64,
    /// Units it takes from the stack budget: 0 without a call in it (docs/gas.md §4).
    pub stack_units: u64,
}

/// A function, as people find it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionName {
    /// Its index among all functions, imported ones included.
    pub index: u32,
    /// Its name in the name section, where there is one.
    pub name: Option<String>,
}

/// Admits code as [`admit`] does, and counts what it uses.
///
/// # Errors
///
/// The [`Refusal`] of [`admit`].
pub fn explain(
    code: &[u8],
    schedule: &Schedule,
    limits: &Limits,
    profile: &Profile<'_>,
) -> Result<Explanation, Refusal> {
    let prepared = admit(code, schedule, limits, profile)?;
    // Admitted code has the sizes that the limits allow, so nothing below can be made to allocate more.
    let mut count = Count::new(schedule, limits);
    count.raise(RefusalCode::CodeBytes, encode::length(code.len()));
    count.raise(RefusalCode::InstrumentedBytes, prepared.instrumented_bytes_bound());
    count.raise(RefusalCode::InstrumentedFunctionBytes, prepared.instrumented_function_bytes_bound());
    count.walk(code, profile)?;
    let names = named_functions(code);
    for function in &mut count.functions {
        function.name = names.get(&function.index).map(|name| String::from(*name));
    }
    let usage = count.usage();
    Ok(Explanation { prepared, usage, functions: count.functions })
}

/// The function whose body holds the byte at `offset`, in any bytes, admitted or not; `None` outside of all bodies.
#[must_use]
pub fn function_at(code: &[u8], offset: u32) -> Option<FunctionName> {
    let offset = u64::from(offset);
    let mut index: u32 = 0;
    for payload in Parser::new(0).parse_all(code) {
        match payload.ok()? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    index = index.saturating_add(u32::from(matches!(import.ok()?.ty, TypeRef::Func(_))));
                }
            }
            Payload::CodeSectionEntry(body) if body.range().contains(&offset) => {
                let name = named_functions(code).get(&index).map(|name| String::from(*name));
                return Some(FunctionName { index, name });
            }
            Payload::CodeSectionEntry(_) => index = index.saturating_add(1),
            _ => {}
        }
    }
    None
}

/// Names of functions by their index: imports as `module.name`, others as in the name section, as far as it can be read.
#[must_use]
pub fn function_names(code: &[u8]) -> BTreeMap<u32, String> {
    let named = named_functions(code).into_iter();
    let mut names: BTreeMap<u32, String> = named.map(|(index, name)| (index, String::from(name))).collect();
    for payload in Parser::new(0).parse_all(code).map_while(Result::ok) {
        if let Payload::ImportSection(imports) = &payload {
            let functions = imports.clone().into_imports().map_while(Result::ok);
            let functions = functions.filter(|import| matches!(import.ty, TypeRef::Func(_)));
            names.extend((0..).zip(functions.map(|import| format!("{}.{}", import.module, import.name))));
        }
    }
    names
}

/// Names from the name section, as far as it can be read.
fn named_functions(code: &[u8]) -> BTreeMap<u32, &str> {
    let mut names = BTreeMap::new();
    for payload in Parser::new(0).parse_all(code).map_while(Result::ok) {
        let Payload::CustomSection(section) = payload else { continue };
        let KnownCustom::Name(subsections) = section.as_known() else { continue };
        for subsection in subsections.into_iter().map_while(Result::ok) {
            if let Name::Function(map) = subsection {
                names.extend(map.into_iter().map_while(Result::ok).map(|naming| (naming.index, naming.name)));
            }
        }
    }
    names
}

/// Each limit of admission with its code.
type LimitRow = (&'static str, RefusalCode, fn(&Limits) -> u64);

macro_rules! limit_rows {
    ($($field:ident: $code:ident,)*) => { &[$((stringify!($field), RefusalCode::$code, |limits| limits.$field),)*] };
}

const LIMIT_ROWS: &[LimitRow] = limit_rows! {
    code_bytes_max: CodeBytes,
    instrumented_bytes_max: InstrumentedBytes,
    function_bytes_max: FunctionBytes,
    instrumented_function_bytes_max: InstrumentedFunctionBytes,
    function_gas_max: FunctionGas,
    types_max: Types,
    params_max: Params,
    results_max: Results,
    functions_max: Functions,
    imports_max: Imports,
    exports_max: Exports,
    name_bytes_max: NameBytes,
    globals_max: Globals,
    tables_max: Tables,
    table_elements_max: TableElements,
    data_segments_max: DataSegments,
    element_segments_max: ElementSegments,
    element_items_max: ElementItems,
    constant_operators_max: ConstantOperators,
    locals_max: Locals,
    local_groups_max: LocalGroups,
    locals_total_max: LocalsTotal,
    operand_height_max: OperandHeight,
    nesting_max: Nesting,
    br_table_targets_max: BrTableTargets,
    br_table_targets_total_max: BrTableTargetsTotal,
    custom_sections_max: CustomSections,
    memory_pages_max: MemoryPages,
};

/// The walk, and what it has counted.
struct Count<'a> {
    schedule: &'a Schedule,
    limits: &'a Limits,
    found: BTreeMap<RefusalCode, u64>,
    functions: Vec<FunctionFacts>,
    functions_imported: u32,
    /// Parameters of each type, and the type of each defined function.
    type_params: Vec<u64>,
    defined_types: Vec<u32>,
    allocations: FuncValidatorAllocations,
}

impl<'a> Count<'a> {
    fn new(schedule: &'a Schedule, limits: &'a Limits) -> Count<'a> {
        Count {
            schedule,
            limits,
            found: BTreeMap::new(),
            functions: Vec::new(),
            functions_imported: 0,
            type_params: Vec::new(),
            defined_types: Vec::new(),
            allocations: FuncValidatorAllocations::default(),
        }
    }

    fn usage(&self) -> Vec<Usage> {
        let found = |code| self.found.get(&code).copied().unwrap_or(0);
        LIMIT_ROWS
            .iter()
            .map(|&(limit, code, max)| Usage { limit, code, found: found(code), max: max(self.limits) })
            .collect()
    }

    /// Notes a size of which the largest counts.
    fn raise(&mut self, code: RefusalCode, found: u64) {
        let largest = self.found.entry(code).or_default();
        *largest = found.max(*largest);
    }

    /// Notes a size of which the sum counts.
    fn add(&mut self, code: RefusalCode, found: u64) {
        let sum = self.found.entry(code).or_default();
        *sum = sum.saturating_add(found);
    }

    fn walk(&mut self, code: &[u8], profile: &Profile<'_>) -> Result<(), Refusal> {
        let features = features(profile.floats);
        let mut validator = Validator::new_with_features(features);
        let mut parser = Parser::new(0);
        parser.set_features(features);
        for payload in parser.parse_all(code) {
            let payload = payload.map_err(|error| invalid(&error))?;
            match validator.payload(&payload).map_err(|error| invalid(&error))? {
                ValidPayload::Func(function, body) => {
                    self.function(function, &body).map_err(|error| invalid(&error))?
                }
                _ => self.section(&payload).map_err(|error| invalid(&error))?,
            }
        }
        Ok(())
    }

    // Long on purpose: a table over the sections.
    fn section(&mut self, payload: &Payload<'_>) -> wasmparser::Result<()> {
        use RefusalCode::*;
        match payload {
            Payload::TypeSection(types) => {
                self.add(Types, u64::from(types.count()));
                for function_type in types.clone().into_iter_err_on_gc_types() {
                    let function_type = function_type?;
                    let params = encode::length(function_type.params().len());
                    self.type_params.push(params);
                    self.raise(Params, params);
                    self.raise(Results, encode::length(function_type.results().len()));
                }
            }
            Payload::ImportSection(imports) => {
                self.add(Imports, u64::from(imports.count()));
                for import in imports.clone().into_imports() {
                    let import = import?;
                    self.raise(NameBytes, encode::length(import.module.len().max(import.name.len())));
                    match import.ty {
                        TypeRef::Memory(memory) => self.raise(MemoryPages, memory.initial),
                        _ => self.functions_imported = self.functions_imported.saturating_add(1),
                    }
                }
                self.add(Functions, u64::from(self.functions_imported));
            }
            Payload::FunctionSection(functions) => {
                self.add(Functions, u64::from(functions.count()));
                for defined_type in functions.clone() {
                    self.defined_types.push(defined_type?);
                }
            }
            Payload::TableSection(tables) => {
                self.add(Tables, u64::from(tables.count()));
                for table in tables.clone() {
                    self.raise(TableElements, table?.ty.initial);
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories.clone() {
                    self.raise(MemoryPages, memory?.initial);
                }
            }
            Payload::GlobalSection(globals) => {
                self.add(Globals, u64::from(globals.count()));
                for global in globals.clone() {
                    self.constant(&global?.init_expr)?;
                }
            }
            Payload::ExportSection(exports) => {
                self.add(Exports, u64::from(exports.count()));
                for export in exports.clone() {
                    self.raise(NameBytes, encode::length(export?.name.len()));
                }
            }
            Payload::ElementSection(elements) => {
                self.add(ElementSegments, u64::from(elements.count()));
                for element in elements.clone() {
                    self.element(&element?)?;
                }
            }
            Payload::DataSection(data) => {
                self.add(DataSegments, u64::from(data.count()));
                for segment in data.clone() {
                    if let wasmparser::DataKind::Active { offset_expr, .. } = segment?.kind {
                        self.constant(&offset_expr)?;
                    }
                }
            }
            Payload::CustomSection(_) => self.add(CustomSections, 1),
            _ => {}
        }
        Ok(())
    }

    fn element(&mut self, element: &wasmparser::Element<'_>) -> wasmparser::Result<()> {
        match &element.items {
            wasmparser::ElementItems::Functions(items) => self.add(RefusalCode::ElementItems, u64::from(items.count())),
            wasmparser::ElementItems::Expressions(_, items) => {
                self.add(RefusalCode::ElementItems, u64::from(items.count()));
                for item in items.clone() {
                    self.constant(&item?)?;
                }
            }
        }
        match &element.kind {
            wasmparser::ElementKind::Active { offset_expr, .. } => self.constant(offset_expr),
            _ => Ok(()),
        }
    }

    fn constant(&mut self, expression: &wasmparser::ConstExpr<'_>) -> wasmparser::Result<()> {
        let mut operators: u64 = 0;
        for operator in expression.get_operators_reader() {
            operator?;
            operators = operators.saturating_add(1);
        }
        self.raise(RefusalCode::ConstantOperators, operators);
        Ok(())
    }

    fn function(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
    ) -> wasmparser::Result<()> {
        let range = body.range();
        let params = self
            .defined_types
            .get(self.functions.len())
            .and_then(|&type_index| self.type_params.get(usize::try_from(type_index).ok()?).copied());
        let mut declarations = body.get_locals_reader()?;
        self.raise(RefusalCode::LocalGroups, u64::from(declarations.get_count()));
        let mut declared: u64 = 0;
        for _ in 0..declarations.get_count() {
            declared = declared.saturating_add(u64::from(declarations.read()?.0));
        }
        let position = u32::try_from(self.functions.len()).unwrap_or(u32::MAX);
        let mut facts = FunctionFacts {
            index: self.functions_imported.saturating_add(position),
            offset: u32::try_from(range.start).unwrap_or(u32::MAX),
            bytes: range.end.saturating_sub(range.start),
            entry_gas: self
                .schedule
                .function_entry
                .saturating_add(self.schedule.function_local.saturating_mul(declared)),
            locals: declared.saturating_add(params.unwrap_or(0)),
            ..FunctionFacts::default()
        };
        self.operators(function, body, &mut facts)?;
        if facts.calls > 0 {
            let values = facts.locals.saturating_add(facts.operand_height);
            facts.stack_units = self.limits.stack_frame_base.saturating_add(values);
        }
        self.raise(RefusalCode::FunctionBytes, facts.bytes);
        self.raise(RefusalCode::FunctionGas, facts.straight_gas);
        self.raise(RefusalCode::Locals, facts.locals);
        self.add(RefusalCode::LocalsTotal, facts.locals);
        self.raise(RefusalCode::OperandHeight, facts.operand_height);
        self.raise(RefusalCode::Nesting, facts.nesting);
        self.functions.push(facts);
        Ok(())
    }

    fn operators(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        facts: &mut FunctionFacts,
    ) -> wasmparser::Result<()> {
        let mut validator = function.into_validator(core::mem::take(&mut self.allocations));
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        let mut reader = wasmparser::OperatorsReader::new(reader);
        while !reader.eof() {
            let (operator, at) = reader.read_with_offset()?;
            validator.op(at, &operator)?;
            facts.operators = facts.operators.saturating_add(1);
            facts.straight_gas = facts.straight_gas.saturating_add(price(self.schedule, &operator).unwrap_or(0));
            facts.operand_height = facts.operand_height.max(u64::from(validator.operand_stack_height()));
            facts.nesting = facts.nesting.max(u64::from(validator.control_stack_height()));
            match &operator {
                Operator::Loop { .. } => facts.loops = facts.loops.saturating_add(1),
                Operator::Call { .. } | Operator::CallIndirect { .. } => facts.calls = facts.calls.saturating_add(1),
                Operator::BrTable { targets } => {
                    self.raise(RefusalCode::BrTableTargets, u64::from(targets.len()));
                    self.add(RefusalCode::BrTableTargetsTotal, u64::from(targets.len()));
                }
                _ => {}
            }
        }
        reader.finish()?;
        self.allocations = validator.into_allocations();
        Ok(())
    }
}
