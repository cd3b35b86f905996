//! Calls of other contracts. What goes wrong there is a value here.

use crate::codec::Decode;
use crate::host;
use crate::{AccountId, Balance, Hash};
use alloc::vec::Vec;

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The callee trapped, or ran out of gas or of something else. What it did is undone.
    Trapped,
    /// The callee reverted, and what it answered is not what was expected. What it did is undone.
    Reverted,
    /// There is not enough to give.
    TransferFailed,
    /// There is no such code.
    CodeNotFound,
    /// There is no contract at the address, or none that may be called.
    NotCallable,
    /// The callee does not know the method, or not with these arguments.
    NotUnderstood,
    /// The method takes no value.
    TakesNoValue,
    /// The answer is of another type.
    OtherAnswer,
    /// A code of the host that this version does not know.
    Other,
}

/// The contract at an address, and how it is to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whose code runs.
    pub address: AccountId,
    /// What it gets.
    pub value: Balance,
    /// How much gas it may use; 0 for all that is left.
    pub gas: u64,
    /// Whether it may call this contract back.
    pub reentry: bool,
    /// Whether it may change nothing.
    pub read_only: bool,
}

impl Target {
    /// A call of `address` without value, with all gas.
    pub fn at(address: AccountId) -> Self {
        Target { address, value: 0, gas: 0, reentry: false, read_only: false }
    }

    /// Calls with `input`, and reads the answer in its envelope.
    ///
    /// # Errors
    /// There is no answer of this type.
    pub fn call<T: Decode>(&self, input: &[u8]) -> Result<T, CallError> {
        answer(host::call(self, input))
    }
}

/// How a contract is to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploy {
    /// Its code.
    pub code: Hash,
    /// What it gets.
    pub value: Balance,
    /// How much gas its constructor may use; 0 for all that is left.
    pub gas: u64,
    /// Tells contracts apart that are created with the same code and arguments.
    pub salt: Vec<u8>,
}

impl Deploy {
    /// A contract of this code, without value and salt.
    pub fn of(code: Hash) -> Self {
        Deploy { code, value: 0, gas: 0, salt: Vec::new() }
    }

    /// With salt.
    pub fn salt(self, salt: &[u8]) -> Self {
        Deploy { salt: salt.to_vec(), ..self }
    }

    /// With value.
    pub fn value(self, value: Balance) -> Self {
        Deploy { value, ..self }
    }

    /// Creates the contract; gives its address and what the constructor answered.
    ///
    /// # Errors
    /// There is no contract, and no answer of this type.
    pub fn create<T: Decode>(&self, input: &[u8]) -> Result<(AccountId, T), CallError> {
        let (address, ended) = host::instantiate(self, input);
        Ok((AccountId(address), answer(ended)?))
    }
}

/// Runs code over this contract's own storage, address, caller and value, and reads the answer in its envelope.
///
/// # Errors
/// There is no answer of this type.
pub fn delegate<T: Decode>(code: &Hash, input: &[u8]) -> Result<T, CallError> {
    answer(host::delegate_call(&code.0, input))
}

/// How a frame ended, with its output where there is one.
pub(crate) type Ended = Result<Vec<u8>, (CallError, Vec<u8>)>;

/// The value in the envelope. A callee that reverts may still have answered: with its own error, as a value.
fn answer<T: Decode>(ended: Ended) -> Result<T, CallError> {
    let (output, otherwise) = match ended {
        Ok(output) => (output, CallError::OtherAnswer),
        Err((CallError::Reverted, output)) => (output, CallError::Reverted),
        Err((error, _)) => return Err(error),
    };
    match output[..] {
        [0, ref value @ ..] => {
            let mut value = value;
            T::decode(&mut value).ok().filter(|_| value.is_empty()).ok_or(otherwise)
        }
        [1, 1] => Err(CallError::NotUnderstood),
        [1, 2] => Err(CallError::TakesNoValue),
        _ => Err(otherwise),
    }
}
