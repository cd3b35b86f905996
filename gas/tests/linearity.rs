//! Admission takes memory in proportion to the code, whatever the code is made of: allocations are counted, not seconds.
//!
//! Instructions are counted by `make linearity`, over the same modules.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::cast_precision_loss, clippy::float_arithmetic)]
#![allow(unsafe_code, reason = "an allocator that counts cannot be written without")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use support::bombs::{FAMILIES, Family, PROFILE};
use unfork_gas::{LIMITS_LARGE, LIMITS_V1, Limits, RefusalCode, V1, admit};

/// Peak memory of an admission, prepared code included: at most this many times the code, and this many bytes more.
const PEAK_TIMES: usize = 240;
const PEAK_MORE: usize = 256 << 10;
/// What is allocated in all, per byte of code, is at most this many times what it is for the least expensive length of the
/// family. Lists that double their room make up for two of it.
const SPREAD_MAX: f64 = 2.5;
/// Lengths are compared from this one on: below it, what every module costs hides what grows.
const COMPARED_FROM: usize = 16 << 10;

/// Counts what is allocated: now, at most, and in all.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static TOTAL: AtomicUsize = AtomicUsize::new(0);

fn taken(bytes: usize) {
    let now = NOW.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(now, Relaxed);
    TOTAL.fetch_add(bytes, Relaxed);
}

// SAFETY: every call goes to the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        NOW.fetch_sub(layout.size(), Relaxed);
        taken(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a piece of work allocated: at most at once, and in all.
#[derive(Clone, Copy)]
struct Allocated {
    peak: usize,
    total: usize,
}

fn counted<T>(work: impl FnOnce() -> T) -> (T, Allocated) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    TOTAL.store(0, Relaxed);
    let result = work();
    (result, Allocated { peak: PEAK.load(Relaxed) - before, total: TOTAL.load(Relaxed) })
}

/// One module of a family, measured.
struct Point {
    bytes: usize,
    ours: Allocated,
    wasmi: Allocated,
    instrumented: usize,
}

/// Measures a family at growing sizes until it is refused, which may only be for a limit.
fn measure(family: &Family, sizes: &[usize], limits: &Limits) -> (Vec<Point>, Option<RefusalCode>) {
    let mut points = Vec::new();
    for &size in sizes {
        let code = (family.make)(size);
        let (admitted, ours) = counted(|| admit(&code, &V1, limits, &PROFILE));
        let prepared = match admitted {
            Ok(prepared) => prepared,
            Err(refusal) => {
                assert!(refusal.limit.is_some(), "{} at {size} bytes: {refusal}", family.name);
                return (points, Some(refusal.code));
            }
        };
        let mut config = wasmi::Config::default();
        config.compilation_mode(wasmi::CompilationMode::Eager);
        let engine = wasmi::Engine::new(&config);
        let (module, wasmi) = counted(|| wasmi::Module::new(&engine, prepared.code()));
        module.unwrap_or_else(|error| panic!("{} at {size} bytes: {error}", family.name));
        points.push(Point { bytes: code.len(), ours, wasmi, instrumented: prepared.code().len() });
    }
    (points, None)
}

/// How many times more one length costs per byte than another, among those from `COMPARED_FROM` on.
fn spread(points: &[Point], of: fn(&Point) -> Allocated) -> Option<f64> {
    let compared = points.iter().filter(|point| point.bytes >= COMPARED_FROM);
    let mut each: Vec<f64> = compared.map(|point| of(point).total as f64 / point.bytes as f64).collect();
    each.sort_by(f64::total_cmp);
    let [least, .., most] = each.as_slice() else { return None };
    Some(most / least)
}

/// One test, so that nothing else in this process allocates.
#[test]
fn memory_is_in_proportion_to_the_code() {
    let steps =
        |last: usize| (5..).map(|power| 1 << (2 * power)).take_while(|&size| size <= last).collect::<Vec<usize>>();
    let mut wrong = String::new();
    for (title, limits, last) in [("version 1", &LIMITS_V1, 500 << 10), ("large", &LIMITS_LARGE, 1 << 20)] {
        println!(
            "\nlimits: {title}; allocated per byte of code: how much more at one length than at another, and the peak"
        );
        println!(
            "{:<28} {:>9} {:>9} {:>7} {:>7} {:>7} {:>9} {:>7}  refused above with",
            "family", "bytes", "growth", "ours", "peak", "", "wasmi", "peak"
        );
        let mut sizes = steps(last);
        if sizes.last() != Some(&last) {
            sizes.push(last);
        }
        for family in FAMILIES {
            let (points, refused) = measure(family, &sizes, limits);
            let Some(largest) = points.last() else {
                println!("{:<28} {:>74}  {}", family.name, "", refused.map_or("", RefusalCode::name));
                continue;
            };
            let shown = |spread: Option<f64>| spread.map_or_else(|| "-".to_string(), |spread| format!("{spread:.2}"));
            let (ours, wasmi) = (spread(&points, |point| point.ours), spread(&points, |point| point.wasmi));
            let times = |bytes: usize| format!("{:.1}", bytes as f64 / largest.bytes as f64);
            println!(
                "{:<28} {:>9} {:>9} {:>7} {:>7} {:>7} {:>9} {:>7}  {}",
                family.name,
                largest.bytes,
                times(largest.instrumented),
                shown(ours),
                times(largest.ours.peak),
                "",
                shown(wasmi),
                times(largest.wasmi.peak),
                refused.map_or("", RefusalCode::name)
            );
            if ours.is_some_and(|spread| spread > SPREAD_MAX) {
                wrong += &format!("{}: {title}: {} times more at one length\n", family.name, shown(ours));
            }
            for point in &points {
                if point.ours.peak > PEAK_TIMES * point.bytes + PEAK_MORE {
                    wrong += &format!("{}: {title}: peak {} for {} bytes\n", family.name, point.ours.peak, point.bytes);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(FAMILIES.len() >= 20);
}
