//! The commands of the program.

use std::path::Path;

use tracing_subscriber::EnvFilter;

use crate::{
    app::{App, Parts},
    config::{Cli, Command, Config, Import, Ledger},
    error::Fault,
    graphql::schema,
    ledger::verify,
    serve,
};

/// What is logged unless `RUST_LOG` says otherwise. Migrations that went well are no news.
const DEFAULT_LOG: &str = "info,sea_orm_migration=warn";

/// Runs a command; the error is one line for the person at the terminal.
pub async fn run(cli: Cli) -> Result<(), String> {
    start_log();
    let config = cli.config;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(start(config).await?).await,
        Command::Migrate => start(config).await.map(drop),
        Command::Schema => {
            print!("{}", schema::sdl());
            Ok(())
        }
        Command::Demo => fill_demo(&start(config).await?).await,
        Command::Import(Import::Invoices { file }) => import_invoices(&start(config).await?, &file).await,
        Command::Ledger(Ledger::Verify) => verify_ledger(&start(config).await?).await,
    }
}

/// To standard error: what a command prints is its result.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    // A second start in one process (tests) keeps the first log.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}

async fn start(config: Config) -> Result<App, String> {
    App::start(config, Parts::default())
        .await
        .map_err(|fault: Fault| format!("--database-url: {fault}"))
}

async fn fill_demo(_app: &App) -> Result<(), String> {
    Err("this build has no demo marketplace".to_owned())
}

async fn import_invoices(_app: &App, file: &Path) -> Result<(), String> {
    Err(format!("this build cannot import {}", file.display()))
}

async fn verify_ledger(app: &App) -> Result<(), String> {
    let verified = verify::verify(app).await.map_err(|error| error.to_string())?;
    println!("{verified}");
    Ok(())
}
