//! A contract with an allocator of its own: 16 KiB in its data, given out from the front and never taken back.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[cfg(not(feature = "std"))]
mod arena {
    use core::alloc::{GlobalAlloc, Layout};
    use core::cell::{Cell, UnsafeCell};

    const BYTES: usize = 16 << 10;

    struct Arena {
        memory: UnsafeCell<[u8; BYTES]>,
        used: Cell<usize>,
    }

    // SAFETY: a contract has one thread.
    unsafe impl Sync for Arena {}

    // SAFETY: no two blocks overlap, since `used` only grows; each lies inside `memory` and is aligned as asked.
    unsafe impl GlobalAlloc for Arena {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let base = self.memory.get() as usize;
            let Some(start) = (base + self.used.get()).checked_next_multiple_of(layout.align()) else {
                return core::ptr::null_mut();
            };
            match (start - base).checked_add(layout.size()) {
                Some(end) if end <= BYTES => {
                    self.used.set(end);
                    start as *mut u8
                }
                _ => core::ptr::null_mut(),
            }
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    #[global_allocator]
    static ARENA: Arena = Arena { memory: UnsafeCell::new([0; BYTES]), used: Cell::new(0) };
}

#[ink::contract]
mod allocator {
    use ink::prelude::vec::Vec;

    #[ink(storage)]
    pub struct Allocator {
        values: Vec<u64>,
    }

    impl Allocator {
        #[ink(constructor)]
        pub fn new() -> Self {
            Self { values: Vec::from([1, 2, 3]) }
        }

        #[ink(message)]
        pub fn push(&mut self, value: u64) -> u64 {
            self.values.push(value);
            self.values.iter().sum()
        }

        /// The sum of 0, 1, … below `count`, by way of a vector of 8 bytes each, made at once.
        #[ink(message)]
        pub fn sum_below(&self, count: u64) -> u64 {
            let mut all = Vec::with_capacity(count as usize);
            all.extend(0..count);
            all.iter().sum()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn sums() {
            let mut contract = Allocator::new();
            assert_eq!((contract.push(4), contract.sum_below(1000)), (10, 499_500));
        }
    }
}
