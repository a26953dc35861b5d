//! What a brand and a partner write to each other about a program.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, MessageId, MessageThreadId, PartnerId, ProgramId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "message_threads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageThreadId,
    /// With the partner unique.
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    pub partner_id: PartnerId,
    /// Grows with every message: threads are listed by it.
    pub last_message_id: MessageId,
    pub last_message_at: DateTimeUtc,
    pub message_count: i32,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
