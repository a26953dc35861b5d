//! Jobs as the schema shows them.

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::job;

use crate::{
    connection,
    jobs::error::{DeadJobError, DeadJobErrorCode},
    payload,
};

/// Where a job stands. One that is done is gone.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "job::JobState")]
pub enum JobState {
    /// It waits for its time, or for its next attempt.
    Queued,
    /// A worker does it.
    Running,
    /// It failed for good; a person decides.
    Dead,
}

/// Work that is done later. What it carries is not shown: it may be a secret of somebody else's.
#[derive(Clone, Debug, SimpleObject)]
pub struct Job {
    /// Global id.
    pub id: ID,
    /// What is to be done, in a word such as `mail.send`.
    pub kind: String,
    /// Where it stands.
    pub state: JobState,
    /// Runs begun since it was last queued by a person or by its cause.
    pub attempt_count: i32,
    /// Runs after which it is dead.
    pub attempt_limit: i32,
    /// Why the last run failed, in at most 2,000 characters.
    pub last_error: Option<String>,
    /// When it was queued first.
    pub created_at: DateTime<Utc>,
    /// Since when it has been dead.
    pub dead_at: Option<DateTime<Utc>>,
}

impl From<job::Model> for Job {
    fn from(row: job::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            kind: row.kind,
            state: row.state.into(),
            attempt_count: row.attempts,
            attempt_limit: row.max_attempts,
            last_error: row.last_error,
            created_at: row.created_at,
            dead_at: row.dead_at,
        }
    }
}

connection! {
    /// Jobs.
    JobConnection, JobEdge of Job
}

/// A dead job to queue again.
#[derive(InputObject)]
pub struct RetryDeadJobInput {
    /// The job.
    pub id: ID,
}

/// A dead job to delete.
#[derive(InputObject)]
pub struct DiscardDeadJobInput {
    /// The job.
    pub id: ID,
}

payload! {
    /// What `retryDeadJob` answers.
    RetryDeadJobPayload {
        /// The job, queued.
        job: Job
    } refused by DeadJobError, DeadJobErrorCode
}

payload! {
    /// What `discardDeadJob` answers.
    DiscardDeadJobPayload {
        /// The job as it was.
        job: Job
    } refused by DeadJobError, DeadJobErrorCode
}
