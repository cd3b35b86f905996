//! An order book for two tokens: the best offer is the first entry of an ordered map, so that each match is a scan of one step.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[unfork_contract::contract]
pub mod order_book {
    use erc20::erc20::Erc20Ref;
    use unfork_contract::prelude::*;

    /// What lies here for whom, and what is offered.
    #[storage]
    pub struct OrderBook {
        /// The token that is bought and sold, and the token that it is paid with.
        tokens: Cell<(AccountId, AccountId)>,
        goods: Map<AccountId, Balance>,
        money: Map<AccountId, Balance>,
        next: Cell<u64>,
        /// By price and number: the cheapest first, of the same price the oldest.
        asks: Ordered<(u64, u64), Order>,
        /// By what is missing to the highest possible price, and number: the highest bid first.
        bids: Ordered<(u64, u64), Order>,
    }

    /// What is left of an offer.
    #[data]
    pub struct Order {
        owner: AccountId,
        amount: u64,
    }

    #[data]
    pub enum Side {
        Buy,
        Sell,
    }

    #[data]
    pub enum Error {
        /// The token's contract has refused.
        Token,
        NotEnough {
            has: Balance,
        },
        /// There is no such order, or it is another's.
        NoOrder,
        Nothing,
    }

    #[event]
    pub struct Traded {
        #[indexed]
        buyer: AccountId,
        #[indexed]
        seller: AccountId,
        price: u64,
        amount: u64,
    }

    impl OrderBook {
        #[constructor]
        pub fn new(&mut self, goods: AccountId, money: AccountId) {
            self.tokens.set(&(goods, money));
        }

        /// Takes tokens of the caller, who must have approved it.
        #[method]
        pub fn deposit(&mut self, side: Side, amount: Balance) -> Result<(), Error> {
            let who = env::caller();
            let taken = self.token(&side).transfer_from(who, env::address(), amount);
            taken.ok().and_then(Result::ok).ok_or(Error::Token)?;
            self.credit(&side, &who, amount);
            Ok(())
        }

        #[method]
        pub fn withdraw(&mut self, side: Side, amount: Balance) -> Result<(), Error> {
            let who = env::caller();
            self.debit(&side, &who, amount)?;
            self.token(&side).transfer(who, amount).ok().and_then(Result::ok).ok_or(Error::Token)
        }

        /// What lies here for `who` and is not offered: goods and money.
        #[method]
        pub fn free(&self, who: AccountId) -> (Balance, Balance) {
            (self.goods.get_or_default(&who), self.money.get_or_default(&who))
        }

        /// Buys or sells up to `amount` at `price` or better; what cannot be had at once is offered under the number that it
        /// gives, with how much was had.
        #[method]
        pub fn place(&mut self, side: Side, price: u64, amount: u64) -> Result<(u64, u64), Error> {
            if amount == 0 || price == 0 {
                return Err(Error::Nothing);
            }
            let (who, buys) = (env::caller(), side == Side::Buy);
            // All of it is set aside first: money for a purchase, goods for a sale.
            self.debit(&side, &who, if buys { cost(price, amount) } else { amount.into() })?;
            let mut left = amount;
            while left > 0 {
                let Some((key, best)) = (if buys { self.asks.first() } else { self.bids.first() }) else { break };
                let at = if buys { key.0 } else { u64::MAX - key.0 };
                if if buys { at > price } else { at < price } {
                    break;
                }
                let traded = left.min(best.amount);
                left -= traded;
                let (buyer, seller) = if buys { (who, best.owner) } else { (best.owner, who) };
                self.take(&key, best, traded, buys);
                self.credit(&Side::Sell, &buyer, traded.into());
                self.credit(&Side::Buy, &seller, cost(at, traded));
                if buys {
                    // The rest of what was set aside at the own, higher price.
                    self.credit(&side, &who, cost(price - at, traded));
                }
                env::emit(&Traded { buyer, seller, price: at, amount: traded });
            }
            let number = self.next.get_or_default();
            self.next.set(&(number + 1));
            let rest = Order { owner: who, amount: left };
            if left > 0 && buys {
                self.bids.insert(&(u64::MAX - price, number), &rest);
            } else if left > 0 {
                self.asks.insert(&(price, number), &rest);
            }
            Ok((number, amount - left))
        }

        /// Takes back what is left of an own offer.
        #[method]
        pub fn cancel(&mut self, side: Side, price: u64, number: u64) -> Result<u64, Error> {
            let who = env::caller();
            let buys = side == Side::Buy;
            let key = if buys { (u64::MAX - price, number) } else { (price, number) };
            let order = if buys { self.bids.get(&key) } else { self.asks.get(&key) };
            let order = order.filter(|order| order.owner == who).ok_or(Error::NoOrder)?;
            if buys {
                self.bids.remove(&key)
            } else {
                self.asks.remove(&key)
            };
            self.credit(&side, &who, if buys { cost(price, order.amount) } else { order.amount.into() });
            Ok(order.amount)
        }

        /// The best offers to buy or to sell: price and amount, at most `most` of them.
        #[method]
        pub fn offers(&self, side: Side, most: u32) -> Vec<(u64, u64)> {
            let buys = side == Side::Buy;
            let offers = if buys { &self.bids } else { &self.asks };
            let mut found = Vec::new();
            let mut entry = offers.first();
            while let Some((key, order)) = entry.filter(|_| found.len() < most as usize) {
                found.push((if buys { u64::MAX - key.0 } else { key.0 }, order.amount));
                entry = offers.after(&key);
            }
            found
        }

        fn token(&self, side: &Side) -> Erc20Ref {
            let (goods, money) = self.tokens.get().expect("set by the constructor");
            Erc20Ref::at(if *side == Side::Buy { money } else { goods })
        }

        /// The ledger of what a side gives: buyers money, sellers goods.
        fn ledger(&mut self, side: &Side) -> &mut Map<AccountId, Balance> {
            if *side == Side::Buy {
                &mut self.money
            } else {
                &mut self.goods
            }
        }

        fn credit(&mut self, side: &Side, who: &AccountId, amount: Balance) {
            let ledger = self.ledger(side);
            let more = ledger.get_or_default(who) + amount;
            ledger.insert(who, &more);
        }

        fn debit(&mut self, side: &Side, who: &AccountId, amount: Balance) -> Result<(), Error> {
            let ledger = self.ledger(side);
            let has = ledger.get_or_default(who);
            let left = has.checked_sub(amount).ok_or(Error::NotEnough { has })?;
            ledger.insert(who, &left);
            Ok(())
        }

        /// Takes what was traded from the offer that was met.
        fn take(&mut self, key: &(u64, u64), met: Order, traded: u64, buys: bool) {
            let offers = if buys { &mut self.asks } else { &mut self.bids };
            if traded == met.amount {
                offers.remove(key);
            } else {
                offers.insert(key, &Order { amount: met.amount - traded, ..met });
            }
        }
    }

    fn cost(price: u64, amount: u64) -> Balance {
        Balance::from(price) * Balance::from(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::order_book::{Error, OrderBook, OrderBookRef, Side, Traded};
    use erc20::erc20::{Erc20, Erc20Ref};
    use unfork_contract::{bench, prelude::*};

    #[test]
    fn the_best_price_comes_first_and_of_one_price_the_oldest() {
        bench::reset();
        let (alice, bob, carol) = (bench::account("alice"), bench::account("bob"), bench::account("carol"));
        let code = bench::upload::<Erc20>();
        let goods = Erc20Ref::deploy_new(Deploy::of(code).salt(b"goods"), 1000).expect("a token");
        let money = Erc20Ref::deploy_new(Deploy::of(code).salt(b"money"), 1000).expect("a token");
        let deploy = Deploy::of(bench::upload::<OrderBook>());
        let book = OrderBookRef::deploy_new(deploy, goods.address(), money.address()).expect("a book");
        assert_eq!(book.deposit(Side::Sell, 10), Ok(Err(Error::Token)), "nothing was approved");
        for to in [bob, carol] {
            assert_eq!((goods.transfer(to, 100), money.transfer(to, 500)), (Ok(Ok(())), Ok(Ok(()))));
        }
        for (who, side, token, amount) in
            [(bob, Side::Sell, goods, 60), (carol, Side::Sell, goods, 20), (carol, Side::Buy, money, 300)]
        {
            bench::act_as(who);
            assert_eq!(token.approve(book.address(), amount), Ok(Ok(())));
            assert_eq!(book.deposit(side, amount), Ok(Ok(())));
        }
        bench::act_as(bob);
        assert_eq!(book.place(Side::Sell, 7, 20), Ok(Ok((0, 0))));
        assert_eq!(book.place(Side::Sell, 5, 10), Ok(Ok((1, 0))));
        bench::act_as(carol);
        assert_eq!(book.place(Side::Sell, 5, 10), Ok(Ok((2, 0))));
        assert_eq!(book.place(Side::Sell, 5, 11), Ok(Err(Error::NotEnough { has: 10 })));
        assert_eq!(book.offers(Side::Sell, 9), Ok(vec![(5, 10), (5, 10), (7, 20)]));
        // 10 of Bob's at 5, 10 of her own at 5, 5 of Bob's at 7; what she offered above that comes back.
        assert_eq!(book.place(Side::Buy, 8, 25), Ok(Ok((3, 25))));
        let trades: Vec<Traded> = bench::events().iter().filter_map(|told| told.as_event()).collect();
        let trade = |seller, price, amount| Traded { buyer: carol, seller, price, amount };
        assert_eq!(trades, [trade(bob, 5, 10), trade(carol, 5, 10), trade(bob, 7, 5)]);
        assert_eq!(book.free(carol), Ok((10 + 25, 300 - 50 - 50 - 35 + 50)));
        assert_eq!(book.free(bob), Ok((30, 50 + 35)));
        assert_eq!(book.place(Side::Buy, 6, 10), Ok(Ok((4, 0))));
        assert_eq!((book.offers(Side::Buy, 9), book.offers(Side::Sell, 9)), (Ok(vec![(6, 10)]), Ok(vec![(7, 15)])));
        bench::act_as(bob);
        assert_eq!(book.place(Side::Sell, 6, 4), Ok(Ok((5, 4))));
        assert_eq!(book.cancel(Side::Buy, 6, 4), Ok(Err(Error::NoOrder)), "it is Carol's");
        assert_eq!((book.cancel(Side::Sell, 7, 0), book.withdraw(Side::Sell, 41)), (Ok(Ok(15)), Ok(Ok(()))));
        assert_eq!(book.free(bob), Ok((0, 85 + 24)));
        assert_eq!((goods.balance_of(bob), goods.balance_of(alice)), (Ok(100 - 60 + 41), Ok(800)));
    }
}
