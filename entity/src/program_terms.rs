//! One version of what a partner accepts. Never changed; a new text is a new version.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, ProgramId, ProgramTermsId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "program_terms")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProgramTermsId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    pub version: i32,
    #[sea_orm(column_type = "Text")]
    pub body: String,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
