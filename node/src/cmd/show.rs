//! How blocks, receipts and traces are printed, for people and as JSON.

use serde_json::{Value, json};
use std::io::{self, Write};
use unfork::compare::hexadecimal;
use unfork::scenario::{Action, BlockReport, Ended, Scenario, Sent, Summary};
use unfork_engine::{Event, FrameKind, Payload, Receipt, TraceEvent};

/// Prints what a block's transactions came to, then the block.
pub fn block(out: &mut dyn Write, scenario: &Scenario, report: &BlockReport<'_>, verbosity: u8) -> io::Result<()> {
    for sent in report.sent {
        transaction(out, scenario, sent, verbosity)?;
    }
    let header = &report.stored.block.header;
    let gas: u64 = report.stored.receipts.iter().map(|receipt| receipt.gas_used).sum();
    let again = if report.again { "  (was there already, executed again and the same)" } else { "" };
    let (height, count) = (header.height, report.stored.receipts.len());
    writeln!(out, "block {height}  {count} transactions  gas {gas}  root {}{again}", hexadecimal(&header.state_root))
}

fn transaction(out: &mut dyn Write, scenario: &Scenario, sent: &Sent, verbosity: u8) -> io::Result<()> {
    let step = &scenario.steps[sent.step];
    if let (Some(note), 0) = (&step.note, sent.repetition) {
        writeln!(out, "# {note}")?;
    }
    let what = describe(&step.action);
    let status = sent.ended.status_name();
    let receipt = match &sent.ended {
        Ended::InBlock { receipt, trace } => {
            watched(out, trace, verbosity)?;
            receipt
        }
        Ended::Invalid(invalid) => return writeln!(out, "{what}  {status}: {invalid}"),
    };
    write!(out, "{what}  {status}  gas {}", receipt.gas_used)?;
    if !receipt.output.is_empty() {
        write!(out, "  output {}", hexadecimal(&receipt.output))?;
    }
    if let Some(address) = &receipt.created {
        write!(out, "  contract {}", hexadecimal(address.as_bytes()))?;
    }
    writeln!(out)?;
    receipt.events.iter().try_for_each(|one| event(out, one))
}

fn event(out: &mut dyn Write, event: &Event) -> io::Result<()> {
    writeln!(out, "  event of {} data {}", hexadecimal(event.contract.as_bytes()), hexadecimal(&event.data))?;
    event.topics.iter().try_for_each(|topic| writeln!(out, "    topic {}", hexadecimal(topic)))
}

/// Prints debug messages from `-v` on, and frames from `-vv` on.
fn watched(out: &mut dyn Write, trace: &[TraceEvent], verbosity: u8) -> io::Result<()> {
    for event in trace {
        match event {
            TraceEvent::FrameStarted { depth, kind, contract, value, input, gas_limit } if verbosity >= 2 => {
                let kind = frame_name(*kind);
                let (contract, input) = (hexadecimal(contract.as_bytes()), hexadecimal(input));
                let indent = 2 + 2 * depth;
                writeln!(out, "{:indent$}> {kind} {contract} value {value} gas {gas_limit} input {input}", "")?;
            }
            TraceEvent::FrameEnded { depth, status, gas_used, output } if verbosity >= 2 => {
                let (status, output, indent) = (status.name(), hexadecimal(output), 2 + 2 * depth);
                writeln!(out, "{:indent$}< {status} gas {gas_used} output {output}", "")?;
            }
            TraceEvent::Debug { contract, message } if verbosity >= 1 => {
                // What a contract says may be any bytes; escaped, it cannot move the cursor of a terminal.
                let text = String::from_utf8_lossy(message);
                writeln!(out, "  debug of {}: {}", hexadecimal(contract.as_bytes()), text.escape_debug())?;
            }
            TraceEvent::Changed { keys } if verbosity >= 2 => {
                writeln!(out, "  {} keys of the state written", keys.len())?
            }
            _ => {}
        }
    }
    Ok(())
}

fn frame_name(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::Deploy => "construct",
        FrameKind::Call => "call",
        FrameKind::Delegate => "delegate",
    }
}

/// A step in a few words.
fn describe(action: &Action) -> String {
    match action {
        Action::Upload(upload) => format!("upload {} by {}", upload.label, upload.by),
        Action::Instantiate(create) => format!("instantiate {} as {} by {}", create.code, create.label, create.by),
        Action::Call(call) => format!("call {} by {}", call.to, call.by),
        Action::Transfer(transfer) => format!("transfer {} from {} to {}", transfer.value, transfer.from, transfer.to),
        Action::Block(_) | Action::Advance(_) => action.name().to_string(),
    }
}

/// A block as one JSON object.
pub fn block_json(scenario: &Scenario, report: &BlockReport<'_>) -> Value {
    let header = &report.stored.block.header;
    json!({
        "block": header.height,
        "id": hexadecimal(&report.id),
        "root": hexadecimal(&header.state_root),
        "time": header.time,
        "protocol_version": header.protocol_version,
        "again": report.again,
        "transactions": report.sent.iter().map(|sent| transaction_json(scenario, sent)).collect::<Vec<_>>(),
    })
}

fn transaction_json(scenario: &Scenario, sent: &Sent) -> Value {
    let kind = match &sent.transaction.payload {
        Payload::Upload { .. } => "upload",
        Payload::Instantiate { .. } => "instantiate",
        Payload::Call { .. } => "call",
        Payload::Transfer { .. } => "transfer",
    };
    json!({
        "step": sent.step + 1,
        "line": scenario.steps[sent.step].line,
        "kind": kind,
        "sender": hexadecimal(sent.transaction.sender.as_bytes()),
        "status": sent.ended.status_name(),
        "receipt": sent.ended.receipt().map(receipt_json),
    })
}

/// A receipt as JSON.
pub fn receipt_json(receipt: &Receipt) -> Value {
    let events = receipt.events.iter().map(|event| {
        json!({
            "contract": hexadecimal(event.contract.as_bytes()),
            "topics": event.topics.iter().map(|topic| hexadecimal(topic)).collect::<Vec<_>>(),
            "data": hexadecimal(&event.data),
        })
    });
    json!({
        "status": receipt.status.name(),
        "gas_used": receipt.gas_used,
        "output": hexadecimal(&receipt.output),
        "created": receipt.created.as_ref().map(|address| hexadecimal(address.as_bytes())),
        "events": events.collect::<Vec<_>>(),
    })
}

/// The end of a run as one JSON object.
pub fn summary_json(summary: &Summary) -> Value {
    let failures = summary.failures.iter().map(|failure| {
        json!({
            "line": failure.line,
            "step": failure.step,
            "repetition": failure.repetition,
            "field": failure.field,
            "expected": failure.expected,
            "found": failure.found,
        })
    });
    json!({
        "height": summary.height,
        "id": hexadecimal(&summary.id),
        "root": hexadecimal(&summary.root),
        "transactions": summary.transactions,
        "blocks_again": summary.blocks_again,
        "expectations": summary.expectations,
        "failures": failures.collect::<Vec<_>>(),
    })
}
