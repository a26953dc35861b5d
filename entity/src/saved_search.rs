//! A search of listings that a partner keeps.

use sea_orm::entity::prelude::*;

use crate::ids::{PartnerId, SavedSearchId};

/// How often its owner is told by mail of what is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Notify {
    Never,
    AtOnce,
    Daily,
    Weekly,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "saved_searches")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SavedSearchId,
    pub partner_id: PartnerId,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The conditions as they were given, JSON.
    #[sea_orm(column_type = "Text")]
    pub query: String,
    pub notify: Notify,
    /// When it is looked at again.
    pub due_at: DateTimeUtc,
    /// When it was looked at last; absent until what there was already is known.
    pub checked_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
