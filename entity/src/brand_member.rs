//! What a user is in a brand.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, BrandMemberId, UserId};
use crate::scope::tenant_scoped;

/// The six roles of a brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BrandRole {
    Owner,
    Admin,
    Manager,
    Finance,
    Analyst,
    Developer,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "brand_members")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BrandMemberId,
    pub brand_id: BrandId,
    pub user_id: UserId,
    pub role: BrandRole,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
