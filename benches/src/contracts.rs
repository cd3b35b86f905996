//! The contracts and kernels of `contracts/fixtures`, each with a profile that admits it.

use unfork_engine::ProfileId;
use unfork_gas::{Entry, Floats, Import, Linking, Profile, ValueType::I32, ValueType::I64};

/// One module.
pub struct Fixture {
    /// Folder and file.
    pub name: &'static str,
    /// The module.
    pub code: &'static [u8],
    /// What it is written for.
    pub profile: Profile<'static>,
}

macro_rules! fixtures {
    ($($profile:expr => $($name:literal)*;)*) => {
        vec![$($(Fixture {
            name: $name,
            code: include_bytes!(concat!("../../contracts/fixtures/", $name, ".wasm")),
            profile: $profile,
        },)*)*]
    };
}

/// All fixtures.
#[must_use]
pub fn fixtures() -> Vec<Fixture> {
    fixtures! {
        ProfileId::Seal.for_admission(1) =>
            "ink-5.1/flipper" "ink-5.1/erc20" "plain/counter-mvp" "plain/counter-as" "plain/counter-zig"
            "plain/rust-default-features";
        COSMWASM => "cosmwasm/token" "cosmwasm/counter";
        KERNEL =>
            "kernels/crc" "kernels/fib" "kernels/json" "kernels/keccak" "kernels/matmul" "kernels/sha256"
            "kernels/sort" "kernels/tak";
    }
}

/// A loop without host calls.
pub const KERNEL: Profile<'static> = Profile {
    name: "kernel",
    imports: &[],
    entries: &[Entry { name: "run", params: &[I32], results: &[I32], required: true }],
    memory_import: None,
    floats: Floats::Canonical,
    linking: Linking::Closed,
};

/// Enough of CosmWasm's imports to admit the two contracts; the engine does not run them yet.
const COSMWASM: Profile<'static> = Profile {
    name: "cosmwasm",
    imports: &[
        cosmwasm("abort", &[I32], &[]),
        cosmwasm("addr_canonicalize", &[I32, I32], &[I32]),
        cosmwasm("addr_humanize", &[I32, I32], &[I32]),
        cosmwasm("addr_validate", &[I32], &[I32]),
        cosmwasm("db_next", &[I32], &[I32]),
        cosmwasm("db_read", &[I32], &[I32]),
        cosmwasm("db_remove", &[I32], &[]),
        cosmwasm("db_scan", &[I32, I32, I32], &[I32]),
        cosmwasm("db_write", &[I32, I32], &[]),
        cosmwasm("debug", &[I32], &[]),
        cosmwasm("ed25519_batch_verify", &[I32, I32, I32], &[I32]),
        cosmwasm("ed25519_verify", &[I32, I32, I32], &[I32]),
        cosmwasm("query_chain", &[I32], &[I32]),
        cosmwasm("secp256k1_recover_pubkey", &[I32, I32, I32], &[I64]),
        cosmwasm("secp256k1_verify", &[I32, I32, I32], &[I32]),
    ],
    entries: &[],
    memory_import: None,
    floats: Floats::Canonical,
    linking: Linking::Closed,
};

const fn cosmwasm(
    name: &'static str,
    params: &'static [unfork_gas::ValueType],
    results: &'static [unfork_gas::ValueType],
) -> Import<'static> {
    Import { module: "env", name, params, results }
}
