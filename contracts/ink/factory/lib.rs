//! Makes contracts.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod factory {
    use counter::CounterRef;
    use ink::{env::call::FromAccountId, prelude::vec::Vec, ToAccountId};

    #[ink(storage)]
    pub struct Factory {
        code: Hash,
        made: Vec<AccountId>,
    }

    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The constructor has said no.
        Refused(counter::Error),
        /// There was no answer of a constructor.
        Failed,
    }

    impl Factory {
        #[ink(constructor, payable)]
        pub fn new(code: Hash) -> Self {
            Self { code, made: Vec::new() }
        }

        /// A counter that starts here; gives its address.
        #[ink(message, payable)]
        pub fn make(&mut self, start: u32, salt: [u8; 4]) -> AccountId {
            let counter = CounterRef::new(start)
                .endowment(self.env().transferred_value())
                .code_hash(self.code)
                .salt_bytes(salt)
                .instantiate();
            let address = counter.to_account_id();
            self.made.push(address);
            address
        }

        /// By the constructor that can fail, and the older form of the host function.
        #[ink(message)]
        pub fn make_below_ten(&mut self, start: u32, salt: [u8; 4]) -> Result<AccountId, Error> {
            let tried = CounterRef::below_ten(start)
                .instantiate_v1()
                .endowment(0)
                .code_hash(self.code)
                .salt_bytes(salt)
                .try_instantiate();
            let counter = match tried {
                Ok(Ok(Ok(counter))) => counter,
                Ok(Ok(Err(error))) => return Err(Error::Refused(error)),
                _ => return Err(Error::Failed),
            };
            let address = counter.to_account_id();
            self.made.push(address);
            Ok(address)
        }

        /// Code that does not exist.
        #[ink(message)]
        pub fn make_nothing(&mut self) -> bool {
            let tried =
                CounterRef::new(1).endowment(0).code_hash(Hash::from([7; 32])).salt_bytes([0; 4]).try_instantiate();
            tried.is_ok()
        }

        #[ink(message)]
        pub fn made(&self) -> Vec<AccountId> {
            self.made.clone()
        }

        /// What the counters have, added up: a call to each.
        #[ink(message)]
        pub fn total(&self) -> u32 {
            let counts = self
                .made
                .iter()
                .map(|address| <CounterRef as FromAccountId<Environment>>::from_account_id(*address).get());
            counts.sum()
        }
    }
}
