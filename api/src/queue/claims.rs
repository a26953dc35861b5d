//! Taking jobs and giving them back: each a guarded update, so that of two workers one gets the job.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    ids::JobId,
    job::{ActiveModel, Column, Entity, JobState, Model},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType},
};
use uuid::Uuid;

use crate::{app::App, queue::rules};

/// How long a run holds its job without renewing: what a killed worker's job waits for the next one.
pub const LEASE: TimeDelta = TimeDelta::seconds(30);
/// Characters of an error that are kept.
pub const MAX_ERROR_CHARS: usize = 2_000;

/// What the last error of a job says whose worker was killed once too often.
const NEVER_CAME_BACK: &str = "the worker did not come back from its last run";

/// What became of a failed run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// It is tried again, not before.
    Again(DateTime<Utc>),
    /// It is out of attempts, or there is no use in more.
    Dead,
    /// The lease had run out; somebody else decides.
    Lost,
}

/// Whether another run may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hope {
    Retry,
    None,
}

fn is_due(kinds: &[&str], now: DateTime<Utc>) -> Condition {
    let waits = Condition::all()
        .add(Column::State.eq(JobState::Queued))
        .add(Column::RunAt.lte(now));
    Condition::all()
        .add(Column::Kind.is_in(kinds.iter().copied()))
        .add(Condition::any().add(waits).add(is_abandoned(now)))
}

fn is_abandoned(now: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(Column::State.eq(JobState::Running))
        .add(Column::LeaseUntil.lte(now))
}

/// Takes up to `limit` due jobs of the kinds, the longest due first. Jobs of other kinds wait for a worker that knows
/// them.
pub async fn claim(app: &App, kinds: &[&str], limit: u64) -> Result<Vec<Model>, DbErr> {
    let now = app.clock.now();
    // A cheap look first: an idle worker must not take the writer of a SQLite file.
    let due: Option<JobId> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(is_due(kinds, now))
        .limit(1)
        .into_tuple()
        .one(app.db.read())
        .await?;
    if due.is_none() {
        return Ok(Vec::new());
    }
    let tx = app.db.begin().await?;
    // A job that kills its workers must end too.
    Entity::update_many()
        .set(dead(now, NEVER_CAME_BACK))
        .filter(is_abandoned(now))
        .filter(Expr::col(Column::Attempts).gte(Expr::col(Column::MaxAttempts)))
        .exec(&tx)
        .await?;
    // On PostgreSQL workers pass over each other's rows instead of queueing behind them; nothing depends on it.
    let ids: Vec<JobId> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(is_due(kinds, now))
        .order_by_asc(Column::RunAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_tuple()
        .all(&tx)
        .await?;
    let run = app.ids.uuid(now);
    Entity::update_many()
        .set(ActiveModel {
            state: Set(JobState::Running),
            unique_key: Set(None),
            leased_by: Set(Some(run)),
            lease_until: Set(Some(now + LEASE)),
            ..Default::default()
        })
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .filter(Column::Id.is_in(ids))
        .filter(is_due(kinds, now))
        .exec(&tx)
        .await?;
    let claimed = Entity::find()
        .filter(Column::LeasedBy.eq(run))
        .order_by_asc(Column::RunAt)
        .order_by_asc(Column::Id)
        .all(&tx)
        .await?;
    tx.commit().await?;
    Ok(claimed)
}

/// The job, as long as this run holds it.
fn held_by(id: JobId, run: Uuid) -> Condition {
    Condition::all()
        .add(Column::Id.eq(id))
        .add(Column::State.eq(JobState::Running))
        .add(Column::LeasedBy.eq(run))
}

/// Holds the job for longer; false when the run has lost it.
pub async fn renew(app: &App, id: JobId, run: Uuid) -> Result<bool, DbErr> {
    let tx = app.db.begin().await?;
    let renewed = Entity::update_many()
        .set(ActiveModel {
            lease_until: Set(Some(app.clock.now() + LEASE)),
            ..Default::default()
        })
        .filter(held_by(id, run))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(renewed.rows_affected > 0)
}

/// Deletes a job that is done; false when the run has lost it, and it will be done again.
pub async fn finish(app: &App, id: JobId, run: Uuid) -> Result<bool, DbErr> {
    let tx = app.db.begin().await?;
    let deleted = Entity::delete_many().filter(held_by(id, run)).exec(&tx).await?;
    tx.commit().await?;
    Ok(deleted.rows_affected > 0)
}

/// Puts a job back whose run failed: queued again, or dead.
pub async fn fail(app: &App, job: &Model, run: Uuid, error: &str, hope: Hope) -> Result<Failed, DbErr> {
    let now = app.clock.now();
    let error: String = error.chars().take(MAX_ERROR_CHARS).collect();
    let run_at = now + rules::pause(job.attempts, u64::from_be_bytes(app.ids.secret()));
    let is_over = hope == Hope::None || job.attempts >= job.max_attempts;
    let change = if is_over {
        dead(now, &error)
    } else {
        ActiveModel {
            run_at: Set(run_at),
            last_error: Set(Some(error)),
            ..queued()
        }
    };
    let tx = app.db.begin().await?;
    let changed = Entity::update_many()
        .set(change)
        .filter(held_by(job.id, run))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(match changed.rows_affected {
        0 => Failed::Lost,
        _ if is_over => Failed::Dead,
        _ => Failed::Again(run_at),
    })
}

/// Puts a job back whose run was broken off because the process stops: that was no fault of the job's.
pub async fn hand_back(app: &App, id: JobId, run: Uuid) -> Result<(), DbErr> {
    let tx = app.db.begin().await?;
    Entity::update_many()
        .set(queued())
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).sub(1))
        .filter(held_by(id, run))
        .exec(&tx)
        .await?;
    tx.commit().await
}

fn queued() -> ActiveModel {
    ActiveModel {
        state: Set(JobState::Queued),
        leased_by: Set(None),
        lease_until: Set(None),
        ..Default::default()
    }
}

fn dead(now: DateTime<Utc>, error: &str) -> ActiveModel {
    ActiveModel {
        state: Set(JobState::Dead),
        leased_by: Set(None),
        lease_until: Set(None),
        last_error: Set(Some(error.to_owned())),
        dead_at: Set(Some(now)),
        ..Default::default()
    }
}
