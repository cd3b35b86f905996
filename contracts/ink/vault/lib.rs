//! Keeps money, and gives it back to who brought it.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod vault {
    use ink::storage::Mapping;

    #[ink(storage)]
    pub struct Vault {
        owner: AccountId,
        deposits: Mapping<AccountId, Balance>,
    }

    #[ink(event)]
    pub struct Paid {
        #[ink(topic)]
        who: AccountId,
        amount: Balance,
    }

    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        TooLittle,
        NotPaid,
        NotTheOwner,
    }

    impl Vault {
        #[ink(constructor, payable)]
        pub fn new() -> Self {
            let (owner, mut deposits) = (Self::env().caller(), Mapping::new());
            deposits.insert(owner, &Self::env().transferred_value());
            Self { owner, deposits }
        }

        /// Gives what the caller has now.
        #[ink(message, payable)]
        pub fn deposit(&mut self) -> Balance {
            let (who, amount) = (self.env().caller(), self.env().transferred_value());
            let now = self.deposit_of(who).checked_add(amount).expect("less than there is");
            self.deposits.insert(who, &now);
            self.env().emit_event(Paid { who, amount });
            now
        }

        #[ink(message)]
        pub fn deposit_of(&self, who: AccountId) -> Balance {
            self.deposits.get(who).unwrap_or(0)
        }

        /// The vault's own balance.
        #[ink(message)]
        pub fn holds(&self) -> Balance {
            self.env().balance()
        }

        #[ink(message)]
        pub fn withdraw(&mut self, amount: Balance) -> Result<(), Error> {
            let who = self.env().caller();
            let left = self.deposit_of(who).checked_sub(amount).ok_or(Error::TooLittle)?;
            self.deposits.insert(who, &left);
            self.env().transfer(who, amount).map_err(|_| Error::NotPaid)
        }

        /// More than the vault can have: the transfer must fail, and what was written before it goes with the revert.
        #[ink(message)]
        pub fn overdraw(&mut self) -> Result<(), Error> {
            let who = self.env().caller();
            self.deposits.insert(who, &0);
            self.env().transfer(who, self.env().balance().saturating_add(1)).map_err(|_| Error::NotPaid)
        }

        /// Ends the vault; all it holds goes to its owner.
        #[ink(message)]
        pub fn close(&mut self) -> Result<(), Error> {
            if self.env().caller() != self.owner {
                return Err(Error::NotTheOwner);
            }
            self.env().terminate_contract(self.owner)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{test, DefaultEnvironment};

        #[ink::test]
        fn what_is_brought_can_be_taken() {
            let who = test::default_accounts::<DefaultEnvironment>();
            test::set_value_transferred::<DefaultEnvironment>(0);
            let mut vault = Vault::new();
            let address = test::callee::<DefaultEnvironment>();
            test::set_account_balance::<DefaultEnvironment>(address, 50_000_000);
            test::set_caller::<DefaultEnvironment>(who.bob);
            test::set_value_transferred::<DefaultEnvironment>(30_000_000);
            assert_eq!(vault.deposit(), 30_000_000);
            assert_eq!(vault.withdraw(30_000_001), Err(Error::TooLittle));
            assert_eq!(vault.withdraw(10_000_000), Ok(()));
            assert_eq!((vault.deposit_of(who.bob), vault.holds()), (20_000_000, 40_000_000));
            assert_eq!(vault.close(), Err(Error::NotTheOwner));
        }
    }
}
