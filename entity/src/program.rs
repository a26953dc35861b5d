//! A brand's offer: attribution settings, hold period and state. Its rules, levels and terms are tables of their own.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, PartnerGroupId, ProgramId};
use crate::scope::tenant_scoped;

/// DRAFT → ACTIVE ⇄ PAUSED → ARCHIVED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProgramState {
    Draft,
    Active,
    Paused,
    Archived,
}

/// Which explicit touch wins when an event carries both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AttributionOrder {
    CodeFirst,
    ClickFirst,
}

/// How long a customer stays with the first credited partnership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CustomerBinding {
    Forever,
    Months,
    Never,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "programs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProgramId,
    pub brand_id: BrandId,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub description: String,
    pub state: ProgramState,
    /// Accepted ISO 4217 codes, comma-separated, sorted.
    #[sea_orm(column_type = "Text")]
    pub currencies: String,
    /// Where links lead when they name no other page; links may only lead to its host.
    #[sea_orm(column_type = "Text")]
    pub destination_url: String,
    pub hold_days: i32,
    pub attribution_window_days: i32,
    pub attribution_order: AttributionOrder,
    pub customer_binding: CustomerBinding,
    pub customer_binding_months: Option<i32>,
    pub auto_approve_commissions: bool,
    /// What is said about the commission where no rule says it; promises nothing.
    #[sea_orm(column_type = "Text", nullable)]
    pub commission_note: Option<String>,
    /// Where new partnerships come to; absent: to no group.
    pub default_group_id: Option<PartnerGroupId>,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
