//! A store from a snapshot. Chunks are checked and kept one by one in a directory of their own, so that receiving them
//! can be interrupted at any moment; the store is made when none is missing.
//!
//! ```text
//!   directory/import/manifest       what is to come
//!   directory/import/000017         a chunk that was checked, as it came
//! ```

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use unfork_proof::{Manifest, ProofError, SnapshotHead};

use super::commit::{Head, Store};
use super::disk::{Layout, sync_directory, take_lock};
use super::file::FileLog;
use super::log::{BlockLog, Content, Record, file_header};
use crate::changes::{Change, ChangeSet};
use crate::error::{StateError, length_u64};
use crate::key::{Key, VALUE_BYTES_MAX};

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is the chunk of this number, and kept now.
    New(u32),
    /// It is the chunk of this number, which was there already.
    Known(u32),
    /// It is no chunk of this snapshot; nothing of it is kept, and nothing that was kept is lost.
    Refused(ProofError),
}

/// A snapshot that is being received.
pub struct Import {
    directory: PathBuf,
    staging: PathBuf,
    manifest: Manifest,
    have: BTreeSet<u32>,
    /// Held until the store is made.
    lock: File,
}

impl Import {
    /// Begins to receive a snapshot into `directory`, or goes on with it. What was kept is checked again; what does not
    /// hold is missing then.
    ///
    /// # Errors
    /// [`StateError::Refused`] if the manifest is not one of exactly the block that is `trusted`, if another snapshot is
    /// being received there, or if there is a store; [`StateError::Locked`] if another process receives it; and any
    /// error of reading or writing.
    pub fn begin(directory: &Path, trusted: &SnapshotHead, manifest: &[u8]) -> Result<Self, StateError> {
        let no_manifest = |error| StateError::refused(format!("the manifest is not accepted: {error}"), "get another");
        let decoded = Manifest::decode(manifest).map_err(no_manifest)?;
        if decoded.head() != trusted {
            let (found, wanted) = (decoded.head().height, trusted.height);
            return Err(StateError::refused(
                format!("the manifest is of another block (height {found}) than the trusted one (height {wanted})"),
                "get the snapshot of that block, or check the block",
            ));
        }
        fs::create_dir_all(directory).map_err(failed("creating the store's directory"))?;
        let layout = Layout::of(directory);
        let lock = take_lock(directory, &layout.lock)?;
        if layout.log.exists() || layout.database.exists() {
            let place = directory.display();
            return Err(StateError::refused(
                format!("there is a store in {place} already"),
                "choose another directory",
            ));
        }
        let staging = directory.join("import");
        fs::create_dir_all(&staging).map_err(failed("creating the directory of chunks"))?;
        match fs::read(staging.join("manifest")) {
            Ok(kept) if kept == manifest => {}
            Ok(_) => {
                let why = format!("another snapshot is being received in {}", staging.display());
                return Err(StateError::refused(why, "finish that, or remove the directory"));
            }
            Err(_) => write_file(&staging, "manifest", manifest)?,
        }
        let (directory, have) = (directory.to_path_buf(), BTreeSet::new());
        let mut import = Self { directory, staging, manifest: decoded, have, lock };
        for index in import.manifest.chunks() {
            // A chunk that was cut off or damaged while it lay here is asked for again.
            if let Ok(kept) = fs::read(import.chunk_path(index))
                && import.check(&kept) == Ok(index)
            {
                import.have.insert(index);
            }
        }
        Ok(import)
    }

    /// What is being received.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The numbers of the chunks that are still to come.
    #[must_use]
    pub fn missing(&self) -> Vec<u32> {
        self.manifest.chunks().filter(|index| !self.have.contains(index)).collect()
    }

    /// Checks a chunk and keeps it; it is on the disk when this returns. Chunks may come in any order.
    ///
    /// # Errors
    /// [`StateError`] if it cannot be written.
    pub fn accept(&mut self, chunk: &[u8]) -> Result<Accepted, StateError> {
        let index = match self.check(chunk) {
            Ok(index) if self.have.contains(&index) => return Ok(Accepted::Known(index)),
            Ok(index) => index,
            Err(why) => return Ok(Accepted::Refused(why)),
        };
        write_file(&self.staging, &chunk_name(index), chunk)?;
        self.have.insert(index);
        Ok(Accepted::New(index))
    }

    /// Makes the store, opens it and removes the chunks. `progress` is told the number of chunks done and of all.
    ///
    /// # Errors
    /// [`StateError::Refused`] if a chunk is missing or was damaged meanwhile, and any error of reading or writing. What
    /// was received stays.
    pub fn finish(self, progress: &mut dyn FnMut(u64, u64)) -> Result<Store, StateError> {
        if let Some(index) = self.missing().first() {
            let why = format!("chunk {index} of the snapshot is missing");
            return Err(StateError::refused(why, "get it before the store is made"));
        }
        let layout = Layout::of(&self.directory);
        if layout.new_log.exists() {
            fs::remove_file(&layout.new_log).map_err(failed("removing an unfinished block file"))?;
        }
        let log = FileLog::create(&layout.new_log)?;
        self.write_log(&log, progress)?;
        drop(log);
        fs::rename(&layout.new_log, &layout.log).map_err(failed("naming the block file"))?;
        sync_directory(&self.directory)?;
        let Self { directory, staging, manifest, lock, .. } = self;
        drop(lock);
        // The database is made from the block file, as whenever it is missing.
        let store = Store::open(&directory, manifest.head().chain_id)?;
        fs::remove_dir_all(staging).map_err(failed("removing the chunks"))?;
        Ok(store)
    }

    /// The block file of a store that begins with a snapshot: the chunks, then the block.
    fn write_log(&self, log: &dyn BlockLog, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StateError> {
        let SnapshotHead { chain_id, height, id, root } = *self.manifest.head();
        let head = Head { height, id, root };
        log.append(&[&file_header(&chain_id)])?;
        let mut offset = log.length()?;
        let mut append = |part: bool, body: Vec<u8>, changes: &ChangeSet| {
            let content = Content { part, head, parent: [0; 32], body, changes };
            let record = Record::encode(&chain_id, offset, content)?;
            offset = offset.saturating_add(record.length());
            log.append(&record.parts())
        };
        let chunks: Vec<u32> = self.manifest.chunks().collect();
        for (done, index) in (1_u64..).zip(&chunks) {
            let bytes = fs::read(self.chunk_path(*index)).map_err(failed("reading a chunk"))?;
            let damaged = |error: ProofError| {
                StateError::refused(format!("chunk {index} was damaged meanwhile: {error}"), "get it again")
            };
            let (_, entries) = self.manifest.check_chunk(&bytes).map_err(damaged)?;
            let value = |(key, value): (&[u8], &[u8])| {
                let key =
                    Key::from_flat(key).map_err(|error| StateError::corrupt(format!("chunk {index}: {error}")))?;
                Ok((key, Change { old: Some(None), new: Some(value.into()) }))
            };
            let changes = entries.into_iter().map(value).collect::<Result<_, StateError>>()?;
            append(true, Vec::new(), &ChangeSet::from_map(changes))?;
            progress(done, length_u64_of(chunks.len()));
        }
        append(false, self.manifest.body().to_vec(), &ChangeSet::new())?;
        log.sync()
    }

    /// The number of a chunk whose content holds, and can be stored.
    fn check(&self, chunk: &[u8]) -> Result<u32, ProofError> {
        let (index, entries) = self.manifest.check_chunk(chunk)?;
        for (key, value) in entries {
            Key::from_flat(key).map_err(|_| ProofError::NotCanonical("a key"))?;
            if length_u64(value) > u64::from(VALUE_BYTES_MAX) {
                return Err(ProofError::TooLarge("a value"));
            }
        }
        Ok(index)
    }

    fn chunk_path(&self, index: u32) -> PathBuf {
        self.staging.join(chunk_name(index))
    }
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import")
            .field("head", self.manifest.head())
            .field("have", &self.have.len())
            .finish_non_exhaustive()
    }
}

/// The name of a chunk's file.
#[must_use]
pub fn chunk_name(index: u32) -> String {
    format!("{index:06}")
}

fn length_u64_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn failed(during: &'static str) -> impl Fn(std::io::Error) -> StateError {
    move |error| StateError::io(during, &error)
}

/// Writes a file that has its name only when it is complete and synced.
fn write_file(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), StateError> {
    let unfinished = directory.join(format!("{name}.new"));
    let written = File::create(&unfinished).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(failed("writing a chunk"))?;
    fs::rename(&unfinished, directory.join(name)).map_err(failed("naming a chunk"))?;
    sync_directory(directory)
}
