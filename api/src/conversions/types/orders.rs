//! Orders as the schema shows them, and what becomes of them after the sale.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{capture, chargeback, ids::OrderId, order, order_amendment, refund};

use super::{OrderLine, RefundLine, RefundLineInput};
use crate::{
    conversions::{
        error::{ConversionError, ConversionErrorCode},
        loaders::{AmendmentsOf, CapturesOf, ChargebacksOf, LinesOf, LinesOfRefund, RefundsOf},
        rules::Standing,
        service::chargeback as disputes,
    },
    error::ApiError,
    graphql::{
        context::ContextExt,
        scalars::{Money, MoneyInput},
    },
    payload,
};

/// Whether an order's money has been taken.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "order::CaptureState")]
pub enum CaptureState {
    /// Only authorised: captures are still to come, and its commissions cannot be approved before the last.
    Authorized,
    /// Taken, with the sale or by captures.
    Captured,
}

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "chargeback::ChargebackState")]
pub enum ChargebackState {
    /// Not decided: the money is gone for now, and its share of the commissions with it.
    Open,
    /// The money came again, and the commissions.
    Won,
    /// The money is gone.
    Lost,
}

/// How a dispute ended, for the brand.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "disputes::DisputeOutcome")]
pub enum DisputeOutcome {
    /// The money came again.
    Won,
    /// The money is gone.
    Lost,
}

/// A brand's order.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Order {
    /// Global id.
    pub id: ID,
    /// The brand's own id of the order.
    pub external_id: String,
    /// Whether its money was taken.
    pub capture_state: CaptureState,
    /// When it was placed.
    pub occurred_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row: order::Model,
}

impl From<order::Model> for Order {
    fn from(row: order::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            external_id: row.external_id.clone(),
            capture_state: row.capture_state.into(),
            occurred_at: row.occurred_at,
            row,
        }
    }
}

impl Order {
    fn money(&self, amount_minor: i64) -> Result<Option<Money>, ApiError> {
        Money::stored(amount_minor, &self.row.currency).map(Some)
    }
}

#[ComplexObject]
impl Order {
    /// What it comes to, as amended and captured, before refunds and chargebacks.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        self.money(Standing::from(&self.row).total_minor())
    }

    /// What was refunded.
    async fn refunded(&self) -> Result<Option<Money>, ApiError> {
        self.money(self.row.refunded_minor)
    }

    /// What is in chargebacks that are open or lost.
    async fn charged_back(&self) -> Result<Option<Money>, ApiError> {
        self.money(self.row.charged_back_minor)
    }

    /// What can still be captured.
    async fn capturable(&self) -> Result<Option<Money>, ApiError> {
        self.money(Standing::from(&self.row).capturable_minor())
    }

    /// What it is made up of, in the brand's order; none when the brand did not say. At most a hundred: not paged.
    async fn lines(&self, ctx: &Context<'_>) -> Result<Option<Vec<OrderLine>>, ApiError> {
        let lines = ctx.load(LinesOf(self.row.id)).await?.unwrap_or_default();
        let shown = lines
            .into_iter()
            .map(|line| OrderLine::new(line, self.row.currency.clone()));
        Ok(Some(shown.collect()))
    }

    /// Its amendments, oldest first. At most a hundred: not paged.
    async fn amendments(&self, ctx: &Context<'_>) -> Result<Option<Vec<OrderAmendment>>, ApiError> {
        let amendments = ctx.load(AmendmentsOf(self.row.id)).await?.unwrap_or_default();
        Ok(Some(amendments.into_iter().map(OrderAmendment::from).collect()))
    }

    /// Its captures, oldest first; none when its money was taken with the sale. At most a hundred: not
    /// paged.
    async fn captures(&self, ctx: &Context<'_>) -> Result<Option<Vec<Capture>>, ApiError> {
        let captures = ctx.load(CapturesOf(self.row.id)).await?.unwrap_or_default();
        Ok(Some(captures.into_iter().map(Capture::from).collect()))
    }

    /// Its chargebacks, oldest first. At most a hundred: not paged.
    async fn chargebacks(&self, ctx: &Context<'_>) -> Result<Option<Vec<Chargeback>>, ApiError> {
        let chargebacks = ctx.load(ChargebacksOf(self.row.id)).await?.unwrap_or_default();
        Ok(Some(chargebacks.into_iter().map(Chargeback::from).collect()))
    }

    /// Its refunds, oldest first. A handful: not paged.
    async fn refunds(&self, ctx: &Context<'_>) -> Result<Option<Vec<Refund>>, ApiError> {
        let refunds = ctx.load(RefundsOf(self.row.id)).await?.unwrap_or_default();
        Ok(Some(refunds.into_iter().map(Refund::from).collect()))
    }
}

/// Money of an order that went back to its customer.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Refund {
    /// Global id.
    pub id: ID,
    /// Why, in the brand's words.
    pub reason: Option<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row: refund::Model,
}

impl From<refund::Model> for Refund {
    fn from(row: refund::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            reason: row.reason.clone(),
            occurred_at: row.occurred_at,
            row,
        }
    }
}

#[ComplexObject]
impl Refund {
    /// How much went back.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.amount_minor, &self.row.currency).map(Some)
    }

    /// Of which lines of the order; none when it was of the order as a whole. At most a hundred: not paged.
    async fn lines(&self, ctx: &Context<'_>) -> Result<Option<Vec<RefundLine>>, ApiError> {
        let lines = ctx.load(LinesOfRefund(self.row.id)).await?.unwrap_or_default();
        let shown = lines
            .into_iter()
            .map(|line| RefundLine::new(line, self.row.currency.clone()));
        Ok(Some(shown.collect()))
    }

    /// The order it belongs to.
    async fn order(&self, ctx: &Context<'_>) -> Result<Option<Order>, ApiError> {
        let id: OrderId = self.row.order_id;
        Ok(ctx.load(id).await?.map(Order::from))
    }
}

/// A change of what an order comes to, after its sale.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct OrderAmendment {
    /// Global id.
    pub id: ID,
    /// 1 for the order's first amendment.
    pub number: i32,
    /// Why, in the brand's words.
    pub reason: Option<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row: order_amendment::Model,
}

impl From<order_amendment::Model> for OrderAmendment {
    fn from(row: order_amendment::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            number: row.number,
            reason: row.reason.clone(),
            occurred_at: row.occurred_at,
            row,
        }
    }
}

#[ComplexObject]
impl OrderAmendment {
    /// What the order came to before.
    async fn previous_amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.from_minor, &self.row.currency).map(Some)
    }

    /// What it came to from then on.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.to_minor, &self.row.currency).map(Some)
    }

    /// The order it belongs to.
    async fn order(&self, ctx: &Context<'_>) -> Result<Option<Order>, ApiError> {
        let id: OrderId = self.row.order_id;
        Ok(ctx.load(id).await?.map(Order::from))
    }
}

/// Money of an authorised order that was taken.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Capture {
    /// Global id.
    pub id: ID,
    /// Nothing more was to be captured: what was left of the order was released.
    pub is_final: bool,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row: capture::Model,
}

impl From<capture::Model> for Capture {
    fn from(row: capture::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            is_final: row.is_final,
            occurred_at: row.occurred_at,
            row,
        }
    }
}

#[ComplexObject]
impl Capture {
    /// How much was taken.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.amount_minor, &self.row.currency).map(Some)
    }

    /// The order it belongs to.
    async fn order(&self, ctx: &Context<'_>) -> Result<Option<Order>, ApiError> {
        let id: OrderId = self.row.order_id;
        Ok(ctx.load(id).await?.map(Order::from))
    }
}

/// A payment that a customer's bank took back.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Chargeback {
    /// Global id.
    pub id: ID,
    /// The payment provider's id of the dispute.
    pub reference: String,
    /// Where the dispute stands.
    pub state: ChargebackState,
    /// Why, in the brand's words.
    pub reason: Option<String>,
    /// When the dispute was decided.
    pub resolved_at: Option<DateTime<Utc>>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row: chargeback::Model,
}

impl From<chargeback::Model> for Chargeback {
    fn from(row: chargeback::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            reference: row.reference.clone(),
            state: row.state.into(),
            reason: row.reason.clone(),
            resolved_at: row.resolved_at,
            occurred_at: row.occurred_at,
            row,
        }
    }
}

#[ComplexObject]
impl Chargeback {
    /// How much was taken back.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.amount_minor, &self.row.currency).map(Some)
    }

    /// The order it belongs to.
    async fn order(&self, ctx: &Context<'_>) -> Result<Option<Order>, ApiError> {
        let id: OrderId = self.row.order_id;
        Ok(ctx.load(id).await?.map(Order::from))
    }
}

/// A refund as the brand's server reports it.
#[derive(InputObject)]
pub struct RecordRefundInput {
    /// The brand it is reported for.
    pub brand_id: ID,
    /// 1 to 128 printable ASCII characters, unique a brand and operation. The same key with the same content gives the
    /// first result again; with other content it is refused.
    pub idempotency_key: String,
    /// The brand's own id of the order.
    pub order_id: String,
    /// How much went back; all that is left of the order, or the sum of the lines, when absent.
    pub amount: Option<MoneyInput>,
    /// Of which lines it goes back, at most 100; absent: of the order as a whole, which is divided over its lines by what of
    /// each was not refunded by itself. With an amount, they add up to it.
    #[graphql(default)]
    pub lines: Vec<RefundLineInput>,
    /// Why: 1 to 500 characters.
    pub reason: Option<String>,
    /// When it happened; now when absent. Not in the future.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// What an order comes to from now on.
#[derive(InputObject)]
pub struct AmendOrderInput {
    /// The brand it is reported for.
    pub brand_id: ID,
    /// 1 to 128 printable ASCII characters, unique a brand and operation. The same key with the same content gives the
    /// first result again; with other content it is refused.
    pub idempotency_key: String,
    /// The brand's own id of the order.
    pub order_id: String,
    /// The new total, before refunds and chargebacks; not less than what was captured, refunded or charged back.
    pub amount: MoneyInput,
    /// Why: 1 to 500 characters.
    pub reason: Option<String>,
    /// When it happened; now when absent. Not in the future.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// A capture as the brand's server reports it.
#[derive(InputObject)]
pub struct RecordCaptureInput {
    /// The brand it is reported for.
    pub brand_id: ID,
    /// 1 to 128 printable ASCII characters, unique a brand and operation. The same key with the same content gives the
    /// first result again; with other content it is refused.
    pub idempotency_key: String,
    /// The brand's own id of the order.
    pub order_id: String,
    /// How much was taken; all that is left of the order when absent. Zero, in a final capture, voids what is left.
    pub amount: Option<MoneyInput>,
    /// Nothing more will be captured: what is left of the order is released, and its commissions with it. A capture of
    /// all that is left is final by itself.
    #[graphql(default)]
    pub is_final: bool,
    /// When it happened; now when absent. Not in the future.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// A chargeback as the brand's server reports it.
#[derive(InputObject)]
pub struct RecordChargebackInput {
    /// The brand it is reported for.
    pub brand_id: ID,
    /// 1 to 128 printable ASCII characters, unique a brand and operation. The same key with the same content gives the
    /// first result again; with other content it is refused.
    pub idempotency_key: String,
    /// The brand's own id of the order.
    pub order_id: String,
    /// The payment provider's id of the dispute: 1 to 200 characters, unique in the order.
    pub reference: String,
    /// How much was taken back; all that is left of the order when absent.
    pub amount: Option<MoneyInput>,
    /// Why: 1 to 500 characters.
    pub reason: Option<String>,
    /// When it happened; now when absent. Not in the future.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// The end of a dispute as the brand's server reports it.
#[derive(InputObject)]
pub struct ResolveChargebackInput {
    /// The brand it is reported for.
    pub brand_id: ID,
    /// 1 to 128 printable ASCII characters, unique a brand and operation. The same key with the same content gives the
    /// first result again; with other content it is refused.
    pub idempotency_key: String,
    /// The brand's own id of the order.
    pub order_id: String,
    /// The payment provider's id of the dispute: 1 to 200 characters, unique in the order.
    pub reference: String,
    /// How it ended for the brand.
    pub outcome: DisputeOutcome,
}

payload! {
    /// What `recordRefund` answers.
    replayable RecordRefundPayload {
        /// The refund.
        refund: Refund
    } refused by ConversionError, ConversionErrorCode
}

payload! {
    /// What `amendOrder` answers.
    replayable AmendOrderPayload {
        /// The amendment.
        order_amendment: OrderAmendment
    } refused by ConversionError, ConversionErrorCode
}

payload! {
    /// What `recordCapture` answers.
    replayable RecordCapturePayload {
        /// The capture.
        capture: Capture
    } refused by ConversionError, ConversionErrorCode
}

payload! {
    /// What `recordChargeback` answers.
    replayable RecordChargebackPayload {
        /// The chargeback, open.
        chargeback: Chargeback
    } refused by ConversionError, ConversionErrorCode
}

payload! {
    /// What `resolveChargeback` answers.
    replayable ResolveChargebackPayload {
        /// The chargeback, closed.
        chargeback: Chargeback
    } refused by ConversionError, ConversionErrorCode
}
