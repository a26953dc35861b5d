//! What level n of the referral tree earns.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, ProgramId, ReferralLevelId};
use crate::scope::tenant_scoped;

/// What a level is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReferralLevelKind {
    PercentOfSale,
    PercentOfCommission,
    Fixed,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "referral_levels")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReferralLevelId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    /// 1 is the partnership that recruited the credited one.
    pub level: i32,
    pub kind: ReferralLevelKind,
    pub rate_ppm: Option<i64>,
    pub amount_minor: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub currency: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
