//! Parse the configuration, start. Nothing else.

use std::process::ExitCode;

use clap::Parser;
use tributary::{cli, config::Cli};

/// What a shell expects of a program that was called wrongly.
const BAD_CONFIGURATION: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Cli::parse();
    if let Err(line) = arguments.check() {
        eprintln!("tributary: {line}");
        return ExitCode::from(BAD_CONFIGURATION);
    }
    match cli::run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            eprintln!("tributary: {line}");
            ExitCode::FAILURE
        }
    }
}
