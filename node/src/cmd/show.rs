//! How blocks, receipts and traces are printed, for people and as JSON.

use serde_json::{Value, json};
use std::io::{self, Write};
use unfork::compare::hexadecimal;
use unfork::scenario::{Action, BlockReport, Ended, Scenario, Sent, Summary};
use unfork_engine::{Address, Event, Payload, Receipt, Refused, Simulation, Status, TraceEvent};
use unfork_gas::RefusalCode;
use unfork_testkit::{CallTree, Detail, Labels};

/// Prints what a block's transactions came to, then the block.
pub fn block(out: &mut dyn Write, scenario: &Scenario, report: &BlockReport<'_>, verbosity: u8) -> io::Result<()> {
    for sent in report.sent {
        transaction(out, scenario, report.labels, sent, verbosity)?;
    }
    let header = &report.stored.block.header;
    let gas: u64 = report.stored.receipts.iter().map(|receipt| receipt.gas_used).sum();
    let again = if report.again { "  (was there already, executed again and the same)" } else { "" };
    let (height, count) = (header.height, report.stored.receipts.len());
    writeln!(out, "block {height}  {count} transactions  gas {gas}  root {}{again}", hexadecimal(&header.state_root))
}

fn transaction(
    out: &mut dyn Write,
    scenario: &Scenario,
    labels: &Labels,
    sent: &Sent,
    verbosity: u8,
) -> io::Result<()> {
    let step = &scenario.steps[sent.step];
    if let (Some(note), 0) = (&step.note, sent.repetition) {
        writeln!(out, "# {note}")?;
    }
    let what = describe(&step.action);
    let status = sent.ended.status_name();
    let receipt = match &sent.ended {
        Ended::InBlock { receipt, trace } => {
            watched(out, labels, trace, !receipt.status.is_success(), verbosity)?;
            receipt
        }
        Ended::Invalid(invalid) => return writeln!(out, "{what}  {status}: {invalid}"),
    };
    write!(out, "{what}  {status}  gas {}", receipt.gas_used)?;
    match answer(labels, sent, receipt) {
        Some(answer) => write!(out, "  {answer}")?,
        None if receipt.output.is_empty() => {}
        None => write!(out, "  output {}", hexadecimal(&receipt.output))?,
    }
    if let Some(address) = &receipt.created {
        write!(out, "  contract {}", hexadecimal(address.as_bytes()))?;
    }
    if let Status::Refused(Refused::Code(number)) = receipt.status
        && let Some(code) = RefusalCode::ALL.iter().find(|code| code.number() == number)
    {
        write!(out, "  {}: {}", code.name(), code.remedy())?;
    }
    writeln!(out)?;
    receipt.events.iter().try_for_each(|one| event(out, labels, one))?;
    sent.dry_run.iter().try_for_each(|dry| dry_run(out, dry))
}

/// What a transaction needs, by a dry run on the state that it found.
fn dry_run(out: &mut dyn Write, dry: &Simulation) -> io::Result<()> {
    let Simulation { gas_limit_min, reads, writes, gas_dependence, .. } = dry;
    let read = reads.points.len() + reads.lengths.len();
    match dry.receipt.status {
        Status::OutOfGas => write!(out, "  ran out of gas, so how much it needs is not known; reads {read} values")?,
        _ => write!(out, "  needs a gas limit of {gas_limit_min}; reads {read} values")?,
    }
    if !reads.ranges.is_empty() {
        write!(out, " and {} ranges", reads.ranges.len())?;
    }
    writeln!(out, ", writes {}", writes.len())?;
    if let Some(other) = gas_dependence.differs_at {
        writeln!(out, "  branches on the gas it has: with a gas limit of {other} something else comes of it")?;
    } else if gas_dependence.reads_gas_left {
        writeln!(out, "  looks at the gas it has left: at limits that were not tried something else may come of it")?;
    } else if gas_dependence.survives_out_of_gas {
        writeln!(
            out,
            "  goes on after a call without gas: at limits that were not tried something else may come of it"
        )?;
    }
    Ok(())
}

/// A call and its answer in words, where the contract's interface is known: `transfer(to: bob, value: 5) = Ok(())`.
fn answer(labels: &Labels, sent: &Sent, receipt: &Receipt) -> Option<String> {
    let payload = &sent.transaction.payload;
    let (Payload::Call { input, .. } | Payload::Instantiate { input, .. }) = payload else { return None };
    let Some((interface, method)) = labels.method(payload) else {
        let code = match payload {
            Payload::Call { contract, .. } => labels.code_of(&contract.as_bytes().try_into().ok()?)?,
            Payload::Instantiate { code_hash, .. } => *code_hash,
            _ => return None,
        };
        let refusal = labels.interface(&code)?.describe_refusal(&receipt.output)?;
        return Some(format!("{} = {refusal}", hexadecimal(input)));
    };
    let call = interface.describe_input(method, input, labels);
    if receipt.output.is_empty() {
        return Some(call);
    }
    Some(format!("{call} = {}", interface.describe_output(method, &receipt.output, labels).ok()?))
}

fn event(out: &mut dyn Write, labels: &Labels, event: &Event) -> io::Result<()> {
    let contract = event.contract.as_bytes();
    let interface = contract.try_into().ok().and_then(|address| labels.interface_at(&address));
    if let Some(described) = interface.and_then(|interface| interface.describe_event(event, labels)) {
        return writeln!(out, "  event of {}: {described}", labels.show(contract));
    }
    writeln!(out, "  event of {} data {}", hexadecimal(event.contract.as_bytes()), hexadecimal(&event.data))?;
    event.topics.iter().try_for_each(|topic| writeln!(out, "    topic {}", hexadecimal(topic)))
}

/// How much is shown of what was watched of a transaction: `-v` shows debug messages and the call trees of what failed, `-vv`
/// every call tree, `-vvv` also storage changes, events and transfers, `-vvvv` inputs, outputs and limits as they are.
enum Shown {
    Nothing,
    /// Debug messages alone.
    Debug,
    Tree(Detail),
}

fn shown(failed: bool, verbosity: u8) -> Shown {
    match verbosity {
        0 => Shown::Nothing,
        1 if !failed => Shown::Debug,
        1 | 2 => Shown::Tree(Detail::Frames),
        3 => Shown::Tree(Detail::Effects),
        _ => Shown::Tree(Detail::Bytes),
    }
}

/// Prints what was watched.
fn watched(out: &mut dyn Write, labels: &Labels, trace: &[TraceEvent], failed: bool, verbosity: u8) -> io::Result<()> {
    match shown(failed, verbosity) {
        Shown::Nothing => Ok(()),
        Shown::Debug => debug(trace).try_for_each(|(contract, message)| {
            // What a contract says may be any bytes; escaped, it cannot move the cursor of a terminal.
            let text = String::from_utf8_lossy(message);
            writeln!(out, "  debug of {}: {}", labels.show(contract.as_bytes()), text.escape_debug())
        }),
        Shown::Tree(detail) => write!(out, "{}", CallTree { trace, labels, detail, indent: 2 }),
    }
}

/// The same as JSON; null without `-v`.
fn watched_json(labels: &Labels, sent: &Sent, verbosity: u8) -> Value {
    let Ended::InBlock { receipt, trace } = &sent.ended else { return Value::Null };
    match shown(!receipt.status.is_success(), verbosity) {
        Shown::Nothing => Value::Null,
        Shown::Debug => debug(trace)
            .map(|(contract, message)| {
                let text = String::from_utf8_lossy(message);
                json!({ "what": "debug", "contract": labels.show(contract.as_bytes()), "message": text })
            })
            .collect(),
        Shown::Tree(detail) => CallTree { trace, labels, detail, indent: 0 }.to_json(),
    }
}

fn debug(trace: &[TraceEvent]) -> impl Iterator<Item = (&Address, &[u8])> {
    trace.iter().filter_map(|event| match event {
        TraceEvent::Debug { contract, message } => Some((contract, message.as_slice())),
        _ => None,
    })
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
pub fn block_json(scenario: &Scenario, report: &BlockReport<'_>, verbosity: u8) -> Value {
    let transaction = |sent| transaction_json(scenario, report.labels, sent, verbosity);
    let header = &report.stored.block.header;
    json!({
        "block": header.height,
        "id": hexadecimal(&report.id),
        "root": hexadecimal(&header.state_root),
        "time": header.time,
        "protocol_version": header.protocol_version,
        "again": report.again,
        "transactions": report.sent.iter().map(transaction).collect::<Vec<_>>(),
    })
}

fn transaction_json(scenario: &Scenario, labels: &Labels, sent: &Sent, verbosity: u8) -> Value {
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
        "gas_limit_min": sent.dry_run.as_ref().map(|dry| dry.gas_limit_min),
        "gas_branches_at": sent.dry_run.as_ref().and_then(|dry| dry.gas_dependence.differs_at),
        "tree": watched_json(labels, sent, verbosity),
        "in_words": sent.ended.receipt().and_then(|receipt| answer(labels, sent, receipt)),
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
