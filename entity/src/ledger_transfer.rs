//! A cause that moved money. Its key posts once.

use sea_orm::entity::prelude::*;

use crate::ids::{AdjustmentId, BrandId, CommissionId, LedgerTransferId, PayoutId, StoreCreditRedemptionId};
use crate::scope::tenant_scoped;

/// What moved the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TransferKind {
    CommissionAccrued,
    CommissionApproved,
    CommissionRejected,
    CommissionReversed,
    CommissionClawedBack,
    CommissionRestored,
    ReserveReleased,
    BalanceCorrected,
    PenaltyCharged,
    DebtWrittenOff,
    StoreCreditGiven,
    StoreCreditRedeemed,
    PayoutRequested,
    PayoutPaid,
    PayoutCancelled,
    PayoutFailed,
    PayoutReturned,
    PayoutFeeCharged,
    PayoutFeeRefunded,
    RailFunded,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_transfers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LedgerTransferId,
    /// Names the cause; unique.
    #[sea_orm(column_type = "Text")]
    pub transfer_key: String,
    pub brand_id: BrandId,
    pub kind: TransferKind,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    pub commission_id: Option<CommissionId>,
    pub payout_id: Option<PayoutId>,
    pub adjustment_id: Option<AdjustmentId>,
    pub redemption_id: Option<StoreCreditRedemptionId>,
    pub occurred_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
