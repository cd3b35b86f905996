//! A value that anybody can turn round.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[unfork_contract::contract]
pub mod flipper {
    use unfork_contract::prelude::*;

    /// One bit, and who turned it last.
    #[storage]
    pub struct Flipper {
        on: Cell<bool>,
        by: Cell<AccountId>,
    }

    /// It was turned.
    #[event]
    pub struct Flipped {
        #[indexed]
        by: AccountId,
        on: bool,
    }

    impl Flipper {
        #[constructor]
        pub fn new(&mut self, on: bool) {
            self.on.set(&on);
        }

        /// Turns it round.
        #[method]
        pub fn flip(&mut self) {
            let (by, on) = (env::caller(), !self.get());
            self.on.set(&on);
            self.by.set(&by);
            env::emit(&Flipped { by, on });
        }

        #[method]
        pub fn get(&self) -> bool {
            self.on.get_or_default()
        }

        /// Who turned it last.
        #[method]
        pub fn last(&self) -> Option<AccountId> {
            self.by.get()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::flipper::{Flipped, Flipper, FlipperRef};
    use unfork_contract::{bench, prelude::*};

    #[test]
    fn flips_and_tells() {
        bench::reset();
        let flipper = FlipperRef::deploy_new(Deploy::of(bench::upload::<Flipper>()), true).expect("a flipper");
        assert_eq!((flipper.get(), flipper.last()), (Ok(true), Ok(None)));
        let bob = bench::account("bob");
        bench::act_as(bob);
        assert_eq!(flipper.flip(), Ok(()));
        assert_eq!((flipper.get(), flipper.last()), (Ok(false), Ok(Some(bob))));
        assert_eq!(bench::events()[0].as_event(), Some(Flipped { by: bob, on: false }));
    }
}
