//! How names become bytes and bytes are shown by name: accounts, contracts, codes, selectors of messages.

use crate::functions::{FunctionNames, plain};
use crate::interface::{Interface, Method};
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use std::collections::BTreeMap;
use std::sync::Arc;
use unfork_engine::{Address, Contract, Payload, RecordKey, read_record};
use unfork_state::{StateError, StateView};

/// Addresses and hashes are 32 bytes in every scenario and test.
pub type Bytes32 = [u8; 32];

/// The address of the account called `name`: blake2b-256 of `unfork-account:` followed by the name's UTF-8 bytes.
///
/// Scenario accounts have no keys; who sends a transaction is taken from the file.
pub fn account_address(name: &str) -> Bytes32 {
    Blake2b::<U32>::new().chain_update(b"unfork-account:").chain_update(name.as_bytes()).finalize().into()
}

/// What later transactions name uploaded code by: blake2b-256 of its bytes.
pub fn code_hash(code: &[u8]) -> Bytes32 {
    Blake2b::<U32>::digest(code).into()
}

/// The ink! selector of a message or constructor that belongs to no trait: the first four bytes of blake2b-256 of its
/// name.
pub fn selector(name: &str) -> [u8; 4] {
    let hash: Bytes32 = Blake2b::<U32>::digest(name.as_bytes()).into();
    [hash[0], hash[1], hash[2], hash[3]]
}

/// What people call addresses and codes, and what is known of those codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    addresses: BTreeMap<String, Bytes32>,
    by_address: BTreeMap<Bytes32, String>,
    codes: BTreeMap<String, Bytes32>,
    by_code: BTreeMap<Bytes32, String>,
    interfaces: BTreeMap<Bytes32, Arc<Interface>>,
    functions: BTreeMap<Bytes32, Arc<FunctionNames>>,
    /// Codes of contracts, by address.
    contracts: BTreeMap<Bytes32, Bytes32>,
}

impl Labels {
    /// Gives an account or contract a name; what had the name before keeps none.
    pub fn name_address(&mut self, name: impl Into<String>, address: Bytes32) {
        let name = name.into();
        if let Some(before) = self.addresses.insert(name.clone(), address) {
            self.by_address.remove(&before);
        }
        self.by_address.insert(address, name);
    }

    /// Gives code a name.
    pub fn name_code(&mut self, name: impl Into<String>, hash: Bytes32) {
        let name = name.into();
        self.codes.insert(name.clone(), hash);
        self.by_code.entry(hash).or_insert(name);
    }

    /// Tells what contracts of this code offer.
    pub fn set_interface(&mut self, code: Bytes32, interface: Arc<Interface>) {
        self.interfaces.insert(code, interface);
    }

    /// Tells what the functions of a code are called.
    pub fn set_functions(&mut self, code: Bytes32, names: FunctionNames) {
        self.functions.insert(code, Arc::new(names));
    }

    /// The address of an account or contract, if one of that name exists.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<Bytes32> {
        self.addresses.get(name).copied()
    }

    /// The hash of a code, if one of that name exists.
    #[must_use]
    pub fn code(&self, name: &str) -> Option<Bytes32> {
        self.codes.get(name).copied()
    }

    /// Tells which code a contract was made of.
    pub fn set_contract(&mut self, address: Bytes32, code: Bytes32) {
        self.contracts.insert(address, code);
    }

    /// The code that a contract was made of, or has by now.
    #[must_use]
    pub fn code_of(&self, contract: &Bytes32) -> Option<Bytes32> {
        self.contracts.get(contract).copied()
    }

    /// Looks up which code each contract has by now: some replace theirs. One that has ended keeps its last.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn follow(&mut self, view: &dyn StateView) -> Result<(), StateError> {
        for (address, code) in &mut self.contracts {
            let contract: Option<Contract> = read_record(view, RecordKey::Contract(&Address::from(*address)))?;
            *code = contract.map_or(*code, |contract| contract.code_hash);
        }
        Ok(())
    }

    /// What the contract at an address offers, where that is known.
    #[must_use]
    pub fn interface_at(&self, address: &Bytes32) -> Option<&Arc<Interface>> {
        self.interface(self.contracts.get(address)?)
    }

    /// The method that a transaction asks for, with the interface it stands in, where that is known.
    #[must_use]
    pub fn method(&self, payload: &Payload) -> Option<(&Arc<Interface>, &Method)> {
        match payload {
            Payload::Call { contract, input, .. } => {
                let interface = self.interface_at(&contract.as_bytes().try_into().ok()?)?;
                Some((interface, interface.message(input)?))
            }
            Payload::Instantiate { code_hash, input, .. } => {
                let interface = self.interface(code_hash)?;
                Some((interface, interface.constructor(input)?))
            }
            Payload::Upload { .. } | Payload::Transfer { .. } => None,
        }
    }

    /// What contracts of this code offer, where that is known.
    #[must_use]
    pub fn interface(&self, code: &Bytes32) -> Option<&Arc<Interface>> {
        self.interfaces.get(code)
    }

    /// An address by name, or else in hexadecimal.
    #[must_use]
    pub fn show(&self, address: &[u8]) -> String {
        let name = Bytes32::try_from(address).ok().and_then(|address| self.by_address.get(&address));
        name.cloned().unwrap_or_else(|| hexadecimal(address))
    }

    /// A function of a code by name, or else by its index.
    #[must_use]
    pub fn show_function(&self, code: &Bytes32, index: u32) -> String {
        let name = self.functions.get(code).and_then(|names| names.get(&index));
        name.map_or_else(|| format!("function {index}"), |name| plain(name).escape_debug().to_string())
    }

    /// A code by name, or else in hexadecimal.
    #[must_use]
    pub fn show_code(&self, hash: &Bytes32) -> String {
        self.by_code.get(hash).cloned().unwrap_or_else(|| hexadecimal(hash))
    }
}

/// Bytes as `0x` and hexadecimal digits.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Bytes written as `0x` and an even number of hexadecimal digits.
///
/// # Errors
/// A sentence saying what is wrong with the text.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.strip_prefix("0x").ok_or_else(|| format!("{} does not start with 0x", quoted(text)))?;
    hex::decode(digits).map_err(|error| match error {
        hex::FromHexError::OddLength => format!("{} has an odd number of hexadecimal digits", quoted(text)),
        _ => format!("{} has a character that is no hexadecimal digit", quoted(text)),
    })
}

/// 32 bytes written as `0x` and 64 hexadecimal digits.
///
/// # Errors
/// A sentence saying what is wrong with the text.
pub fn parse_hex32(text: &str) -> Result<Bytes32, String> {
    let bytes = parse_hex(text)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| format!("{} has {length} bytes, 32 are needed", quoted(text)))
}

/// The text in quotes, cut where it would flood a message.
fn quoted(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("\"{}…\"", &text[..end]),
        None => format!("\"{text}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_those_of_ink() {
        // Published in ink!'s own documentation and metadata of its examples.
        assert_eq!(selector("flip"), [0x63, 0x3a, 0xa5, 0x51]);
        assert_eq!(selector("get"), [0x2f, 0x86, 0x5b, 0xd9]);
        assert_eq!(selector("new"), [0x9b, 0xae, 0x9d, 0x5e]);
        assert_eq!(selector("transfer"), [0x84, 0xa1, 0x5d, 0xa1]);
    }

    #[test]
    fn accounts_differ_by_name_alone() {
        assert_ne!(account_address("alice"), account_address("bob"));
        assert_eq!(account_address("alice"), account_address("alice"));
    }

    #[test]
    fn hex_errors_say_what_is_wrong() {
        assert_eq!(parse_hex("0x00ff").unwrap(), [0, 255]);
        assert_eq!(parse_hex("0x"), Ok(Vec::new()));
        assert_eq!(parse_hex("ff").unwrap_err(), "\"ff\" does not start with 0x");
        assert_eq!(parse_hex("0xf").unwrap_err(), "\"0xf\" has an odd number of hexadecimal digits");
        assert_eq!(parse_hex("0xzz").unwrap_err(), "\"0xzz\" has a character that is no hexadecimal digit");
        assert_eq!(parse_hex32("0xff").unwrap_err(), "\"0xff\" has 1 bytes, 32 are needed");
        assert!(parse_hex(&"é".repeat(1000)).unwrap_err().len() < 200);
    }
}
