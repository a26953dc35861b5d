//! Work to be done later, written in the transaction that asks for it. A job that is done is deleted.

use sea_orm::entity::prelude::*;

use crate::ids::JobId;

/// QUEUED ⇄ RUNNING → deleted when done, or DEAD; a dead job may be queued again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    Queued,
    Running,
    Dead,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JobId,
    /// Which handler does it.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// JSON: what the handler needs to know.
    #[sea_orm(column_type = "Text")]
    pub payload: String,
    /// Unique a kind while the job waits for its first run; cleared when it is taken.
    #[sea_orm(column_type = "Text", nullable)]
    pub unique_key: Option<String>,
    pub state: JobState,
    /// Not before.
    pub run_at: DateTimeUtc,
    /// Runs begun, the current one included.
    pub attempts: i32,
    pub max_attempts: i32,
    /// The run that holds it; new for every run.
    pub leased_by: Option<Uuid>,
    /// When others may take it, unless the run renews.
    pub lease_until: Option<DateTimeUtc>,
    /// Why the last run failed.
    #[sea_orm(column_type = "Text", nullable)]
    pub last_error: Option<String>,
    pub created_at: DateTimeUtc,
    pub dead_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
