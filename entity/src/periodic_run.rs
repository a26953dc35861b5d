//! Something done again and again, by one process of the installation at a time.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "periodic_runs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub name: String,
    /// Not before.
    pub next_at: DateTimeUtc,
    /// The run that does it now.
    pub held_by: Option<Uuid>,
    /// When others may begin, whatever became of that run.
    pub held_until: Option<DateTimeUtc>,
    pub last_success_at: Option<DateTimeUtc>,
    /// Why the last run failed; absent when it went well.
    #[sea_orm(column_type = "Text", nullable)]
    pub last_error: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
