//! Something else than a commission that changed what a partner has available.

use sea_orm::entity::prelude::*;

use crate::ids::{AdjustmentId, BrandId, OrderId, PartnerId, PartnershipId, ProgramId};
use crate::scope::tenant_scoped;

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AdjustmentKind {
    /// Given or taken by the brand.
    Correction,
    /// What an order cost that was sent in vain.
    ShippingPenalty,
    /// A debt that the brand gives up.
    WriteOff,
    /// Given to a customer as store credit.
    StoreCredit,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "adjustments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AdjustmentId,
    pub brand_id: BrandId,
    pub program_id: ProgramId,
    pub partnership_id: PartnershipId,
    pub partner_id: PartnerId,
    /// Of a penalty.
    pub order_id: Option<OrderId>,
    pub kind: AdjustmentKind,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    /// What was added to the available balance; below zero where it was taken.
    pub amount_minor: i64,
    /// For the partner, too.
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
