//! Instances that wait for the next run of their program, bounded in bytes; the one that has waited longest goes first.

use super::instance::Instance;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the module's description.
pub(super) struct Pool {
    bytes_max: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    bytes: usize,
    clock: u64,
    programs: u64,
    /// By when they were put here: the program and its instance.
    waiting: BTreeMap<u64, (u64, Box<Instance>)>,
    /// Programs that have waiting instances, each with when these were put here; rising.
    by_program: BTreeMap<u64, Vec<u64>>,
}

impl Pool {
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, inner: Mutex::default() }
    }

    /// A number for a program that no other has.
    pub fn new_program(&self) -> u64 {
        let mut inner = self.lock();
        inner.programs = inner.programs.wrapping_add(1);
        inner.programs
    }

    /// Bytes of the instances that wait.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// The instance of `program` that was used last.
    pub fn take(&self, program: u64) -> Option<Box<Instance>> {
        let mut inner = self.lock();
        let stamp = inner.by_program.get_mut(&program)?.pop()?;
        let (_, instance) = inner.waiting.remove(&stamp)?;
        inner.bytes = inner.bytes.saturating_sub(instance.bytes());
        Some(instance)
    }

    /// Whether so large an instance is ever kept.
    pub fn keeps(&self, bytes: usize) -> bool {
        bytes <= self.bytes_max
    }

    /// Keeps an instance that is as new.
    pub fn put(&self, program: u64, instance: Box<Instance>) {
        let bytes = instance.bytes();
        if !self.keeps(bytes) {
            return;
        }
        let mut dropped = Vec::new();
        let mut inner = self.lock();
        while inner.bytes.saturating_add(bytes) > self.bytes_max {
            let Some((stamp, (owner, oldest))) = inner.waiting.pop_first() else { break };
            inner.bytes = inner.bytes.saturating_sub(oldest.bytes());
            if let Some(stamps) = inner.by_program.get_mut(&owner) {
                stamps.retain(|&other| other != stamp);
                if stamps.is_empty() {
                    inner.by_program.remove(&owner);
                }
            }
            dropped.push(oldest);
        }
        inner.clock = inner.clock.wrapping_add(1);
        let stamp = inner.clock;
        inner.bytes = inner.bytes.saturating_add(bytes);
        inner.waiting.insert(stamp, (program, instance));
        inner.by_program.entry(program).or_default().push(stamp);
        // Memory is given back to the host without holding up others.
        drop(inner);
        drop(dropped);
    }

    /// Drops the instances of a program that is gone.
    pub fn forget(&self, program: u64) {
        let mut dropped = Vec::new();
        let mut inner = self.lock();
        for stamp in inner.by_program.remove(&program).unwrap_or_default() {
            if let Some((_, instance)) = inner.waiting.remove(&stamp) {
                inner.bytes = inner.bytes.saturating_sub(instance.bytes());
                dropped.push(instance);
            }
        }
        drop(inner);
        drop(dropped);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held leaves at worst an instance uncounted; results do not depend on the pool.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
