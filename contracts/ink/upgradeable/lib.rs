//! A counter whose code can be changed.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod upgradeable {
    #[ink(storage)]
    pub struct Upgradeable {
        count: u32,
        admin: AccountId,
    }

    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        NotTheAdmin,
        NoSuchCode,
    }

    impl Upgradeable {
        #[ink(constructor)]
        pub fn new() -> Self {
            Self { count: 0, admin: Self::env().caller() }
        }

        #[ink(message)]
        pub fn increment(&mut self) {
            self.count = self.count.checked_add(1).expect("not so often");
        }

        #[ink(message)]
        pub fn get(&self) -> u32 {
            self.count
        }

        #[ink(message)]
        pub fn version(&self) -> u32 {
            1
        }

        /// From the next call on the contract has this code. What follows here is still the old one.
        #[ink(message)]
        pub fn set_code(&mut self, code: Hash) -> Result<u32, Error> {
            if self.env().caller() != self.admin {
                return Err(Error::NotTheAdmin);
            }
            self.env().set_code_hash(&code).map_err(|_| Error::NoSuchCode)?;
            Ok(self.version())
        }

        /// Changes the code, then panics: nothing of it may stay.
        #[ink(message)]
        pub fn set_code_and_panic(&mut self, code: Hash) {
            self.env().set_code_hash(&code).expect("code that exists");
            panic!("on purpose");
        }

        #[ink(message)]
        pub fn code(&self) -> Hash {
            self.env().own_code_hash().expect("a contract has a code")
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn counts_by_one() {
            let mut counter = Upgradeable::new();
            counter.increment();
            counter.increment();
            assert_eq!((counter.get(), counter.version()), (2, 1));
        }
    }
}
