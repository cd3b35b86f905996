//! Metadata of ink! 4 and 5 (`.json` and `.contract` files of its tools) on our own form of an interface.
//!
//! Their types are a list in which each names others by number; every struct and enum gets the last part of its path as
//! its name here, with its number where two have the same.

use super::kind::DEPTH_MAX;
use super::read::selector_of;
use super::{Definition, EventKind, Field, Fields, Interface, InterfaceError, Method, Type, Variant};
use crate::names::parse_hex32;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn interface(json: Value) -> Result<Interface, InterfaceError> {
    let file: File = serde_json::from_value(json).map_err(|error| InterfaceError::new(format!("ink!: {error}")))?;
    let types: BTreeMap<u32, Described> = file.types.into_iter().map(|entry| (entry.id, entry.r#type)).collect();
    let mut names = BTreeMap::new();
    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    for (id, described) in &types {
        let Some(last) = described.path.last() else { continue };
        let name = if taken.contains_key(last) { format!("{last}{id}") } else { last.clone() };
        taken.insert(name.clone(), *id);
        names.insert(*id, name);
    }
    let mut reader = Reader { types: &types, names: &names, definitions: BTreeMap::new() };
    let mut constructors = reader.methods(&file.spec.constructors)?;
    // A constructor that cannot fail is said to answer nothing, and answers one more `Ok(())`.
    for constructor in &mut constructors {
        if constructor.wrapped && constructor.returns == Type::UNIT {
            constructor.returns = Type::Result(Box::new(Type::UNIT), Box::new(Type::UNIT));
        }
    }
    let messages = reader.methods(&file.spec.messages)?;
    let mut events = Vec::with_capacity(file.spec.events.len());
    for event in &file.spec.events {
        let topic = event.signature_topic.as_deref().map(|text| parse_hex32(text).map_err(InterfaceError::new));
        let args = reader.args(&event.args).map_err(|error| error.inside(&event.label))?;
        events.push(EventKind { name: event.label.clone(), topic: topic.transpose()?, args });
    }
    let Reader { definitions: types, .. } = reader;
    Ok(Interface { contract: file.contract.name, types, constructors, messages, events })
}

#[derive(Deserialize)]
struct File {
    contract: About,
    spec: Spec,
    types: Vec<Entry>,
}

#[derive(Deserialize)]
struct About {
    name: String,
}

#[derive(Deserialize)]
struct Spec {
    constructors: Vec<SpecMethod>,
    messages: Vec<SpecMethod>,
    #[serde(default)]
    events: Vec<SpecEvent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecMethod {
    label: String,
    selector: String,
    args: Vec<SpecArg>,
    return_type: Option<Reference>,
}

#[derive(Deserialize)]
struct SpecEvent {
    label: String,
    args: Vec<SpecArg>,
    signature_topic: Option<String>,
}

#[derive(Deserialize)]
struct SpecArg {
    label: String,
    r#type: Reference,
}

#[derive(Deserialize)]
struct Reference {
    r#type: u32,
}

#[derive(Deserialize)]
struct Entry {
    id: u32,
    r#type: Described,
}

#[derive(Deserialize)]
struct Described {
    #[serde(default)]
    path: Vec<String>,
    def: Shape,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Primitive(String),
    Composite(Composite),
    Variant(Variants),
    Sequence(Reference),
    Array { len: u32, r#type: u32 },
    Tuple(Vec<u32>),
    Compact(IgnoredAny),
}

#[derive(Deserialize)]
struct Composite {
    #[serde(default)]
    fields: Vec<CompositeField>,
}

#[derive(Deserialize)]
struct CompositeField {
    name: Option<String>,
    r#type: u32,
}

#[derive(Deserialize)]
struct Variants {
    #[serde(default)]
    variants: Vec<OneVariant>,
}

#[derive(Deserialize)]
struct OneVariant {
    name: String,
    index: u8,
    #[serde(default)]
    fields: Vec<CompositeField>,
}

struct Reader<'a> {
    types: &'a BTreeMap<u32, Described>,
    names: &'a BTreeMap<u32, String>,
    definitions: BTreeMap<String, Definition>,
}

impl Reader<'_> {
    fn methods(&mut self, methods: &[SpecMethod]) -> Result<Vec<Method>, InterfaceError> {
        let mut read = Vec::with_capacity(methods.len());
        for method in methods {
            let inside = |error: InterfaceError| error.inside(&method.label);
            let returns = match &method.return_type {
                Some(reference) => self.kind(reference.r#type, 0).map_err(inside)?,
                None => Type::UNIT,
            };
            let selector = selector_of(&method.selector).map_err(inside)?;
            let args = self.args(&method.args).map_err(inside)?;
            // Since ink! 4 an answer is one more `Result`, whose error is that the input could not be read.
            let (wrapped, returns) = match returns {
                Type::Result(good, bad) if matches!(&*bad, Type::Named(name) if name == "LangError") => (true, *good),
                other => (false, other),
            };
            read.push(Method { name: method.label.clone(), selector, args, returns, wrapped });
        }
        Ok(read)
    }

    fn args(&mut self, args: &[SpecArg]) -> Result<Vec<Field>, InterfaceError> {
        let mut fields = Vec::with_capacity(args.len());
        for arg in args {
            fields.push(Field { name: arg.label.clone(), kind: self.kind(arg.r#type.r#type, 0)? });
        }
        Ok(fields)
    }

    fn kind(&mut self, id: u32, depth: usize) -> Result<Type, InterfaceError> {
        let types = self.types;
        let missing = || InterfaceError::new(format!("there is no type {id}"));
        let described = types.get(&id).ok_or_else(missing)?;
        if depth > DEPTH_MAX {
            return Err(InterfaceError::new(format!("the type {id} nests too deep")));
        }
        let deeper = depth.saturating_add(1);
        let path: Vec<&str> = described.path.iter().map(String::as_str).collect();
        Ok(match (&described.def, path.as_slice()) {
            (Shape::Primitive(name), _) => match name.as_str() {
                "str" => Type::Text,
                "char" => Type::Unsigned(4),
                other => Type::parse(other)?,
            },
            (Shape::Sequence(item), _) => match self.kind(item.r#type, deeper)? {
                Type::Unsigned(1) => Type::Bytes,
                item => Type::Vec(Box::new(item)),
            },
            (Shape::Array { len, r#type }, _) => Type::Array(Box::new(self.kind(*r#type, deeper)?), *len),
            (Shape::Tuple(items), _) => {
                Type::Tuple(items.iter().map(|item| self.kind(*item, deeper)).collect::<Result<_, _>>()?)
            }
            (Shape::Compact(_), _) => Type::Compact,
            (Shape::Composite(_), [.., "AccountId"]) => Type::Address,
            (Shape::Composite(_), [.., "Hash"]) => Type::Hash,
            (Shape::Variant(variants), ["Option"]) => Type::Option(Box::new(self.carried(variants, "Some", deeper)?)),
            (Shape::Variant(variants), ["Result"]) => {
                let good = self.carried(variants, "Ok", deeper)?;
                Type::Result(Box::new(good), Box::new(self.carried(variants, "Err", deeper)?))
            }
            (shape, _) => self.named(id, shape, deeper)?,
        })
    }

    /// The one type that a variant carries.
    fn carried(&mut self, variants: &Variants, name: &str, depth: usize) -> Result<Type, InterfaceError> {
        let variant = variants.variants.iter().find(|variant| variant.name == name);
        let field = variant.and_then(|variant| variant.fields.first());
        match field {
            Some(field) => self.kind(field.r#type, depth),
            None => Err(InterfaceError::new(format!("there is no {name}"))),
        }
    }

    /// A struct or enum. Its name is known before its fields are read, since they may name it again.
    fn named(&mut self, id: u32, shape: &Shape, depth: usize) -> Result<Type, InterfaceError> {
        let name = self.names.get(&id).cloned().unwrap_or_else(|| format!("type{id}"));
        if !self.definitions.contains_key(&name) {
            self.definitions.insert(name.clone(), Definition::Enum(Vec::new()));
            let definition = match shape {
                Shape::Composite(composite) => Definition::Struct(self.fields(&composite.fields, depth)?),
                Shape::Variant(variants) => {
                    let mut read = Vec::with_capacity(variants.variants.len());
                    for variant in &variants.variants {
                        let fields = self.fields(&variant.fields, depth)?;
                        read.push(Variant { name: variant.name.clone(), index: variant.index, fields });
                    }
                    Definition::Enum(read)
                }
                _ => return Err(InterfaceError::new(format!("the type {id} is neither struct nor enum"))),
            };
            self.definitions.insert(name.clone(), definition);
        }
        Ok(Type::Named(name))
    }

    fn fields(&mut self, fields: &[CompositeField], depth: usize) -> Result<Fields, InterfaceError> {
        if fields.iter().all(|field| field.name.is_some()) && !fields.is_empty() {
            let mut named = Vec::with_capacity(fields.len());
            for field in fields {
                let name = field.name.clone().unwrap_or_default();
                named.push(Field { name, kind: self.kind(field.r#type, depth)? });
            }
            return Ok(Fields::Named(named));
        }
        let kinds = fields.iter().map(|field| self.kind(field.r#type, depth));
        Ok(Fields::Unnamed(kinds.collect::<Result<_, _>>()?))
    }
}
