//! What becomes of a job that fails, and how the worker begins and ends.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use entity::job::JobState;
use rstest::rstest;
use serde_json::json;
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::sync::CancellationToken;
use tributary::{
    jobs::worker::{self, Handlers, run_due},
    queue::{Job, MAX_ATTEMPTS},
};

use super::{KIND, Noted, db_jobs, enqueue, note, noting};
use crate::support::{app::with_app, database::Database};

const PATIENCE: Duration = Duration::from_secs(20);

#[rstest]
#[tokio::test]
async fn a_failing_job_is_tried_ever_later_and_dies(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let noted = Noted::default();
        let handlers = noting(&noted);
        let why = "y".repeat(3_000);
        enqueue(&app, Job::new(KIND, json!({ "fail": why }))).await;
        // Half and whole of the pause behind each run, in seconds.
        let pauses = [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600];
        for (whole, run) in pauses.into_iter().zip(1..) {
            assert_eq!(run_due(&app.app, &handlers).await.unwrap(), 1);
            let job = db_jobs(&app).await.remove(0);
            assert_eq!((job.state, job.attempts), (JobState::Queued, run));
            assert_eq!(job.last_error.as_deref(), Some(&why[..2_000]));
            let pause = job.run_at - app.now();
            assert!(
                pause >= TimeDelta::seconds(whole / 2) && pause <= TimeDelta::seconds(whole),
                "{pause} behind run {run}"
            );
            app.advance(pause - TimeDelta::microseconds(1));
            assert_eq!(run_due(&app.app, &handlers).await.unwrap(), 0);
            app.advance(TimeDelta::microseconds(1));
        }
        assert_eq!(run_due(&app.app, &handlers).await.unwrap(), 1);
        let dead = db_jobs(&app).await.remove(0);
        assert_eq!((dead.state, dead.attempts), (JobState::Dead, MAX_ATTEMPTS));
        assert_eq!((dead.dead_at, dead.leased_by), (Some(app.now()), None));
        app.advance(TimeDelta::days(1));
        assert_eq!(run_due(&app.app, &handlers).await.unwrap(), 0);
        assert_eq!(noted.lock().unwrap().len(), 12);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_hopeless_job_dies_at_once_and_a_panic_is_a_failure(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let noted = Noted::default();
        enqueue(&app, Job::new(KIND, json!({ "hopeless": "there is no such brand" }))).await;
        enqueue(&app, Job::new(KIND, json!({ "panic": "!" }))).await;
        enqueue(&app, note("behind them")).await;
        assert_eq!(run_due(&app.app, &noting(&noted)).await.unwrap(), 3);
        let jobs = db_jobs(&app).await;
        let seen: Vec<_> = jobs
            .iter()
            .map(|job| (job.state, job.last_error.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(
            seen,
            [
                (JobState::Dead, "there is no such brand"),
                (JobState::Queued, "the job panicked")
            ]
        );
    })
    .await;
}

/// A handler that says when it has begun and goes on when it is let.
fn gated(begun: &Arc<Semaphore>, gate: &Arc<Semaphore>, done: &Arc<Mutex<usize>>) -> Handlers {
    let (begun, gate, done) = (Arc::clone(begun), Arc::clone(gate), Arc::clone(done));
    Handlers::default().on(KIND, move |_, _| {
        let (begun, gate, done) = (Arc::clone(&begun), Arc::clone(&gate), Arc::clone(&done));
        async move {
            begun.add_permits(1);
            gate.acquire().await.unwrap().forget();
            *done.lock().unwrap() += 1;
            Ok(())
        }
    })
}

#[rstest]
#[tokio::test]
async fn a_worker_is_woken_by_the_commit_and_ends_when_its_jobs_have(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let (begun, gate, done) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)), Arc::default());
        let stop = CancellationToken::new();
        let worker = tokio::spawn(worker::run(app.app.clone(), gated(&begun, &gate, &done), stop.clone()));
        for n in 0..6 {
            enqueue(&app, note(&n.to_string())).await;
        }
        // Four at once, and no more.
        let four = timeout(PATIENCE, begun.acquire_many(4)).await.unwrap().unwrap();
        four.forget();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(begun.available_permits(), 0);
        let running = db_jobs(&app)
            .await
            .iter()
            .filter(|job| job.state == JobState::Running)
            .count();
        assert_eq!(running, 4);
        // A stopping worker takes nothing new, and waits for what runs.
        stop.cancel();
        gate.add_permits(6);
        timeout(PATIENCE, worker).await.unwrap().unwrap();
        assert_eq!(*done.lock().unwrap(), 4);
        let left = db_jobs(&app).await;
        assert_eq!(left.len(), 2);
        assert!(
            left.iter()
                .all(|job| (job.state, job.attempts) == (JobState::Queued, 0))
        );
    })
    .await;
}

#[tokio::test]
async fn what_does_not_end_with_its_worker_is_handed_back() {
    with_app(Database::Sqlite, |app| async move {
        let (begun, gate, done) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)), Arc::default());
        let stop = CancellationToken::new();
        let worker = tokio::spawn(worker::run(app.app.clone(), gated(&begun, &gate, &done), stop.clone()));
        enqueue(&app, note("endless")).await;
        timeout(PATIENCE, begun.acquire()).await.unwrap().unwrap().forget();
        stop.cancel();
        timeout(PATIENCE, worker).await.unwrap().unwrap();
        let back = db_jobs(&app).await.remove(0);
        assert_eq!((back.state, back.attempts, back.leased_by), (JobState::Queued, 0, None));
        assert_eq!(*done.lock().unwrap(), 0);
    })
    .await;
}
