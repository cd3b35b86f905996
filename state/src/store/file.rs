//! The block file on disk.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::log::BlockLog;
use crate::error::StateError;

/// A block file on disk. It is opened for one writer; whoever opens it holds the lock of the store's directory.
#[derive(Debug)]
pub struct FileLog {
    file: Mutex<File>,
}

impl FileLog {
    /// Opens the file at `path`, which must exist.
    ///
    /// # Errors
    /// [`StateError::Io`] if it cannot be opened for reading and writing.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(|error| StateError::io("opening the block file", &error))?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Creates the file at `path`, which must not exist.
    ///
    /// # Errors
    /// [`StateError::Io`] if it exists or cannot be created.
    pub fn create(path: &Path) -> Result<Self, StateError> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = file.map_err(|error| StateError::io("creating the block file", &error))?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Opens the file at `path` for reading; appending to it fails.
    ///
    /// # Errors
    /// [`StateError::Io`] if it cannot be opened.
    pub fn open_read_only(path: &Path) -> Result<Self, StateError> {
        let file = File::open(path).map_err(|error| StateError::io("opening the block file", &error))?;
        Ok(Self { file: Mutex::new(file) })
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlockLog for FileLog {
    fn length(&self) -> Result<u64, StateError> {
        let metadata = self.file().metadata();
        Ok(metadata.map_err(|error| StateError::io("asking for the block file's length", &error))?.len())
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, StateError> {
        let mut bytes = vec![0; length];
        let mut file = self.file();
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|error| StateError::io("reading the block file", &error))?;
        Ok(bytes)
    }

    fn append(&self, parts: &[&[u8]]) -> Result<(), StateError> {
        let mut file = self.file();
        let written = file.seek(SeekFrom::End(0)).and_then(|_| write_all(&mut file, parts));
        written.map_err(|error| StateError::io("appending to the block file", &error))
    }

    fn sync(&self) -> Result<(), StateError> {
        let synced = self.file().sync_data();
        synced.map_err(|error| StateError::io("syncing the block file", &error))
    }

    fn truncate(&self, length: u64) -> Result<(), StateError> {
        let file = self.file();
        let cut = file.set_len(length).and_then(|()| file.sync_all());
        cut.map_err(|error| StateError::io("cutting off a torn record of the block file", &error))
    }
}

/// Writes all parts, with as few calls as the system allows.
fn write_all(file: &mut File, parts: &[&[u8]]) -> io::Result<()> {
    let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut rest = slices.as_mut_slice();
    // What is empty at the front goes.
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
