//! Two databases, one behaviour.
//!
//! SQLite has a writer pool of one connection, whose transactions begin IMMEDIATE, and a pool of readers: writers queue
//! in the process instead of failing with "database is locked". PostgreSQL has one pool for both.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sea_orm::{
    ConnectOptions, Database, DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

/// Rows of one multi-row insert: far below the 65,535 values a statement may bind.
pub const INSERT_CHUNK: usize = 500;

/// Readers of a SQLite file, and connections to PostgreSQL, unless configured otherwise.
pub const DEFAULT_CONNECTIONS: u32 = 16;

/// Longest wait for a connection to PostgreSQL: what a request hangs at most when the server is away.
const POSTGRES_PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait for the one writer of a SQLite file, or for a reader.
const SQLITE_PATIENCE: Duration = Duration::from_secs(30);

/// How many connections a pool has.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    pub open: u32,
    pub idle: u32,
}

impl Connections {
    fn of(open: u32, idle: usize) -> Self {
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        Self { open, idle }
    }
}

#[derive(Clone)]
pub struct Db {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    statements: Arc<AtomicU64>,
}

impl Db {
    /// Connects to `sqlite:PATH` or `postgres://…`.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, DbErr> {
        let statements = Arc::new(AtomicU64::new(0));
        let (mut writer, mut reader) = if url.starts_with("sqlite:") {
            let writer = Database::connect(sqlite_options(url, 1)).await?;
            let reader = Database::connect(sqlite_options(url, max_connections)).await?;
            (writer, reader)
        } else {
            let mut options = ConnectOptions::new(url);
            options
                .max_connections(max_connections)
                .acquire_timeout(POSTGRES_PATIENCE)
                .sqlx_logging(false)
                .map_sqlx_postgres_opts(|options| options.options([("timezone", "UTC")]));
            let pool = Database::connect(options).await?;
            (pool.clone(), pool)
        };
        for connection in [&mut writer, &mut reader] {
            let statements = Arc::clone(&statements);
            connection.set_metric_callback(move |_| {
                statements.fetch_add(1, Ordering::Relaxed);
            });
        }
        Ok(Self {
            writer,
            reader,
            statements,
        })
    }

    /// Begins a use case's one transaction.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.writer
            .begin_with_options(TransactionOptions {
                isolation_level: (self.backend() == DatabaseBackend::Postgres).then_some(IsolationLevel::ReadCommitted),
                access_mode: None,
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            })
            .await
    }

    /// For queries outside a transaction. Never inside an open one: on SQLite it would not see what was written.
    #[must_use]
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For the migrator, which opens its own transactions.
    #[must_use]
    pub fn schema_connection(&self) -> &DatabaseConnection {
        &self.writer
    }

    #[must_use]
    pub fn backend(&self) -> DatabaseBackend {
        self.writer.get_database_backend()
    }

    /// The pools by name, with what they hold now.
    #[must_use]
    pub fn connections(&self) -> Vec<(&'static str, Connections)> {
        match self.backend() {
            DatabaseBackend::Postgres => {
                let pool = self.reader.get_postgres_connection_pool();
                vec![("all", Connections::of(pool.size(), pool.num_idle()))]
            }
            _ => [("writer", &self.writer), ("readers", &self.reader)]
                .map(|(name, connection)| {
                    let pool = connection.get_sqlite_connection_pool();
                    (name, Connections::of(pool.size(), pool.num_idle()))
                })
                .to_vec(),
        }
    }

    /// SQL statements run so far; tests bound them.
    #[must_use]
    pub fn statement_count(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    pub async fn close(&self) -> Result<(), DbErr> {
        self.writer.clone().close().await?;
        self.reader.clone().close().await
    }
}

fn sqlite_options(url: &str, connections: u32) -> ConnectOptions {
    let url = if url.contains('?') {
        url.to_owned()
    } else {
        format!("{url}?mode=rwc")
    };
    let mut options = ConnectOptions::new(url);
    options
        .min_connections(1)
        .max_connections(connections)
        .acquire_timeout(SQLITE_PATIENCE)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|options| {
            options
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10))
                .pragma("journal_mode", "WAL")
                // In WAL mode a commit survives a crash of the process; FULL makes it survive a loss of power too.
                .pragma("synchronous", "FULL")
        });
    options
}
