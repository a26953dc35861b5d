//! A brand's order, kept also when nobody is credited.

use sea_orm::entity::prelude::*;

use crate::api_key::ApiKeyMode;
use crate::ids::{BrandId, CustomerId, OrderId};
use crate::scope::tenant_scoped;

/// Whether an order's money has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CaptureState {
    /// Only authorised: captures are still to come.
    Authorized,
    Captured,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderId,
    pub brand_id: BrandId,
    pub mode: ApiKeyMode,
    pub customer_id: Option<CustomerId>,
    /// The brand's order id; unique in the brand and mode.
    #[sea_orm(column_type = "Text")]
    pub external_id: String,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    /// What it came to, or was last raised to: the base of its commissions.
    pub amount_minor: i64,
    pub refunded_minor: i64,
    /// In chargebacks that are open or lost.
    pub charged_back_minor: i64,
    /// What amendments took off, and what was never captured.
    pub released_minor: i64,
    pub capture_state: CaptureState,
    /// Sum of its captures; of an order that was captured with its sale, 0.
    pub captured_minor: i64,
    pub occurred_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, mode);
