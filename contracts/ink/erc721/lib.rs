//! Single things with one owner each, who may let others move them.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod erc721 {
    use ink::storage::Mapping;

    /// Which thing.
    pub type TokenId = u32;

    #[ink(storage)]
    #[derive(Default)]
    pub struct Erc721 {
        owners: Mapping<TokenId, AccountId>,
        approved: Mapping<TokenId, AccountId>,
        counts: Mapping<AccountId, u32>,
        operators: Mapping<(AccountId, AccountId), ()>,
    }

    #[ink(event)]
    pub struct Transfer {
        #[ink(topic)]
        from: Option<AccountId>,
        #[ink(topic)]
        to: Option<AccountId>,
        #[ink(topic)]
        id: TokenId,
    }

    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        NotFound,
        Exists,
        NotAllowed,
    }

    impl Erc721 {
        #[ink(constructor)]
        pub fn new() -> Self {
            Self::default()
        }

        #[ink(message)]
        pub fn balance_of(&self, owner: AccountId) -> u32 {
            self.counts.get(owner).unwrap_or(0)
        }

        #[ink(message)]
        pub fn owner_of(&self, id: TokenId) -> Option<AccountId> {
            self.owners.get(id)
        }

        #[ink(message)]
        pub fn get_approved(&self, id: TokenId) -> Option<AccountId> {
            self.approved.get(id)
        }

        #[ink(message)]
        pub fn is_approved_for_all(&self, owner: AccountId, operator: AccountId) -> bool {
            self.operators.contains((owner, operator))
        }

        /// Makes a new thing, which belongs to the caller.
        #[ink(message)]
        pub fn mint(&mut self, id: TokenId) -> Result<(), Error> {
            if self.owners.contains(id) {
                return Err(Error::Exists);
            }
            let caller = self.env().caller();
            self.give(caller, id);
            self.env().emit_event(Transfer { from: None, to: Some(caller), id });
            Ok(())
        }

        #[ink(message)]
        pub fn burn(&mut self, id: TokenId) -> Result<(), Error> {
            let caller = self.env().caller();
            let owner = self.owners.get(id).ok_or(Error::NotFound)?;
            if owner != caller {
                return Err(Error::NotAllowed);
            }
            self.take(owner, id);
            self.env().emit_event(Transfer { from: Some(owner), to: None, id });
            Ok(())
        }

        /// Lets `who` move this one thing.
        #[ink(message)]
        pub fn approve(&mut self, who: AccountId, id: TokenId) -> Result<(), Error> {
            let caller = self.env().caller();
            let owner = self.owners.get(id).ok_or(Error::NotFound)?;
            if owner != caller && !self.is_approved_for_all(owner, caller) {
                return Err(Error::NotAllowed);
            }
            self.approved.insert(id, &who);
            Ok(())
        }

        /// Lets `operator` move everything that the caller has, or no longer.
        #[ink(message)]
        pub fn set_approval_for_all(&mut self, operator: AccountId, approved: bool) {
            let pair = (self.env().caller(), operator);
            if approved {
                self.operators.insert(pair, &());
            } else {
                self.operators.remove(pair);
            }
        }

        #[ink(message)]
        pub fn transfer_from(&mut self, from: AccountId, to: AccountId, id: TokenId) -> Result<(), Error> {
            let caller = self.env().caller();
            let owner = self.owners.get(id).ok_or(Error::NotFound)?;
            let may =
                caller == owner || self.approved.get(id) == Some(caller) || self.is_approved_for_all(owner, caller);
            if owner != from || !may {
                return Err(Error::NotAllowed);
            }
            self.take(from, id);
            self.give(to, id);
            self.env().emit_event(Transfer { from: Some(from), to: Some(to), id });
            Ok(())
        }

        fn take(&mut self, owner: AccountId, id: TokenId) {
            self.approved.remove(id);
            self.owners.remove(id);
            let left = self.balance_of(owner).saturating_sub(1);
            self.counts.insert(owner, &left);
        }

        fn give(&mut self, owner: AccountId, id: TokenId) {
            self.owners.insert(id, &owner);
            let count = self.balance_of(owner).checked_add(1).expect("fewer things than numbers for them");
            self.counts.insert(owner, &count);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn by(caller: AccountId) {
            ink::env::test::set_caller::<ink::env::DefaultEnvironment>(caller);
        }

        #[ink::test]
        fn things_move_as_their_owner_allows() {
            let who = ink::env::test::default_accounts::<ink::env::DefaultEnvironment>();
            let mut things = Erc721::new();
            by(who.alice);
            assert_eq!(things.mint(7), Ok(()));
            assert_eq!(things.mint(7), Err(Error::Exists));
            by(who.bob);
            assert_eq!(things.transfer_from(who.alice, who.bob, 7), Err(Error::NotAllowed));
            assert_eq!(things.approve(who.bob, 7), Err(Error::NotAllowed));
            by(who.alice);
            assert_eq!(things.approve(who.bob, 7), Ok(()));
            by(who.bob);
            assert_eq!(things.transfer_from(who.alice, who.charlie, 7), Ok(()));
            assert_eq!(things.owner_of(7), Some(who.charlie));
            assert_eq!((things.balance_of(who.alice), things.balance_of(who.charlie)), (0, 1));
            assert_eq!(things.get_approved(7), None, "an approval ends with the move");
            by(who.charlie);
            things.set_approval_for_all(who.bob, true);
            by(who.bob);
            assert_eq!(things.transfer_from(who.charlie, who.bob, 7), Ok(()));
            assert_eq!(things.burn(7), Ok(()));
            assert_eq!(things.burn(7), Err(Error::NotFound));
            assert_eq!(ink::env::test::recorded_events().count(), 4);
        }
    }
}
