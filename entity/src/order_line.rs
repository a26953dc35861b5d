//! A line of a brand's order: some of one product.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, OrderId, OrderLineId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_lines")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderLineId,
    pub brand_id: BrandId,
    pub order_id: OrderId,
    /// 1 for the order's first line.
    pub position: i32,
    /// The brand's id of the line; unique in the order.
    #[sea_orm(column_type = "Text")]
    pub external_id: String,
    /// The brand's id of the product.
    #[sea_orm(column_type = "Text", nullable)]
    pub product_id: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub name: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub category: Option<String>,
    pub quantity: i32,
    /// What it came to net of its discount, or was last raised to: the base of its commissions. Those of an order's lines
    /// add up to the order's.
    pub amount_minor: i64,
    /// Already taken off the amount.
    pub discount_minor: i64,
    /// What was refunded of this very line.
    pub refunded_minor: i64,
    /// Its items that were refunded by their number.
    pub refunded_quantity: i32,
    /// Its share of what is gone of the order as a whole. With what was refunded of the lines themselves, those of an
    /// order's lines add up to all that is gone of the order.
    pub shared_minor: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
