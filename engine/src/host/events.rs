//! Events and debug messages.

use crate::outcome::{Abort, Budget, Trap};
use crate::session::{Session, spend};
use crate::trace::TraceEvent;
use crate::types::{Event, Hash};

/// Emits an event in the name of the contract that runs.
pub(crate) fn emit(session: &mut Session, topics: Vec<Hash>, data: Vec<u8>) -> Result<(), Abort> {
    session.require_writable()?;
    let (topic_count, bytes) = (as_u64(topics.len()), as_u64(data.len()));
    if topic_count > session.limits().topics_max {
        return Err(Trap::TooManyTopics.into());
    }
    if bytes > session.limits().event_bytes_max {
        return Err(Trap::EventTooLong.into());
    }
    let prices = session.prices();
    let cost = prices
        .event_base
        .saturating_add(prices.event_topic.saturating_mul(topic_count))
        .saturating_add(prices.event_byte.saturating_mul(bytes));
    session.gas.charge(cost)?;
    spend(&mut session.budgets.events, 1, Budget::Events)?;
    let all_bytes = bytes.saturating_add(topic_count.saturating_mul(32));
    spend(&mut session.budgets.event_bytes, all_bytes, Budget::Events)?;
    let contract = session.frame()?.contract.clone();
    let event = Event { contract, topics, data };
    session.trace.note(|| TraceEvent::Emitted(event.clone()));
    session.events.push(event);
    Ok(())
}

/// Passes a debug message to whoever watches. The contract sees the same, whether anybody does.
pub(crate) fn debug(session: &mut Session, message: &[u8]) -> Result<(), Abort> {
    if as_u64(message.len()) > session.limits().debug_bytes_max {
        return Err(Trap::DebugMessageTooLong.into());
    }
    let (base, each) = (session.prices().debug_message_base, session.prices().debug_message_byte);
    session.gas.charge_linear(base, each, message.len())?;
    session.note(|contract| TraceEvent::Debug { contract: contract.clone(), message: message.to_vec() });
    Ok(())
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
