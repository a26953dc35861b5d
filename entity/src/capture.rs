//! Money of an authorised order that was really taken.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, CaptureId, OrderId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "captures")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CaptureId,
    pub brand_id: BrandId,
    pub order_id: OrderId,
    pub amount_minor: i64,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    /// Nothing more is captured: what is left of the order is released.
    pub is_final: bool,
    pub occurred_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
