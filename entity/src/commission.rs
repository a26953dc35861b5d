//! What one partnership earns from one conversion, with its frozen rule and arithmetic.

use sea_orm::entity::prelude::*;

use crate::api_key::ApiKeyMode;
use crate::ids::{BrandId, CommissionId, ConversionId, OrderLineId, PartnerId, PartnershipId, ProgramId};
use crate::scope::tenant_scoped;

/// PENDING ⇄ ON_HOLD → APPROVED → IN_PAYOUT → PAID; REJECTED, REVERSED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CommissionState {
    Pending,
    OnHold,
    Approved,
    InPayout,
    Paid,
    Rejected,
    Reversed,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "commissions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CommissionId,
    pub conversion_id: ConversionId,
    pub brand_id: BrandId,
    pub mode: ApiKeyMode,
    pub program_id: ProgramId,
    pub partnership_id: PartnershipId,
    pub partner_id: PartnerId,
    /// 0 is the credited partnership, 1 who recruited it, and so on up.
    pub level: i32,
    /// The line of the order it is earned on; absent when the order has none, or it is earned on no order.
    pub order_line_id: Option<OrderLineId>,
    /// The level-0 commission an override follows.
    pub source_id: Option<CommissionId>,
    pub state: CommissionState,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    /// What its line, or without lines its order, came to or was last raised to.
    pub base_minor: i64,
    pub amount_minor: i64,
    /// Cumulative; never above the amount.
    pub reversed_minor: i64,
    /// R: the share put into reserve at approval.
    pub reserve_minor: i64,
    /// What of R has neither been released nor taken back.
    pub reserve_left_minor: i64,
    /// Sum of paid payout items.
    pub paid_minor: i64,
    /// The rule as it stood, JSON.
    #[sea_orm(column_type = "Text")]
    pub rule_snapshot: String,
    /// How the amount came about, in words and numbers.
    #[sea_orm(column_type = "Text")]
    pub arithmetic: String,
    pub hold_until: DateTimeUtc,
    pub occurred_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner, mode);
