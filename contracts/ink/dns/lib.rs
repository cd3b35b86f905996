//! Names that stand for accounts, first come, first served, for a fee.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod dns {
    use ink::{prelude::string::String, storage::Mapping};

    #[ink(storage)]
    pub struct Dns {
        fee: Balance,
        owners: Mapping<String, AccountId>,
        addresses: Mapping<String, AccountId>,
    }

    #[ink(event)]
    pub struct Registered {
        /// Its topic is the hash of the name, if that is long.
        #[ink(topic)]
        name: String,
        #[ink(topic)]
        owner: AccountId,
    }

    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        Taken,
        NotTheOwner,
        BadName,
        WrongFee { asked: Balance },
    }

    /// The longest name in bytes.
    const NAME_BYTES_MAX: usize = 64;

    impl Dns {
        #[ink(constructor)]
        pub fn new(fee: Balance) -> Self {
            Self { fee, owners: Mapping::new(), addresses: Mapping::new() }
        }

        /// The name is the caller's from now on, and stands for nobody yet.
        #[ink(message, payable)]
        pub fn register(&mut self, name: String) -> Result<(), Error> {
            if self.env().transferred_value() != self.fee {
                return Err(Error::WrongFee { asked: self.fee });
            }
            let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(letters) {
                return Err(Error::BadName);
            }
            if self.owners.contains(&name) {
                return Err(Error::Taken);
            }
            let owner = self.env().caller();
            self.owners.insert(&name, &owner);
            self.env().emit_event(Registered { name, owner });
            Ok(())
        }

        #[ink(message)]
        pub fn set_address(&mut self, name: String, address: AccountId) -> Result<(), Error> {
            self.only_owner(&name)?;
            self.addresses.insert(&name, &address);
            Ok(())
        }

        #[ink(message)]
        pub fn give(&mut self, name: String, to: AccountId) -> Result<(), Error> {
            self.only_owner(&name)?;
            self.owners.insert(&name, &to);
            Ok(())
        }

        #[ink(message)]
        pub fn address_of(&self, name: String) -> Option<AccountId> {
            self.addresses.get(&name)
        }

        #[ink(message)]
        pub fn owner_of(&self, name: String) -> Option<AccountId> {
            self.owners.get(&name)
        }

        fn only_owner(&self, name: &String) -> Result<(), Error> {
            if self.owners.get(name) == Some(self.env().caller()) {
                Ok(())
            } else {
                Err(Error::NotTheOwner)
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{test, DefaultEnvironment};

        #[ink::test]
        fn names_belong_to_who_was_first() {
            let who = test::default_accounts::<DefaultEnvironment>();
            let mut names = Dns::new(5);
            assert_eq!(names.register("unfork".into()), Err(Error::WrongFee { asked: 5 }));
            test::set_value_transferred::<DefaultEnvironment>(5);
            assert_eq!(names.register("Un fork".into()), Err(Error::BadName));
            assert_eq!(names.register("unfork".into()), Ok(()));
            assert_eq!(names.address_of("unfork".into()), None);
            assert_eq!(names.set_address("unfork".into(), who.eve), Ok(()));
            test::set_caller::<DefaultEnvironment>(who.bob);
            assert_eq!(names.register("unfork".into()), Err(Error::Taken));
            assert_eq!(names.give("unfork".into(), who.bob), Err(Error::NotTheOwner));
            assert_eq!(names.address_of("unfork".into()), Some(who.eve));
        }
    }
}
