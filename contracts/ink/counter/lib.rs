//! What `factory` makes and `caller` calls.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

pub use self::counter::{Counter, CounterRef, Error};

#[ink::contract]
mod counter {
    #[ink(storage)]
    pub struct Counter {
        count: u32,
        creator: AccountId,
    }

    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        TooMuch,
    }

    impl Counter {
        #[ink(constructor, payable)]
        pub fn new(start: u32) -> Self {
            Self { count: start, creator: Self::env().caller() }
        }

        /// A constructor that can fail.
        #[ink(constructor)]
        pub fn below_ten(start: u32) -> Result<Self, Error> {
            if start < 10 {
                Ok(Self::new(start))
            } else {
                Err(Error::TooMuch)
            }
        }

        #[ink(message)]
        pub fn get(&self) -> u32 {
            self.count
        }

        #[ink(message)]
        pub fn creator(&self) -> AccountId {
            self.creator
        }

        #[ink(message, payable)]
        pub fn add(&mut self, more: u32) -> u32 {
            self.count = self.count.checked_add(more).expect("not so much");
            self.count
        }

        /// Counts first, then finds it too much: the count must be what it was.
        #[ink(message)]
        pub fn add_below_ten(&mut self, more: u32) -> Result<u32, Error> {
            let count = self.add(more);
            if count < 10 {
                Ok(count)
            } else {
                Err(Error::TooMuch)
            }
        }

        /// Uses all gas.
        #[ink(message)]
        pub fn spin(&mut self) {
            loop {
                self.count = self.count.wrapping_add(1);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn counts() {
            let mut counter = Counter::new(3);
            assert_eq!((counter.add(4), counter.add_below_ten(2), counter.get()), (7, Ok(9), 9));
            assert_eq!(counter.add_below_ten(1), Err(Error::TooMuch));
            assert!(Counter::below_ten(10).is_err() && Counter::below_ten(9).is_ok());
        }
    }
}
