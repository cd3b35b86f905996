//! A chain in a directory: `chain.json` beside the files of the store.

use crate::chain::{CHAIN_FILE, ChainError, ChainFile};
use crate::compare::hexadecimal;
use crate::scenario::RunError;
use parity_scale_codec::Encode;
use std::path::Path;
use std::sync::Arc;
use unfork_engine::{BlockExecutor, ChainSpec, Engine, Fault, OpenHooks, genesis};
use unfork_state::{StateError, Store};

/// Opens the chain in `directory` for going on, or makes it there.
///
/// # Errors
/// There is another chain in the directory, or its files cannot be read or written.
pub fn open_or_create(directory: &Path, chain: &ChainFile, engine: &Engine) -> Result<BlockExecutor, RunError> {
    let spec = chain.spec().map_err(RunError::Chain)?;
    let wrong = |what: String| {
        RunError::Chain(ChainError { file: Some(directory.join(CHAIN_FILE)), field: String::new(), what })
    };
    let failed = |during, error: std::io::Error| Fault::from(StateError::Io { during, text: error.to_string() });
    if directory.join(CHAIN_FILE).exists() {
        if ChainFile::read(directory).map_err(RunError::Chain)? != *chain {
            return Err(wrong("is another chain than the scenario's: choose an empty directory".to_string()));
        }
    } else {
        std::fs::create_dir_all(directory).map_err(|error| failed("creating the chain's directory", error))?;
        chain.write(directory).map_err(|error| failed("writing chain.json", error))?;
    }
    let store = match Store::stored_chain_id(directory) {
        Ok(_) => Store::open(directory, spec.chain_id()).map_err(Fault::from)?,
        // Whatever stands in the way of reading a store stands in the way of making one too, and is named then.
        Err(_) => {
            let (changes, genesis) = genesis(&spec)?;
            let id = genesis.block.header.id();
            Store::create(directory, spec.chain_id(), changes, id, genesis.encode()).map_err(Fault::from)?
        }
    };
    Ok(BlockExecutor::new(engine.clone(), Arc::new(spec), Arc::new(OpenHooks), store)?)
}

/// Opens the chain in `directory` for reading, even while another process is writing to it.
///
/// # Errors
/// A sentence: there is no chain, its parts contradict each other, or they cannot be read.
pub fn open_read_only(directory: &Path) -> Result<(ChainSpec, Store), String> {
    let spec = ChainFile::read(directory).and_then(|chain| chain.spec()).map_err(|error| error.to_string())?;
    let stored = Store::stored_chain_id(directory).map_err(|error| error.to_string())?;
    if stored != spec.chain_id() {
        let (ours, theirs) = (hexadecimal(&spec.chain_id()), hexadecimal(&stored));
        return Err(format!(
            "{CHAIN_FILE} in {} gives the chain id {ours}, the store's is {theirs}: restore the file",
            directory.display()
        ));
    }
    let store = Store::open_read_only(directory, stored).map_err(|error| error.to_string())?;
    Ok((spec, store))
}
