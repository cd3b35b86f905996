//! Everything that a mapping can do.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod mapping {
    use ink::{
        prelude::{string::String, vec::Vec},
        storage::Mapping,
    };

    #[ink(storage)]
    #[derive(Default)]
    pub struct Mappings {
        names: Mapping<AccountId, String>,
        pairs: Mapping<(u8, String), Vec<u16>>,
        marks: Mapping<u32, ()>,
    }

    impl Mappings {
        #[ink(constructor)]
        pub fn new() -> Self {
            Self::default()
        }

        /// The length of what was there before, as it is stored.
        #[ink(message)]
        pub fn insert(&mut self, name: String) -> Option<u32> {
            self.names.insert(self.env().caller(), &name)
        }

        #[ink(message)]
        pub fn get(&self) -> Option<String> {
            self.names.get(self.env().caller())
        }

        #[ink(message)]
        pub fn size(&self) -> Option<u32> {
            self.names.size(self.env().caller())
        }

        #[ink(message)]
        pub fn contains(&self) -> bool {
            self.names.contains(self.env().caller())
        }

        #[ink(message)]
        pub fn remove(&mut self) {
            self.names.remove(self.env().caller());
        }

        /// Removes and gives it.
        #[ink(message)]
        pub fn take(&mut self) -> Option<String> {
            self.names.take(self.env().caller())
        }

        /// Values under a key of two parts; all of them after this one was added.
        #[ink(message)]
        pub fn push(&mut self, group: u8, name: String, value: u16) -> Vec<u16> {
            let key = (group, name);
            let mut values = self.pairs.get(&key).unwrap_or_default();
            values.push(value);
            self.pairs.insert(&key, &values);
            values
        }

        /// Whether a value without bytes was there before; it is now.
        #[ink(message)]
        pub fn mark(&mut self, number: u32) -> Option<u32> {
            self.marks.insert(number, &())
        }

        /// Whether a value of this many letters fits.
        #[ink(message)]
        pub fn insert_letters(&mut self, letters: u32) -> bool {
            let long = String::from_utf8([b'x'].repeat(letters as usize)).expect("letters");
            self.names.try_insert(self.env().caller(), &long).is_ok()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn mappings_remember_and_forget() {
            let mut all = Mappings::new();
            assert_eq!((all.get(), all.contains(), all.size()), (None, false, None));
            assert_eq!(all.insert("ann".into()), None);
            assert_eq!(all.insert("annabel".into()), Some(4), "three letters behind their count");
            assert_eq!((all.get(), all.size()), (Some("annabel".into()), Some(8)));
            assert_eq!(all.take(), Some("annabel".into()));
            assert_eq!(all.take(), None);
            assert_eq!(all.push(1, "a".into(), 5), [5]);
            assert_eq!(all.push(1, "a".into(), 6), [5, 6]);
            assert_eq!(all.push(2, "a".into(), 7), [7]);
            assert_eq!((all.mark(3), all.mark(3)), (None, Some(0)));
        }
    }
}
