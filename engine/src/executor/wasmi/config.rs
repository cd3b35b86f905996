//! How wasmi is set up: its fuel off, its stack limits out of reach, exactly the admitted proposals (docs/decisions/0002).
//!
//! A file of its own without anything of this crate, because the tests that watch prepared code on wasmi from closer by
//! include it too: there is one list.

use wasmi::{CompilationMode, Config};

/// wasmi's own bound on nested Wasm calls. The injected stack budget ends a contract long before.
const RECURSION_MAX: usize = 1 << 20;
/// wasmi's own bound on its value stack in bytes; likewise out of reach.
const STACK_BYTES_MAX: usize = 256 << 20;

/// Stacks that an engine keeps for its next call. They never shrink, and each program has an engine of its own: kept, one deep
/// recursion would take a megabyte for as long as the program is cached.
const STACKS_KEPT_MAX: usize = 0;

/// The configuration: an explicit list, since defaults change with versions. Functions are validated and translated when
/// first called (docs/decisions/0006).
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config
        .compilation_mode(CompilationMode::Lazy)
        .consume_fuel(false)
        .ignore_custom_sections(true)
        .allow_start_fn(false)
        .set_max_recursion_depth(RECURSION_MAX)
        .set_max_stack_height(STACK_BYTES_MAX)
        .set_max_cached_stacks(STACKS_KEPT_MAX)
        .wasm_mutable_global(true)
        .wasm_sign_extension(true)
        .wasm_saturating_float_to_int(true)
        .wasm_multi_value(true)
        .wasm_bulk_memory(true)
        .wasm_reference_types(true)
        .wasm_extended_const(true)
        .floats(true)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false);
    config
}
