//! Keys as they are named on the command line.

use super::super::Failed;
use super::shown;
use unfork::scenario::parse_hex;
use unfork_engine::{Address, Contract, RecordKey, read_record};
use unfork_state::{Key, Space, StateView};

/// The keys that a command is about.
#[derive(clap::Args)]
pub struct Keys {
    /// The contract that the keys belong to; without it they are flat keys of the whole state.
    #[arg(long, value_name = "ADDRESS")]
    contract: Option<String>,
    /// Keys in hexadecimal.
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
}

impl Keys {
    /// The keys that are named: of the contract, or without one flat keys (docs/format.md §1.1).
    pub fn parse(&self, view: &dyn StateView) -> Result<Vec<Key>, Failed> {
        let space = self.contract.as_deref().map(|address| contract_space(view, address)).transpose()?;
        self.keys.iter().map(|text| parse(view, space.as_ref(), text)).collect()
    }
}

fn parse(view: &dyn StateView, space: Option<&Space>, text: &str) -> Result<Key, Failed> {
    let bytes = parse_hex(text).map_err(|error| Failed::Usage(anyhow::anyhow!("{text}: {error}")))?;
    let Some(space) = space else {
        return Key::from_flat(&bytes).map_err(|error| {
            Failed::Usage(anyhow::anyhow!("{text} is no flat key: {error}; --contract makes it a contract's own key"))
        });
    };
    // A contract's own keys have a form byte: 0 for those of 32 bytes, 1 for those of any length. A key of 32 bytes may
    // be of either form: the one that is there, else the one of exactly 32 bytes.
    let fixed = Key::new(space, &[&[0], &bytes[..]].concat());
    let variable = Key::new(space, &[&[1], &bytes[..]].concat());
    let is_fixed = bytes.len() == 32
        && (view.length(&variable).map_err(Failed::environment)?.is_none()
            || view.length(&fixed).map_err(Failed::environment)?.is_some());
    Ok(if is_fixed { fixed } else { variable })
}

/// The storage of the contract that has this address now.
pub fn contract_space(view: &dyn StateView, address: &str) -> Result<Space, Failed> {
    let bytes = parse_hex(address).map_err(|error| Failed::Usage(anyhow::anyhow!("--contract: {error}")))?;
    let none = || Failed::Usage(anyhow::anyhow!("--contract: an address has 1 to 64 bytes"));
    let address = Address::new(&bytes).ok_or_else(none)?;
    let contract: Option<Contract> = read_record(view, RecordKey::Contract(&address)).map_err(Failed::environment)?;
    let none = || Failed::Usage(anyhow::anyhow!("there is no contract at {}", shown(address.as_bytes())));
    let incarnation = contract.ok_or_else(none)?.incarnation;
    Space::storage(address.as_bytes(), incarnation).map_err(Failed::environment)
}
