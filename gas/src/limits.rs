//! How much of anything is allowed: limits of admission, and the caps that the engine keeps while running.

use crate::counter::Counter;
use crate::table::table;

table! {
    /// Every named limit. Admission limits are checked once, under the version of the upload; the caps of memory and
    /// table are written into the prepared code, the other run-time caps are kept by the engine.
    pub struct Limits {
        code_bytes_max: "bytes", "An uploaded module.";
        instrumented_bytes_max: "bytes", "What the instrumented module may have at most, counted on the original (docs/gas.md, section 6).";
        function_bytes_max: "bytes", "One function body.";
        instrumented_function_bytes_max: "bytes", "What one instrumented function body may have at most, likewise: executors refuse bodies above some length.";
        function_gas_max: "gas", "The sum of the static prices of one function body: the most that runs between two checkpoints.";
        types_max: "types", "Function types.";
        params_max: "values", "Parameters of a function or block type.";
        results_max: "values", "Results of a function or block type.";
        functions_max: "functions", "Imported and defined functions.";
        imports_max: "imports", "Imports.";
        exports_max: "exports", "Exports.";
        name_bytes_max: "bytes", "An import's or export's name.";
        globals_max: "globals", "Globals.";
        tables_max: "tables", "Tables.";
        table_elements_max: "elements", "Elements of one table, at first and after growing.";
        table_growth_max: "elements", "How much one table may grow beyond its initial size.";
        data_segments_max: "segments", "Data segments.";
        element_segments_max: "segments", "Element segments.";
        element_items_max: "items", "Items of all element segments together.";
        constant_operators_max: "operators", "Operators of one constant expression, its end included.";
        locals_max: "locals", "Parameters and declared locals of one function.";
        local_groups_max: "groups", "Declaration groups of locals in one function.";
        locals_total_max: "locals", "Parameters and declared locals of all functions together.";
        operand_height_max: "values", "Operands on the stack of one function.";
        nesting_max: "blocks", "Nested blocks in one function, the function itself included.";
        br_table_targets_max: "targets", "Targets of one br_table, the default excluded.";
        br_table_targets_total_max: "targets", "Targets of all br_tables of a module together.";
        custom_sections_max: "sections", "Custom sections.";

        memory_pages_max: "pages of 64 KiB", "The memory of one instance, at first and after growing.";
        memory_pages_live_max: "pages of 64 KiB", "Memory of all live instances of a transaction.";
        loaded_bytes_max: "bytes", "What a transaction has loaded at a time, counted as instrumented_bytes_max; codes beyond it are loaded again.";
        stack_budget: "units", "Stack of all frames of a transaction; a unit is one value.";
        stack_frame_base: "units", "What a function that calls takes besides its parameters, locals and operands.";
        call_depth_max: "frames", "Nested contract frames, of every kind.";
        value_bytes_max: "bytes", "A stored value.";
        key_bytes_max: "bytes", "A storage key.";
        topics_max: "topics", "Topics of one event.";
        event_bytes_max: "bytes", "Data of one event.";
        events_max: "events", "Events of one transaction.";
        event_bytes_total_max: "bytes", "Data and topics of all events of one transaction.";
        output_bytes_max: "bytes", "Output of a frame.";
        input_bytes_max: "bytes", "Input of a frame.";
        salt_bytes_max: "bytes", "Salt of an instantiation.";
        debug_bytes_max: "bytes", "One debug message; many are bounded by gas and copied bytes.";
        host_copied_bytes_max: "bytes", "Bytes copied between guest and host in one transaction.";
        changed_bytes_max: "bytes", "Keys, values and records changed by one transaction (docs/abi.md, section 4).";
        swept_keys_max: "keys", "Keys of removed contracts' storage that the end of a block removes.";
        transaction_bytes_max: "bytes", "An encoded transaction.";
        transaction_gas_max: "gas", "Gas limit of one transaction.";
        block_gas_max: "gas", "Gas limits of all transactions of a block together.";
        transactions_per_block_max: "transactions", "Transactions of a block.";
        block_transaction_bytes_max: "bytes", "Encoded transactions of a block together.";
        block_receipt_bytes_max: "bytes", "Encoded receipts of a block together, outputs and events included.";
        block_changed_bytes_max: "bytes", "What the transactions of a block spend of changed_bytes_max, and the code they upload.";
    }
}

impl Limits {
    /// The table released as `version`; `None` for a version this build does not know.
    #[must_use]
    pub fn released(version: u32) -> Option<&'static Limits> {
        match version {
            1 => Some(&LIMITS_V1),
            _ => None,
        }
    }
}

/// The first released table.
///
/// 64 pages (4 MiB) of memory: a plain `rustc` build starts with 17 pages for its 1 MiB shadow stack, and needs room
/// for a heap above it; the original pallet's 16 would refuse it.
pub const LIMITS_V1: Limits = Limits {
    code_bytes_max: 512 << 10,
    instrumented_bytes_max: 8 << 20,
    function_bytes_max: 128 << 10,
    instrumented_function_bytes_max: 2 << 20,
    function_gas_max: 500_000,
    types_max: 2_000,
    params_max: 128,
    results_max: 16,
    functions_max: 10_000,
    imports_max: 256,
    exports_max: 256,
    name_bytes_max: 256,
    globals_max: 1_000,
    tables_max: 4,
    table_elements_max: 16_384,
    table_growth_max: 16,
    data_segments_max: 2_000,
    element_segments_max: 1_000,
    element_items_max: 16_384,
    constant_operators_max: 16,
    locals_max: 1_024,
    local_groups_max: 256,
    locals_total_max: 200_000,
    operand_height_max: 1_024,
    nesting_max: 512,
    br_table_targets_max: 4_096,
    br_table_targets_total_max: 65_536,
    custom_sections_max: 64,

    memory_pages_max: 64,
    memory_pages_live_max: 1_024,
    loaded_bytes_max: 32 << 20,
    stack_budget: 128 << 10,
    stack_frame_base: 8,
    call_depth_max: 32,
    value_bytes_max: 16 << 10,
    key_bytes_max: 128,
    topics_max: 4,
    event_bytes_max: 16 << 10,
    events_max: 1_024,
    event_bytes_total_max: 1 << 20,
    output_bytes_max: 256 << 10,
    input_bytes_max: 256 << 10,
    salt_bytes_max: 128,
    debug_bytes_max: 64 << 10,
    host_copied_bytes_max: 64 << 20,
    changed_bytes_max: 4 << 20,
    swept_keys_max: 1_000,
    transaction_bytes_max: 1 << 20,
    transaction_gas_max: 20_000_000_000,
    block_gas_max: 50_000_000_000,
    transactions_per_block_max: 20_000,
    block_transaction_bytes_max: 16 << 20,
    block_receipt_bytes_max: 32 << 20,
    block_changed_bytes_max: 32 << 20,
};

const _: () = assert!(
    LIMITS_V1.transaction_gas_max <= Counter::GAS_MAX.cast_unsigned()
        && LIMITS_V1.stack_budget <= Counter::STACK_MAX.cast_unsigned(),
    "the counter holds what a transaction can be given"
);

/// For chains that want large modules: compilers, databases and whole applications, up to 16 MiB of code.
///
/// Admission costs in proportion to the code under these limits too (`make linearity`). What one body may run between two
/// checkpoints is larger, and with it how far code may run on past its gas (docs/gas.md §2). Run-time caps are those of
/// version 1 but for memory and tables: such modules begin with more of both.
pub const LIMITS_LARGE: Limits = Limits {
    code_bytes_max: 16 << 20,
    instrumented_bytes_max: 128 << 20,
    function_bytes_max: 1 << 20,
    instrumented_function_bytes_max: 7 << 20,
    function_gas_max: 5_000_000,
    types_max: 10_000,
    functions_max: 100_000,
    imports_max: 1_000,
    exports_max: 10_000,
    name_bytes_max: 1_024,
    globals_max: 10_000,
    table_elements_max: 100_000,
    data_segments_max: 50_000,
    element_segments_max: 10_000,
    element_items_max: 200_000,
    locals_max: 10_000,
    local_groups_max: 4_096,
    locals_total_max: 2_000_000,
    nesting_max: 1_000,
    br_table_targets_max: 16_384,
    br_table_targets_total_max: 1 << 20,
    memory_pages_max: 1_024,
    memory_pages_live_max: 4_096,
    loaded_bytes_max: 512 << 20,
    ..LIMITS_V1
};
