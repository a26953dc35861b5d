//! What a conversion earns at level 0.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, CommissionRuleId, PartnerGroupId, PartnershipId, ProgramId};
use crate::scope::tenant_scoped;

/// One event worth something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConversionEvent {
    Signup,
    Lead,
    Sale,
}

/// How a rule computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuleKind {
    Percent,
    /// Once an event, however many lines its order has.
    Fixed,
    /// Once an item of a line.
    FixedPerItem,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "commission_rules")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CommissionRuleId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    /// Whose personal terms it is part of. Without it and a group, a rule is for everybody in the program.
    pub partnership_id: Option<PartnershipId>,
    /// For the partnerships of this group.
    pub group_id: Option<PartnerGroupId>,
    pub event: ConversionEvent,
    pub kind: RuleKind,
    /// PERCENT: parts per million of the base.
    pub rate_ppm: Option<i64>,
    /// FIXED, FIXED_PER_ITEM: minor units.
    pub amount_minor: Option<i64>,
    /// FIXED, FIXED_PER_ITEM: the currency of the amount.
    #[sea_orm(column_type = "Text", nullable)]
    pub currency: Option<String>,
    /// Only lines of these products, a JSON list of the brand's ids; absent: of any.
    #[sea_orm(column_type = "Text", nullable)]
    pub product_ids: Option<String>,
    /// Only lines of these categories, a JSON list; absent: of any.
    #[sea_orm(column_type = "Text", nullable)]
    pub categories: Option<String>,
    /// Lower goes first.
    pub position: i32,
    /// Counts for events from then on.
    pub valid_from: Option<DateTimeUtc>,
    /// Counts for events before then.
    pub valid_until: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub archived_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
