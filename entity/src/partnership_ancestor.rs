//! The closure of the referral tree: one row for each partnership above another. Read in one statement, whatever the depth.

use sea_orm::entity::prelude::*;

use crate::ids::PartnershipId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partnership_ancestors")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub descendant_id: PartnershipId,
    /// 1 is the direct referrer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub level: i32,
    pub ancestor_id: PartnershipId,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
