//! Everyone pays the same, one takes all. Who that is follows from a hash that everyone can compute, so this is a test
//! of arithmetic and transfers, not a fair lottery.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod lottery {
    use ink::{env::hash::Blake2x256, prelude::vec::Vec};

    #[ink(storage)]
    pub struct Lottery {
        manager: AccountId,
        stake: Balance,
        round: u32,
        players: Vec<AccountId>,
    }

    #[ink(event)]
    pub struct Won {
        #[ink(topic)]
        round: u32,
        #[ink(topic)]
        winner: AccountId,
        amount: Balance,
    }

    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        WrongStake,
        NotTheManager,
        NobodyPlays,
        NotPaid,
    }

    impl Lottery {
        #[ink(constructor)]
        pub fn new(stake: Balance) -> Self {
            Self { manager: Self::env().caller(), stake, round: 0, players: Vec::new() }
        }

        /// Takes part, once for each payment.
        #[ink(message, payable)]
        pub fn enter(&mut self) -> Result<(), Error> {
            if self.env().transferred_value() != self.stake {
                return Err(Error::WrongStake);
            }
            self.players.push(self.env().caller());
            Ok(())
        }

        #[ink(message)]
        pub fn players(&self) -> Vec<AccountId> {
            self.players.clone()
        }

        /// Ends the round: the first eight bytes of blake2b-256 of the round and the players, modulo their number.
        #[ink(message)]
        pub fn draw(&mut self) -> Result<AccountId, Error> {
            if self.env().caller() != self.manager {
                return Err(Error::NotTheManager);
            }
            let hash = self.env().hash_encoded::<Blake2x256, _>(&(self.round, &self.players));
            let number = u64::from_le_bytes(hash[..8].try_into().expect("eight bytes"));
            let index = number.checked_rem(self.players.len() as u64).ok_or(Error::NobodyPlays)?;
            let winner = self.players[index as usize];
            let amount = self.env().balance();
            self.env().transfer(winner, amount).map_err(|_| Error::NotPaid)?;
            self.env().emit_event(Won { round: self.round, winner, amount });
            self.players.clear();
            self.round = self.round.checked_add(1).expect("fewer rounds than numbers for them");
            Ok(winner)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{test, DefaultEnvironment};

        #[ink::test]
        fn one_takes_all() {
            let who = test::default_accounts::<DefaultEnvironment>();
            test::set_caller::<DefaultEnvironment>(who.alice);
            let mut lottery = Lottery::new(10_000_000);
            assert_eq!(lottery.draw(), Err(Error::NobodyPlays));
            test::set_value_transferred::<DefaultEnvironment>(9_999_999);
            assert_eq!(lottery.enter(), Err(Error::WrongStake));
            test::set_value_transferred::<DefaultEnvironment>(10_000_000);
            for player in [who.alice, who.bob, who.charlie] {
                test::set_caller::<DefaultEnvironment>(player);
                assert_eq!(lottery.enter(), Ok(()));
            }
            assert_eq!(lottery.draw(), Err(Error::NotTheManager));
            test::set_caller::<DefaultEnvironment>(who.alice);
            let contract = test::callee::<DefaultEnvironment>();
            test::set_account_balance::<DefaultEnvironment>(contract, 30_000_000);
            let winner = lottery.draw().expect("three play");
            assert!([who.alice, who.bob, who.charlie].contains(&winner));
            assert_eq!(test::get_account_balance::<DefaultEnvironment>(contract), Ok(0));
            assert_eq!(lottery.players(), []);
        }
    }
}
