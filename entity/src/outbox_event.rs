//! A fact for the outside, written in the transaction that made it true.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, EventId, PartnerId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox_events")]
pub struct Model {
    /// Order of insertion; commits may overtake each other, so nobody reads by it but the relay.
    #[sea_orm(primary_key)]
    pub seq: i64,
    pub id: EventId,
    /// Dense order of committed events, stamped by the relay; cursors are positions.
    pub position: Option<i64>,
    /// Absent for what is no brand's, such as a creator's profile.
    pub brand_id: Option<BrandId>,
    pub partner_id: Option<PartnerId>,
    #[sea_orm(column_type = "Text")]
    pub topic: String,
    /// The row the event is about.
    pub subject_id: Uuid,
    /// JSON: what the event says beyond its subject.
    #[sea_orm(column_type = "Text")]
    pub payload: String,
    pub occurred_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
