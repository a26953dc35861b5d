//! Conversions as the schema shows them; their orders are in `types/orders.rs`.

mod lines;
mod orders;

pub mod bulk;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject, Union};
use chrono::{DateTime, Utc};
use entity::{
    conversion, conversion_touch, customer,
    ids::{BrandId, ConversionId, CustomerId, PartnerId, PartnershipId, ProgramId},
};

pub use self::{lines::*, orders::*};
use crate::{
    connection,
    conversions::{
        error::{ConversionError, ConversionErrorCode},
        loaders::TouchesOf,
        service,
    },
    error::ApiError,
    graphql::{
        context::ContextExt,
        feed::{Advanced, Lagged},
        objects::{Brand, Conversion, Customer, Partnership, Program},
        scalars::{Money, MoneyInput},
    },
    page, payload,
    programs::types::ConversionEvent,
};

/// Where a conversion stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "conversion::ConversionState")]
pub enum ConversionState {
    /// Recorded, waiting for the hold period and review.
    Pending,
    /// Its commissions were approved.
    Approved,
    /// It earns nothing; the reason says why.
    Rejected,
    /// The whole amount came back.
    Refunded,
}

/// Whether an event counts.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "entity::api_key::ApiKeyMode")]
pub enum EventMode {
    /// It counts.
    Live,
    /// It came with a test key: attributed and computed like any other, and no money moves. The brand alone sees it, where
    /// it asks for it.
    Test,
}

/// What led to an event.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "conversion_touch::TouchKind")]
pub enum TouchKind {
    /// A promo code on the order.
    PromoCode,
    /// A click id that came with the event.
    Click,
    /// The customer belongs to a partnership since an earlier event.
    CustomerBinding,
}

/// What became of a touch.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "conversion_touch::TouchOutcome")]
pub enum TouchOutcome {
    /// It won the credit.
    Won,
    /// Valid, but another touch goes before it.
    Outranked,
    /// It could not win; the rejection says why.
    Rejected,
}

/// Why a touch could not win.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "conversion_touch::TouchRejection")]
pub enum TouchRejection {
    /// Not a code of the brand.
    CodeUnknown,
    /// The code had expired.
    CodeExpired,
    /// The code had been used as often as allowed.
    CodeExhausted,
    /// Not a genuine click id.
    ClickForged,
    /// The click came through a link that is not the brand's.
    ClickUnknownLink,
    /// The click lies outside the attribution window.
    OutsideWindow,
    /// The customer's binding had run out.
    BindingExpired,
    /// The partnership is suspended, ended or banned.
    PartnershipNotActive,
    /// The program is paused, archived or not yet active.
    ProgramNotActive,
    /// The touch speaks for another program than the event's.
    OtherProgram,
}

/// A candidate for the credit of a conversion.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Touch {
    /// What it is.
    pub kind: TouchKind,
    /// The code or click id as sent, or the id of the binding.
    pub evidence: String,
    /// When the click or binding happened, where that is known.
    pub touched_at: Option<DateTime<Utc>>,
    /// What became of it.
    pub outcome: TouchOutcome,
    /// Why it could not win.
    pub rejection: Option<TouchRejection>,
    /// Its fate in words.
    pub explanation: String,
    #[graphql(skip)]
    pub partnership_id: Option<PartnershipId>,
}

impl From<conversion_touch::Model> for Touch {
    fn from(row: conversion_touch::Model) -> Self {
        Self {
            kind: row.kind.into(),
            evidence: row.evidence,
            touched_at: row.touched_at,
            outcome: row.outcome.into(),
            rejection: row.rejection.map(Into::into),
            explanation: row.explanation,
            partnership_id: row.partnership_id,
        }
    }
}

#[ComplexObject]
impl Touch {
    /// Whom it speaks for, when that is the caller's to see.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        match self.partnership_id {
            Some(id) => Ok(ctx.load(id).await?.map(Partnership::from)),
            None => Ok(None),
        }
    }
}

/// Who is credited with a conversion, by which touch, and why.
#[derive(Clone, Debug)]
pub struct Attribution {
    conversion: ConversionId,
    partnership: Option<PartnershipId>,
    method: Option<TouchKind>,
    explanation: String,
}

/// Who is credited with a conversion, by which touch, and why.
#[Object]
impl Attribution {
    /// Who is credited; absent when nobody is.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        match self.partnership {
            Some(id) => Ok(ctx.load(id).await?.map(Partnership::from)),
            None => Ok(None),
        }
    }

    /// The kind of touch that won.
    async fn method(&self) -> Option<TouchKind> {
        self.method
    }

    /// Why, in one sentence that names every touch.
    async fn explanation(&self) -> &str {
        &self.explanation
    }

    /// Every candidate, in the order in which they were looked at. At most a dozen or so. For the brand.
    async fn touches(&self, ctx: &Context<'_>) -> Result<Option<Vec<Touch>>, ApiError> {
        let touches = ctx.load(TouchesOf(self.conversion)).await?.unwrap_or_default();
        Ok(Some(touches.into_iter().map(Touch::from).collect()))
    }
}

/// A conversion's own fields; the schema's `Conversion` is merged in `graphql/objects.rs`.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct ConversionFields {
    /// Global id.
    pub id: ID,
    /// What happened.
    pub event: ConversionEvent,
    /// Whether it counts.
    pub mode: EventMode,
    /// Where it stands.
    pub state: ConversionState,
    /// Why it was rejected.
    pub rejection_reason: Option<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was recorded.
    pub created_at: DateTime<Utc>,
    /// Until when its commissions are held; absent when no program applies.
    pub hold_until: Option<DateTime<Utc>>,
    /// Why commissions were or were not earned.
    pub earning_explanation: String,
    #[graphql(skip)]
    pub row: conversion::Model,
}

impl From<conversion::Model> for ConversionFields {
    fn from(row: conversion::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            event: row.event.into(),
            mode: row.mode.into(),
            state: row.state.into(),
            rejection_reason: row.rejection_reason.clone(),
            occurred_at: row.occurred_at,
            created_at: row.created_at,
            hold_until: row.hold_until,
            earning_explanation: row.earning_explanation.clone(),
            row,
        }
    }
}

#[ComplexObject]
impl ConversionFields {
    /// What the sale came to, or its order was last raised to: the base of its commissions. Absent for events without an
    /// amount.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        self.row
            .currency
            .as_deref()
            .map(|currency| Money::stored(self.row.amount_minor, currency))
            .transpose()
    }

    /// What of it is gone: refunds, chargebacks, amendments downward, what was never captured.
    async fn refunded(&self) -> Result<Option<Money>, ApiError> {
        self.row
            .currency
            .as_deref()
            .map(|currency| Money::stored(self.row.refunded_minor, currency))
            .transpose()
    }

    /// The brand it was recorded for.
    async fn brand(&self, ctx: &Context<'_>) -> Result<Option<Brand>, ApiError> {
        let id: BrandId = self.row.brand_id;
        Ok(ctx.load(id).await?.map(Brand::from))
    }

    /// The program it belongs to.
    async fn program(&self, ctx: &Context<'_>) -> Result<Option<Program>, ApiError> {
        let Some(id): Option<ProgramId> = self.row.program_id else {
            return Ok(None);
        };
        Ok(ctx.load(id).await?.map(Program::from))
    }

    /// The order of a sale. For the brand.
    async fn order(&self, ctx: &Context<'_>) -> Result<Option<Order>, ApiError> {
        let Some(id) = self.row.order_id else { return Ok(None) };
        Ok(ctx.load(id).await?.map(Order::from))
    }

    /// The customer. For the brand.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>, ApiError> {
        let Some(id): Option<CustomerId> = self.row.customer_id else {
            return Ok(None);
        };
        Ok(ctx.load(id).await?.map(Customer::from))
    }

    /// Who is credited, and why.
    async fn attribution(&self) -> Attribution {
        Attribution {
            conversion: self.row.id,
            partnership: self.row.partnership_id,
            method: self.row.attribution_method.map(Into::into),
            explanation: self.row.attribution_explanation.clone(),
        }
    }
}

connection! {
    /// Conversions.
    ConversionConnection, ConversionEdge of Conversion
}

/// A customer's own fields; the schema's `Customer` is merged in `graphql/objects.rs`.
#[derive(Clone, Debug, SimpleObject)]
pub struct CustomerFields {
    /// Global id.
    pub id: ID,
    /// The brand's own id of the customer.
    pub external_id: String,
    /// When the customer was first seen.
    pub created_at: DateTime<Utc>,
}

impl From<customer::Model> for CustomerFields {
    fn from(row: customer::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            external_id: row.external_id,
            created_at: row.created_at,
        }
    }
}

/// Narrows a list of conversions; every field given must hold.
#[derive(Default, InputObject)]
pub struct ConversionWhere {
    /// Only these states.
    pub state: Option<ConversionStateFilter>,
    /// Only these events.
    pub event: Option<ConversionEventFilter>,
    /// Only credited ones, or only uncredited ones.
    pub is_credited: Option<bool>,
    /// `TEST` for what came with a test key, which only the brand sees; what counts when absent.
    pub mode: Option<EventMode>,
}

/// States to keep.
#[derive(InputObject)]
pub struct ConversionStateFilter {
    /// One of these.
    #[graphql(name = "in", validator(max_items = 10))]
    pub any_of: Vec<ConversionState>,
}

/// Events to keep.
#[derive(InputObject)]
pub struct ConversionEventFilter {
    /// One of these.
    #[graphql(name = "in", validator(max_items = 10))]
    pub any_of: Vec<ConversionEvent>,
}

impl From<ConversionWhere> for service::Filter {
    fn from(filter: ConversionWhere) -> Self {
        Self {
            states: filter
                .state
                .map(|state| state.any_of.into_iter().map(Into::into).collect())
                .unwrap_or_default(),
            events: filter
                .event
                .map(|event| event.any_of.into_iter().map(Into::into).collect())
                .unwrap_or_default(),
            is_credited: filter.is_credited,
            mode: filter.mode.map(Into::into),
        }
    }
}

/// Conversions' part of `Brand`.
#[derive(Clone)]
pub struct ConversionsOfBrand(pub BrandId);

#[Object]
impl ConversionsOfBrand {
    /// The brand's conversions, newest first. For the brand's members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn conversions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] r#where: Option<ConversionWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<ConversionConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let filter = r#where.unwrap_or_default().into();
        let slice =
            service::list_conversions(ctx.app(), ctx.actor(), service::Of::Brand(self.0), filter, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// Conversions' part of `Partner`.
#[derive(Clone)]
pub struct ConversionsOfPartner(pub PartnerId);

#[Object]
impl ConversionsOfPartner {
    /// The conversions this partner is credited with, newest first. For the partner.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn conversions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] r#where: Option<ConversionWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<ConversionConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let filter = r#where.unwrap_or_default().into();
        let slice =
            service::list_conversions(ctx.app(), ctx.actor(), service::Of::Partner(self.0), filter, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// A signup or lead as the brand's server reports it.
#[derive(InputObject)]
pub struct RecordEventInput {
    /// The brand it is reported for.
    pub brand_id: ID,
    /// 1 to 128 printable ASCII characters, unique a brand and operation. The same key with the same content gives the
    /// first result again; with other content it is refused.
    pub idempotency_key: String,
    /// The program it belongs to. When absent: the one its touches speak for, else the brand's only active one.
    pub program_id: Option<ID>,
    /// The brand's own id of the customer: 1 to 200 characters.
    pub customer_id: String,
    /// Codes that came with it, at most 10; the first valid one counts.
    #[graphql(default)]
    pub promo_codes: Vec<String>,
    /// The click id that came with it (`tcid` on the landing page's address).
    pub click_id: Option<String>,
    /// When it happened; now when absent. Not in the future.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// A sale as the brand's server reports it.
#[derive(InputObject)]
pub struct RecordSaleInput {
    /// The brand it is reported for.
    pub brand_id: ID,
    /// 1 to 128 printable ASCII characters, unique a brand and operation. The same key with the same content gives the
    /// first result again; with other content it is refused.
    pub idempotency_key: String,
    /// The program it belongs to. When absent: the one its touches speak for, else the brand's only active one.
    pub program_id: Option<ID>,
    /// The brand's own id of the customer; absent for a guest.
    pub customer_id: Option<String>,
    /// The brand's own id of the order: 1 to 200 characters, unique in the brand.
    pub order_id: String,
    /// What was paid, net of discount: the base of percentages. With lines it may be left out, and is their sum.
    pub amount: Option<MoneyInput>,
    /// What the amount is made up of, at most 100 lines: each earns by its own rule, and can be refunded by itself. They add
    /// up to the amount.
    #[graphql(default)]
    pub lines: Vec<OrderLineInput>,
    /// Whether the money was taken with the sale. What is only authorised is captured later, and may come to less.
    #[graphql(default_with = "CaptureState::Captured")]
    pub capture: CaptureState,
    /// Codes on the order, at most 10; the first valid one counts.
    #[graphql(default)]
    pub promo_codes: Vec<String>,
    /// The click id that came with it (`tcid` on the landing page's address).
    pub click_id: Option<String>,
    /// When it happened; now when absent. Not in the future.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// A brand whose test events are to be deleted.
#[derive(InputObject)]
pub struct ClearTestEventsInput {
    /// The brand.
    pub brand_id: ID,
}

/// What `clearTestEvents` deleted.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct ClearedTestEvents {
    /// Conversions that were deleted, at most 10,000 a request.
    pub conversion_count: i32,
    /// Whether nothing is left. If not, ask again.
    pub is_complete: bool,
}

impl From<service::clear::Cleared> for ClearedTestEvents {
    fn from(cleared: service::clear::Cleared) -> Self {
        Self {
            conversion_count: i32::try_from(cleared.conversions).unwrap_or(i32::MAX),
            is_complete: cleared.complete,
        }
    }
}

payload! {
    /// What `clearTestEvents` answers.
    ClearTestEventsPayload {
        /// What was deleted.
        cleared: ClearedTestEvents
    } refused by ConversionError, ConversionErrorCode
}

/// A conversion to approve.
#[derive(InputObject)]
pub struct ApproveConversionInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation. The same key with the same content gives the
    /// first result again; with other content it is refused.
    pub idempotency_key: String,
    /// The conversion.
    pub id: ID,
}

/// A conversion to reject.
#[derive(InputObject)]
pub struct RejectConversionInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation. The same key with the same content gives the
    /// first result again; with other content it is refused.
    pub idempotency_key: String,
    /// The conversion.
    pub id: ID,
    /// Why: 1 to 500 characters. The partner sees it.
    pub reason: String,
}

payload! {
    /// What `recordSignup` answers.
    replayable RecordSignupPayload {
        /// The signup.
        conversion: Conversion
    } refused by ConversionError, ConversionErrorCode
}

payload! {
    /// What `recordLead` answers.
    replayable RecordLeadPayload {
        /// The lead.
        conversion: Conversion
    } refused by ConversionError, ConversionErrorCode
}

payload! {
    /// What `recordSale` answers.
    replayable RecordSalePayload {
        /// The sale.
        conversion: Conversion
    } refused by ConversionError, ConversionErrorCode
}

payload! {
    /// What `approveConversion` answers.
    replayable ApproveConversionPayload {
        /// The conversion, approved.
        conversion: Conversion
    } refused by ConversionError, ConversionErrorCode
}

payload! {
    /// What `rejectConversion` answers.
    replayable RejectConversionPayload {
        /// The conversion, rejected.
        conversion: Conversion
    } refused by ConversionError, ConversionErrorCode
}

/// What happened to a conversion.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum ConversionFeedEventKind {
    /// It was recorded.
    Recorded,
    /// It was approved.
    Approved,
    /// It was rejected.
    Rejected,
    /// It was refunded, in whole or in part.
    Refunded,
    /// Its order was amended.
    Amended,
    /// Money of its order was captured.
    Captured,
    /// It was charged back, in whole or in part.
    ChargedBack,
    /// A chargeback of it was won.
    ChargebackWon,
    /// A chargeback of it was lost.
    ChargebackLost,
}

/// Something happened to a conversion.
#[derive(SimpleObject)]
pub struct ConversionFeedEvent {
    /// Where it lies in the feed; give it to `after` to go on behind it. Opaque.
    pub cursor: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What happened.
    pub kind: ConversionFeedEventKind,
    /// The conversion as it stands now.
    pub conversion: Option<Conversion>,
}

/// Narrows the conversions feed; every field given must hold.
#[derive(Default, InputObject)]
pub struct ConversionFeedWhere {
    /// Only conversions of these events: 1 to 10.
    #[graphql(validator(min_items = 1, max_items = 10))]
    pub events: Option<Vec<ConversionEvent>>,
    /// Only these kinds: 1 to 10.
    #[graphql(validator(min_items = 1, max_items = 10))]
    pub kinds: Option<Vec<ConversionFeedEventKind>>,
    /// Only conversions of this program.
    pub program_id: Option<ID>,
    /// Only credited conversions, or only uncredited ones.
    pub is_credited: Option<bool>,
}

impl ConversionFeedWhere {
    #[must_use]
    pub fn wants(&self, kind: ConversionFeedEventKind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// An item of the conversion feed.
#[derive(Union)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every item is the large one, and the union macro takes no box"
)]
pub enum ConversionFeedItem {
    Event(ConversionFeedEvent),
    Advanced(Advanced),
    Lagged(Lagged),
}
