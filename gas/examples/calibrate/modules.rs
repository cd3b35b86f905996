//! What is paid per byte of code, and per part of an instance.

use std::time::Instant;

use unfork_gas::{LIMITS_V1, Profile, Schedule, V1, admit, prepare};
use wasmi::{CompilationMode, Config, Engine, Linker, Module, Store};

use crate::bombs::{FAMILIES, PROFILE};
use crate::contracts;

/// A piece of work is repeated this often, and the shortest time counts.
const REPEATS: usize = 9;

fn best<T>(mut work: impl FnMut() -> T) -> f64 {
    let mut shortest = f64::MAX;
    for _ in 0..REPEATS {
        let start = Instant::now();
        let kept = work();
        shortest = shortest.min(start.elapsed().as_nanos() as f64);
        drop(kept);
    }
    shortest
}

fn executor(mode: CompilationMode) -> Engine {
    let mut config = Config::default();
    config.compilation_mode(mode);
    Engine::new(&config)
}

/// One module; all but the name and the bytes in ns per byte.
struct Row {
    name: String,
    bytes: usize,
    admission: f64,
    preparation: f64,
    /// As the engine makes it: validated, and each function translated when it is first called.
    made: f64,
    /// With every function translated.
    translated: f64,
    /// What loading it costs, in gas per byte.
    gas: f64,
}

impl Row {
    fn first_use(&self) -> f64 {
        self.preparation + self.translated
    }

    fn for_each_gas(&self) -> f64 {
        self.first_use() / self.gas
    }
}

fn row(name: String, code: &[u8], profile: &Profile<'_>) -> Row {
    let bytes = code.len() as f64;
    let admission = best(|| admit(code, &V1, &LIMITS_V1, profile)) / bytes;
    let preparation = best(|| prepare(code, &V1, &LIMITS_V1, profile)) / bytes;
    let prepared = prepare(code, &V1, &LIMITS_V1, profile).expect("was admitted");
    let make = |mode| {
        let engine = executor(mode);
        best(|| Module::new(&engine, prepared.code())) / bytes
    };
    let (made, translated) = (make(CompilationMode::Lazy), make(CompilationMode::Eager));
    let gas = V1.loading_gas(prepared.loading()) as f64 / bytes;
    Row { name, bytes: code.len(), admission, preparation, made, translated, gas }
}

/// Prints what admission, preparation and translation cost per byte, at worst, and what the parts of an instance cost.
pub fn measure() {
    println!(
        "\nper byte of code, over families of expensive modules of up to 120 kB, and contracts, in ns; what loading costs, in gas per byte; most ns for each gas first"
    );
    println!(
        "{:<28} {:>9} {:>9} {:>9} {:>9} {:>17} {:>7} {:>7}",
        "family", "admit", "prepare", "make", "translate", "first use of all", "gas", "ns/gas"
    );
    let mut rows: Vec<Row> = Vec::new();
    for family in FAMILIES {
        // The largest that is admitted.
        let sizes = [120_000, 60_000, 10_000, 1_000, 200];
        let mut codes = sizes.into_iter().map(|size| (family.make)(size));
        if let Some(code) = codes.find(|code| admit(code, &V1, &LIMITS_V1, &PROFILE).is_ok()) {
            rows.push(row(family.name.to_string(), &code, &PROFILE));
        }
    }
    for (path, code) in contracts::admitted_fixtures() {
        let name = path.rsplit('/').next().unwrap_or(&path).to_string();
        rows.push(row(name, &code, &contracts::profile_of(&code)));
    }
    rows.sort_by(|one, other| other.for_each_gas().total_cmp(&one.for_each_gas()));
    for row in &rows {
        let Row { name, bytes, admission, preparation, made, translated, gas } = row;
        println!(
            "{name:<28} {admission:>9.1} {preparation:>9.1} {made:>9.1} {translated:>9.1} {:>17.1} {gas:>7.1} {:>7.2}  ({bytes} bytes)",
            row.first_use(),
            row.for_each_gas()
        );
    }
    let Schedule {
        code_load_base, code_load_byte, code_load_item, code_load_value, code_load_growth, upload_byte, ..
    } = V1;
    println!(
        "version 1: code_load_base {code_load_base}, _byte {code_load_byte}, _item {code_load_item}, _value {code_load_value}, _growth {code_load_growth}; upload_byte {upload_byte}"
    );
    instances();
}

/// A part of an instance: name, price, the most of it, and the module's text with some of it.
type Part = (&'static str, u64, usize, fn(usize) -> String);

fn instances() {
    println!("\nper part of an instance, in ns: the difference of two instances, divided by that of their parts");
    let cases: [Part; 6] = [
        ("page", V1.instance_page, 64, (|count| format!("(memory {count})"))),
        ("table element", V1.instance_table_element, 16_000, (|count| format!("(table {count} funcref)"))),
        (
            "data byte",
            V1.instance_data_byte,
            400_000,
            (|count| format!("(memory 64) (data (i32.const 0) \"{}\")", "x".repeat(count))),
        ),
        (
            "element item",
            V1.instance_element_item,
            16_000,
            (|count| format!("(func) (table 16000 funcref) (elem (i32.const 0) func {})", "0 ".repeat(count))),
        ),
        ("global", V1.instance_global, 1_000, (|count| "(global i64 (i64.const 1))".repeat(count))),
        ("function", V1.instance_function, 10_000, (|count| "(func)".repeat(count))),
    ];
    for (part, price, most, text) in cases {
        let time = |count: usize| {
            let code = wat::parse_str(format!("(module {})", text(count))).expect("text");
            let prepared = prepare(&code, &V1, &LIMITS_V1, &PROFILE).expect("admitted");
            let engine = executor(CompilationMode::Lazy);
            let module = Module::new(&engine, prepared.code()).expect("a module");
            let linker = Linker::<()>::new(&engine);
            best(|| {
                let mut store = Store::new(&engine, ());
                let instance = linker.instantiate_and_start(&mut store, &module).expect("an instance");
                // Fresh pages cost when they are touched.
                if let Some(memory) = instance.get_memory(&store, unfork_gas::EXPORT_MEMORY) {
                    memory.data_mut(&mut store).chunks_mut(4096).for_each(|chunk| chunk[0] = 1);
                }
                store
            })
        };
        let few = most / 64;
        let each = (time(most) - time(few)) / (most - few) as f64;
        println!("{part:<16} {each:>9.1}   version 1: {price}");
    }
}
