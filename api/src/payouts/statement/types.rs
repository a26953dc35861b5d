//! Statements as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, PartnerId, PartnershipId},
    ledger_transfer,
};

use super::service::{self, Of};
use crate::{
    adjustments::types::Adjustment,
    commissions::types::Commission,
    connection,
    error::ApiError,
    graphql::{
        context::ContextExt,
        scalars::{CurrencyCode, Money},
    },
    ledger::{
        entries::{Line, Only},
        types::LedgerAccountKind,
    },
    page,
    payouts::types::Payout,
};

/// What moved money.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "ledger_transfer::TransferKind")]
pub enum LedgerTransferKind {
    /// A commission was earned: pending.
    CommissionAccrued,
    /// A commission was approved: from pending to available, less the reserve.
    CommissionApproved,
    /// A commission was rejected.
    CommissionRejected,
    /// A commission was taken back, in whole or in part, before it was approved.
    CommissionReversed,
    /// A commission was taken back, in whole or in part, after it was approved.
    CommissionClawedBack,
    /// What was taken back of a commission came again.
    CommissionRestored,
    /// What was kept in reserve of a commission became available.
    ReserveReleased,
    /// The brand gave something, or took it.
    BalanceCorrected,
    /// An order was sent in vain.
    PenaltyCharged,
    /// The brand gave up what the partner owed.
    DebtWrittenOff,
    /// A transfer to a customer was approved: from the partner's available balance to the customer's store credit.
    StoreCreditGiven,
    /// A customer spent store credit.
    StoreCreditRedeemed,
    /// A payout was drafted: from available to in transit.
    PayoutRequested,
    /// A payout was paid.
    PayoutPaid,
    /// A payout was taken back: from in transit to available.
    PayoutCancelled,
    /// A payout never left: from in transit to available.
    PayoutFailed,
    /// A payout came back, or was marked as unpaid: available again.
    PayoutReturned,
    /// A provider took something for a payout.
    PayoutFeeCharged,
    /// A provider gave back what it took for a payout.
    PayoutFeeRefunded,
    /// A bank or provider was given money to pay out of.
    RailFunded,
}

/// One entry of a partner's account.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct StatementEntry {
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// On which account.
    pub account: LedgerAccountKind,
    /// What moved it.
    pub kind: LedgerTransferKind,
    #[graphql(skip)]
    pub line: Line,
}

impl From<Line> for StatementEntry {
    fn from(line: Line) -> Self {
        Self {
            occurred_at: line.transfer.occurred_at,
            account: line.account.into(),
            kind: line.transfer.kind.into(),
            line,
        }
    }
}

#[ComplexObject]
impl StatementEntry {
    /// What came; below zero where it went.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.line.entry.amount_minor, &self.line.transfer.currency).map(Some)
    }

    /// What was on the account then.
    async fn balance(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.line.balance_minor, &self.line.transfer.currency).map(Some)
    }

    /// The commission it is about.
    async fn commission(&self, ctx: &Context<'_>) -> Result<Option<Commission>, ApiError> {
        match self.line.transfer.commission_id {
            Some(id) => Ok(ctx.load(id).await?.map(Commission::from)),
            None => Ok(None),
        }
    }

    /// The payout it is about.
    async fn payout(&self, ctx: &Context<'_>) -> Result<Option<Payout>, ApiError> {
        match self.line.transfer.payout_id {
            Some(id) => Ok(ctx.load(id).await?.map(Payout::from)),
            None => Ok(None),
        }
    }

    /// The adjustment it is about.
    async fn adjustment(&self, ctx: &Context<'_>) -> Result<Option<Adjustment>, ApiError> {
        match self.line.transfer.adjustment_id {
            Some(id) => Ok(ctx.load(id).await?.map(Adjustment::from)),
            None => Ok(None),
        }
    }
}

connection! {
    /// A partner's statement.
    StatementEntryConnection, StatementEntryEdge of StatementEntry
}

/// Which entries; everything given must hold.
#[derive(Default, InputObject)]
pub struct StatementWhere {
    /// On one of these accounts: 1 to 4.
    #[graphql(validator(min_items = 1, max_items = 4))]
    pub accounts: Option<Vec<LedgerAccountKind>>,
    /// Moved by one of these: 1 to 20.
    #[graphql(validator(min_items = 1, max_items = 20))]
    pub kinds: Option<Vec<LedgerTransferKind>>,
    /// Not before then.
    pub from: Option<DateTime<Utc>>,
    /// Before then.
    pub until: Option<DateTime<Utc>>,
}

impl From<StatementWhere> for Only {
    fn from(only: StatementWhere) -> Self {
        Self {
            accounts: only.accounts.map(|all| all.into_iter().map(Into::into).collect()),
            kinds: only.kinds.map(|all| all.into_iter().map(Into::into).collect()),
            from: only.from,
            until: only.until,
        }
    }
}

/// The statement's part of `Partnership`.
#[derive(Clone)]
pub struct StatementOfPartnership {
    pub partnership: PartnershipId,
    pub brand: BrandId,
    pub partner: PartnerId,
}

#[Object]
impl StatementOfPartnership {
    /// Every entry of its accounts in a currency with what it left there, newest first. For the partner and those who see
    /// money.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn statement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In which currency.")] currency: CurrencyCode,
        #[graphql(desc = "Narrows it.")] r#where: Option<StatementWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<StatementEntryConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let of = Of {
            partnership: self.partnership,
            brand: self.brand,
            partner: self.partner,
        };
        let only = r#where.unwrap_or_default().into();
        let slice = service::list_statement(ctx.app(), ctx.actor(), of, &currency.0, only, &page);
        Ok(Some(slice.await?.into()))
    }
}
