//! Jobs exist with their cause, one at a time for a key, and are taken by one worker until its lease runs out.

use chrono::TimeDelta;
use entity::job::JobState;
use rstest::rstest;
use serde_json::json;
use tributary::{
    app::{App, Parts},
    ids::Ids,
    infra::{clock::ManualClock, db::Db},
    jobs::worker::run_due,
    queue::{
        Job, MAX_ATTEMPTS, MAX_PAYLOAD_BYTES,
        claims::{self, Failed, Hope, LEASE},
        enqueue_in_tx,
    },
};

use super::{KIND, Noted, db_job, db_jobs, enqueue, note, noting};
use crate::support::{
    app::{TestApp, with_app},
    database::Database,
};

/// Another process on the same database and clock.
async fn another(app: &TestApp, seed: u64) -> App {
    let config = app.app.config.clone();
    let db = Db::connect(&config.database_url, config.database_connections)
        .await
        .unwrap();
    let parts = Parts {
        clock: std::sync::Arc::<ManualClock>::clone(&app.clock),
        ids: Ids::seeded(seed),
        ..Parts::default()
    };
    let Ok(another) = App::assemble(config, db, parts).await else {
        panic!("the application does not assemble");
    };
    another
}

#[rstest]
#[tokio::test]
async fn a_job_exists_when_its_cause_committed_and_is_done_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let noted = Noted::default();
        let handlers = noting(&noted);
        let tx = app.app.db.begin().await.unwrap();
        enqueue_in_tx(&tx, &app.app, note("taken back")).await.unwrap();
        tx.rollback().await.unwrap();
        let tomorrow = Job {
            run_at: Some(app.now() + TimeDelta::days(1)),
            ..note("tomorrow")
        };
        enqueue(&app, tomorrow).await;
        enqueue(&app, note("now")).await;
        enqueue(&app, Job::new("test.of-a-later-version", json!({}))).await;

        assert_eq!(run_due(&app.app, &handlers).await.unwrap(), 1);
        assert_eq!(*noted.lock().unwrap(), [json!({ "note": "now" })]);
        app.advance(TimeDelta::days(1));
        assert_eq!(run_due(&app.app, &handlers).await.unwrap(), 1);
        assert_eq!(noted.lock().unwrap()[1], json!({ "note": "tomorrow" }));
        // What this worker does not know waits for one that does.
        let left = db_jobs(&app).await;
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].state, left[0].attempts), (JobState::Queued, 0));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_key_waits_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let noted = Noted::default();
        let keyed = |what: &str, minutes| Job {
            unique_key: Some("list-1".to_owned()),
            run_at: Some(app.now() + TimeDelta::minutes(minutes)),
            ..note(what)
        };
        enqueue(&app, keyed("first", 10)).await;
        enqueue(&app, keyed("second", 20)).await;
        enqueue(&app, keyed("third", 5)).await;
        let of_other_kind = Job {
            kind: "test.other",
            ..keyed("other", 5)
        };
        enqueue(&app, of_other_kind).await;
        let waiting = db_jobs(&app).await;
        assert_eq!(waiting.len(), 2);
        // The earliest wish counts, and never a later one.
        assert_eq!(waiting[0].run_at, app.now() + TimeDelta::minutes(5));

        app.advance(TimeDelta::minutes(5));
        let taken = claims::claim(&app.app, &[KIND], 9).await.unwrap();
        assert_eq!(taken.len(), 1);
        // What changes while it runs, it may have missed: the key is free again.
        enqueue(&app, keyed("fourth", 0)).await;
        assert_eq!(run_due(&app.app, &noting(&noted)).await.unwrap(), 1);
        assert_eq!(*noted.lock().unwrap(), [json!({ "note": "fourth" })]);
    })
    .await;
}

#[tokio::test]
async fn a_payload_has_a_largest_size() {
    with_app(Database::Sqlite, |app| async move {
        let tx = app.app.db.begin().await.unwrap();
        // Two quotes belong to the text.
        let fits = Job::new(KIND, json!("x".repeat(MAX_PAYLOAD_BYTES - 2)));
        enqueue_in_tx(&tx, &app.app, fits).await.unwrap();
        let too_large = Job::new(KIND, json!("x".repeat(MAX_PAYLOAD_BYTES - 1)));
        let fault = enqueue_in_tx(&tx, &app.app, too_large).await.unwrap_err();
        assert_eq!(
            fault.to_string(),
            "a job `test.note` carries 16385 bytes; 16384 are the most"
        );
        tx.rollback().await.unwrap();
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_killed_workers_job_is_taken_over_when_its_lease_ran_out(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        enqueue(&app, note("once more")).await;
        let taken = claims::claim(&app.app, &[KIND], 9).await.unwrap().remove(0);
        let killed = taken.leased_by.unwrap();
        app.advance(LEASE - TimeDelta::seconds(1));
        let other = another(&app, 7).await;
        assert!(claims::claim(&other, &[KIND], 9).await.unwrap().is_empty());
        // A worker that lives says so.
        assert!(claims::renew(&app.app, taken.id, killed).await.unwrap());
        app.advance(TimeDelta::seconds(1));
        assert!(claims::claim(&other, &[KIND], 9).await.unwrap().is_empty());

        app.advance(LEASE);
        let over = claims::claim(&other, &[KIND], 9).await.unwrap().remove(0);
        assert_eq!((over.id, over.attempts), (taken.id, 2));
        assert_ne!(over.leased_by, taken.leased_by);
        // Whoever has lost it changes nothing any more.
        assert!(!claims::renew(&app.app, taken.id, killed).await.unwrap());
        assert!(!claims::finish(&app.app, taken.id, killed).await.unwrap());
        let failed = claims::fail(&app.app, &taken, killed, "late", Hope::None)
            .await
            .unwrap();
        assert_eq!(failed, Failed::Lost);
        claims::hand_back(&app.app, taken.id, killed).await.unwrap();
        assert_eq!(db_job(&app, taken.id).await, over);
        assert!(claims::finish(&other, over.id, over.leased_by.unwrap()).await.unwrap());
        assert!(db_jobs(&app).await.is_empty());
        other.db.close().await.unwrap();
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_job_that_kills_its_workers_dies(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        enqueue(&app, note("deadly")).await;
        for attempt in 1..=MAX_ATTEMPTS {
            let taken = claims::claim(&app.app, &[KIND], 9).await.unwrap();
            assert_eq!(taken[0].attempts, attempt);
            app.advance(LEASE);
        }
        assert!(claims::claim(&app.app, &[KIND], 9).await.unwrap().is_empty());
        let dead = db_jobs(&app).await.remove(0);
        assert_eq!((dead.state, dead.dead_at), (JobState::Dead, Some(app.now())));
        let why = "the worker did not come back from its last run";
        assert_eq!(dead.last_error.as_deref(), Some(why));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn workers_share_the_jobs(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        const JOBS: usize = 60;
        for n in 0..JOBS {
            enqueue(&app, note(&n.to_string())).await;
        }
        let noted = Noted::default();
        let handlers = noting(&noted);
        let (second, third) = (another(&app, 7).await, another(&app, 8).await);
        let (one, two, three) = tokio::join!(
            run_due(&app.app, &handlers),
            run_due(&second, &handlers),
            run_due(&third, &handlers),
        );
        assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), JOBS);
        let mut done: Vec<String> = noted.lock().unwrap().iter().map(ToString::to_string).collect();
        done.sort();
        done.dedup();
        assert_eq!(done.len(), JOBS);
        assert!(db_jobs(&app).await.is_empty());
        second.db.close().await.unwrap();
        third.db.close().await.unwrap();
    })
    .await;
}
