//! Configuration: one flag or environment variable a choice, checked before anything starts.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use url::Url;

use crate::infra::db::DEFAULT_CONNECTIONS;

/// Partner-program software for brands, creators and the people who build their front ends.
#[derive(Debug, Parser)]
#[command(name = "tributary", version)]
pub struct Cli {
    #[command(flatten)]
    pub config: Config,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Clone, Debug, Args)]
pub struct Config {
    /// `sqlite:PATH` or `postgres://user:password@host/database`.
    #[arg(
        long,
        global = true,
        env = "TRIBUTARY_DATABASE_URL",
        default_value = "sqlite:tributary.db"
    )]
    pub database_url: String,

    /// Connections to PostgreSQL, or readers of the SQLite file.
    #[arg(long, global = true, env = "TRIBUTARY_DATABASE_CONNECTIONS", default_value_t = DEFAULT_CONNECTIONS)]
    pub database_connections: u32,

    /// Address to serve on.
    #[arg(long, global = true, env = "TRIBUTARY_LISTEN", default_value = "127.0.0.1:4000")]
    pub listen: SocketAddr,

    /// Address to serve `/metrics` on, for Prometheus. Nobody is asked who they are there: keep it from the outside. When
    /// absent, there are none.
    #[arg(long, global = true, env = "TRIBUTARY_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,

    /// Where the outside reaches this server; tracking links begin with it. Defaults to `http://` and the address.
    #[arg(long, global = true, env = "TRIBUTARY_PUBLIC_URL")]
    pub public_url: Option<Url>,

    /// At least 32 characters; signs access tokens and click ids. When absent, the installation makes one and keeps it
    /// in its database.
    #[arg(long, global = true, env = "TRIBUTARY_SECRET", hide_env_values = true)]
    pub secret: Option<String>,

    /// What this process does.
    #[arg(long, global = true, env = "TRIBUTARY_ROLE", value_enum, default_value_t = Role::All)]
    pub role: Role,

    /// Do not fill an empty database with the demo marketplace.
    #[arg(long, global = true, env = "TRIBUTARY_NO_DEMO")]
    pub no_demo: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Requests and jobs.
    All,
    /// Requests only.
    Api,
    /// Jobs only.
    Worker,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Migrate the database and serve (the default).
    Serve,
    /// Bring the database's schema up to date.
    Migrate,
    /// Fill an empty database with a small demo marketplace and print its sign-ins.
    Demo,
    /// Print the GraphQL schema.
    Schema,
    /// Bring in data from files.
    #[command(subcommand)]
    Import(Import),
    /// Look after the ledger.
    #[command(subcommand)]
    Ledger(Ledger),
}

#[derive(Debug, Subcommand)]
pub enum Import {
    /// Replay a retailer's invoices (CSV, plain or gzipped) as orders of a brand with partners.
    Invoices {
        /// `InvoiceNo,InvoiceDate,CustomerID,Country,Quantity,UnitPrice`, in time order.
        file: PathBuf,
    },
    /// Import published facts about programs (JSON lines, plain or gzipped) as brands with programs and listings.
    Programs {
        /// One object a line: `slug`, `name`, `url`, `category`, `summary`, `commission_type`, `commission_rate` and so on.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Check every invariant of the ledger and name the first row that breaks one.
    Verify,
}

/// Shortest secret accepted, in characters.
const MIN_SECRET_LEN: usize = 32;
/// Connections that leave a database room for others.
const MAX_CONNECTIONS: u32 = 500;

impl Config {
    /// The defaults, for tests and commands that are given a database.
    #[must_use]
    pub fn for_database(url: &str) -> Self {
        Self {
            database_url: url.to_owned(),
            database_connections: DEFAULT_CONNECTIONS,
            listen: SocketAddr::from(([127, 0, 0, 1], 4000)),
            metrics_listen: None,
            public_url: None,
            secret: None,
            role: Role::All,
            no_demo: true,
        }
    }

    /// One line that names the setting, when something is off.
    pub fn check(&self) -> Result<(), String> {
        if !self.database_url.starts_with("sqlite:")
            && !self.database_url.starts_with("postgres://")
            && !self.database_url.starts_with("postgresql://")
        {
            return Err("--database-url must begin with sqlite: or postgres://".to_owned());
        }
        if !(1..=MAX_CONNECTIONS).contains(&self.database_connections) {
            return Err(format!(
                "--database-connections must be between 1 and {MAX_CONNECTIONS}"
            ));
        }
        if self
            .secret
            .as_ref()
            .is_some_and(|secret| secret.chars().count() < MIN_SECRET_LEN)
        {
            return Err(format!("--secret must have at least {MIN_SECRET_LEN} characters"));
        }
        if let Some(url) = &self.public_url
            && (!matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some())
        {
            return Err("--public-url must be an http or https address without query".to_owned());
        }
        Ok(())
    }

    /// The public address without a trailing slash.
    #[must_use]
    pub fn public_base(&self) -> String {
        self.public_url.as_ref().map_or_else(
            || format!("http://{}", self.listen),
            |url| url.as_str().trim_end_matches('/').to_owned(),
        )
    }
}
