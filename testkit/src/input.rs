//! What a contract is given: bytes, or a call written as text.

use crate::names::{Bytes32, Labels, selector};
use parity_scale_codec::Encode;

/// The input of a call or constructor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The bytes themselves.
    Bytes(Vec<u8>),
    /// A call as text, such as `transfer(bob, 300)`, for a contract whose interface is known.
    Text(String),
}

impl Default for Input {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Self::Text(text.to_string())
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Input {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Input {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Input {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Message> for Input {
    fn from(message: Message) -> Self {
        Self::Bytes(message.0)
    }
}

/// An input made of an ink! selector and SCALE values: see [`message`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(Vec<u8>);

/// The input of the ink! message or constructor `name`: `message("transfer").arg(to).arg(300u128)`.
#[must_use]
pub fn message(name: &str) -> Message {
    Message(selector(name).to_vec())
}

impl Message {
    /// Adds an argument, SCALE-encoded.
    #[must_use]
    pub fn arg(mut self, value: impl Encode) -> Self {
        value.encode_to(&mut self.0);
        self
    }
}

impl Input {
    #[track_caller]
    pub(crate) fn message(self, labels: &Labels, code: &Bytes32) -> Vec<u8> {
        self.encode(labels, code, false)
    }

    #[track_caller]
    pub(crate) fn constructor(self, labels: &Labels, code: &Bytes32) -> Vec<u8> {
        self.encode(labels, code, true)
    }

    #[track_caller]
    fn encode(self, labels: &Labels, code: &Bytes32, constructor: bool) -> Vec<u8> {
        let text = match self {
            Self::Bytes(bytes) => return bytes,
            Self::Text(text) => text,
        };
        let Some(interface) = labels.interface(code) else {
            panic!("\"{text}\" needs an interface, and {} has none: give bytes, or message(…)", labels.show_code(code));
        };
        let input = if constructor {
            interface.constructor_input(&text, labels)
        } else {
            interface.message_input(&text, labels)
        };
        input.unwrap_or_else(|error| panic!("\"{text}\": {error}"))
    }
}
