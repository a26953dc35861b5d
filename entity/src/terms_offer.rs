//! Terms that one side of an application or an invitation proposes: a percentage of sales, which becomes a personal rule when
//! the other side takes it.

use sea_orm::entity::prelude::*;

use crate::ids::{ApplicationId, BrandId, PartnerId, ProgramId, ProgramInvitationId, TermsOfferId, UserId};
use crate::scope::tenant_scoped;

/// Who proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OfferSide {
    Brand,
    Partner,
}

/// OPEN → COUNTERED | ACCEPTED | DECLINED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OfferState {
    Open,
    Countered,
    Accepted,
    Declined,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "terms_offers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TermsOfferId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    /// Absent of an invitation that was mailed to an address.
    pub partner_id: Option<PartnerId>,
    /// What it is about: an application, or else an invitation.
    pub application_id: Option<ApplicationId>,
    pub invitation_id: Option<ProgramInvitationId>,
    /// Counts from 1.
    pub number: i32,
    pub made_by: OfferSide,
    /// Who made it in that side's name.
    pub user_id: Option<UserId>,
    pub rate_ppm: i64,
    #[sea_orm(column_type = "Text")]
    pub message: String,
    pub state: OfferState,
    pub created_at: DateTimeUtc,
    pub answered_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
