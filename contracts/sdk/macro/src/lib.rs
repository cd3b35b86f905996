//! The attribute `contract` of unfork-contract: a module with a storage struct and its methods becomes a contract.

mod check;
mod expand;
mod interface;
mod model;

use proc_macro::TokenStream;

/// Makes a module a contract. Inside of it these attributes count:
///
/// - `#[storage]` on one struct, whose fields are `Cell`s and `Map`s, numbered in their order;
/// - `#[constructor]` on methods with `&mut self` that return nothing, or a `Result` of nothing;
/// - `#[method]` on methods with `&self` (calls to them change nothing, which clients and interface say) or `&mut self`;
///   `#[method(payable)]` takes value, `#[method(selector = 0x…)]` has this selector instead of the hash of its name;
/// - `#[event]` on structs, of whose fields up to three are `#[indexed]`;
/// - `#[data]` on structs and enums that are arguments, answers, errors or stored.
///
/// Of a storage struct `Switch` it makes the client `SwitchRef`, and the trait `Contract` for `Switch`; compiled for wasm32 without
/// the feature `library` also the exports `deploy` and `call`, and the interface in a custom section.
#[proc_macro_attribute]
pub fn contract(arguments: TokenStream, module: TokenStream) -> TokenStream {
    let made = model::Contract::read(arguments.into(), module.into()).and_then(|contract| expand::expand(&contract));
    made.unwrap_or_else(syn::Error::into_compile_error).into()
}
