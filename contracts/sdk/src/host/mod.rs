//! The host: the chain itself, or a chain on the test bench with the same functions.

#[cfg(target_arch = "wasm32")]
mod seal;
#[cfg(target_arch = "wasm32")]
pub(crate) use seal::*;

#[cfg(not(target_arch = "wasm32"))]
pub mod bench;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use bench::host::*;
