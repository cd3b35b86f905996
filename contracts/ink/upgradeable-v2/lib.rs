//! What `upgradeable` becomes: it counts by ten. Its root cell must stay as it was, so what is new has a cell of its own.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod upgradeable_v2 {
    use ink::storage::{traits::ManualKey, Lazy};

    #[ink(storage)]
    pub struct UpgradeableV2 {
        count: u32,
        admin: AccountId,
        steps: Lazy<u64, ManualKey<0xF0>>,
    }

    impl UpgradeableV2 {
        #[ink(constructor)]
        pub fn new() -> Self {
            Self { count: 0, admin: Self::env().caller(), steps: Lazy::new() }
        }

        #[ink(message)]
        pub fn increment(&mut self) {
            self.count = self.count.checked_add(10).expect("not so often");
            self.steps.set(&self.steps().saturating_add(1));
        }

        #[ink(message)]
        pub fn get(&self) -> u32 {
            self.count
        }

        /// How often this version has counted.
        #[ink(message)]
        pub fn steps(&self) -> u64 {
            self.steps.get_or_default()
        }

        #[ink(message)]
        pub fn admin(&self) -> AccountId {
            self.admin
        }

        #[ink(message)]
        pub fn version(&self) -> u32 {
            2
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn counts_by_ten() {
            let mut counter = UpgradeableV2::new();
            counter.increment();
            counter.increment();
            assert_eq!((counter.get(), counter.steps(), counter.version()), (20, 2, 2));
        }
    }
}
