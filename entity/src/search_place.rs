//! How far the index of a search engine follows the log, and how often building it anew was asked for.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "search_places")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub engine: String,
    /// How often it was asked for.
    pub wanted: i64,
    /// How often it had been asked for when what answers now was begun. Stays 0 where each process has an index of its own.
    pub built: i64,
    /// What it was built by; absent before it was.
    #[sea_orm(column_type = "Text", nullable)]
    pub fingerprint: Option<String>,
    /// The position of the log up to which everything can be found.
    pub position: i64,
    /// Rules that begin or end up to then are in the index as they are.
    pub rules_until: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
