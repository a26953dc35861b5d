//! A payment that a customer's bank takes back, until the dispute is decided.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, ChargebackId, OrderId};
use crate::scope::tenant_scoped;

/// OPEN → WON | LOST, as the brand sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChargebackState {
    Open,
    Won,
    Lost,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chargebacks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChargebackId,
    pub brand_id: BrandId,
    pub order_id: OrderId,
    /// The payment provider's id of the dispute; unique in the order.
    #[sea_orm(column_type = "Text")]
    pub reference: String,
    pub state: ChargebackState,
    pub amount_minor: i64,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub occurred_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
    pub resolved_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
