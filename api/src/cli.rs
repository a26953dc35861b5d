//! The commands of the program.

use std::{path::Path, sync::Arc};

use chrono::DateTime;
use tracing_subscriber::EnvFilter;

use crate::{
    app::{App, Parts},
    config::{Cli, Command, Config, Import, Ledger, Role},
    demo,
    error::Fault,
    graphql::schema,
    import::{invoice_replay, program_import},
    infra::clock::ManualClock,
    ledger::verify,
    serve,
};

/// What is logged unless `RUST_LOG` says otherwise. Migrations that went well, and a database's remarks on them, are no
/// news.
const DEFAULT_LOG: &str = "info,sea_orm_migration=warn,sqlx=warn";

/// Runs a command; the error is one line for the person at the terminal.
pub async fn run(cli: Cli) -> Result<(), String> {
    start_log();
    let config = cli.config;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve_with_demo(config).await,
        Command::Migrate => start(config).await.map(drop),
        Command::Schema => {
            print!("{}", schema::sdl());
            Ok(())
        }
        Command::Demo => fill_demo(&start(config).await?).await,
        Command::Import(Import::Invoices { file }) => import_invoices(config, &file).await,
        Command::Import(Import::Programs { file }) => import_programs(&start(config).await?, &file).await,
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

/// The server of a fresh checkout shows something: an empty database is filled with the demo first.
async fn serve_with_demo(config: Config) -> Result<(), String> {
    let app = start(config).await?;
    let empty = demo::is_empty(&app).await.map_err(|fault| fault.to_string())?;
    if empty && !app.config.no_demo {
        fill_demo(&app).await?;
    } else if app.config.role != Role::Worker && demo::is_present(&app).await.map_err(|fault| fault.to_string())? {
        println!("{}", demo::sign_ins(&app.config.public_base()));
    }
    serve::serve(app).await
}

async fn fill_demo(app: &App) -> Result<(), String> {
    demo::fill(app).await.map_err(|fault| fault.to_string())?;
    println!("{}", demo::sign_ins(&app.config.public_base()));
    Ok(())
}

/// Runs on a clock of its own, which the invoices turn.
async fn import_invoices(config: Config, file: &Path) -> Result<(), String> {
    let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
    let parts = Parts {
        clock: clock.clone(),
        ..Parts::default()
    };
    let app = App::start(config, parts)
        .await
        .map_err(|fault| format!("--database-url: {fault}"))?;
    let table = invoice_replay::replay(&app, &clock, file)
        .await
        .map_err(|fault| fault.to_string())?;
    println!("{table}");
    app.db.close().await.map_err(|error| error.to_string())
}

/// Every refused line goes to standard error, where it does not hide the table.
async fn import_programs(app: &App, file: &Path) -> Result<(), String> {
    let report = program_import::import(app, file)
        .await
        .map_err(|fault| fault.to_string())?;
    for line in &report.refused {
        eprintln!("{line}");
    }
    println!("{}", report.table);
    app.db.close().await.map_err(|error| error.to_string())
}

async fn verify_ledger(app: &App) -> Result<(), String> {
    let verified = verify::verify(app).await.map_err(|error| error.to_string())?;
    println!("{verified}");
    Ok(())
}
