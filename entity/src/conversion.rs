//! One event worth something, credited or not.

use sea_orm::entity::prelude::*;

use crate::api_key::ApiKeyMode;
use crate::commission_rule::ConversionEvent;
use crate::conversion_touch::TouchKind;
use crate::ids::{BrandId, ConversionId, CustomerId, OrderId, PartnerId, PartnershipId, ProgramId};
use crate::scope::tenant_scoped;

/// PENDING → APPROVED | REJECTED; REFUNDED when the whole amount came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConversionState {
    Pending,
    Approved,
    Rejected,
    Refunded,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ConversionId,
    pub brand_id: BrandId,
    pub mode: ApiKeyMode,
    pub program_id: Option<ProgramId>,
    /// Who is credited.
    pub partnership_id: Option<PartnershipId>,
    pub partner_id: Option<PartnerId>,
    pub customer_id: Option<CustomerId>,
    pub order_id: Option<OrderId>,
    pub event: ConversionEvent,
    pub state: ConversionState,
    #[sea_orm(column_type = "Text", nullable)]
    pub currency: Option<String>,
    pub amount_minor: i64,
    /// What of the amount is gone: refunds, chargebacks, amendments downward, what was never captured.
    pub refunded_minor: i64,
    pub attribution_method: Option<TouchKind>,
    #[sea_orm(column_type = "Text")]
    pub attribution_explanation: String,
    /// Why commissions were or were not computed.
    #[sea_orm(column_type = "Text")]
    pub earning_explanation: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub rejection_reason: Option<String>,
    pub occurred_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
    pub hold_until: Option<DateTimeUtc>,
    /// Kept when all of it comes back: what then is won back belongs where it was.
    pub approved_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner, mode);
