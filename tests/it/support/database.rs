//! The two databases every test runs on.

use super::{postgres, sqlite};

/// Which database a test case runs on: `#[values(Database::Sqlite, Database::Postgres)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// A database of one test.
pub enum TestDatabase {
    Sqlite(sqlite::TestDatabase),
    Postgres(postgres::TestDatabase),
}

impl Database {
    /// A migrated one; `None` when the machine has no PostgreSQL: the case is skipped, loudly.
    pub async fn create(self) -> Option<TestDatabase> {
        match self {
            Self::Sqlite => Some(TestDatabase::Sqlite(sqlite::create().await)),
            Self::Postgres => postgres::create().await.map(TestDatabase::Postgres),
        }
    }

    /// One without tables.
    pub async fn create_empty(self) -> Option<TestDatabase> {
        match self {
            Self::Sqlite => Some(TestDatabase::Sqlite(sqlite::create_empty())),
            Self::Postgres => postgres::create_empty().await.map(TestDatabase::Postgres),
        }
    }
}

impl TestDatabase {
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(database) => database.url(),
            Self::Postgres(database) => database.url(),
        }
    }

    pub async fn drop(self) {
        match self {
            Self::Sqlite(database) => drop(database),
            Self::Postgres(database) => database.drop().await,
        }
    }
}
