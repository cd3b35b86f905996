//! From bytes to contracts and chains. The same bytes give the same result on every machine.

pub mod chain;
pub mod fixtures;
pub mod random;
pub mod script;
pub mod smith;

use arbitrary::{Result, Unstructured};

/// Some contract of the `seal` profile: a random module, or a script of host calls.
///
/// # Errors
/// None in practice: a module is made of however few bytes there are.
pub fn contract(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    if u.ratio(1, 2)? { smith::contract(u) } else { script::contract(u) }
}

/// All bytes that are left.
///
/// # Errors
/// None in practice: so many bytes are there.
pub fn rest(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let left = u.len();
    Ok(u.bytes(left)?.to_vec())
}
