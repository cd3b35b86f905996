//! Single things with one owner each: the methods of ERC-721.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[unfork_contract::contract]
pub mod erc721 {
    use unfork_contract::prelude::*;

    /// Who owns what, and who may move it.
    #[storage]
    pub struct Erc721 {
        owners: Map<u32, AccountId>,
        counts: Map<AccountId, u32>,
        approved: Map<u32, AccountId>,
        operators: Map<(AccountId, AccountId), ()>,
    }

    #[event]
    pub struct Transfer {
        #[indexed]
        from: Option<AccountId>,
        #[indexed]
        to: Option<AccountId>,
        #[indexed]
        id: u32,
    }

    #[data]
    pub enum Error {
        NotFound,
        Exists,
        NotAllowed,
    }

    impl Erc721 {
        #[constructor]
        pub fn new(&mut self) {}

        #[method]
        pub fn owner_of(&self, id: u32) -> Option<AccountId> {
            self.owners.get(&id)
        }

        #[method]
        pub fn balance_of(&self, owner: AccountId) -> u32 {
            self.counts.get_or_default(&owner)
        }

        /// A new thing, which is the caller's.
        #[method]
        pub fn mint(&mut self, id: u32) -> Result<(), Error> {
            if self.owners.contains(&id) {
                return Err(Error::Exists);
            }
            self.shift(None, Some(env::caller()), id);
            Ok(())
        }

        #[method]
        pub fn burn(&mut self, id: u32) -> Result<(), Error> {
            let owner = self.owner_of(id).ok_or(Error::NotFound)?;
            if owner != env::caller() {
                return Err(Error::NotAllowed);
            }
            self.shift(Some(owner), None, id);
            Ok(())
        }

        /// Lets `who` move this one thing, once.
        #[method]
        pub fn approve(&mut self, who: AccountId, id: u32) -> Result<(), Error> {
            let owner = self.owner_of(id).ok_or(Error::NotFound)?;
            if owner != env::caller() {
                return Err(Error::NotAllowed);
            }
            self.approved.insert(&id, &who);
            Ok(())
        }

        /// Lets `operator` move all that the caller has, or no longer.
        #[method]
        pub fn set_operator(&mut self, operator: AccountId, allowed: bool) {
            let pair = (env::caller(), operator);
            if allowed {
                self.operators.insert(&pair, &());
            } else {
                self.operators.remove(&pair);
            }
        }

        #[method]
        pub fn transfer_from(&mut self, from: AccountId, to: AccountId, id: u32) -> Result<(), Error> {
            let caller = env::caller();
            let owner = self.owner_of(id).ok_or(Error::NotFound)?;
            let allowed = self.approved.get(&id) == Some(caller) || self.operators.contains(&(owner, caller));
            if owner != from || !(owner == caller || allowed) {
                return Err(Error::NotAllowed);
            }
            self.shift(Some(from), Some(to), id);
            Ok(())
        }

        fn shift(&mut self, from: Option<AccountId>, to: Option<AccountId>, id: u32) {
            self.approved.remove(&id);
            if let Some(from) = from {
                self.owners.remove(&id);
                let left = self.counts.get_or_default(&from) - 1;
                self.counts.insert(&from, &left);
            }
            if let Some(to) = to {
                self.owners.insert(&id, &to);
                let more = self.counts.get_or_default(&to) + 1;
                self.counts.insert(&to, &more);
            }
            env::emit(&Transfer { from, to, id });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::erc721::{Erc721, Erc721Ref, Error};
    use unfork_contract::{bench, prelude::*};

    #[test]
    fn things_move_as_their_owner_allows() {
        bench::reset();
        let (alice, bob, carol) = (bench::account("alice"), bench::account("bob"), bench::account("carol"));
        let things = Erc721Ref::deploy_new(Deploy::of(bench::upload::<Erc721>())).expect("a contract");
        assert_eq!((things.mint(7), things.mint(7)), (Ok(Ok(())), Ok(Err(Error::Exists))));
        bench::act_as(bob);
        assert_eq!(things.transfer_from(alice, bob, 7), Ok(Err(Error::NotAllowed)));
        bench::act_as(alice);
        assert_eq!(things.approve(bob, 7), Ok(Ok(())));
        bench::act_as(bob);
        assert_eq!(things.transfer_from(alice, carol, 7), Ok(Ok(())));
        assert_eq!(things.transfer_from(carol, bob, 7), Ok(Err(Error::NotAllowed)), "once");
        bench::act_as(carol);
        assert_eq!(things.set_operator(bob, true), Ok(()));
        bench::act_as(bob);
        assert_eq!(things.transfer_from(carol, bob, 7), Ok(Ok(())));
        assert_eq!((things.balance_of(carol), things.balance_of(bob)), (Ok(0), Ok(1)));
        assert_eq!((things.burn(7), things.burn(7)), (Ok(Ok(())), Ok(Err(Error::NotFound))));
        assert_eq!(bench::events().len(), 4);
    }
}
