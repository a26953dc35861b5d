//! Money leaving to a partner.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, PartnerId, PartnershipId, PayoutId, PayoutMethodId, ProgramId};
use crate::payout_method::PayoutMethodKind;
use crate::scope::tenant_scoped;

/// DRAFT → APPROVED → SUBMITTED → PAID | FAILED | RETURNED | CANCELLED, and UNKNOWN until the rail answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayoutState {
    Draft,
    Approved,
    Submitted,
    Unknown,
    Paid,
    Failed,
    Returned,
    Cancelled,
}

/// How the money leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayoutRail {
    Manual,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payouts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutId,
    pub brand_id: BrandId,
    pub program_id: ProgramId,
    pub partnership_id: PartnershipId,
    pub partner_id: PartnerId,
    pub state: PayoutState,
    pub rail: PayoutRail,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    pub amount_minor: i64,
    /// The bank's or provider's reference.
    #[sea_orm(column_type = "Text", nullable)]
    pub reference: Option<String>,
    pub created_at: DateTimeUtc,
    pub approved_at: Option<DateTimeUtc>,
    pub paid_at: Option<DateTimeUtc>,
    pub cancelled_at: Option<DateTimeUtc>,
    /// Where it goes, as that was when it was drafted; absent when the partner had named nothing.
    pub payout_method_id: Option<PayoutMethodId>,
    pub payout_method_kind: Option<PayoutMethodKind>,
    #[sea_orm(column_type = "Text", nullable)]
    pub payout_method_masked: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
