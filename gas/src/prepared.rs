//! What admission and preparation give back.

use alloc::string::String;
use alloc::vec::Vec;

/// Code that was validated, metered and bounded: holding one means it may run.
///
/// Invariant: made only by [`admit`](crate::admit), which validates, by [`prepare`](crate::prepare), whose caller knows that
/// the code was admitted, and out of one by [`Prepared::located`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    pub(crate) code: Vec<u8>,
    pub(crate) facts: Facts,
}

/// What of a code its loading is priced by ([`Schedule::loading_gas`](crate::Schedule::loading_gas)), counted on the original:
/// known from its admission on, so that all of it can be charged before anything is done with the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loading {
    /// Length of the uploaded bytes.
    pub bytes: u32,
    /// Types, imports, functions, tables, memories, globals, exports and segments.
    pub items: u32,
    /// Values of functions, blocks, calls and branches (docs/gas.md, section 1).
    pub values: u64,
    /// Bytes that any instrumenter may add at most (docs/gas.md, section 6).
    pub growth: u64,
}

impl Loading {
    /// What the instrumented module may have in bytes, whoever writes it: the limits on instrumented size are on this.
    #[must_use]
    pub fn instrumented_bytes_bound(&self) -> u64 {
        u64::from(self.bytes).saturating_add(self.growth)
    }
}

/// What the walk learned about the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) loading: Loading,
    pub(crate) instantiation_gas: u64,
    /// Initial and largest memory size, where there is a memory.
    pub(crate) memory: Option<(u32, u32)>,
    pub(crate) table_elements: u64,
    pub(crate) element_items: u64,
    pub(crate) functions_imported: u32,
    pub(crate) functions_defined: u32,
    pub(crate) imports: Vec<(String, String)>,
    /// Names of the profile's entries that the module exports, in the profile's order.
    pub(crate) entries: Vec<String>,
    pub(crate) frame_units_max: u64,
    pub(crate) top_values_max: u64,
    pub(crate) function_gas_max: u64,
    pub(crate) instrumented_function_bytes_bound: u64,
    pub(crate) mutable_globals: Vec<u32>,
    pub(crate) initial_data: Vec<(u32, u32)>,
    pub(crate) keeps_segments_and_tables: bool,
    pub(crate) located: bool,
}

impl Prepared {
    /// The instrumented module, for an executor.
    #[must_use]
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// The instrumented module, owned.
    #[must_use]
    pub fn into_code(self) -> Vec<u8> {
        self.code
    }

    /// What any instrumenter may make of the module, in bytes: the limits on instrumented size are on this.
    #[must_use]
    pub fn instrumented_bytes_bound(&self) -> u64 {
        self.facts.loading.instrumented_bytes_bound()
    }

    /// What any instrumenter may make of a function's body, in bytes; the longest.
    #[must_use]
    pub fn instrumented_function_bytes_bound(&self) -> u64 {
        self.facts.instrumented_function_bytes_bound
    }

    /// What loading the code is priced by, under this version and any later one.
    #[must_use]
    pub fn loading(&self) -> Loading {
        self.facts.loading
    }

    /// Gas to charge for making an instance: memory pages, table elements, segments, globals, functions.
    #[must_use]
    pub fn instantiation_gas(&self) -> u64 {
        self.facts.instantiation_gas
    }

    /// Whether the module has a memory, exported as [`EXPORT_MEMORY`](crate::EXPORT_MEMORY).
    #[must_use]
    pub fn has_memory(&self) -> bool {
        self.facts.memory.is_some()
    }

    /// Initial memory in pages of 64 KiB; 0 without a memory.
    #[must_use]
    pub fn memory_pages_min(&self) -> u32 {
        self.facts.memory.map_or(0, |(min, _)| min)
    }

    /// The most the memory can grow to, in pages of 64 KiB; 0 without a memory.
    #[must_use]
    pub fn memory_pages_max(&self) -> u32 {
        self.facts.memory.map_or(0, |(_, max)| max)
    }

    /// Initial elements of all tables together.
    #[must_use]
    pub fn table_elements(&self) -> u64 {
        self.facts.table_elements
    }

    /// Items of all element segments together.
    #[must_use]
    pub fn element_items(&self) -> u64 {
        self.facts.element_items
    }

    /// Functions, imported and defined.
    #[must_use]
    pub fn functions(&self) -> u32 {
        self.facts.functions_imported.saturating_add(self.facts.functions_defined)
    }

    /// Functions the module imports, as (module, name) in the order of import; a name may appear twice.
    #[must_use]
    pub fn imports(&self) -> &[(String, String)] {
        &self.facts.imports
    }

    /// Whether the module exports this entry of its profile: some are optional.
    #[must_use]
    pub fn has_entry(&self, name: &str) -> bool {
        self.facts.entries.iter().any(|entry| entry == name)
    }

    /// The largest stack frame, in units.
    #[must_use]
    pub fn frame_units_max(&self) -> u64 {
        self.facts.frame_units_max
    }

    /// The most values (parameters, locals, operands) of a function. The last frame may run on below a stack budget of 0,
    /// with a leaf above it and a function of the instrumenter's above that, so an executor reserves twice this and 16 more
    /// once per contract frame.
    #[must_use]
    pub fn top_values_max(&self) -> u64 {
        self.facts.top_values_max
    }

    /// Indices of the contract's mutable globals, each exported as [`EXPORT_GLOBAL`](crate::EXPORT_GLOBAL) and its index.
    #[must_use]
    pub fn mutable_globals(&self) -> &[u32] {
        &self.facts.mutable_globals
    }

    /// What active segments fill of the initial memory, as (offset, length) in bytes, in the order of the module; all else
    /// begins as zero. Nothing can be said of a module whose linking is open: a segment may begin where a global says.
    #[must_use]
    pub fn initial_data(&self) -> &[(u32, u32)] {
        &self.facts.initial_data
    }

    /// Whether no operator changes a table or drops a segment, so that memory and mutable globals are all that a run can
    /// change in an instance.
    #[must_use]
    pub fn keeps_segments_and_tables(&self) -> bool {
        self.facts.keeps_segments_and_tables
    }

    /// Whether the code notes which functions are running, in globals exported as
    /// [`EXPORT_PLACES`](crate::EXPORT_PLACES) and 0 to 3.
    #[must_use]
    pub fn is_located(&self) -> bool {
        self.facts.located
    }

    /// The largest sum of static prices of one function body.
    #[must_use]
    pub fn function_gas_max(&self) -> u64 {
        self.facts.function_gas_max
    }
}
