//! A token: the methods of ERC-20. The same in C and in AssemblyScript stands beside this folder.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[unfork_contract::contract]
pub mod erc20 {
    use unfork_contract::prelude::*;

    /// Who has how much, and who may take how much from whom.
    #[storage]
    pub struct Erc20 {
        supply: Cell<Balance>,
        balances: Map<AccountId, Balance>,
        allowances: Map<(AccountId, AccountId), Balance>,
    }

    #[event]
    pub struct Transfer {
        #[indexed]
        from: Option<AccountId>,
        #[indexed]
        to: Option<AccountId>,
        value: Balance,
    }

    #[event]
    pub struct Approval {
        #[indexed]
        owner: AccountId,
        #[indexed]
        spender: AccountId,
        value: Balance,
    }

    #[data]
    pub enum Error {
        /// The sender has less.
        InsufficientBalance,
        /// The caller may take less.
        InsufficientAllowance,
    }

    impl Erc20 {
        /// All tokens are the creator's.
        #[constructor]
        pub fn new(&mut self, total_supply: Balance) {
            let to = env::caller();
            self.supply.set(&total_supply);
            self.balances.insert(&to, &total_supply);
            env::emit(&Transfer { from: None, to: Some(to), value: total_supply });
        }

        #[method]
        pub fn total_supply(&self) -> Balance {
            self.supply.get_or_default()
        }

        #[method]
        pub fn balance_of(&self, owner: AccountId) -> Balance {
            self.balances.get_or_default(&owner)
        }

        /// What `spender` may still take from `owner`.
        #[method]
        pub fn allowance(&self, owner: AccountId, spender: AccountId) -> Balance {
            self.allowances.get_or_default(&(owner, spender))
        }

        /// Moves the caller's tokens.
        #[method]
        pub fn transfer(&mut self, to: AccountId, value: Balance) -> Result<(), Error> {
            self.shift(env::caller(), to, value)
        }

        /// Lets `spender` take up to `value` of the caller's tokens.
        #[method]
        pub fn approve(&mut self, spender: AccountId, value: Balance) -> Result<(), Error> {
            let owner = env::caller();
            self.allowances.insert(&(owner, spender), &value);
            env::emit(&Approval { owner, spender, value });
            Ok(())
        }

        /// Moves tokens that the caller was allowed to take.
        #[method]
        pub fn transfer_from(&mut self, from: AccountId, to: AccountId, value: Balance) -> Result<(), Error> {
            let pair = (from, env::caller());
            let allowed = self.allowances.get_or_default(&pair);
            let left = allowed.checked_sub(value).ok_or(Error::InsufficientAllowance)?;
            self.shift(from, to, value)?;
            self.allowances.insert(&pair, &left);
            Ok(())
        }

        fn shift(&mut self, from: AccountId, to: AccountId, value: Balance) -> Result<(), Error> {
            let has = self.balances.get_or_default(&from);
            let left = has.checked_sub(value).ok_or(Error::InsufficientBalance)?;
            self.balances.insert(&from, &left);
            let more = self.balances.get_or_default(&to) + value;
            self.balances.insert(&to, &more);
            env::emit(&Transfer { from: Some(from), to: Some(to), value });
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::erc20::{Erc20, Erc20Ref, Error, Transfer};
    use unfork_contract::{bench, prelude::*};

    #[test]
    fn tokens_move_and_do_not_multiply() {
        bench::reset();
        let (alice, bob, carol) = (bench::account("alice"), bench::account("bob"), bench::account("carol"));
        let coin = Erc20Ref::deploy_new(Deploy::of(bench::upload::<Erc20>()), 1000).expect("a token");
        assert_eq!(coin.transfer(bob, 300), Ok(Ok(())));
        assert_eq!(coin.transfer(bob, 701), Ok(Err(Error::InsufficientBalance)));
        assert_eq!(coin.transfer(alice, 700), Ok(Ok(())), "to oneself");
        assert_eq!(coin.approve(carol, 500), Ok(Ok(())));
        bench::act_as(carol);
        assert_eq!(coin.transfer_from(alice, bob, 501), Ok(Err(Error::InsufficientAllowance)));
        assert_eq!(coin.transfer_from(alice, bob, 400), Ok(Ok(())));
        assert_eq!(coin.allowance(alice, carol), Ok(100));
        assert_eq!((coin.balance_of(alice), coin.balance_of(bob)), (Ok(300), Ok(700)));
        assert_eq!(coin.total_supply(), Ok(1000));
        let last = bench::events().pop().and_then(|told| told.as_event());
        assert_eq!(last, Some(Transfer { from: Some(alice), to: Some(bob), value: 400 }));
    }
}
