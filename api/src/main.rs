//! Parse the configuration, start. Nothing else.

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;
use tributary::{cli, config::Cli};

/// What a shell expects of a program that was called wrongly.
const BAD_CONFIGURATION: u8 = 2;

/// Of each thread that serves: a request is a deep nest of futures. Only what is used of it costs memory.
const STACK_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    let arguments = Cli::parse();
    if let Err(line) = arguments.check() {
        eprintln!("tributary: {line}");
        return ExitCode::from(BAD_CONFIGURATION);
    }
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(cli::run(arguments)),
        Err(error) => Err(error.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            eprintln!("tributary: {line}");
            ExitCode::FAILURE
        }
    }
}
