//! What a process has used: processor time, bytes written, memory, disk.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// Processor time of all threads of this process so far, in user and system mode.
pub fn processor_time() -> Duration {
    // SAFETY: `getrusage` fills the whole structure that it is given a pointer to; all zeros is a valid value of it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let duration = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(time.tv_usec.unsigned_abs())
    };
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

/// Processor time of the calling thread so far.
pub fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `clock_gettime` writes one timespec through the pointer, which is valid and exclusive.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_nanos(time.tv_nsec.unsigned_abs())
}

/// Bytes that this process has caused to be written to the disk so far.
pub fn bytes_written() -> u64 {
    field("/proc/self/io", "write_bytes:").unwrap_or(0)
}

/// Memory of this process in bytes that is in RAM and backed by no file.
pub fn memory() -> u64 {
    field("/proc/self/status", "RssAnon:").unwrap_or(0) * 1024
}

fn field(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// Bytes of disk that the files below `directory` take.
pub fn disk(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

/// Makes the system forget what it has cached of the files below `directory`, so that reading goes to the disk.
pub fn forget_cached(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if entry.path().is_dir() {
            forget_cached(&entry.path());
        } else if let Ok(file) = File::open(entry.path()) {
            let _ = file.sync_all();
            // SAFETY: the descriptor is open for as long as `file` lives; the call changes no memory of ours.
            unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        }
    }
}
