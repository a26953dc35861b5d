//! A day of a partnership that is to be counted again.

use sea_orm::entity::prelude::*;

use crate::ids::PartnershipId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trust_stale_days")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub partnership_id: PartnershipId,
    #[sea_orm(primary_key, auto_increment = false)]
    /// Days since 1970-01-01.
    pub day: i32,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
