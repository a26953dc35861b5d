//! A change of an order's total after its sale.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, OrderAmendmentId, OrderId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_amendments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderAmendmentId,
    pub brand_id: BrandId,
    pub order_id: OrderId,
    /// 1 for the order's first amendment.
    pub number: i32,
    pub from_minor: i64,
    pub to_minor: i64,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub occurred_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
