//! What came of a transaction, and what a test says about it.

use crate::interface::{Interface, Method};
use crate::names::{Labels, hexadecimal};
use crate::tree::{CallTree, Detail};
use parity_scale_codec::DecodeAll;
use std::fmt;
use std::sync::Arc;
use unfork_engine::{Event, Executed, Payload, Receipt, TraceEvent};

/// A transaction that was executed. What a test says of it panics, where it is not so, with the call tree.
#[derive(Clone)]
pub struct Ran {
    /// What came of it.
    pub receipt: Receipt,
    /// What was watched.
    pub trace: Vec<TraceEvent>,
    labels: Labels,
    method: Option<(Arc<Interface>, Method)>,
}

impl Ran {
    pub(crate) fn new(executed: Executed, payload: &Payload, labels: &Labels) -> Self {
        let Executed { receipt, trace, .. } = executed;
        let method = labels.method(payload).map(|(known, method)| (Arc::clone(known), method.clone()));
        Self { receipt, trace, labels: labels.clone(), method }
    }

    /// The call tree, with storage changes and events.
    #[must_use]
    pub fn tree(&self) -> String {
        CallTree { trace: &self.trace, labels: &self.labels, detail: Detail::Effects, indent: 2 }.to_string()
    }

    #[track_caller]
    fn not_so(&self, expected: impl fmt::Display, found: impl fmt::Display) -> ! {
        panic!("expected {expected}\n   found {found}\ngas used {}, call tree:\n{}", self.receipt.gas_used, self.tree())
    }

    #[track_caller]
    fn has_status(self, expected: &str) -> Self {
        let found = self.receipt.status.name();
        if found != expected {
            self.not_so(expected, found);
        }
        self
    }

    /// It returned.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.has_status("returned")
    }

    /// It ended with this status: `reverted`, `trapped:unreachable`, `out_of_gas`.
    #[track_caller]
    pub fn fails(self, status: &str) -> Self {
        self.has_status(status)
    }

    /// The answer in words, by the interface of the contract; else the output in hexadecimal.
    #[must_use]
    pub fn answer(&self) -> String {
        let output = &self.receipt.output;
        let described = self.method.as_ref().map(|(known, method)| known.describe_output(method, output, &self.labels));
        described.and_then(Result::ok).unwrap_or_else(|| hexadecimal(output))
    }

    /// It answered this: `true`, `300`, `Err(InsufficientBalance)`; without an interface, the output as `0x…`.
    #[track_caller]
    pub fn returns(self, expected: &str) -> Self {
        let output = &self.receipt.output;
        let is = match &self.method {
            Some((known, method)) => known.is_answer(method, expected, output, &self.labels),
            None => Ok(expected.trim() == self.answer()),
        };
        match is {
            Ok(true) => self,
            Ok(false) => self.not_so(expected, self.answer()),
            Err(error) => self.not_so(format_args!("{expected}, which is no answer: {error}"), self.answer()),
        }
    }

    /// Its output is these bytes.
    #[track_caller]
    pub fn outputs(self, expected: impl AsRef<[u8]>) -> Self {
        if self.receipt.output != expected.as_ref() {
            self.not_so(hexadecimal(expected.as_ref()), hexadecimal(&self.receipt.output));
        }
        self
    }

    /// Its output as a SCALE value.
    #[track_caller]
    #[must_use]
    pub fn decoded<T: DecodeAll>(&self) -> T {
        let decoded = T::decode_all(&mut self.receipt.output.as_slice());
        decoded.unwrap_or_else(|_| {
            self.not_so(format_args!("a {}", std::any::type_name::<T>()), hexadecimal(&self.receipt.output))
        })
    }

    /// Its events that were not rolled back.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.receipt.events
    }

    /// It emitted so many events.
    #[track_caller]
    pub fn event_count(self, expected: usize) -> Self {
        let found = self.receipt.events.len();
        if found != expected {
            self.not_so(format_args!("{expected} events"), format_args!("{found} events"));
        }
        self
    }

    /// One of its events is this: `Transfer(from: Some(alice), to: Some(bob), value: 300)`; where the interface is not known,
    /// its data as `0x…`.
    #[track_caller]
    pub fn emits(self, expected: &str) -> Self {
        if let Err(why) = self.emitted(expected) {
            let found: Vec<String> = self.receipt.events.iter().map(|event| self.event_text(event)).collect();
            self.not_so(format_args!("the event {expected}{why}"), format_args!("[{}]", found.join(", ")));
        }
        self
    }

    /// Whether one of its events is this; the error says why none can be, if so.
    fn emitted(&self, expected: &str) -> Result<(), String> {
        let mut why = String::new();
        for event in &self.receipt.events {
            let mut known = self.interfaces_of(event).peekable();
            if known.peek().is_none() && hexadecimal(&event.data) == expected.trim() {
                return Ok(());
            }
            for interface in known {
                match interface.is_event(expected, event, &self.labels) {
                    Ok(true) => return Ok(()),
                    Ok(false) => {}
                    Err(error) => why = format!(" ({error})"),
                }
            }
        }
        Err(why)
    }

    /// The interfaces of the codes that the contract of an event has run.
    fn interfaces_of(&self, event: &Event) -> impl Iterator<Item = &Arc<Interface>> {
        let contract = event.contract.clone();
        let codes = self.trace.iter().filter_map(move |one| match one {
            TraceEvent::FrameStarted { contract: other, code_hash, .. } if *other == contract => Some(code_hash),
            _ => None,
        });
        codes.filter_map(|code| self.labels.interface(code))
    }

    /// An event in words, by the interface of the code that emitted it; else its data in hexadecimal.
    fn event_text(&self, event: &Event) -> String {
        let mut described = self.interfaces_of(event).filter_map(|known| known.describe_event(event, &self.labels));
        described.next().unwrap_or_else(|| hexadecimal(&event.data))
    }

    /// It used at most so much gas.
    #[track_caller]
    pub fn gas_at_most(self, expected: u64) -> Self {
        if self.receipt.gas_used > expected {
            self.not_so(format_args!("gas of at most {expected}"), self.receipt.gas_used);
        }
        self
    }

    /// It used exactly so much gas.
    #[track_caller]
    pub fn gas_is(self, expected: u64) -> Self {
        if self.receipt.gas_used != expected {
            self.not_so(format_args!("gas {expected}"), self.receipt.gas_used);
        }
        self
    }
}
