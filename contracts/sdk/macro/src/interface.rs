//! The interface file of a contract, as text (docs/interface.md).

use crate::check::docs_of;
use crate::model::{hash, Contract, Method};
use quote::ToTokens;
use std::collections::BTreeSet;
use syn::{Error, Expr, Fields, GenericArgument, Item, Lit, PathArguments, Result, Type};

/// Types without parts, and what they are called in the interface.
const PRIMITIVES: &[(&str, &str)] = &[
    ("bool", "bool"),
    ("u8", "u8"),
    ("u16", "u16"),
    ("u32", "u32"),
    ("u64", "u64"),
    ("u128", "u128"),
    ("i8", "i8"),
    ("i16", "i16"),
    ("i32", "i32"),
    ("i64", "i64"),
    ("i128", "i128"),
    ("String", "string"),
    ("AccountId", "address"),
    ("Hash", "hash"),
    ("Balance", "u128"),
    ("BlockNumber", "u32"),
    ("Timestamp", "u64"),
];

/// The interface as JSON.
pub fn interface(contract: &Contract, package: &str, version: &str) -> Result<String> {
    let mut known = BTreeSet::new();
    for item in &contract.data {
        known.insert(data_name(item).to_string());
    }
    let mut writer = Writer { known, errors: Vec::new() };
    let constructors = writer.methods(&contract.constructors)?;
    let methods = writer.methods(&contract.methods)?;
    let events = contract.events.iter().map(|event| writer.event(event)).collect::<Result<Vec<_>>>()?;
    let types = contract.data.iter().map(|item| writer.data(item)).collect::<Result<Vec<_>>>()?;
    let errors: Vec<String> = writer.errors.iter().map(|name| text(name)).collect();
    let lists = [
        format!("\"constructors\": {}", list(&constructors)),
        format!("\"messages\": {}", list(&methods)),
        format!("\"events\": {}", list(&events)),
        format!("\"errors\": [{}]", errors.join(", ")),
    ];
    let types = if types.is_empty() { "{}".to_string() } else { format!("{{\n    {}\n  }}", types.join(",\n    ")) };
    Ok(format!(
        "{{\n  \"interface\": 1,\n  \"contract\": {},\n  \"version\": {},\n  \"docs\": {},\n  {},\n  \"types\": {types}\n}}\n",
        text(package),
        text(version),
        text(&contract.docs),
        lists.join(",\n  "),
    ))
}

fn list(rows: &[String]) -> String {
    if rows.is_empty() {
        "[]".to_string()
    } else {
        format!("[\n    {}\n  ]", rows.join(",\n    "))
    }
}

/// A JSON string.
fn text(plain: &str) -> String {
    let mut out = String::from("\"");
    for letter in plain.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            other if other < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(other))),
            other => out.push(other),
        }
    }
    out + "\""
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"0x{digits}\"")
}

fn documented(docs: &str) -> String {
    if docs.is_empty() {
        String::new()
    } else {
        format!(", \"docs\": {}", text(docs))
    }
}

/// The name of a data type.
pub fn data_name(item: &Item) -> &syn::Ident {
    match item {
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        _ => unreachable!("only structs and enums are kept as data"),
    }
}

/// The first topic of an event: the hash of its name and the types of its fields, as written.
pub fn signature(event: &syn::ItemStruct) -> [u8; 32] {
    let types = event.fields.iter().map(|field| field.ty.to_token_stream().to_string().replace(' ', ""));
    hash(&format!("{}({})", event.ident, types.collect::<Vec<_>>().join(",")))
}

struct Writer {
    known: BTreeSet<String>,
    errors: Vec<String>,
}

impl Writer {
    fn methods(&mut self, methods: &[Method]) -> Result<Vec<String>> {
        methods.iter().map(|method| self.method(method)).collect()
    }

    fn method(&mut self, method: &Method) -> Result<String> {
        let arguments = method.arguments.iter().map(|(name, kind)| {
            Ok(format!("{{\"name\": {}, \"type\": {}}}", text(&name.to_string()), text(&self.name(kind)?)))
        });
        let arguments = arguments.collect::<Result<Vec<_>>>()?.join(", ");
        let returns = self.name(&method.returns)?;
        if let Some(error) = error_of(&method.returns) {
            let error = self.name(error)?;
            if self.known.contains(&error) && !self.errors.contains(&error) {
                self.errors.push(error);
            }
        }
        let flags = [("mutates", method.mutates), ("payable", method.payable)];
        let flags: String =
            flags.iter().map(|(name, set)| if *set { format!(", \"{name}\": true") } else { String::new() }).collect();
        Ok(format!(
            "{{\"name\": {}, \"selector\": {}, \"args\": [{arguments}], \"returns\": {}{flags}{}}}",
            text(&method.name.to_string()),
            hexadecimal(&method.selector),
            text(&returns),
            documented(&method.docs),
        ))
    }

    fn event(&self, event: &syn::ItemStruct) -> Result<String> {
        let fields = event.fields.iter().map(|field| {
            let name =
                field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "fields of an event have names"))?;
            let indexed = field.attrs.iter().any(|attribute| attribute.path().is_ident("indexed"));
            let indexed = if indexed { ", \"indexed\": true" } else { "" };
            let (name, kind, docs) = (text(&name.to_string()), text(&self.name(&field.ty)?), docs_of(&field.attrs));
            Ok(format!("{{\"name\": {name}, \"type\": {kind}{indexed}{}}}", documented(&docs)))
        });
        Ok(format!(
            "{{\"name\": {}, \"topic\": {}, \"args\": [{}]{}}}",
            text(&event.ident.to_string()),
            hexadecimal(&signature(event)),
            fields.collect::<Result<Vec<_>>>()?.join(", "),
            documented(&docs_of(&event.attrs)),
        ))
    }

    fn data(&self, item: &Item) -> Result<String> {
        let (shape, docs) = match item {
            Item::Struct(item) => (format!("\"struct\": [{}]", self.fields(&item.fields)?), docs_of(&item.attrs)),
            Item::Enum(item) => {
                let variants = item.variants.iter().enumerate().map(|(index, variant)| {
                    let fields = self.fields(&variant.fields)?;
                    let fields = if fields.is_empty() { fields } else { format!(", \"fields\": [{fields}]") };
                    let (name, docs) = (text(&variant.ident.to_string()), docs_of(&variant.attrs));
                    Ok(format!("{{\"name\": {name}, \"index\": {index}{fields}{}}}", documented(&docs)))
                });
                let variants = variants.collect::<Result<Vec<_>>>()?.join(", ");
                (format!("\"enum\": [{variants}]"), docs_of(&item.attrs))
            }
            _ => unreachable!("only structs and enums are kept as data"),
        };
        Ok(format!("{}: {{{shape}{}}}", text(&data_name(item).to_string()), documented(&docs)))
    }

    fn fields(&self, fields: &Fields) -> Result<String> {
        let written = fields.iter().map(|field| {
            let (kind, docs) = (text(&self.name(&field.ty)?), documented(&docs_of(&field.attrs)));
            let Some(name) = &field.ident else { return Ok(kind) };
            Ok(format!("{{\"name\": {}, \"type\": {kind}{docs}}}", text(&name.to_string())))
        });
        Ok(written.collect::<Result<Vec<_>>>()?.join(", "))
    }

    /// The type as the interface writes it.
    fn name(&self, kind: &Type) -> Result<String> {
        match kind {
            Type::Tuple(tuple) => {
                let parts = tuple.elems.iter().map(|part| self.name(part)).collect::<Result<Vec<_>>>()?;
                Ok(if parts.len() == 1 { format!("({},)", parts[0]) } else { format!("({})", parts.join(", ")) })
            }
            Type::Array(array) => {
                let Expr::Lit(syn::ExprLit { lit: Lit::Int(length), .. }) = &array.len else {
                    return Err(Error::new_spanned(&array.len, "the length must be a number here"));
                };
                Ok(format!("[{}; {}]", self.name(&array.elem)?, length.base10_digits()))
            }
            Type::Paren(inner) => self.name(&inner.elem),
            Type::Path(path) if path.qself.is_none() => self.path(kind, path),
            other => Err(Error::new_spanned(other, "this type has no place in an interface")),
        }
    }

    fn path(&self, kind: &Type, path: &syn::TypePath) -> Result<String> {
        let last = path.path.segments.last().ok_or_else(|| Error::new_spanned(kind, "a type is needed"))?;
        let name = last.ident.to_string();
        let parts = match &last.arguments {
            PathArguments::AngleBracketed(arguments) => {
                let types = arguments.args.iter().filter_map(|argument| match argument {
                    GenericArgument::Type(part) => Some(self.name(part)),
                    _ => None,
                });
                types.collect::<Result<Vec<_>>>()?
            }
            _ => Vec::new(),
        };
        let generic = matches!((&*name, parts.len()), ("Vec" | "Option", 1) | ("Result", 2));
        let primitive = PRIMITIVES.iter().find(|(own, _)| *own == name);
        match primitive {
            _ if name == "Vec" && parts == ["u8"] => Ok("bytes".to_string()),
            _ if generic => Ok(format!("{}<{}>", name.to_lowercase(), parts.join(", "))),
            Some((_, written)) if parts.is_empty() => Ok((*written).to_string()),
            _ if self.known.contains(&name) && parts.is_empty() => Ok(name),
            _ => Err(Error::new_spanned(kind, "the interface does not know this type: declare it here with #[data]")),
        }
    }
}

/// `E` of `Result<T, E>`.
fn error_of(kind: &Type) -> Option<&Type> {
    let Type::Path(path) = kind else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.iter().nth(1)? {
        GenericArgument::Type(error) => Some(error),
        _ => None,
    }
}
