//! The functions of the profile `seal` (docs/abi.md), the allocator and the panic handler: all that is unsafe in a contract.

use crate::call::{CallError, Deploy, Ended, Target};
use crate::entry::Answer;
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::{Cell, UnsafeCell};

// One line for each, as in the list of the profile.
#[rustfmt::skip]
mod import {
    #[link(wasm_import_module = "seal0")]
    extern "C" {
        pub fn input(out: *mut u8, out_len: *mut u32);
        pub fn seal_return(flags: u32, data: *const u8, data_len: u32) -> !;
        pub fn caller(out: *mut u8, out_len: *mut u32);
        pub fn address(out: *mut u8, out_len: *mut u32);
        pub fn balance(out: *mut u8, out_len: *mut u32);
        pub fn value_transferred(out: *mut u8, out_len: *mut u32);
        pub fn now(out: *mut u8, out_len: *mut u32);
        pub fn block_number(out: *mut u8, out_len: *mut u32);
        pub fn gas_left(out: *mut u8, out_len: *mut u32);
        pub fn own_code_hash(out: *mut u8, out_len: *mut u32);
        pub fn is_contract(account: *const u8) -> u32;
        pub fn code_hash(account: *const u8, out: *mut u8, out_len: *mut u32) -> u32;
        pub fn transfer(to: *const u8, to_len: u32, value: *const u8, value_len: u32) -> u32;
        pub fn delegate_call(flags: u32, code: *const u8, input: *const u8, input_len: u32, out: *mut u8, out_len: *mut u32) -> u32;
        pub fn deposit_event(topics: *const u8, topics_len: u32, data: *const u8, data_len: u32);
        pub fn debug_message(text: *const u8, text_len: u32) -> u32;
        pub fn hash_sha2_256(data: *const u8, data_len: u32, out: *mut u8);
        pub fn hash_keccak_256(data: *const u8, data_len: u32, out: *mut u8);
        pub fn hash_blake2_256(data: *const u8, data_len: u32, out: *mut u8);
        pub fn set_code_hash(code: *const u8) -> u32;
    }
    #[link(wasm_import_module = "seal1")]
    extern "C" {
        pub fn get_storage(key: *const u8, key_len: u32, out: *mut u8, out_len: *mut u32) -> u32;
        pub fn contains_storage(key: *const u8, key_len: u32) -> u32;
        pub fn clear_storage(key: *const u8, key_len: u32) -> u32;
        pub fn terminate(beneficiary: *const u8) -> !;
        pub fn call(flags: u32, callee: *const u8, gas: u64, value: *const u8, input: *const u8, input_len: u32, out: *mut u8, out_len: *mut u32) -> u32;
        pub fn instantiate(code: *const u8, gas: u64, value: *const u8, input: *const u8, input_len: u32, address: *mut u8, address_len: *mut u32, out: *mut u8, out_len: *mut u32, salt: *const u8, salt_len: u32) -> u32;
    }
    #[link(wasm_import_module = "unfork0")]
    extern "C" {
        pub fn storage_next(key: *const u8, key_len: u32, end: *const u8, end_len: u32, descending: u32, out: *mut u8, out_len: *mut u32) -> u32;
    }
    #[link(wasm_import_module = "seal2")]
    extern "C" {
        pub fn set_storage(key: *const u8, key_len: u32, value: *const u8, value_len: u32) -> u32;
    }
}

/// Flags of `call`.
const ALLOW_REENTRY: u32 = 8;
const READ_ONLY: u32 = 16;

/// What the lengths of storage functions are where there was nothing.
const NOTHING: u32 = u32::MAX;

/// The longest stored value, and room for input and answers; what is longer traps.
const BUFFER_BYTES: usize = 16 << 10;

struct Buffer(UnsafeCell<[u8; BUFFER_BYTES]>);

// SAFETY: a contract has one thread.
unsafe impl Sync for Buffer {}

/// Where the host writes what can be long. Whoever fills it copies or decodes before it is filled again.
static BUFFER: Buffer = Buffer(UnsafeCell::new([0; BUFFER_BYTES]));

/// Lets `fill` write to the buffer, and `read` read what was written. `read` must not call the host.
fn through_buffer<S, R>(fill: impl FnOnce(*mut u8, *mut u32) -> S, read: impl FnOnce(S, &[u8]) -> R) -> R {
    let start = BUFFER.0.get().cast::<u8>();
    let mut length = BUFFER_BYTES as u32;
    let status = fill(start, &mut length);
    // SAFETY: the host has written at most as much as it was told there was room for, or nothing and left the length.
    let bytes = unsafe { core::slice::from_raw_parts(start, (length as usize).min(BUFFER_BYTES)) };
    read(status, bytes)
}

/// A value of exactly `N` bytes.
fn fixed<const N: usize>(get: unsafe extern "C" fn(*mut u8, *mut u32)) -> [u8; N] {
    let (mut bytes, mut length) = ([0; N], N as u32);
    // SAFETY: the host writes at most `length` bytes, which are there.
    unsafe { get(bytes.as_mut_ptr(), &mut length) };
    bytes
}

/// Copies the input, since the contract calls the host while it uses it.
pub(crate) fn with_input(entry: fn(&[u8]) -> Answer) -> Answer {
    // SAFETY: the buffer is there, and its length is told.
    let input = through_buffer(|out, length| unsafe { import::input(out, length) }, |(), bytes| bytes.to_vec());
    entry(&input)
}

pub(crate) fn finish(reverted: bool, output: &[u8]) -> ! {
    // SAFETY: pointer and length are those of a slice.
    unsafe { import::seal_return(u32::from(reverted), output.as_ptr(), output.len() as u32) }
}

pub(crate) fn storage_get<R>(key: &[u8], read: impl FnOnce(Option<&[u8]>) -> R) -> R {
    // SAFETY: the key is a slice; the buffer is there, and its length is told.
    let get = |out, length| unsafe { import::get_storage(key.as_ptr(), key.len() as u32, out, length) };
    through_buffer(get, |status, bytes| read((status == 0).then_some(bytes)))
}

pub(crate) fn storage_set(key: &[u8], value: &[u8]) -> bool {
    let (key, key_len) = (key.as_ptr(), key.len() as u32);
    // SAFETY: pointers and lengths are those of slices.
    unsafe { import::set_storage(key, key_len, value.as_ptr(), value.len() as u32) != NOTHING }
}

pub(crate) fn storage_contains(key: &[u8]) -> bool {
    // SAFETY: pointer and length are those of a slice.
    unsafe { import::contains_storage(key.as_ptr(), key.len() as u32) != NOTHING }
}

pub(crate) fn storage_remove(key: &[u8]) -> bool {
    // SAFETY: pointer and length are those of a slice.
    unsafe { import::clear_storage(key.as_ptr(), key.len() as u32) != NOTHING }
}

/// The least key above `key` and below `end`, or, descending, the greatest below `key` and not below `end`.
pub(crate) fn storage_next(key: &[u8], end: &[u8], descending: bool) -> Option<Vec<u8>> {
    let (key, key_len, end_len) = (key.as_ptr(), key.len() as u32, end.len() as u32);
    let (end, down) = (end.as_ptr(), u32::from(descending));
    // SAFETY: pointers and lengths are those of slices; the buffer is there, and its length is told.
    let next = |out, length| unsafe { import::storage_next(key, key_len, end, end_len, down, out, length) };
    through_buffer(next, |status, bytes| (status == 0).then(|| bytes.to_vec()))
}

pub(crate) fn caller() -> [u8; 32] {
    fixed(import::caller)
}

pub(crate) fn address() -> [u8; 32] {
    fixed(import::address)
}

pub(crate) fn balance() -> u128 {
    u128::from_le_bytes(fixed(import::balance))
}

pub(crate) fn value() -> u128 {
    u128::from_le_bytes(fixed(import::value_transferred))
}

pub(crate) fn now() -> u64 {
    u64::from_le_bytes(fixed(import::now))
}

pub(crate) fn block_number() -> u32 {
    u32::from_le_bytes(fixed(import::block_number))
}

pub(crate) fn gas_left() -> u64 {
    u64::from_le_bytes(fixed(import::gas_left))
}

pub(crate) fn own_code_hash() -> [u8; 32] {
    fixed(import::own_code_hash)
}

pub(crate) fn is_contract(account: &[u8; 32]) -> bool {
    // SAFETY: the host reads 32 bytes.
    unsafe { import::is_contract(account.as_ptr()) != 0 }
}

pub(crate) fn code_hash(account: &[u8; 32]) -> Option<[u8; 32]> {
    let (mut bytes, mut length) = ([0; 32], 32);
    // SAFETY: the host reads 32 bytes and writes at most `length`.
    let status = unsafe { import::code_hash(account.as_ptr(), bytes.as_mut_ptr(), &mut length) };
    (status == 0).then_some(bytes)
}

pub(crate) fn transfer(to: &[u8; 32], value: u128) -> Result<(), CallError> {
    let value = value.to_le_bytes();
    // SAFETY: pointers and lengths are those of arrays.
    ended(unsafe { import::transfer(to.as_ptr(), 32, value.as_ptr(), 16) })
}

pub(crate) fn terminate(beneficiary: &[u8; 32]) -> ! {
    // SAFETY: the host reads 32 bytes.
    unsafe { import::terminate(beneficiary.as_ptr()) }
}

pub(crate) fn set_code(code: &[u8; 32]) -> Result<(), CallError> {
    // SAFETY: the host reads 32 bytes.
    ended(unsafe { import::set_code_hash(code.as_ptr()) })
}

pub(crate) fn emit(topics: &[[u8; 32]], data: &[u8]) {
    // The list of topics in SCALE: with fewer than 64 the count is one byte.
    let mut encoded = Vec::with_capacity(1 + topics.len() * 32);
    encoded.push((topics.len() as u8) << 2);
    topics.iter().for_each(|topic| encoded.extend_from_slice(topic));
    // SAFETY: pointers and lengths are those of slices.
    unsafe { import::deposit_event(encoded.as_ptr(), encoded.len() as u32, data.as_ptr(), data.len() as u32) }
}

pub(crate) fn debug(text: &str) {
    // SAFETY: pointer and length are those of a slice.
    unsafe { import::debug_message(text.as_ptr(), text.len() as u32) };
}

fn hash(data: &[u8], compute: unsafe extern "C" fn(*const u8, u32, *mut u8)) -> [u8; 32] {
    let mut out = [0; 32];
    // SAFETY: pointer and length are those of a slice; the host writes 32 bytes.
    unsafe { compute(data.as_ptr(), data.len() as u32, out.as_mut_ptr()) };
    out
}

pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    hash(data, import::hash_sha2_256)
}

pub(crate) fn keccak256(data: &[u8]) -> [u8; 32] {
    hash(data, import::hash_keccak_256)
}

pub(crate) fn blake2_256(data: &[u8]) -> [u8; 32] {
    hash(data, import::hash_blake2_256)
}

pub(crate) fn call(target: &Target, input: &[u8]) -> Ended {
    let value = target.value.to_le_bytes();
    let reentry = if target.reentry { ALLOW_REENTRY } else { 0 };
    let flags = reentry | if target.read_only { READ_ONLY } else { 0 };
    let (callee, gas) = (target.address.0.as_ptr(), target.gas);
    let make = |out, length| {
        // SAFETY: the host reads 32 and 16 bytes and a slice; the buffer is there, and its length is told.
        unsafe { import::call(flags, callee, gas, value.as_ptr(), input.as_ptr(), input.len() as u32, out, length) }
    };
    through_buffer(make, with_output)
}

pub(crate) fn delegate_call(code: &[u8; 32], input: &[u8]) -> Ended {
    let make = |out, length| {
        // SAFETY: the host reads 32 bytes and a slice; the buffer is there, and its length is told.
        unsafe { import::delegate_call(0, code.as_ptr(), input.as_ptr(), input.len() as u32, out, length) }
    };
    through_buffer(make, with_output)
}

pub(crate) fn instantiate(deploy: &Deploy, input: &[u8]) -> ([u8; 32], Ended) {
    let value = deploy.value.to_le_bytes();
    let (mut address, mut address_len) = ([0; 32], 32);
    let (code, salt) = (deploy.code.0.as_ptr(), deploy.salt.as_slice());
    let make = |out, length| {
        let (input, input_len) = (input.as_ptr(), input.len() as u32);
        let (place, room) = (address.as_mut_ptr(), &mut address_len);
        let (salt, salt_len) = (salt.as_ptr(), salt.len() as u32);
        // SAFETY: the host reads 32 and 16 bytes and two slices, and writes what there is room for.
        unsafe {
            import::instantiate(
                code,
                deploy.gas,
                value.as_ptr(),
                input,
                input_len,
                place,
                room,
                out,
                length,
                salt,
                salt_len,
            )
        }
    };
    let ended = through_buffer(make, with_output);
    (address, ended)
}

/// What the host's return codes mean.
fn ended(code: u32) -> Result<(), CallError> {
    match code {
        0 => Ok(()),
        1 => Err(CallError::Trapped),
        2 => Err(CallError::Reverted),
        5 => Err(CallError::TransferFailed),
        7 => Err(CallError::CodeNotFound),
        8 => Err(CallError::NotCallable),
        _ => Err(CallError::Other),
    }
}

/// The output counts only where there is one: the host leaves the buffer alone otherwise.
fn with_output(code: u32, output: &[u8]) -> Ended {
    match ended(code) {
        Ok(()) => Ok(output.to_vec()),
        Err(CallError::Reverted) => Err((CallError::Reverted, output.to_vec())),
        Err(error) => Err((error, Vec::new())),
    }
}

/// Gives memory out from the front and never takes it back: a call is short.
struct Bump {
    next: Cell<usize>,
}

// SAFETY: a contract has one thread.
unsafe impl Sync for Bump {}

#[global_allocator]
static ALLOCATOR: Bump = Bump { next: Cell::new(0) };

extern "C" {
    /// Where the linker ends its own data.
    static __heap_base: u8;
}

// SAFETY: `next` only grows, so no two blocks overlap; what is given out lies between the linker's data and the end of memory,
// which grows first where it must.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        const PAGE_BYTES: usize = 1 << 16;
        let free = match self.next.get() {
            0 => core::ptr::addr_of!(__heap_base) as usize,
            next => next,
        };
        let block = free.checked_next_multiple_of(layout.align());
        let Some((block, end)) = block.and_then(|block| Some((block, block.checked_add(layout.size())?))) else {
            return core::ptr::null_mut();
        };
        let pages = core::arch::wasm32::memory_size::<0>();
        let missing = end.div_ceil(PAGE_BYTES).saturating_sub(pages);
        if missing > 0 && core::arch::wasm32::memory_grow::<0>(missing) == usize::MAX {
            return core::ptr::null_mut();
        }
        self.next.set(end);
        block as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[cfg(not(feature = "panic-messages"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Tells whoever watches what has happened, and where.
#[cfg(feature = "panic-messages")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    /// As much of a text as fits.
    struct Line {
        bytes: [u8; 256],
        length: usize,
    }

    impl core::fmt::Write for Line {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            for (place, byte) in self.bytes.iter_mut().skip(self.length).zip(text.bytes()) {
                // One line: the message stands on a second.
                *place = if byte == b'\n' { b' ' } else { byte };
                self.length += 1;
            }
            Ok(())
        }
    }

    let mut line = Line { bytes: [0; 256], length: 0 };
    let _ = core::fmt::write(&mut line, format_args!("{info}"));
    // SAFETY: pointer and length are those of the line.
    unsafe { import::debug_message(line.bytes.as_ptr(), line.length as u32) };
    core::arch::wasm32::unreachable()
}
