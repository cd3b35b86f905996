//! Many kinds of tokens in one contract, moved alone or in batches. A contract receives tokens only if it says so.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// What a contract that takes tokens answers, and the selector it is asked with.
pub const RECEIVED: [u8; 4] = [0xF2, 0x3A, 0x6E, 0x61];

#[ink::contract]
mod erc1155 {
    use super::RECEIVED;
    use ink::{
        env::call::{build_call, ExecutionInput, Selector},
        env::DefaultEnvironment,
        prelude::vec::Vec,
        storage::Mapping,
    };

    /// Which kind.
    pub type TokenId = u32;

    #[ink(storage)]
    #[derive(Default)]
    pub struct Erc1155 {
        balances: Mapping<(AccountId, TokenId), Balance>,
        operators: Mapping<(AccountId, AccountId), ()>,
        kinds: TokenId,
    }

    #[ink(event)]
    pub struct TransferSingle {
        #[ink(topic)]
        operator: AccountId,
        #[ink(topic)]
        from: Option<AccountId>,
        #[ink(topic)]
        to: Option<AccountId>,
        id: TokenId,
        value: Balance,
    }

    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        UnknownKind,
        NotAllowed,
        TooFew,
        LengthsDiffer,
        Refused,
    }

    impl Erc1155 {
        #[ink(constructor)]
        pub fn new() -> Self {
            Self::default()
        }

        /// Makes a new kind with `supply` tokens, all the caller's, and gives its number.
        #[ink(message)]
        pub fn create(&mut self, supply: Balance) -> TokenId {
            self.kinds = self.kinds.checked_add(1).expect("fewer kinds than numbers for them");
            let (caller, id) = (self.env().caller(), self.kinds);
            self.balances.insert((caller, id), &supply);
            self.told(None, Some(caller), id, supply);
            id
        }

        #[ink(message)]
        pub fn balance_of(&self, owner: AccountId, id: TokenId) -> Balance {
            self.balances.get((owner, id)).unwrap_or(0)
        }

        /// All pairs of an owner and a kind, owners outside.
        #[ink(message)]
        pub fn balance_of_batch(&self, owners: Vec<AccountId>, ids: Vec<TokenId>) -> Vec<Balance> {
            let pairs = owners.iter().flat_map(|owner| ids.iter().map(move |id| (*owner, *id)));
            pairs.map(|(owner, id)| self.balance_of(owner, id)).collect()
        }

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
        pub fn transfer(&mut self, from: AccountId, to: AccountId, id: TokenId, value: Balance) -> Result<(), Error> {
            self.batch(from, to, &[(id, value)])
        }

        /// Moves all or nothing.
        #[ink(message)]
        pub fn batch_transfer(
            &mut self,
            from: AccountId,
            to: AccountId,
            ids: Vec<TokenId>,
            values: Vec<Balance>,
        ) -> Result<(), Error> {
            if ids.len() != values.len() {
                return Err(Error::LengthsDiffer);
            }
            let pairs: Vec<_> = ids.into_iter().zip(values).collect();
            self.batch(from, to, &pairs)
        }

        /// This contract takes tokens of other contracts.
        #[ink(message, selector = 0xF23A6E61)]
        pub fn on_received(&mut self, _operator: AccountId, _from: AccountId) -> [u8; 4] {
            RECEIVED
        }

        fn batch(&mut self, from: AccountId, to: AccountId, pairs: &[(TokenId, Balance)]) -> Result<(), Error> {
            let caller = self.env().caller();
            if caller != from && !self.operators.contains((from, caller)) {
                return Err(Error::NotAllowed);
            }
            for (id, value) in pairs {
                if *id == 0 || *id > self.kinds {
                    return Err(Error::UnknownKind);
                }
                let left = self.balance_of(from, *id).checked_sub(*value).ok_or(Error::TooFew)?;
                self.balances.insert((from, *id), &left);
                let more = self.balance_of(to, *id).checked_add(*value).expect("no more than the supply");
                self.balances.insert((to, *id), &more);
                self.told(Some(from), Some(to), *id, *value);
            }
            self.ask(caller, from, to)
        }

        fn ask(&self, operator: AccountId, from: AccountId, to: AccountId) -> Result<(), Error> {
            if !self.env().is_contract(&to) {
                return Ok(());
            }
            let input = ExecutionInput::new(Selector::new(RECEIVED)).push_arg(operator).push_arg(from);
            let answer =
                build_call::<DefaultEnvironment>().call(to).exec_input(input).returns::<[u8; 4]>().try_invoke();
            if answer == Ok(Ok(RECEIVED)) {
                Ok(())
            } else {
                Err(Error::Refused)
            }
        }

        fn told(&self, from: Option<AccountId>, to: Option<AccountId>, id: TokenId, value: Balance) {
            self.env().emit_event(TransferSingle { operator: self.env().caller(), from, to, id, value });
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn by(caller: AccountId) {
            ink::env::test::set_caller::<DefaultEnvironment>(caller);
        }

        #[ink::test]
        fn kinds_are_counted_apart() {
            let who = ink::env::test::default_accounts::<DefaultEnvironment>();
            let mut tokens = Erc1155::new();
            by(who.alice);
            assert_eq!((tokens.create(100), tokens.create(5)), (1, 2));
            assert_eq!(tokens.batch_transfer(who.alice, who.bob, [1, 2].to_vec(), [40, 5].to_vec()), Ok(()));
            let both = tokens.balance_of_batch([who.alice, who.bob].to_vec(), [1, 2].to_vec());
            assert_eq!(both, [60, 0, 40, 5]);
            assert_eq!(tokens.transfer(who.alice, who.bob, 3, 1), Err(Error::UnknownKind));
            assert_eq!(tokens.transfer(who.alice, who.bob, 1, 61), Err(Error::TooFew));
            assert_eq!(tokens.transfer(who.bob, who.alice, 1, 1), Err(Error::NotAllowed));
            assert_eq!(tokens.batch_transfer(who.alice, who.bob, [1].to_vec(), [].to_vec()), Err(Error::LengthsDiffer));
            by(who.bob);
            tokens.set_approval_for_all(who.alice, true);
            by(who.alice);
            assert_eq!(tokens.transfer(who.bob, who.alice, 1, 1), Ok(()));
        }
    }
}
