//! Every import of the `seal` profile under every name it has, carried out: all versions, both forms of keys, and what is not
//! offered. The signatures are those of pallet-contracts 51, written down once more; what each answers follows from
//! docs/abi.md.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

mod chain;

use chain::{ALICE, BOB, COINS, Chain, GAS};
use std::collections::BTreeSet;
use unfork_engine::{Address, Contract, Engine, Event, Hash, Payload, ProfileId, RecordKey, Transaction, read_record};
use unfork_gas::ValueType;
use unfork_state::{Key, Space};

/// What a call of the probe comes to.
enum Comes {
    /// It returns these parts: the length at 60, as it is then, and what follows it.
    To(u32, &'static [Part]),
    /// It ends like this, without output.
    Ends(&'static str),
    /// It reverts with this output.
    Reverts(&'static [u8]),
    /// It is gone, and bob has what it had.
    Gone,
}
use Comes::{Ends, Gone, Reverts, To};

/// A piece of an output.
enum Part {
    Word(u32),
    Bytes(&'static [u8]),
    Amount(u128),
    Number(u64),
    Hex(&'static str),
    Alice,
}
use Part::{Alice, Amount, Bytes, Hex, Number, Word};

const NONE: u32 = u32::MAX;
/// Whatever its arguments are.
const NOT_OFFERED: Comes = Ends("trapped:unavailable");
/// The account of the key that has signed.
const SIGNER: Part = Hex("7156526fbd7a3c72969b54f64e42c10fbb768c8a");
/// The room that is said at 60 where no output takes the place of it.
const ROOM: u32 = 64;

/// Module, name, whether there is `seal_NAME` too, parameters (`i`: 32 bits, `I`: 64 bits), result, what the probe does with
/// `$f` (`#7` is a constant), and what that comes to. Without a body `$f` is called with pointers that lead nowhere.
type Row = (&'static str, &'static str, bool, &'static str, &'static str, &'static str, Comes);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Storage. The constructor has stored `value` under a fixed key and `other1` under the variable key `kkk`.
    ("seal0", "set_storage", true, "iii", "",
        "(call $f #256 #304 #3) (drop (call $fixed_load #256 #64 #60)) (i32.store #67 (call $contains #256 #32))",
        To(3, &[Bytes(b"abc"), Word(NONE)])),
    ("seal1", "set_storage", true, "iii", "i",
        "(i32.store #64 (call $f #256 #304 #3)) (i32.store #68 (call $f #320 #304 #3))", To(ROOM, &[Word(5), Word(NONE)])),
    ("seal2", "set_storage", true, "iiii", "i",
        "(i32.store #64 (call $f #256 #3 #304 #3)) (i32.store #68 (call $f #256 #32 #304 #3)) (i32.store #72 (call $has_fixed #256))",
        To(ROOM, &[Word(6), Word(NONE), Word(5)])),
    ("seal0", "clear_storage", true, "i", "",
        "(call $f #256) (i32.store #64 (call $has_fixed #256)) (i32.store #68 (call $contains #256 #3))",
        To(ROOM, &[Word(NONE), Word(6)])),
    ("seal1", "clear_storage", true, "ii", "i",
        "(i32.store #64 (call $f #256 #3)) (i32.store #68 (call $f #256 #3)) (i32.store #72 (call $has_fixed #256))",
        To(ROOM, &[Word(6), Word(NONE), Word(5)])),
    ("seal0", "get_storage", true, "iii", "i", "(i32.store #64 (call $f #256 #68 #60))", To(5, &[Word(0), Bytes(b"value")])),
    ("seal0", "get_storage", true, "iii", "i", "(i32.store #64 (call $f #320 #68 #60))", To(ROOM, &[Word(3)])),
    ("seal1", "get_storage", true, "iiii", "i",
        "(i32.store #64 (call $f #256 #3 #68 #60))", To(6, &[Word(0), Bytes(b"other1")])),
    ("seal1", "get_storage", true, "iiii", "i", "(i32.store #64 (call $f #256 #32 #68 #60))", To(ROOM, &[Word(3)])),
    ("seal0", "contains_storage", true, "i", "i",
        "(i32.store #64 (call $f #256)) (i32.store #68 (call $f #320))", To(ROOM, &[Word(5), Word(NONE)])),
    ("seal1", "contains_storage", true, "ii", "i",
        "(i32.store #64 (call $f #256 #3)) (i32.store #68 (call $f #256 #32))", To(ROOM, &[Word(6), Word(NONE)])),
    ("seal0", "take_storage", true, "iiii", "i",
        "(i32.store #64 (call $f #256 #3 #68 #60)) (i32.store #74 (call $f #256 #3 #68 #60)) (i32.store #78 (call $contains #256 #3))",
        To(6, &[Word(0), Bytes(b"other1"), Word(3), Word(NONE)])),
    // Transfers and calls. The contract has 103 coins, 3 of them from this call.
    ("seal0", "transfer", true, "iiii", "i",
        "(i32.store #64 (call $f #320 #32 #416 #16)) (i32.store #68 (call $f #320 #32 #432 #16)) (call $balance #72 #52)",
        To(ROOM, &[Word(0), Word(5), Amount(96)])),
    ("seal0", "call", true, "iiIiiiiii", "i",
        "(i32.store #64 (call $f #352 #32 (i64.const 0) #416 #16 #700 #4 #68 #60)) (call $balance #72 #52)",
        To(4, &[Word(0), Bytes(b"\0abc"), Amount(96)])),
    ("seal0", "call", true, "iiIiiiiii", "i",
        "(i32.store #64 (call $f #352 #32 (i64.const 0) #416 #16 #704 #4 #68 #60)) (call $balance #72 #52)",
        To(4, &[Word(2), Bytes(b"\x01no!"), Amount(103)])),
    ("seal0", "call", true, "iiIiiiiii", "i",
        // Itself: this form allows it. Called by itself, it returns the first two bytes of its input.
        "(call $input #64 #60) (if (i32.eqz (i32.load8_u #64)) (then (call $return #0 #64 #2)))
         (call $address #100 #56) (i32.store #60 #64)
         (i32.store #64 (call $f #100 #32 (i64.const 0) #800 #16 #700 #4 #68 #60))", To(2, &[Word(0), Bytes(b"\0a")])),
    ("seal1", "call", true, "iiIiiiii", "i",
        "(i32.store #64 (call $f #0 #352 (i64.const 0) #416 #700 #4 #68 #60)) (call $balance #72 #52)",
        To(4, &[Word(0), Bytes(b"\0abc"), Amount(96)])),
    ("seal2", "call", false, "iiIIiiiiii", "i",
        "(i32.store #64 (call $f #0 #352 (i64.const 0) (i64.const 0) #-1 #416 #700 #4 #68 #60)) (call $balance #72 #52)",
        To(4, &[Word(0), Bytes(b"\0abc"), Amount(96)])),
    ("seal0", "delegate_call", true, "iiiiii", "i",
        "(i32.store #64 (call $f #0 #384 #700 #4 #68 #60))", To(4, &[Word(0), Bytes(b"\0abc")])),
    ("seal0", "instantiate", true, "iiIiiiiiiiiii", "i",
        "(i32.store #64 (call $f #384 #32 (i64.const 0) #416 #16 #700 #4 #100 #56 #68 #60 #304 #3))
         (i32.store #72 (call $is_contract #100)) (call $balance #76 #52)",
        To(4, &[Word(0), Bytes(b"made"), Word(1), Amount(96)])),
    ("seal1", "instantiate", true, "iIiiiiiiiii", "i",
        "(i32.store #64 (call $f #384 (i64.const 0) #416 #700 #4 #100 #56 #68 #60 #304 #3))
         (i32.store #72 (call $is_contract #100)) (call $balance #76 #52)",
        To(4, &[Word(0), Bytes(b"made"), Word(1), Amount(96)])),
    ("seal2", "instantiate", false, "iIIiiiiiiiiii", "i",
        "(i32.store #64 (call $f #384 (i64.const 0) (i64.const 0) #-1 #416 #700 #4 #100 #56 #68 #60 #304 #3))
         (i32.store #72 (call $is_contract #100)) (call $balance #76 #52)",
        To(4, &[Word(0), Bytes(b"made"), Word(1), Amount(96)])),
    ("seal0", "terminate", true, "ii", "", "(call $f #320 #32)", Gone),
    ("seal1", "terminate", true, "i", "", "(call $f #320)", Gone),
    ("seal0", "set_code_hash", true, "i", "i",
        "(i32.store #64 (call $f #384)) (i32.store #68 (call $f #320))", To(ROOM, &[Word(0), Word(7)])),
    ("seal0", "lock_delegate_dependency", false, "i", "", "(call $f #384) (call $unlock #384)", To(ROOM, &[])),
    ("seal0", "unlock_delegate_dependency", false, "i", "", "(call $lock #384) (call $f #384) (call $lock #384)", To(ROOM, &[])),
    // The frame and the block, which is the fifth.
    ("seal0", "input", true, "ii", "", "(call $f #64 #60)", To(5, &[Bytes(b"hello")])),
    ("seal0", "seal_return", false, "iii", "", "(call $f #1 #288 #5)", Reverts(b"value")),
    ("seal0", "caller", true, "ii", "", "(call $f #64 #60)", To(32, &[Alice])),
    ("seal0", "address", true, "ii", "", "(call $f #64 #60) (i32.store #64 (call $is_contract #64))", To(32, &[Word(1)])),
    ("seal0", "value_transferred", true, "ii", "", "(call $f #64 #60)", To(16, &[Amount(3)])),
    ("seal0", "balance", true, "ii", "", "(call $f #64 #60)", To(16, &[Amount(103)])),
    ("seal0", "minimum_balance", true, "ii", "", "(call $f #64 #60)", To(16, &[Amount(0)])),
    ("seal0", "now", true, "ii", "", "(call $f #64 #60)", To(8, &[Number(5_000)])),
    ("seal0", "block_number", true, "ii", "", "(call $f #64 #60)", To(4, &[Word(5)])),
    ("seal0", "weight_to_fee", true, "Iii", "", "(call $f (i64.const 7) #64 #60)", To(16, &[Amount(21)])),
    ("seal1", "weight_to_fee", false, "IIii", "", "(call $f (i64.const 7) (i64.const 9) #64 #60)", To(16, &[Amount(21)])),
    ("seal0", "gas_left", true, "ii", "",
        "(call $f #64 #60) (call $f #72 #60) (i32.store #64 (i64.gt_u (i64.load #64) (i64.load #72)))", To(8, &[Word(1)])),
    // A compact number of up to 2^30 ends in the bits 10.
    ("seal1", "gas_left", false, "ii", "", "(call $f #64 #60) (i32.store #64 (i32.and (i32.load #64) #3))", To(5, &[Word(2), Bytes(b"\0")])),
    ("seal0", "caller_is_origin", true, "", "i", "(i32.store #64 (call $f))", To(ROOM, &[Word(1)])),
    ("seal0", "caller_is_root", false, "", "i", "(i32.store #64 (call $f))", To(ROOM, &[Word(0)])),
    ("seal0", "is_contract", true, "i", "i",
        "(i32.store #64 (call $f #352)) (i32.store #68 (call $f #320))", To(ROOM, &[Word(1), Word(0)])),
    ("seal0", "code_hash", true, "iii", "i",
        "(i32.store #64 (call $f #352 #68 #60)) (i32.store #68 (i64.eq (i64.load #68) (i64.load #384))) (i32.store #72 (call $f #320 #68 #60))",
        To(32, &[Word(0), Word(1), Word(3)])),
    ("seal0", "own_code_hash", true, "ii", "", "(call $f #64 #60) (i32.store #64 (call $set_code #64))", To(32, &[Word(0)])),
    ("seal0", "instantiation_nonce", false, "", "I", "(i64.store #64 (call $f))", To(ROOM, &[Number(2)])),
    ("seal0", "reentrance_count", false, "", "i", "(i32.store #64 (call $f))", To(ROOM, &[Word(0)])),
    ("seal0", "account_reentrance_count", false, "i", "i",
        "(call $address #100 #60) (i32.store #64 (call $f #100)) (i32.store #68 (call $f #352))", To(32, &[Word(1), Word(0)])),
    ("seal0", "deposit_event", true, "iiii", "", "(call $f #640 #33 #304 #3)", To(ROOM, &[])),
    ("seal0", "debug_message", true, "ii", "i", "(i32.store #64 (call $f #304 #3))", To(ROOM, &[Word(0)])),
    ("seal0", "noop", false, "", "", "(call $f)", To(ROOM, &[])),
    // Hashes of `abc`, from the publications of these functions; a signature that Ethereum's tests of ecrecover have.
    ("seal0", "hash_sha2_256", true, "iii", "", "(call $f #304 #3 #64)",
        To(ROOM, &[Hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")])),
    ("seal0", "hash_keccak_256", true, "iii", "", "(call $f #304 #3 #64)",
        To(ROOM, &[Hex("4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45")])),
    ("seal0", "hash_blake2_256", true, "iii", "", "(call $f #304 #3 #64)",
        To(ROOM, &[Hex("bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")])),
    ("seal0", "hash_blake2_128", true, "iii", "", "(call $f #304 #3 #64)", To(ROOM, &[Hex("cf4ab791c62b8d2b2109c90275287816")])),
    ("seal0", "ecdsa_recover", true, "iii", "i",
        "(i32.store #64 (call $f #448 #520 #68)) (drop (call $to_eth #68 #68))", To(ROOM, &[Word(0), SIGNER])),
    // The same with n - s in place of s, and the other parity: the original takes it, too.
    ("seal0", "ecdsa_recover", true, "iii", "i",
        "(i32.store #64 (call $f #560 #520 #68)) (drop (call $to_eth #68 #68))", To(ROOM, &[Word(0), SIGNER])),
    ("seal0", "ecdsa_recover", true, "iii", "i", "(i32.store #64 (call $f #256 #520 #68))", To(ROOM, &[Word(11)])),
    ("seal0", "ecdsa_to_eth_address", true, "ii", "i",
        "(drop (call $recover #448 #520 #68)) (i32.store #64 (call $f #68 #68))", To(ROOM, &[Word(0), SIGNER])),
    ("seal0", "ecdsa_to_eth_address", true, "ii", "i", "(i32.store #64 (call $f #256 #68))", To(ROOM, &[Word(11)])),
    ("seal0", "sr25519_verify", false, "iiii", "i", "(i32.store #64 (call $f #448 #256 #3 #304))", To(ROOM, &[Word(12)])),
    // Storage of one transaction.
    ("seal0", "set_transient_storage", false, "iiii", "i",
        "(i32.store #64 (call $f #256 #3 #304 #3)) (i32.store #68 (call $f #256 #3 #304 #2)) (i32.store #72 (call $contains #256 #3))",
        To(ROOM, &[Word(NONE), Word(3), Word(6)])),
    ("seal0", "clear_transient_storage", false, "ii", "i",
        "(drop (call $keep #256 #3 #304 #3)) (i32.store #64 (call $f #256 #3)) (i32.store #68 (call $f #256 #3))",
        To(ROOM, &[Word(3), Word(NONE)])),
    ("seal0", "get_transient_storage", false, "iiii", "i",
        "(drop (call $keep #256 #3 #304 #3)) (i32.store #64 (call $f #256 #3 #68 #60)) (i32.store #71 (call $f #256 #2 #68 #60))",
        To(3, &[Word(0), Bytes(b"abc"), Word(3)])),
    ("seal0", "contains_transient_storage", false, "ii", "i",
        "(drop (call $keep #256 #3 #304 #3)) (i32.store #64 (call $f #256 #3)) (i32.store #68 (call $f #256 #2))",
        To(ROOM, &[Word(3), Word(NONE)])),
    ("seal0", "take_transient_storage", false, "iiii", "i",
        "(drop (call $keep #256 #3 #304 #3)) (i32.store #64 (call $f #256 #3 #68 #60)) (i32.store #71 (call $f #256 #3 #68 #60))",
        To(3, &[Word(0), Bytes(b"abc"), Word(3)])),
    ("unfork0", "storage_next", false, "iiiiiii", "i", "(i32.store #64 (call $f #0 #0 #0 #0 #0 #68 #60))", To(3, &[Word(0), Bytes(b"kkk")])),
    // The chain has no functions of its own; and what no chain here offers.
    ("seal0", "call_chain_extension", true, "iiiii", "i", "", NOT_OFFERED),
    ("seal0", "call_runtime", false, "ii", "i", "", NOT_OFFERED),
    ("seal0", "xcm_execute", false, "ii", "i", "", NOT_OFFERED),
    ("seal0", "xcm_send", false, "iiii", "i", "", NOT_OFFERED),
    ("seal0", "random", true, "iiii", "", "", NOT_OFFERED),
    ("seal1", "random", true, "iiii", "", "", NOT_OFFERED),
    ("seal0", "tombstone_deposit", true, "ii", "", "", NOT_OFFERED),
    ("seal0", "restore_to", true, "iiiiiiii", "", "", NOT_OFFERED),
    ("seal1", "restore_to", true, "iiiii", "", "", NOT_OFFERED),
    ("seal0", "set_rent_allowance", true, "ii", "", "", NOT_OFFERED),
    ("seal1", "set_rent_allowance", true, "i", "", "", NOT_OFFERED),
    ("seal0", "rent_allowance", true, "ii", "", "", NOT_OFFERED),
];

/// Returns its input, and reverts when that begins with 1; its constructor returns `made`.
const ECHO: &str = r#"(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  (data (i32.const 8) "made")
  (func (export "deploy") (call $return (i32.const 0) (i32.const 8) (i32.const 4)))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 100))
    (call $input (i32.const 64) (i32.const 0))
    (call $return (i32.load8_u (i32.const 64)) (i32.const 64) (i32.load (i32.const 0)))))"#;

const PROBE: &str = r#"(module
  IMPORT
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "address" (func $address (param i32 i32)))
  (import "seal0" "balance" (func $balance (param i32 i32)))
  (import "seal0" "is_contract" (func $is_contract (param i32) (result i32)))
  (import "seal0" "set_code_hash" (func $set_code (param i32) (result i32)))
  (import "seal0" "lock_delegate_dependency" (func $lock (param i32)))
  (import "seal0" "unlock_delegate_dependency" (func $unlock (param i32)))
  (import "seal1" "set_storage" (func $fixed_store (param i32 i32 i32) (result i32)))
  (import "seal0" "get_storage" (func $fixed_load (param i32 i32 i32) (result i32)))
  (import "seal0" "contains_storage" (func $has_fixed (param i32) (result i32)))
  (import "seal2" "set_storage" (func $store (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "contains_storage" (func $contains (param i32 i32) (result i32)))
  (import "seal0" "set_transient_storage" (func $keep (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "ecdsa_recover" (func $recover (param i32 i32 i32) (result i32)))
  (import "seal0" "ecdsa_to_eth_address" (func $to_eth (param i32 i32) (result i32)))
  (memory 1)
  ;; Room for an amount, for an address, for an output.
  (data (i32.const 52) "\10\00\00\00\20\00\00\00\40\00\00\00")
  (data (i32.const 256) "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkvalue")
  (data (i32.const 296) "other1")
  (data (i32.const 304) "abc")
  (data (i32.const 320) "ACCOUNT")
  (data (i32.const 352) "CALLEE")
  (data (i32.const 384) "CODE")
  (data (i32.const 416) "\07")
  (data (i32.const 440) "\01")
  (data (i32.const 448) "SIGNATURE")
  (data (i32.const 520) "SIGNED")
  (data (i32.const 560) "MALLEATED")
  (data (i32.const 640) "\04tttttttttttttttttttttttttttttttt")
  (data (i32.const 700) "\00abc\01no!")
  (func (export "deploy")
    (drop (call $fixed_store #256 #288 #5))
    (drop (call $store #256 #3 #296 #6)))
  (func (export "call") BODY (call $return #0 #60 #LENGTH)))"#;

const R: &str = "9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608";
const S: &str = "4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada";
/// The order of the curve less `S`.
const HIGH_S: &str = "b0751c428acadb72f42bb7d6733d1df79c5843b9a7d3c407b39bd3a37fb11667";
const SIGNED: &str = "456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3";

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")).collect()
}

fn bytes_of(part: &Part) -> Vec<u8> {
    match part {
        Word(word) => word.to_le_bytes().to_vec(),
        Bytes(bytes) => bytes.to_vec(),
        Amount(amount) => amount.to_le_bytes().to_vec(),
        Number(number) => number.to_le_bytes().to_vec(),
        Hex(hex) => unhex(hex),
        Alice => ALICE.to_vec(),
    }
}

/// With `#7` spelled out as a constant.
fn spelled(text: &str) -> String {
    let mut parts = text.split('#');
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let end = part.find(|letter: char| !letter.is_ascii_digit() && letter != '-').unwrap_or(part.len());
        out.push_str(&format!("(i32.const {}){}", &part[..end], &part[end..]));
    }
    out
}

fn types(letters: &str) -> String {
    letters.chars().map(|letter| if letter == 'I' { " i64" } else { " i32" }).collect()
}

/// The code of a probe that imports a row's function under `name`.
fn probe(row: &Row, name: &str, length: usize, callee: &Address, code: &Hash) -> Vec<u8> {
    let (module, _, _, params, result, body, _) = row;
    let results = if result.is_empty() { String::new() } else { format!("(result{})", types(result)) };
    let import = format!(r#"(import "{module}" "{name}" (func $f (param{}) {results}))"#, types(params));
    let nowhere = format!("(call $f{})", " #-1".repeat(params.len()));
    let body = match (body.is_empty(), result.is_empty()) {
        (false, _) => body.to_string(),
        (true, true) => nowhere,
        (true, false) => format!("(drop {nowhere})"),
    };
    let escaped = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect::<String>();
    let text = PROBE
        .replace("IMPORT", &import)
        .replace("BODY", &body)
        .replace("LENGTH", &length.to_string())
        .replace("ACCOUNT", &escaped(&BOB))
        .replace("CALLEE", &escaped(callee.as_bytes()))
        .replace("CODE", &escaped(code))
        .replace("SIGNATURE", &escaped(&unhex(&format!("{R}{S}1c"))))
        .replace("MALLEATED", &escaped(&unhex(&format!("{R}{HIGH_S}1b"))))
        .replace("SIGNED", &escaped(&unhex(SIGNED)));
    wat::parse_str(spelled(&text)).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// Carries out one row under one of its names.
fn check(engine: &Engine, row: &Row, name: &str) {
    let what = format!("{}.{name}", row.0);
    let mut chain = Chain::with(engine.clone());
    let echo = chain.upload(wat::parse_str(ECHO).expect("it assembles"));
    let callee = chain.instantiate(echo, 0, &[]);
    let expected = match &row.6 {
        To(room, parts) => [room.to_le_bytes().to_vec(), parts.iter().flat_map(bytes_of).collect()].concat(),
        Reverts(output) => output.to_vec(),
        Ends(_) | Gone => Vec::new(),
    };
    let code = probe(row, name, expected.len(), &callee, &echo);
    let code_hash = chain.upload(code);
    let contract = chain.instantiate(code_hash, 100, &[]);
    let payload = Payload::Call { contract: contract.clone(), value: 3, input: b"hello".to_vec() };
    let transaction = Transaction { gas_price: 3, ..chain.transaction(ALICE, GAS, payload) };
    let checked = chain.propose(vec![transaction]);
    let stored = chain.executor.commit(checked).expect("a commit");
    let receipt = &stored.receipts[0];
    let status = match &row.6 {
        To(..) | Gone => "returned",
        Reverts(_) => "reverted",
        Ends(status) => status,
    };
    assert_eq!((receipt.status.name().as_str(), &receipt.output), (status, &expected), "{what}");
    let event = Event { contract: contract.clone(), topics: vec![[b't'; 32]], data: b"abc".to_vec() };
    let events = if row.1 == "deposit_event" { vec![event] } else { Vec::new() };
    assert_eq!(receipt.events, events, "{what}");
    if matches!(row.6, Gone) {
        let view = chain.executor.store().view();
        let record: Option<Contract> = read_record(view.as_ref(), RecordKey::Contract(&contract)).expect("state");
        assert_eq!((record, chain.balance(&BOB.into())), (None, COINS + 103), "{what}");
    }
    if matches!(row.6, Ends(_)) {
        assert!(receipt.gas_used < 1_000_000, "{what} used {}", receipt.gas_used);
    }
}

#[test]
fn each_does_what_it_should_under_each_of_its_names() {
    let engine = Engine::new().expect("the self-test passes");
    for row in ROWS {
        check(&engine, row, row.1);
        if row.2 {
            check(&engine, row, &format!("seal_{}", row.1));
        }
    }
}

#[test]
fn there_are_these_and_no_others() {
    let letters = |types: &[ValueType]| -> String {
        types.iter().map(|of| if *of == ValueType::I64 { 'I' } else { 'i' }).collect()
    };
    let offered: BTreeSet<_> = ProfileId::Seal
        .for_admission(1)
        .imports
        .iter()
        .map(|import| (import.module, import.name.to_string(), letters(import.params), letters(import.results)))
        .collect();
    let row = |(module, name, alias, params, result, ..): &Row| {
        let names = [Some(name.to_string()), alias.then(|| format!("seal_{name}"))];
        names
            .into_iter()
            .flatten()
            .map(|name| (*module, name, params.to_string(), result.to_string()))
            .collect::<Vec<_>>()
    };
    assert_eq!(offered, ROWS.iter().flat_map(row).collect());
}

/// Keys of the two forms lie in the contract's space as docs/format.md says, so that they never meet.
#[test]
fn keys_of_both_forms_are_kept_apart() {
    let row = ROWS.iter().find(|row| row.1 == "noop").expect("a row");
    let mut chain = Chain::new();
    let code = chain.upload(probe(row, "noop", 0, &ALICE.into(), &[0; 32]));
    let contract = chain.instantiate(code, 0, &[]);
    let view = chain.executor.store().view();
    let space = Space::storage(contract.as_bytes(), 0).expect("an address");
    let stored = |tag: u8, key: &[u8]| view.get(&Key::new(&space, &[&[tag], key].concat())).expect("state");
    assert_eq!(stored(0, &[b'k'; 32]).as_deref(), Some(b"value".as_slice()));
    assert_eq!(stored(1, b"kkk").as_deref(), Some(b"other1".as_slice()));
    assert_eq!(stored(1, &[b'k'; 32]), None);
}
