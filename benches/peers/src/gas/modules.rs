//! Making modules ready: validated only, instrumented by us and by others, and translated as far as running them needs.

use crate::measure::{geomean, medians, ratio, repetitions};
use crate::{kernels, large, peers};
use std::time::Duration;
use unfork_benches::contracts::fixtures;
use unfork_gas::{Limits, Profile, V1, admit};
use wasmi::{CompilationMode, Engine, Module};

/// How long one measurement lasts at least.
const ROUND: Duration = Duration::from_millis(10);

/// What a module is made ready under.
pub struct Subject<'a> {
    /// Its name in the table.
    pub name: String,
    /// The module.
    pub code: &'a [u8],
    /// What it imports and exports.
    pub profile: Profile<'a>,
}

/// Prints the table and the ratios.
pub fn run() {
    let limits = large::limits();
    let files = large::files();
    let (shapes, mut subjects) = (files.iter().map(large::shape).collect::<Vec<_>>(), Vec::new());
    let kept = fixtures();
    for fixture in &kept {
        subjects.push(Subject { name: fixture.name.into(), code: fixture.code, profile: fixture.profile });
    }
    let imports: Vec<_> = shapes.iter().map(large::Shape::imports).collect();
    for ((file, shape), imports) in files.iter().zip(&shapes).zip(&imports) {
        subjects.push(Subject { name: file.name.clone(), code: &file.code, profile: shape.profile(imports) });
    }
    println!("# time of each module divided by the time that wasmparser takes to validate it");
    println!(
        "# {:34} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8} {:>11} {:>11}",
        "module", "bytes", "validate", "size", "prepare", "runnable", "shipped", "w.-instr.", "finite-wasm"
    );
    let measured: Vec<Measured> = subjects.iter().map(|subject| measure(subject, &limits)).collect();
    println!(
        "# {} modules: geometric means, in which each counts once, and sums, in which the large ones do",
        measured.len()
    );
    let parts: [(&str, Part, Part); 4] = [
        ("size_growth", |each| each.prepared_bytes, |each| each.bytes),
        ("prepare_over_validate", |each| each.prepare, |each| each.validate),
        ("upload_to_runnable_over_validate", |each| each.runnable, |each| each.validate),
        ("upload_as_shipped_over_validate", |each| each.shipped, |each| each.validate),
    ];
    for (name, one, other) in parts {
        let sum = |part: Part| measured.iter().map(part).sum::<f64>();
        println!("ratio {name} {:.3}", geomean(measured.iter().map(|each| one(each) / other(each))));
        println!("ratio {name}_of_sums {:.3}", sum(one) / sum(other));
    }
}

/// Sizes in bytes and times in seconds of one module.
struct Measured {
    bytes: f64,
    prepared_bytes: f64,
    validate: f64,
    prepare: f64,
    /// Prepared, and every function validated again and translated.
    runnable: f64,
    /// Prepared and made a module of as the engine does, which leaves functions to their first call.
    shipped: f64,
}

/// One of them.
type Part = fn(&Measured) -> f64;

/// Measures one module.
fn measure(subject: &Subject<'_>, limits: &Limits) -> Measured {
    let Subject { name, code, profile } = subject;
    let prepare = || admit(code, &V1, limits, profile).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    let prepared = prepare().into_code();
    let make = |code: &[u8], mode: CompilationMode| {
        drop(Module::new(&Engine::new(&kernels::config(false, mode)), code).expect("it accepts it"));
    };
    let validate = || drop(wasmparser::validate(code).expect("a valid module"));
    let peers = [peers::wasm_instrument(code), peers::finite_wasm(code)].map(|made| made.err());
    let count = repetitions(ROUND, &mut || validate());
    let times = |operation: &dyn Fn()| (0..count).for_each(|_| operation());
    let mut operations: Vec<Box<dyn FnMut() + '_>> = vec![
        Box::new(|| times(&validate)),
        Box::new(|| times(&|| drop(prepare()))),
        Box::new(|| times(&|| make(prepare().code(), CompilationMode::Eager))),
        Box::new(|| times(&|| make(prepare().code(), CompilationMode::Lazy))),
    ];
    // What others leave to validation before them.
    if peers[0].is_none() {
        operations.push(Box::new(|| {
            times(&|| {
                validate();
                drop(peers::wasm_instrument(code));
            })
        }));
    }
    if peers[1].is_none() {
        operations.push(Box::new(|| {
            times(&|| {
                validate();
                drop(peers::finite_wasm(code));
            })
        }));
    }
    let medians = medians(&mut operations);
    let mut others = medians[4..].iter();
    let cells = peers.each_ref().map(|refused| match refused {
        None => format!("{:.2}", ratio(*others.next().expect("it was measured"), medians[0])),
        Some(_) => "refuses".into(),
    });
    let size = prepared.len() as f64 / code.len() as f64;
    let [prepare, runnable, shipped] = [1, 2, 3].map(|side: usize| ratio(medians[side], medians[0]));
    println!(
        "# {name:34} {:8} {:6.3} ms {size:8.3} {prepare:8.2} {runnable:8.2} {shipped:8.2} {:>11} {:>11}",
        code.len(),
        medians[0].as_secs_f64() * 1e3 / f64::from(count),
        cells[0],
        cells[1],
    );
    let seconds = |time: Duration| time.as_secs_f64() / f64::from(count);
    Measured {
        bytes: code.len() as f64,
        prepared_bytes: prepared.len() as f64,
        validate: seconds(medians[0]),
        prepare: seconds(medians[1]),
        runnable: seconds(medians[2]),
        shipped: seconds(medians[3]),
    }
}
