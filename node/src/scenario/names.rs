//! How names in a scenario become bytes: addresses of accounts and selectors of messages.

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};

/// Addresses and hashes are 32 bytes in every scenario.
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
