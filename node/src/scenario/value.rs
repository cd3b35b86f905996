//! Typed values in scenario files and their SCALE encoding.
//!
//! A value is a JSON object with one key, its type: `{"u128": "1000"}`, `{"account": "alice"}`, `{"vec": [{"u8": 1}]}`.
//! Numbers may be JSON integers or strings of decimal digits, in which `_` may separate groups.

use parity_scale_codec::{Compact, Encode};
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use unfork_testkit::names::{Bytes32, parse_hex, parse_hex32, selector};
use unfork_testkit::{Interface, Labels};

/// The longest input, output or salt that a scenario may describe, in bytes.
pub const ENCODED_BYTES_MAX: usize = 16 << 20;

/// One typed value. The variants' names in a file are in `snake_case`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// One byte, 0 or 1.
    Bool(bool),
    /// One byte.
    U8(Integer),
    /// Two bytes, little-endian, as all integers.
    U16(Integer),
    /// Four bytes.
    U32(Integer),
    /// Eight bytes.
    U64(Integer),
    /// Sixteen bytes.
    U128(Integer),
    /// One byte, two's complement, as all signed integers.
    I8(Integer),
    /// Two bytes.
    I16(Integer),
    /// Four bytes.
    I32(Integer),
    /// Eight bytes.
    I64(Integer),
    /// Sixteen bytes.
    I128(Integer),
    /// A compact integer, 1 to 17 bytes.
    Compact(Integer),
    /// UTF-8 behind its compact length.
    String(String),
    /// Hexadecimal bytes behind their compact length.
    Bytes(Hex),
    /// Hexadecimal bytes as they stand, without a length.
    Raw(Hex),
    /// 32 hexadecimal bytes.
    Hash(Hex32),
    /// The address of an account or contract by name, or `0x` and 64 digits.
    #[serde(alias = "contract", alias = "address")]
    Account(String),
    /// The hash of an uploaded code by its name, or `0x` and 64 digits.
    Code(String),
    /// Values behind their compact count.
    Vec(Vec<Value>),
    /// Values one after the other; also for arrays and structs. `{"tuple": []}` is the unit.
    Tuple(Vec<Value>),
    /// `null` (one zero byte), or a value behind a one byte.
    Option(Option<Box<Value>>),
    /// The first variant of a `Result`.
    Ok(Box<Value>),
    /// The second variant of a `Result`.
    Err(Box<Value>),
    /// A variant of an enum by index.
    Variant(Variant),
    /// One byte many times, without a length.
    Fill(Fill),
}

/// A variant of an enum: its index and its fields.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The index that SCALE writes.
    pub index: u8,
    /// The fields, in order.
    #[serde(default)]
    pub fields: Vec<Value>,
}

/// `count` times `byte`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fill {
    /// The repeated byte.
    pub byte: u8,
    /// How often.
    pub count: u32,
}

/// What a contract is given: `"0x…"`, a call by name such as `"transfer(bob, 300)"` where the code has an interface, or
/// an object with a selector (or an ink! name it follows from) and arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The bytes themselves.
    Hex(Hex),
    /// A call as text, for a contract whose interface is known.
    Call(String),
    /// A message for the contract.
    Message(Message),
}

/// Which part of an interface an input is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Its constructors.
    Constructor,
    /// Its messages.
    Message,
}

/// A selector, if any, followed by the encoded arguments.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Four bytes in hexadecimal.
    selector: Option<Hex>,
    /// The name of an ink! message, from which the selector follows.
    message: Option<String>,
    /// The name of an ink! constructor; the same rule, for the reader.
    constructor: Option<String>,
    /// The arguments, encoded one after the other.
    #[serde(default)]
    args: Vec<Value>,
}

/// Bytes: `"0x…"` or one typed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// The bytes themselves.
    Hex(Hex),
    /// A value to encode.
    Value(Value),
}

/// What a contract should answer: bytes as in [`Data`], or an answer in words, such as `"Err(InsufficientBalance)"`,
/// where its interface is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The bytes.
    Data(Data),
    /// The answer in words.
    Answer(String),
}

/// Why a value has no encoding, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeError {
    /// The place inside the value, such as `args[1].vec[0]`.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

type Encoded = Result<(), EncodeError>;

impl Input {
    /// The bytes that the contract is given; `interface` is what it offers, where that is known.
    ///
    /// # Errors
    /// A value does not fit its type, a name is unknown, the whole is longer than [`ENCODED_BYTES_MAX`], or a call by
    /// name is for a contract without an interface.
    pub fn encode(&self, entry: Entry, interface: Option<&Interface>, labels: &Labels) -> Result<Vec<u8>, EncodeError> {
        match self {
            Input::Hex(hex) => Ok(hex.0.clone()),
            Input::Message(message) => message.encode(labels),
            Input::Call(text) => {
                let none = || wrong("", "a call by name needs an interface beside the code: NAME.json".to_string());
                let interface = interface.ok_or_else(none)?;
                let encoded = match entry {
                    Entry::Constructor => interface.constructor_input(text, labels),
                    Entry::Message => interface.message_input(text, labels),
                };
                encoded.map_err(|error| wrong("", error.to_string()))
            }
        }
    }
}

impl Data {
    /// The bytes described.
    ///
    /// # Errors
    /// A value does not fit its type, a name is unknown, or the whole is longer than [`ENCODED_BYTES_MAX`].
    pub fn encode(&self, labels: &Labels) -> Result<Vec<u8>, EncodeError> {
        match self {
            Data::Hex(hex) => Ok(hex.0.clone()),
            Data::Value(value) => {
                let mut out = Vec::new();
                value.encode_to(labels, &mut out)?;
                Ok(out)
            }
        }
    }
}

impl Message {
    fn encode(&self, labels: &Labels) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::new();
        match (&self.selector, &self.message, &self.constructor) {
            (None, None, None) => {}
            (Some(hex), None, None) if hex.0.len() == 4 => out.extend_from_slice(&hex.0),
            (Some(hex), None, None) => {
                return Err(wrong("selector", format!("has {} bytes, 4 are needed", hex.0.len())));
            }
            (None, Some(name), None) | (None, None, Some(name)) => out.extend_from_slice(&selector(name)),
            _ => return Err(wrong("", "give one of selector, message and constructor".to_string())),
        }
        encode_all("args", &self.args, labels, &mut out)?;
        Ok(out)
    }
}

impl Value {
    fn encode_to(&self, labels: &Labels, out: &mut Vec<u8>) -> Encoded {
        match self {
            Value::Bool(value) => value.encode_to(out),
            Value::U8(value) => value.unsigned::<u8>("u8")?.encode_to(out),
            Value::U16(value) => value.unsigned::<u16>("u16")?.encode_to(out),
            Value::U32(value) => value.unsigned::<u32>("u32")?.encode_to(out),
            Value::U64(value) => value.unsigned::<u64>("u64")?.encode_to(out),
            Value::U128(value) => value.unsigned::<u128>("u128")?.encode_to(out),
            Value::I8(value) => value.signed::<i8>("i8")?.encode_to(out),
            Value::I16(value) => value.signed::<i16>("i16")?.encode_to(out),
            Value::I32(value) => value.signed::<i32>("i32")?.encode_to(out),
            Value::I64(value) => value.signed::<i64>("i64")?.encode_to(out),
            Value::I128(value) => value.signed::<i128>("i128")?.encode_to(out),
            Value::Compact(value) => Compact(value.unsigned::<u128>("compact")?).encode_to(out),
            Value::String(text) => text.encode_to(out),
            Value::Bytes(hex) => hex.0.encode_to(out),
            Value::Raw(hex) => out.extend_from_slice(&hex.0),
            Value::Hash(hash) => out.extend_from_slice(&hash.0),
            Value::Account(name) => out.extend_from_slice(&resolve_address(name, labels).map_err(at("account"))?),
            Value::Code(name) => out.extend_from_slice(&resolve_code(name, labels).map_err(at("code"))?),
            Value::Vec(values) => {
                let count = u32::try_from(values.len()).map_err(|_| wrong("vec", "too many elements".to_string()))?;
                Compact(count).encode_to(out);
                encode_all("vec", values, labels, out)?;
            }
            Value::Tuple(values) => encode_all("tuple", values, labels, out)?,
            Value::Option(None) => out.push(0),
            Value::Option(Some(value)) => encode_variant("option", 1, value, labels, out)?,
            Value::Ok(value) => encode_variant("ok", 0, value, labels, out)?,
            Value::Err(value) => encode_variant("err", 1, value, labels, out)?,
            Value::Variant(variant) => {
                out.push(variant.index);
                encode_all("variant.fields", &variant.fields, labels, out)?;
            }
            Value::Fill(fill) => {
                let count = usize::try_from(fill.count).unwrap_or(usize::MAX);
                let room = ENCODED_BYTES_MAX.saturating_sub(out.len());
                if count > room {
                    return Err(wrong("fill", format!("the value exceeds {ENCODED_BYTES_MAX} bytes")));
                }
                out.resize(out.len() + count, fill.byte);
            }
        }
        if out.len() > ENCODED_BYTES_MAX {
            return Err(wrong("", format!("the value exceeds {ENCODED_BYTES_MAX} bytes")));
        }
        Ok(())
    }
}

fn encode_all(field: &str, values: &[Value], labels: &Labels, out: &mut Vec<u8>) -> Encoded {
    for (index, value) in values.iter().enumerate() {
        value.encode_to(labels, out).map_err(|error| error.inside(&format!("{field}[{index}]")))?;
    }
    Ok(())
}

fn encode_variant(field: &str, index: u8, value: &Value, labels: &Labels, out: &mut Vec<u8>) -> Encoded {
    out.push(index);
    value.encode_to(labels, out).map_err(|error| error.inside(field))
}

/// The address that a name or `0x` and 64 digits stand for.
///
/// # Errors
/// A sentence saying why there is none.
pub fn resolve_address(name: &str, labels: &Labels) -> Result<Bytes32, String> {
    if name.starts_with("0x") {
        return parse_hex32(name);
    }
    labels.address(name).ok_or_else(|| format!("there is no account or contract \"{name}\" at this point"))
}

/// The code hash that a name or `0x` and 64 digits stand for.
///
/// # Errors
/// A sentence saying why there is none.
pub fn resolve_code(name: &str, labels: &Labels) -> Result<Bytes32, String> {
    if name.starts_with("0x") {
        return parse_hex32(name);
    }
    labels.code(name).ok_or_else(|| format!("there is no code \"{name}\" at this point"))
}

fn wrong(place: &str, what: String) -> EncodeError {
    EncodeError { place: place.to_string(), what }
}

fn at(place: &'static str) -> impl Fn(String) -> EncodeError {
    move |what| wrong(place, what)
}

impl EncodeError {
    fn inside(self, outer: &str) -> Self {
        let place = if self.place.is_empty() { outer.to_string() } else { format!("{outer}.{}", self.place) };
        EncodeError { place, what: self.what }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.place, self.what) }
    }
}

/// An integer of a scenario file: a JSON integer, or a string of decimal digits with an optional `-` and `_` between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integer {
    negative: bool,
    magnitude: u128,
}

impl Integer {
    /// The value as an unsigned type.
    ///
    /// # Errors
    /// It is negative or too large; the message names the limits.
    pub fn unsigned<T: TryFrom<u128>>(self, kind: &str) -> Result<T, EncodeError> {
        let positive = if self.negative && self.magnitude != 0 { None } else { T::try_from(self.magnitude).ok() };
        let most = u128::MAX.checked_shr(unused_bits::<T>()).unwrap_or_default();
        positive.ok_or_else(|| wrong(kind, format!("{self} does not fit, 0 to {most} do")))
    }

    fn signed<T: TryFrom<i128>>(self, kind: &str) -> Result<T, EncodeError> {
        let value =
            if self.negative { 0i128.checked_sub_unsigned(self.magnitude) } else { self.magnitude.try_into().ok() };
        let [least, most] = [i128::MIN, i128::MAX].map(|edge| edge.wrapping_shr(unused_bits::<T>()));
        let does_not_fit = || wrong(kind, format!("{self} does not fit, {least} to {most} do"));
        value.and_then(|value| T::try_from(value).ok()).ok_or_else(does_not_fit)
    }

    fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let separators_between = !digits.starts_with('_') && !digits.ends_with('_');
        let plain = digits.replace('_', "");
        let only_digits = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
        let magnitude = if separators_between && only_digits { plain.parse().ok()? } else { return None };
        Some(Integer { negative, magnitude })
    }
}

/// How many of 128 bits an integer of type `T` does not have.
fn unused_bits<T>() -> u32 {
    u32::try_from(size_of::<T>()).map_or(0, |bytes| 128u32.saturating_sub(bytes.saturating_mul(8)))
}

impl From<u128> for Integer {
    fn from(magnitude: u128) -> Self {
        Integer { negative: false, magnitude }
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.negative { "-" } else { "" }, self.magnitude)
    }
}

impl Serialize for Integer {
    /// A JSON integer where every reader takes it exactly, else a string of digits.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const EXACT_EVERYWHERE: u64 = 1 << 53;
        match u64::try_from(self.magnitude) {
            Ok(value) if !self.negative && value <= EXACT_EVERYWHERE => serializer.serialize_u64(value),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntegerVisitor;
        impl Visitor<'_> for IntegerVisitor {
            type Value = Integer;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer, or a string of decimal digits of at most 128 bits")
            }
            fn visit_u64<E>(self, value: u64) -> Result<Integer, E> {
                Ok(Integer { negative: false, magnitude: u128::from(value) })
            }
            fn visit_i64<E>(self, value: i64) -> Result<Integer, E> {
                Ok(Integer { negative: value < 0, magnitude: u128::from(value.unsigned_abs()) })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Integer, E> {
                Integer::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(IntegerVisitor)
    }
}

/// Bytes in hexadecimal behind `0x`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hex(pub Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_hex(&text).map(Hex).map_err(de::Error::custom)
    }
}

/// 32 bytes in hexadecimal behind `0x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex32(pub Bytes32);

impl<'de> Deserialize<'de> for Hex32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_hex32(&text).map(Hex32).map_err(de::Error::custom)
    }
}

/// Reads either a string or an object of type `T`, with errors that name the object's own fields.
struct TextOr<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TextOr<T> {
    type Value = Result<String, T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string \"0x…\" or an object")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Ok(text.to_string()))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let object = T::deserialize(MapAccessDeserializer::new(&mut map))?;
        match map.next_entry::<String, IgnoredAny>()? {
            None => Ok(Err(object)),
            Some((key, _)) => Err(de::Error::custom(format_args!("one key was expected; \"{key}\" is a second one"))),
        }
    }
}

/// Reads bytes, or a text that does not begin as bytes do.
fn hex_or_text<E: de::Error>(text: String) -> Result<Result<Hex, String>, E> {
    if text.starts_with("0x") { parse_hex(&text).map(|bytes| Ok(Hex(bytes))).map_err(E::custom) } else { Ok(Err(text)) }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(TextOr::<Message>(std::marker::PhantomData))? {
            Ok(text) => Ok(hex_or_text(text)?.map_or_else(Input::Call, Input::Hex)),
            Err(message) => Ok(Input::Message(message)),
        }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(TextOr::<Value>(std::marker::PhantomData))? {
            Ok(text) => parse_hex(&text).map(|bytes| Data::Hex(Hex(bytes))).map_err(de::Error::custom),
            Err(value) => Ok(Data::Value(value)),
        }
    }
}

impl<'de> Deserialize<'de> for Output {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(TextOr::<Value>(std::marker::PhantomData))? {
            Ok(text) => Ok(hex_or_text(text)?.map_or_else(Output::Answer, |hex| Output::Data(Data::Hex(hex)))),
            Err(value) => Ok(Output::Data(Data::Value(value))),
        }
    }
}

impl Default for Input {
    fn default() -> Self {
        Input::Hex(Hex::default())
    }
}

impl Default for Data {
    fn default() -> Self {
        Data::Hex(Hex::default())
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
