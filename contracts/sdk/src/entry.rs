//! What the attribute `contract` makes of a module, and what it uses for that.

use crate::codec::Encode;
use alloc::vec::Vec;

/// A contract as the chain sees it.
pub trait Contract {
    /// What the contract's interface file says (docs/interface.md).
    const INTERFACE: &'static str;
    /// Runs a constructor.
    fn deploy(input: &[u8]) -> Answer;
    /// Runs a method.
    fn call(input: &[u8]) -> Answer;
}

/// What a contract ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether all it did is to be undone.
    pub reverted: bool,
    /// Its output.
    pub output: Vec<u8>,
}

impl Answer {
    /// No such method, or not with these arguments.
    pub fn not_understood() -> Self {
        Answer { reverted: true, output: Vec::from([1, 1]) }
    }

    /// The method takes no value.
    pub fn takes_no_value() -> Self {
        Answer { reverted: true, output: Vec::from([1, 2]) }
    }

    /// A value; `reverted` if it is an error.
    pub fn of(value: &impl Encode, reverted: bool) -> Self {
        let mut output = Vec::with_capacity(value.size_hint() + 1);
        output.push(0);
        value.encode_to(&mut output);
        Answer { reverted, output }
    }
}

/// The first four bytes of the input, as they stand, and the rest.
pub fn split(input: &[u8]) -> Option<([u8; 4], &[u8])> {
    let (selector, rest) = input.split_first_chunk()?;
    Some((*selector, rest))
}

/// Whether value came to a method that takes none.
pub fn has_value() -> bool {
    crate::host::value() != 0
}

/// Reads the input, runs, and gives the answer to the host.
#[cfg(target_arch = "wasm32")]
pub fn run(entry: fn(&[u8]) -> Answer) -> ! {
    let answer = crate::host::with_input(entry);
    crate::host::finish(answer.reverted, &answer.output)
}

/// The topics of an event.
pub type Bytes32List = Vec<[u8; 32]>;

/// A result, whose error the client of a constructor names.
pub trait Fails {
    /// The error.
    type Error;
}

impl<T, E> Fails for Result<T, E> {
    type Error = E;
}
