//! A fingerprint of everything a database holds, for "a denied operation changed nothing".
//!
//! No table is left out. Sessions and leases count too: no background job runs in a test, so whatever moves them was the
//! operation, and an operation that is refused has no business with either.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection, Statement};

/// Rows and a hash of each table, whatever the order of the rows.
pub async fn digest(db: &DatabaseConnection) -> BTreeMap<String, (u64, u64)> {
    let mut tables: BTreeMap<String, (u64, u64)> =
        list_tables(db).await.into_iter().map(|table| (table, (0, 0))).collect();
    for (table, content) in contents(db).await {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let (count, sum) = tables.entry(table).or_insert((0, 0));
        *count += 1;
        *sum = sum.wrapping_add(hasher.finish());
    }
    tables
}

/// Every row of every table as text, with its table.
pub async fn contents(db: &DatabaseConnection) -> Vec<(String, String)> {
    let mut selects = Vec::new();
    for table in list_tables(db).await {
        let row = row_as_text(db, &table).await;
        selects.push(format!(
            r#"SELECT '{table}' AS name, {row} AS content FROM "{table}" AS t"#
        ));
    }
    // One statement sees all tables at one moment.
    pairs(db, &selects.join(" UNION ALL ")).await
}

/// Every table of the application's schema.
pub async fn list_tables(db: &DatabaseConnection) -> Vec<String> {
    let sql = match db.get_database_backend() {
        DatabaseBackend::Sqlite => {
            r"SELECT name, '' FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'"
        }
        _ => {
            "SELECT table_name::text, '' FROM information_schema.tables
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        }
    };
    let mut tables: Vec<String> = pairs(db, sql).await.into_iter().map(|(name, _)| name).collect();
    tables.sort();
    tables
}

/// An expression that writes out a whole row. PostgreSQL has a text form of rows; for SQLite the columns are listed.
async fn row_as_text(db: &DatabaseConnection, table: &str) -> String {
    if db.get_database_backend() != DatabaseBackend::Sqlite {
        return "t::text".to_owned();
    }
    let columns = pairs(db, &format!("SELECT name, '' FROM pragma_table_info('{table}')")).await;
    let quoted: Vec<String> = columns.iter().map(|(name, _)| format!(r#"quote("{name}")"#)).collect();
    quoted.join(" || '|' || ")
}

async fn pairs(db: &DatabaseConnection, sql: &str) -> Vec<(String, String)> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| {
            let name = row.try_get_by_index(0).unwrap();
            (name, row.try_get_by_index(1).unwrap())
        })
        .collect()
}
