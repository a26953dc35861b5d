//! What the days of a program come to, over the window that ends with the day they were summed.

use sea_orm::entity::prelude::*;

use crate::ids::ProgramId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "program_trust")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub program_id: ProgramId,
    pub clicks: i64,
    pub clicked: i64,
    pub kept: i64,
    pub reversed: i64,
    pub approved: i64,
    pub rejected: i64,
    /// The currency in which most commissions are; absent when there is none.
    #[sea_orm(column_type = "Text", nullable)]
    pub currency: Option<String>,
    /// What was earned in it.
    pub earned_minor: i64,
    /// The median of whole days from a conversion to its approval.
    pub approve_days: Option<i32>,
    pub approvals: i64,
    /// The median of whole days from the approval to the payment.
    pub pay_days: Option<i32>,
    pub payments: i64,
    /// When a number of it last changed.
    pub measured_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
