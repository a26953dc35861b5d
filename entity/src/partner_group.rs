//! Some of a program's partnerships, with terms of their own: rules, hold, approval.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, PartnerGroupId, ProgramId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partner_groups")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PartnerGroupId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Folded; unique among the groups of its program that are not archived.
    #[sea_orm(column_type = "Text")]
    pub name_key: String,
    /// Absent: the program's.
    pub hold_days: Option<i32>,
    /// Absent: the program's.
    pub auto_approve_commissions: Option<bool>,
    /// Whether those who would come into this group are let in as they ask.
    pub auto_approve_applications: bool,
    pub created_at: DateTimeUtc,
    pub archived_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
