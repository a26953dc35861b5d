//! The commands of the program.

use std::{path::Path, sync::Arc, time::Instant};

use chrono::DateTime;
use entity::ids::IdParseError;
use tracing_subscriber::EnvFilter;

use crate::{
    accounts::{
        actor::Actor,
        service::{self as accounts, PlatformRole},
    },
    app::{App, Parts},
    bench,
    config::{Admin, Bench, Cli, Command, Config, Encryption, Environment, Import, Jobs, Ledger, Role},
    demo,
    error::{ApiError, Failure, Fault, RefusalCode},
    fake_rails::FakeRails,
    graphql::schema,
    http::tracking,
    import::{invoice_replay, program_import},
    infra::clock::ManualClock,
    jobs::dead,
    ledger::verify,
    marketplace::indexing,
    page::{MAX_PAGE, Page},
    payouts::{
        files::service::reseal_payout_files, methods::service::reseal_payout_methods,
        rails::service::reseal_rail_connections, sending::reseal_payout_requests,
    },
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
        Command::Openapi => {
            print!("{}", tracking::openapi());
            Ok(())
        }
        Command::Demo => fill_demo(config).await,
        Command::Import(Import::Invoices { file }) => import_invoices(config, &file).await,
        Command::Import(Import::Programs { file }) => import_programs(&start(config).await?, &file).await,
        Command::Jobs(command) => look_after_jobs(&start(config).await?, command).await,
        Command::Admin(command) => administer(&start(config).await?, command).await,
        Command::Reindex => reindex(&start(config).await?).await,
        Command::Ledger(Ledger::Verify) => verify_ledger(&start(config).await?).await,
        Command::Encryption(Encryption::Rotate) => rotate_encryption(&start(config).await?).await,
        Command::Bench(Bench::Search { documents }) => {
            let measured = bench::search(config, documents).await;
            println!("{}", measured.map_err(|error| error.to_string())?);
            Ok(())
        }
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
    start_with(config, Parts::default()).await
}

async fn start_with(config: Config, parts: Parts) -> Result<App, String> {
    App::start(config, parts)
        .await
        .map_err(|fault: Fault| format!("--database-url: {fault}"))
}

/// The server of a fresh checkout shows something: an empty database is filled with the demo first, and one whose filling was
/// cut off is completed.
async fn serve_with_demo(mut config: Config) -> Result<(), String> {
    let mut parts = Parts::default();
    let fakes = if config.rails.fake_rails {
        Some(fake_rails(&mut config, &mut parts).await?)
    } else {
        None
    };
    let app = start_with(config, parts).await?;
    if app.config.environment == Environment::Production
        && demo::is_present(&app).await.map_err(|fault| fault.to_string())?
    {
        return Err("--database-url: this database holds the demo, whose passwords are known to everyone".to_owned());
    }
    let filled = !app.config.no_demo && demo::fill_if_wanted(&app).await.map_err(|fault| fault.to_string())?;
    let serves = app.config.role != Role::Worker;
    if filled || serves && demo::is_present(&app).await.map_err(|fault| fault.to_string())? {
        println!("{}", demo::sign_ins(&app.config.public_base()));
    }
    serve::serve(app, fakes).await
}

/// Puts providers on this machine in place of the real ones.
async fn fake_rails(config: &mut Config, parts: &mut Parts) -> Result<Arc<FakeRails>, String> {
    let fakes = FakeRails::start(&parts.clock)
        .await
        .map_err(|error| format!("--fake-rails: {error}"))?;
    fakes.stand_in(&mut config.rails);
    fakes.give_credentials(&mut config.rails);
    parts.rails.certificates = Some(fakes.certificates());
    fakes.announce();
    Ok(Arc::new(fakes))
}

/// With providers on this machine, its partners are paid too.
async fn fill_demo(mut config: Config) -> Result<(), String> {
    let mut parts = Parts::default();
    let mut fakes = None;
    if config.rails.fake_rails {
        // Their accounts are added and paid to within a second.
        config.payout_cooling_off_hours = 0;
        fakes = Some(fake_rails(&mut config, &mut parts).await?);
    }
    let app = start_with(config, parts).await?;
    demo::fill(&app).await.map_err(|fault| fault.to_string())?;
    println!("{}", demo::sign_ins(&app.config.public_base()));
    if let Some(fakes) = fakes {
        let report = demo::payouts::pay(&app, &fakes)
            .await
            .map_err(|fault| fault.to_string())?;
        println!("{report}");
    }
    app.db.close().await.map_err(|error| error.to_string())
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

async fn look_after_jobs(app: &App, command: Jobs) -> Result<(), String> {
    let actor = Actor::system();
    match command {
        Jobs::Dead => list_dead_jobs(app, &actor).await?,
        Jobs::Retry { id } => {
            let id = id.parse().map_err(|error: IdParseError| error.to_string())?;
            dead::retry_dead_job(app, &actor, id).await.map_err(say)?;
            println!("{id} is queued again");
        }
        Jobs::Discard { id } => {
            let id = id.parse().map_err(|error: IdParseError| error.to_string())?;
            dead::discard_dead_job(app, &actor, id).await.map_err(say)?;
            println!("{id} is discarded");
        }
    }
    app.db.close().await.map_err(|error| error.to_string())
}

/// One line a job; the youngest page of them, and how many there are.
async fn list_dead_jobs(app: &App, actor: &Actor) -> Result<(), String> {
    let page = Page {
        count: true,
        ..Page::first(u64::from(MAX_PAGE.unsigned_abs()))
    };
    let found = dead::list_dead_jobs(app, actor, &page)
        .await
        .map_err(|error| error.log_text())?;
    for (_, job) in found.items {
        let since = job.dead_at.map(|at| at.to_rfc3339()).unwrap_or_default();
        let error = job.last_error.unwrap_or_default().replace('\n', " ");
        println!(
            "{} {} dead since {since} after {} runs: {error}",
            job.id, job.kind, job.attempts
        );
    }
    println!("{} dead jobs", found.total.unwrap_or_default());
    Ok(())
}

async fn administer(app: &App, command: Admin) -> Result<(), String> {
    let system = Actor::system();
    let (email, role) = match command {
        Admin::List => {
            let admins = accounts::list_platform_admins(app, &system).await.map_err(say)?;
            for admin in admins {
                println!("{}\t{}", admin.email, admin.display_name);
            }
            return Ok(());
        }
        Admin::Grant { email } => (email, PlatformRole::Administrator),
        Admin::Revoke { email } => (email, PlatformRole::User),
    };
    let user = accounts::set_platform_role(app, &system, &email, role)
        .await
        .map_err(say)?;
    println!(
        "{} is {} now",
        user.email,
        match role {
            PlatformRole::Administrator => "a platform administrator",
            PlatformRole::User => "no platform administrator",
        }
    );
    Ok(())
}

/// What a person at the terminal reads; the cause of a fault too, for it is their installation.
fn say<C: RefusalCode>(failure: Failure<C>) -> String {
    match failure {
        Failure::Refused(refusal) => refusal.message,
        Failure::Api(ApiError::Internal(fault)) => fault.to_string(),
        Failure::Api(error) => error.public_message(),
    }
}

async fn reindex(app: &App) -> Result<(), String> {
    let began = Instant::now();
    let built = indexing::reindex(app).await.map_err(|error| error.to_string())?;
    match built {
        Some(documents) => {
            for (index, count) in documents {
                println!("{:<10}{count:>10} documents", index.name());
            }
            println!("built in {:.1} s", began.elapsed().as_secs_f32());
        }
        None => println!(
            "asked for: each server keeps its index in its memory, and builds it anew within seconds; nothing was built here"
        ),
    }
    app.db.close().await.map_err(|error| error.to_string())
}

async fn verify_ledger(app: &App) -> Result<(), String> {
    let verified = verify::verify(app).await.map_err(|error| error.to_string())?;
    println!("{verified}");
    Ok(())
}

/// What did not open goes to standard error, and makes the command fail: its key is missing.
async fn rotate_encryption(app: &App) -> Result<(), String> {
    let done = [
        ("payout methods", reseal_payout_methods(app).await),
        ("rail connections", reseal_rail_connections(app).await),
        ("payout requests", reseal_payout_requests(app).await),
        ("payout files", reseal_payout_files(app).await),
    ];
    let key = app.key_ring.sealing_id();
    let mut failed = Vec::new();
    for (what, done) in done {
        let done = done.map_err(|error| error.to_string())?;
        println!(
            "{} {what} are sealed anew under `{key}`, {} were already",
            done.resealed, done.kept
        );
        for reason in &done.reasons {
            eprintln!("{reason}");
        }
        if done.failed > 0 {
            failed.push(format!("{} {what}", done.failed));
        }
    }
    app.db.close().await.map_err(|error| error.to_string())?;
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("{} did not open and stay as they were", failed.join(" and ")))
    }
}
