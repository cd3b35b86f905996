//! Types of arguments and results, and how they are spelled in an interface file.

use super::InterfaceError;
use std::fmt;

/// How deep types, and values, may nest.
pub(crate) const DEPTH_MAX: usize = 32;

/// The type of a value, as SCALE writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// `bool`.
    Bool,
    /// `u8` to `u128`, by bytes.
    Unsigned(u8),
    /// `i8` to `i128`, by bytes.
    Signed(u8),
    /// `string`: UTF-8 behind its length.
    Text,
    /// `bytes`: bytes behind their length.
    Bytes,
    /// `address`: 32 bytes.
    Address,
    /// `hash`: 32 bytes.
    Hash,
    /// `compact<u128>`, whatever the integer inside.
    Compact,
    /// `vec<T>`.
    Vec(Box<Type>),
    /// `option<T>`.
    Option(Box<Type>),
    /// `result<T, E>`.
    Result(Box<Type>, Box<Type>),
    /// `[T; N]`.
    Array(Box<Type>, u32),
    /// `(A, B)`; `()` is the unit.
    Tuple(Vec<Type>),
    /// A struct or enum of the interface, by its name.
    Named(String),
}

impl Type {
    /// The unit.
    pub const UNIT: Type = Type::Tuple(Vec::new());

    /// Reads a type as it is spelled in an interface file.
    ///
    /// # Errors
    /// The text is no type, or nests deeper than 32.
    pub fn parse(text: &str) -> Result<Self, InterfaceError> {
        let mut rest = text;
        let parsed = parse(&mut rest, 0).filter(|_| rest.trim().is_empty());
        parsed.ok_or_else(|| InterfaceError::new(format!("\"{}\" is no type", super::shortened(text))))
    }

    /// Bytes of one kind stand as hexadecimal digits.
    pub(super) fn is_bytes_like(&self) -> bool {
        matches!(self, Type::Unsigned(1))
    }
}

fn token<'a>(rest: &mut &'a str) -> Option<&'a str> {
    *rest = rest.trim_start();
    let word = rest.find(|letter: char| !(letter.is_alphanumeric() || "_:.".contains(letter))).unwrap_or(rest.len());
    let length = if word > 0 { word } else { rest.chars().next()?.len_utf8() };
    let (token, after) = rest.split_at(length);
    *rest = after;
    Some(token)
}

fn expect(rest: &mut &str, wanted: &str) -> Option<()> {
    (token(rest)? == wanted).then_some(())
}

// Long on purpose: one arm a type.
fn parse(rest: &mut &str, depth: usize) -> Option<Type> {
    if depth > DEPTH_MAX {
        return None;
    }
    let deeper = depth.saturating_add(1);
    let inside = |rest: &mut &str| -> Option<Box<Type>> { Some(Box::new(parse(rest, deeper)?)) };
    Some(match token(rest)? {
        "bool" => Type::Bool,
        "u8" => Type::Unsigned(1),
        "u16" => Type::Unsigned(2),
        "u32" => Type::Unsigned(4),
        "u64" => Type::Unsigned(8),
        "u128" => Type::Unsigned(16),
        "i8" => Type::Signed(1),
        "i16" => Type::Signed(2),
        "i32" => Type::Signed(4),
        "i64" => Type::Signed(8),
        "i128" => Type::Signed(16),
        "string" => Type::Text,
        "bytes" => Type::Bytes,
        "address" => Type::Address,
        "hash" => Type::Hash,
        "compact" => {
            expect(rest, "<")?;
            let Type::Unsigned(_) = parse(rest, deeper)? else { return None };
            expect(rest, ">")?;
            Type::Compact
        }
        "vec" => {
            expect(rest, "<")?;
            let item = inside(rest)?;
            expect(rest, ">")?;
            if item.is_bytes_like() { Type::Bytes } else { Type::Vec(item) }
        }
        "option" => {
            expect(rest, "<")?;
            let item = inside(rest)?;
            expect(rest, ">")?;
            Type::Option(item)
        }
        "result" => {
            expect(rest, "<")?;
            let good = inside(rest)?;
            expect(rest, ",")?;
            let bad = inside(rest)?;
            expect(rest, ">")?;
            Type::Result(good, bad)
        }
        "[" => {
            let item = inside(rest)?;
            expect(rest, ";")?;
            let count = token(rest)?.parse().ok()?;
            expect(rest, "]")?;
            Type::Array(item, count)
        }
        "(" => {
            let mut items = Vec::new();
            loop {
                if let Some(after) = rest.trim_start().strip_prefix(')') {
                    *rest = after;
                    break;
                }
                items.push(parse(rest, deeper)?);
                match token(rest)? {
                    "," => {}
                    ")" => break,
                    _ => return None,
                }
            }
            Type::Tuple(items)
        }
        name if name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_') => {
            Type::Named(name.to_string())
        }
        _ => return None,
    })
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Bool => f.write_str("bool"),
            Type::Unsigned(bytes) => write!(f, "u{}", u32::from(*bytes).saturating_mul(8)),
            Type::Signed(bytes) => write!(f, "i{}", u32::from(*bytes).saturating_mul(8)),
            Type::Text => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Address => f.write_str("address"),
            Type::Hash => f.write_str("hash"),
            Type::Compact => f.write_str("compact<u128>"),
            Type::Vec(item) => write!(f, "vec<{item}>"),
            Type::Option(item) => write!(f, "option<{item}>"),
            Type::Result(good, bad) => write!(f, "result<{good}, {bad}>"),
            Type::Array(item, count) => write!(f, "[{item}; {count}]"),
            Type::Named(name) => f.write_str(name),
            Type::Tuple(items) => {
                f.write_str("(")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str(if items.len() == 1 { ",)" } else { ")" })
            }
        }
    }
}
