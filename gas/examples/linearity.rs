//! Counts the instructions of admission over families of expensive modules, with those of wasmi's translation beside
//! them, and prints the power of the code's length that they grow with. Run by `make linearity`; needs valgrind.
//!
//! Without an argument it runs itself under callgrind, which writes one file for each counted call; then it reads these.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::cast_precision_loss, clippy::float_arithmetic)]

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use unfork_gas::{LIMITS_V1, V1, admit};
use wasmi::{CompilationMode, Config, Engine, Module};

#[path = "../tests/support/bombs.rs"]
mod bombs;

/// About the lengths that are counted, in bytes: the last is the limit of version 1, less what surrounds the code.
const SIZES: [usize; 5] = [1 << 10, 16 << 10, 64 << 10, 126 << 10, 500 << 10];
/// The first of them from which on a power is fitted.
const FIT_FROM: usize = 16 << 10;
const EXPONENT_MAX: f64 = 1.05;

fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        Some("counted") => counted(),
        _ => count(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("linearity: {error}");
        ExitCode::from(3)
    })
}

/// What callgrind counts: one function for all work, since it follows only one of several names that begin alike.
#[inline(never)]
fn counted_work(work: &mut dyn FnMut()) {
    work();
    // Something after the call, or it becomes a jump, and callgrind never sees this function return.
    std::hint::black_box(work);
}

/// The result of work that is counted.
fn count_of<T>(work: impl FnOnce() -> T) -> T {
    let (mut work, mut result) = (Some(work), None);
    counted_work(&mut || result = work.take().map(|work| work()));
    result.unwrap_or_else(|| unreachable!("the work is done once"))
}

/// The run under callgrind: prints one line for each counted call, in their order.
fn counted() -> Result<ExitCode, Box<dyn Error>> {
    let mut config = Config::default();
    config.compilation_mode(CompilationMode::Eager);
    for family in bombs::FAMILIES {
        for size in SIZES {
            let code = (family.make)(size);
            match count_of(|| admit(&code, &V1, &LIMITS_V1, &bombs::PROFILE)) {
                Ok(prepared) => {
                    println!("{}\tadmit\t{}\t", family.name, code.len());
                    let engine = Engine::new(&config);
                    count_of(|| Module::new(&engine, prepared.code()))?;
                    println!("{}\ttranslate\t{}\t", family.name, code.len());
                }
                Err(refusal) => {
                    println!("{}\tadmit\t{}\t{}", family.name, code.len(), refusal.code.name());
                    break;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One counted call.
struct Count {
    family: String,
    what: String,
    bytes: usize,
    refused: String,
    instructions: u64,
}

fn count() -> Result<ExitCode, Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("unfork-linearity-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = callgrind(&folder).and_then(|counts| report(&counts));
    std::fs::remove_dir_all(&folder)?;
    result
}

fn callgrind(folder: &Path) -> Result<Vec<Count>, Box<dyn Error>> {
    let out = folder.join("out");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet", "--collect-atstart=no"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.args(["--toggle-collect=linearity::counted_work", "--dump-after=linearity::counted_work"]);
    command.arg(std::env::current_exe()?).arg("counted").stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("starting valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("valgrind ended with {}", output.status).into());
    }
    let mut counts = Vec::new();
    for (position, line) in String::from_utf8(output.stdout)?.lines().enumerate() {
        let [family, what, bytes, refused] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("not understood: {line}").into());
        };
        let dump = std::fs::read_to_string(folder.join(format!("out.{}", position + 1)))?;
        let totals = dump.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
        let instructions = totals.ok_or("a dump without totals")?.trim().parse()?;
        let (family, what, refused) = (family.to_string(), what.to_string(), refused.to_string());
        counts.push(Count { family, what, bytes: bytes.parse()?, refused, instructions });
    }
    Ok(counts)
}

/// The power of the length that the counts grow with, from `FIT_FROM` on, and the last count per byte.
fn fitted(counts: &[&Count]) -> (Option<f64>, f64) {
    let Some(last) = counts.last() else { return (None, 0.0) };
    let per_byte = last.instructions as f64 / last.bytes as f64;
    // The least-squares line through the logarithms.
    let points: Vec<(f64, f64)> = counts
        .iter()
        .filter(|count| count.bytes >= FIT_FROM / 2)
        .map(|count| ((count.bytes as f64).ln(), (count.instructions as f64).ln()))
        .collect();
    if points.len() < 2 {
        return (None, per_byte);
    }
    let number = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / number;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let below: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    (Some(above / below), per_byte)
}

fn report(counts: &[Count]) -> Result<ExitCode, Box<dyn Error>> {
    println!("instructions counted by callgrind, under the limits of version 1");
    println!(
        "{:<28} {:>9} {:>9} {:>9} {:>9} {:>9}  refused above with",
        "family", "bytes", "exponent", "per byte", "wasmi", "per byte"
    );
    let mut superlinear = Vec::new();
    for family in bombs::FAMILIES {
        let of = |what: &str| -> Vec<&Count> {
            let same = |count: &&Count| count.family == family.name && count.what == what && count.refused.is_empty();
            counts.iter().filter(same).collect()
        };
        let refused = counts.iter().find(|count| count.family == family.name && !count.refused.is_empty());
        let (ours, wasmi) = (of("admit"), of("translate"));
        let ((exponent, per_byte), (wasmi_exponent, wasmi_per_byte)) = (fitted(&ours), fitted(&wasmi));
        let shown =
            |exponent: Option<f64>| exponent.map_or_else(|| "-".to_string(), |exponent| format!("{exponent:.3}"));
        println!(
            "{:<28} {:>9} {:>9} {:>9.0} {:>9} {:>9.0}  {}",
            family.name,
            ours.last().map_or(0, |count| count.bytes),
            shown(exponent),
            per_byte,
            shown(wasmi_exponent),
            wasmi_per_byte,
            refused.map_or("", |count| &count.refused)
        );
        if exponent.is_some_and(|exponent| exponent > EXPONENT_MAX) || (ours.is_empty() && refused.is_none()) {
            superlinear.push(family.name);
        }
    }
    println!("{} families; above an exponent of {EXPONENT_MAX}: {}", bombs::FAMILIES.len(), superlinear.len());
    for family in &superlinear {
        println!("SUPERLINEAR {family}");
    }
    Ok(if superlinear.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
