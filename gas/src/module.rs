//! The walk over a module: each section is limited, validated, checked against the profile and written again. Function
//! bodies are validated where code is admitted.

mod constant;
mod external;
mod output;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use wasmparser::{
    BinaryReader, FuncType, FuncValidatorAllocations, FunctionBody, ImportSectionReader, MemorySectionReader, Parser,
    Payload, TableSectionReader, TypeRef, ValidPayload, Validator, WasmFeatures,
};

use self::output::Output;
use crate::encode;
use crate::function::{Functions, Signature, Types, slice};
use crate::growth;
use crate::limits::Limits;
use crate::prepared::{Facts, Prepared};
use crate::profile::{Floats, Linking, Profile};
use crate::refusal::{Refusal, RefusalCode};
use crate::refuse::{invalid, limit};
use crate::schedule::Schedule;

/// Validates, limits and instruments uploaded code.
///
/// # Errors
///
/// A [`Refusal`] where the code is not what `limits` and `profile` admit. The same bytes are refused with the same code
/// on every machine.
pub fn admit(code: &[u8], schedule: &Schedule, limits: &Limits, profile: &Profile<'_>) -> Result<Prepared, Refusal> {
    limit(RefusalCode::CodeBytes, 0, limits.code_bytes_max.min(u64::from(u32::MAX)), encode::length(code.len()))?;
    let prepared = Walk::new(code, schedule, limits, profile, true).run().map_err(|refusal| {
        if refusal.code == RefusalCode::FeatureExternRef {
            named_reference(code, profile.floats, refusal)
        } else {
            refusal
        }
    })?;
    Ok(prepared)
}

/// Instruments code that was admitted before, perhaps under an older version, for another schedule.
///
/// `limits` are those of the admission. They are not checked again: they only cap memory and tables. Nor are function bodies
/// validated again; the code and the facts are those that [`admit`] gives (docs/decisions/0010).
///
/// Code that was never admitted is refused, or what is made of it means nothing: its types may not fit, and its gas may
/// count nothing. Such code can do no harm to an executor that validates what it runs.
///
/// # Errors
///
/// A [`Refusal`] only for code that was never admitted under `profile`, or for a schedule with an excessive price.
pub fn prepare(code: &[u8], schedule: &Schedule, limits: &Limits, profile: &Profile<'_>) -> Result<Prepared, Refusal> {
    limit(RefusalCode::CodeBytes, 0, u64::from(u32::MAX), encode::length(code.len()))?;
    Walk::new(code, schedule, limits, profile, false).run()
}

/// What is injected besides gas. For measurements; all other admission injects both.
#[derive(Clone, Copy, Debug)]
pub struct Injected {
    /// Stack units.
    pub stack: bool,
    /// Canonical NaNs, under a profile that asks for them.
    pub canonical_nans: bool,
}

/// Admits code and injects less than belongs there: for the measurement of what the rest costs, and for nothing else.
///
/// # Errors
///
/// As [`admit`].
pub fn admit_with(
    injected: Injected,
    code: &[u8],
    schedule: &Schedule,
    limits: &Limits,
    profile: &Profile<'_>,
) -> Result<Prepared, Refusal> {
    let mut walk = Walk::new(code, schedule, limits, profile, true);
    walk.stack_metered = injected.stack;
    walk.canonicalises &= injected.canonical_nans;
    walk.run()
}

/// Magic and version of a core module.
pub(crate) const HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// The state of the walk.
struct Walk<'a> {
    code: &'a [u8],
    schedule: &'a Schedule,
    limits: &'a Limits,
    profile: &'a Profile<'a>,
    admitting: bool,
    stack_metered: bool,
    canonicalises: bool,
    output: Output,
    facts: Facts,
    types: Vec<FuncType>,
    /// Type index of each function, imported ones first.
    function_types: Vec<u32>,
    /// Globals so far, imported ones first.
    global_count: u32,
    /// Initial size of each table, imported ones first.
    table_sizes: Vec<u64>,
    custom_sections: u64,
    entries_found: Vec<bool>,
    /// Block types `[] -> results` made for functions with several results, by type index.
    result_types: BTreeMap<u32, Vec<u8>>,
    bodies_seen: usize,
}

impl<'a> Walk<'a> {
    fn new(
        code: &'a [u8],
        schedule: &'a Schedule,
        limits: &'a Limits,
        profile: &'a Profile<'a>,
        admitting: bool,
    ) -> Walk<'a> {
        Walk {
            code,
            schedule,
            limits,
            profile,
            admitting,
            stack_metered: true,
            canonicalises: profile.floats == Floats::Canonical,
            output: Output::default(),
            facts: Facts::default(),
            types: Vec::new(),
            function_types: Vec::new(),
            global_count: 0,
            table_sizes: Vec::new(),
            custom_sections: 0,
            entries_found: alloc::vec![false; profile.entries.len()],
            result_types: BTreeMap::new(),
            bodies_seen: 0,
        }
    }

    fn run(mut self) -> Result<Prepared, Refusal> {
        if let Some((field, price)) = self.schedule.excessive_price() {
            let mut refusal = Refusal::over(RefusalCode::SchedulePrice, 0, crate::PRICE_MAX, price);
            refusal.detail = String::from(field);
            return Err(refusal);
        }
        if self.code.is_empty() {
            return Err(Refusal::new(RefusalCode::Empty, 0, ""));
        }
        if !self.code.starts_with(HEADER) {
            return Err(Refusal::new(RefusalCode::NotAModule, 0, "magic or version"));
        }
        self.facts.loading.bytes = u32::try_from(self.code.len()).unwrap_or(u32::MAX);
        self.grow(growth::MODULE, 0)?;
        let features = features(self.profile.floats);
        let mut validator = Validator::new_with_features(features);
        let mut parser = Parser::new(0);
        parser.set_features(features);
        // Made where the code section starts: only then is the number of globals known.
        let mut functions = None;
        for payload in parser.parse_all(self.code) {
            let payload = payload.map_err(|error| invalid(&error))?;
            match &payload {
                Payload::CodeSectionEntry(body) => {
                    let function = match validator.payload(&payload).map_err(|error| invalid(&error))? {
                        ValidPayload::Func(function, _) => function,
                        _ => continue,
                    };
                    let functions = functions.get_or_insert_with(|| self.functions());
                    self.body(functions, function, body)?;
                }
                _ => self.section(&mut validator, &payload)?,
            }
        }
        let (totals, added) = functions.map(|functions| (functions.totals, functions.added)).unwrap_or_default();
        added.written(self.global_count, self.schedule).for_each(|(of, body)| self.output.add_function(&of, &body));
        self.check_entries()?;
        self.facts.frame_units_max = totals.frame_units_max;
        self.facts.top_values_max = totals.top_values_max;
        self.facts.function_gas_max = totals.function_gas_max;
        self.facts.loading.values = totals.values;
        self.facts.instrumented_function_bytes_bound = totals.longest_body;
        self.facts.keeps_segments_and_tables = !totals.changes_tables;
        let code = self.output.assemble(self.global_count, self.facts.memory.is_some());
        Ok(Prepared { code, facts: self.facts })
    }

    /// Whether whoever links the module answers for its imports and for what happens while an instance is made.
    fn is_open(&self) -> bool {
        self.profile.linking == Linking::Open
    }

    fn functions(&self) -> Functions<'a> {
        let floats = self.profile.floats;
        let counter = self.global_count;
        let count = self.facts.functions_imported.saturating_add(self.facts.functions_defined);
        let mut functions =
            Functions::new(self.code, self.schedule, self.limits, self.admitting, floats, counter, count);
        functions.stack_metered = self.stack_metered;
        functions.canonicalises = self.canonicalises;
        functions
    }

    /// Any part of the module but a function body: limits first, then the validator, then what is ours.
    fn section(&mut self, validator: &mut Validator, payload: &Payload<'_>) -> Result<(), Refusal> {
        self.limit_section(payload)?;
        self.facts.loading.items = self.facts.loading.items.saturating_add(items(payload));
        validator.payload(payload).map_err(|error| self.invalid_section(payload, &error))?;
        match payload {
            Payload::TypeSection(types) => self.type_section(types),
            Payload::ImportSection(imports) => self.import_section(imports),
            Payload::FunctionSection(functions) => self.function_section(functions),
            Payload::TableSection(tables) => self.table_section(tables),
            Payload::MemorySection(memories) => self.memory_section(memories),
            Payload::GlobalSection(globals) => self.global_section(globals),
            Payload::ExportSection(exports) => self.export_section(exports),
            Payload::StartSection { func, range } => self.start_section(*func, range.start),
            Payload::ElementSection(elements) => self.element_section(elements),
            Payload::DataCountSection { count, .. } => {
                encode::unsigned(self.output.data_count.get_or_insert_default(), u64::from(*count));
                Ok(())
            }
            Payload::CodeSectionStart { count, .. } => {
                self.output.code_count = *count;
                self.output.code.reserve(self.code.len().saturating_mul(3) / 2);
                Ok(())
            }
            Payload::DataSection(data) => self.data_section(data),
            _ => Ok(()),
        }
    }

    /// The validator names no proposal where a type declares supertypes, the byte it stops at does; nor where the size of
    /// a 64-bit memory or table does not fit 32 bits.
    fn invalid_section(&self, payload: &Payload<'_>, error: &wasmparser::Error) -> Refusal {
        if self.has_64_bit_sizes(payload) {
            return Refusal::new(RefusalCode::FeatureMemory64, error.offset(), error.message());
        }
        let byte = slice(self.code, error.offset(), error.offset().saturating_add(1)).first();
        match (payload, byte) {
            (Payload::TypeSection(_), Some(0x4f | 0x50)) => {
                Refusal::new(RefusalCode::FeatureGc, error.offset(), error.message())
            }
            _ => invalid(error),
        }
    }

    /// Whether a section, read with every proposal, has a 64-bit memory or table.
    fn has_64_bit_sizes(&self, payload: &Payload<'_>) -> bool {
        let Some((_, range)) = payload.as_section() else { return false };
        let mut reader = BinaryReader::new(slice(self.code, range.start, range.end), range.start);
        reader.set_features(WasmFeatures::all());
        match payload {
            Payload::MemorySection(_) => MemorySectionReader::new(reader)
                .is_ok_and(|memories| memories.into_iter().map_while(Result::ok).any(|memory| memory.memory64)),
            Payload::TableSection(_) => TableSectionReader::new(reader)
                .is_ok_and(|tables| tables.into_iter().map_while(Result::ok).any(|table| table.ty.table64)),
            Payload::ImportSection(_) => ImportSectionReader::new(reader).is_ok_and(|imports| {
                imports.into_imports().map_while(Result::ok).any(|import| match import.ty {
                    TypeRef::Memory(memory) => memory.memory64,
                    TypeRef::Table(table) => table.table64,
                    _ => false,
                })
            }),
            _ => false,
        }
    }

    /// The counts that are known before a section is read, so that nothing is allocated for too many.
    fn limit_section(&mut self, payload: &Payload<'_>) -> Result<(), Refusal> {
        let limits = self.limits;
        if let Payload::MemorySection(memories) = payload {
            let all = u64::from(memories.count()).saturating_add(u64::from(self.facts.memory.is_some()));
            return limit(RefusalCode::FeatureMultiMemory, memories.range().start, 1, all);
        }
        if let Payload::ImportSection(imports) = payload {
            self.limit(RefusalCode::Imports, imports.range().start, limits.imports_max, u64::from(imports.count()))?;
            // What cannot be read is left to the validator.
            let readable = imports.clone().into_imports().map_while(Result::ok);
            let memories = readable.filter(|import| matches!(import.ty, TypeRef::Memory(_))).count();
            return limit(RefusalCode::FeatureMultiMemory, imports.range().start, 1, encode::length(memories));
        }
        let (code, max, found, offset) = match payload {
            Payload::TypeSection(types) => {
                (RefusalCode::Types, limits.types_max, u64::from(types.count()), types.range().start)
            }
            Payload::FunctionSection(functions) => {
                let all = u64::from(functions.count()).saturating_add(encode::length(self.function_types.len()));
                (RefusalCode::Functions, limits.functions_max, all, functions.range().start)
            }
            Payload::TableSection(tables) => {
                let all = u64::from(tables.count()).saturating_add(encode::length(self.table_sizes.len()));
                (RefusalCode::Tables, limits.tables_max, all, tables.range().start)
            }
            Payload::GlobalSection(globals) => {
                let all = u64::from(globals.count()).saturating_add(u64::from(self.global_count));
                (RefusalCode::Globals, limits.globals_max, all, globals.range().start)
            }
            Payload::ExportSection(exports) => {
                (RefusalCode::Exports, limits.exports_max, u64::from(exports.count()), exports.range().start)
            }
            Payload::ElementSection(elements) => {
                let count = u64::from(elements.count());
                (RefusalCode::ElementSegments, limits.element_segments_max, count, elements.range().start)
            }
            Payload::DataCountSection { count, range } => {
                (RefusalCode::DataSegments, limits.data_segments_max, u64::from(*count), range.start)
            }
            Payload::DataSection(data) => {
                (RefusalCode::DataSegments, limits.data_segments_max, u64::from(data.count()), data.range().start)
            }
            Payload::CustomSection(section) => {
                self.custom_sections = self.custom_sections.saturating_add(1);
                let start = section.range().start;
                (RefusalCode::CustomSections, limits.custom_sections_max, self.custom_sections, start)
            }
            _ => return Ok(()),
        };
        self.limit(code, offset, max, found)
    }

    fn limit(&self, code: RefusalCode, offset: u64, max: u64, found: u64) -> Result<(), Refusal> {
        if self.admitting { limit(code, offset, max, found) } else { Ok(()) }
    }

    fn start_section(&mut self, function: u32, offset: u64) -> Result<(), Refusal> {
        if !self.is_open() {
            return Err(Refusal::new(RefusalCode::StartFunction, offset, "a start function"));
        }
        encode::unsigned(self.output.start.get_or_insert_default(), u64::from(function));
        Ok(())
    }

    fn function_section(&mut self, functions: &wasmparser::FunctionSectionReader<'_>) -> Result<(), Refusal> {
        for index in functions.clone() {
            self.function_types.push(index.map_err(|error| invalid(&error))?);
        }
        self.facts.functions_defined = functions.count();
        self.charge(self.schedule.instance_function, u64::from(functions.count()));
        let (from, to) = (functions.original_position(), functions.range().end);
        self.output.function_count = functions.count();
        self.output.functions.extend_from_slice(slice(self.code, from, to));
        Ok(())
    }

    fn body(
        &mut self,
        functions: &mut Functions<'a>,
        function: wasmparser::FuncToValidate<wasmparser::ValidatorResources>,
        body: &FunctionBody<'_>,
    ) -> Result<(), Refusal> {
        let imported = usize::try_from(self.facts.functions_imported).unwrap_or(usize::MAX);
        let position = imported.saturating_add(self.bodies_seen);
        self.bodies_seen = self.bodies_seen.saturating_add(1);
        let type_index = self.function_types.get(position).copied().unwrap_or(u32::MAX);
        let Some(function_type) = usize::try_from(type_index).ok().and_then(|index| self.types.get(index)) else {
            return Err(Refusal::new(RefusalCode::Invalid, body.range().start, "a body without a function"));
        };
        let result_type = match self.result_types.get(&type_index) {
            Some(result_type) => result_type.as_slice(),
            None => {
                let made = self.output.result_type(function_type);
                self.result_types.entry(type_index).or_insert(made)
            }
        };
        let signature = Signature {
            param_count: u32::try_from(function_type.params().len()).unwrap_or(u32::MAX),
            result_count: function_type.results().len(),
            result_type,
        };
        let mut written = core::mem::take(&mut self.output.body);
        written.clear();
        let types = Types { all: &self.types, of_functions: &self.function_types };
        let growth = functions.instrument(function, body, &signature, types, &mut written)?;
        self.grow(growth, body.range().start)?;
        encode::unsigned(&mut self.output.code, encode::length(written.len()));
        self.output.code.extend_from_slice(&written);
        self.output.body = written;
        Ok(())
    }

    /// Adds to what instrumenting adds at most.
    fn grow(&mut self, bytes: u64, offset: u64) -> Result<(), Refusal> {
        let loading = &mut self.facts.loading;
        loading.growth = loading.growth.saturating_add(bytes);
        let (max, found) = (self.limits.instrumented_bytes_max, loading.instrumented_bytes_bound());
        self.limit(RefusalCode::InstrumentedBytes, offset, max, found)
    }

    /// Adds to the price of an instance.
    fn charge(&mut self, price: u64, count: u64) {
        let amount = price.saturating_mul(count);
        self.facts.instantiation_gas = self.facts.instantiation_gas.saturating_add(amount);
    }
}

/// Entries of a section that loading is priced by.
fn items(payload: &Payload<'_>) -> u32 {
    match payload {
        Payload::TypeSection(types) => types.count(),
        Payload::ImportSection(imports) => imports.count(),
        Payload::FunctionSection(functions) => functions.count(),
        Payload::TableSection(tables) => tables.count(),
        Payload::MemorySection(memories) => memories.count(),
        Payload::GlobalSection(globals) => globals.count(),
        Payload::ExportSection(exports) => exports.count(),
        Payload::ElementSection(elements) => elements.count(),
        Payload::DataSection(data) => data.count(),
        _ => 0,
    }
}

/// Tells apart the reference types that the validator has one switch for: what still does not validate at the same place
/// when external references are allowed belongs to the proposal that is missing then.
///
/// Only refused code is looked at twice, and only as far as it was looked at before.
fn named_reference(code: &[u8], floats: Floats, refusal: Refusal) -> Refusal {
    let features = features(floats) | WasmFeatures::GC_TYPES;
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let end = u64::from(refusal.offset);
    for payload in parser.parse_all(code) {
        let Ok(payload) = payload else { break };
        if payload.as_section().is_some_and(|(_, range)| range.start > end) {
            break;
        }
        let error = match (validator.payload(&payload), &payload) {
            (Ok(ValidPayload::Func(function, _)), Payload::CodeSectionEntry(body)) => {
                if !body.range().contains(&end) {
                    continue;
                }
                function.into_validator(FuncValidatorAllocations::default()).validate(body).err()
            }
            (Ok(_), _) => None,
            (Err(error), _) => Some(error),
        };
        if let Some(error) = error {
            if error.offset() == end {
                return invalid(&error);
            }
            break;
        }
    }
    Refusal { detail: String::from("an external reference"), ..refusal }
}

/// Exactly what is admitted. The validator's own default is not asked: it changes with its versions.
pub(crate) fn features(floats: Floats) -> WasmFeatures {
    let admitted = WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::EXTENDED_CONST;
    match floats {
        Floats::Forbid => admitted,
        Floats::Canonical => admitted | WasmFeatures::FLOATS,
    }
}
