//! A message of a thread. Never changed.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, MessageId, MessageThreadId, PartnerId, UserId};
use crate::scope::tenant_scoped;

/// For whom somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageSide {
    Brand,
    Partner,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    /// Grows within its thread.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageId,
    pub thread_id: MessageThreadId,
    pub brand_id: BrandId,
    pub partner_id: PartnerId,
    pub side: MessageSide,
    /// Who wrote it.
    pub user_id: UserId,
    /// Plain text.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
