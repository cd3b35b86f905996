//! Damages a chain on purpose, so that `unfork replay` can show what it notices. Used by `make demo` and the tests, on
//! copies; not part of the shipped binary.
//!
//! ```text
//! alter receipt DIR HEIGHT INDEX   one more gas in a receipt, with a checksum that fits again
//! alter value DIR INDEX            another last byte in a value of a contract, counted over all contracts
//! ```
//! A price is altered with any editor, in `chain.json`.

use anyhow::{Context, Result, bail, ensure};
use parity_scale_codec::{DecodeAll, Encode};
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write as _};
use std::path::Path;
use unfork_engine::StoredBlock;
use unfork_state::{Batch, Inspection, Record, Table};

/// Bytes of a record before its body (docs/format.md, "Block file").
const RECORD_HEADER_BYTES: u64 = 120;
/// The first byte of the keys of contracts (docs/format.md, "Keys").
const STORAGE: u8 = 1;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["receipt", directory, height, index] => receipt(directory.as_ref(), height.parse()?, index.parse()?),
        ["value", directory, index] => value(directory.as_ref(), index.parse()?),
        _ => bail!("usage: alter receipt DIR HEIGHT INDEX | alter value DIR INDEX"),
    }
}

/// Puts one more gas into a receipt.
pub fn receipt(directory: &Path, height: u64, index: usize) -> Result<()> {
    let store = Inspection::open(directory)?;
    let mut offset = Inspection::FIRST_RECORD;
    let block = loop {
        match store.record(offset)? {
            Record::Block { block, .. } if block.height == height => break block,
            Record::Block { next, .. } => offset = next,
            other => bail!("the block file has no block {height}: {other:?}"),
        }
    };
    drop(store);
    let mut stored = StoredBlock::decode_all(&mut &block.body[..]).context("reading the block")?;
    let receipt =
        stored.receipts.get_mut(index).with_context(|| format!("block {height} has no transaction {index}"))?;
    receipt.gas_used += 1;
    let body = stored.encode();
    ensure!(body.len() == block.body.len(), "a number of fixed length keeps the length");
    let changes = block.changes.encode();
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&body), &changes);
    let mut file = OpenOptions::new().write(true).open(directory.join("blocks.log"))?;
    file.seek(SeekFrom::Start(offset + RECORD_HEADER_BYTES))?;
    file.write_all(&[body, changes, checksum.to_le_bytes().to_vec()].concat())?;
    println!("block {height} transaction {index}: its receipt has one more gas");
    Ok(())
}

/// Changes the last byte of a contract's value.
pub fn value(directory: &Path, index: usize) -> Result<()> {
    let store = Inspection::open_writable(directory)?;
    // Everything that is not a contract's has a smaller first byte.
    let values = store.values(Some(&[STORAGE]), index + 1)?;
    let (key, before) = values.into_iter().nth(index).with_context(|| format!("there are not {index} values"))?;
    let mut after = before.to_vec();
    *after.last_mut().context("the value is empty")? ^= 1;
    println!("key 0x{}: 0x{} is now 0x{}", hex::encode(&key), hex::encode(&before), hex::encode(&after));
    let mut batch = Batch::default();
    batch.put(Table::Values, &key, &after);
    store.backend().write(batch)?;
    Ok(())
}
