//! A brand's buyer, by the brand's own id.

use sea_orm::entity::prelude::*;

use crate::api_key::ApiKeyMode;
use crate::ids::{BrandId, CustomerId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomerId,
    pub brand_id: BrandId,
    pub mode: ApiKeyMode,
    /// Unique in the brand and mode.
    #[sea_orm(column_type = "Text")]
    pub external_id: String,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, mode);
