//! Code that others run over their own storage. Its fields have keys that it and its users agree on.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod delegate_logic {
    use ink::storage::{traits::ManualKey, Lazy, Mapping};

    #[ink(storage)]
    pub struct DelegateLogic {
        sum: Lazy<u64, ManualKey<0x11>>,
        seen: Mapping<AccountId, u64, ManualKey<0x22>>,
    }

    impl DelegateLogic {
        #[ink(constructor)]
        pub fn new() -> Self {
            let mut sum = Lazy::new();
            sum.set(&0);
            Self { sum, seen: Mapping::new() }
        }

        /// Adds to the sum, and to what was seen of the caller: who is that, in a delegate call?
        #[ink(message, payable)]
        pub fn add(&mut self, more: u64) -> u64 {
            let caller = self.env().caller();
            let sum = self.sum.get_or_default().saturating_add(more);
            self.sum.set(&sum);
            let seen = self.seen.get(caller).unwrap_or(0).saturating_add(more);
            self.seen.insert(caller, &seen);
            sum
        }

        /// Changes the sum, then panics.
        #[ink(message)]
        pub fn add_and_panic(&mut self) {
            self.sum.set(&u64::MAX);
            panic!("on purpose");
        }

        /// Whose address and value the code sees.
        #[ink(message, payable)]
        pub fn whoami(&self) -> (AccountId, AccountId, Balance) {
            (self.env().account_id(), self.env().caller(), self.env().transferred_value())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn sums_add_up() {
            let mut logic = DelegateLogic::new();
            assert_eq!((logic.add(2), logic.add(3)), (2, 5));
        }
    }
}
