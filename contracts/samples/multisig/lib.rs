//! A wallet that several own: what enough of them agree to, it does.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[unfork_contract::contract]
pub mod multisig {
    use unfork_contract::call::Target;
    use unfork_contract::prelude::*;

    /// Owners, proposals, and who has agreed to them.
    #[storage]
    pub struct Multisig {
        owners: Cell<Vec<AccountId>>,
        needed: Cell<u32>,
        next: Cell<u32>,
        proposals: Map<u32, Proposal>,
        agreed: Map<(u32, AccountId), ()>,
        counts: Map<u32, u32>,
    }

    /// What is to be done: money to an account, or a call with this input.
    #[data]
    pub struct Proposal {
        to: AccountId,
        value: Balance,
        input: Option<Vec<u8>>,
    }

    #[data]
    pub enum Error {
        NotAnOwner,
        NoProposal,
        NotAgreed {
            missing: u32,
        },
        /// What was agreed to could not be done.
        Failed,
        BadOwners,
    }

    #[event]
    pub struct Done {
        #[indexed]
        proposal: u32,
    }

    impl Multisig {
        /// A wallet of these owners, `needed` of whom must agree.
        #[constructor(payable)]
        pub fn new(&mut self, owners: Vec<AccountId>, needed: u32) -> Result<(), Error> {
            let twice = owners.iter().enumerate().any(|(index, owner)| owners[..index].contains(owner));
            if twice || needed == 0 || needed as usize > owners.len() {
                return Err(Error::BadOwners);
            }
            self.owners.set(&owners);
            self.needed.set(&needed);
            Ok(())
        }

        /// Takes money.
        #[method(payable)]
        pub fn pay_in(&mut self) {}

        #[method]
        pub fn owners(&self) -> Vec<AccountId> {
            self.owners.get_or_default()
        }

        /// Proposes, agrees, and gives the proposal's number.
        #[method]
        pub fn propose(&mut self, proposal: Proposal) -> Result<u32, Error> {
            let number = self.next.get_or_default();
            self.proposals.insert(&number, &proposal);
            self.next.set(&(number + 1));
            self.agree(number)?;
            Ok(number)
        }

        /// Gives how many have agreed.
        #[method]
        pub fn agree(&mut self, number: u32) -> Result<u32, Error> {
            let caller = env::caller();
            if !self.owners().contains(&caller) {
                return Err(Error::NotAnOwner);
            }
            if !self.proposals.contains(&number) {
                return Err(Error::NoProposal);
            }
            let mut count = self.counts.get_or_default(&number);
            if !self.agreed.insert(&(number, caller), &()) {
                count += 1;
                self.counts.insert(&number, &count);
            }
            Ok(count)
        }

        /// Does what was agreed to, once; anybody may ask for it.
        #[method]
        pub fn execute(&mut self, number: u32) -> Result<(), Error> {
            let proposal = self.proposals.take(&number).ok_or(Error::NoProposal)?;
            let (needed, count) = (self.needed.get_or_default(), self.counts.get_or_default(&number));
            if count < needed {
                return Err(Error::NotAgreed { missing: needed - count });
            }
            let done = match proposal.input {
                None => env::transfer(&proposal.to, proposal.value),
                // Whatever the callee answers, as long as it does.
                Some(input) => match (Target { value: proposal.value, ..Target::at(proposal.to) }).call::<()>(&input) {
                    Ok(()) | Err(CallError::OtherAnswer) => Ok(()),
                    Err(error) => Err(error),
                },
            };
            done.map_err(|_| Error::Failed)?;
            env::emit(&Done { proposal: number });
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::multisig::{Error, Multisig, MultisigRef, Proposal};
    use unfork_contract::{bench, prelude::*};

    #[test]
    fn two_of_three_pay() {
        bench::reset();
        let (alice, bob, carol) = (bench::account("alice"), bench::account("bob"), bench::account("carol"));
        bench::fund(alice, 100);
        let code = bench::upload::<Multisig>();
        let new = |owners: &[AccountId], needed| {
            MultisigRef::deploy_new(Deploy::of(code).value(50), owners.to_vec(), needed).expect("an answer")
        };
        assert_eq!(new(&[alice, alice], 1), Err(Error::BadOwners));
        assert_eq!(new(&[alice, bob], 3), Err(Error::BadOwners));
        let wallet = new(&[alice, bob], 2).expect("a wallet");
        let pay = |value| Proposal { to: carol, value, input: None };
        assert_eq!((wallet.propose(pay(20)), wallet.agree(0)), (Ok(Ok(0)), Ok(Ok(1))));
        assert_eq!(wallet.execute(0), Ok(Err(Error::NotAgreed { missing: 1 })));
        bench::act_as(carol);
        assert_eq!(wallet.agree(0), Ok(Err(Error::NotAnOwner)));
        bench::act_as(bob);
        assert_eq!((wallet.agree(1), wallet.agree(0)), (Ok(Err(Error::NoProposal)), Ok(Ok(2))));
        assert_eq!((wallet.execute(0), wallet.execute(0)), (Ok(Ok(())), Ok(Err(Error::NoProposal))));
        assert_eq!((bench::balance_of(carol), bench::balance_of(wallet.address())), (20, 30));
        assert_eq!(wallet.propose(pay(31)), Ok(Ok(1)));
        bench::act_as(alice);
        assert_eq!((wallet.agree(1), wallet.execute(1)), (Ok(Ok(2)), Ok(Err(Error::Failed))));
    }
}
