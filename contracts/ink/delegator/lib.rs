//! Lets foreign code work on its own storage.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod delegator {
    use ink::{
        env::call::{build_call, ExecutionInput, Selector},
        env::DefaultEnvironment,
        selector_bytes,
        storage::{traits::ManualKey, Lazy, Mapping},
    };

    #[ink(storage)]
    pub struct Delegator {
        sum: Lazy<u64, ManualKey<0x11>>,
        seen: Mapping<AccountId, u64, ManualKey<0x22>>,
        code: Lazy<Hash, ManualKey<0x33>>,
    }

    impl Delegator {
        #[ink(constructor)]
        pub fn new(code: Hash) -> Self {
            let mut delegator = Self { sum: Lazy::new(), seen: Mapping::new(), code: Lazy::new() };
            delegator.sum.set(&100);
            delegator.code.set(&code);
            delegator
        }

        #[ink(message)]
        pub fn sum(&self) -> u64 {
            self.sum.get_or_default()
        }

        #[ink(message)]
        pub fn seen(&self, who: AccountId) -> Option<u64> {
            self.seen.get(who)
        }

        /// Lets the foreign code add, and says what it answered.
        #[ink(message)]
        pub fn add_by_delegate(&mut self, more: u64) -> u64 {
            let input = ExecutionInput::new(Selector::new(selector_bytes!("add"))).push_arg(more);
            build_call::<DefaultEnvironment>().delegate(self.hash()).exec_input(input).returns::<u64>().invoke()
        }

        /// Whether the foreign code, which panics, has ended well. What it changed must be gone.
        #[ink(message)]
        pub fn survives_a_panic(&mut self) -> bool {
            let input = ExecutionInput::new(Selector::new(selector_bytes!("add_and_panic")));
            let call = build_call::<DefaultEnvironment>().delegate(self.hash()).exec_input(input).returns::<()>();
            call.try_invoke().is_ok()
        }

        fn hash(&self) -> Hash {
            self.code.get().expect("set by the constructor")
        }
    }
}
