//! Changes of partners' balances as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    adjustment,
    ids::{BrandId, PartnerId, PartnershipId},
};

use super::{
    error::{AdjustmentError, AdjustmentErrorCode},
    service,
};
use crate::{
    connection,
    conversions::types::Order,
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::Partnership,
        scalars::{CurrencyCode, Money, MoneyInput},
    },
    page, payload,
};

/// What changed a balance beside commissions and payouts.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "adjustment::AdjustmentKind")]
pub enum AdjustmentKind {
    /// Given or taken by the brand.
    Correction,
    /// What an order cost that was sent in vain.
    ShippingPenalty,
    /// A debt of the partner that the brand gave up.
    WriteOff,
    /// Given to a customer as store credit, as the partner asked.
    StoreCredit,
}

/// Something beside commissions and payouts that changed what a partner has available.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Adjustment {
    /// Global id.
    pub id: ID,
    /// What it is.
    pub kind: AdjustmentKind,
    /// Why, as the brand says.
    pub reason: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row: adjustment::Model,
}

impl From<adjustment::Model> for Adjustment {
    fn from(row: adjustment::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            kind: row.kind.into(),
            reason: row.reason.clone(),
            created_at: row.created_at,
            row,
        }
    }
}

#[ComplexObject]
impl Adjustment {
    /// What was added to the available balance; below zero where it was taken.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.amount_minor, &self.row.currency).map(Some)
    }

    /// Whose balance.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        Ok(ctx.load(self.row.partnership_id).await?.map(Partnership::from))
    }

    /// The order of a penalty. For the brand.
    async fn order(&self, ctx: &Context<'_>) -> Result<Option<Order>, ApiError> {
        match self.row.order_id {
            Some(order) => Ok(ctx.load(order).await?.map(Order::from)),
            None => Ok(None),
        }
    }
}

connection! {
    /// Adjustments.
    AdjustmentConnection, AdjustmentEdge of Adjustment
}

/// The adjustments' part of `Partnership`.
#[derive(Clone)]
pub struct AdjustmentsOfPartnership {
    pub partnership: PartnershipId,
    pub brand: BrandId,
    pub partner: PartnerId,
}

#[Object]
impl AdjustmentsOfPartnership {
    /// What changed its balances beside commissions and payouts, newest first. For the partner and those who see money.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn adjustments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<AdjustmentConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = service::list_adjustments(
            ctx.app(),
            ctx.actor(),
            self.partnership,
            (self.brand, self.partner),
            &page,
        );
        Ok(Some(slice.await?.into()))
    }
}

/// Which way a correction goes.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "service::Direction")]
pub enum AdjustmentDirection {
    /// The partner gets it.
    Credit,
    /// It is taken from the partner.
    Debit,
}

/// Something given or taken.
#[derive(InputObject)]
pub struct AdjustBalanceInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// Whose balance.
    pub partnership_id: ID,
    /// Whether it is given or taken.
    pub direction: AdjustmentDirection,
    /// How much: above zero.
    pub amount: MoneyInput,
    /// Why: 1 to 500 characters. The partner sees it.
    pub reason: String,
}

/// What an order cost that was sent in vain.
#[derive(InputObject)]
pub struct ChargeShippingPenaltyInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// The order.
    pub order_id: ID,
    /// How much, in the order's currency: above zero.
    pub amount: MoneyInput,
    /// Why: 1 to 500 characters. The partner sees it.
    pub reason: String,
}

/// A debt to give up.
#[derive(InputObject)]
pub struct WriteOffBalanceInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// Who owes it.
    pub partnership_id: ID,
    /// How much of it: above zero, and no more than is owed.
    pub amount: MoneyInput,
    /// Why: 1 to 500 characters. The partner sees it.
    pub reason: String,
}

/// Reserves to release.
#[derive(InputObject)]
pub struct ReleaseReserveInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// Whose.
    pub partnership_id: ID,
    /// In which currency.
    pub currency: CurrencyCode,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

payload! {
    /// What `adjustBalance` answers.
    replayable AdjustBalancePayload {
        /// What was made.
        adjustment: Adjustment
    } refused by AdjustmentError, AdjustmentErrorCode
}

payload! {
    /// What `chargeShippingPenalty` answers.
    replayable ChargeShippingPenaltyPayload {
        /// What was made.
        adjustment: Adjustment
    } refused by AdjustmentError, AdjustmentErrorCode
}

payload! {
    /// What `writeOffBalance` answers.
    replayable WriteOffBalancePayload {
        /// What was made.
        adjustment: Adjustment
    } refused by AdjustmentError, AdjustmentErrorCode
}

payload! {
    /// What `releaseReserve` answers.
    replayable ReleaseReservePayload {
        /// Whose reserve was released; its balances say how much there is now.
        partnership: Partnership
    } refused by AdjustmentError, AdjustmentErrorCode
}
