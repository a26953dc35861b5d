//! A partner asks into a program.

use sea_orm::entity::prelude::*;

use crate::ids::{
    ApplicationId, BrandId, PartnerId, PartnershipId, ProgramId, ProgramTermsId, QuestionnaireId, UserId,
};
use crate::scope::tenant_scoped;

/// SUBMITTED → IN_REVIEW → APPROVED | REJECTED | WITHDRAWN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplicationState {
    Submitted,
    InReview,
    Approved,
    Rejected,
    Withdrawn,
}

/// Why an application was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RejectionReason {
    NeedsMoreDetail,
    DoesNotMeetRequirements,
    NotTheRightFit,
    Other,
}

/// When a rejected partner may ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReapplyPolicy {
    AtOnce,
    #[sea_orm(string_value = "AFTER_30_DAYS")]
    After30Days,
    Never,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "applications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApplicationId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    pub partner_id: PartnerId,
    pub state: ApplicationState,
    #[sea_orm(column_type = "Text")]
    pub message: String,
    /// The version of the terms the partner accepted.
    pub terms_id: ProgramTermsId,
    /// Who recruited the applicant.
    pub referrer_id: Option<PartnershipId>,
    pub created_at: DateTimeUtc,
    pub decided_at: Option<DateTimeUtc>,
    pub rejection_reason: Option<RejectionReason>,
    #[sea_orm(column_type = "Text", nullable)]
    pub rejection_note: Option<String>,
    /// As the rejection says; absent: as the program says.
    pub reapply_policy: Option<ReapplyPolicy>,
    /// The version that was answered; absent when nothing was asked.
    pub questionnaire_id: Option<QuestionnaireId>,
    /// JSON: what was answered, in the order of the questions.
    #[sea_orm(column_type = "Text", nullable)]
    pub answers: Option<String>,
    /// Who sent it in the partner's name; absent where nobody wrote it down.
    pub applicant_id: Option<UserId>,
    /// Since when a person must look at it: nothing decides about it by itself.
    pub flagged_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub flag_reason: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
