//! What `tributary demo --fake-rails` prints, worked by hand.

use rstest::rstest;

use crate::support::{app::with_app, database::Database, program::output};

#[rstest]
#[tokio::test]
async fn the_demo_pays_through_each_rail(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let url = &app.app.config.database_url;
        let mut printed = Vec::new();
        for _ in 0..2 {
            let done = output(url, &["demo", "--fake-rails"]).await;
            let said = String::from_utf8(done.stderr).unwrap();
            assert_eq!(done.status.code(), Some(0), "{said}");
            printed.push(String::from_utf8(done.stdout).unwrap());
        }
        assert_eq!(printed[0], printed[1], "a second run pays nobody again");
        let lines: Vec<Vec<&str>> = printed[0]
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let has = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert!(
                lines.iter().any(|other| other.starts_with(&words)),
                "{line}: {}",
                printed[0]
            );
        };
        // 12 % of 100.00 less a tenth in reserve; PayPal takes a fiftieth, 0.216.
        has("PAYPAL Pau pours 10.80 EUR PAID 00000000000000002, fee 0.22 EUR");
        // Of 250.00, of 80.00, of 5,000.00.
        has("STRIPE Stella sips 27.00 EUR PAID");
        has("BANK_FILE Ingrid grinds 8.64 EUR PAID BANK-1");
        has("RAZORPAYX Priya filters 540.00 INR PAID");
        // 12 % of 80.00, which is left of 120.00, and 2 % of the 49.90 that Leo sold, each less a tenth: 8.64 and 0.90.
        has("MANUAL Maya brews 9.54 EUR PAID TRANSFER-1");
        assert_eq!(lines.iter().filter(|line| line.contains(&"PAID")).count(), 5);
        // Nothing is left of what was available, and what is left of Pau's is in reserve.
        for last in ["in_transit -10.80", "in_transit -27.00", "in_transit -8.64"] {
            let line = lines.iter().find(|line| line.join(" ").contains(last)).unwrap();
            assert!(line.ends_with(&["leaves", "0.00", "EUR"]), "{line:?}");
        }
        assert!(
            printed[0].contains("reserve         1.20 EUR  leaves    1.20 EUR"),
            "{}",
            printed[0]
        );
    })
    .await;
}
