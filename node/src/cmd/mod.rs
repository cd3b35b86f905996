//! One module per subcommand, and what they share: how a command ends.

pub mod build;
pub mod check;
mod code;
pub mod instrument;
pub mod new;
#[cfg(feature = "rocksdb")]
pub mod replay;
pub mod rules;
pub mod run;
mod show;
#[cfg(feature = "rocksdb")]
pub mod state;

use anyhow::Error;
use std::process::ExitCode;

/// Whether a command that could do its work has found something.
pub enum Verdict {
    /// All is well.
    Well,
    /// Something was found, and is printed already.
    Found,
}

/// Why a command could not do its work.
pub enum Failed {
    /// Arguments or input files are wrong.
    Usage(Error),
    /// Files, disk or memory are in trouble.
    Environment(Error),
}

impl Failed {
    /// Wrong arguments or input files.
    pub fn usage(error: impl Into<Error>) -> Self {
        Self::Usage(error.into())
    }

    /// Trouble with files, disk or memory.
    pub fn environment(error: impl Into<Error>) -> Self {
        Self::Environment(error.into())
    }
}

/// Output that cannot be written.
impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::environment(error)
    }
}

/// Prints what went wrong and gives the code that the process ends with.
pub fn exit_code(result: Result<Verdict, Failed>) -> ExitCode {
    let (code, error) = match result {
        Ok(Verdict::Well) => return ExitCode::SUCCESS,
        Ok(Verdict::Found) => return ExitCode::from(1),
        Err(Failed::Usage(error)) => (2, error),
        Err(Failed::Environment(error)) => (3, error),
    };
    // Whoever reads the output has had enough of it, as `head` does: that is no news to anybody.
    let closed = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    if !error.downcast_ref().is_some_and(closed) {
        eprintln!("unfork: {error:#}");
    }
    ExitCode::from(code)
}

/// Does `work`, of which nobody knows how long it takes, while standard error shows that something is going on.
#[cfg(feature = "rocksdb")]
pub fn waiting<T>(what: &'static str, work: impl FnOnce() -> T) -> T {
    let bar = indicatif::ProgressBar::new_spinner().with_message(what);
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    let done = work();
    bar.finish_and_clear();
    done
}

/// A bar on standard error for work of known length; invisible where standard error is no terminal.
#[cfg(feature = "rocksdb")]
pub fn bar(what: &'static str) -> indicatif::ProgressBar {
    let template = "{msg} {wide_bar} {pos}/{len} {eta}";
    let style = indicatif::ProgressStyle::with_template(template);
    let bar = indicatif::ProgressBar::new(0).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
