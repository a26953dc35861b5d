//! A SQLite file of its own for every test, copied from one that was migrated once.

use std::path::Path;

use migration::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tributary::infra::db::Db;

/// A database of one test; its folder goes with it.
pub struct TestDatabase {
    folder: TempDir,
}

pub async fn create() -> TestDatabase {
    let folder = TempDir::with_prefix("tributary-sqlite-").unwrap();
    std::fs::write(file_in(folder.path()), template().await).unwrap();
    TestDatabase { folder }
}

/// One without tables.
pub fn create_empty() -> TestDatabase {
    let folder = TempDir::with_prefix("tributary-sqlite-").unwrap();
    TestDatabase { folder }
}

impl TestDatabase {
    pub fn url(&self) -> String {
        format!("sqlite:{}", file_in(self.folder.path()).display())
    }
}

fn file_in(folder: &Path) -> std::path::PathBuf {
    folder.join("tributary.db")
}

/// The migrated file's bytes: a few hundred kilobytes, kept in memory so that no template file is left behind.
async fn template() -> &'static [u8] {
    static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let folder = TempDir::with_prefix("tributary-sqlite-").unwrap();
            let file = file_in(folder.path());
            let db = Db::connect(&format!("sqlite:{}", file.display()), 1).await.unwrap();
            Migrator::up(db.schema_connection(), None).await.unwrap();
            // In WAL mode the newest pages stand beside the file until they are moved into it.
            db.schema_connection()
                .execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)")
                .await
                .unwrap();
            db.close().await.unwrap();
            std::fs::read(file).unwrap()
        })
        .await
}
