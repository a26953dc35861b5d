//! Money leaving to a partner.

use sea_orm::entity::prelude::*;

use crate::ids::{
    BrandId, PartnerId, PartnershipId, PayoutBatchId, PayoutFileId, PayoutId, PayoutMethodId, PayoutRequestId,
    ProgramId, UserId,
};
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
    /// A person pays.
    Manual,
    /// A person hands a file to the bank.
    BankFile,
    Razorpayx,
    Paypal,
    Stripe,
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
    pub batch_id: Option<PayoutBatchId>,
    /// What was sent to the provider for it.
    pub request_id: Option<PayoutRequestId>,
    /// The file that it stands in.
    pub file_id: Option<PayoutFileId>,
    /// Who drafted it; absent where the installation did.
    pub created_by: Option<UserId>,
    /// Whoever drafted it may not release it.
    pub needs_second_person: bool,
    /// What the provider calls it.
    #[sea_orm(column_type = "Text", nullable)]
    pub provider_id: Option<String>,
    /// In the provider's own words.
    #[sea_orm(column_type = "Text", nullable)]
    pub provider_state: Option<String>,
    /// What the provider took beside the amount.
    pub fee_minor: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub fee_currency: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub failure_code: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub failure_reason: Option<String>,
    /// What a person must look into.
    #[sea_orm(column_type = "Text", nullable)]
    pub attention: Option<String>,
    pub submitted_at: Option<DateTimeUtc>,
    pub failed_at: Option<DateTimeUtc>,
    pub returned_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
