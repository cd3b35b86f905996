//! The first difference between two things that should be equal, in words: which field, and both values.

use std::fmt;
use unfork_engine::{Address, Event, Receipt};

pub use unfork_testkit::names::hexadecimal;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field, such as `gas_used` or `events[2].data`.
    pub field: String,
    /// What is stored.
    pub stored: String,
    /// What executing gives.
    pub executed: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: stored {}, executed {}", self.field, self.stored, self.executed)
    }
}

/// The first field in which a stored receipt and the one that executing gives differ.
pub fn receipts(stored: &Receipt, executed: &Receipt) -> Option<Difference> {
    let address =
        |created: &Option<Address>| created.as_ref().map_or("none".to_string(), |address| format!("{address:?}"));
    let fields = [
        ("status", stored.status.name(), executed.status.name()),
        ("gas_used", stored.gas_used.to_string(), executed.gas_used.to_string()),
        ("created", address(&stored.created), address(&executed.created)),
        ("output", hexadecimal(&stored.output), hexadecimal(&executed.output)),
        ("events", format!("{} of them", stored.events.len()), format!("{} of them", executed.events.len())),
    ];
    let field = fields.into_iter().find(|(_, stored, executed)| stored != executed);
    let of_field = field.map(|(field, stored, executed)| Difference { field: field.to_string(), stored, executed });
    of_field.or_else(|| {
        let mut pairs = stored.events.iter().zip(&executed.events).enumerate();
        pairs.find_map(|(index, (stored, executed))| event(index, stored, executed))
    })
}

fn event(index: usize, stored: &Event, executed: &Event) -> Option<Difference> {
    let topics = |event: &Event| event.topics.iter().map(|topic| hexadecimal(topic)).collect::<Vec<_>>().join(" ");
    let fields = [
        ("contract", format!("{:?}", stored.contract), format!("{:?}", executed.contract)),
        ("topics", topics(stored), topics(executed)),
        ("data", hexadecimal(&stored.data), hexadecimal(&executed.data)),
    ];
    let found = fields.into_iter().find(|(_, stored, executed)| stored != executed)?;
    Some(Difference { field: format!("events[{index}].{}", found.0), stored: found.1, executed: found.2 })
}
