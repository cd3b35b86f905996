//! The chain specification as people write it: the file `chain.json` in a store's directory, and the chain of a
//! scenario, which becomes such a file.
//!
//! Prices and limits are named; what is not named is as in protocol version 1. The chain's id follows from name, genesis
//! time, accounts, minimum balance, extension and the rules of the genesis (docs/format.md §3), so changing one of them gives
//! another chain.

use crate::scenario::{Integer, UniqueMap, Version, account_address, parse_hex};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use unfork_engine::{Activation, Address, Balance, ChainSpec, ExtensionFunction, ProfileId, Rules};
use unfork_gas::{Limits, Schedule};

/// The name of the file in a store's directory.
pub const CHAIN_FILE: &str = "chain.json";
/// The largest such file that is read, in bytes.
pub const CHAIN_FILE_BYTES_MAX: u64 = 64 << 20;
/// The version of the file's own format.
const FORMAT: u32 = 1;

/// A chain specification in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainFile {
    /// The version of the file's format: 1.
    pub format: u32,
    /// The chain's name.
    pub name: String,
    /// Time of the genesis block in nanoseconds since 1970.
    pub genesis_time: Integer,
    /// Balances at genesis, by address in hexadecimal.
    pub accounts: UniqueMap<Integer>,
    /// The least that an account has unless it has nothing; 0 unless given.
    #[serde(default = "zero")]
    pub minimum_balance: Integer,
    /// Functions of the chain's own, which contracts reach with `call_chain_extension`; none unless given. A node brings what
    /// they do; `unfork` itself brings none, and stops where a contract calls one.
    #[serde(default)]
    pub extension: Vec<DeclaredFunction>,
    /// Which protocol version holds from which height.
    pub versions: Vec<Version>,
}

/// A function of the chain's own, as it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredFunction {
    /// The number that contracts call it by.
    pub id: u32,
    /// The first height at which it can be called.
    #[serde(default)]
    pub since: u64,
    /// Gas for a call.
    pub base: u64,
    /// Gas for each byte of input.
    pub per_byte: u64,
}

/// What is wrong with a chain specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainError {
    /// The file, where it came from one.
    pub file: Option<PathBuf>,
    /// The field, such as `versions[0].schedule.op_load`; may be empty.
    pub field: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}: ", file.display())?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for ChainError {}

impl ChainFile {
    /// The chain that a scenario describes: its accounts get the addresses that follow from their names.
    pub fn of_scenario(chain: &crate::scenario::Chain) -> Self {
        let address = |name: &String| format!("0x{}", hex::encode(account_address(name)));
        let accounts: BTreeMap<_, _> =
            chain.accounts.0.iter().map(|(name, balance)| (address(name), *balance)).collect();
        let genesis_time = u128::from(chain.time.genesis_ms) * u128::from(NANOSECONDS_PER_MILLISECOND);
        let first = Version { from: 0, version: 1, schedule: UniqueMap::default(), limits: UniqueMap::default() };
        ChainFile {
            format: FORMAT,
            name: chain.name.clone(),
            genesis_time: genesis_time.into(),
            accounts: UniqueMap(accounts),
            minimum_balance: chain.minimum_balance,
            extension: Vec::new(),
            versions: if chain.versions.is_empty() { vec![first] } else { chain.versions.clone() },
        }
    }

    /// Reads the file in a store's directory.
    ///
    /// # Errors
    /// The file cannot be read, or is no chain specification; the field is named.
    pub fn read(directory: &Path) -> Result<Self, ChainError> {
        let file = directory.join(CHAIN_FILE);
        let wrong = |field: String, what: String| ChainError { file: Some(file.clone()), field, what };
        let unreadable = |error: std::io::Error| wrong(String::new(), error.to_string());
        let size = std::fs::metadata(&file).map_err(unreadable)?.len();
        if size > CHAIN_FILE_BYTES_MAX {
            let what = format!("the file has {size} bytes, at most {CHAIN_FILE_BYTES_MAX} are read");
            return Err(wrong(String::new(), what));
        }
        let text = std::fs::read_to_string(&file).map_err(unreadable)?;
        let mut reader = serde_json::Deserializer::from_str(&text);
        let read: Self = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| wrong(error.path().to_string(), error.inner().to_string()))?;
        reader.end().map_err(|error| wrong(String::new(), error.to_string()))?;
        if read.format != FORMAT {
            let what = format!("{} is not known, this program reads format {FORMAT}", read.format);
            return Err(wrong("format".to_string(), what));
        }
        // What it says is checked here too, so that a mistake is reported with the file's name.
        read.spec().map_err(|error| ChainError { file: Some(file.clone()), ..error })?;
        Ok(read)
    }

    /// Writes the file into a store's directory, whole or not at all.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn write(&self, directory: &Path) -> std::io::Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        let unfinished = directory.join(format!("{CHAIN_FILE}.new"));
        std::fs::write(&unfinished, text)?;
        std::fs::File::open(&unfinished)?.sync_all()?;
        std::fs::rename(unfinished, directory.join(CHAIN_FILE))
    }

    /// What the engine runs by.
    ///
    /// # Errors
    /// An address, a number, a name of a price or limit, or the order of versions is wrong; the field is named.
    pub fn spec(&self) -> Result<ChainSpec, ChainError> {
        let wrong = |field: String, what: String| ChainError { file: None, field, what };
        let mut accounts = Vec::with_capacity(self.accounts.0.len());
        for (text, balance) in &self.accounts.0 {
            let field = || format!("accounts.{text}");
            let bytes = parse_hex(text).map_err(|what| wrong(field(), what))?;
            let no_address = || wrong(field(), "an address has 1 to 64 bytes".to_string());
            let address = Address::new(&bytes).ok_or_else(no_address)?;
            let balance: Balance = balance.unsigned("").map_err(|error| wrong(field(), error.what))?;
            accounts.push((address, balance));
        }
        let time: u64 = self.genesis_time.unsigned("").map_err(|error| wrong("genesis_time".into(), error.what))?;
        let mut activations = Vec::with_capacity(self.versions.len());
        for (index, version) in self.versions.iter().enumerate() {
            let rules = rules_of(version).map_err(|(field, what)| wrong(format!("versions[{index}].{field}"), what))?;
            activations.push(Activation { from_height: version.from, rules: Arc::new(rules) });
        }
        let minimum = self.minimum_balance.unsigned("");
        let minimum: Balance = minimum.map_err(|error| wrong("minimum_balance".into(), error.what))?;
        let function = |one: &DeclaredFunction| {
            let DeclaredFunction { id, since, base, per_byte } = *one;
            ExtensionFunction { id, since, base, per_byte }
        };
        let functions = self.extension.iter().map(function).collect();
        ChainSpec::new(&*self.name, time, accounts, activations)
            .and_then(|spec| spec.with_minimum_balance(minimum)?.with_extension(functions))
            .map_err(|error| wrong(String::new(), error.to_string()))
    }
}

/// What an amount is that is not given.
pub(crate) fn zero() -> Integer {
    0u128.into()
}

/// Headers count nanoseconds, scenario files milliseconds.
pub const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

/// The rules of version 1 with what `version` says differently.
///
/// # Errors
/// The field inside `version`, and what is wrong with it.
pub fn rules_of(version: &Version) -> Result<Rules, (String, String)> {
    let missing = || ("version".to_string(), "this build has no protocol version 1".to_string());
    let base = Rules::released(1).ok_or_else(missing)?;
    let (mut schedule, mut limits) = (base.schedule().clone(), base.limits().clone());
    for (name, value) in &version.schedule.0 {
        let field = || format!("schedule.{name}");
        let value = value.unsigned("").map_err(|error| (field(), error.what))?;
        if !schedule.set(name, value) {
            return Err((field(), unknown("price", name, Schedule::ROWS.iter().map(|row| row.0))));
        }
    }
    for (name, value) in &version.limits.0 {
        let field = || format!("limits.{name}");
        let value = value.unsigned("").map_err(|error| (field(), error.what))?;
        if !limits.set(name, value) {
            return Err((field(), unknown("limit", name, Limits::ROWS.iter().map(|row| row.0))));
        }
    }
    Ok(Rules::new(version.version, schedule, limits, vec![ProfileId::Seal]))
}

/// What to say about a name that is none, with the names that it may have meant.
fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    const SHOWN_MAX: usize = 3;
    let mut close: Vec<(usize, &str)> = known.map(|other| (distance(name, other), other)).collect();
    close.sort();
    let near = |(far, other): &&(usize, &str)| *far <= 1 + other.len() / 3;
    let names: Vec<&str> = close.iter().filter(near).take(SHOWN_MAX).map(|(_, other)| *other).collect();
    match names.as_slice() {
        [] => format!("there is no {kind} of this name; `unfork rules` lists them"),
        names => format!("there is no {kind} of this name; close are: {}", names.join(", ")),
    }
}

/// How many letters have to be changed, added or removed to turn one name into the other.
fn distance(from: &str, to: &str) -> usize {
    // Names are short; what is much longer than any of them is not close to one.
    const LENGTH_MAX: usize = 64;
    if from.len() > LENGTH_MAX {
        return usize::MAX;
    }
    let to = to.as_bytes();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (index, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(row[index] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    fn chain(versions: &str) -> ChainFile {
        let text = format!(r#"{{"name":"t","chain":{{"accounts":{{"alice":"5"}},"versions":{versions}}},"steps":[]}}"#);
        ChainFile::of_scenario(&parse(&text, Path::new("t.json")).expect("a scenario").chain)
    }

    #[test]
    fn a_file_reads_back_as_it_was_written() {
        let directory = std::env::temp_dir().join(format!("unfork-chain-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a folder");
        let written = chain(r#"[{"from":0,"version":1},{"from":3,"version":2,"schedule":{"op_load":3}}]"#);
        written.write(&directory).expect("written");
        assert_eq!(ChainFile::read(&directory), Ok(written));
        std::fs::remove_dir_all(&directory).expect("removed");
    }

    #[test]
    fn overrides_change_the_rules_and_later_ones_leave_the_chain_id() {
        let plain = chain("[]").spec().expect("good");
        let later = chain(r#"[{"from":0,"version":1},{"from":3,"version":2,"schedule":{"op_load":3}}]"#);
        let later = later.spec().expect("good");
        assert_eq!(plain.chain_id(), later.chain_id());
        assert_ne!(plain.hash(), later.hash());
        assert_eq!(later.rules_at(2).schedule().op_load, plain.rules_at(0).schedule().op_load);
        assert_eq!(later.rules_at(3).schedule().op_load, 3);
        let first = chain(r#"[{"from":0,"version":1,"limits":{"events_max":7}}]"#).spec().expect("good");
        assert_eq!(first.rules_at(0).limits().events_max, 7);
        assert_ne!(plain.chain_id(), first.chain_id());
    }

    #[test]
    fn minimum_balance_and_extension_are_the_chains_own() {
        let plain = chain("[]");
        let read = |more: &str| {
            let mut text = serde_json::to_value(&plain).expect("written");
            let more: serde_json::Value = serde_json::from_str(more).expect("good");
            text.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            serde_json::from_value::<ChainFile>(text).expect("read")
        };
        let minimum = read(r#"{"minimum_balance": "3"}"#).spec().expect("good");
        assert_eq!(minimum.minimum_balance(), 3);
        let extended =
            read(r#"{"extension": [{"id": 7, "since": 2, "base": 10, "per_byte": 1}]}"#).spec().expect("good");
        assert_eq!(extended.extension(), [ExtensionFunction { id: 7, since: 2, base: 10, per_byte: 1 }]);
        let ids = [&plain.spec().expect("good"), &minimum, &extended].map(ChainSpec::chain_id);
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
        // alice has 5.
        let error = read(r#"{"minimum_balance": "6"}"#).spec().expect_err("alice has less").to_string();
        assert!(error.contains("less than the minimum balance"), "{error}");
        let twice = r#"{"extension": [{"id": 7, "base": 1, "per_byte": 1}, {"id": 7, "base": 2, "per_byte": 1}]}"#;
        let error = read(twice).spec().expect_err("twice").to_string();
        assert_eq!(error, "the extension function 7 stands twice in the chain specification");
    }

    #[test]
    fn unknown_names_are_refused_with_close_ones() {
        let mut file = chain("[]");
        file.versions[0].schedule.0.insert("op_laod".into(), 1u128.into());
        let error = file.spec().expect_err("no such price").to_string();
        assert!(error.starts_with("versions[0].schedule.op_laod: there is no price of this name; close are: op_load"));
        file.versions[0].schedule.0.clear();
        file.versions[0].limits.0.insert("bananas".into(), 1u128.into());
        let error = file.spec().expect_err("no such limit").to_string();
        assert_eq!(error, "versions[0].limits.bananas: there is no limit of this name; `unfork rules` lists them");
    }
}
