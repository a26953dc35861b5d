//! `tributary ledger verify`: every invariant, one statement each (what the databases cannot count, page by page), and the first
//! row that breaks one, by the id that it is looked up by.

mod checks;
mod pages;

use std::fmt;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, FromQueryResult, Statement};

use self::checks::{CHECKS, Check};
use crate::app::App;

/// What was looked at, when everything holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub transfers: i64,
    pub entries: i64,
    pub accounts: i64,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ledger verified: {} transfers, {} entries, {} accounts",
            self.transfers, self.entries, self.accounts
        )
    }
}

#[derive(Debug)]
pub enum VerifyError {
    /// An invariant does not hold.
    Broken {
        invariant: &'static str,
        row: String,
    },
    Database(DbErr),
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken { invariant, row } => write!(f, "ledger broken: {invariant}: {row}"),
            Self::Database(error) => write!(f, "the ledger could not be read: {error}"),
        }
    }
}

impl From<DbErr> for VerifyError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

#[derive(FromQueryResult)]
struct Counts {
    transfers: i64,
    entries: i64,
    accounts: i64,
}

/// The first row that breaks an invariant. All of them are asked for before one is taken: asked for one alone, PostgreSQL plans as
/// if it were near, and on books that are right it has to look at everything.
async fn first_broken(connection: &DatabaseConnection, check: &Check) -> Result<Option<String>, DbErr> {
    let sql = format!(
        "WITH broken AS MATERIALIZED ({}) SELECT * FROM broken ORDER BY 1 LIMIT 1",
        check.sql
    );
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    match connection.query_one_raw(statement).await? {
        Some(row) => (check.name)(&row).map(Some),
        None => Ok(None),
    }
}

/// Checks every invariant on the live data.
pub async fn verify(app: &App) -> Result<Verified, VerifyError> {
    let connection = app.db.read();
    for check in CHECKS {
        if let Some(row) = first_broken(connection, check).await? {
            return Err(VerifyError::Broken {
                invariant: check.invariant,
                row,
            });
        }
    }
    pages::verify_reversals(connection).await?;
    pages::verify_accounts(connection).await?;
    let statement = Statement::from_string(
        connection.get_database_backend(),
        "SELECT (SELECT COUNT(*) FROM ledger_transfers) AS transfers, (SELECT COUNT(*) FROM ledger_entries) AS entries,
                (SELECT COUNT(*) FROM ledger_accounts) AS accounts",
    );
    let counts = Counts::find_by_statement(statement)
        .one(connection)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("counts".to_owned()))?;
    Ok(Verified {
        transfers: counts.transfers,
        entries: counts.entries,
        accounts: counts.accounts,
    })
}
