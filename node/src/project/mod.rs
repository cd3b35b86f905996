//! Contract projects: a new one, and building one.
//!
//! [`create()`] writes a package that uses the crate `unfork-contract`; [`build()`] compiles it for wasm32 and takes out of the
//! result what a chain does not need.

mod build;
mod create;
mod wasm;

pub use build::{BuildError, Built, build};
pub use create::{CreateError, create};
pub use wasm::{INTERFACE_SECTION, Stripped, strip};
