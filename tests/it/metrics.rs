//! What Prometheus reads: the numbers move with what happens, and only on their own address.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use chrono::TimeDelta;
use http_body_util::BodyExt;
use rstest::rstest;
use serde_json::json;
use tower::ServiceExt;
use tributary::{
    http,
    jobs::{
        periodic,
        worker::{Handlers, JobError, run_due},
    },
    outbox,
    queue::{Job, enqueue_in_tx},
};

use crate::support::{
    app::{TestApp, with_app},
    database::Database,
};

impl TestApp {
    async fn metrics(&self) -> String {
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let answer = http::metrics::router(self.app.clone()).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(
            answer.headers()["content-type"],
            "text/plain; version=0.0.4; charset=utf-8"
        );
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// The value of a series; `None` when there is none.
    async fn metric(&self, series: &str) -> Option<i64> {
        let text = self.metrics().await;
        text.lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
            .map(|value| value.parse().unwrap())
    }
}

#[rstest]
#[tokio::test]
async fn a_sale_and_a_refusal_are_counted(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        outbox::relay::drain(&app.app).await.unwrap();
        let before = app.metric("tributary_log_position").await.unwrap();
        assert_eq!(app.metric("tributary_log_unstamped").await, Some(0));

        let sale = json!({ "orderId": "1", "customerId": "c", "amount": "10.00", "currency": "EUR" });
        for wanted in [StatusCode::CREATED, StatusCode::OK] {
            let (status, answer) = app.track(&market.key.secret, "purchase", "sale-1", sale.clone()).await;
            assert_eq!(status, wanted, "{answer:#}");
        }
        let (status, _) = app
            .track(&market.key.secret, "refund", "refund-1", json!({ "orderId": "none" }))
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let (status, _) = app.track("no-key", "refund", "refund-2", json!({})).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        for (series, wanted) in [
            ("tributary_conversions_recorded_total{event=\"SALE\"}", Some(1)),
            (
                "tributary_track_events_total{door=\"purchase\",outcome=\"recorded\"}",
                Some(1),
            ),
            (
                "tributary_track_events_total{door=\"purchase\",outcome=\"replayed\"}",
                Some(1),
            ),
            (
                "tributary_track_events_total{door=\"refund\",outcome=\"refused\"}",
                Some(1),
            ),
            (
                "tributary_track_events_total{door=\"refund\",outcome=\"malformed\"}",
                Some(1),
            ),
            (
                "tributary_http_requests_total{method=\"POST\",route=\"/track/purchase\",status=\"201\"}",
                Some(1),
            ),
            (
                "tributary_http_request_seconds_count{route=\"/track/purchase\"}",
                Some(2),
            ),
            ("tributary_log_unstamped", Some(1)),
            ("tributary_log_lag_seconds", Some(0)),
            ("tributary_database_up", Some(1)),
            ("tributary_build_info{version=\"0.1.0\"}", Some(1)),
        ] {
            assert_eq!(app.metric(series).await, wanted, "{series}");
        }
        app.advance(TimeDelta::seconds(90));
        assert_eq!(app.metric("tributary_log_lag_seconds").await, Some(90));
        outbox::relay::drain(&app.app).await.unwrap();
        assert_eq!(app.metric("tributary_log_position").await, Some(before + 1));
        assert_eq!(app.metric("tributary_log_lag_seconds").await, Some(0));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn jobs_are_counted_by_state_and_outcome(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let handlers = Handlers::default().on("test.note", |_, job| async move {
            match &*job.payload {
                "\"well\"" => Ok(()),
                "\"later\"" => Err(JobError::Retry("not yet".to_owned())),
                _ => Err(JobError::hopeless("never")),
            }
        });
        let tx = app.app.db.begin().await.unwrap();
        for payload in ["well", "later", "never"] {
            let job = Job::new("test.note", json!(payload));
            enqueue_in_tx(&tx, &app.app, job).await.unwrap();
        }
        app.app.commit(tx).await.unwrap();
        app.advance(TimeDelta::seconds(40));
        assert_eq!(app.metric("tributary_jobs{state=\"QUEUED\"}").await, Some(3));
        assert_eq!(app.metric("tributary_jobs_oldest_due_seconds").await, Some(40));

        run_due(&app.app, &handlers).await.unwrap();
        for (series, wanted) in [
            ("tributary_job_runs_total{kind=\"test.note\",outcome=\"done\"}", Some(1)),
            (
                "tributary_job_runs_total{kind=\"test.note\",outcome=\"failed\"}",
                Some(1),
            ),
            ("tributary_job_runs_total{kind=\"test.note\",outcome=\"dead\"}", Some(1)),
            ("tributary_jobs{state=\"QUEUED\"}", Some(1)),
            ("tributary_jobs{state=\"RUNNING\"}", Some(0)),
            ("tributary_jobs{state=\"DEAD\"}", Some(1)),
            ("tributary_jobs_oldest_due_seconds", Some(0)),
        ] {
            assert_eq!(app.metric(series).await, wanted, "{series}");
        }
    })
    .await;
}

#[tokio::test]
async fn periodic_runs_are_watched() {
    with_app(Database::Sqlite, |app| async move {
        let [approve_due, ..] = periodic::ALL;
        periodic::run_when_due(&app.app, &approve_due).await.unwrap();
        app.advance(TimeDelta::seconds(29));
        let age = app.metric("tributary_periodic_last_success_age_seconds{name=\"approve-due\"}");
        assert_eq!(age.await, Some(29));
        let failing = app.metric("tributary_periodic_failing{name=\"approve-due\"}");
        assert_eq!(failing.await, Some(0));
    })
    .await;
}

#[tokio::test]
async fn labels_come_from_the_program_alone() {
    with_app(Database::Sqlite, |app| async move {
        app.graphql(None, "query Mine { viewer { user { id } } }", json!({}))
            .await;
        app.graphql(None, "{ nothing }", json!({})).await;
        app.graphql(None, "{ nothing", json!({})).await;
        app.graphql(None, "{ __typename }", json!({})).await;
        app.rest("BREW", "/no/such/place", None, &[], json!(null)).await;
        app.rest("GET", "/r/whatever", None, &[], json!(null)).await;
        for (series, wanted) in [
            (
                "tributary_graphql_operations_total{kind=\"query\",outcome=\"errors\"}",
                Some(1),
            ),
            (
                "tributary_graphql_operations_total{kind=\"query\",outcome=\"refused\"}",
                Some(1),
            ),
            (
                "tributary_graphql_operations_total{kind=\"none\",outcome=\"refused\"}",
                Some(1),
            ),
            (
                "tributary_graphql_operations_total{kind=\"query\",outcome=\"done\"}",
                Some(1),
            ),
            (
                "tributary_http_requests_total{method=\"other\",route=\"none\",status=\"404\"}",
                Some(1),
            ),
        ] {
            assert_eq!(app.metric(series).await, wanted, "{series}");
        }
        let text = app.metrics().await;
        for sent in ["Mine", "BREW", "no/such", "whatever"] {
            assert!(!text.contains(sent), "{sent} in {text}");
        }
        // Not where the public comes in.
        let (status, _) = app.rest("GET", "/metrics", None, &[], json!(null)).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_away_is_a_number_and_hides_stale_ones() {
    with_app(Database::Sqlite, |app| async move {
        assert_eq!(app.metric("tributary_log_unstamped").await, Some(0));
        let elsewhere = TestApp::over(&app.app.config.database_url).await;
        assert_eq!(elsewhere.metric("tributary_database_up").await, Some(1));
        elsewhere.app.db.close().await.unwrap();
        assert_eq!(elsewhere.metric("tributary_database_up").await, Some(0));
        assert_eq!(elsewhere.metric("tributary_log_unstamped").await, None);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_search_that_lags_says_so(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        outbox::relay::drain(&app.app).await.unwrap();
        let lag = async || app.metric("tributary_search_lag_events").await;
        assert_eq!(lag().await, None, "nothing is indexed yet");
        app.index().await;
        assert_eq!(lag().await, Some(0));
        let pause = json!({ "id": market.program.listing });
        app.done(&market.owner, "pauseListing", pause, "listing { id }").await;
        outbox::relay::drain(&app.app).await.unwrap();
        assert_eq!(lag().await, Some(1));
        app.index().await;
        assert_eq!(lag().await, Some(0));
    })
    .await;
}
