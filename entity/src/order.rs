//! A brand's order, kept also when nobody is credited.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, CustomerId, OrderId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderId,
    pub brand_id: BrandId,
    pub customer_id: Option<CustomerId>,
    /// The brand's order id; unique in the brand.
    #[sea_orm(column_type = "Text")]
    pub external_id: String,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    pub amount_minor: i64,
    pub refunded_minor: i64,
    pub occurred_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
