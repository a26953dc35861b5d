//! What is counted of a partnership in one day (UTC): made anew from the rows whenever one of them changed.

use sea_orm::entity::prelude::*;

use crate::ids::{PartnerId, PartnershipId, ProgramId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trust_days")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub partnership_id: PartnershipId,
    #[sea_orm(primary_key, auto_increment = false)]
    /// Days since 1970-01-01.
    pub day: i32,
    pub program_id: ProgramId,
    pub partner_id: PartnerId,
    pub clicks: i64,
    /// Conversions that a click won.
    pub clicked: i64,
    /// Sales that were not rejected.
    pub sales: i64,
    /// Conversions with an amount that were not rejected.
    pub kept: i64,
    /// Those of them of which something came back.
    pub reversed: i64,
    /// Conversions of the day that were approved, whenever that was.
    pub approved: i64,
    pub rejected: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
