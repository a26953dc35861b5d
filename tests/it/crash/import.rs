//! The import, killed again and again.

use std::{
    fs::File,
    io::Write,
    path::Path,
    process::{Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rstest::rstest;
use tempfile::NamedTempFile;

use super::{Dice, SEED};
use crate::support::{
    database::Database,
    program::{command, output},
};

const KILLS: usize = 6;
const INVOICES: u64 = 240;

/// Seven weeks of a small shop, with cancellations and a hold period that runs out.
fn invoices() -> NamedTempFile {
    let mut dice = Dice(SEED + 2);
    let file = NamedTempFile::new().unwrap();
    let mut out: &File = file.as_file();
    writeln!(out, "InvoiceNo,InvoiceDate,CustomerID,Country,Quantity,UnitPrice").unwrap();
    for n in 0..INVOICES {
        // Five a day.
        let (day, minute) = (n / 5, n % 5);
        let date = format!("{}/{}/2011 9:{minute:02}", 1 + day / 28, 1 + day % 28);
        let customer = 100 + dice.below(60);
        let price = format!("{}.{:04}", 1 + dice.below(30), dice.below(10_000));
        let (mark, sign) = if dice.below(6) == 0 { ("C", "-") } else { ("", "") };
        let quantity = 1 + dice.below(9);
        writeln!(
            out,
            "{mark}{},{date},{customer},France,{sign}{quantity},{price}",
            700_000 + n
        )
        .unwrap();
    }
    file
}

fn table(output: &Output) -> String {
    let printed = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{said}");
    let (table, _) = printed.split_once("This run: ").unwrap();
    table.to_owned()
}

/// Runs the import and kills it after a while; false when it had ended by itself.
fn import_and_kill(url: &str, file: &Path, after: Duration) -> bool {
    let mut child = command(url, &["import", "invoices", file.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(after);
    let ended = child.try_wait().unwrap();
    if let Some(status) = ended {
        assert!(status.success(), "the import ended with {status}");
        return false;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_import_ends_where_an_undisturbed_one_does(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    println!("seed {SEED}");
    let (Some(calm), Some(rough)) = (database.create().await, database.create().await) else {
        return;
    };
    let file = invoices();
    let arguments = ["import", "invoices", file.path().to_str().unwrap()];
    let began = Instant::now();
    let undisturbed = table(&output(&calm.url(), &arguments).await);
    let whole = began.elapsed();
    assert!(
        undisturbed.contains("APPROVED"),
        "no hold period ran out:\n{undisturbed}"
    );

    // Shares of the time that an undisturbed run takes here, so that kills fall into it on any machine. Small ones: each
    // run passes quickly over what those before it recorded.
    let mut dice = Dice(SEED + 3);
    let mut kills = 0;
    for _ in 0..KILLS {
        let after = whole * u32::try_from(4 + dice.below(16)).unwrap() / 100;
        let (url, path) = (rough.url(), file.path().to_owned());
        let killed = tokio::task::spawn_blocking(move || import_and_kill(&url, &path, after));
        if !killed.await.unwrap() {
            break;
        }
        kills += 1;
    }
    println!("{kills} kills in imports of {whole:?}");
    assert!(kills > 0, "the import was never killed");
    assert_eq!(table(&output(&rough.url(), &arguments).await), undisturbed);
    calm.drop().await;
    rough.drop().await;
}
