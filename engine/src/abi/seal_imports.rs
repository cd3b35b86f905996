//! The imports of the `seal` profile as a list. One row an import: module, name, whether it may also be imported as
//! `seal_NAME`, signature, and the function in [`super::seal`] that carries it out. Each executor links the same list.

use std::sync::OnceLock;
use unfork_gas::{Import, ValueType};

/// Calls the macro given with all rows.
macro_rules! for_each_seal_import {
    ($each:ident) => {
        $each! {
            "seal0" "set_storage" true (key: u32, value: u32, value_len: u32) -> (), set_storage_fixed_no_result;
            "seal1" "set_storage" true (key: u32, value: u32, value_len: u32) -> u32, set_storage_fixed;
            "seal2" "set_storage" true (key: u32, key_len: u32, value: u32, value_len: u32) -> u32, set_storage;
            "seal0" "clear_storage" true (key: u32) -> (), clear_storage_fixed;
            "seal1" "clear_storage" true (key: u32, key_len: u32) -> u32, clear_storage;
            "seal0" "get_storage" true (key: u32, out: u32, out_len: u32) -> u32, get_storage_fixed;
            "seal1" "get_storage" true (key: u32, key_len: u32, out: u32, out_len: u32) -> u32, get_storage;
            "seal0" "contains_storage" true (key: u32) -> u32, contains_storage_fixed;
            "seal1" "contains_storage" true (key: u32, key_len: u32) -> u32, contains_storage;
            "seal0" "take_storage" true (key: u32, key_len: u32, out: u32, out_len: u32) -> u32, take_storage;
            "seal0" "transfer" true (account: u32, account_len: u32, value: u32, value_len: u32) -> u32, transfer;
            "seal0" "call" true (callee: u32, callee_len: u32, gas: u64, value: u32, value_len: u32, input: u32, input_len: u32, out: u32, out_len: u32) -> u32, call_0;
            "seal1" "call" true (flags: u32, callee: u32, gas: u64, value: u32, input: u32, input_len: u32, out: u32, out_len: u32) -> u32, call_1;
            "seal2" "call" false (flags: u32, callee: u32, gas: u64, proof: u64, deposit: u32, value: u32, input: u32, input_len: u32, out: u32, out_len: u32) -> u32, call_2;
            "seal0" "delegate_call" true (flags: u32, code_hash: u32, input: u32, input_len: u32, out: u32, out_len: u32) -> u32, delegate_call;
            "seal0" "instantiate" true (code_hash: u32, code_hash_len: u32, gas: u64, value: u32, value_len: u32, input: u32, input_len: u32, address: u32, address_len: u32, out: u32, out_len: u32, salt: u32, salt_len: u32) -> u32, instantiate_0;
            "seal1" "instantiate" true (code_hash: u32, gas: u64, value: u32, input: u32, input_len: u32, address: u32, address_len: u32, out: u32, out_len: u32, salt: u32, salt_len: u32) -> u32, instantiate_1;
            "seal2" "instantiate" false (code_hash: u32, gas: u64, proof: u64, deposit: u32, value: u32, input: u32, input_len: u32, address: u32, address_len: u32, out: u32, out_len: u32, salt: u32, salt_len: u32) -> u32, instantiate_2;
            "seal0" "terminate" true (beneficiary: u32, beneficiary_len: u32) -> (), terminate_0;
            "seal1" "terminate" true (beneficiary: u32) -> (), terminate_1;
            "seal0" "input" true (out: u32, out_len: u32) -> (), input;
            "seal0" "seal_return" false (flags: u32, data: u32, data_len: u32) -> (), seal_return;
            "seal0" "caller" true (out: u32, out_len: u32) -> (), caller;
            "seal0" "is_contract" true (account: u32) -> u32, is_contract;
            "seal0" "code_hash" true (account: u32, out: u32, out_len: u32) -> u32, code_hash;
            "seal0" "own_code_hash" true (out: u32, out_len: u32) -> (), own_code_hash;
            "seal0" "caller_is_origin" true () -> u32, caller_is_origin;
            "seal0" "caller_is_root" false () -> u32, caller_is_root;
            "seal0" "address" true (out: u32, out_len: u32) -> (), address;
            "seal0" "weight_to_fee" true (gas: u64, out: u32, out_len: u32) -> (), weight_to_fee_0;
            "seal0" "gas_left" true (out: u32, out_len: u32) -> (), gas_left_0;
            "seal0" "balance" true (out: u32, out_len: u32) -> (), balance;
            "seal0" "value_transferred" true (out: u32, out_len: u32) -> (), value_transferred;
            "seal0" "now" true (out: u32, out_len: u32) -> (), now;
            "seal0" "minimum_balance" true (out: u32, out_len: u32) -> (), minimum_balance;
            "seal0" "deposit_event" true (topics: u32, topics_len: u32, data: u32, data_len: u32) -> (), deposit_event;
            "seal0" "block_number" true (out: u32, out_len: u32) -> (), block_number;
            "seal0" "hash_sha2_256" true (data: u32, data_len: u32, out: u32) -> (), hash_sha2_256;
            "seal0" "hash_keccak_256" true (data: u32, data_len: u32, out: u32) -> (), hash_keccak_256;
            "seal0" "hash_blake2_256" true (data: u32, data_len: u32, out: u32) -> (), hash_blake2_256;
            "seal0" "hash_blake2_128" true (data: u32, data_len: u32, out: u32) -> (), hash_blake2_128;
            "seal0" "call_chain_extension" true (id: u32, input: u32, input_len: u32, out: u32, out_len: u32) -> u32, unavailable_5;
            "seal0" "debug_message" true (text: u32, text_len: u32) -> u32, debug_message;
            "seal0" "call_runtime" false (call: u32, call_len: u32) -> u32, unavailable_2;
            "seal0" "xcm_execute" false (message: u32, message_len: u32) -> u32, unavailable_2;
            "seal0" "xcm_send" false (destination: u32, message: u32, message_len: u32, out: u32) -> u32, unavailable_4;
            "seal0" "ecdsa_recover" true (signature: u32, message_hash: u32, out: u32) -> u32, ecdsa_recover;
            "seal0" "sr25519_verify" false (signature: u32, public: u32, message_len: u32, message: u32) -> u32, unavailable_4;
            "seal0" "set_code_hash" true (code_hash: u32) -> u32, set_code_hash;
            "seal0" "ecdsa_to_eth_address" true (key: u32, out: u32) -> u32, ecdsa_to_eth_address;
            "seal0" "instantiation_nonce" false () -> u64, instantiation_nonce;
            "seal0" "lock_delegate_dependency" false (code_hash: u32) -> (), unavailable_1_no_result;
            "seal0" "unlock_delegate_dependency" false (code_hash: u32) -> (), unavailable_1_no_result;
            "seal0" "noop" false () -> (), noop;
            "seal0" "set_transient_storage" false (key: u32, key_len: u32, value: u32, value_len: u32) -> u32, set_transient_storage;
            "seal0" "clear_transient_storage" false (key: u32, key_len: u32) -> u32, clear_transient_storage;
            "seal0" "get_transient_storage" false (key: u32, key_len: u32, out: u32, out_len: u32) -> u32, get_transient_storage;
            "seal0" "contains_transient_storage" false (key: u32, key_len: u32) -> u32, contains_transient_storage;
            "seal0" "take_transient_storage" false (key: u32, key_len: u32, out: u32, out_len: u32) -> u32, take_transient_storage;
            "seal1" "weight_to_fee" false (gas: u64, proof: u64, out: u32, out_len: u32) -> (), weight_to_fee_1;
            "seal1" "gas_left" false (out: u32, out_len: u32) -> (), gas_left_1;
            "seal0" "reentrance_count" false () -> u32, reentrance_count;
            "seal0" "account_reentrance_count" false (account: u32) -> u32, account_reentrance_count;
            "seal0" "random" true (subject: u32, subject_len: u32, out: u32, out_len: u32) -> (), unavailable_4_no_result;
            "seal1" "random" true (subject: u32, subject_len: u32, out: u32, out_len: u32) -> (), unavailable_4_no_result;
            "seal0" "tombstone_deposit" true (out: u32, out_len: u32) -> (), unavailable_2_no_result;
            "seal0" "restore_to" true (destination: u32, destination_len: u32, code_hash: u32, code_hash_len: u32, rent: u32, rent_len: u32, delta: u32, delta_count: u32) -> (), unavailable_8_no_result;
            "seal1" "restore_to" true (destination: u32, code_hash: u32, rent: u32, delta: u32, delta_count: u32) -> (), unavailable_5_no_result;
            "seal0" "set_rent_allowance" true (value: u32, value_len: u32) -> (), unavailable_2_no_result;
            "seal1" "set_rent_allowance" true (value: u32) -> (), unavailable_1_no_result;
            "seal0" "rent_allowance" true (out: u32, out_len: u32) -> (), unavailable_2_no_result;
        }
    };
}
pub(crate) use for_each_seal_import;

macro_rules! value_type {
    (u32) => {
        ValueType::I32
    };
    (u64) => {
        ValueType::I64
    };
}

macro_rules! results {
    (()) => {
        &[]
    };
    ($type:ident) => {
        &[value_type!($type)]
    };
}

macro_rules! signatures {
    ($($module:literal $name:literal $alias:tt ($($argument:ident: $type:tt),*) -> $result:tt, $body:ident;)*) => {
        /// Each row as (import, import under its alias if it has one).
        const ROWS: &[(Import<'static>, Option<Import<'static>>)] = &[$({
            const IMPORT: Import<'static> = Import {
                module: $module,
                name: $name,
                params: &[$(value_type!($type)),*],
                results: results!($result),
            };
            const ALIAS: Import<'static> = Import { name: concat!("seal_", $name), ..IMPORT };
            (IMPORT, if $alias { Some(ALIAS) } else { None })
        },)*];
    };
}
for_each_seal_import!(signatures);

/// Every import that code of the profile may have, sorted by module and name.
pub(crate) fn sorted() -> &'static [Import<'static>] {
    static SORTED: OnceLock<Vec<Import<'static>>> = OnceLock::new();
    SORTED.get_or_init(|| {
        let mut all: Vec<_> = ROWS.iter().flat_map(|(import, alias)| [Some(*import), *alias]).flatten().collect();
        all.sort_by_key(|import| (import.module, import.name));
        all
    })
}
