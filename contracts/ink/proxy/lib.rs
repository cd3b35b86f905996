//! Hands on all it is told to foreign code, which runs over the proxy's own storage.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod proxy {
    use ink::{
        env::call::build_call,
        env::{CallFlags, DefaultEnvironment},
        storage::{traits::ManualKey, Lazy},
    };

    #[ink(storage)]
    pub struct Proxy {
        /// Who may change the code, and the code: under a key that no code behind the proxy uses.
        admin: Lazy<(AccountId, Hash), ManualKey<0x33>>,
    }

    impl Proxy {
        #[ink(constructor)]
        pub fn new(code: Hash) -> Self {
            let mut admin = Lazy::new();
            admin.set(&(Self::env().caller(), code));
            Self { admin }
        }

        /// Whatever comes: the input as it is, and the foreign code's end is the proxy's.
        #[ink(message, payable, selector = _)]
        pub fn forward(&self) {
            let (_, code) = self.admin.get().expect("set by the constructor");
            build_call::<DefaultEnvironment>()
                .delegate(code)
                .call_flags(CallFlags::TAIL_CALL | CallFlags::FORWARD_INPUT)
                .invoke();
            unreachable!("a tail call does not return");
        }

        /// The one message that is the proxy's own; ink! keeps a selector for it.
        #[ink(message, selector = @)]
        pub fn change_code(&mut self, code: Hash) -> bool {
            let (admin, _) = self.admin.get().expect("set by the constructor");
            let may = self.env().caller() == admin;
            if may {
                self.admin.set(&(admin, code));
            }
            may
        }
    }
}
