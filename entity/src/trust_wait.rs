//! How many waited for so many days, of those whose wait ended in one day (UTC).

use sea_orm::entity::prelude::*;

use crate::ids::ProgramId;

/// What was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WaitStep {
    /// A conversion's approval, from when it happened.
    Approve,
    /// A commission's payment, from the approval.
    Pay,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trust_waits")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub program_id: ProgramId,
    #[sea_orm(primary_key, auto_increment = false)]
    /// Days since 1970-01-01.
    pub day: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: WaitStep,
    #[sea_orm(primary_key, auto_increment = false)]
    /// Whole days they waited.
    pub days: i32,
    pub count: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
