//! What a partnership itself earned in one day (UTC) and currency, codes left out.

use sea_orm::entity::prelude::*;

use crate::ids::{PartnershipId, ProgramId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trust_earnings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub partnership_id: PartnershipId,
    #[sea_orm(primary_key, auto_increment = false)]
    /// Days since 1970-01-01.
    pub day: i32,
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub currency: String,
    pub program_id: ProgramId,
    pub commissions: i64,
    pub earned_minor: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
