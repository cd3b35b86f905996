//! The imports of the `seal` profile as a list. One row an import: the protocol version since which code may import it,
//! module, name, whether it may also be imported as `seal_NAME`, signature, and the call in [`super::seal`] that carries it
//! out. Arguments that the call leaves out are ignored. Each executor links the same list.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use unfork_gas::{Import, ValueType};

/// Calls the macro given with all rows.
macro_rules! for_each_seal_import {
    ($each:ident) => {
        $each! {
            1 "seal0" "set_storage" true (key: u32, value: u32, value_len: u32) -> () = store_without_answer(RawKey::Fixed(key), value, value_len);
            1 "seal1" "set_storage" true (key: u32, value: u32, value_len: u32) -> u32 = store(RawKey::Fixed(key), value, value_len);
            1 "seal2" "set_storage" true (key: u32, key_len: u32, value: u32, value_len: u32) -> u32 = store(RawKey::Variable(key, key_len), value, value_len);
            1 "seal0" "clear_storage" true (key: u32) -> () = clear_without_answer(RawKey::Fixed(key));
            1 "seal1" "clear_storage" true (key: u32, key_len: u32) -> u32 = clear(RawKey::Variable(key, key_len));
            1 "seal0" "get_storage" true (key: u32, out: u32, out_len: u32) -> u32 = load(RawKey::Fixed(key), out, out_len);
            1 "seal1" "get_storage" true (key: u32, key_len: u32, out: u32, out_len: u32) -> u32 = load(RawKey::Variable(key, key_len), out, out_len);
            1 "seal0" "contains_storage" true (key: u32) -> u32 = contains(RawKey::Fixed(key));
            1 "seal1" "contains_storage" true (key: u32, key_len: u32) -> u32 = contains(RawKey::Variable(key, key_len));
            1 "seal0" "take_storage" true (key: u32, key_len: u32, out: u32, out_len: u32) -> u32 = take(RawKey::Variable(key, key_len), out, out_len);
            1 "seal0" "transfer" true (account: u32, account_len: u32, value: u32, value_len: u32) -> u32 = transfer(account, value);
            1 "seal0" "call" true (callee: u32, callee_len: u32, gas: u64, value: u32, value_len: u32, input: u32, input_len: u32, out: u32, out_len: u32) -> u32 = call(CallArguments { flags: flag::ALLOW_REENTRY, callee, gas, value, input, input_len, out, out_len });
            1 "seal1" "call" true (flags: u32, callee: u32, gas: u64, value: u32, input: u32, input_len: u32, out: u32, out_len: u32) -> u32 = call(CallArguments { flags, callee, gas, value, input, input_len, out, out_len });
            1 "seal2" "call" false (flags: u32, callee: u32, gas: u64, proof: u64, deposit: u32, value: u32, input: u32, input_len: u32, out: u32, out_len: u32) -> u32 = call(CallArguments { flags, callee, gas, value, input, input_len, out, out_len });
            1 "seal0" "delegate_call" true (flags: u32, code_hash: u32, input: u32, input_len: u32, out: u32, out_len: u32) -> u32 = delegate_call(flags, code_hash, input, input_len, out, out_len);
            1 "seal0" "instantiate" true (code_hash: u32, code_hash_len: u32, gas: u64, value: u32, value_len: u32, input: u32, input_len: u32, address: u32, address_len: u32, out: u32, out_len: u32, salt: u32, salt_len: u32) -> u32 = instantiate(InstantiateArguments { code_hash, gas, value, input, input_len, address, address_len, out, out_len, salt, salt_len });
            1 "seal1" "instantiate" true (code_hash: u32, gas: u64, value: u32, input: u32, input_len: u32, address: u32, address_len: u32, out: u32, out_len: u32, salt: u32, salt_len: u32) -> u32 = instantiate(InstantiateArguments { code_hash, gas, value, input, input_len, address, address_len, out, out_len, salt, salt_len });
            1 "seal2" "instantiate" false (code_hash: u32, gas: u64, proof: u64, deposit: u32, value: u32, input: u32, input_len: u32, address: u32, address_len: u32, out: u32, out_len: u32, salt: u32, salt_len: u32) -> u32 = instantiate(InstantiateArguments { code_hash, gas, value, input, input_len, address, address_len, out, out_len, salt, salt_len });
            1 "seal0" "terminate" true (beneficiary: u32, beneficiary_len: u32) -> () = terminate(beneficiary);
            1 "seal1" "terminate" true (beneficiary: u32) -> () = terminate(beneficiary);
            1 "seal0" "input" true (out: u32, out_len: u32) -> () = input(out, out_len);
            1 "seal0" "seal_return" false (flags: u32, data: u32, data_len: u32) -> () = seal_return(flags, data, data_len);
            1 "seal0" "caller" true (out: u32, out_len: u32) -> () = caller(out, out_len);
            1 "seal0" "is_contract" true (account: u32) -> u32 = is_contract(account);
            1 "seal0" "code_hash" true (account: u32, out: u32, out_len: u32) -> u32 = code_hash(account, out, out_len);
            1 "seal0" "own_code_hash" true (out: u32, out_len: u32) -> () = own_code_hash(out, out_len);
            1 "seal0" "caller_is_origin" true () -> u32 = caller_is_origin();
            1 "seal0" "caller_is_root" false () -> u32 = caller_is_root();
            1 "seal0" "address" true (out: u32, out_len: u32) -> () = address(out, out_len);
            1 "seal0" "weight_to_fee" true (gas: u64, out: u32, out_len: u32) -> () = weight_to_fee(gas, out, out_len);
            1 "seal0" "gas_left" true (out: u32, out_len: u32) -> () = gas_left_0(out, out_len);
            1 "seal0" "balance" true (out: u32, out_len: u32) -> () = balance(out, out_len);
            1 "seal0" "value_transferred" true (out: u32, out_len: u32) -> () = value_transferred(out, out_len);
            1 "seal0" "now" true (out: u32, out_len: u32) -> () = now(out, out_len);
            1 "seal0" "minimum_balance" true (out: u32, out_len: u32) -> () = minimum_balance(out, out_len);
            1 "seal0" "deposit_event" true (topics: u32, topics_len: u32, data: u32, data_len: u32) -> () = deposit_event(topics, topics_len, data, data_len);
            1 "seal0" "block_number" true (out: u32, out_len: u32) -> () = block_number(out, out_len);
            1 "seal0" "hash_sha2_256" true (data: u32, data_len: u32, out: u32) -> () = hash(HashKind::Sha2_256, data, data_len, out);
            1 "seal0" "hash_keccak_256" true (data: u32, data_len: u32, out: u32) -> () = hash(HashKind::Keccak256, data, data_len, out);
            1 "seal0" "hash_blake2_256" true (data: u32, data_len: u32, out: u32) -> () = hash(HashKind::Blake2_256, data, data_len, out);
            1 "seal0" "hash_blake2_128" true (data: u32, data_len: u32, out: u32) -> () = hash(HashKind::Blake2_128, data, data_len, out);
            1 "seal0" "call_chain_extension" true (id: u32, input: u32, input_len: u32, out: u32, out_len: u32) -> u32 = call_chain_extension(id, input, input_len, out, out_len);
            1 "seal0" "debug_message" true (text: u32, text_len: u32) -> u32 = debug_message(text, text_len);
            1 "seal0" "call_runtime" false (call: u32, call_len: u32) -> u32 = unavailable();
            1 "seal0" "xcm_execute" false (message: u32, message_len: u32) -> u32 = unavailable();
            1 "seal0" "xcm_send" false (destination: u32, message: u32, message_len: u32, out: u32) -> u32 = unavailable();
            1 "seal0" "ecdsa_recover" true (signature: u32, message_hash: u32, out: u32) -> u32 = ecdsa_recover(signature, message_hash, out);
            1 "seal0" "sr25519_verify" false (signature: u32, public: u32, message_len: u32, message: u32) -> u32 = sr25519_verify(signature, public, message_len, message);
            1 "seal0" "set_code_hash" true (code_hash: u32) -> u32 = set_code_hash(code_hash);
            1 "seal0" "ecdsa_to_eth_address" true (key: u32, out: u32) -> u32 = ecdsa_to_eth_address(key, out);
            1 "seal0" "instantiation_nonce" false () -> u64 = instantiation_nonce();
            1 "seal0" "lock_delegate_dependency" false (code_hash: u32) -> () = lock_delegate_dependency(code_hash);
            1 "seal0" "unlock_delegate_dependency" false (code_hash: u32) -> () = unlock_delegate_dependency(code_hash);
            1 "seal0" "noop" false () -> () = noop();
            1 "seal0" "set_transient_storage" false (key: u32, key_len: u32, value: u32, value_len: u32) -> u32 = store_transient(RawKey::Variable(key, key_len), value, value_len);
            1 "seal0" "clear_transient_storage" false (key: u32, key_len: u32) -> u32 = clear_transient(RawKey::Variable(key, key_len));
            1 "seal0" "get_transient_storage" false (key: u32, key_len: u32, out: u32, out_len: u32) -> u32 = load_transient(RawKey::Variable(key, key_len), out, out_len);
            1 "seal0" "contains_transient_storage" false (key: u32, key_len: u32) -> u32 = contains_transient(RawKey::Variable(key, key_len));
            1 "seal0" "take_transient_storage" false (key: u32, key_len: u32, out: u32, out_len: u32) -> u32 = take_transient(RawKey::Variable(key, key_len), out, out_len);
            1 "seal1" "weight_to_fee" false (gas: u64, proof: u64, out: u32, out_len: u32) -> () = weight_to_fee(gas, out, out_len);
            1 "seal1" "gas_left" false (out: u32, out_len: u32) -> () = gas_left_1(out, out_len);
            1 "seal0" "reentrance_count" false () -> u32 = reentrance_count();
            1 "seal0" "account_reentrance_count" false (account: u32) -> u32 = account_reentrance_count(account);
            1 "seal0" "random" true (subject: u32, subject_len: u32, out: u32, out_len: u32) -> () = unavailable();
            1 "seal1" "random" true (subject: u32, subject_len: u32, out: u32, out_len: u32) -> () = unavailable();
            1 "seal0" "tombstone_deposit" true (out: u32, out_len: u32) -> () = unavailable();
            1 "seal0" "restore_to" true (destination: u32, destination_len: u32, code_hash: u32, code_hash_len: u32, rent: u32, rent_len: u32, delta: u32, delta_count: u32) -> () = unavailable();
            1 "seal1" "restore_to" true (destination: u32, code_hash: u32, rent: u32, delta: u32, delta_count: u32) -> () = unavailable();
            1 "seal0" "set_rent_allowance" true (value: u32, value_len: u32) -> () = unavailable();
            1 "seal1" "set_rent_allowance" true (value: u32) -> () = unavailable();
            1 "seal0" "rent_allowance" true (out: u32, out_len: u32) -> () = unavailable();
            1 "unfork0" "storage_next" false (key: u32, key_len: u32, end: u32, end_len: u32, descending: u32, out: u32, out_len: u32) -> u32 = next_key(NextKey { key, key_len, end, end_len, descending, out, out_len });
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
    ($($since:literal $module:literal $name:literal $alias:tt ($($argument:ident: $type:tt),*) -> $result:tt = $body:expr;)*) => {
        /// Each row: since which version, the import, and the import under its alias if it has one.
        const ROWS: &[Row] = &[$({
            const IMPORT: Import<'static> = Import {
                module: $module,
                name: $name,
                params: &[$(value_type!($type)),*],
                results: results!($result),
            };
            const ALIAS: Import<'static> = Import { name: concat!("seal_", $name), ..IMPORT };
            ($since, IMPORT, if $alias { Some(ALIAS) } else { None })
        },)*];
    };
}
/// From this version on, all that may be imported.
type List = (u32, Vec<Import<'static>>);
type Row = (u32, Import<'static>, Option<Import<'static>>);
for_each_seal_import!(signatures);

/// Every import that code of the profile may have under a protocol version, sorted by module and name.
pub(crate) fn sorted(version: u32) -> &'static [Import<'static>] {
    static LISTS: OnceLock<Vec<List>> = OnceLock::new();
    let lists = LISTS.get_or_init(|| lists(ROWS));
    list_at(lists, version)
}

/// For each version in which something new may be imported, all that may be imported from then on.
fn lists(rows: &[Row]) -> Vec<List> {
    let versions: BTreeSet<u32> = rows.iter().map(|(since, ..)| *since).collect();
    let of_version = |version| {
        let there = rows.iter().filter(|(since, ..)| *since <= version);
        let mut all: Vec<_> = there.flat_map(|(_, import, alias)| [Some(*import), *alias]).flatten().collect();
        all.sort_by_key(|import| (import.module, import.name));
        (version, all)
    };
    versions.into_iter().map(of_version).collect()
}

fn list_at(lists: &[List], version: u32) -> &[Import<'static>] {
    lists.iter().rev().find(|(since, _)| *since <= version).map_or(&[], |(_, list)| list)
}

#[cfg(test)]
mod tests {
    use super::{ROWS, Row, list_at, lists};
    use unfork_gas::Import;

    #[test]
    fn what_comes_later_cannot_be_imported_before() {
        let (_, import, _) = ROWS[0];
        let later: Row = (3, Import { name: "later", ..import }, None);
        let rows = [ROWS, &[later]].concat();
        let lists = lists(&rows);
        let names = |version| list_at(&lists, version).iter().filter(|import| import.name == "later").count();
        assert_eq!((names(0), names(1), names(2), names(3), names(4)), (0, 0, 0, 1, 1));
        assert!(list_at(&lists, 0).is_empty());
        // Each row, and each that has one under its alias.
        assert_eq!(list_at(&lists, 1).len(), ROWS.len() + ROWS.iter().filter(|row| row.2.is_some()).count());
    }
}
