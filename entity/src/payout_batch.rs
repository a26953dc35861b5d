//! Payouts that are drafted, released and sent together: of one brand, in one currency.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, PayoutBatchId, UserId};
use crate::scope::tenant_scoped;

/// DRAFT → APPROVED → SUBMITTED; CANCELLED from either of the first two. What becomes of the money is said by its payouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayoutBatchState {
    Draft,
    Approved,
    Submitted,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_batches")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutBatchId,
    pub brand_id: BrandId,
    pub state: PayoutBatchState,
    /// ISO 4217.
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    /// What was approved later is left for the next one.
    pub cutoff_at: Option<DateTimeUtc>,
    /// The brand's schedule made it, and nobody in person.
    pub is_scheduled: bool,
    /// Whoever made it may not approve it.
    pub needs_second_person: bool,
    pub created_by: Option<UserId>,
    pub created_at: DateTimeUtc,
    pub approved_by: Option<UserId>,
    pub approved_at: Option<DateTimeUtc>,
    pub submitted_at: Option<DateTimeUtc>,
    pub cancelled_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
