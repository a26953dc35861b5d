//! The built program, run as a person at a terminal runs it.

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
};

/// The program, which `cargo test` builds beside the tests.
fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let program = here.parent().unwrap().parent().unwrap().join("tributary");
    assert!(
        program.is_file(),
        "{} is not there: run `cargo test` or `cargo build` for the whole workspace",
        program.display()
    );
    program
}

/// Over a database.
pub fn command(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .args(["--database-url", url, "--database-connections", "8"])
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null());
    command
}

/// What it prints, once it has ended.
pub async fn output(url: &str, arguments: &[&str]) -> Output {
    let mut command = command(url, arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}
