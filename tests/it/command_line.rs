//! The program as a person at a terminal meets it: what it prints, where, and with which status.

use rstest::rstest;
use serde_json::Value;

use crate::support::{
    app::{TestApp, with_app},
    database::Database,
    program::output,
};

/// Runs it over the application's database: status, standard output, standard error.
async fn run(app: &TestApp, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = output(&app.app.config.database_url, arguments).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Two for what a command line says wrongly, one for what could not be done; always one line, and nothing printed.
#[tokio::test]
async fn what_is_wrong_is_said_in_one_line() {
    with_app(Database::Sqlite, |app| async move {
        for (arguments, status, said) in [
            (vec!["serve", "--secret", "short"], 2, "--secret must have"),
            (vec!["--environment", "production"], 2, "--secret must be set"),
            (vec!["import", "programs", "/nowhere"], 1, "/nowhere: No such file"),
            (vec!["admin", "grant", "nobody@example.org"], 1, "no account"),
            (vec!["jobs", "retry", "job_nonsense"], 1, "job_"),
        ] {
            let (code, printed, line) = run(&app, &arguments).await;
            assert_eq!(code, Some(status), "{arguments:?}: {line}");
            assert!(
                line.starts_with("tributary: ") && line.contains(said),
                "{arguments:?}: {line}"
            );
            assert_eq!(line.lines().count(), 1, "{arguments:?}: {line}");
            assert_eq!(printed, "", "{arguments:?}");
        }
        for arguments in [
            vec!["--trusted-proxies", "proxy"],
            vec!["--cors-origins", "app"],
            vec!["fly"],
        ] {
            let (code, printed, line) = run(&app, &arguments).await;
            assert_eq!(code, Some(2), "{arguments:?}: {line}");
            assert!(line.contains(arguments[arguments.len() - 1]), "{arguments:?}: {line}");
            assert_eq!(printed, "", "{arguments:?}");
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_administrator_is_made_and_unmade(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let is_admin = async || {
            let (code, printed, _) = run(&app, &["admin", "list"]).await;
            assert_eq!(code, Some(0));
            printed.contains("ada@example.org")
        };
        assert!(!is_admin().await);
        let dead = "{ deadJobs { nodes { id } } }";
        let refused = app.graphql(Some(&ada.token), dead, Value::Null).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");

        let (code, printed, _) = run(&app, &["admin", "grant", "Ada@Example.org"]).await;
        assert_eq!(
            (code, printed.as_str()),
            (Some(0), "ada@example.org is a platform administrator now\n")
        );
        assert!(is_admin().await);
        let allowed = app.graphql(Some(&ada.token), dead, Value::Null).await;
        assert_eq!(allowed["data"]["deadJobs"]["nodes"], Value::Array(Vec::new()));

        let (code, printed, _) = run(&app, &["admin", "revoke", "ada@example.org"]).await;
        assert_eq!(
            (code, printed.as_str()),
            (Some(0), "ada@example.org is no platform administrator now\n")
        );
        assert!(!is_admin().await);
    })
    .await;
}

/// What a shell may write into a file.
#[tokio::test]
async fn documents_are_printed_as_they_are_committed() {
    with_app(Database::Sqlite, |app| async move {
        for (command, file) in [("schema", "../schema.graphql"), ("openapi", "../docs/openapi.json")] {
            let committed = std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
            let (code, printed, said) = run(&app, &[command]).await;
            assert_eq!((code, said.as_str()), (Some(0), ""));
            assert!(printed == committed, "{command}");
        }
        let (code, printed, _) = run(&app, &["ledger", "verify"]).await;
        assert_eq!(code, Some(0));
        assert!(printed.starts_with("ledger verified: "), "{printed}");
    })
    .await;
}

/// The figures are the machine's; that there are some for each kind of question is the program's.
#[tokio::test]
async fn search_can_be_measured() {
    with_app(Database::Sqlite, |app| async move {
        let (code, printed, said) = run(&app, &["bench", "search", "--documents", "500"]).await;
        assert_eq!(code, Some(0), "{said}");
        let rows: Vec<&str> = printed.lines().collect();
        assert!(
            rows[0].starts_with("500 listings and 500 creators, written in "),
            "{printed}"
        );
        assert_eq!(rows.len(), 6, "{printed}");
        for row in &rows[2..] {
            let figures: Vec<f64> = row
                .split_whitespace()
                .rev()
                .take(3)
                .map(|cell| cell.parse().unwrap())
                .collect();
            assert!(figures.is_sorted_by(|higher, lower| higher >= lower), "{row}");
        }
        let (code, _, said) = run(&app, &["bench", "search", "--documents", "0"]).await;
        assert_eq!(code, Some(2), "{said}");
    })
    .await;
}
