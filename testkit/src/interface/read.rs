//! Reads an interface file; what looks like metadata of ink! goes to [`super::ink`].

use super::{Definition, EventKind, Field, Fields, Interface, InterfaceError, Method, Type, Variant, ink};
use crate::names::{parse_hex, parse_hex32, selector};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The form of an interface file.
const FORM: u32 = 1;

pub(super) fn interface(text: &str) -> Result<Interface, InterfaceError> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|error| InterfaceError::new(error.to_string()))?;
    if json.get("spec").is_some() {
        return ink::interface(json);
    }
    let file: File = serde_json::from_value(json).map_err(|error| InterfaceError::new(error.to_string()))?;
    if file.interface != FORM {
        let what = format!("interface: {} is not known, this program reads form {FORM}", file.interface);
        return Err(InterfaceError::new(what));
    }
    let mut types = BTreeMap::new();
    for (name, definition) in file.types {
        let read = definition.read().map_err(|error| error.inside(&format!("types.{name}")))?;
        types.insert(name, read);
    }
    let methods = |methods: Vec<FileMethod>, what: &str| -> Result<Vec<Method>, InterfaceError> {
        let read = |method: FileMethod| {
            let place = format!("{what}.{}", method.name);
            method.read().map_err(|error| error.inside(&place))
        };
        methods.into_iter().map(read).collect()
    };
    let event = |event: FileEvent| {
        let place = format!("events.{}", event.name);
        event.read().map_err(|error| error.inside(&place))
    };
    let interface = Interface {
        contract: file.contract,
        types,
        constructors: methods(file.constructors, "constructors")?,
        messages: methods(file.messages, "messages")?,
        events: file.events.into_iter().map(event).collect::<Result<_, _>>()?,
    };
    known(&interface)?;
    Ok(interface)
}

/// Whether every type that is named stands in the file.
fn known(interface: &Interface) -> Result<(), InterfaceError> {
    fn check(interface: &Interface, kind: &Type) -> Result<(), InterfaceError> {
        match kind {
            Type::Named(name) if !interface.types.contains_key(name) => {
                Err(InterfaceError::new(format!("the type \"{name}\" is not defined")))
            }
            Type::Vec(item) | Type::Option(item) | Type::Array(item, _) => check(interface, item),
            Type::Result(good, bad) => check(interface, good).and_then(|()| check(interface, bad)),
            Type::Tuple(items) => items.iter().try_for_each(|item| check(interface, item)),
            _ => Ok(()),
        }
    }
    let fields = |fields: &[Field]| fields.iter().try_for_each(|field| check(interface, &field.kind));
    let of = |given: &Fields| match given {
        Fields::Named(named) => fields(named),
        Fields::Unnamed(kinds) => kinds.iter().try_for_each(|kind| check(interface, kind)),
    };
    for method in interface.constructors.iter().chain(&interface.messages) {
        fields(&method.args)
            .and_then(|()| check(interface, &method.returns))
            .map_err(|error| error.inside(&method.name))?;
    }
    for event in &interface.events {
        fields(&event.args).map_err(|error| error.inside(&event.name))?;
    }
    for (name, definition) in &interface.types {
        let checked = match definition {
            Definition::Alias(kind) => check(interface, kind),
            Definition::Struct(fields) => of(fields),
            Definition::Enum(variants) => variants.iter().try_for_each(|variant| of(&variant.fields)),
        };
        checked.map_err(|error| error.inside(&format!("types.{name}")))?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct File {
    interface: u32,
    contract: String,
    #[serde(default)]
    types: BTreeMap<String, FileDefinition>,
    #[serde(default)]
    constructors: Vec<FileMethod>,
    #[serde(default)]
    messages: Vec<FileMethod>,
    #[serde(default)]
    events: Vec<FileEvent>,
}

/// Exactly one of the three.
#[derive(Deserialize)]
struct FileDefinition {
    r#struct: Option<FileFields>,
    r#enum: Option<Vec<FileVariant>>,
    alias: Option<String>,
}

#[derive(Deserialize)]
struct FileVariant {
    name: String,
    index: Option<u8>,
    #[serde(default)]
    fields: FileFields,
}

/// `["u32", "bool"]` or `[{"name": "a", "type": "u32"}]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum FileFields {
    Unnamed(Vec<String>),
    Named(Vec<FileField>),
}

impl Default for FileFields {
    fn default() -> Self {
        Self::Unnamed(Vec::new())
    }
}

#[derive(Deserialize)]
struct FileField {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct FileMethod {
    name: String,
    selector: Option<String>,
    #[serde(default)]
    args: Vec<FileField>,
    returns: Option<String>,
}

#[derive(Deserialize)]
struct FileEvent {
    name: String,
    topic: Option<String>,
    #[serde(default)]
    args: Vec<FileField>,
}

impl FileField {
    fn read(self) -> Result<Field, InterfaceError> {
        let kind = Type::parse(&self.kind).map_err(|error| error.inside(&self.name))?;
        Ok(Field { name: self.name, kind })
    }
}

fn fields(fields: Vec<FileField>) -> Result<Vec<Field>, InterfaceError> {
    fields.into_iter().map(FileField::read).collect()
}

impl FileFields {
    fn read(self) -> Result<Fields, InterfaceError> {
        Ok(match self {
            Self::Unnamed(kinds) => {
                Fields::Unnamed(kinds.iter().map(|kind| Type::parse(kind)).collect::<Result<_, _>>()?)
            }
            Self::Named(named) => Fields::Named(fields(named)?),
        })
    }
}

impl FileDefinition {
    fn read(self) -> Result<Definition, InterfaceError> {
        Ok(match (self.r#struct, self.r#enum, self.alias) {
            (Some(fields), None, None) => Definition::Struct(fields.read()?),
            (None, None, Some(kind)) => Definition::Alias(Type::parse(&kind)?),
            (None, Some(variants), None) => {
                let variant = |(place, variant): (usize, FileVariant)| {
                    let index = match variant.index {
                        Some(index) => index,
                        None => u8::try_from(place).map_err(|_| InterfaceError::new("more than 256 variants"))?,
                    };
                    let fields = variant.fields.read().map_err(|error| error.inside(&variant.name))?;
                    Ok(Variant { name: variant.name, index, fields })
                };
                Definition::Enum(variants.into_iter().enumerate().map(variant).collect::<Result<_, _>>()?)
            }
            _ => return Err(InterfaceError::new("give one of struct, enum and alias")),
        })
    }
}

impl FileMethod {
    fn read(self) -> Result<Method, InterfaceError> {
        Ok(Method {
            selector: match &self.selector {
                Some(text) => selector_of(text)?,
                None => selector(&self.name),
            },
            args: fields(self.args)?,
            returns: match &self.returns {
                Some(kind) => Type::parse(kind).map_err(|error| error.inside("returns"))?,
                None => Type::UNIT,
            },
            name: self.name,
            wrapped: true,
        })
    }
}

impl FileEvent {
    fn read(self) -> Result<EventKind, InterfaceError> {
        let topic = self.topic.as_deref().map(|text| parse_hex32(text).map_err(InterfaceError::new)).transpose()?;
        Ok(EventKind { name: self.name, topic, args: fields(self.args)? })
    }
}

/// Four bytes behind `0x`.
pub(super) fn selector_of(text: &str) -> Result<[u8; 4], InterfaceError> {
    let bytes = parse_hex(text).map_err(InterfaceError::new)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| InterfaceError::new(format!("the selector has {length} bytes, 4 are needed")))
}
