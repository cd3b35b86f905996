//! The way to the node's own functions.

use super::{unavailable, write_output};
use crate::abi::Guest;
use crate::extension;
use crate::outcome::{Abort, Trap};

/// A number that the chain does not declare, or not yet, is answered as any function that is not offered.
pub(crate) fn call_chain_extension(
    guest: &mut Guest<'_>,
    id: u32,
    input: u32,
    input_len: u32,
    out: u32,
    out_len: u32,
) -> Result<u32, Abort> {
    let height = guest.session().block.height;
    let Some(function) = guest.session().spec.extension_function(id, height) else { return unavailable(guest) };
    if u64::from(input_len) > guest.session().limits().input_bytes_max {
        return Err(Trap::InputTooLong.into());
    }
    let input = guest.read(input, input_len)?;
    let answer = extension::call(guest.session(), function, &input)?;
    write_output(guest, out, out_len, &answer.output, true)?;
    Ok(answer.code)
}
