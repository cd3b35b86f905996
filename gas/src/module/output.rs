//! The prepared module, section by section, and how it is put together.

use alloc::vec::Vec;

use wasmparser::{FuncType, ValType};

use crate::encode;
use crate::{EXPORT_COUNTER, EXPORT_MEMORY};

/// Contents of the sections; those with a count of their own here without it.
#[derive(Default)]
pub(super) struct Output {
    pub(super) types: Vec<u8>,
    pub(super) type_count: u32,
    pub(super) imports: Vec<u8>,
    pub(super) import_count: u32,
    pub(super) functions: Vec<u8>,
    pub(super) function_count: u32,
    pub(super) tables: Vec<u8>,
    pub(super) table_count: u32,
    /// Initial and maximum pages of a memory that the prepared code defines.
    pub(super) memory: Option<(u64, u64)>,
    pub(super) globals: Vec<u8>,
    /// Globals that the contract defines.
    pub(super) global_count: u32,
    exports: Vec<u8>,
    export_count: u32,
    /// Index of the start function, where there may be one.
    pub(super) start: Option<Vec<u8>>,
    pub(super) elements: Vec<u8>,
    pub(super) data_count: Option<Vec<u8>>,
    pub(super) code: Vec<u8>,
    pub(super) code_count: u32,
    pub(super) data: Vec<u8>,
    /// The body being written, kept for its allocation.
    pub(super) body: Vec<u8>,
}

impl Output {
    /// An import with the bytes of its type, the kind first.
    pub(super) fn import(&mut self, module: &str, name: &str, entity: &[u8]) {
        encode::name(&mut self.imports, module);
        encode::name(&mut self.imports, name);
        self.imports.extend_from_slice(entity);
        self.import_count = self.import_count.saturating_add(1);
    }

    pub(super) fn export(&mut self, name: &str, kind: u8, index: u32) {
        encode::name(&mut self.exports, name);
        self.exports.push(kind);
        encode::unsigned(&mut self.exports, u64::from(index));
        self.export_count = self.export_count.saturating_add(1);
    }

    /// The block type `[] -> results` of a function, appended to the types where no shorter form exists.
    pub(super) fn result_type(&mut self, function: &FuncType) -> Vec<u8> {
        let results = function.results();
        let mut block_type = Vec::new();
        match results {
            [] => block_type.push(0x40),
            [one] => block_type.push(type_byte(*one)),
            several => {
                let index = self.type_count;
                self.types.extend_from_slice(&[0x60, 0]);
                encode::unsigned(&mut self.types, encode::length(several.len()));
                self.types.extend(several.iter().copied().map(type_byte));
                self.type_count = self.type_count.saturating_add(1);
                encode::signed(&mut block_type, i64::from(index));
            }
        }
        block_type
    }

    /// A function behind all others, with its type. `body` has its length.
    pub(super) fn add_function(&mut self, function_type: &[u8], body: &[u8]) {
        encode::unsigned(&mut self.functions, u64::from(self.type_count));
        self.function_count = self.function_count.saturating_add(1);
        self.types.extend_from_slice(function_type);
        self.type_count = self.type_count.saturating_add(1);
        self.code.extend_from_slice(body);
        self.code_count = self.code_count.saturating_add(1);
    }

    /// The module, with the counter appended after the contract's globals as `counter_global`.
    pub(super) fn assemble(mut self, counter_global: u32, has_memory: bool) -> Vec<u8> {
        self.export(EXPORT_COUNTER, 3, counter_global);
        if has_memory {
            self.export(EXPORT_MEMORY, 2, 0);
        }
        let mut out = Vec::new();
        out.extend_from_slice(super::HEADER);
        counted(&mut out, 1, u64::from(self.type_count), &self.types);
        counted(&mut out, 2, u64::from(self.import_count), &self.imports);
        counted(&mut out, 3, u64::from(self.function_count), &self.functions);
        counted(&mut out, 4, u64::from(self.table_count), &self.tables);
        if let Some((initial, max)) = self.memory {
            let mut memory = Vec::new();
            size(&mut memory, initial, Some(max));
            counted(&mut out, 5, 1, &memory);
        }
        // A mutable i64 that begins at -1: code that runs without being given gas runs out of it.
        self.globals.extend_from_slice(&[0x7e, 1, 0x42, 0x7f, 0x0b]);
        counted(&mut out, 6, u64::from(self.global_count).saturating_add(1), &self.globals);
        counted(&mut out, 7, u64::from(self.export_count), &self.exports);
        if let Some(start) = &self.start {
            raw(&mut out, 8, start);
        }
        raw(&mut out, 9, &self.elements);
        if let Some(data_count) = &self.data_count {
            raw(&mut out, 12, data_count);
        }
        if self.code_count > 0 {
            let count = encode::unsigned_bytes(self.code_count);
            out.push(10);
            encode::unsigned(&mut out, encode::length(count.len().saturating_add(self.code.len())));
            out.extend_from_slice(&count);
            // The code is moved where it lies: most of the module need not be copied into fresh memory.
            self.code.splice(0..0, out);
            out = self.code;
        }
        raw(&mut out, 11, &self.data);
        out
    }
}

fn counted(out: &mut Vec<u8>, id: u8, count: u64, entries: &[u8]) {
    if count == 0 {
        return;
    }
    let mut content = Vec::with_capacity(entries.len().saturating_add(5));
    encode::unsigned(&mut content, count);
    content.extend_from_slice(entries);
    encode::section(out, id, &content);
}

fn raw(out: &mut Vec<u8>, id: u8, content: &[u8]) {
    if !content.is_empty() {
        encode::section(out, id, content);
    }
}

/// The limits of a table or memory.
pub(super) fn size(out: &mut Vec<u8>, initial: u64, maximum: Option<u64>) {
    out.push(u8::from(maximum.is_some()));
    encode::unsigned(out, initial);
    if let Some(maximum) = maximum {
        encode::unsigned(out, maximum);
    }
}

/// The one-byte encodings of the admitted value types.
pub(super) fn type_byte(value_type: ValType) -> u8 {
    match value_type {
        ValType::I32 => 0x7f,
        ValType::I64 => 0x7e,
        ValType::F32 => 0x7d,
        ValType::F64 => 0x7c,
        ValType::V128 => 0x7b,
        ValType::Ref(_) => 0x70,
    }
}
