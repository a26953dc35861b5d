//! Work to be done later, written in the transaction that asks for it; `jobs/` does it.
//!
//! Invariants: a job exists exactly when its cause committed; it is run at least once, by one worker at a time as long as
//! its lease is renewed, and by another when the lease has run out; a failed run is repeated, ever later, until the job is
//! out of attempts and dead. A dead job stays, with its last error, until a person decides.
//!
//! Deliberately absent: done jobs. What a job did stands where it did it.

pub mod claims;
pub mod rules;

use chrono::{DateTime, Utc};
use entity::{
    ids::JobId,
    job::{ActiveModel, Column, Entity, JobState},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use crate::{app::App, error::Fault};

/// Bytes of a payload at the most: it names rows, it does not carry them.
pub const MAX_PAYLOAD_BYTES: usize = 16_384;
/// Runs before a job is dead: with the pauses between them, three hours of trouble.
pub const MAX_ATTEMPTS: i32 = 12;

/// Work for the handler of its kind (`jobs::handlers`).
#[derive(Clone, Debug)]
pub struct Job {
    pub kind: &'static str,
    pub payload: serde_json::Value,
    /// Not before; at once when absent.
    pub run_at: Option<DateTime<Utc>>,
    /// While a job with this key waits for its first run, the kind is not enqueued under it again.
    pub unique_key: Option<String>,
}

impl Job {
    #[must_use]
    pub fn new(kind: &'static str, payload: serde_json::Value) -> Self {
        Self {
            kind,
            payload,
            run_at: None,
            unique_key: None,
        }
    }
}

/// Writes a job into the open transaction; `App::commit` wakes the workers.
pub async fn enqueue_in_tx(tx: &DatabaseTransaction, app: &App, job: Job) -> Result<(), Fault> {
    let payload = job.payload.to_string();
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(Fault::new(format!(
            "a job `{}` carries {} bytes; {MAX_PAYLOAD_BYTES} are the most",
            job.kind,
            payload.len()
        )));
    }
    let now = app.clock.now();
    let run_at = job.run_at.unwrap_or(now);
    let id: JobId = app.ids.new_id(now);
    Entity::insert(ActiveModel {
        id: Set(id),
        kind: Set(job.kind.to_owned()),
        payload: Set(payload),
        unique_key: Set(job.unique_key),
        state: Set(JobState::Queued),
        run_at: Set(run_at),
        attempts: Set(0),
        max_attempts: Set(MAX_ATTEMPTS),
        leased_by: Set(None),
        lease_until: Set(None),
        last_error: Set(None),
        created_at: Set(now),
        dead_at: Set(None),
    })
    // The row of the waiting twin is locked even when nothing is earlier: it cannot be taken, and so miss what this
    // transaction writes, before this transaction has ended.
    .on_conflict(
        OnConflict::columns([Column::Kind, Column::UniqueKey])
            .update_column(Column::RunAt)
            .action_and_where(Expr::col((Entity, Column::RunAt)).gt(run_at))
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    Ok(())
}

/// How many jobs there are in each state that has any, and since when the one that waits longest is due.
pub async fn list_counts(app: &App) -> Result<Vec<(JobState, i64, DateTime<Utc>)>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::State)
        .column_as(Column::Id.count(), "count")
        .column_as(Column::RunAt.min(), "due_since")
        .group_by(Column::State)
        .into_tuple()
        .all(app.db.read())
        .await
}
