//! Contracts of `contracts/fixtures`, built into the library so that a fuzz target needs no file.

/// The flipper of ink! 5.1.
pub const FLIPPER: &[u8] = include_bytes!("../../../contracts/fixtures/ink-5.1/flipper.wasm");
/// The ERC-20 token of ink! 5.1.
pub const ERC20: &[u8] = include_bytes!("../../../contracts/fixtures/ink-5.1/erc20.wasm");
/// A counter in C, without an SDK.
pub const COUNTER: &[u8] = include_bytes!("../../../contracts/fixtures/plain/counter-mvp.wasm");
/// A counter in AssemblyScript.
pub const COUNTER_AS: &[u8] = include_bytes!("../../../contracts/fixtures/plain/counter-as.wasm");
/// A contract in Rust with the compiler's default features.
pub const RUST_DEFAULT: &[u8] = include_bytes!("../../../contracts/fixtures/plain/rust-default-features.wasm");

/// All of them.
pub const ALL: [&[u8]; 5] = [FLIPPER, ERC20, COUNTER, COUNTER_AS, RUST_DEFAULT];

/// What the contracts of [`deployed`] can be asked, as selectors: `get`, `flip`, then the ERC-20's messages.
pub const SELECTORS: [[u8; 4]; 9] = [
    [0x2f, 0x86, 0x5b, 0xd9],
    [0x63, 0x3a, 0xa5, 0x51],
    [0xdb, 0x63, 0x75, 0xa8],
    [0x0f, 0x75, 0x5a, 0x56],
    [0x84, 0xa1, 0x5d, 0xa1],
    [0x68, 0x12, 0x66, 0xa0],
    [0x0b, 0x39, 0x6f, 0x18],
    [0x6a, 0x00, 0x16, 0x5e],
    [0x9b, 0xae, 0x9d, 0x5e],
];

/// Code and constructor input of the contracts that a generated chain begins with.
#[must_use]
pub fn deployed() -> [(&'static [u8], Vec<u8>); 3] {
    let new = SELECTORS[8];
    let supply = 1_000_000u128.to_le_bytes();
    [(FLIPPER, [new.as_slice(), &[1]].concat()), (ERC20, [new.as_slice(), &supply].concat()), (COUNTER, Vec::new())]
}
