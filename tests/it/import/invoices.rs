//! Replaying a retailer's invoices: the same table on both databases, and nothing new from a second run.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
};

use flate2::read::GzDecoder;
use rstest::rstest;
use tributary::import::invoice_replay;

use super::path;
use crate::support::{
    app::{TestApp, with_app},
    database::Database,
};

/// Lines of the real file that are replayed: a few weeks, with cancellations and a hold period that runs out.
const REAL_LINES: usize = 2_500;

async fn replay(app: &TestApp, file: &Path) -> (String, String) {
    let printed = invoice_replay::replay(&app.app, &app.clock, file).await.unwrap();
    let (table, this_run) = printed.split_once("This run: ").unwrap();
    (table.trim_end().to_owned(), this_run.trim_end().to_owned())
}

/// The table of the small file, worked by hand from its 23 lines.
///
/// Orders: 30.60 + 156.40 + 7.04 (7 × 1.0050 = 7.035, half-even) + 12.75 + 85.00 + 8.50 + 150.00 + 89.10 + 0.00 +
/// 120.00 + 126.00 + 187.50 + 146.25 + 255.00 + 37.50 = 1,411.64.
/// Refunds: 5.10 of 900003 (newest first: 5.10 of its 7.04); 120.00 of 900013; 170.00 asked of customer 103, who has
/// 8.50 and 85.00 left, so 76.50 more than there is; 50.00 of 900017. 5.10 + 120.00 + 93.50 + 50.00 = 268.60 in 5 refunds.
#[rstest]
#[tokio::test]
async fn every_line_is_recorded_or_reported(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (table, this_run) = replay(&app, &path("data/invoices.csv")).await;
        for expected in [
            "Orders                        15         1411.64 GBP",
            "Refunds                        5          268.60 GBP",
            "  orders of guests             1           12.75 GBP",
            "  orders for nothing           1            0.00 GBP",
            "  GUEST_CANCELLATION                   1   e.g. C900010 (line 12)",
            "  MALFORMED_LINE                       1   e.g. line 21 (line 21)",
            "  NEGATIVE_QUANTITY                    1   e.g. 900011 (line 13)",
            "  UNMATCHED_CANCELLATION               1   e.g. C900009 (line 11)",
            "  (matched in part)                    1   76.50 GBP more was cancelled than was left of the orders",
            "ledger verified: ",
        ] {
            assert!(table.contains(expected), "`{expected}` is not in\n{table}");
        }
        // 9 customers sign up at their first order, 15 orders, 5 refunds.
        assert_eq!(this_run, "29 events recorded, 0 were there before");
        let before = app.digest().await;
        let (again, this_run) = replay(&app, &path("data/invoices.csv")).await;
        assert_eq!(again, table);
        assert_eq!(this_run, "0 events recorded, 29 were there before");
        let after = app.digest().await;
        // Laying the ground again reads and signs nobody up; the relay may renew its lease.
        let changed: Vec<&String> = after
            .iter()
            .filter(|(table, digest)| before.get(*table) != Some(digest))
            .map(|(table, _)| table)
            .collect();
        assert!(changed.iter().all(|table| *table == "leases"), "{changed:?} changed");
    })
    .await;
}

/// The first weeks of the real file; both databases must print what one of them printed first.
#[tokio::test]
async fn real_invoices_give_the_same_table_on_both_databases() {
    let source = path("../../shared/data/retail_invoices.csv.gz");
    if !source.exists() {
        eprintln!(
            "the real invoices ({}) are not here: this test has nothing to replay",
            source.display()
        );
        return;
    }
    let cut = tempfile::NamedTempFile::new().unwrap();
    let lines = BufReader::new(GzDecoder::new(File::open(&source).unwrap())).lines();
    for line in lines.take(REAL_LINES) {
        writeln!(cut.as_file(), "{}", line.unwrap()).unwrap();
    }
    let tables = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    for database in [Database::Sqlite, Database::Postgres] {
        let (file, tables) = (cut.path().to_owned(), tables.clone());
        with_app(database, |app| async move {
            let (table, _) = replay(&app, &file).await;
            tables.lock().unwrap().push(table);
        })
        .await;
    }
    let tables = tables.lock().unwrap();
    assert!(tables[0].contains("level 2"), "{}", tables[0]);
    assert!(
        tables.windows(2).all(|pair| pair[0] == pair[1]),
        "{}\n---\n{}",
        tables[0],
        tables[tables.len() - 1]
    );
}
