//! Goods against tokens: the buyer's tokens lie here until she says that the goods have come, or time is up.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[unfork_contract::contract]
pub mod escrow {
    use erc20::erc20::Erc20Ref;
    use unfork_contract::prelude::*;

    /// All deals, each in tokens of its own.
    #[storage]
    pub struct Escrow {
        next: Cell<u32>,
        deals: Map<u32, Deal>,
    }

    /// Tokens that lie here.
    #[data]
    pub struct Deal {
        buyer: AccountId,
        seller: AccountId,
        token: AccountId,
        amount: Balance,
        /// The block from which on the buyer can have them back.
        until: BlockNumber,
    }

    #[event]
    pub struct Closed {
        #[indexed]
        deal: u32,
        #[indexed]
        to: AccountId,
    }

    #[data]
    pub enum Error {
        NoDeal,
        NotYours,
        TooEarly {
            until: BlockNumber,
        },
        /// The token's contract has refused, with the error that its own interface names by this number.
        Refused {
            error: u8,
        },
        /// There was no answer of a token.
        NoToken,
    }

    impl Escrow {
        #[constructor]
        pub fn new(&mut self) {}

        /// Takes `amount` of the caller's tokens, which must have been approved; gives the deal's number.
        #[method]
        pub fn open(
            &mut self,
            seller: AccountId,
            token: AccountId,
            amount: Balance,
            blocks: u32,
        ) -> Result<u32, Error> {
            let buyer = env::caller();
            answered(Erc20Ref::at(token).transfer_from(buyer, env::address(), amount))?;
            let number = self.next.get_or_default();
            let until = env::block_number() + blocks;
            self.deals.insert(&number, &Deal { buyer, seller, token, amount, until });
            self.next.set(&(number + 1));
            Ok(number)
        }

        #[method]
        pub fn deal(&self, number: u32) -> Option<Deal> {
            self.deals.get(&number)
        }

        /// The goods have come: the tokens go to the seller.
        #[method]
        pub fn release(&mut self, number: u32) -> Result<(), Error> {
            let deal = self.deals.get(&number).ok_or(Error::NoDeal)?;
            if env::caller() != deal.buyer {
                return Err(Error::NotYours);
            }
            let to = deal.seller;
            self.close(number, deal, to)
        }

        /// They have not come in time: the tokens go back.
        #[method]
        pub fn refund(&mut self, number: u32) -> Result<(), Error> {
            let deal = self.deals.get(&number).ok_or(Error::NoDeal)?;
            if env::block_number() < deal.until {
                return Err(Error::TooEarly { until: deal.until });
            }
            let to = deal.buyer;
            self.close(number, deal, to)
        }

        fn close(&mut self, number: u32, deal: Deal, to: AccountId) -> Result<(), Error> {
            // First forgotten, then paid: whoever calls back finds nothing.
            self.deals.remove(&number);
            answered(Erc20Ref::at(deal.token).transfer(to, deal.amount))?;
            env::emit(&Closed { deal: number, to });
            Ok(())
        }
    }

    fn answered(answer: Result<Result<(), erc20::erc20::Error>, CallError>) -> Result<(), Error> {
        match answer {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::Refused { error: error.encode().first().copied().unwrap_or(u8::MAX) }),
            Err(_) => Err(Error::NoToken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::escrow::{Error, Escrow, EscrowRef};
    use erc20::erc20::{Erc20, Erc20Ref};
    use unfork_contract::{bench, prelude::*};

    #[test]
    fn tokens_wait_for_the_goods() {
        bench::reset();
        let (alice, bob) = (bench::account("alice"), bench::account("bob"));
        let coin = Erc20Ref::deploy_new(Deploy::of(bench::upload::<Erc20>()), 100).expect("a token");
        let escrow = EscrowRef::deploy_new(Deploy::of(bench::upload::<Escrow>())).expect("an escrow");
        let open = |amount| escrow.open(bob, coin.address(), amount, 5);
        assert_eq!(open(30), Ok(Err(Error::Refused { error: 1 })), "nothing was approved");
        assert_eq!(coin.approve(escrow.address(), 1000), Ok(Ok(())));
        assert_eq!(open(101), Ok(Err(Error::Refused { error: 0 })), "there are not so many");
        assert_eq!(escrow.open(bob, bob, 1, 5), Ok(Err(Error::NoToken)));
        assert_eq!((open(30), open(20)), (Ok(Ok(0)), Ok(Ok(1))));
        assert_eq!(coin.balance_of(escrow.address()), Ok(50));
        bench::act_as(bob);
        assert_eq!(escrow.release(0), Ok(Err(Error::NotYours)));
        assert_eq!(escrow.refund(1), Ok(Err(Error::TooEarly { until: 6 })));
        bench::act_as(alice);
        assert_eq!((escrow.release(0), escrow.release(0)), (Ok(Ok(())), Ok(Err(Error::NoDeal))));
        bench::advance(5);
        assert_eq!(escrow.refund(1), Ok(Ok(())));
        assert_eq!((coin.balance_of(alice), coin.balance_of(bob)), (Ok(70), Ok(30)));
    }
}
