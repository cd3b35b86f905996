//! SCALE to text. What a contract gives may be any bytes: nesting and sizes are bounded.

use super::kind::DEPTH_MAX;
use super::{Definition, Field, Fields, Interface, InterfaceError, Type};
use crate::names::{Labels, hexadecimal};
use parity_scale_codec::{Compact, Decode};
use std::fmt::Write;

/// The longest text of one value, in bytes; what is longer is no help to a reader.
const TEXT_BYTES_MAX: usize = 1 << 16;

pub(super) fn whole(
    interface: &Interface,
    kind: &Type,
    bytes: &[u8],
    labels: &Labels,
) -> Result<String, InterfaceError> {
    let mut reader = Reader { interface, labels, bytes, text: String::new() };
    reader.value(kind, 0)?;
    reader.finish()
}

/// `name: value` of each field, separated by commas; all bytes must be used.
pub(super) fn fields(
    interface: &Interface,
    fields: &[Field],
    bytes: &[u8],
    labels: &Labels,
) -> Result<String, InterfaceError> {
    let mut reader = Reader { interface, labels, bytes, text: String::new() };
    reader.named(fields, 0)?;
    reader.finish()
}

struct Reader<'a> {
    interface: &'a Interface,
    labels: &'a Labels,
    bytes: &'a [u8],
    text: String,
}

impl<'a> Reader<'a> {
    fn finish(self) -> Result<String, InterfaceError> {
        match self.bytes.len() {
            0 => Ok(self.text),
            left => Err(InterfaceError::new(format!("{left} bytes more than the type has"))),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], InterfaceError> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(count)
            .ok_or_else(|| InterfaceError::new(format!("{count} bytes are wanted, {} are left", self.bytes.len())))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, InterfaceError> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn length(&mut self) -> Result<usize, InterfaceError> {
        let length = Compact::<u32>::decode(&mut self.bytes).map_err(|_| InterfaceError::new("no length"))?.0;
        usize::try_from(length).map_err(|_| InterfaceError::new("a length beyond memory"))
    }

    fn value(&mut self, kind: &Type, depth: usize) -> Result<(), InterfaceError> {
        if depth > DEPTH_MAX || self.text.len() > TEXT_BYTES_MAX {
            return Err(InterfaceError::new("the value is too large to be shown"));
        }
        let deeper = depth.saturating_add(1);
        match kind {
            Type::Bool => match self.byte()? {
                0 => self.text.push_str("false"),
                1 => self.text.push_str("true"),
                other => return Err(InterfaceError::new(format!("{other} is no bool"))),
            },
            Type::Unsigned(size) => {
                let value = little_endian(self.take(usize::from(*size))?);
                let _ = write!(self.text, "{value}");
            }
            Type::Signed(size) => {
                let bits = u32::from(*size).saturating_mul(8);
                let value = little_endian(self.take(usize::from(*size))?);
                let shift = 128u32.saturating_sub(bits);
                let value = value.wrapping_shl(shift).cast_signed().wrapping_shr(shift);
                let _ = write!(self.text, "{value}");
            }
            Type::Compact => {
                let value = Compact::<u128>::decode(&mut self.bytes);
                let value = value.map_err(|_| InterfaceError::new("no compact integer"))?.0;
                let _ = write!(self.text, "{value}");
            }
            Type::Text => {
                let length = self.length()?;
                let text = String::from_utf8_lossy(self.take(length)?);
                self.text.push_str(&quoted(&text));
            }
            Type::Bytes => {
                let length = self.length()?;
                let bytes = self.take(length)?;
                self.text.push_str(&hexadecimal(bytes));
            }
            Type::Address | Type::Hash => {
                let bytes = self.take(32)?;
                let shown = if *kind == Type::Address { self.labels.show(bytes) } else { hexadecimal(bytes) };
                self.text.push_str(&shown);
            }
            Type::Vec(item) => {
                let count = self.length()?;
                self.items(std::iter::repeat_n(&**item, count), "[", "]", deeper)?;
            }
            Type::Array(item, count) if item.is_bytes_like() => {
                let bytes = self.take(usize::try_from(*count).unwrap_or(usize::MAX))?;
                self.text.push_str(&hexadecimal(bytes));
            }
            Type::Array(item, count) => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                self.items(std::iter::repeat_n(&**item, count), "[", "]", deeper)?;
            }
            Type::Tuple(items) => self.items(items.iter(), "(", ")", deeper)?,
            Type::Option(item) => match self.byte()? {
                0 => self.text.push_str("None"),
                1 => self.wrapped("Some", item, deeper)?,
                other => return Err(InterfaceError::new(format!("{other} is no option"))),
            },
            Type::Result(good, bad) => match self.byte()? {
                0 => self.wrapped("Ok", good, deeper)?,
                1 => self.wrapped("Err", bad, deeper)?,
                other => return Err(InterfaceError::new(format!("{other} is no result"))),
            },
            Type::Named(name) => self.defined(name, deeper)?,
        }
        Ok(())
    }

    fn wrapped(&mut self, name: &str, kind: &Type, depth: usize) -> Result<(), InterfaceError> {
        let _ = write!(self.text, "{name}(");
        self.value(kind, depth)?;
        self.text.push(')');
        Ok(())
    }

    /// Values without bytes of their own could be many in few bytes, so the text bounds them.
    fn items<'t>(
        &mut self,
        kinds: impl Iterator<Item = &'t Type>,
        open: &str,
        close: &str,
        depth: usize,
    ) -> Result<(), InterfaceError> {
        self.text.push_str(open);
        for (index, kind) in kinds.enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self.value(kind, depth)?;
        }
        self.text.push_str(close);
        Ok(())
    }

    fn named(&mut self, fields: &[Field], depth: usize) -> Result<(), InterfaceError> {
        for (index, field) in fields.iter().enumerate() {
            let _ = write!(self.text, "{}{}: ", if index > 0 { ", " } else { "" }, field.name);
            self.value(&field.kind, depth).map_err(|error| error.inside(&field.name))?;
        }
        Ok(())
    }

    fn defined(&mut self, name: &str, depth: usize) -> Result<(), InterfaceError> {
        let interface = self.interface;
        let missing = || InterfaceError::new(format!("the interface has no type \"{name}\""));
        match interface.types.get(name).ok_or_else(missing)? {
            Definition::Alias(kind) => self.value(kind, depth),
            Definition::Struct(fields) => self.fields(fields, depth),
            Definition::Enum(variants) => {
                let index = self.byte()?;
                let none = || InterfaceError::new(format!("{name} has no variant {index}"));
                let variant = variants.iter().find(|variant| variant.index == index).ok_or_else(none)?;
                self.text.push_str(&variant.name);
                match &variant.fields {
                    Fields::Unnamed(kinds) if kinds.is_empty() => Ok(()),
                    Fields::Named(_) => {
                        self.text.push(' ');
                        self.fields(&variant.fields, depth)
                    }
                    Fields::Unnamed(_) => self.fields(&variant.fields, depth),
                }
            }
        }
    }

    fn fields(&mut self, fields: &Fields, depth: usize) -> Result<(), InterfaceError> {
        match fields {
            Fields::Unnamed(kinds) => self.items(kinds.iter(), "(", ")", depth),
            Fields::Named(fields) => {
                self.text.push('{');
                self.named(fields, depth)?;
                self.text.push('}');
                Ok(())
            }
        }
    }
}

/// A string with the escapes of JSON, as it is written in a call. Besides what must be, whatever cannot be seen is escaped:
/// no string of a contract moves the cursor of a terminal or turns the direction of what follows.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\'' => quoted.push(letter),
            // What Rust would show as an escape.
            _ if letter.escape_debug().len() > 1 => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(quoted, "\\u{unit:04x}");
                }
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// At most 16 bytes as a number.
fn little_endian(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |value, byte| value.wrapping_shl(8) | u128::from(*byte))
}
