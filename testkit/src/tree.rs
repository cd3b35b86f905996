//! Call trees: what happened inside a transaction, frame by frame, in words.

mod json;

use crate::interface::{Interface, Method};
use crate::names::{Labels, hexadecimal};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use unfork_engine::{Address, FrameKind, Hash, Status, TraceEvent};

/// How much of a call tree is shown; each level has what those before it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Frames with their calls and results in words, where they failed, debug messages, calls that did not start.
    Frames,
    /// Storage changes, events, transfers.
    Effects,
    /// Inputs and outputs as bytes, gas limits, looks at the gas left.
    Bytes,
}

/// The call tree of a transaction, to be printed.
pub struct CallTree<'a> {
    /// What was watched of it.
    pub trace: &'a [TraceEvent],
    /// What addresses are called, and what contracts offer.
    pub labels: &'a Labels,
    /// How much is shown.
    pub detail: Detail,
    /// Spaces before each line.
    pub indent: usize,
}

/// Longest value or message that is printed whole, in bytes.
const SHOWN_BYTES_MAX: usize = 256;

impl fmt::Display for CallTree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = ends(self.trace);
        let mut depth = 0usize;
        // Codes of the frames that are open, so that events inside them can be read.
        let mut codes: Vec<Hash> = Vec::new();
        for (index, event) in self.trace.iter().enumerate() {
            let line = match event {
                TraceEvent::FrameStarted { code_hash, .. } => {
                    codes.push(*code_hash);
                    let end = ends.get(&index).and_then(|end| self.trace.get(*end));
                    let line = self.frame(event, end);
                    self.line(f, depth, &line)?;
                    depth = depth.saturating_add(1);
                    continue;
                }
                TraceEvent::FrameEnded { .. } => {
                    codes.pop();
                    depth = depth.saturating_sub(1);
                    continue;
                }
                other => self.effect(other, codes.last()),
            };
            if let Some(line) = line {
                self.line(f, depth, &line)?;
            }
        }
        Ok(())
    }
}

/// Where each frame begins and ends in the trace. A frame without an end was running when the node failed.
fn ends(trace: &[TraceEvent]) -> BTreeMap<usize, usize> {
    let (mut open, mut ends) = (Vec::new(), BTreeMap::new());
    for (index, event) in trace.iter().enumerate() {
        match event {
            TraceEvent::FrameStarted { .. } => open.push(index),
            TraceEvent::FrameEnded { .. } => ends.extend(open.pop().map(|start| (start, index))),
            _ => {}
        }
    }
    ends
}

impl CallTree<'_> {
    fn line(&self, f: &mut fmt::Formatter<'_>, depth: usize, text: &str) -> fmt::Result {
        let indent = self.indent.saturating_add(depth.saturating_mul(2));
        text.lines().try_for_each(|line| writeln!(f, "{:indent$}{line}", ""))
    }

    /// `call token.transfer(to: bob, value: 300) by alice -> reverted Err(InsufficientBalance), gas 7100`.
    fn frame(&self, start: &TraceEvent, end: Option<&TraceEvent>) -> String {
        let TraceEvent::FrameStarted { kind, contract, code_hash, caller, read_only, value, input, gas_limit, .. } =
            start
        else {
            return String::new();
        };
        let labels = self.labels;
        let mut text = format!("{} {}", verb(*kind), labels.show(contract.as_bytes()));
        match self.call_in_words(*kind, code_hash, input) {
            Some(call) => text.push_str(&format!(".{call}")),
            None => text.push_str(&format!(" input {}", shown(input))),
        }
        let _ = write!(text, " by {}", labels.show(caller.as_bytes()));
        if *kind == FrameKind::Delegate || (self.detail >= Detail::Bytes && *kind != FrameKind::Deploy) {
            let _ = write!(text, " code {}", labels.show_code(code_hash));
        }
        if *value > 0 {
            let _ = write!(text, " value {value}");
        }
        if *read_only {
            text.push_str(" read-only");
        }
        let Some(TraceEvent::FrameEnded { status, gas_used, output, places, .. }) = end else {
            text.push_str(" -> did not end");
            return text;
        };
        let _ = write!(text, " -> {}", status.name());
        match self.answer_in_words(*kind, code_hash, input, output) {
            Some(answer) => text.push_str(&format!(" {answer}")),
            None if output.is_empty() => {}
            None => text.push_str(&format!(" output {}", shown(output))),
        }
        let _ = write!(text, ", gas {gas_used}");
        if self.detail >= Detail::Bytes || *status == Status::OutOfGas {
            let _ = write!(text, " of {gas_limit}");
        }
        if !places.is_empty() {
            let names: Vec<String> = places.iter().map(|index| labels.show_function(code_hash, *index)).collect();
            let _ = write!(text, "\n    in {}", names.join(" <- "));
        }
        if self.detail >= Detail::Bytes {
            let _ = write!(text, "\n    input {}\n    output {}", hexadecimal(input), hexadecimal(output));
        }
        text
    }

    /// What a frame's input asks for, where the code's interface is known.
    fn method(&self, kind: FrameKind, code_hash: &Hash, input: &[u8]) -> Option<(&Interface, &Method)> {
        let known = self.labels.interface(code_hash)?;
        let method = match kind {
            FrameKind::Deploy => known.constructor(input),
            FrameKind::Call | FrameKind::Delegate => known.message(input),
            FrameKind::Reply => None,
        };
        Some((known, method?))
    }

    /// `transfer(to: bob, value: 300)`.
    fn call_in_words(&self, kind: FrameKind, code_hash: &Hash, input: &[u8]) -> Option<String> {
        let (known, method) = self.method(kind, code_hash, input)?;
        Some(known.describe_input(method, input, self.labels))
    }

    /// `Err(InsufficientBalance)`, or why the contract did not take the input.
    fn answer_in_words(&self, kind: FrameKind, code_hash: &Hash, input: &[u8], output: &[u8]) -> Option<String> {
        if output.is_empty() {
            return None;
        }
        let method = self.method(kind, code_hash, input);
        let answer = method.and_then(|(known, method)| known.describe_output(method, output, self.labels).ok());
        answer.or_else(|| Some(self.labels.interface(code_hash)?.describe_refusal(output)?.to_string()))
    }

    /// What happened inside a frame; `None` when this detail leaves it out.
    fn effect(&self, event: &TraceEvent, code: Option<&Hash>) -> Option<String> {
        let name = |address: &Address| self.labels.show(address.as_bytes());
        let effects = self.detail >= Detail::Effects;
        match event {
            TraceEvent::NotStarted { reason } => Some(format!("no frame: {}", reason.name())),
            // What a contract says may be any bytes; escaped, it cannot move the cursor of a terminal.
            TraceEvent::Debug { message, .. } => {
                Some(format!("debug \"{}\"", String::from_utf8_lossy(message).escape_debug()))
            }
            TraceEvent::Emitted(event) if effects => {
                let known = code.and_then(|code| self.labels.interface(code));
                let described = known.and_then(|known| known.describe_event(event, self.labels));
                Some(match described {
                    Some(described) => format!("event {described}"),
                    None => {
                        let topics = event.topics.iter().map(|topic| format!(" topic {}", hexadecimal(topic)));
                        format!("event data {}{}", shown(&event.data), topics.collect::<String>())
                    }
                })
            }
            TraceEvent::Stored { transient, key, before, after, .. } if effects => {
                let key = hexadecimal(key.get(1..).unwrap_or_default());
                let kind = if *transient { "transient " } else { "" };
                let before = before.map_or("nothing".to_string(), |length| format!("{length} bytes"));
                Some(match after {
                    Some(value) => format!("set {kind}{key} = {} (was {before})", shown(value)),
                    None => format!("clear {kind}{key} (was {before})"),
                })
            }
            TraceEvent::Transferred { from, to, value, moved } if effects || !moved => {
                let failed = if *moved { "" } else { " -> failed" };
                Some(format!("transfer {value} from {} to {}{failed}", name(from), name(to)))
            }
            TraceEvent::Terminated { beneficiary, value, .. } if effects => {
                Some(format!("terminate in favour of {} with {value}", name(beneficiary)))
            }
            TraceEvent::CodeReplaced { code_hash, .. } if effects => {
                Some(format!("set code {}", self.labels.show_code(code_hash)))
            }
            TraceEvent::GasRead if self.detail >= Detail::Bytes => Some("reads the gas left".to_string()),
            TraceEvent::Changed { keys } if self.detail >= Detail::Bytes => {
                Some(format!("{} keys of the state written", keys.len()))
            }
            _ => None,
        }
    }
}

/// What a frame does.
fn verb(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::Deploy => "construct",
        FrameKind::Call => "call",
        FrameKind::Delegate => "delegate",
        FrameKind::Reply => "reply to",
    }
}

/// Bytes in hexadecimal, cut where they would flood the tree.
fn shown(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN_BYTES_MAX) {
        Some(beginning) if bytes.len() > SHOWN_BYTES_MAX => {
            format!("{}… ({} bytes)", hexadecimal(beginning), bytes.len())
        }
        _ => hexadecimal(bytes),
    }
}
