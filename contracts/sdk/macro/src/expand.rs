//! Writes what the module becomes.

use crate::interface::{interface, signature};
use crate::model::{Contract, Method};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, Item, Result};

/// The topics that an event has at most, its signature among them.
const TOPICS_MAX: usize = 4;

pub fn expand(contract: &Contract) -> Result<TokenStream> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let interface = interface(contract, &variable("CARGO_PKG_NAME"), &variable("CARGO_PKG_VERSION"))?;
    let events = contract.events.iter().map(event).collect::<Result<Vec<_>>>()?;
    let data = contract.data.iter().map(data);
    let (entry, client) = (entry(contract, &interface), client(contract));
    let mut module = contract.module.clone();
    let (_, items) = module.content.take().unwrap_or_default();
    let (attributes, visibility, name) = (&module.attrs, &module.vis, &module.ident);
    let visibility = match visibility {
        // The test bench and other contracts use what is in it.
        syn::Visibility::Inherited => quote!(pub),
        other => quote!(#other),
    };
    Ok(quote! {
        #(#attributes)*
        #visibility mod #name {
            #(#items)*
            #(#data)*
            #(#events)*
            #entry
            #client
        }
    })
}

/// Fields are for everybody: who calls the contract builds its arguments and reads its answers.
fn open(fields: &mut syn::Fields) {
    fields.iter_mut().for_each(|field| field.vis = syn::parse_quote!(pub));
}

fn data(item: &Item) -> TokenStream {
    let mut item = item.clone();
    if let Item::Struct(item) = &mut item {
        open(&mut item.fields);
    }
    quote! {
        #[derive(Clone, Debug, PartialEq, Eq, ::unfork_contract::codec::Encode, ::unfork_contract::codec::Decode)]
        #[codec(crate = ::unfork_contract::codec)]
        #item
    }
}

fn event(event: &syn::ItemStruct) -> Result<TokenStream> {
    let mut event = event.clone();
    let signature = signature(&event);
    let signature = signature.iter().map(|byte| Literal::u8_unsuffixed(*byte));
    let mut indexed = Vec::new();
    for field in &mut event.fields {
        let before = field.attrs.len();
        field.attrs.retain(|attribute| !attribute.path().is_ident("indexed"));
        if field.attrs.len() < before {
            indexed.extend(field.ident.clone());
        }
    }
    if indexed.len() >= TOPICS_MAX {
        return Err(Error::new_spanned(&event, format!("at most {} fields are indexed", TOPICS_MAX - 1)));
    }
    open(&mut event.fields);
    let name = &event.ident;
    let topics = if indexed.is_empty() { format_ident!("_topics") } else { format_ident!("topics") };
    Ok(quote! {
        #[derive(Clone, Debug, PartialEq, Eq, ::unfork_contract::codec::Encode, ::unfork_contract::codec::Decode)]
        #[codec(crate = ::unfork_contract::codec)]
        #event
        impl ::unfork_contract::env::Event for #name {
            const SIGNATURE: [u8; 32] = [#(#signature),*];
            fn topics(&self, #topics: &mut ::unfork_contract::entry::Bytes32List) {
                #(topics.push(::unfork_contract::env::Topic::topic(&self.#indexed));)*
            }
        }
    })
}

/// A selector as bytes.
fn bytes(selector: [u8; 4]) -> TokenStream {
    let bytes = selector.iter().map(|byte| Literal::u8_suffixed(*byte));
    quote!([#(#bytes),*])
}

/// The implementation of `Contract`, and the exports.
fn entry(contract: &Contract, interface: &str) -> TokenStream {
    let name = &contract.name;
    let binds = contract.fields.iter().enumerate().map(|(number, (field, _))| {
        let number = Literal::u8_unsuffixed(u8::try_from(number).unwrap_or(u8::MAX));
        quote!(#field: ::unfork_contract::storage::Field::numbered(#number))
    });
    let (constructors, methods) = (arms(&contract.constructors), arms(&contract.methods));
    let length = Literal::usize_unsuffixed(interface.len());
    let section = Literal::byte_string(interface.as_bytes());
    quote! {
        impl #name {
            fn __bind() -> Self {
                Self { #(#binds),* }
            }
        }
        impl ::unfork_contract::entry::Contract for #name {
            const INTERFACE: &'static str = #interface;
            fn deploy(input: &[u8]) -> ::unfork_contract::entry::Answer {
                let Some((selector, mut input)) = ::unfork_contract::entry::split(input) else {
                    return ::unfork_contract::entry::Answer::not_understood();
                };
                match selector {
                    #constructors
                    _ => ::unfork_contract::entry::Answer::not_understood(),
                }
            }
            fn call(input: &[u8]) -> ::unfork_contract::entry::Answer {
                let Some((selector, mut input)) = ::unfork_contract::entry::split(input) else {
                    return ::unfork_contract::entry::Answer::not_understood();
                };
                match selector {
                    #methods
                    _ => ::unfork_contract::entry::Answer::not_understood(),
                }
            }
        }
        #[cfg(all(target_arch = "wasm32", not(feature = "library")))]
        const _: () = {
            #[link_section = "unfork.interface"]
            static INTERFACE: [u8; #length] = *#section;
            #[no_mangle]
            extern "C" fn deploy() {
                ::unfork_contract::entry::run(<#name as ::unfork_contract::entry::Contract>::deploy)
            }
            #[no_mangle]
            extern "C" fn call() {
                ::unfork_contract::entry::run(<#name as ::unfork_contract::entry::Contract>::call)
            }
        };
    }
}

/// One arm of the `match` for each method.
fn arms(methods: &[Method]) -> TokenStream {
    let arms = methods.iter().map(|method| {
        let (name, selector) = (&method.name, bytes(method.selector));
        let (arguments, types): (Vec<&Ident>, Vec<_>) =
            method.arguments.iter().map(|(name, kind)| (name, kind)).unzip();
        let unpaid = if method.payable {
            TokenStream::new()
        } else {
            quote! {
                if ::unfork_contract::entry::has_value() {
                    return ::unfork_contract::entry::Answer::takes_no_value();
                }
            }
        };
        let failed = if method.can_fail() { quote!(answer.is_err()) } else { quote!(false) };
        let bind = if method.mutates { quote!(let mut contract) } else { quote!(let contract) };
        quote! {
            #selector => {
                let decoded = <(#(#types,)*) as ::unfork_contract::codec::Decode>::decode(&mut input);
                let Some((#(#arguments,)*)) = decoded.ok().filter(|_| input.is_empty()) else {
                    return ::unfork_contract::entry::Answer::not_understood();
                };
                #unpaid
                #bind = Self::__bind();
                let answer = contract.#name(#(#arguments),*);
                let failed = #failed;
                ::unfork_contract::entry::Answer::of(&answer, failed)
            }
        }
    });
    quote!(#(#arms)*)
}

/// The client: how other contracts and tests use this one.
// Long on purpose: a template.
fn client(contract: &Contract) -> TokenStream {
    let client = format_ident!("{}Ref", contract.name);
    let about = format!("`{}` at an address.", contract.name);
    let constructors = contract.constructors.iter().map(|method| {
        let (name, selector) = (format_ident!("deploy_{}", method.name), bytes(method.selector));
        let (arguments, types): (Vec<&Ident>, Vec<_>) =
            method.arguments.iter().map(|(name, kind)| (name, kind)).unzip();
        let (docs, returns) = (&method.doc_attributes, &method.returns);
        let (answers, done) = if method.can_fail() {
            // The constructor's own error is a value next to those of the call.
            let returns = quote!(::core::result::Result<Self, <#returns as ::unfork_contract::entry::Fails>::Error>);
            (returns, quote!(answer.map(|()| Self::at(address))))
        } else {
            (
                quote!(Self),
                quote!({
                    let () = answer;
                    Self::at(address)
                }),
            )
        };
        quote! {
            #(#docs)*
            pub fn #name(
                deploy: ::unfork_contract::call::Deploy, #(#arguments: #types),*
            ) -> ::core::result::Result<#answers, ::unfork_contract::call::CallError> {
                let input = ::unfork_contract::codec::Encode::encode(&(#selector, #(#arguments,)*));
                let (address, answer) = deploy.create::<#returns>(&input)?;
                Ok(#done)
            }
        }
    });
    let methods = contract.methods.iter().map(|method| {
        let (name, selector) = (&method.name, bytes(method.selector));
        let (arguments, types): (Vec<&Ident>, Vec<_>) =
            method.arguments.iter().map(|(name, kind)| (name, kind)).unzip();
        let (docs, returns) = (&method.doc_attributes, &method.returns);
        quote! {
            #(#docs)*
            pub fn #name(
                &self, #(#arguments: #types),*
            ) -> ::core::result::Result<#returns, ::unfork_contract::call::CallError> {
                let input = ::unfork_contract::codec::Encode::encode(&(#selector, #(#arguments,)*));
                self.0.call(&input)
            }
        }
    });
    quote! {
        #[doc = #about]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct #client(pub ::unfork_contract::call::Target);

        #[allow(clippy::too_many_arguments, dead_code)]
        impl #client {
            /// The contract at this address, called without value and with all gas.
            pub fn at(address: ::unfork_contract::AccountId) -> Self {
                Self(::unfork_contract::call::Target::at(address))
            }

            /// Where it is.
            pub fn address(&self) -> ::unfork_contract::AccountId {
                self.0.address
            }

            /// The same contract, called with value.
            pub fn with_value(self, value: ::unfork_contract::Balance) -> Self {
                Self(::unfork_contract::call::Target { value, ..self.0 })
            }

            /// The same contract, called with no more gas than this.
            pub fn with_gas(self, gas: u64) -> Self {
                Self(::unfork_contract::call::Target { gas, ..self.0 })
            }

            /// The same contract, which may call back.
            pub fn with_reentry(self) -> Self {
                Self(::unfork_contract::call::Target { reentry: true, ..self.0 })
            }

            /// The same contract, which may change nothing.
            pub fn read_only(self) -> Self {
                Self(::unfork_contract::call::Target { read_only: true, ..self.0 })
            }

            #(#constructors)*
            #(#methods)*
        }
    }
}
