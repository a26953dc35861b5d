//! Files that are not what they should be: one line that says so, and nothing written.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use rstest::rstest;
use tempfile::TempDir;
use tributary::import::{invoice_replay, program_import};

use super::path;
use crate::support::{
    app::{TestApp, with_app},
    database::Database,
};

const PROGRAMS: &str = "data/programs.jsonl";
const INVOICES: &str = "data/invoices.csv";

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap()
}

/// A file of each kind that cannot be read as a whole, and what is said of it.
fn unreadable(folder: &TempDir, good: &[u8]) -> Vec<(PathBuf, &'static str)> {
    let mut cut = zipped(good);
    cut.truncate(cut.len() / 2);
    let mut damaged = zipped(good);
    let middle = damaged.len() / 2;
    damaged[middle..].fill(0);
    let files: [(&str, &[u8], &str); 4] = [
        ("cut.gz", &cut, ""),
        ("damaged.gz", &damaged, ""),
        ("no.gz", &[0x1f, 0x8b], ""),
        ("empty", b"", "no "),
    ];
    let mut made = Vec::new();
    for (name, bytes, said) in files {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        made.push((file, said));
    }
    made.push((folder.path().to_owned(), "directory"));
    made.push((folder.path().join("nowhere"), "No such file"));
    made
}

/// One line for the person at the terminal, with the file's name, and nothing of it in the database.
async fn expect_refused(app: &TestApp, file: &Path, said: &str, result: Result<(), String>) {
    let line = result.unwrap_err();
    let shown = file.display().to_string();
    assert!(line.starts_with(&shown) && line.contains(said), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.len() > shown.len() + 3, "no reason: {line}");
    // The replay turns a clock of its own; the tests' stands still again.
    app.clock.set(crate::support::app::START.parse().unwrap());
}

async fn replay(app: &TestApp, file: &Path) -> Result<String, String> {
    let replayed = invoice_replay::replay(&app.app, &app.clock, file).await;
    replayed.map_err(|fault| fault.to_string())
}

#[rstest]
#[tokio::test]
async fn a_file_that_cannot_be_read_leaves_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let before = app.digest().await;
        let folder = TempDir::new().unwrap();
        for (file, said) in unreadable(&folder, &fs::read(path(PROGRAMS)).unwrap()) {
            let imported = program_import::import(&app.app, &file).await;
            let imported = imported.map(drop).map_err(|fault| fault.to_string());
            expect_refused(&app, &file, said, imported).await;
        }
        for (file, said) in unreadable(&folder, &fs::read(path(INVOICES)).unwrap()) {
            let replayed = replay(&app, &file).await.map(drop);
            expect_refused(&app, &file, said, replayed).await;
        }
        // The other importer's file.
        let replayed = replay(&app, &path(PROGRAMS)).await.map(drop);
        expect_refused(&app, &path(PROGRAMS), "the first line must name the columns", replayed).await;
        assert_eq!(app.digest().await, before);
    })
    .await;
}

/// Lines that are no text, or no programs, are refused each; without a good one nobody is signed up for them.
#[tokio::test]
async fn lines_that_are_no_text_are_reported() {
    with_app(Database::Sqlite, |app| async move {
        let before = app.digest().await;
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("programs");
        fs::write(&file, b"{\"slug\": \"\xff\xfe\"}\n\0\0\0\n[]\n").unwrap();
        let report = program_import::import(&app.app, &file).await.unwrap();
        assert_eq!(report.refused.len(), 3, "{:?}", report.refused);
        assert!(
            report.refused.iter().all(|line| line.contains("MALFORMED_LINE")),
            "{:?}",
            report.refused
        );
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[tokio::test]
async fn invoices_with_bytes_that_are_no_text_are_reported() {
    with_app(Database::Sqlite, |app| async move {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("invoices");
        let mut bytes = fs::read(path(INVOICES)).unwrap();
        let whole = replay(&app, &path(INVOICES)).await.unwrap();
        assert!(whole.contains("MALFORMED_LINE                       1"), "{whole}");
        bytes.extend(b"900099,1/2/2011 9:00,\xff\xfe,France,1,1.00\n");
        fs::write(&file, bytes).unwrap();
        let table = replay(&app, &file).await.unwrap();
        assert!(table.contains("MALFORMED_LINE                       2"), "{table}");
        assert!(table.contains("0 events recorded, 29 were there before"), "{table}");
    })
    .await;
}
