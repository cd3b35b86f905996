//! The binary `unfork`: reads its arguments and hands over to one module per subcommand.
#![forbid(unsafe_code)]

mod cmd;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Making contracts ready to run is a lot of small allocations (docs/decisions/0009).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Checks contracts, executes scenarios, replays blocks and looks at state.
///
/// A first step without any set-up: `unfork run node/demo/flipper.json`.
#[derive(Parser)]
#[command(name = "unfork", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 all is well; 1 something was found (code refused, expectation not met, blocks or \
values differ); 2 wrong arguments or input files; 3 the environment fails (files, disk, memory).";

#[derive(Subcommand)]
enum Command {
    Check(cmd::check::Arguments),
    Instrument(cmd::instrument::Arguments),
    Run(cmd::run::Arguments),
    #[cfg(feature = "rocksdb")]
    Replay(cmd::replay::Arguments),
    #[cfg(feature = "rocksdb")]
    State(cmd::state::Arguments),
    Rules(cmd::rules::Arguments),
    New(cmd::new::Arguments),
    Build(cmd::build::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Check(arguments) => cmd::check::run(&arguments),
        Command::Instrument(arguments) => cmd::instrument::run(&arguments),
        Command::Run(arguments) => cmd::run::run(&arguments),
        #[cfg(feature = "rocksdb")]
        Command::Replay(arguments) => cmd::replay::run(&arguments),
        #[cfg(feature = "rocksdb")]
        Command::State(arguments) => cmd::state::run(&arguments),
        Command::Rules(arguments) => cmd::rules::run(&arguments),
        Command::New(arguments) => cmd::new::run(&arguments),
        Command::Build(arguments) => cmd::build::run(&arguments),
    };
    cmd::exit_code(result)
}
