//! Events and debug messages.

use super::code;
use crate::abi::Guest;
use crate::host::events;
use crate::outcome::{Abort, Trap};
use crate::types::Hash;

pub(crate) fn deposit_event(
    guest: &mut Guest<'_>,
    topics: u32,
    topics_len: u32,
    data: u32,
    data_len: u32,
) -> Result<(), Abort> {
    guest.session().require_writable()?;
    let topics = read_topics(guest, topics, topics_len)?;
    if u64::from(data_len) > guest.session().limits().event_bytes_max {
        return Err(Trap::EventTooLong.into());
    }
    let data = guest.read(data, data_len)?;
    events::emit(guest.session(), topics, data)
}

/// Topics come as a SCALE vector of 32-byte hashes; no bytes at all mean none.
fn read_topics(guest: &mut Guest<'_>, pointer: u32, length: u32) -> Result<Vec<Hash>, Abort> {
    if length == 0 {
        return Ok(Vec::new());
    }
    // One byte tells the number of up to 63 topics; more are too many in any case.
    let max = guest.session().limits().topics_max.min(63);
    if u64::from(length) > max.saturating_mul(32).saturating_add(4) {
        return Err(Trap::TooManyTopics.into());
    }
    let bytes = guest.read(pointer, length)?;
    let Some((first, hashes)) = bytes.split_first() else { return Ok(Vec::new()) };
    let count = usize::from(first >> 2);
    if first & 3 != 0 || hashes.len() != count.saturating_mul(32) {
        return Err(Trap::InvalidArgument.into());
    }
    Ok(hashes.chunks_exact(32).filter_map(|hash| hash.try_into().ok()).collect())
}

/// Always answers "success": whether somebody listens is not the contract's business.
pub(crate) fn debug_message(guest: &mut Guest<'_>, text: u32, text_len: u32) -> Result<u32, Abort> {
    if u64::from(text_len) > guest.session().limits().debug_bytes_max {
        return Err(Trap::DebugMessageTooLong.into());
    }
    let message = guest.read(text, text_len)?;
    events::debug(guest.session(), &message)?;
    Ok(code::SUCCESS)
}
