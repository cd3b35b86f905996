//! The project's store beside plain RocksDB and the stores of others: one workload, one set of RocksDB options, each side
//! in a process of its own. Prints tables and lines `ratio NAME VALUE`, and draws the cost against the number of keys.
//!
//!     state [--keys 100000,1000000] [--large] [--sizes 1000,100,10000] [--updates 1000000] [--peer-updates 200000]
//!           [--rounds 3] [--sides plain,bare,shipped,bounded,jmt,nomt] [--plot FILE] [--dir DIRECTORY]
//!
//! `--large` adds 10,000,000 keys for plain RocksDB and ours, once as shipped and once with the tree's memory bounded to a
//! quarter of what is usual. Every side runs once, all sizes of blocks after one another
//! on the same store. Then plain, bare and shipped run again in turns until there are `--rounds` of them, with the first
//! size and one million keys only, which is what the goals are stated for; the median counts. Updates make files that
//! RocksDB has to merge: with too few of them a figure has no compaction in it.

mod jmt;
mod measure;
mod nomt;
mod ours;
mod plot;
mod rocks;
mod side;
mod workload;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What one process has told: name and value.
type Figures = BTreeMap<String, f64>;

/// RocksDB's options by section.
type Noted = BTreeMap<String, Vec<String>>;

/// Figures by number of keys and side.
type Measured = BTreeMap<u64, BTreeMap<&'static str, Figures>>;

/// The sides in the order in which they are shown, and whether they are run in several rounds and with all updates.
const SIDES: [(&str, bool); 6] =
    [("plain", true), ("bare", true), ("shipped", true), ("bounded", true), ("jmt", false), ("nomt", false)];

const MILLION: u64 = 1_000_000;
const LARGE: u64 = 10 * MILLION;

struct Arguments {
    keys: Vec<u64>,
    sizes: Vec<u64>,
    updates: u64,
    /// Updates a figure for the peers, which take tens of times as long.
    peer_updates: u64,
    rounds: usize,
    sides: Vec<String>,
    plot: Option<PathBuf>,
    directory: PathBuf,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, side, directory, keys, sizes, updates] = words.as_slice()
        && mode == "one-side"
    {
        return one_side(side, Path::new(directory), number(keys), &numbers(sizes), number(updates));
    }
    let arguments = parse(&words);
    println!(
        "# {} updates per figure (jmt and nomt {}; 8 in 10 change a key, 1 adds, 1 removes), flush and compaction \
         included; keys of 74 bytes, values of 64",
        arguments.updates, arguments.peer_updates
    );
    let mut measured = Measured::new();
    let mut options = BTreeMap::new();
    for keys in &arguments.keys {
        let sides = measure(&arguments, *keys, &mut options);
        show(*keys, &arguments.sizes, &sides);
        measured.insert(*keys, sides);
    }
    compare_options(&options);
    ratios(&measured);
    if let Some(file) = &arguments.plot {
        draw(&measured, &arguments, file);
    }
}

/// The body of a child process: one side, which prints its figures.
fn one_side(side: &str, directory: &Path, keys: u64, sizes: &[u64], updates: u64) {
    match side {
        "plain" => side::run::<rocks::Plain>(directory, keys, sizes, updates),
        "bare" => side::run::<rocks::Bare>(directory, keys, sizes, updates),
        "shipped" => side::run::<ours::Shipped<0>>(directory, keys, sizes, updates),
        "bounded" => side::run::<ours::Shipped<{ ours::BOUND_MIB }>>(directory, keys, sizes, updates),
        "jmt" => side::run::<jmt::Jmt>(directory, keys, sizes, updates),
        "nomt" => side::run::<nomt::Nomt>(directory, keys, sizes, updates),
        other => panic!("there is no side {other}"),
    }
}

fn parse(words: &[String]) -> Arguments {
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        Some(words.get(at + 1).unwrap_or_else(|| panic!("{name} needs a value")).clone())
    };
    let all = || SIDES.iter().map(|(name, _)| name.to_string()).collect();
    let mut keys = value("--keys").map_or_else(|| vec![100_000, MILLION], |text| numbers(&text));
    if words.iter().any(|word| word == "--large") {
        keys.push(LARGE);
    }
    Arguments {
        keys,
        sizes: value("--sizes").map_or_else(|| vec![1_000, 100, 10_000], |text| numbers(&text)),
        updates: value("--updates").map_or(MILLION, |text| number(&text)),
        peer_updates: value("--peer-updates").map_or(200_000, |text| number(&text)),
        rounds: value("--rounds").map_or(3, |text| number(&text) as usize),
        sides: value("--sides").map_or_else(all, |text| text.split(',').map(str::to_string).collect()),
        plot: value("--plot").map(PathBuf::from),
        directory: value("--dir").map_or_else(std::env::temp_dir, PathBuf::from),
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

fn numbers(text: &str) -> Vec<u64> {
    text.split(',').map(number).collect()
}

/// Runs every side at this number of keys, and notes what RocksDB has written down as its options.
fn measure(
    arguments: &Arguments,
    keys: u64,
    options: &mut BTreeMap<&'static str, Noted>,
) -> BTreeMap<&'static str, Figures> {
    let mut rounds: BTreeMap<&str, Vec<Figures>> = BTreeMap::new();
    for round in 0..arguments.rounds {
        for (side, repeated) in SIDES {
            let at_this_size = match side {
                "plain" | "shipped" => true,
                "bounded" => keys > MILLION,
                _ => keys <= MILLION,
            };
            let wanted = arguments.sides.iter().any(|name| name == side) && at_this_size;
            if !wanted || (round > 0 && (!repeated || keys != MILLION)) {
                continue;
            }
            let sizes = if round == 0 { arguments.sizes.as_slice() } else { &arguments.sizes[..1] };
            eprintln!("{side}, {keys} keys, round {}", round + 1);
            let directory = arguments.directory.join(format!("unfork-bench-state-{}", std::process::id()));
            let _ = fs::remove_dir_all(&directory);
            fs::create_dir_all(&directory).expect("a directory");
            rounds.entry(side).or_default().push(child(arguments, side, keys, sizes, &directory));
            if let Some(noted) = noted_options(&directory.join("db")) {
                options.insert(side, noted);
            }
            fs::remove_dir_all(&directory).expect("removed");
        }
    }
    rounds.into_iter().map(|(side, figures)| (side, medians(&figures))).collect()
}

fn child(arguments: &Arguments, side: &str, keys: u64, sizes: &[u64], directory: &Path) -> Figures {
    let sizes: Vec<String> = sizes.iter().map(u64::to_string).collect();
    let repeated = SIDES.iter().any(|(name, repeated)| *name == side && *repeated);
    let updates = if repeated { arguments.updates } else { arguments.peer_updates };
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["one-side", side])
        .arg(directory)
        .args([keys.to_string(), sizes.join(","), updates.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("the child starts");
    assert!(output.status.success(), "{side} failed");
    let text = String::from_utf8(output.stdout).expect("text");
    let figure = |line: &str| {
        let (name, value) = line.split_once(' ').expect("NAME VALUE");
        (name.to_string(), value.parse().expect("a number"))
    };
    text.lines().map(figure).collect()
}

fn medians(rounds: &[Figures]) -> Figures {
    let median = |name: &String| {
        let mut values: Vec<f64> = rounds.iter().filter_map(|figures| figures.get(name)).copied().collect();
        values.sort_by(f64::total_cmp);
        (name.clone(), values[values.len() / 2])
    };
    rounds[0].keys().map(median).collect()
}

/// The options of the database and of each table, by section, from the newest file that RocksDB has written of them.
fn noted_options(database: &Path) -> Option<Noted> {
    let mut files: Vec<PathBuf> = fs::read_dir(database).ok()?.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("OPTIONS-")));
    files.sort();
    let text = fs::read_to_string(files.last()?).ok()?;
    let mut sections = Noted::new();
    let mut section = String::new();
    // Whether something may be created says nothing about how it works.
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("create_") && !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line.to_string();
        } else if !line.is_empty() {
            sections.entry(section.clone()).or_default().push(line.to_string());
        }
    }
    Some(sections)
}

/// Compares what RocksDB has noted with plain's: the database, and each table with plain's table of values.
fn compare_options(options: &BTreeMap<&'static str, Noted>) {
    let Some(plain) = options.get("plain") else { return };
    println!();
    for (side, noted) in options.iter().filter(|(side, _)| **side != "plain") {
        for (section, lines) in
            noted.iter().filter(|(section, _)| !section.contains("Version") && !section.contains("default"))
        {
            let table = section.split('"').nth(1).unwrap_or("values");
            let of_plain = plain.get(&section.replace(&format!("\"{table}\""), "\"values\""));
            let same = |line: &&String| of_plain.is_some_and(|of_plain| of_plain.contains(line));
            let differing: Vec<&str> = lines.iter().filter(|line| !same(line)).map(String::as_str).collect();
            match differing.as_slice() {
                [] if section.starts_with("[CFOptions \"values\"") => {
                    println!("# RocksDB options of {side}: database and table of values the same as plain's");
                }
                [] => {}
                lines => println!("# RocksDB options of {side} {section} differ from plain's: {}", lines.join(", ")),
            }
        }
    }
}

fn show(keys: u64, sizes: &[u64], sides: &BTreeMap<&'static str, Figures>) {
    println!("\n{keys} keys: commits, per update");
    println!("{:8} {:>7} {:>10} {:>10} {:>12} {:>12}", "side", "block", "cpu µs", "wall µs", "written B", "disk + B");
    for size in sizes {
        for (side, figures) in ordered(sides) {
            let get = |name: &str, digits: usize| shown(figures, &format!("{name}_{size}"), 1.0, digits);
            let (cpu, wall, written, disk) = (get("cpu", 2), get("wall", 2), get("written", 0), get("disk", 0));
            println!("{side:8} {size:>7} {cpu:>10} {wall:>10} {written:>12} {disk:>12}");
        }
    }
    println!("\n{keys} keys: the rest, per second and in seconds");
    let heads = [
        "fill s",
        "disk MB",
        "RSS MB",
        "tree MB",
        "hot/s",
        "warm/s",
        "cold/s",
        "scanned/s",
        "proofs/s",
        "proof B",
        "open s",
        "cold s",
        "rebuild s",
    ];
    println!("{:8}{}", "side", heads.map(|head| format!("{head:>11}")).concat());
    for (side, figures) in ordered(sides) {
        let cells = [
            ("fill_seconds", 1.0, 1),
            ("disk", 1e-6, 0),
            ("memory", 1e-6, 0),
            ("tree_memory", 1e-6, 0),
            ("reads_hot", 1.0, 0),
            ("reads_warm", 1.0, 0),
            ("reads_cold", 1.0, 0),
            ("scanned", 1.0, 0),
            ("proofs", 1.0, 0),
            ("proof_bytes", 1.0, 0),
            ("open_seconds", 1.0, 3),
            ("open_cold_seconds", 1.0, 3),
            ("rebuild_seconds", 1.0, 3),
        ];
        // What `bare` opens again is plain RocksDB: its tree is nowhere on disk.
        let hidden = |name: &str| side == "bare" && name.starts_with("open");
        let cell = |(name, scale, digits): (&str, f64, usize)| {
            let cell = if hidden(name) { "-".to_string() } else { shown(figures, name, scale, digits) };
            format!("{cell:>11}")
        };
        println!("{side:8}{}", cells.map(cell).concat());
    }
}

fn ordered<'a>(sides: &'a BTreeMap<&'static str, Figures>) -> impl Iterator<Item = (&'static str, &'a Figures)> {
    SIDES.iter().filter_map(|(side, _)| Some((*side, sides.get(side)?)))
}

fn shown(figures: &Figures, name: &str, scale: f64, digits: usize) -> String {
    figures.get(name).map_or_else(|| "-".to_string(), |value| format!("{:.digits$}", value * scale))
}

/// The figures that the goals are stated in, at one million keys and blocks of 1,000.
fn ratios(measured: &Measured) {
    let Some(sides) = measured.get(&MILLION) else { return };
    let get = |side: &str, name: &str| sides.get(side).and_then(|figures| figures.get(name)).copied();
    let tell = |name: &str, over: Option<f64>, under: Option<f64>, note: &str| {
        if let (Some(over), Some(under)) = (over, under) {
            println!("ratio {name} {:.2}  # {note}", over / under);
        }
    };
    println!();
    let cpu = |side: &str| get(side, "cpu_1000");
    tell("shipped_over_plain_1m_1000", cpu("shipped"), cpu("plain"), "CPU; floor 3.0, goal 2.0");
    tell("bare_over_plain_1m_1000", cpu("bare"), cpu("plain"), "CPU; floor 2.0, goal 1.5");
    tell("jmt_over_shipped_1m_1000", cpu("jmt"), cpu("shipped"), "CPU; floor 10, goal 20");
    tell("nomt_over_shipped_1m_1000", cpu("nomt"), cpu("shipped"), "CPU; floor 4, goal 9");
    let written = |side: &str| get(side, "written_1000");
    tell("bytes_written_over_plain", written("shipped"), written("plain"), "goal 2.0 at most");
    tell("proofs_over_jmt", get("shipped", "proofs"), get("jmt", "proofs"), "per second; goal 10 at least");
    let hot = |side: &str| get(side, "reads_hot");
    tell("hot_reads_over_plain_warm", hot("shipped"), hot("plain"), "the same 10,000 keys; goal 20 at least");
    let opened = get("shipped", "open_seconds");
    let rebuilt = get("shipped", "rebuild_seconds");
    let note = if rebuilt.is_some() { "goal 0.2 at most" } else { "every opening rebuilds; goal 0.2 at most" };
    tell("open_checkpoint_over_rebuild", opened, rebuilt.or(opened), note);
}

fn draw(measured: &Measured, arguments: &Arguments, file: &Path) {
    let mut series: Vec<plot::Series> = Vec::new();
    for (side, _) in SIDES.into_iter().filter(|(side, _)| *side != "bounded") {
        let point =
            |(keys, sides): (&u64, &BTreeMap<&str, Figures>)| Some((*keys as f64, *sides.get(side)?.get("cpu_1000")?));
        let points: Vec<_> = measured.iter().filter_map(point).collect();
        if !points.is_empty() {
            series.push((side.to_string(), points));
        }
    }
    let title = "Processor time per update, blocks of 1,000 updates, flush and compaction included";
    let Arguments { updates, peer_updates, .. } = arguments;
    let machine = machine();
    let subtitle = format!("make bench-state, {updates} updates a point (jmt, nomt {peer_updates}); {machine}");
    fs::write(file, plot::draw(title, &subtitle, &series)).expect("the plot can be written");
    println!("# plot: {}", file.display());
}

fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {threads} threads", model.trim_start_matches([' ', '\t', ':']))
}
