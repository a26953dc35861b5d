//! What a refund took of one line of its order, when it named lines.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, OrderLineId, RefundId, RefundLineId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refund_lines")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefundLineId,
    pub brand_id: BrandId,
    pub refund_id: RefundId,
    pub order_line_id: OrderLineId,
    pub amount_minor: i64,
    /// Items that came back; 0 when only money went back.
    pub quantity: i32,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
