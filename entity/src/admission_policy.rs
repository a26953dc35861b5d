//! How partners come into a program: who may apply, who decides, and when somebody may ask again. A program without a row
//! takes everybody's applications, and people decide about them.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, ProgramId};
use crate::scope::tenant_scoped;

/// Who decides about an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DecisionPolicy {
    /// People.
    Manual,
    /// Approved as it is sent.
    ApproveAtOnce,
    /// Approved some days after it was sent, unless it was decided before.
    ApproveAfterDays,
}

/// When a partner may ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AskAgain {
    AtOnce,
    AfterDays,
    Never,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "admission_policies")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    /// ISO 3166-1 alpha-2, comma-separated, sorted; none: all of them.
    #[sea_orm(column_type = "Text")]
    pub allowed_countries: String,
    #[sea_orm(column_type = "Text")]
    pub excluded_countries: String,
    /// Folded, comma-separated, sorted; none: all of them.
    #[sea_orm(column_type = "Text")]
    pub allowed_email_domains: String,
    #[sea_orm(column_type = "Text")]
    pub blocked_email_domains: String,
    /// Followers that the applicant's greatest channel has at least.
    pub minimum_followers: Option<i32>,
    /// Only verified channels count, and there must be one.
    pub requires_verified_channel: bool,
    pub decision: DecisionPolicy,
    /// Of `APPROVE_AFTER_DAYS`.
    pub approve_after_days: Option<i32>,
    /// Whether open applications of those who may not apply any more are rejected by themselves.
    pub reject_ineligible: bool,
    pub after_rejection: AskAgain,
    /// Of `AFTER_DAYS`.
    pub after_rejection_days: Option<i32>,
    pub after_withdrawal: AskAgain,
    /// Of `AFTER_DAYS`.
    pub after_withdrawal_days: Option<i32>,
    pub updated_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
