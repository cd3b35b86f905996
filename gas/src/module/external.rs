//! The sections that say what a module takes, gives and starts with, held against the profile.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use wasmparser::{
    DataKind, DataSectionReader, ElementItems, ElementKind, ElementSectionReader, Export, ExportSectionReader,
    ExternalKind, FuncType, GlobalSectionReader, Import, ImportSectionReader, MemorySectionReader, MemoryType, RefType,
    TableInit, TableSectionReader, TypeRef, TypeSectionReader, ValType,
};

use super::Walk;
use super::constant::offset_value;
use super::output::{size, type_byte};
use crate::encode;
use crate::function::slice;
use crate::growth;
use crate::profile::ValueType;
use crate::refusal::{Refusal, RefusalCode};
use crate::refuse::invalid;
use crate::{EXPORT_GLOBAL, RESERVED_PREFIX};

const PAGE_BYTES: u64 = 65_536;

impl Walk<'_> {
    pub(super) fn type_section(&mut self, types: &TypeSectionReader<'_>) -> Result<(), Refusal> {
        let offset = types.range().start;
        for function_type in types.clone().into_iter_err_on_gc_types() {
            let function_type = function_type.map_err(|error| invalid(&error))?;
            let params = encode::length(function_type.params().len());
            let results = encode::length(function_type.results().len());
            self.limit(RefusalCode::Params, offset, self.limits.params_max, params)?;
            self.limit(RefusalCode::Results, offset, self.limits.results_max, results)?;
            self.grow(growth::TYPE.saturating_add(results), offset)?;
            self.types.push(function_type);
        }
        let from = types.original_position();
        self.output.types.extend_from_slice(slice(self.code, from, types.range().end));
        self.output.type_count = types.count();
        Ok(())
    }

    pub(super) fn import_section(&mut self, imports: &ImportSectionReader<'_>) -> Result<(), Refusal> {
        for import in imports.clone().into_imports_with_offsets() {
            let (offset, import) = import.map_err(|error| invalid(&error))?;
            self.name(offset, import.module)?;
            self.name(offset, import.name)?;
            match import.ty {
                TypeRef::Func(index) => self.import_function(offset, &import, index)?,
                _ if self.is_open() => self.import_as_declared(offset, &import)?,
                TypeRef::Memory(memory) if self.profile.memory_import == Some((import.module, import.name)) => {
                    self.memory(offset, &memory)?;
                }
                other => {
                    let detail = format!("{}.{}: {other:?}", import.module, import.name);
                    return Err(Refusal::new(RefusalCode::ImportKind, offset, detail));
                }
            }
        }
        // A module without functions of its own has no section of them, where all are counted.
        let imported = u64::from(self.facts.functions_imported);
        self.limit(RefusalCode::Functions, imports.range().start, self.limits.functions_max, imported)?;
        self.charge(self.schedule.instance_function, imported);
        Ok(())
    }

    fn import_function(&mut self, offset: u64, import: &Import<'_>, type_index: u32) -> Result<(), Refusal> {
        if !self.is_open() {
            self.check_import(offset, import, type_index)?;
        }
        let mut entity = alloc::vec![0];
        encode::unsigned(&mut entity, u64::from(type_index));
        self.output.import(import.module, import.name, &entity);
        self.function_types.push(type_index);
        self.facts.functions_imported = self.facts.functions_imported.saturating_add(1);
        self.facts.imports.push((String::from(import.module), String::from(import.name)));
        Ok(())
    }

    fn check_import(&self, offset: u64, import: &Import<'_>, type_index: u32) -> Result<(), Refusal> {
        let detail = || format!("{}.{} of profile {}", import.module, import.name, self.profile.name);
        let Some(wanted) = self.profile.import(import.module, import.name) else {
            return Err(Refusal::new(RefusalCode::ImportUnknown, offset, detail()));
        };
        if !self.has_type(type_index, wanted.params, wanted.results) {
            return Err(Refusal::new(RefusalCode::ImportSignature, offset, detail()));
        }
        Ok(())
    }

    /// A table, memory or global of another instance, where linking is open: it stays an import of the declared type, so
    /// that linking finds what the original module asks for.
    fn import_as_declared(&mut self, offset: u64, import: &Import<'_>) -> Result<(), Refusal> {
        let mut entity = Vec::new();
        match import.ty {
            TypeRef::Table(table) if table.element_type == RefType::FUNCREF => {
                entity.extend_from_slice(&[1, 0x70]);
                size(&mut entity, table.initial, table.maximum);
                self.table_sizes.push(table.initial);
            }
            TypeRef::Memory(memory) => {
                entity.push(2);
                size(&mut entity, memory.initial, memory.maximum);
                let pages = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
                self.facts.memory = Some((pages(memory.initial), memory.maximum.map_or(u32::MAX, pages)));
            }
            TypeRef::Global(global) => {
                entity.extend_from_slice(&[3, type_byte(global.content_type), u8::from(global.mutable)]);
                self.global_count = self.global_count.saturating_add(1);
            }
            other => return Err(Refusal::new(RefusalCode::ImportKind, offset, format!("{other:?}"))),
        }
        self.output.import(import.module, import.name, &entity);
        Ok(())
    }

    pub(super) fn table_section(&mut self, tables: &TableSectionReader<'_>) -> Result<(), Refusal> {
        for table in tables.clone().into_iter_with_offsets() {
            let (offset, table) = table.map_err(|error| invalid(&error))?;
            if table.ty.element_type != RefType::FUNCREF || !matches!(table.init, TableInit::RefNull) {
                return Err(Refusal::new(RefusalCode::FeatureFunctionReferences, offset, format!("{:?}", table.ty)));
            }
            let max = self.limits.table_elements_max;
            self.limit(RefusalCode::TableElements, offset, max, table.ty.initial)?;
            let capped = table.ty.maximum.unwrap_or(u64::MAX).min(max).max(table.ty.initial);
            let out = &mut self.output.tables;
            out.push(0x70);
            size(out, table.ty.initial, Some(capped));
            self.table_sizes.push(table.ty.initial);
            self.output.table_count = self.output.table_count.saturating_add(1);
            self.facts.table_elements = self.facts.table_elements.saturating_add(table.ty.initial);
            self.charge(self.schedule.instance_table_element, table.ty.initial);
        }
        Ok(())
    }

    pub(super) fn memory_section(&mut self, memories: &MemorySectionReader<'_>) -> Result<(), Refusal> {
        for memory in memories.clone().into_iter_with_offsets() {
            let (offset, memory) = memory.map_err(|error| invalid(&error))?;
            self.memory(offset, &memory)?;
        }
        Ok(())
    }

    /// The one memory, defined or imported: written as defined, with a maximum that no executor must exceed.
    fn memory(&mut self, offset: u64, memory: &MemoryType) -> Result<(), Refusal> {
        let cap = self.limits.memory_pages_max;
        self.limit(RefusalCode::MemoryPages, offset, cap, memory.initial)?;
        let max = memory.maximum.unwrap_or(u64::MAX).min(cap).max(memory.initial);
        self.output.memory = Some((memory.initial, max));
        let pages = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        self.facts.memory = Some((pages(memory.initial), pages(max)));
        self.charge(self.schedule.instance_page, memory.initial);
        Ok(())
    }

    pub(super) fn global_section(&mut self, globals: &GlobalSectionReader<'_>) -> Result<(), Refusal> {
        for (index, global) in (self.global_count..).zip(globals.clone()) {
            let global = global.map_err(|error| invalid(&error))?;
            self.limit_constant(&global.init_expr)?;
            if global.ty.mutable {
                self.grow(growth::GLOBAL, globals.range().start)?;
                self.facts.mutable_globals.push(index);
                self.output.export(&format!("{EXPORT_GLOBAL}{index}"), 3, index);
            }
        }
        self.global_count = self.global_count.saturating_add(globals.count());
        self.output.global_count = globals.count();
        self.charge(self.schedule.instance_global, u64::from(globals.count()));
        let from = globals.original_position();
        self.output.globals.extend_from_slice(slice(self.code, from, globals.range().end));
        Ok(())
    }

    /// Keeps the functions: nobody calls those that are no entries, but a `ref.func` needs its function exported where
    /// no segment or global names it. Other exports are harmless, and kept where linking is open.
    pub(super) fn export_section(&mut self, exports: &ExportSectionReader<'_>) -> Result<(), Refusal> {
        for export in exports.clone().into_iter_with_offsets() {
            let (offset, export) = export.map_err(|error| invalid(&error))?;
            self.name(offset, export.name)?;
            self.export(offset, &export)?;
        }
        Ok(())
    }

    fn export(&mut self, offset: u64, export: &Export<'_>) -> Result<(), Refusal> {
        let entries = self.profile.entries;
        let Some(position) = entries.iter().position(|entry| entry.name == export.name) else {
            let kind = match export.kind {
                ExternalKind::Func => Some(0),
                ExternalKind::Table if self.is_open() => Some(1),
                ExternalKind::Memory if self.is_open() => Some(2),
                ExternalKind::Global if self.is_open() => Some(3),
                _ => None,
            };
            if let Some(kind) = kind {
                self.output.export(export.name, kind, export.index);
            }
            return Ok(());
        };
        let type_index = usize::try_from(export.index).ok().and_then(|index| self.function_types.get(index)).copied();
        let fits = entries.get(position).zip(type_index).is_some_and(|(entry, type_index)| {
            export.kind == ExternalKind::Func && self.has_type(type_index, entry.params, entry.results)
        });
        if !fits {
            let detail = format!("{} of profile {}", export.name, self.profile.name);
            return Err(Refusal::new(RefusalCode::EntrySignature, offset, detail));
        }
        if let Some(found) = self.entries_found.get_mut(position) {
            *found = true;
        }
        self.output.export(export.name, 0, export.index);
        Ok(())
    }

    pub(super) fn check_entries(&mut self) -> Result<(), Refusal> {
        let entries = || self.profile.entries.iter().zip(&self.entries_found);
        let exported = entries().filter(|&(_, &found)| found).map(|(entry, _)| String::from(entry.name));
        self.facts.entries = exported.collect();
        let missing = entries().find(|&(entry, &found)| entry.required && !found);
        let Some((entry, _)) = missing else { return Ok(()) };
        let detail = format!("{} of profile {}", entry.name, self.profile.name);
        Err(Refusal::new(RefusalCode::EntryMissing, encode::length(self.code.len()), detail))
    }

    pub(super) fn element_section(&mut self, elements: &ElementSectionReader<'_>) -> Result<(), Refusal> {
        for element in elements.clone().into_iter_with_offsets() {
            let (offset, element) = element.map_err(|error| invalid(&error))?;
            let count = match &element.items {
                ElementItems::Functions(items) => items.count(),
                ElementItems::Expressions(_, items) => items.count(),
            };
            self.facts.element_items = self.facts.element_items.saturating_add(u64::from(count));
            let max = self.limits.element_items_max;
            self.limit(RefusalCode::ElementItems, offset, max, self.facts.element_items)?;
            if let ElementItems::Expressions(_, items) = &element.items {
                for item in items.clone() {
                    self.limit_constant(&item.map_err(|error| invalid(&error))?)?;
                }
            }
            if let ElementKind::Active { table_index, offset_expr } = &element.kind {
                self.limit_constant(offset_expr)?;
                let table = usize::try_from(table_index.unwrap_or(0)).unwrap_or(usize::MAX);
                let size = self.table_sizes.get(table).copied().unwrap_or(0);
                let begin = offset_value(offset_expr);
                self.inside(RefusalCode::ElementOutOfRange, offset, begin, u64::from(count), size)?;
            }
        }
        self.charge(self.schedule.instance_element_item, self.facts.element_items);
        let range = elements.range();
        self.output.elements.extend_from_slice(slice(self.code, range.start, range.end));
        Ok(())
    }

    pub(super) fn data_section(&mut self, data: &DataSectionReader<'_>) -> Result<(), Refusal> {
        let size = self.output.memory.map_or(0, |(initial, _)| initial.saturating_mul(PAGE_BYTES));
        let mut bytes: u64 = 0;
        for segment in data.clone().into_iter_with_offsets() {
            let (offset, segment) = segment.map_err(|error| invalid(&error))?;
            let length = encode::length(segment.data.len());
            bytes = bytes.saturating_add(length);
            if let DataKind::Active { offset_expr, .. } = &segment.kind {
                self.limit_constant(offset_expr)?;
                let begin = offset_value(offset_expr);
                self.inside(RefusalCode::DataOutOfRange, offset, begin, length, size)?;
                self.note_data(begin, length);
            }
        }
        self.charge(self.schedule.instance_data_byte, bytes);
        let range = data.range();
        self.output.data.extend_from_slice(slice(self.code, range.start, range.end));
        Ok(())
    }

    /// Notes what an active segment fills.
    fn note_data(&mut self, begin: Option<u32>, length: u64) {
        let (Some(begin), Ok(length)) = (begin, u32::try_from(length)) else { return };
        if length > 0 {
            self.facts.initial_data.push((begin, length));
        }
    }

    /// Whether `length` things from `begin` on lie within `size`: checked at admission and at preparation alike,
    /// because an executor would fail to make the instance. Where linking is open it may.
    fn inside(
        &self,
        code: RefusalCode,
        offset: u64,
        begin: Option<u32>,
        length: u64,
        size: u64,
    ) -> Result<(), Refusal> {
        if self.is_open() {
            return Ok(());
        }
        let end = begin.map_or(u64::MAX, |begin| u64::from(begin).saturating_add(length));
        if end > size { Err(Refusal::over(code, offset, size, end)) } else { Ok(()) }
    }

    fn name(&self, offset: u64, name: &str) -> Result<(), Refusal> {
        self.limit(RefusalCode::NameBytes, offset, self.limits.name_bytes_max, encode::length(name.len()))?;
        if name.starts_with(RESERVED_PREFIX) {
            return Err(Refusal::new(RefusalCode::ReservedName, offset, name));
        }
        Ok(())
    }

    fn has_type(&self, type_index: u32, params: &[ValueType], results: &[ValueType]) -> bool {
        let function_type = usize::try_from(type_index).ok().and_then(|index| self.types.get(index));
        function_type
            .is_some_and(|found: &FuncType| same_types(found.params(), params) && same_types(found.results(), results))
    }
}

fn same_types(found: &[ValType], wanted: &[ValueType]) -> bool {
    found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| *found == val_type(*wanted))
}

fn val_type(value_type: ValueType) -> ValType {
    match value_type {
        ValueType::I32 => ValType::I32,
        ValueType::I64 => ValType::I64,
        ValueType::F32 => ValType::F32,
        ValueType::F64 => ValType::F64,
        ValueType::FuncRef => ValType::FUNCREF,
    }
}
