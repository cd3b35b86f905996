//! Names of a contract's functions, so that a call tree can say where one failed.
//!
//! They stand in the code itself, in its name section, or, where a build has taken that out, in the file `NAME.names`
//! beside `NAME.wasm`: a first line with the code's hash, then one line for each function, its index and its name.

use crate::names::{code_hash, hexadecimal};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Names by the functions' indices in the module.
pub type FunctionNames = BTreeMap<u32, String>;

/// The largest file of names that is read, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The names in `code` and, where it was read from `file`, those beside it. A file of names that cannot be read, or belongs
/// to other code, counts as none.
#[must_use]
pub fn function_names(code: &[u8], file: Option<&Path>) -> FunctionNames {
    let mut names = unfork_engine::function_names(code);
    let beside = file.map(|file| file.with_extension("names"));
    let beside = beside.filter(|path| std::fs::metadata(path).is_ok_and(|found| found.len() <= FILE_BYTES_MAX));
    if let Some(text) = beside.and_then(|path| std::fs::read_to_string(path).ok()) {
        names.extend(parse(&text, code).unwrap_or_default());
    }
    names
}

/// The file of names for `code`, of which these are known.
#[must_use]
pub fn names_file(code: &[u8], names: &FunctionNames) -> String {
    let mut text = format!("code {}\n", hexadecimal(&code_hash(code)));
    for (index, name) in names {
        let _ = writeln!(text, "{index} {}", name.escape_debug());
    }
    text
}

fn parse(text: &str, code: &[u8]) -> Option<FunctionNames> {
    let (first, rest) = text.split_once('\n')?;
    if first.strip_prefix("code ")? != hexadecimal(&code_hash(code)) {
        return None;
    }
    let line = |line: &str| {
        let (index, name) = line.split_once(' ')?;
        Some((index.parse().ok()?, name.to_string()))
    };
    rest.lines().map(line).collect()
}

/// A name as people know it: what rustc makes of it taken back, without hashes.
pub(crate) fn plain(name: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(name));
    match name.rsplit_once("::h") {
        // Some linkers leave the hash behind a name that they have written out.
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            path.to_string()
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_for_the_code_they_are_of() {
        let names: FunctionNames = [(0, "seal0.input".to_string()), (7, "a b::c".to_string())].into();
        let text = names_file(b"code", &names);
        assert_eq!(parse(&text, b"code"), Some(names));
        assert_eq!(parse(&text, b"other"), None);
        assert_eq!(parse("", b"code"), None);
        assert_eq!(parse(&format!("{text}x\n"), b"code"), None);
    }

    #[test]
    fn names_are_written_out_without_hashes() {
        assert_eq!(plain("_RNvMNtCsi4WhyW4hmjG_7my_coin7my_coinNtB2_6MyCoin3get"), "<my_coin::my_coin::MyCoin>::get");
        assert_eq!(plain("_ZN4core9panicking5panic17h0123456789abcdefE"), "core::panicking::panic");
        assert_eq!(plain("erc20::transfer::h0123456789abcdef"), "erc20::transfer");
        assert_eq!(plain("erc20::h012345"), "erc20::h012345");
        assert_eq!(plain("call"), "call");
    }
}
