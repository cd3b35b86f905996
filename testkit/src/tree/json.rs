//! Call trees as data.

use super::{CallTree, Detail, ends, verb};
use crate::names::hexadecimal;
use serde_json::{Value, json};
use unfork_engine::{Address, Hash, TraceEvent};

impl CallTree<'_> {
    /// The tree as a JSON array of what happened, in order; each object says in `what` which kind of thing it is. Frames have
    /// what happened inside them in `inside`. It has what the printed tree of this detail has, nothing of it cut: addresses and
    /// codes by name, where they have one, else in hexadecimal; amounts as texts.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let ends = ends(self.trace);
        // What has been found in each frame that is open, from the outermost on, with its code; the first is no frame.
        let mut open: Vec<(Option<Hash>, Value, Vec<Value>)> = vec![(None, Value::Null, Vec::new())];
        for (index, event) in self.trace.iter().enumerate() {
            match event {
                TraceEvent::FrameStarted { code_hash, .. } => {
                    let end = ends.get(&index).and_then(|end| self.trace.get(*end));
                    open.push((Some(*code_hash), self.frame_json(event, end), Vec::new()));
                }
                TraceEvent::FrameEnded { .. } => close(&mut open),
                other => {
                    let code = open.last().and_then(|(code, ..)| *code);
                    let found = self.effect_json(other, code.as_ref());
                    if let Some((_, _, inside)) = open.last_mut() {
                        inside.extend(found);
                    }
                }
            }
        }
        // Frames that did not end.
        while open.len() > 1 {
            close(&mut open);
        }
        open.pop().map_or(Value::Null, |(_, _, found)| Value::Array(found))
    }

    fn frame_json(&self, start: &TraceEvent, end: Option<&TraceEvent>) -> Value {
        let TraceEvent::FrameStarted { kind, contract, code_hash, caller, read_only, value, input, gas_limit, .. } =
            start
        else {
            return Value::Null;
        };
        let call = self.call_in_words(*kind, code_hash, input);
        let bytes = self.detail >= Detail::Bytes;
        let mut frame = json!({
            "what": verb(*kind),
            "contract": self.labels.show(contract.as_bytes()),
            "code": self.labels.show_code(code_hash),
            "caller": self.labels.show(caller.as_bytes()),
            "value": value.to_string(),
            "read_only": read_only,
            "input": (bytes || call.is_none()).then(|| hexadecimal(input)),
            "call": call,
            "gas_limit": gas_limit,
        });
        if let Some(TraceEvent::FrameEnded { status, gas_used, output, places, .. }) = end {
            let answer = self.answer_in_words(*kind, code_hash, input, output);
            let functions = places.iter().map(|index| self.labels.show_function(code_hash, *index));
            frame["status"] = status.name().into();
            frame["gas_used"] = (*gas_used).into();
            frame["output"] = (bytes || answer.is_none()).then(|| hexadecimal(output)).into();
            frame["answer"] = answer.into();
            frame["functions"] = functions.collect();
        }
        frame
    }

    /// What happened inside a frame; `None` when this detail leaves it out, as [`CallTree::effect`] does.
    fn effect_json(&self, event: &TraceEvent, code: Option<&Hash>) -> Option<Value> {
        self.effect(event, code)?;
        let name = |address: &Address| self.labels.show(address.as_bytes());
        Some(match event {
            TraceEvent::FrameStarted { .. } | TraceEvent::FrameEnded { .. } => return None,
            TraceEvent::NotStarted { reason } => json!({ "what": "no frame", "reason": reason.name() }),
            TraceEvent::Debug { contract, message } => {
                let text = String::from_utf8_lossy(message);
                json!({ "what": "debug", "contract": name(contract), "message": text })
            }
            TraceEvent::Emitted(event) => {
                let known = code.and_then(|code| self.labels.interface(code));
                json!({
                    "what": "event",
                    "event": known.and_then(|known| known.describe_event(event, self.labels)),
                    "topics": event.topics.iter().map(|topic| hexadecimal(topic)).collect::<Vec<_>>(),
                    "data": hexadecimal(&event.data),
                })
            }
            TraceEvent::Stored { transient, key, before, after, .. } => json!({
                "what": if after.is_some() { "set" } else { "clear" },
                "transient": transient,
                "key": hexadecimal(key.get(1..).unwrap_or_default()),
                "bytes_before": before,
                "value": after.as_ref().map(|value| hexadecimal(value)),
            }),
            TraceEvent::Transferred { from, to, value, moved } => json!({
                "what": "transfer", "from": name(from), "to": name(to), "value": value.to_string(), "moved": moved,
            }),
            TraceEvent::Terminated { beneficiary, value, .. } => {
                json!({ "what": "terminate", "beneficiary": name(beneficiary), "value": value.to_string() })
            }
            TraceEvent::CodeReplaced { code_hash, .. } => {
                json!({ "what": "set code", "code": self.labels.show_code(code_hash) })
            }
            TraceEvent::GasRead => json!({ "what": "reads the gas left" }),
            TraceEvent::Changed { keys } => json!({ "what": "changed", "keys": keys.len() }),
        })
    }
}

/// Puts the innermost frame into the one around it.
fn close(open: &mut Vec<(Option<Hash>, Value, Vec<Value>)>) {
    if let Some((_, mut frame, inside)) = open.pop() {
        frame["inside"] = Value::Array(inside);
        if let Some((_, _, around)) = open.last_mut() {
            around.push(frame);
        }
    }
}
