//! One row per (tenant, operation, key), written in the transaction of the effect.

use sea_orm::entity::prelude::*;

use crate::ids::IdempotencyKeyId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IdempotencyKeyId,
    pub tenant_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub operation: String,
    #[sea_orm(column_type = "Text")]
    pub key: String,
    /// SHA-256 of the canonical input, hex.
    #[sea_orm(column_type = "Text")]
    pub request_hash: String,
    /// The row the operation made; set before commit.
    pub outcome_id: Option<Uuid>,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
