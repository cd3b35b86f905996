//! Contracts that do little but call the host, with arguments that are often meaningful: what random modules hardly
//! ever manage.
//!
//! The first bytes of memory hold something useful at every multiple of 16 or 32, so that a small number is at once a
//! pointer to something and a plausible length:
//!
//! ```text
//!   0    u32 64, the room behind an output pointer; written again before each call
//!   16   u128, a small amount
//!   32   the contract's own address          64   its own code hash
//!   96   another account's address           128  random bytes
//!   224  an empty list of topics             256  output goes here as well as anywhere
//! ```

use super::chain::BOB;
use super::smith::signature;
use arbitrary::{Result, Unstructured};
use std::collections::BTreeSet;
use std::fmt::Write;
use unfork_engine::ProfileId;
use unfork_gas::{Import, ValueType};

/// Host calls of one entry function at most.
const CALLS_MAX: usize = 16;

/// A contract of the `seal` profile that calls the host in `call`, and sometimes in `deploy`.
///
/// # Errors
/// Only if `u` cannot give a number, which it always can.
pub fn contract(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let imports = ProfileId::Seal.for_admission(1).imports;
    let random: [u8; 96] = u.arbitrary()?;
    let amount = u128::from(u.arbitrary::<u8>()? >> 4);
    let deploy_calls = if u.ratio(1, 4)? { CALLS_MAX } else { 0 };
    let mut used = BTreeSet::new();
    let mut functions = String::new();
    for (entry, calls_max) in [("deploy", deploy_calls), ("call", CALLS_MAX)] {
        let _ = writeln!(functions, "(func (export \"{entry}\") (local $round i32)");
        let calls = u.int_in_range(0..=calls_max)?;
        if calls > 0 {
            for (name, place) in [("address", 32), ("own_code_hash", 64)] {
                let index = imports.iter().position(|import| import.name == name).expect("the profile has this import");
                used.insert(index);
                let _ = writeln!(functions, "{RESET} (call $f{index} (i32.const {place}) (i32.const 0))");
            }
        }
        for _ in 0..calls {
            let index = u.choose_index(imports.len())?;
            used.insert(index);
            statement(u, index, &imports[index], &mut functions)?;
        }
        functions.push_str(")\n");
    }
    let mut text = String::from("(module\n");
    for index in used {
        let import = &imports[index];
        let named = signature(import).replacen("(func", &format!("(func $f{index}"), 1);
        let _ = writeln!(text, "(import {:?} {:?} {named})", import.module, import.name);
    }
    text.push_str("(import \"env\" \"memory\" (memory 1 16))\n");
    for (place, bytes) in [(16, amount.to_le_bytes().as_slice()), (96, &BOB), (128, &random)] {
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let _ = writeln!(text, "(data (i32.const {place}) \"{escaped}\")");
    }
    let _ = writeln!(text, "{functions})");
    Ok(wat::parse_str(&text).unwrap_or_else(|error| panic!("a script is a module: {error}\n{text}")))
}

/// Writes the room behind an output pointer again.
const RESET: &str = "(i32.store (i32.const 0) (i32.const 64))";

fn statement(u: &mut Unstructured<'_>, index: usize, import: &Import<'_>, text: &mut String) -> Result<()> {
    let mut call = format!("(call $f{index}");
    for kind in import.params {
        match kind {
            ValueType::I64 => {
                let _ = write!(call, " (i64.const {})", wide(u)?);
            }
            _ => {
                let _ = write!(call, " (i32.const {})", argument(u)?);
            }
        }
    }
    call.push(')');
    let call = match import.results {
        [] => call,
        [ValueType::I64] => format!("(i64.store (i32.const 264) {call})"),
        _ => format!("(i32.store (i32.const 256) {call})"),
    };
    let _ = match u.int_in_range(0..=15u8)? {
        // The same call a few times over.
        0 => writeln!(
            text,
            "(local.set $round (i32.const {}))\n(loop {RESET} {call} (br_if 0 (local.tee $round (i32.sub (local.get \
             $round) (i32.const 1)))))",
            u.int_in_range(1..=9u8)?
        ),
        1 => writeln!(text, "{RESET} {call} (drop (memory.grow (i32.const {})))", argument(u)?),
        // The rest only if the last answer was 0, as contracts do.
        2 => writeln!(text, "{RESET} {call} (if (i32.load (i32.const 256)) (then (return)))"),
        _ => writeln!(text, "{RESET} {call}"),
    };
    Ok(())
}

/// A pointer, a length, a flag: see the layout above.
fn argument(u: &mut Unstructured<'_>) -> Result<u32> {
    const USUAL: [u32; 13] = [0, 0, 16, 32, 64, 96, 128, 224, 256, 1, 2, 4, 8];
    const EDGES: [u32; 6] = [65_504, 65_535, 65_536, 65_537, i32::MAX as u32, u32::MAX];
    match u.int_in_range(0..=31u8)? {
        0 => Ok(*u.choose(&EDGES)?),
        1 => u.arbitrary(),
        2 => u.int_in_range(0..=20_000),
        _ => Ok(*u.choose(&USUAL)?),
    }
}

fn wide(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.int_in_range(0..=7u8)? {
        0 => u64::MAX,
        1 => u.arbitrary()?,
        2 => u.int_in_range(0..=10_000_000)?,
        _ => 0,
    })
}
