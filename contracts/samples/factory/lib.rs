//! Makes flippers, and keeps a list of them.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[unfork_contract::contract]
pub mod factory {
    use flipper::flipper::FlipperRef;
    use unfork_contract::prelude::*;

    /// The code it makes contracts of, and those it has made.
    #[storage]
    pub struct Factory {
        code: Cell<Hash>,
        count: Cell<u32>,
        made: Map<u32, AccountId>,
    }

    #[event]
    pub struct Made {
        #[indexed]
        address: AccountId,
    }

    #[data]
    pub enum Error {
        /// The chain has no such code, or its constructor has failed.
        NotMade,
        NotFound,
    }

    impl Factory {
        #[constructor]
        pub fn new(&mut self, code: Hash) {
            self.code.set(&code);
        }

        /// A flipper; gives its address.
        #[method]
        pub fn make(&mut self, on: bool) -> Result<AccountId, Error> {
            let (code, number) = (self.code.get_or_default(), self.count.get_or_default());
            let deploy = Deploy::of(code).salt(&number.to_le_bytes());
            let address = FlipperRef::deploy_new(deploy, on).map_err(|_| Error::NotMade)?.address();
            self.made.insert(&number, &address);
            self.count.set(&(number + 1));
            env::emit(&Made { address });
            Ok(address)
        }

        #[method]
        pub fn made(&self, number: u32) -> Option<AccountId> {
            self.made.get(&number)
        }

        /// Turns one of them round, and says what it shows then.
        #[method]
        pub fn flip(&mut self, number: u32) -> Result<bool, Error> {
            let flipper = FlipperRef::at(self.made.get(&number).ok_or(Error::NotFound)?);
            flipper.flip().and_then(|()| flipper.get()).map_err(|_| Error::NotFound)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::factory::{Error, Factory, FactoryRef};
    use flipper::flipper::{Flipper, FlipperRef};
    use unfork_contract::{bench, prelude::*};

    #[test]
    fn makes_flippers() {
        bench::reset();
        let code = bench::upload::<Factory>();
        let none = FactoryRef::deploy_new(Deploy::of(code), Hash([7; 32])).expect("a factory");
        assert_eq!(none.make(true), Ok(Err(Error::NotMade)));
        let factory = FactoryRef::deploy_new(Deploy::of(code), bench::upload::<Flipper>()).expect("a factory");
        let one = factory.make(true).expect("an answer").expect("a flipper");
        let two = factory.make(true).expect("an answer").expect("a flipper");
        assert_ne!(one, two);
        assert_eq!((factory.made(1), factory.made(2)), (Ok(Some(two)), Ok(None)));
        assert_eq!((factory.flip(1), factory.flip(1), factory.flip(1)), (Ok(Ok(false)), Ok(Ok(true)), Ok(Ok(false))));
        assert_eq!((FlipperRef::at(one).get(), FlipperRef::at(two).get()), (Ok(true), Ok(false)));
        assert_eq!(FlipperRef::at(two).last(), Ok(Some(factory.address())));
        assert_eq!(factory.flip(2), Ok(Err(Error::NotFound)));
    }
}
