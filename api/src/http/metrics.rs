//! `/metrics`, on an address of its own: behind a proxy on the same machine every client looks local, so the public one
//! never tells them.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use entity::{job::JobState, periodic_run};
use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use sea_orm::{ActiveEnum, DbErr, EntityTrait, Iterable};
use tokio::time::timeout;

use super::pages::READY_PATIENCE;
use crate::{app::App, marketplace::indexing, outbox, queue};

/// Everything that is served on `--metrics-listen`.
pub fn router(app: App) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(app)
}

async fn metrics(State(app): State<App>) -> Response {
    look(&app).await;
    match app.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Reads what is not counted as it happens. A database that is away is itself a number.
async fn look(app: &App) {
    let looks = &app.metrics.looks;
    for (pool, connections) in app.db.connections() {
        let gauge = |state: &str| {
            let labels = [("pool", pool.to_owned()), ("state", state.to_owned())];
            looks.database_connections.get_or_create_owned(&labels)
        };
        gauge("in_use").set(i64::from(connections.open.saturating_sub(connections.idle)));
        gauge("idle").set(i64::from(connections.idle));
    }
    looks.clicks_waiting.set(count(app.clicks.waiting()));
    match timeout(READY_PATIENCE, look_into_database(app)).await {
        Ok(Ok(())) => {
            looks.database_up.set(1);
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            looks.forget();
        }
        Err(_) => {
            tracing::warn!("the database does not answer in time");
            looks.forget();
        }
    }
}

async fn look_into_database(app: &App) -> Result<(), DbErr> {
    let now = app.clock.now();
    let looks = &app.metrics.looks;
    let position = outbox::last_position(app).await?;
    let waiting = outbox::waiting(app).await?;
    let lag = waiting.oldest_at.map_or(0, |at| (now - at).num_seconds().max(0));
    let jobs = queue::list_counts(app).await?;
    let periodic = periodic_run::Entity::find().all(app.db.read()).await?;
    looks.log_position.get_or_create(&[]).set(position);
    looks.log_unstamped.get_or_create(&[]).set(waiting.count);
    looks.log_lag_seconds.get_or_create(&[]).set(lag);
    if let Some(known) = indexing::position(app).await? {
        let lag = (position - known).max(0);
        looks.search_lag_events.get_or_create(&[]).set(lag);
    }
    let mut oldest_due = 0;
    for state in JobState::iter() {
        let found = jobs.iter().find(|(of, ..)| *of == state);
        let count = found.map_or(0, |(_, count, _)| *count);
        looks.jobs.get_or_create(&[("state", state.to_value())]).set(count);
        if let (JobState::Queued, Some((.., due_since))) = (state, found) {
            oldest_due = (now - *due_since).num_seconds().max(0);
        }
    }
    for run in periodic {
        let labels = [("name", run.name)];
        let failing = i64::from(run.last_error.is_some());
        looks.periodic_failing.get_or_create(&labels).set(failing);
        if let Some(at) = run.last_success_at {
            let age = (now - at).num_seconds().max(0);
            looks.periodic_success_age_seconds.get_or_create(&labels).set(age);
        }
    }
    looks.oldest_due_job_seconds.get_or_create(&[]).set(oldest_due);
    Ok(())
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
