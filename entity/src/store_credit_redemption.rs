//! Store credit that a customer has spent.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, CustomerId, StoreCreditRedemptionId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "store_credit_redemptions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StoreCreditRedemptionId,
    pub brand_id: BrandId,
    pub customer_id: CustomerId,
    /// The brand's own id of the order it was spent on, which need not be recorded here.
    #[sea_orm(column_type = "Text", nullable)]
    pub order_external_id: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    /// Above zero.
    pub amount_minor: i64,
    /// What the customer had left of this currency.
    pub left_minor: i64,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
