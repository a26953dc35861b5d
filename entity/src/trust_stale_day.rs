//! A note that a day of a partnership is to be counted again. Whoever has something to note writes one of its own: a note that
//! is shared could be taken for done while somebody's rows behind it are not committed yet.

use sea_orm::entity::prelude::*;

use crate::ids::PartnershipId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trust_stale_days")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub seq: i64,
    pub partnership_id: PartnershipId,
    /// Days since 1970-01-01.
    pub day: i32,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
