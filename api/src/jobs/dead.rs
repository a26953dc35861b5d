//! Dead jobs, and what a person decides about them. Only platform administrators do, and the command line.

use entity::{
    ids::JobId,
    job::{ActiveModel, Column, Entity, JobState, Model},
};
use sea_orm::{ActiveEnum, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    jobs::error::DeadJobErrorCode as Code,
    page::{self, Page, Slice},
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// What the audit log calls the state of a job that is gone.
const DISCARDED: &str = "DISCARDED";

/// Dead jobs, the youngest first.
pub async fn list_dead_jobs(app: &App, actor: &Actor, page: &Page) -> std::result::Result<Slice<Model>, ApiError> {
    actor.authorise(Operation::SeeDeadJobs, Place::default())?;
    let select = Entity::find().filter(Column::State.eq(JobState::Dead));
    page::fetch(app.db.read(), select, Column::Id, |row: &Model| row.id.0, page)
        .await
        .map_err(ApiError::internal)
}

/// Queues a dead job again, with all its attempts before it.
pub async fn retry_dead_job(app: &App, actor: &Actor, id: JobId) -> Result<Model> {
    actor.authorise(Operation::RetryDeadJob, Place::default())?;
    let tx = app.db.begin().await?;
    let queued = Entity::update_many()
        .set(ActiveModel {
            state: Set(JobState::Queued),
            run_at: Set(app.clock.now()),
            attempts: Set(0),
            dead_at: Set(None),
            ..Default::default()
        })
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq(JobState::Dead))
        .exec(&tx)
        .await?;
    let job = get_job_in_tx(&tx, id).await?;
    if queued.rows_affected == 0 {
        return Err(not_dead(&job, &JobState::Queued.to_value()));
    }
    let change = Change {
        brand: None,
        action: "job.retried",
        subject: id.to_string(),
        from: Some(JobState::Dead.to_value()),
        to: Some(JobState::Queued.to_value()),
        reason: job.last_error.as_deref(),
    };
    audit::record_in_tx(&tx, app, actor, change).await?;
    app.commit(tx).await?;
    Ok(job)
}

/// Deletes a dead job; returns it as it was.
pub async fn discard_dead_job(app: &App, actor: &Actor, id: JobId) -> Result<Model> {
    actor.authorise(Operation::DiscardDeadJob, Place::default())?;
    let tx = app.db.begin().await?;
    let job = get_job_in_tx(&tx, id).await?;
    let deleted = Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq(JobState::Dead))
        .exec(&tx)
        .await?;
    if deleted.rows_affected == 0 {
        return Err(not_dead(&job, DISCARDED));
    }
    let change = Change {
        brand: None,
        action: "job.discarded",
        subject: id.to_string(),
        from: Some(JobState::Dead.to_value()),
        to: Some(DISCARDED.to_owned()),
        reason: job.last_error.as_deref(),
    };
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(job)
}

async fn get_job_in_tx(tx: &DatabaseTransaction, id: JobId) -> Result<Model> {
    let job = Entity::find_by_id(id).one(tx).await?;
    Ok(job.ok_or_else(|| ApiError::not_found("job"))?)
}

fn not_dead(job: &Model, wanted: &str) -> Failure<Code> {
    let state = job.state.to_value();
    Failure::refused_field(
        Code::InvalidTransition,
        "id",
        format!("the job is {state}; only a DEAD one becomes {wanted}"),
    )
}
