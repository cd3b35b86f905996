//! A thread beside its owner's. Nothing depends on when it does something: whoever starts a task waits for it before what came
//! of it, or whether it failed, is used.

use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::error::StateError;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that does one task after the other. It begins with the first task; the worker ends when all are done. Where there
/// can be no thread, tasks are done when they are started.
#[derive(Debug, Default)]
pub struct Worker {
    thread: OnceLock<Option<Beside>>,
}

/// A thread, and where it takes its tasks from.
#[derive(Debug)]
struct Beside {
    jobs: Sender<Job>,
    ended: JoinHandle<()>,
}

/// Something that a [`Worker`] does. It is done, or has failed, when this is dropped.
#[derive(Debug)]
pub struct Task<T>(Receiver<T>);

impl Worker {
    /// Lets the thread do `work`.
    pub fn start<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        let (result, results) = sync_channel(1);
        // Nobody may be waiting any more.
        self.send(Box::new(move || drop(result.send(work()))));
        Task(results)
    }

    /// Lets the thread do something that nobody waits for.
    pub fn leave(&self, work: impl FnOnce() + Send + 'static) {
        self.send(Box::new(work));
    }

    /// Waits until everything that was started or left so far is done.
    pub fn finish(&self) {
        if self.thread.get().is_some() {
            drop(self.start(|| ()));
        }
    }

    fn send(&self, job: Job) {
        let left = match self.thread.get_or_init(spawn) {
            Some(thread) => thread.jobs.send(job).err().map(|unsent| unsent.0),
            None => Some(job),
        };
        // A task that panicked has taken the thread with it.
        if let Some(job) = left {
            job();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(Beside { jobs, ended }) = self.thread.take().flatten() {
            drop(jobs);
            // Whether a task has panicked was told to who waited for it.
            drop(ended.join());
        }
    }
}

impl<T> Task<T> {
    /// One that is done.
    #[must_use]
    pub fn done(result: T) -> Self {
        let (sender, results) = sync_channel(1);
        // There is room for one, and the receiver is here.
        drop(sender.send(result));
        Self(results)
    }

    /// Waits for the task; it has one result.
    ///
    /// # Errors
    /// [`StateError::Io`] if the task has panicked, or if its result was taken before.
    pub fn wait(&self) -> Result<T, StateError> {
        let lost = |_| StateError::Io { during: "waiting for another thread", text: "it has ended".to_owned() };
        self.0.recv().map_err(lost)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        // What it works on may be needed by whoever comes next.
        drop(self.0.recv());
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that starts a thread; see above")]
fn spawn() -> Option<Beside> {
    let (jobs, todo) = channel::<Job>();
    let run = move || todo.into_iter().for_each(|job| job());
    let ended = Builder::new().name("unfork".to_owned()).spawn(run).ok()?;
    Some(Beside { jobs, ended })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Task, Worker};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn tasks_are_done_in_order_and_before_they_are_dropped() {
        let worker = Worker::default();
        let done = Arc::new(AtomicU32::new(0));
        for number in 0..100 {
            let counted = done.clone();
            let task = worker.start(move || counted.fetch_add(1, Ordering::SeqCst));
            if number % 2 == 0 {
                assert_eq!(task.wait().unwrap(), number);
                assert!(task.wait().is_err(), "there is one result");
            }
            drop(task);
            assert_eq!(done.load(Ordering::SeqCst), number + 1);
        }
        assert_eq!(Task::done(7).wait().unwrap(), 7);
        let count_later = || {
            let counted = done.clone();
            worker.leave(move || {
                std::thread::sleep(std::time::Duration::from_millis(5));
                counted.fetch_add(1, Ordering::SeqCst);
            });
        };
        count_later();
        worker.finish();
        assert_eq!(done.load(Ordering::SeqCst), 101, "it waits for what was left to be done");
        count_later();
        drop(worker);
        assert_eq!(done.load(Ordering::SeqCst), 102, "and so does the worker's end");
    }

    #[test]
    #[allow(clippy::panic, reason = "what a panic does to others is tested")]
    fn a_panic_is_an_error_for_who_waits() {
        let worker = Worker::default();
        let failed = worker.start(|| panic!("a panic that a test wants"));
        assert!(failed.wait().is_err());
    }
}
