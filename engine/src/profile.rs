//! Which profiles there are, and what each asks of code. A profile is chosen at upload, stored with the code and never
//! guessed; `abi/` carries it out.

use crate::abi::{cosmwasm, seal_imports};
use parity_scale_codec::{Decode, Encode};
use unfork_gas::{Entry, Floats, Linking, Profile, ValueType};

/// The profiles there are; the numbers are consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[repr(u8)]
pub enum ProfileId {
    /// `seal`: what ink! 5 and small contracts in C, Rust, Zig and AssemblyScript are written against (docs/abi.md).
    #[codec(index = 1)]
    Seal = 1,
    /// A thin slice of CosmWasm, which no released rules admit (docs/abi.md §7).
    #[codec(index = 2)]
    CosmWasm = 2,
}

impl ProfileId {
    /// Every profile.
    pub const ALL: &'static [Self] = &[Self::Seal, Self::CosmWasm];

    /// The number in transactions and records.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Seal => 1,
            Self::CosmWasm => 2,
        }
    }

    /// The profile of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|profile| profile.number() == number)
    }

    /// The name people use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::CosmWasm => "cosmwasm",
        }
    }

    /// What admission checks code of this profile against under a protocol version: imports, entry points, memory, floats.
    #[must_use]
    pub fn for_admission(self, version: u32) -> Profile<'static> {
        match self {
            Self::Seal => Profile {
                name: "seal",
                imports: seal_imports::sorted(version),
                entries: &[
                    Entry { name: "call", params: &[], results: &[], required: true },
                    Entry { name: "deploy", params: &[], results: &[], required: true },
                ],
                memory_import: Some(("env", "memory")),
                floats: Floats::Forbid,
                linking: Linking::Closed,
            },
            Self::CosmWasm => Profile {
                name: "cosmwasm",
                imports: cosmwasm::IMPORTS,
                entries: &[
                    Entry { name: "allocate", params: &[ValueType::I32], results: &[ValueType::I32], required: true },
                    Entry { name: "deallocate", params: &[ValueType::I32], results: &[], required: true },
                    Entry {
                        name: "instantiate",
                        params: &[ValueType::I32; 3],
                        results: &[ValueType::I32],
                        required: true,
                    },
                ],
                memory_import: None,
                floats: Floats::Canonical,
                linking: Linking::Closed,
            },
        }
    }

    /// The only length of address it can work with, if there is one.
    #[must_use]
    pub fn address_length(self) -> Option<usize> {
        match self {
            Self::Seal => Some(32),
            Self::CosmWasm => None,
        }
    }
}
