//! One version of what a program, or a group of it, asks those who apply. Never changed; a change is a new version.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, PartnerGroupId, ProgramId, QuestionnaireId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "questionnaires")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: QuestionnaireId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    /// Whose it is; absent: the program's own.
    pub group_id: Option<PartnerGroupId>,
    /// Counts over all of the program's, so that it names one of them.
    pub version: i32,
    /// JSON; absent: nothing of its own, so that a group asks what the program asks.
    #[sea_orm(column_type = "Text", nullable)]
    pub questions: Option<String>,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
