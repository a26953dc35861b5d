//! What is done periodically is done by one process at a time, and what is over is forgotten.

use chrono::TimeDelta;
use entity::{periodic_run, session, used_refresh_token};
use futures_util::FutureExt;
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;
use tributary::jobs::periodic::{self, Periodic, run_when_due};

use super::queue::another;
use crate::support::{
    app::{TestApp, with_app},
    database::Database,
};

const GOES_WELL: Periodic = Periodic {
    name: "test",
    every: TimeDelta::seconds(60),
    run: |_| async { Ok(()) }.boxed(),
};
const FAILS: Periodic = Periodic {
    run: |_| async { Err("no luck".to_owned()) }.boxed(),
    ..GOES_WELL
};

async fn db_run(app: &TestApp) -> periodic_run::Model {
    let row = periodic_run::Entity::find_by_id("test").one(app.db()).await.unwrap();
    row.unwrap()
}

#[rstest]
#[tokio::test]
async fn one_process_does_it_when_it_is_time(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let other = another(&app, 7).await;
        let (here, there) = tokio::join!(run_when_due(&app.app, &GOES_WELL), run_when_due(&other, &GOES_WELL));
        assert_eq!(u8::from(here.unwrap()) + u8::from(there.unwrap()), 1);
        let began = app.now();
        app.advance(TimeDelta::seconds(59));
        assert!(!run_when_due(&other, &GOES_WELL).await.unwrap());
        app.advance(TimeDelta::seconds(1));
        assert!(run_when_due(&other, &FAILS).await.unwrap());
        let row = db_run(&app).await;
        assert_eq!(
            (row.last_success_at, row.last_error.as_deref()),
            (Some(began), Some("no luck"))
        );
        assert_eq!((row.held_by, row.next_at), (None, app.now() + TimeDelta::seconds(60)));
        // What went well takes the error away.
        app.advance(TimeDelta::seconds(60));
        assert!(run_when_due(&app.app, &GOES_WELL).await.unwrap());
        let row = db_run(&app).await;
        assert_eq!((row.last_success_at, row.last_error), (Some(app.now()), None));
        other.db.close().await.unwrap();
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_killed_run_keeps_others_out_for_two_minutes(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let killed = Periodic {
            run: |_| std::future::pending().boxed(),
            ..GOES_WELL
        };
        // Dropped in the middle, like a killed process.
        let begun = tokio::time::timeout(std::time::Duration::from_millis(500), run_when_due(&app.app, &killed));
        assert!(begun.await.is_err());
        app.advance(TimeDelta::seconds(119));
        assert!(!run_when_due(&app.app, &GOES_WELL).await.unwrap());
        app.advance(TimeDelta::seconds(1));
        assert!(run_when_due(&app.app, &GOES_WELL).await.unwrap());
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn sessions_long_over_are_forgotten(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let over = app.sign_up("over").await;
        let living = app.sign_up("living").await;
        let refresh = "mutation ($input: RefreshSessionInput!) { refreshSession(input: $input) {
            session { refreshToken } userErrors { code } } }";
        for user in [&over, &living] {
            let input = json!({ "input": { "refreshToken": user.refresh_token } });
            app.graphql_ok(None, refresh, input, "refreshSession.session").await;
        }
        let sign_out = "mutation { signOut(input: {}) { userErrors { code } } }";
        app.graphql_ok(Some(&over.token), sign_out, json!({}), "signOut").await;
        let count = || async {
            let sessions = session::Entity::find().count(app.db()).await.unwrap();
            (
                sessions,
                used_refresh_token::Entity::find().count(app.db()).await.unwrap(),
            )
        };
        let forget = periodic::ALL
            .iter()
            .find(|periodic| periodic.name == "forget-sessions")
            .unwrap();
        assert_eq!(count().await, (2, 2));
        assert!(run_when_due(&app.app, forget).await.unwrap());
        // A session that is over cannot be stolen; itself it is kept for 30 days.
        assert_eq!(count().await, (2, 1));
        app.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
        assert!(run_when_due(&app.app, forget).await.unwrap());
        assert_eq!(count().await.0, 2);
        app.advance(TimeDelta::hours(1));
        assert!(run_when_due(&app.app, forget).await.unwrap());
        assert_eq!(count().await.0, 1);
    })
    .await;
}
