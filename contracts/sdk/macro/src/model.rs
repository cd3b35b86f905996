//! What stands in the module, sorted: the storage, constructors and methods, events and data types.

use crate::check::{doc_attributes, docs_of, take_attribute};
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Error, FnArg, ImplItem, Item, ItemImpl, ItemMod, Pat, Result, ReturnType, Type};

/// A contract as it is written.
pub struct Contract {
    pub module: ItemMod,
    pub docs: String,
    pub name: Ident,
    pub fields: Vec<(Ident, Type)>,
    pub constructors: Vec<Method>,
    pub methods: Vec<Method>,
    pub events: Vec<syn::ItemStruct>,
    pub data: Vec<Item>,
}

/// A constructor or method.
pub struct Method {
    pub name: Ident,
    pub docs: String,
    pub doc_attributes: Vec<syn::Attribute>,
    pub selector: [u8; 4],
    pub mutates: bool,
    pub payable: bool,
    pub arguments: Vec<(Ident, Type)>,
    pub returns: Type,
}

impl Method {
    /// Whether the answer is a `Result`.
    pub fn can_fail(&self) -> bool {
        let Type::Path(path) = &self.returns else { return false };
        path.path.segments.last().is_some_and(|last| last.ident == "Result")
    }
}

/// BLAKE2b-256.
pub fn hash(text: &str) -> [u8; 32] {
    Blake2b::<U32>::digest(text).into()
}

impl Contract {
    pub fn read(arguments: TokenStream, module: TokenStream) -> Result<Self> {
        if !arguments.is_empty() {
            return Err(Error::new(arguments.span(), "the attribute takes no arguments"));
        }
        let mut module: ItemMod = syn::parse2(module)?;
        let span = module.span();
        let Some((brace, items)) = module.content.take() else {
            return Err(Error::new(span, "a contract is a module with a body: mod name { … }"));
        };
        let (mut storage, mut implementations, mut kept) = (None, Vec::new(), Vec::new());
        let (mut events, mut data) = (Vec::new(), Vec::new());
        for mut item in items {
            match kind_of(&mut item)? {
                Kind::Storage(found) => {
                    if let Some(other) = storage.replace(found) {
                        return Err(Error::new(other.span(), "there is a second storage"));
                    }
                }
                Kind::Event(found) => events.push(found),
                Kind::Data => data.push(item),
                Kind::Methods(found) => implementations.push(found),
                Kind::Other => kept.push(item),
            }
        }
        let storage = storage.ok_or_else(|| Error::new(span, "the module has no struct with #[storage]"))?;
        let name = storage.ident.clone();
        let docs = docs_of(&storage.attrs);
        let named = storage.fields.iter().map(|field| {
            let name = field.ident.clone().ok_or_else(|| Error::new(field.span(), "fields of a storage have names"))?;
            Ok((name, field.ty.clone()))
        });
        let fields = named.collect::<Result<Vec<_>>>()?;
        if fields.len() > 256 {
            return Err(Error::new(storage.span(), "a storage has at most 256 fields"));
        }
        let (mut constructors, mut methods) = (Vec::new(), Vec::new());
        for implementation in &mut implementations {
            if implementation.self_ty.to_token_stream().to_string() == name.to_string() {
                read_methods(implementation, &mut constructors, &mut methods)?;
            }
        }
        kept.push(Item::Struct(storage));
        kept.extend(implementations.into_iter().map(Item::Impl));
        if constructors.is_empty() {
            return Err(Error::new(name.span(), "a contract needs a method with #[constructor]"));
        }
        module.content = Some((brace, kept));
        for list in [&constructors, &methods] {
            no_selector_twice(list)?;
        }
        Ok(Contract { module, docs, name, fields, constructors, methods, events, data })
    }
}

/// What an item is to the contract.
enum Kind {
    Storage(syn::ItemStruct),
    Event(syn::ItemStruct),
    Data,
    Methods(ItemImpl),
    Other,
}

/// Takes the attribute that says so from the item.
fn kind_of(item: &mut Item) -> Result<Kind> {
    match item {
        Item::Struct(found) => {
            if take_attribute(&mut found.attrs, "storage")?.is_some() {
                return Ok(Kind::Storage(found.clone()));
            }
            if take_attribute(&mut found.attrs, "event")?.is_some() {
                return Ok(Kind::Event(found.clone()));
            }
            Ok(if take_attribute(&mut found.attrs, "data")?.is_some() { Kind::Data } else { Kind::Other })
        }
        Item::Enum(found) => {
            Ok(if take_attribute(&mut found.attrs, "data")?.is_some() { Kind::Data } else { Kind::Other })
        }
        Item::Impl(found) if found.trait_.is_none() => Ok(Kind::Methods(found.clone())),
        _ => Ok(Kind::Other),
    }
}

fn no_selector_twice(methods: &[Method]) -> Result<()> {
    for (index, method) in methods.iter().enumerate() {
        if let Some(other) = methods[..index].iter().find(|other| other.selector == method.selector) {
            return Err(Error::new(method.name.span(), format!("has the same selector as `{}`", other.name)));
        }
    }
    Ok(())
}

/// Takes the attributes from the methods of an `impl` and sorts them.
fn read_methods(from: &mut ItemImpl, constructors: &mut Vec<Method>, methods: &mut Vec<Method>) -> Result<()> {
    for item in &mut from.items {
        let ImplItem::Fn(function) = item else { continue };
        let constructor = take_attribute(&mut function.attrs, "constructor")?;
        let method = take_attribute(&mut function.attrs, "method")?;
        let (attribute, list) = match (constructor, method) {
            (None, None) => continue,
            (Some(attribute), None) => (attribute, &mut *constructors),
            (None, Some(attribute)) => (attribute, &mut *methods),
            (Some(_), Some(_)) => return Err(Error::new(function.span(), "either a constructor or a method")),
        };
        let signature = &function.sig;
        let Some(FnArg::Receiver(receiver)) = signature.inputs.first() else {
            return Err(Error::new(signature.span(), "takes &self or &mut self"));
        };
        if receiver.reference.is_none() {
            return Err(Error::new(receiver.span(), "takes &self or &mut self"));
        }
        let mut arguments = Vec::new();
        for argument in signature.inputs.iter().skip(1) {
            let FnArg::Typed(argument) = argument else { continue };
            let Pat::Ident(pattern) = &*argument.pat else {
                return Err(Error::new(argument.span(), "an argument has a plain name"));
            };
            arguments.push((pattern.ident.clone(), (*argument.ty).clone()));
        }
        let returns = match &signature.output {
            ReturnType::Default => syn::parse_quote!(()),
            ReturnType::Type(_, returns) => (**returns).clone(),
        };
        let name = signature.ident.clone();
        let first = |hash: [u8; 32]| [hash[0], hash[1], hash[2], hash[3]];
        list.push(Method {
            docs: docs_of(&function.attrs),
            doc_attributes: doc_attributes(&function.attrs),
            selector: attribute.selector.unwrap_or_else(|| first(hash(&name.to_string()))),
            mutates: receiver.mutability.is_some(),
            payable: attribute.payable,
            name,
            arguments,
            returns,
        });
    }
    Ok(())
}
