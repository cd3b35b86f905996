//! Values that are read only where they are used, and a vector whose elements are stored one by one.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod lazy {
    use ink::prelude::vec::Vec;
    use ink::storage::{traits::ManualKey, Lazy, StorageVec};

    #[ink(storage)]
    pub struct Lazies {
        /// In the contract's root cell.
        packed: u16,
        /// In cells of their own.
        big: Lazy<Vec<u32>, ManualKey<0xB1>>,
        never_set: Lazy<u64>,
        list: StorageVec<u32, ManualKey<0xC1>>,
    }

    impl Lazies {
        #[ink(constructor)]
        pub fn new(packed: u16) -> Self {
            let mut big = Lazy::new();
            big.set(&Vec::from([1, 2, 3]));
            Self { packed, big, never_set: Lazy::new(), list: StorageVec::new() }
        }

        #[ink(message)]
        pub fn packed(&self) -> u16 {
            self.packed
        }

        /// Only the cell of its own is written, and the root cell with what it had.
        #[ink(message)]
        pub fn grow(&mut self, value: u32) -> u32 {
            let mut big = self.big.get_or_default();
            big.push(value);
            self.big.set(&big);
            big.iter().sum()
        }

        #[ink(message)]
        pub fn never_set(&self) -> Option<u64> {
            self.never_set.get()
        }

        #[ink(message)]
        pub fn push(&mut self, value: u32) -> u32 {
            self.list.push(&value);
            self.list.len()
        }

        #[ink(message)]
        pub fn pop(&mut self) -> Option<u32> {
            self.list.pop()
        }

        #[ink(message)]
        pub fn at(&self, index: u32) -> Option<u32> {
            self.list.get(index)
        }

        /// The length in bytes of what was there.
        #[ink(message)]
        pub fn set(&mut self, index: u32, value: u32) -> Option<u32> {
            self.list.set(index, &value)
        }

        #[ink(message)]
        pub fn clear(&mut self) {
            self.list.clear();
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn cells_are_apart() {
            let mut lazies = Lazies::new(9);
            assert_eq!((lazies.grow(4), lazies.grow(10)), (10, 20));
            assert_eq!((lazies.packed(), lazies.never_set()), (9, None));
            assert_eq!((lazies.push(5), lazies.push(6), lazies.at(1)), (1, 2, Some(6)));
            assert_eq!((lazies.set(0, 7), lazies.pop(), lazies.pop(), lazies.pop()), (Some(4), Some(6), Some(7), None));
        }
    }
}
