//! Modules linked with each other, as the official test suite has them: the same set of instances in three worlds.
//!
//! - [`OnExecutor::plain`]: wasmi on the original code.
//! - [`OnExecutor::prepared`]: wasmi on prepared code. All instances count in one counter, so gas and stack are
//!   those of the whole, however calls go back and forth.
//! - [`OnMeter`]: the reference meter on the original code.
//!
//! A world is told to make an instance or to call an export, and shows what happened.

mod meter;
mod spectest;
mod world;

pub use crate::executor::Observed;
pub use meter::OnMeter;
pub use world::OnExecutor;

use crate::executor::{Exposing, Shared};
pub use crate::reference::Misfit;
use crate::reference::Module;
use unfork_gas::{Floats, LIMITS_V1, Limits, Linking, Prepared, Profile};

/// What the official suite is admitted under: floats, and whatever linking needs.
pub const PROFILE: Profile<'static> = Profile {
    name: "spec",
    imports: &[],
    entries: &[],
    memory_import: None,
    floats: Floats::Canonical,
    linking: Linking::Open,
};

/// What is large in a test of the official suite may be large: only what a proposal brings is refused. Stack units are
/// counted as ever.
pub const LIMITS: Limits = Limits {
    code_bytes_max: ANY,
    instrumented_bytes_max: ANY,
    function_bytes_max: ANY,
    function_gas_max: ANY,
    types_max: ANY,
    params_max: ANY,
    results_max: ANY,
    functions_max: ANY,
    imports_max: ANY,
    exports_max: ANY,
    name_bytes_max: ANY,
    globals_max: ANY,
    tables_max: ANY,
    table_elements_max: ANY,
    table_growth_max: ANY,
    data_segments_max: ANY,
    element_segments_max: ANY,
    element_items_max: ANY,
    constant_operators_max: ANY,
    locals_max: ANY,
    local_groups_max: ANY,
    locals_total_max: ANY,
    operand_height_max: ANY,
    nesting_max: ANY,
    br_table_targets_max: ANY,
    br_table_targets_total_max: ANY,
    custom_sections_max: ANY,
    memory_pages_max: 65_536,
    ..LIMITS_V1
};

const ANY: u64 = u32::MAX as u64;

/// Where an import comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The module `spectest` that the suite expects of its host.
    Spectest,
    /// The instance of this number, counted from 0 in the order in which instances were asked for.
    Instance(usize),
}

/// The bytes of a module for each world that runs on the executor.
pub struct Code {
    /// How the copies show what their instances hold.
    exposing: Exposing,
    plain: Vec<u8>,
    prepared: Vec<u8>,
}

impl Code {
    /// Makes the copies of a module that was admitted under [`PROFILE`].
    #[must_use]
    pub fn new(original: &[u8], module: &Module<'_>, prepared: &Prepared) -> Self {
        let shared = Shared { globals_imported: module.imported_globals() };
        let exposing = |shared| Exposing::new(module.has_memory(), module.globals(), module.tables(), shared);
        Code {
            exposing: exposing(None),
            plain: exposing(None).copy(original),
            prepared: exposing(Some(shared)).copy(prepared.code()),
        }
    }
}
