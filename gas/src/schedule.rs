//! What everything costs. A released table is never edited: a later version is a new constant stating what changed.
//!
//! One unit of gas is one nanosecond of the reference interpreter, which few operators take in full.

use crate::prepared::Loading;
use crate::table::table;

table! {
    /// Every price, in gas: what the instrumenter charges and what the engine charges.
    ///
    /// The prices of operators and the per-unit prices of bulk operators must stay at or below
    /// [`PRICE_MAX`], so that no sum over a function body can overflow: `prepare` refuses a schedule that does not.
    pub struct Schedule {
        op_simple: "gas per operator", "Integer arithmetic, comparison and bit operators other than those below.";
        op_const: "gas per operator", "Constants.";
        op_local: "gas per operator", "local.get, local.set, local.tee.";
        op_global: "gas per operator", "global.get, global.set.";
        op_drop: "gas per operator", "drop and nop.";
        op_select: "gas per operator", "select, with or without a type.";
        op_mul: "gas per operator", "Integer multiplication.";
        op_div: "gas per operator", "Integer division and remainder.";
        op_conversion: "gas per operator", "wrap, extend, sign extension, reinterpret.";
        op_load: "gas per operator", "Loads from memory.";
        op_store: "gas per operator", "Stores to memory.";
        op_memory_size: "gas per operator", "memory.size and table.size.";
        op_float_simple: "gas per operator", "Float comparison, abs, neg, copysign.";
        op_float_arithmetic: "gas per operator", "Float add, sub, mul, min, max, rounding, promote, demote.";
        op_float_div: "gas per operator", "Float division and square root.";
        op_float_conversion: "gas per operator", "Conversions between floats and integers, trapping or saturating.";
        op_if: "gas per operator", "if.";
        op_loop: "gas per operator", "loop, when it is entered from above: what looking at the gas costs.";
        op_br: "gas per operator", "br, return, unreachable.";
        op_br_if: "gas per operator", "br_if, taken or not.";
        op_br_table: "gas per operator", "br_table, whatever its size.";
        op_call: "gas per operator", "call, besides the callee's entry price.";
        op_call_indirect: "gas per operator", "call_indirect, besides the callee's entry price.";
        op_ref: "gas per operator", "ref.null, ref.is_null, ref.func.";
        op_table_access: "gas per operator", "table.get, table.set.";
        op_segment_drop: "gas per operator", "data.drop, elem.drop.";
        op_bulk: "gas per operator", "memory.fill, copy, init and table.fill, copy, init, besides their length.";
        op_grow: "gas per operator", "memory.grow and table.grow, besides the amount asked for.";
        bulk_memory_byte: "gas per byte", "Each byte that memory.fill, memory.copy or memory.init is asked to write.";
        bulk_table_element: "gas per element", "Each element that table.fill, copy or init is asked to write.";
        grow_page: "gas per page", "Each 64 KiB page that memory.grow is asked for, granted or not.";
        grow_element: "gas per element", "Each element that table.grow is asked for, granted or not.";
        function_entry: "gas per function entry", "Entering a function, besides its declared locals.";
        function_local: "gas per declared local", "Each declared (zeroed) local at function entry; parameters are free.";
        return_check_above: "gas", "A function whose operators cost more than this in sum checks its gas when it returns, and at entry even without calls and loops.";

        instance_page: "gas per page", "Each initial memory page of an instance.";
        instance_table_element: "gas per element", "Each initial table element of an instance.";
        instance_data_byte: "gas per byte", "Each byte of data segments, active or passive.";
        instance_element_item: "gas per element", "Each item of element segments.";
        instance_global: "gas per global", "Each global of an instance.";
        instance_function: "gas per function", "Each defined or imported function of an instance.";

        transaction_base: "gas per transaction", "Every transaction: signature, nonce, fee, receipt.";
        transaction_byte: "gas per byte", "Each encoded byte of a transaction.";
        upload_base: "gas per upload", "Storing new code, besides its bytes.";
        upload_byte: "gas per byte", "Each byte of uploaded code: admission, translation, storage.";
        code_load_base: "gas per code", "First use of a code in a transaction, whatever any cache holds.";
        code_load_byte: "gas per byte", "First use of a code in a transaction, per original byte: prepare and translate.";
        code_load_item: "gas per item", "First use of a code in a transaction, per type, import, function, table, memory, global, export and segment.";
        code_load_value: "gas per value", "First use of a code in a transaction, per value of its functions, blocks, calls and branches (docs/gas.md, section 1).";
        code_load_growth: "gas per byte", "First use of a code in a transaction, per byte that any instrumenter may add (docs/gas.md, section 6).";
        frame_base: "gas per frame", "Every contract frame: instance, checkpoint, context.";
        host_call_base: "gas per call", "Every host call, besides its own price.";
        guest_read_byte: "gas per byte", "Each byte the host reads from guest memory.";
        guest_write_byte: "gas per byte", "Each byte the host writes to guest memory.";
        storage_read_base: "gas per operation", "Reading a stored value, cold price.";
        storage_read_byte: "gas per byte", "Each byte of a stored value read.";
        storage_write_base: "gas per operation", "Writing a stored value: lookup, tree update, disk.";
        storage_write_byte: "gas per byte", "Each byte of key and value written.";
        storage_remove_base: "gas per operation", "Removing a stored value.";
        storage_exists_base: "gas per operation", "Asking whether a value is stored, or its length.";
        storage_scan_base: "gas per operation", "Opening an ordered scan.";
        storage_scan_item: "gas per item", "Each item a scan yields.";
        storage_scan_byte: "gas per byte", "Each byte of key and value a scan yields.";
        transient_read_base: "gas per operation", "Reading transient storage.";
        transient_read_byte: "gas per byte", "Each byte of a transient value read.";
        transient_write_base: "gas per operation", "Writing or removing in transient storage.";
        transient_write_byte: "gas per byte", "Each byte of key and value written to transient storage.";
        event_base: "gas per event", "Emitting an event.";
        event_topic: "gas per topic", "Each topic of an event.";
        event_byte: "gas per byte", "Each byte of an event's data.";
        transfer_base: "gas per operation", "Moving balance between two accounts.";
        call_base: "gas per operation", "Calling a contract, besides the frame.";
        instantiate_base: "gas per operation", "Creating a contract, besides the frame.";
        delegate_base: "gas per operation", "Running foreign code over own storage, besides the frame.";
        terminate_base: "gas per operation", "Terminating a contract.";
        set_code_base: "gas per operation", "Changing a contract's code.";
        context_read: "gas per operation", "Caller, address, value, block height, time, chain facts.";
        balance_read: "gas per operation", "Reading a balance.";
        code_hash_read: "gas per operation", "Reading an account's code hash, or whether it is a contract.";
        gas_left: "gas per operation", "Reading the gas left.";
        input_base: "gas per operation", "Reading the call's input.";
        input_byte: "gas per byte", "Each byte of input copied.";
        return_base: "gas per operation", "Returning output.";
        return_byte: "gas per byte", "Each byte of output.";
        debug_message_base: "gas per operation", "A debug message.";
        debug_message_byte: "gas per byte", "Each byte of a debug message.";
        hash_sha2_256_base: "gas per operation", "SHA-256.";
        hash_sha2_256_byte: "gas per byte", "Each byte hashed by SHA-256.";
        hash_keccak_256_base: "gas per operation", "Keccak-256.";
        hash_keccak_256_byte: "gas per byte", "Each byte hashed by Keccak-256.";
        hash_blake2_256_base: "gas per operation", "BLAKE2b with a 256-bit digest.";
        hash_blake2_256_byte: "gas per byte", "Each byte hashed by BLAKE2b-256.";
        hash_blake2_128_base: "gas per operation", "BLAKE2b with a 128-bit digest.";
        hash_blake2_128_byte: "gas per byte", "Each byte hashed by BLAKE2b-128.";
        ecdsa_recover: "gas per operation", "Recovering a secp256k1 public key.";
        ecdsa_to_eth_address: "gas per operation", "Turning a secp256k1 public key into an Ethereum address.";
        sr25519_verify_base: "gas per operation", "Verifying an sr25519 signature.";
        sr25519_verify_byte: "gas per byte", "Each byte of a message verified with sr25519.";
        chain_extension_base: "gas per operation", "Calling a chain extension, besides its declared price.";
        unavailable: "gas per operation", "A host function that this chain answers as not available.";
    }
}

/// The largest price of an operator, of a function entry part, or per unit of a bulk operator: 2^20 gas.
///
/// A body of 2^23 bytes at this price costs 2^43, which [`Counter`](crate::Counter) holds below 0 too, and 2^32 units cost
/// 2^52, so 64 bits never overflow.
pub const PRICE_MAX: u64 = 1 << 20;

/// How many leading fields of [`Schedule`] the instrumenter charges and [`PRICE_MAX`] bounds.
const INSTRUMENTED_FIELDS: usize = 35;

impl Schedule {
    /// The table released as `version`; `None` for a version this build does not know.
    #[must_use]
    pub fn released(version: u32) -> Option<&'static Schedule> {
        match version {
            1 => Some(&V1),
            _ => None,
        }
    }

    /// What the first use of a code in a transaction costs, whatever any cache holds (docs/gas.md, section 1).
    #[must_use]
    pub fn loading_gas(&self, loading: Loading) -> u64 {
        let bytes = self.code_load_byte.saturating_mul(u64::from(loading.bytes));
        let items = self.code_load_item.saturating_mul(u64::from(loading.items));
        let values = self.code_load_value.saturating_mul(loading.values);
        let growth = self.code_load_growth.saturating_mul(loading.growth);
        [bytes, items, values, growth].into_iter().fold(self.code_load_base, u64::saturating_add)
    }

    /// The first instrumented price above [`PRICE_MAX`], with its value.
    pub(crate) fn excessive_price(&self) -> Option<(&'static str, u64)> {
        self.fields().take(INSTRUMENTED_FIELDS).find(|&(_, price)| price > PRICE_MAX)
    }
}

/// The first table.
///
/// What code executes, up to `function_local`, comes from `make calibrate` (docs/gas.md, section 8): one gas is at most about
/// one nanosecond. What hosts, instances and storage cost is set by hand around the same unit.
pub const V1: Schedule = Schedule {
    op_simple: 1,
    op_const: 1,
    op_local: 1,
    op_global: 2,
    op_drop: 0,
    op_select: 2,
    op_mul: 1,
    op_div: 3,
    op_conversion: 1,
    op_load: 1,
    op_store: 1,
    op_memory_size: 2,
    op_float_simple: 1,
    op_float_arithmetic: 6,
    op_float_div: 5,
    op_float_conversion: 1,
    op_if: 3,
    op_loop: 1,
    op_br: 3,
    op_br_if: 2,
    op_br_table: 5,
    op_call: 4,
    op_call_indirect: 14,
    op_ref: 1,
    op_table_access: 1,
    op_segment_drop: 3,
    op_bulk: 10,
    op_grow: 10,
    bulk_memory_byte: 1,
    bulk_table_element: 2,
    grow_page: 8_000,
    grow_element: 20,
    function_entry: 12,
    function_local: 1,
    return_check_above: 128,

    instance_page: 2_000,
    instance_table_element: 10,
    instance_data_byte: 1,
    instance_element_item: 10,
    instance_global: 20,
    instance_function: 20,

    transaction_base: 100_000,
    transaction_byte: 20,
    upload_base: 100_000,
    upload_byte: 500,
    code_load_base: 10_000,
    code_load_byte: 20,
    code_load_item: 1_000,
    code_load_value: 10,
    code_load_growth: 3,
    frame_base: 5_000,
    host_call_base: 50,
    guest_read_byte: 1,
    guest_write_byte: 1,
    storage_read_base: 10_000,
    storage_read_byte: 2,
    storage_write_base: 15_000,
    storage_write_byte: 50,
    storage_remove_base: 15_000,
    storage_exists_base: 10_000,
    storage_scan_base: 15_000,
    storage_scan_item: 2_000,
    storage_scan_byte: 2,
    transient_read_base: 200,
    transient_read_byte: 1,
    transient_write_base: 500,
    transient_write_byte: 2,
    event_base: 1_000,
    event_topic: 500,
    event_byte: 10,
    transfer_base: 30_000,
    call_base: 10_000,
    instantiate_base: 50_000,
    delegate_base: 10_000,
    terminate_base: 50_000,
    set_code_base: 20_000,
    context_read: 50,
    balance_read: 10_000,
    code_hash_read: 10_000,
    gas_left: 50,
    input_base: 50,
    input_byte: 1,
    return_base: 50,
    return_byte: 1,
    debug_message_base: 100,
    debug_message_byte: 1,
    hash_sha2_256_base: 500,
    hash_sha2_256_byte: 4,
    hash_keccak_256_base: 500,
    hash_keccak_256_byte: 4,
    hash_blake2_256_base: 300,
    hash_blake2_256_byte: 2,
    hash_blake2_128_base: 300,
    hash_blake2_128_byte: 2,
    ecdsa_recover: 150_000,
    ecdsa_to_eth_address: 15_000,
    sr25519_verify_base: 120_000,
    sr25519_verify_byte: 5,
    chain_extension_base: 500,
    unavailable: 50,
};
