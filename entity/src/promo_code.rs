//! A code owned by a partnership.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, PartnerId, PartnershipId, ProgramId, PromoCodeId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "promo_codes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PromoCodeId,
    pub partnership_id: PartnershipId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    pub partner_id: PartnerId,
    /// As shown.
    #[sea_orm(column_type = "Text")]
    pub code: String,
    /// Folded; unique in the brand.
    #[sea_orm(column_type = "Text")]
    pub code_key: String,
    pub expires_at: Option<DateTimeUtc>,
    pub usage_limit: Option<i64>,
    pub used_count: i64,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
