//! A store in a directory.
//!
//! ```text
//!   directory/lock         held by the process that has the store open for writing
//!   directory/blocks.log   the block file
//!   directory/db/          RocksDB
//!   directory/tree.0, .1   checkpoints of the tree; they may be removed while the store is closed
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::commit::{BlockId, Store};
use super::file::FileLog;
use super::first::write_genesis_record;
use super::log::{BlockLog, FILE_HEADER_BYTES, stored_chain_id};
use super::open::{Opened, Parts};
use super::options::Options;
use super::rocks::RocksBackend;
use crate::changes::ChangeSet;
use crate::error::StateError;

pub(super) struct Layout {
    pub(super) lock: PathBuf,
    pub(super) log: PathBuf,
    pub(super) new_log: PathBuf,
    pub(super) database: PathBuf,
    new_database: PathBuf,
    trees: [PathBuf; 2],
}

impl Layout {
    pub(super) fn of(directory: &Path) -> Self {
        Self {
            lock: directory.join("lock"),
            log: directory.join("blocks.log"),
            new_log: directory.join("blocks.log.new"),
            database: directory.join("db"),
            new_database: directory.join("db.new"),
            trees: ["tree.0", "tree.1"].map(|name| directory.join(name)),
        }
    }
}

impl Store {
    /// Creates a store in `directory`, which is created if need be.
    ///
    /// # Errors
    /// [`StateError::Refused`] if there is a store already, [`StateError::Locked`] if one is just being used,
    /// [`StateError::Limit`] if genesis exceeds a limit of the format, and any error of writing.
    pub fn create(
        directory: &Path,
        chain_id: [u8; 32],
        genesis: ChangeSet,
        genesis_id: BlockId,
        genesis_body: Vec<u8>,
    ) -> Result<Self, StateError> {
        Self::create_with_options(directory, chain_id, genesis, genesis_id, genesis_body, Options::default())
    }

    /// As [`Store::create`], with other options.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create_with_options(
        directory: &Path,
        chain_id: [u8; 32],
        genesis: ChangeSet,
        genesis_id: BlockId,
        genesis_body: Vec<u8>,
        options: Options,
    ) -> Result<Self, StateError> {
        let failed = |during| move |error: std::io::Error| StateError::io(during, &error);
        fs::create_dir_all(directory).map_err(failed("creating the store's directory"))?;
        let layout = Layout::of(directory);
        let lock = take_lock(directory, &layout.lock)?;
        if exists(&layout.log)? || exists(&layout.database)? {
            return Err(StateError::refused(
                format!("there is a store in {} already", directory.display()),
                "open it, or choose an empty directory",
            ));
        }
        // The block file gets its name only when genesis is in it: whatever has the name can be opened.
        if exists(&layout.new_log)? {
            fs::remove_file(&layout.new_log).map_err(failed("removing an unfinished block file"))?;
        }
        let log = FileLog::create(&layout.new_log)?;
        write_genesis_record(&log, &chain_id, &genesis, genesis_id, genesis_body)?;
        fs::rename(&layout.new_log, &layout.log).map_err(failed("naming the block file"))?;
        sync_directory(directory)?;
        let backend = Box::new(open_database(directory, &layout, lock)?);
        let trees = Some(open_trees(&layout)?);
        Self::open_from(Parts { backend, log: Box::new(log), trees, options }, chain_id)
    }

    /// Opens the store in `directory` for reading and writing; finishes or takes back what a crash has left.
    ///
    /// # Errors
    /// [`StateError::Locked`] if another process has it open; [`StateError::Refused`] with a remedy if there is none,
    /// if it is of another chain, format or hash function, or if its parts contradict each other; and any error of
    /// reading or writing.
    pub fn open(directory: &Path, chain_id: [u8; 32]) -> Result<Self, StateError> {
        Self::open_with_options(directory, chain_id, Options::default())
    }

    /// As [`Store::open`], with other options.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with_options(directory: &Path, chain_id: [u8; 32], options: Options) -> Result<Self, StateError> {
        let layout = Layout::of(directory);
        check_present(directory, &layout)?;
        let lock = take_lock(directory, &layout.lock)?;
        let log = FileLog::open(&layout.log)?;
        let backend = Box::new(open_database(directory, &layout, lock)?);
        let trees = Some(open_trees(&layout)?);
        Self::open_from(Parts { backend, log: Box::new(log), trees, options }, chain_id)
    }

    /// Opens the store in `directory` for reading, even while another process has it open. It stays at the head it has
    /// now; blocks whose commit was cut off are not seen, and nothing is repaired.
    ///
    /// # Errors
    /// As [`Store::open`]; committing to it fails.
    pub fn open_read_only(directory: &Path, chain_id: [u8; 32]) -> Result<Self, StateError> {
        let layout = Layout::of(directory);
        check_present(directory, &layout)?;
        let log = FileLog::open_read_only(&layout.log)?;
        let empty = || {
            StateError::refused("the database is empty or missing", "open the store for writing once: it is rebuilt")
        };
        // RocksDB would leave a directory with its message log behind.
        if !exists(&layout.database)? {
            return Err(empty());
        }
        let backend = Box::new(RocksBackend::open_read_only(&layout.database)?);
        let trees = match &layout.trees {
            [one, other] if exists(one)? && exists(other)? => {
                Some([Box::new(FileLog::open_read_only(one)?) as _, Box::new(FileLog::open_read_only(other)?) as _])
            }
            _ => None,
        };
        // The process that writes may begin another checkpoint at any time: nothing may have to be read from them later.
        let options = Options { tree_bytes: u64::MAX, ..Options::default() };
        Self::load(Opened::new(Parts { backend, log: Box::new(log), trees, options }), chain_id)?.ok_or_else(empty)
    }

    /// The id of the chain whose store is in `directory`.
    ///
    /// # Errors
    /// [`StateError::Refused`] if there is no store or its block file cannot be read by this program.
    pub fn stored_chain_id(directory: &Path) -> Result<[u8; 32], StateError> {
        let layout = Layout::of(directory);
        check_present(directory, &layout)?;
        stored_chain_id(&FileLog::open_read_only(&layout.log)?)
    }
}

/// Takes the lock of a store, which the system releases when the process ends, however it ends.
pub(super) fn take_lock(directory: &Path, path: &Path) -> Result<File, StateError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|error| StateError::io("opening the store's lock", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StateError::Locked { directory: directory.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(StateError::io("locking the store", &error)),
    }
}

pub(super) fn check_present(directory: &Path, layout: &Layout) -> Result<(), StateError> {
    let place = directory.display();
    if !exists(&layout.log)? {
        return Err(if exists(&layout.database)? {
            StateError::refused(
                format!("{place} has a database but no block file blocks.log"),
                "restore the block file from a backup, or remove the directory and synchronise again",
            )
        } else {
            StateError::refused(format!("there is no store in {place}"), "create one, or check the directory")
        });
    }
    let size = fs::metadata(&layout.log).map_err(|error| StateError::io("looking at the block file", &error))?.len();
    if size < FILE_HEADER_BYTES as u64 {
        return Err(StateError::refused(
            format!("the block file blocks.log in {place} is shorter than its header"),
            "restore the block file from a backup, or remove the directory and synchronise again",
        ));
    }
    Ok(())
}

/// Opens the database. If there is none, an empty one is made, to be filled from the block file; it gets its name only
/// when it is complete.
fn open_database(directory: &Path, layout: &Layout, lock: File) -> Result<RocksBackend, StateError> {
    if !exists(&layout.database)? {
        let failed = |during| move |error: std::io::Error| StateError::io(during, &error);
        if exists(&layout.new_database)? {
            fs::remove_dir_all(&layout.new_database).map_err(failed("removing an unfinished database"))?;
        }
        RocksBackend::create(&layout.new_database)?;
        fs::rename(&layout.new_database, &layout.database).map_err(failed("naming the database"))?;
        sync_directory(directory)?;
    }
    RocksBackend::open(&layout.database, lock)
}

/// Opens the files of the tree's checkpoints; what is missing is created empty.
fn open_trees(layout: &Layout) -> Result<[Box<dyn BlockLog>; 2], StateError> {
    let open = |path: &Path| if exists(path)? { FileLog::open(path) } else { FileLog::create(path) };
    let [one, other] = &layout.trees;
    Ok([Box::new(open(one)?), Box::new(open(other)?)])
}

fn exists(path: &Path) -> Result<bool, StateError> {
    path.try_exists().map_err(|error| StateError::io("looking for the store's files", &error))
}

/// Makes names in a directory durable; on systems where a directory cannot be synced, names need no sync.
pub(super) fn sync_directory(directory: &Path) -> Result<(), StateError> {
    if cfg!(unix) {
        let synced = File::open(directory).and_then(|directory| directory.sync_all());
        synced.map_err(|error| StateError::io("syncing the store's directory", &error))?;
    }
    Ok(())
}
