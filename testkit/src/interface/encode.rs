//! Text to SCALE: `transfer(bob, 300)`.

use super::kind::DEPTH_MAX;
use super::{Definition, EventKind, Field, Fields, Interface, InterfaceError, Method, Type, shortened};
use crate::names::{Labels, parse_hex, parse_hex32};
use parity_scale_codec::{Compact, Encode};

/// The input of a call written as text.
pub(super) fn call(
    interface: &Interface,
    methods: &[Method],
    what: &str,
    text: &str,
    labels: &Labels,
) -> Result<Vec<u8>, InterfaceError> {
    let mut writer = Writer { interface, labels, rest: text, out: Vec::new() };
    let name = writer.word().to_string();
    let Some(method) = methods.iter().find(|method| method.name == name) else {
        let known: Vec<&str> = methods.iter().map(|method| method.name.as_str()).collect();
        let what = format!("there is no {what} \"{}\"; there are: {}", shortened(&name), known.join(", "));
        return Err(InterfaceError::new(what));
    };
    writer.out.extend_from_slice(&method.selector);
    let kinds: Vec<&Type> = method.args.iter().map(|arg| &arg.kind).collect();
    if !(method.args.is_empty() && writer.at_end()) {
        writer.list(&kinds, '(', ')', 0).map_err(|error| error.inside(&signature(method)))?;
    }
    writer.end("call")?;
    Ok(writer.out)
}

/// A value written as text.
pub(super) fn value(
    interface: &Interface,
    kind: &Type,
    text: &str,
    labels: &Labels,
) -> Result<Vec<u8>, InterfaceError> {
    let mut writer = Writer { interface, labels, rest: text, out: Vec::new() };
    writer.value(kind, 0)?;
    writer.end("value")?;
    Ok(writer.out)
}

/// The data of an event written as text, such as `Sent(to: bob, value: 300)`, for each event of that name.
pub(super) fn events<'i>(
    interface: &'i Interface,
    text: &str,
    labels: &Labels,
) -> Result<Vec<(&'i EventKind, Vec<u8>)>, InterfaceError> {
    let name = Writer { interface, labels, rest: text, out: Vec::new() }.word().to_string();
    let mut found = Vec::new();
    let mut why = None;
    for kind in interface.events.iter().filter(|kind| kind.name == name) {
        let mut writer = Writer { interface, labels, rest: text, out: Vec::new() };
        writer.word();
        match writer.named(&kind.args, '(', ')', 0).and_then(|()| writer.end("event")) {
            Ok(()) => found.push((kind, writer.out)),
            Err(error) => why = Some(error.inside(&name)),
        }
    }
    match why {
        Some(why) if found.is_empty() => Err(why),
        None if found.is_empty() => {
            let known: Vec<&str> = interface.events.iter().map(|kind| kind.name.as_str()).collect();
            let what = format!("there is no event \"{}\"; there are: {}", shortened(&name), known.join(", "));
            Err(InterfaceError::new(what))
        }
        _ => Ok(found),
    }
}

/// `transfer(to: address, value: u128)`.
fn signature(method: &Method) -> String {
    let args: Vec<String> = method.args.iter().map(|arg| format!("{}: {}", arg.name, arg.kind)).collect();
    format!("{}({})", method.name, args.join(", "))
}

struct Writer<'a> {
    interface: &'a Interface,
    labels: &'a Labels,
    rest: &'a str,
    out: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn at_end(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.is_empty()
    }

    /// Nothing may follow.
    fn end(&mut self, what: &str) -> Result<(), InterfaceError> {
        if self.at_end() {
            return Ok(());
        }
        Err(InterfaceError::new(format!("\"{}\" after the {what}", shortened(self.rest))))
    }

    /// Letters, digits and what names are made of; may be empty.
    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let part_of = |letter: char| letter.is_alphanumeric() || "_-:.".contains(letter);
        // The colon behind a field's name is not part of it, the two of `Trait::method` are.
        let mut end = self.rest.find(|letter: char| !part_of(letter)).unwrap_or(self.rest.len());
        let text = self.rest.get(..end).unwrap_or_default();
        if let Some(colon) = text.replace("::", "__").find(':') {
            end = colon;
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn starts(&mut self, sign: char) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.starts_with(sign)
    }

    fn eat(&mut self, sign: char) -> bool {
        let there = self.starts(sign);
        if there {
            self.rest = self.rest.get(sign.len_utf8()..).unwrap_or_default();
        }
        there
    }

    fn expect(&mut self, sign: char) -> Result<(), InterfaceError> {
        if self.eat(sign) {
            return Ok(());
        }
        let found = if self.rest.is_empty() { "the end".to_string() } else { format!("\"{}\"", shortened(self.rest)) };
        Err(InterfaceError::new(format!("'{sign}' was expected, found {found}")))
    }

    /// What a message says about a value that is none: the text up to where it could end.
    fn found(&self) -> String {
        let end = self.rest.find([',', ')', ']', '}']).unwrap_or(self.rest.len());
        shortened(self.rest.get(..end).unwrap_or_default().trim())
    }

    fn wrong<T>(&self, kind: &Type, text: &str) -> Result<T, InterfaceError> {
        let text = if text.is_empty() { self.found() } else { shortened(text) };
        Err(InterfaceError::new(format!("\"{text}\" is no {kind}")))
    }

    fn value(&mut self, kind: &Type, depth: usize) -> Result<(), InterfaceError> {
        if depth > DEPTH_MAX {
            return Err(InterfaceError::new("the value nests too deep"));
        }
        let deeper = depth.saturating_add(1);
        match kind {
            Type::Bool => match self.word() {
                "true" => self.out.push(1),
                "false" => self.out.push(0),
                other => return self.wrong(kind, other),
            },
            Type::Unsigned(_) | Type::Signed(_) | Type::Compact => self.integer(kind)?,
            Type::Text => self.text(kind)?,
            Type::Bytes => {
                let bytes = parse_hex(self.word()).map_err(InterfaceError::new)?;
                bytes.encode_to(&mut self.out);
            }
            Type::Array(item, count) if item.is_bytes_like() && !self.starts('[') => {
                let bytes = parse_hex(self.word()).map_err(InterfaceError::new)?;
                if u32::try_from(bytes.len()) != Ok(*count) {
                    let what = format!("{} bytes, {count} are needed", bytes.len());
                    return Err(InterfaceError::new(what));
                }
                self.out.extend_from_slice(&bytes);
            }
            Type::Address | Type::Hash => {
                let word = self.word();
                let named = if *kind == Type::Address { self.labels.address(word) } else { self.labels.code(word) };
                let bytes = match named {
                    Some(bytes) => bytes,
                    None if word.starts_with("0x") => parse_hex32(word).map_err(InterfaceError::new)?,
                    None => return self.wrong(kind, word),
                };
                self.out.extend_from_slice(&bytes);
            }
            Type::Vec(item) => self.repeated(item, None, deeper)?,
            Type::Array(item, count) => self.repeated(item, Some(*count), deeper)?,
            Type::Tuple(items) => {
                let kinds: Vec<&Type> = items.iter().collect();
                self.list(&kinds, '(', ')', deeper)?;
            }
            Type::Option(item) => match self.word() {
                "None" => self.out.push(0),
                "Some" => self.wrapped(1, item, deeper)?,
                other => return self.wrong(kind, other),
            },
            Type::Result(good, bad) => match self.word() {
                "Ok" => self.wrapped(0, good, deeper)?,
                "Err" => self.wrapped(1, bad, deeper)?,
                other => return self.wrong(kind, other),
            },
            Type::Named(name) => self.defined(kind, name, deeper)?,
        }
        Ok(())
    }

    fn wrapped(&mut self, index: u8, kind: &Type, depth: usize) -> Result<(), InterfaceError> {
        self.out.push(index);
        self.list(&[kind], '(', ')', depth)
    }

    fn integer(&mut self, kind: &Type) -> Result<(), InterfaceError> {
        let word = self.word();
        let negative = word.starts_with('-');
        let digits = word.strip_prefix('-').unwrap_or(word).replace('_', "");
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let Some(magnitude) = digits.parse::<u128>().ok().filter(|_| plain) else { return self.wrong(kind, word) };
        let does_not_fit = || InterfaceError::new(format!("{word} does not fit {kind}"));
        let (size, value) = match kind {
            Type::Unsigned(size) | Type::Signed(size) => (usize::from(*size), magnitude),
            _ if negative => return Err(does_not_fit()),
            _ => {
                Compact(magnitude).encode_to(&mut self.out);
                return Ok(());
            }
        };
        let shift = 128usize.saturating_sub(size.saturating_mul(8));
        let fits = match kind {
            Type::Unsigned(_) => !negative && magnitude <= u128::MAX >> shift,
            // Two's complement holds one more below zero than above.
            _ => magnitude <= (u128::MAX >> shift >> 1).saturating_add(u128::from(negative)),
        };
        if !fits {
            return Err(does_not_fit());
        }
        let value = if negative { value.wrapping_neg() } else { value };
        self.out.extend(value.to_le_bytes().iter().take(size));
        Ok(())
    }

    /// A string with the escapes of JSON.
    fn text(&mut self, kind: &Type) -> Result<(), InterfaceError> {
        self.rest = self.rest.trim_start();
        let mut texts = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        let Some(Ok(text)) = texts.next() else { return self.wrong(kind, "") };
        let used = texts.byte_offset();
        self.rest = self.rest.get(used..).unwrap_or_default();
        text.encode_to(&mut self.out);
        Ok(())
    }

    /// The values of these types between two signs, separated by commas.
    fn list(&mut self, kinds: &[&Type], open: char, close: char, depth: usize) -> Result<(), InterfaceError> {
        self.expect(open)?;
        for (index, kind) in kinds.iter().enumerate() {
            if self.starts(close) {
                return Err(InterfaceError::new(format!("{} are needed, {index} are given", kinds.len())));
            }
            self.value(kind, depth)?;
            if !self.starts(close) {
                self.expect(',')?;
            }
        }
        if !self.starts(close) && !self.rest.is_empty() {
            return Err(InterfaceError::new(format!("{} are needed, more are given", kinds.len())));
        }
        self.expect(close)
    }

    fn repeated(&mut self, item: &Type, wanted: Option<u32>, depth: usize) -> Result<(), InterfaceError> {
        let outer = std::mem::take(&mut self.out);
        self.expect('[')?;
        let mut count = 0u32;
        while !self.starts(']') {
            self.value(item, depth)?;
            count = count.saturating_add(1);
            if !self.starts(']') {
                self.expect(',')?;
            }
        }
        self.expect(']')?;
        let items = std::mem::replace(&mut self.out, outer);
        match wanted {
            None => Compact(count).encode_to(&mut self.out),
            Some(wanted) if wanted == count => {}
            Some(wanted) => return Err(InterfaceError::new(format!("{wanted} are needed, {count} are given"))),
        }
        self.out.extend(items);
        Ok(())
    }

    fn defined(&mut self, kind: &Type, name: &str, depth: usize) -> Result<(), InterfaceError> {
        let interface = self.interface;
        let missing = || InterfaceError::new(format!("the interface has no type \"{name}\""));
        match interface.types.get(name).ok_or_else(missing)? {
            Definition::Alias(alias) => self.value(alias, depth),
            Definition::Struct(fields) => self.fields(fields, depth),
            Definition::Enum(variants) => {
                let word = self.word();
                let Some(variant) = variants.iter().find(|variant| variant.name == word) else {
                    return self.wrong(kind, word);
                };
                self.out.push(variant.index);
                match &variant.fields {
                    Fields::Unnamed(kinds) if kinds.is_empty() => Ok(()),
                    fields => self.fields(fields, depth),
                }
            }
        }
    }

    fn fields(&mut self, fields: &Fields, depth: usize) -> Result<(), InterfaceError> {
        match fields {
            Fields::Unnamed(kinds) => self.list(&kinds.iter().collect::<Vec<_>>(), '(', ')', depth),
            Fields::Named(fields) => self.named(fields, '{', '}', depth),
        }
    }

    /// Fields in the order of the definition, each behind its name, between two signs.
    fn named(&mut self, fields: &[Field], open: char, close: char, depth: usize) -> Result<(), InterfaceError> {
        self.expect(open)?;
        for field in fields {
            let name = self.word();
            if name != field.name {
                let name = shortened(name);
                return Err(InterfaceError::new(format!("the field {} was expected, found \"{name}\"", field.name)));
            }
            self.expect(':')?;
            self.value(&field.kind, depth).map_err(|error| error.inside(&field.name))?;
            if !self.starts(close) {
                self.expect(',')?;
            }
        }
        self.expect(close)
    }
}
