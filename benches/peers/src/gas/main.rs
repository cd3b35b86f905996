//! What gas, stack and float bits in the code cost: running it, preparing it, and how much longer it gets; beside others.
//!
//! All sides run in one process, in turns, on the same executor; the median of each counts. Prints tables and lines
//! `ratio NAME VALUE`. Arguments choose parts: `kernels`, `modules`; none means all.

mod kernels;
mod large;
mod measure;
mod modules;
mod peers;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let parts: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|each| each == part);
    if wanted("kernels") {
        kernels::run();
    }
    if wanted("modules") {
        modules::run();
    }
}
