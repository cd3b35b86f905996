//! Copies of modules that let a test see everything, and that can share their counter.

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    EntityType, ExportKind, ExportSection, GlobalSection, GlobalType, ImportSection, SectionId, ValType,
};
use wasmparser::{DataKind, ElementKind};

/// Export of the memory.
pub(crate) const MEMORY: &str = "seen:memory";

/// Export of a global.
pub(crate) fn global(number: u32) -> String {
    format!("seen:global:{number}")
}

/// Export of a table.
pub(crate) fn table(number: u32) -> String {
    format!("seen:table:{number}")
}

/// Copies a module, exporting its memory, globals and tables besides.
#[derive(Clone, Default)]
pub(crate) struct Exposing {
    pub memory: bool,
    /// Globals of the original module, imported and defined.
    pub globals: u32,
    pub tables: u32,
    /// For prepared code whose instances are linked with each other.
    pub shared: Option<Shared>,
    imports_written: bool,
    exports_written: bool,
}

/// Makes an import of the counter that prepared code defines after the globals of the original module, so that all linked
/// instances count in the same one. It is imported last, as `unfork:counter` of no module.
#[derive(Clone, Copy)]
pub(crate) struct Shared {
    /// How many of the original module's globals are imported.
    pub globals_imported: u32,
}

impl Exposing {
    pub fn new(memory: bool, globals: u32, tables: u32, shared: Option<Shared>) -> Self {
        Exposing { memory, globals, tables, shared, imports_written: false, exports_written: false }
    }

    /// The copy.
    ///
    /// # Panics
    /// When the code does not parse.
    pub fn copy(&self, code: &[u8]) -> Vec<u8> {
        let mut module = wasm_encoder::Module::new();
        self.clone()
            .parse_core_module(&mut module, wasmparser::Parser::new(0), code)
            .unwrap_or_else(|error| panic!("code that was admitted does not parse: {error:?}"));
        module.finish()
    }

    fn import_counter(&mut self, imports: &mut ImportSection) {
        self.imports_written = true;
        let of_type = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
        imports.import("", unfork_gas::EXPORT_COUNTER, EntityType::Global(of_type));
    }

    fn export_all(&mut self, exports: &mut ExportSection) -> Result<(), Error> {
        self.exports_written = true;
        if self.memory {
            exports.export(MEMORY, ExportKind::Memory, 0);
        }
        for number in 0..self.globals {
            exports.export(&global(number), ExportKind::Global, self.global_index(number)?);
        }
        for number in 0..self.tables {
            exports.export(&table(number), ExportKind::Table, number);
        }
        Ok(())
    }
}

/// Whether a section comes after another one; that there is none comes after all.
fn is_after(section: Option<SectionId>, other: SectionId) -> bool {
    let place = |section: SectionId| match section {
        SectionId::Tag => 5 * 2 + 1,
        SectionId::DataCount => 9 * 2 + 1,
        other => (other as u8) * 2,
    };
    section.is_none_or(|section| place(section) > place(other))
}

impl Reencode for Exposing {
    type Error = std::convert::Infallible;

    fn global_index(&mut self, index: u32) -> Result<u32, Error> {
        let Some(Shared { globals_imported }) = self.shared else { return Ok(index) };
        Ok(match index {
            index if index < globals_imported => index,
            // The counter.
            index if index >= self.globals => globals_imported + (index - self.globals),
            index => index + 1,
        })
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_import_section(self, imports, section)?;
        if self.shared.is_some() {
            self.import_counter(imports);
        }
        Ok(())
    }

    /// Custom sections say nothing about what a module does, and need not be well formed.
    fn parse_custom_section(
        &mut self,
        _module: &mut wasm_encoder::Module,
        _section: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), Error> {
        let kept = section.count() as usize - usize::from(self.shared.is_some());
        for global in section.into_iter().take(kept) {
            self.parse_global(globals, global?)?;
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_export_section(self, exports, section)?;
        self.export_all(exports)
    }

    fn intersperse_section_hook(
        &mut self,
        module: &mut wasm_encoder::Module,
        _after: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), Error> {
        if self.shared.is_some() && !self.imports_written && is_after(before, SectionId::Import) {
            let mut imports = ImportSection::new();
            self.import_counter(&mut imports);
            module.section(&imports);
        }
        if !self.exports_written && is_after(before, SectionId::Export) {
            let mut exports = ExportSection::new();
            self.export_all(&mut exports)?;
            module.section(&exports);
        }
        Ok(())
    }
}

/// Copies a module, leaving active segments only among the first so many of elements and data: the others become passive.
pub(crate) struct Cutting {
    pub elements: usize,
    pub data: usize,
}

impl Cutting {
    /// The copy.
    ///
    /// # Panics
    /// When the code does not parse.
    pub fn copy(mut self, code: &[u8]) -> Vec<u8> {
        let mut module = wasm_encoder::Module::new();
        self.parse_core_module(&mut module, wasmparser::Parser::new(0), code).expect("a module parses");
        module.finish()
    }
}

/// Counts down; whether the count was 0 already.
fn is_used_up(left: &mut usize) -> bool {
    match left.checked_sub(1) {
        Some(less) => {
            *left = less;
            false
        }
        None => true,
    }
}

impl Reencode for Cutting {
    type Error = std::convert::Infallible;

    fn parse_element(
        &mut self,
        elements: &mut wasm_encoder::ElementSection,
        mut element: wasmparser::Element<'_>,
    ) -> Result<(), Error> {
        if is_used_up(&mut self.elements) && matches!(element.kind, ElementKind::Active { .. }) {
            element.kind = ElementKind::Passive;
        }
        utils::parse_element(self, elements, element)
    }

    fn parse_data(
        &mut self,
        data: &mut wasm_encoder::DataSection,
        mut segment: wasmparser::Data<'_>,
    ) -> Result<(), Error> {
        if is_used_up(&mut self.data) {
            segment.kind = DataKind::Passive;
        }
        utils::parse_data(self, data, segment)
    }
}
