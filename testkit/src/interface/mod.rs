//! What a contract offers, by name: its constructors, methods, events and types, and the calls and values written with
//! them: `transfer(bob, 300)`, `Err(InsufficientBalance)`.
//!
//! An interface comes from a JSON file beside the code (`docs/interface.md`), or from the metadata that ink!'s tools
//! write (`.json`, `.contract`), which is mapped onto the same form.
//!
//! | type | text |
//! |---|---|
//! | `bool`, integers | `true`, `-5`, `1_000_000` |
//! | `string`, `bytes` | `"text"`, `0x00ff` |
//! | `address`, `hash` | a name that is known where it is used, or `0x` and 64 digits |
//! | `vec<T>`, `[T; N]` | `[1, 2, 3]`; bytes as `0x…` |
//! | `option<T>`, `result<T, E>` | `Some(1)`, `None`, `Ok(())`, `Err(NotOwner)` |
//! | tuples, structs | `(1, bob)`, `{owner: bob, amount: 5}` |
//! | enums | `Nothing`, `Both(1, 2)`, `Named {a: 1}` |

mod decode;
mod encode;
mod ink;
mod kind;
mod read;

pub use kind::Type;

use crate::names::Labels;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use unfork_engine::Event;

/// The largest interface file, in bytes.
pub const INTERFACE_BYTES_MAX: u64 = 4 << 20;

/// What a contract offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// The contract's name.
    pub contract: String,
    /// Structs and enums that the types below name.
    pub types: BTreeMap<String, Definition>,
    /// What makes a contract.
    pub constructors: Vec<Method>,
    /// What a contract can be asked.
    pub messages: Vec<Method>,
    /// What it announces.
    pub events: Vec<EventKind>,
}

/// A constructor or message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// What the input begins with.
    pub selector: [u8; 4],
    /// Its arguments, in order.
    pub args: Vec<Field>,
    /// What it answers.
    pub returns: Type,
    /// Whether the output says first that the contract has understood the call: [`Interface::describe_output`].
    pub wrapped: bool,
}

/// A named value: an argument, or a field of a struct or event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Type,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventKind {
    /// Its name.
    pub name: String,
    /// Its first topic; none for an anonymous event.
    pub topic: Option<[u8; 32]>,
    /// What its data hold, in order.
    pub args: Vec<Field>,
}

/// A struct or enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// Its fields, in order.
    Struct(Fields),
    /// Its variants.
    Enum(Vec<Variant>),
    /// Another name for a type.
    Alias(Type),
}

/// The fields of a struct or variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fields {
    /// By name.
    Named(Vec<Field>),
    /// By place.
    Unnamed(Vec<Type>),
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// The byte that SCALE writes for it.
    pub index: u8,
    /// What it carries.
    pub fields: Fields,
}

/// Why an interface, a call or a value is none. The text says where and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceError(String);

impl InterfaceError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// Names the place around it.
    pub(crate) fn inside(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for InterfaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InterfaceError {}

/// A text cut where it would flood a message.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

impl Interface {
    /// Reads an interface, or metadata of ink! 4 and 5.
    ///
    /// # Errors
    /// The text is neither; the error says where and why.
    pub fn parse(text: &str) -> Result<Self, InterfaceError> {
        read::interface(text)
    }

    /// Reads the interface in `file`.
    ///
    /// # Errors
    /// The file cannot be read, is larger than [`INTERFACE_BYTES_MAX`], or holds no interface.
    pub fn load(file: &Path) -> Result<Self, InterfaceError> {
        Self::parse(&read_file(file)?).map_err(|error| of_file(file, error))
    }

    /// The interface beside a code file: the file of the same name ending in `.json` or `.contract`. Another kind of
    /// JSON file of that name counts as none.
    ///
    /// # Errors
    /// There is one, and it cannot be read or is wrong.
    pub fn beside(code: &Path) -> Result<Option<Self>, InterfaceError> {
        let ends = ["json", "contract"].iter();
        let Some(file) = ends.map(|end| code.with_extension(end)).find(|file| file.is_file()) else { return Ok(None) };
        let text = read_file(&file)?;
        let is_one = |json: &serde_json::Value| json.get("interface").is_some() || json.get("spec").is_some();
        match serde_json::from_str(&text) {
            Ok(json) if is_one(&json) => Self::parse(&text).map(Some).map_err(|error| of_file(&file, error)),
            _ => Ok(None),
        }
    }

    /// The input of `call`, such as `transfer(bob, 300)`, for one of the messages.
    ///
    /// # Errors
    /// There is no such message, or an argument does not fit.
    pub fn message_input(&self, call: &str, labels: &Labels) -> Result<Vec<u8>, InterfaceError> {
        encode::call(self, &self.messages, "message", call, labels)
    }

    /// The input of `call` for one of the constructors.
    ///
    /// # Errors
    /// There is no such constructor, or an argument does not fit.
    pub fn constructor_input(&self, call: &str, labels: &Labels) -> Result<Vec<u8>, InterfaceError> {
        encode::call(self, &self.constructors, "constructor", call, labels)
    }

    /// The message that an input is for.
    #[must_use]
    pub fn message(&self, input: &[u8]) -> Option<&Method> {
        method(&self.messages, input)
    }

    /// The constructor that an input is for.
    #[must_use]
    pub fn constructor(&self, input: &[u8]) -> Option<&Method> {
        method(&self.constructors, input)
    }

    /// The encoding of `text` as a value of type `kind`.
    ///
    /// # Errors
    /// The text is no such value.
    pub fn encode(&self, kind: &Type, text: &str, labels: &Labels) -> Result<Vec<u8>, InterfaceError> {
        encode::value(self, kind, text, labels)
    }

    /// The value of type `kind` that `bytes` hold, in words.
    ///
    /// # Errors
    /// They hold no such value, or more than one.
    pub fn decode(&self, kind: &Type, bytes: &[u8], labels: &Labels) -> Result<String, InterfaceError> {
        decode::whole(self, kind, bytes, labels)
    }

    /// An input in words: `transfer(to: bob, value: 300)`; where it does not hold the method's arguments, why not.
    #[must_use]
    pub fn describe_input(&self, method: &Method, input: &[u8], labels: &Labels) -> String {
        match decode::fields(self, &method.args, input.get(4..).unwrap_or_default(), labels) {
            Ok(arguments) => format!("{}({arguments})", method.name),
            Err(error) => format!("{}(… {error})", method.name),
        }
    }

    /// Whether `output` is the answer that `text` says in words, such as `Err(NotOwner)`. Values are compared, not their
    /// spelling: `1_000` is `1000`.
    ///
    /// # Errors
    /// No answer of the method is called so.
    pub fn is_answer(
        &self,
        method: &Method,
        text: &str,
        output: &[u8],
        labels: &Labels,
    ) -> Result<bool, InterfaceError> {
        let spaceless: String = text.split_whitespace().collect();
        let reasons = if method.wrapped { &REASONS[..] } else { &[] };
        let reason = reasons.iter().find(|(_, name)| *name == spaceless);
        if reason.is_some_and(|(number, _)| output == [1, *number]) {
            return Ok(true);
        }
        match self.encode(&method.returns, text, labels) {
            Ok(value) if method.wrapped => Ok(output.split_first() == Some((&0, value.as_slice()))),
            Ok(value) => Ok(output == value),
            Err(_) if reason.is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether `event` is the one that `text` says in words, such as `Sent(to: bob, value: 300)`.
    ///
    /// # Errors
    /// No event of this interface is called so.
    pub fn is_event(&self, text: &str, event: &Event, labels: &Labels) -> Result<bool, InterfaceError> {
        let said = encode::events(self, text, labels)?;
        let topic = event.topics.first().copied();
        Ok(said.iter().any(|(kind, data)| *data == event.data && (kind.topic.is_none() || kind.topic == topic)))
    }

    /// Why a contract of this interface did not take a call, if that is what the output says. Also of inputs that are for none
    /// of its methods.
    #[must_use]
    pub fn describe_refusal(&self, output: &[u8]) -> Option<&'static str> {
        let wrapped = self.messages.iter().chain(&self.constructors).any(|method| method.wrapped);
        match output {
            [1, number] if wrapped => REASONS.iter().find(|(reason, _)| reason == number).map(|(_, name)| *name),
            _ => None,
        }
    }

    /// An output in words. Where the method is wrapped, a byte 0 before the value is left out; 1 stands before the reason why
    /// the contract did not understand the call.
    ///
    /// # Errors
    /// The output holds no such value.
    pub fn describe_output(&self, method: &Method, output: &[u8], labels: &Labels) -> Result<String, InterfaceError> {
        match (method.wrapped, output) {
            (false, value) | (true, [0, value @ ..]) => self.decode(&method.returns, value, labels),
            (true, output) => {
                let reason = self.describe_refusal(output).map(str::to_string);
                reason.ok_or_else(|| InterfaceError::new("the output does not begin with 0, and is no reason"))
            }
        }
    }

    /// An event in words: `Transfer(from: alice, to: bob, value: 300)`. `None` when it is none of this interface.
    #[must_use]
    pub fn describe_event(&self, event: &Event, labels: &Labels) -> Option<String> {
        let by_topic =
            self.events.iter().find(|kind| kind.topic.is_some() && kind.topic == event.topics.first().copied());
        let kinds = by_topic.into_iter().chain(self.events.iter().filter(|kind| kind.topic.is_none()));
        kinds
            .filter_map(|kind| {
                let arguments = decode::fields(self, &kind.args, &event.data, labels).ok()?;
                Some(format!("{}({arguments})", kind.name))
            })
            .next()
    }
}

/// Why a contract does not take a call: the byte behind the 1, and how it is shown.
const REASONS: [(u8, &str); 2] = [(1, "Err(CouldNotReadInput)"), (2, "Err(TakesNoValue)")];

fn of_file(file: &Path, what: impl fmt::Display) -> InterfaceError {
    InterfaceError::new(format!("{}: {what}", file.display()))
}

fn read_file(file: &Path) -> Result<String, InterfaceError> {
    let size = std::fs::metadata(file).map_err(|error| of_file(file, error))?.len();
    if size > INTERFACE_BYTES_MAX {
        return Err(of_file(file, format_args!("it has {size} bytes, at most {INTERFACE_BYTES_MAX} are read")));
    }
    std::fs::read_to_string(file).map_err(|error| of_file(file, error))
}

fn method<'a>(methods: &'a [Method], input: &[u8]) -> Option<&'a Method> {
    let selector = input.first_chunk::<4>()?;
    methods.iter().find(|method| method.selector == *selector)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
