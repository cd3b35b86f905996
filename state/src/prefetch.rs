//! Asking for memory before it is needed. Its unsafe code is one hint to the processor.
#![allow(unsafe_code)]

/// Bytes that a processor loads at once.
const LINE: usize = 64;

/// Lets the processor load all of `place` while it goes on. Nothing is read or changed.
pub(crate) fn prefetch<T: ?Sized>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        let first = std::ptr::from_ref(place).cast::<i8>();
        for offset in (0..size_of_val(place)).step_by(LINE) {
            // SAFETY: the offset is inside what `place` refers to; prefetching reads no memory and cannot fault.
            unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(first.add(offset)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
