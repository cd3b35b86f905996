//! `unfork check`: would a chain take this code?

use super::code::{Against, called, print_refused, read};
use super::{Failed, Verdict};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use unfork::compare::hexadecimal;
use unfork::scenario::code_hash;
use unfork_engine::Rules;
use unfork_gas::{Explanation, FunctionFacts, Prepared, Refusal, Usage, explain, function_at};

/// Says whether contract code would be admitted, and if not, why, where, and what helps.
///
/// Any file may be given: what is no WebAssembly module is refused with a reason like any other.
#[derive(clap::Args)]
pub struct Arguments {
    /// Compiled contracts (.wasm).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    against: Against,
    /// For code that is accepted: how much of each limit it uses, its gas before it runs, and each function.
    #[arg(long)]
    explain: bool,
    /// One JSON object per line and file.
    #[arg(long)]
    json: bool,
}

/// Checks each file.
pub fn run(arguments: &Arguments) -> Result<Verdict, Failed> {
    let rules = arguments.against.rules()?;
    let mut out = std::io::stdout().lock();
    let mut verdict = Verdict::Well;
    let mut unreadable = None;
    for file in &arguments.files {
        let code = match read(file) {
            Ok(code) => code,
            Err(error) => {
                // The other files are still checked; the last trouble decides how the command ends.
                if let Some(earlier) = unreadable.replace(error) {
                    eprintln!("unfork: {earlier:#}");
                }
                continue;
            }
        };
        let profile = arguments.against.profile.for_admission(rules.version());
        let result = explain(&code, rules.schedule(), rules.limits(), &profile);
        if result.is_err() {
            verdict = Verdict::Found;
        }
        let checked = Checked { file, code: &code, arguments, rules: &rules };
        match result {
            Ok(explanation) if arguments.json => writeln!(out, "{}", checked.accepted_json(&explanation))?,
            Err(refusal) if arguments.json => writeln!(out, "{}", checked.refused_json(&refusal))?,
            Ok(explanation) => checked.print_accepted(&mut out, &explanation)?,
            Err(refusal) => print_refused(&mut out, file, &code, &refusal)?,
        }
    }
    unreadable.map_or(Ok(verdict), |error| Err(Failed::Environment(error)))
}

/// A file that was checked, and against what.
struct Checked<'a> {
    file: &'a Path,
    code: &'a [u8],
    arguments: &'a Arguments,
    rules: &'a Rules,
}

impl Checked<'_> {
    fn print_accepted(&self, out: &mut impl Write, explanation: &Explanation) -> std::io::Result<()> {
        let prepared = &explanation.prepared;
        let (profile, version) = (self.arguments.against.profile.name(), self.rules.version());
        writeln!(out, "{}: accepted ({profile}, protocol version {version})", self.file.display())?;
        writeln!(out, "  code hash  {}", hexadecimal(&code_hash(self.code)))?;
        writeln!(out, "  bytes      {} uploaded, {} instrumented", self.code.len(), prepared.code().len())?;
        writeln!(out, "  functions  {}, {} of them imported", prepared.functions(), prepared.imports().len())?;
        match prepared.has_memory() {
            true => {
                let (first, most) = (prepared.memory_pages_min(), prepared.memory_pages_max());
                writeln!(out, "  memory     {first} pages of 64 KiB, at most {most}")?;
            }
            false => writeln!(out, "  memory     none")?,
        }
        let names = imports(prepared);
        writeln!(out, "  imports    {}", if names.is_empty() { "none".to_string() } else { names.join(" ") })?;
        if self.arguments.explain {
            self.print_gas(out, prepared)?;
            print_usage(out, &explanation.usage)?;
            print_functions(out, &explanation.functions)?;
        }
        Ok(())
    }

    fn print_gas(&self, out: &mut impl Write, prepared: &Prepared) -> std::io::Result<()> {
        let gas = Gas::of(self.rules, prepared);
        writeln!(out, "  gas        {:>12} upload", gas.upload)?;
        writeln!(out, "             {:>12} first use in a transaction (whatever any cache holds):", gas.load)?;
        for Part { of, gas, count } in &gas.loading {
            match count {
                Some(count) => writeln!(out, "             {gas:>25} for {count} {of}")?,
                None => writeln!(out, "             {gas:>25} for {of}")?,
            }
        }
        writeln!(
            out,
            "             {:>12} each frame: {} for the frame, {} for its instance",
            gas.frame(),
            gas.frame,
            gas.instance
        )?;
        writeln!(
            out,
            "  stack      {} units the largest frame, {} values of a frame on top",
            prepared.frame_units_max(),
            prepared.top_values_max()
        )
    }

    fn accepted_json(&self, explanation: &Explanation) -> Value {
        let prepared = &explanation.prepared;
        let mut object = json!({
            "file": self.file.display().to_string(),
            "accepted": true,
            "profile": self.arguments.against.profile.name(),
            "protocol_version": self.rules.version(),
            "code_hash": hexadecimal(&code_hash(self.code)),
            "bytes_uploaded": self.code.len(),
            "bytes_instrumented": prepared.code().len(),
            "functions": prepared.functions(),
            "memory_pages_min": prepared.memory_pages_min(),
            "memory_pages_max": prepared.memory_pages_max(),
            "imports": imports(prepared),
        });
        if self.arguments.explain {
            let gas = Gas::of(self.rules, prepared);
            object["gas"] = json!({
                "upload": gas.upload,
                "load": gas.load,
                "loading": gas.loading.iter().map(Part::json).collect::<Value>(),
                "frame": gas.frame,
                "instance": gas.instance,
            });
            object["stack"] = json!({
                "frame_units_max": prepared.frame_units_max(),
                "top_values_max": prepared.top_values_max(),
            });
            object["limits"] = explanation.usage.iter().map(usage_json).collect();
            object["defined_functions"] = explanation.functions.iter().map(function_json).collect();
        }
        object
    }

    fn refused_json(&self, refusal: &Refusal) -> Value {
        let function = function_at(self.code, refusal.offset);
        json!({
            "file": self.file.display().to_string(),
            "accepted": false,
            "profile": self.arguments.against.profile.name(),
            "protocol_version": self.rules.version(),
            "code": refusal.code.number(),
            "name": refusal.code.name(),
            "meaning": refusal.code.meaning(),
            "offset": refusal.offset,
            "function": function.map(|function| json!({ "index": function.index, "name": function.name })),
            "limit": refusal.limit,
            "found": refusal.found,
            "detail": refusal.detail,
            "remedy": refusal.code.remedy(),
        })
    }
}

/// What is paid for the code besides what it executes.
struct Gas {
    upload: u64,
    load: u64,
    /// What `load` is the sum of.
    loading: [Part; 5],
    frame: u64,
    instance: u64,
}

/// A part of what loading costs.
struct Part {
    of: &'static str,
    /// How many there are of what is counted.
    count: Option<u64>,
    gas: u64,
}

impl Part {
    fn counted(of: &'static str, count: u64, price: u64) -> Part {
        Part { of, count: Some(count), gas: count.saturating_mul(price) }
    }

    fn json(&self) -> Value {
        json!({ "of": self.of, "count": self.count, "gas": self.gas })
    }
}

impl Gas {
    fn of(rules: &Rules, prepared: &Prepared) -> Gas {
        let (schedule, loading) = (rules.schedule(), prepared.loading());
        let bytes = u64::from(loading.bytes);
        let items = "types, imports, functions, tables, memories, globals, exports and segments";
        Gas {
            upload: schedule.upload_base.saturating_add(schedule.upload_byte.saturating_mul(bytes)),
            load: schedule.loading_gas(loading),
            loading: [
                Part { of: "any code", count: None, gas: schedule.code_load_base },
                Part::counted("bytes", bytes, schedule.code_load_byte),
                Part::counted(items, u64::from(loading.items), schedule.code_load_item),
                Part::counted(
                    "values of functions, blocks, calls and branches",
                    loading.values,
                    schedule.code_load_value,
                ),
                Part::counted("bytes that metering may add", loading.growth, schedule.code_load_growth),
            ],
            frame: schedule.frame_base,
            instance: prepared.instantiation_gas(),
        }
    }

    fn frame(&self) -> u64 {
        self.frame.saturating_add(self.instance)
    }
}

fn imports(prepared: &Prepared) -> Vec<String> {
    prepared.imports().iter().map(|(module, name)| format!("{module}.{name}")).collect()
}

fn print_usage(out: &mut impl Write, usage: &[Usage]) -> std::io::Result<()> {
    writeln!(out, "  {:<28} {:>10} {:>10} {:>6}", "limits", "used", "limit", "share")?;
    for Usage { limit, found, max, .. } in usage {
        let share = found.saturating_mul(100).checked_div(*max).unwrap_or(100);
        writeln!(out, "    {limit:<26} {found:>10} {max:>10} {share:>4} %")?;
    }
    Ok(())
}

fn print_functions(out: &mut impl Write, functions: &[FunctionFacts]) -> std::io::Result<()> {
    writeln!(
        out,
        "  {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7} {:>6} {:>6}  function",
        "at byte", "bytes", "operators", "entry gas", "body gas", "units", "height", "loops", "calls"
    )?;
    for function in functions {
        writeln!(
            out,
            "  {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7} {:>6} {:>6}  {}",
            function.offset,
            function.bytes,
            function.operators,
            function.entry_gas,
            function.straight_gas,
            function.stack_units,
            function.operand_height,
            function.loops,
            function.calls,
            called(function.index, function.name.as_deref())
        )?;
    }
    writeln!(out, "  body gas: all operators once, besides what memory and table operators cost per unit")
}

fn usage_json(usage: &Usage) -> Value {
    json!({ "limit": usage.limit, "found": usage.found, "max": usage.max, "code": usage.code.number() })
}

fn function_json(function: &FunctionFacts) -> Value {
    json!({
        "index": function.index,
        "name": function.name,
        "offset": function.offset,
        "bytes": function.bytes,
        "operators": function.operators,
        "entry_gas": function.entry_gas,
        "straight_gas": function.straight_gas,
        "locals": function.locals,
        "operand_height": function.operand_height,
        "nesting": function.nesting,
        "loops": function.loops,
        "calls": function.calls,
        "stack_units": function.stack_units,
    })
}
