//! The verdict on contract code as a WebAssembly module: what a node says to an upload, in a browser or a pipeline.
//!
//! ```text
//! p = buffer(length)   room for a question; write it to memory at p
//! n = verdict()        the answer's length; it stands at p2 = answer()
//! ```
//!
//! Questions and answers are those of `wire.rs`. `make verdict` builds it and holds it against native verdicts.
#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use core::cell::RefCell;

mod wire;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// Question and answer between two calls.
struct Desk(RefCell<(Vec<u8>, Vec<u8>)>);

// SAFETY: wasm32-unknown-unknown without atomics has one thread.
unsafe impl Sync for Desk {}

static DESK: Desk = Desk(RefCell::new((Vec::new(), Vec::new())));

/// Makes room for a question of `length` bytes; its address comes back.
// SAFETY: no other function of that name is linked.
#[unsafe(no_mangle)]
pub extern "C" fn buffer(length: usize) -> *mut u8 {
    let mut desk = DESK.0.borrow_mut();
    desk.0.clear();
    desk.0.resize(length, 0);
    desk.0.as_mut_ptr()
}

/// Answers the question in the buffer; the answer's length comes back.
// SAFETY: no other function of that name is linked.
#[unsafe(no_mangle)]
pub extern "C" fn verdict() -> usize {
    let mut desk = DESK.0.borrow_mut();
    desk.1 = wire::answer(&desk.0);
    desk.1.len()
}

/// The address of the answer.
// SAFETY: no other function of that name is linked.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    DESK.0.borrow().1.as_ptr()
}

/// A panic would be a mistake of ours: the module traps.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
