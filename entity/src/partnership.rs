//! One partner in one program, and the edge of the referral tree.

use sea_orm::entity::prelude::*;

use crate::ids::{ApplicationId, BrandId, PartnerGroupId, PartnerId, PartnershipId, ProgramId};
use crate::scope::tenant_scoped;

pub use crate::application::ReapplyPolicy;

/// ACTIVE ⇄ SUSPENDED → ENDED; any of them → BANNED. An ended one comes back by a new application only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PartnershipState {
    Active,
    Suspended,
    Ended,
    Banned,
}

/// Who ended a partnership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndedBy {
    Brand,
    Partner,
}

/// What a partner was banned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BanReason {
    TosViolation,
    InappropriateContent,
    FakeTraffic,
    Fraud,
    Spam,
    BrandAbuse,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partnerships")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PartnershipId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    pub partner_id: PartnerId,
    pub state: PartnershipState,
    /// Names this partnership as a recruiter; unique.
    #[sea_orm(column_type = "Text")]
    pub referral_code: String,
    pub referrer_id: Option<PartnershipId>,
    pub application_id: Option<ApplicationId>,
    /// Whose terms it has, beside its own.
    pub group_id: Option<PartnerGroupId>,
    pub created_at: DateTimeUtc,
    /// Since when it is in its state; absent: since it was made.
    pub state_since: Option<DateTimeUtc>,
    /// Of an ended one.
    pub ended_by: Option<EndedBy>,
    /// Of a banned one.
    pub ban_reason: Option<BanReason>,
    /// When the partner of an ended one may ask again.
    pub reapply_policy: Option<ReapplyPolicy>,
    /// Since when nothing is paid to it.
    pub payouts_held_at: Option<DateTimeUtc>,
    /// Why.
    #[sea_orm(column_type = "Text", nullable)]
    pub payouts_held_for: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
