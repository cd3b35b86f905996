//! The macro behind [`Schedule`](crate::Schedule) and [`Limits`](crate::Limits): a consensus table is one list of
//! fields with unit and meaning, from which the type, its field list, its setter and its hash all follow.

use alloc::vec::Vec;
use parity_scale_codec::Encode;
use sha3::{Digest, Keccak256};

/// Keccak-256 of the SCALE encoding of the list of (name, value), in the order of declaration.
pub(crate) fn hash_fields(fields: impl Iterator<Item = (&'static str, u64)>) -> [u8; 32] {
    let list: Vec<(&str, u64)> = fields.collect();
    Keccak256::digest(list.encode()).into()
}

/// Declares a table: `name: "unit", "what it is";` per field, all of type `u64`.
macro_rules! table {
    ($(#[$meta:meta])* pub struct $table:ident { $($(#[$part:meta])* $field:ident : $unit:literal, $what:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each field's doc is made from its row")]
        pub struct $table {
            $(#[doc = $what] #[doc = concat!("\n\nUnit: ", $unit, ".")] pub $field: u64,)*
        }

        impl $table {
            /// Every row as (name, unit, meaning), in the order of declaration, which is the order of the hash.
            pub const ROWS: &'static [(&'static str, &'static str, &'static str)] =
                &[$((stringify!($field), $unit, $what),)*];

            /// Every field with its value, in the order of declaration.
            pub fn fields(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field),)*].into_iter()
            }

            /// Sets one field by name, for chain specifications and tests; false when there is no such field.
            #[must_use]
            pub fn set(&mut self, name: &str, value: u64) -> bool {
                match name {
                    $(stringify!($field) => self.$field = value,)*
                    _ => return false,
                }
                true
            }

            /// Keccak-256 of the SCALE encoding of the list of (name, value), as [`fields`](Self::fields) gives it.
            #[must_use]
            pub fn hash(&self) -> [u8; 32] {
                $crate::table::hash_fields(self.fields())
            }
        }
    };
}
pub(crate) use table;
