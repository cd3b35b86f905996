//! A wallet that several own: what so many of them have agreed to, it does.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod multisig {
    use ink::{
        env::call::{build_call, ExecutionInput, Selector},
        env::{CallFlags, DefaultEnvironment},
        prelude::vec::Vec,
        scale::Output,
        storage::Mapping,
    };

    /// A call that the wallet may make.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Proposal {
        callee: AccountId,
        selector: [u8; 4],
        input: Vec<u8>,
        value: Balance,
        /// Whether the callee may call the wallet back.
        reentry: bool,
    }

    #[ink(storage)]
    pub struct Multisig {
        owners: Vec<AccountId>,
        needed: u32,
        next: u32,
        proposals: Mapping<u32, Proposal>,
        agreed: Mapping<(u32, AccountId), ()>,
        counts: Mapping<u32, u32>,
    }

    #[ink(event)]
    pub struct Done {
        #[ink(topic)]
        proposal: u32,
    }

    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        NotAnOwner,
        OnlyTheWallet,
        NoProposal,
        NotAgreed,
        Failed,
        AlreadyAnOwner,
    }

    /// Bytes that are encoded already.
    struct Bytes<'a>(&'a [u8]);

    impl ink::scale::Encode for Bytes<'_> {
        fn encode_to<T: Output + ?Sized>(&self, out: &mut T) {
            out.write(self.0);
        }
    }

    impl Multisig {
        /// A wallet of these owners, `needed` of whom must agree.
        #[ink(constructor, payable)]
        pub fn new(owners: Vec<AccountId>, needed: u32) -> Self {
            let count = owners.len() as u32;
            assert!(needed > 0 && needed <= count, "so many owners cannot agree");
            Self { owners, needed, next: 0, proposals: Mapping::new(), agreed: Mapping::new(), counts: Mapping::new() }
        }

        /// Takes money.
        #[ink(message, payable, selector = 0x00000001)]
        pub fn pay_in(&mut self) {}

        #[ink(message)]
        pub fn owners(&self) -> Vec<AccountId> {
            self.owners.clone()
        }

        /// Proposes a call, and agrees to it.
        #[ink(message)]
        pub fn propose(&mut self, proposal: Proposal) -> Result<u32, Error> {
            let number = self.next;
            self.proposals.insert(number, &proposal);
            self.next = number.checked_add(1).expect("fewer proposals than numbers for them");
            self.agree(number)?;
            Ok(number)
        }

        /// Agrees to a proposal; gives how many have.
        #[ink(message)]
        pub fn agree(&mut self, number: u32) -> Result<u32, Error> {
            let caller = self.owner()?;
            if !self.proposals.contains(number) {
                return Err(Error::NoProposal);
            }
            let mut count = self.counts.get(number).unwrap_or(0);
            if !self.agreed.contains((number, caller)) {
                self.agreed.insert((number, caller), &());
                count = count.saturating_add(1);
                self.counts.insert(number, &count);
            }
            Ok(count)
        }

        /// Takes the agreement back; gives how many are left.
        #[ink(message)]
        pub fn revoke(&mut self, number: u32) -> Result<u32, Error> {
            let caller = self.owner()?;
            let mut count = self.counts.get(number).unwrap_or(0);
            if self.agreed.take((number, caller)).is_some() {
                count = count.saturating_sub(1);
                self.counts.insert(number, &count);
            }
            Ok(count)
        }

        /// Does what was agreed to, once; gives what the callee answered, without its envelope.
        #[ink(message)]
        pub fn execute(&mut self, number: u32) -> Result<Vec<u8>, Error> {
            if self.counts.get(number).unwrap_or(0) < self.needed {
                return Err(Error::NotAgreed);
            }
            let proposal = self.proposals.take(number).ok_or(Error::NoProposal)?;
            let flags = if proposal.reentry { CallFlags::ALLOW_REENTRY } else { CallFlags::empty() };
            let input = ExecutionInput::new(Selector::new(proposal.selector)).push_arg(Bytes(&proposal.input));
            let answer = build_call::<DefaultEnvironment>()
                .call(proposal.callee)
                .transferred_value(proposal.value)
                .call_flags(flags)
                .exec_input(input)
                .returns::<Rest>()
                .try_invoke();
            match answer {
                Ok(Ok(Rest(bytes))) => {
                    self.env().emit_event(Done { proposal: number });
                    Ok(bytes)
                }
                _ => Err(Error::Failed),
            }
        }

        /// Only the wallet itself can do this, so the owners must agree to it.
        #[ink(message)]
        pub fn add_owner(&mut self, owner: AccountId) -> Result<(), Error> {
            if self.env().caller() != self.env().account_id() {
                return Err(Error::OnlyTheWallet);
            }
            if self.owners.contains(&owner) {
                return Err(Error::AlreadyAnOwner);
            }
            self.owners.push(owner);
            Ok(())
        }

        fn owner(&self) -> Result<AccountId, Error> {
            let caller = self.env().caller();
            if self.owners.contains(&caller) {
                Ok(caller)
            } else {
                Err(Error::NotAnOwner)
            }
        }
    }

    /// All bytes that are left.
    struct Rest(Vec<u8>);

    impl ink::scale::Decode for Rest {
        fn decode<I: ink::scale::Input>(input: &mut I) -> Result<Self, ink::scale::Error> {
            let mut bytes = Vec::new();
            while let Ok(byte) = input.read_byte() {
                bytes.push(byte);
            }
            Ok(Rest(bytes))
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn by(caller: AccountId) {
            ink::env::test::set_caller::<DefaultEnvironment>(caller);
        }

        #[ink::test]
        fn agreement_is_counted_once_for_each_owner() {
            let who = ink::env::test::default_accounts::<DefaultEnvironment>();
            let mut wallet = Multisig::new([who.alice, who.bob].to_vec(), 2);
            let proposal = Proposal { callee: who.eve, selector: [0; 4], input: Vec::new(), value: 0, reentry: false };
            by(who.alice);
            assert_eq!(wallet.propose(proposal.clone()), Ok(0));
            assert_eq!(wallet.agree(0), Ok(1));
            assert_eq!(wallet.execute(0), Err(Error::NotAgreed));
            assert_eq!(wallet.agree(1), Err(Error::NoProposal));
            by(who.eve);
            assert_eq!(wallet.agree(0), Err(Error::NotAnOwner));
            by(who.bob);
            assert_eq!(wallet.agree(0), Ok(2));
            assert_eq!(wallet.revoke(0), Ok(1));
            assert_eq!(wallet.add_owner(who.eve), Err(Error::OnlyTheWallet));
        }
    }
}
