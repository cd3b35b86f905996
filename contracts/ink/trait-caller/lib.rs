//! Calls a token of which it knows the trait only.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod trait_caller {
    use ink::contract_ref;
    use trait_erc20::{Token, TokenError};

    #[ink(storage)]
    pub struct TraitCaller {
        token: contract_ref!(Token),
    }

    impl TraitCaller {
        #[ink(constructor)]
        pub fn new(token: AccountId) -> Self {
            Self { token: token.into() }
        }

        /// What part of the supply this contract has, in percent.
        #[ink(message)]
        pub fn share(&self) -> u128 {
            let own = self.token.balance_of(self.env().account_id());
            own.saturating_mul(100).checked_div(self.token.total_supply()).unwrap_or(0)
        }

        /// Moves tokens that this contract has.
        #[ink(message)]
        pub fn pass_on(&mut self, to: AccountId, value: u128) -> Result<(), TokenError> {
            self.token.transfer(to, value)
        }

        /// Moves to two accounts, both or none: an error reverts this contract, and the first move with it.
        #[ink(message)]
        pub fn split(&mut self, one: AccountId, other: AccountId, value: u128) -> Result<(), TokenError> {
            self.token.transfer(one, value)?;
            self.token.transfer(other, value)
        }
    }
}
