//! A token behind a trait, so that callers need to know the trait alone.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

pub use self::token::{TokenError, TraitErc20, TraitErc20Ref};
use ink::primitives::AccountId;

/// What a token can do. Selectors are those of `Token::NAME`.
#[ink::trait_definition]
pub trait Token {
    #[ink(message)]
    fn total_supply(&self) -> u128;

    #[ink(message)]
    fn balance_of(&self, owner: AccountId) -> u128;

    /// Moves tokens of the caller. A message of a trait may have a selector of its own.
    #[ink(message, selector = 0xC0DE0001)]
    fn transfer(&mut self, to: AccountId, value: u128) -> Result<(), TokenError>;
}

#[ink::contract]
mod token {
    use super::Token;
    use ink::storage::Mapping;

    #[ink(storage)]
    pub struct TraitErc20 {
        supply: Balance,
        balances: Mapping<AccountId, Balance>,
    }

    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum TokenError {
        TooLittle { has: Balance },
    }

    impl TraitErc20 {
        #[ink(constructor)]
        pub fn new(supply: Balance) -> Self {
            let mut balances = Mapping::new();
            balances.insert(Self::env().caller(), &supply);
            Self { supply, balances }
        }
    }

    impl Token for TraitErc20 {
        #[ink(message)]
        fn total_supply(&self) -> Balance {
            self.supply
        }

        #[ink(message)]
        fn balance_of(&self, owner: AccountId) -> Balance {
            self.balances.get(owner).unwrap_or(0)
        }

        #[ink(message, selector = 0xC0DE0001)]
        fn transfer(&mut self, to: AccountId, value: Balance) -> Result<(), TokenError> {
            let from = self.env().caller();
            let has = self.balance_of(from);
            let left = has.checked_sub(value).ok_or(TokenError::TooLittle { has })?;
            self.balances.insert(from, &left);
            let more = self.balance_of(to).checked_add(value).expect("no more than the supply");
            self.balances.insert(to, &more);
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn the_trait_moves_tokens() {
            let who = ink::env::test::default_accounts::<ink::env::DefaultEnvironment>();
            let mut token = TraitErc20::new(10);
            assert_eq!(token.transfer(who.bob, 4), Ok(()));
            assert_eq!(token.transfer(who.bob, 7), Err(TokenError::TooLittle { has: 6 }));
            assert_eq!((token.balance_of(who.alice), token.balance_of(who.bob), token.total_supply()), (6, 4, 10));
        }
    }
}
