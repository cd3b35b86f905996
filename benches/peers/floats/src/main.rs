//! What canonical NaNs cost on kernels that compute with floats: the code that `unfork-gas` injects, beside wasmi's feature
//! `deterministic`, which does it in the interpreter. Gas and stack are metered on all sides.
//!
//! The feature is one of the build, so there are two binaries: `floats PATH-OF-THE-DETERMINISTIC-ONE` starts both as
//! `floats serve`, and they run the kernels in turns. Prints a table and lines `ratio NAME VALUE`.

#[path = "../../src/gas/measure.rs"]
#[allow(dead_code)]
mod measure;

use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use measure::{geomean, ratio};
use unfork_gas::measure::{Injected, admit_with};
use unfork_gas::{Counter, EXPORT_COUNTER, Entry, Floats, LIMITS_V1, Linking, Profile, V1, ValueType};
use wasmi::{CompilationMode, Config, Engine, Global, Linker, Module, Store, TypedFunc, Val};

/// Kernels with the argument that makes each run for some hundredths of a second.
const KERNELS: &[(&str, &[u8], i32)] = &[
    ("matmul", include_bytes!("../../../../contracts/fixtures/kernels/matmul.wasm"), 128),
    ("mandelbrot", include_bytes!("../kernels/mandelbrot.wasm"), 160),
    ("nbody", include_bytes!("../kernels/nbody.wasm"), 10_000),
    ("spectral", include_bytes!("../kernels/spectral.wasm"), 128),
    ("filter", include_bytes!("../kernels/filter.wasm"), 20),
];
/// What each side runs: whether the code makes NaNs canonical, and whether the interpreter does.
const SIDES: [(&str, bool, bool); 4] = [
    ("as made", false, false),
    ("wasmi's switch", false, true),
    ("ours", true, false),
    ("both, as shipped", true, true),
];
const ROUNDS: usize = 31;
const PROFILE: Profile<'static> = Profile {
    name: "kernels",
    imports: &[],
    entries: &[Entry { name: "run", params: &[ValueType::I32], results: &[ValueType::I32], required: true }],
    memory_import: None,
    floats: Floats::Canonical,
    linking: Linking::Closed,
};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("serve") => serve(),
        Some(deterministic) => drive(Path::new(deterministic)),
        None => panic!("floats PATH: the binary built with the feature `deterministic`"),
    }
}

/// A kernel made ready.
struct Kernel {
    store: Store<()>,
    run: TypedFunc<i32, i32>,
    counter: Global,
    argument: i32,
}

impl Kernel {
    fn new(code: &[u8], argument: i32, canonical: bool) -> Kernel {
        let injected = Injected { stack: true, canonical_nans: canonical };
        let prepared = admit_with(injected, code, &V1, &LIMITS_V1, &PROFILE).expect("it is admitted");
        let mut config = Config::default();
        config.compilation_mode(CompilationMode::Eager).ignore_custom_sections(true);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, prepared.code()).expect("prepared code is valid");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).expect("it makes an instance");
        let counter = instance.get_global(&store, EXPORT_COUNTER).expect("prepared code exports it");
        let run = instance.get_typed_func(&store, "run").expect("kernels export run");
        Kernel { store, run, counter, argument }
    }

    fn run(&mut self) -> (Duration, i32) {
        let plenty = Counter { gas: Counter::GAS_MAX, stack: Counter::STACK_MAX }.value();
        self.counter.set(&mut self.store, Val::I64(plenty)).expect("a mutable global");
        let start = Instant::now();
        let result = self.run.call(&mut self.store, self.argument).expect("kernels return");
        (start.elapsed(), result)
    }
}

/// Says whether this build has the switch; then runs what each line asks for, a kernel and whether its code makes NaNs
/// canonical, and says nanoseconds and result.
fn serve() {
    let mut kernels: Vec<[Kernel; 2]> = KERNELS
        .iter()
        .map(|(_, code, argument)| [false, true].map(|canonical| Kernel::new(code, *argument, canonical)))
        .collect();
    println!("{}", cfg!(feature = "deterministic"));
    for line in stdin().lines() {
        let line = line.expect("a line");
        let (kernel, canonical) = line.split_once(' ').expect("two numbers");
        let position = |text: &str| text.parse::<usize>().expect("a number");
        let (time, result) = kernels[position(kernel)][position(canonical)].run();
        println!("{} {result}", time.as_nanos());
        stdout().flush().expect("it can be written");
    }
}

/// The other end of [`serve`].
struct Server {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Server {
    fn start(program: &Path, deterministic: bool) -> Server {
        let mut command = Command::new(program);
        command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let to = child.stdin.take().expect("it is piped");
        let mut server = Server { to, from: BufReader::new(child.stdout.take().expect("it is piped")), child };
        assert_eq!(server.line(), deterministic.to_string(), "{} has another interpreter", program.display());
        server
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("it answers");
        line.trim_end().to_string()
    }

    fn run(&mut self, kernel: usize, canonical: bool) -> (Duration, i32) {
        writeln!(self.to, "{kernel} {}", u8::from(canonical)).expect("it listens");
        let line = self.line();
        let (time, result) = line.split_once(' ').expect("two numbers");
        (Duration::from_nanos(time.parse().expect("a number")), result.parse().expect("a number"))
    }

    fn stop(mut self) {
        drop(self.to);
        self.child.wait().expect("it ends");
    }
}

fn drive(deterministic: &Path) {
    let own = std::env::current_exe().expect("the own path");
    let mut servers = [Server::start(&own, false), Server::start(deterministic, true)];
    println!(
        "# time of each kernel divided by its time with NaNs as they are made; gas and stack metered on all sides"
    );
    let heads: String = SIDES[1..].iter().map(|(name, _, _)| format!("{name:>18}")).collect();
    println!("# {:16} {:>9} {heads}", "kernel", "ms");
    let mut all: [Vec<f64>; SIDES.len()] = Default::default();
    for (kernel, (name, _, _)) in KERNELS.iter().enumerate() {
        let mut times = [const { Vec::new() }; SIDES.len()];
        let mut expected = None;
        for _ in 0..ROUNDS {
            for ((_, canonical, switch), times) in SIDES.iter().zip(&mut times) {
                let (time, result) = servers[usize::from(*switch)].run(kernel, *canonical);
                assert_eq!(*expected.get_or_insert(result), result, "{name} computes something else");
                times.push(time);
            }
        }
        let medians = times.map(|mut times| {
            times.sort();
            times[ROUNDS / 2]
        });
        let each = medians.map(|time| ratio(time, medians[0]));
        let cells: String = each[1..].iter().map(|each| format!("{each:18.3}")).collect();
        println!("# {name:16} {:9.2} {cells}", medians[0].as_secs_f64() * 1e3);
        each.iter().zip(&mut all).for_each(|(each, all)| all.push(*each));
    }
    servers.into_iter().for_each(Server::stop);
    let [_, switch, ours, both] = all.map(|each| geomean(each.into_iter()));
    println!("# {:16} {:>9} {switch:18.3}{ours:18.3}{both:18.3}", "geometric mean", "");
    println!("ratio canonical_nans_over_as_made_geomean {ours:.3}");
    println!("ratio wasmi_deterministic_over_as_made_geomean {switch:.3}");
    println!("ratio canonical_nans_over_wasmi_deterministic {:.3}", ours / switch);
}
