//! Refused events as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{ApiKeyId, BrandId, UserId},
    refused_event,
};

use super::{
    list::{self, Filter},
    replay,
};
use crate::{
    accounts::types::User,
    brands::types::ApiKey,
    connection,
    conversions::{
        error::{ConversionError, ConversionErrorCode},
        types::{EventMode, bulk::EventRowError},
    },
    error::{ApiError, Failure},
    graphql::{
        context::ContextExt,
        node::{self, Node},
    },
    marketplace::types::OrderDirection,
    page, payload,
};

/// Where a refused event stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "refused_event::RefusedEventState")]
pub enum RefusedEventState {
    /// It is not recorded, and nobody has dealt with it.
    Open,
    /// It was recorded by a replay.
    Replayed,
    /// Its sender sent it again and got through, under the same idempotency key or, for a sale, order id. Looked for every
    /// five minutes.
    RecordedLater,
    /// Somebody put it aside, with a reason.
    Dismissed,
}

/// What an event tells of.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "refused_event::EventKind")]
pub enum EventKind {
    /// A customer made an account.
    Signup,
    /// A customer showed interest.
    Lead,
    /// A sale.
    Sale,
    /// Money of an order went back.
    Refund,
    /// An order comes to something else.
    Amendment,
    /// Money of an authorised order was taken.
    Capture,
    /// A payment was charged back.
    Chargeback,
    /// A dispute ended.
    ChargebackResolution,
    /// It did not say, as one of many without a known `type`, or a request of many that could not be read. Replayed with a
    /// body that says its `type`, as one of `/track/bulk` does.
    Unreadable,
}

/// An event of the brand that was refused for what it said, and so was not recorded.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct RefusedEvent {
    /// Global id.
    pub id: ID,
    /// What it tells of.
    pub kind: EventKind,
    /// Whether it was to count. One of a test key is replayed as one.
    pub mode: EventMode,
    /// Where it stands.
    pub state: RefusedEventState,
    /// What it came through: a path such as `/track/purchase`, or a mutation such as `recordSale`.
    pub source: String,
    /// Why it was refused: one of `ConversionErrorCode`, or `BAD_USER_INPUT` or `IDEMPOTENCY_KEY_REUSED`.
    pub code: String,
    /// The same in words.
    pub message: String,
    /// The field it was about, as a path; absent when it was about the whole.
    pub field: Option<Vec<String>>,
    /// The event as its `/track` endpoint takes it, as JSON where it was JSON; of what came by mutation, the same written
    /// so. At most 16,384 bytes. What looked like a password, a key or a token reads `***`.
    pub body: String,
    /// Only the beginning of the body was kept.
    pub is_body_cut: bool,
    /// The brand's own id of the order, where one could be read.
    pub order_id: Option<String>,
    /// The brand's own id of the customer, where one could be read.
    pub customer_id: Option<String>,
    /// The idempotency key it came with, unless it came without a good one.
    pub idempotency_key: Option<String>,
    /// How often it was refused, replays included. The same body refused for the same reason is counted, not listed again.
    pub attempt_count: i32,
    /// When it was refused first.
    pub received_at: DateTime<Utc>,
    /// When it was refused last.
    pub last_refused_at: DateTime<Utc>,
    /// When it left OPEN.
    pub closed_at: Option<DateTime<Utc>>,
    /// Why it was dismissed.
    pub dismissal_reason: Option<String>,
    #[graphql(skip)]
    pub api_key_id: Option<ApiKeyId>,
    #[graphql(skip)]
    pub user_id: Option<UserId>,
    #[graphql(skip)]
    pub became_id: Option<String>,
}

impl From<refused_event::Model> for RefusedEvent {
    fn from(row: refused_event::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            kind: row.kind.into(),
            mode: row.mode.into(),
            state: row.state.into(),
            source: row.door,
            code: row.code,
            message: row.message,
            field: row
                .field
                .as_ref()
                .map(|path| path.split('.').map(str::to_owned).collect()),
            body: row.body,
            is_body_cut: row.body_cut,
            order_id: row.order_id,
            customer_id: row.customer_id,
            idempotency_key: row.idempotency_key,
            attempt_count: row.attempts,
            received_at: row.created_at,
            last_refused_at: row.last_seen_at,
            closed_at: row.closed_at,
            dismissal_reason: row.dismissal_reason,
            api_key_id: row.api_key_id,
            user_id: row.user_id,
            became_id: row.became,
        }
    }
}

#[ComplexObject]
impl RefusedEvent {
    /// The key it was sent with first. For those who see the brand's keys.
    async fn api_key(&self, ctx: &Context<'_>) -> Result<Option<ApiKey>, ApiError> {
        match self.api_key_id {
            Some(id) => Ok(ctx.load(id).await?.map(ApiKey::from)),
            None => Ok(None),
        }
    }

    /// Who sent it first, when it was a person.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>, ApiError> {
        match self.user_id {
            Some(id) => Ok(ctx.load(id).await?.map(User::from)),
            None => Ok(None),
        }
    }

    /// The conversion, refund, amendment, capture or chargeback that it became.
    async fn became(&self, ctx: &Context<'_>) -> Result<Option<Node>, ApiError> {
        match &self.became_id {
            Some(id) => node::load(ctx, &ID::from(id)).await,
            None => Ok(None),
        }
    }
}

connection! {
    /// Refused events.
    RefusedEventConnection, RefusedEventEdge of RefusedEvent
}

/// States to keep.
#[derive(InputObject)]
pub struct RefusedEventStateFilter {
    /// One of these.
    #[graphql(name = "in", validator(max_items = 10))]
    pub any_of: Vec<RefusedEventState>,
}

/// Kinds to keep.
#[derive(InputObject)]
pub struct EventKindFilter {
    /// One of these.
    #[graphql(name = "in", validator(max_items = 10))]
    pub any_of: Vec<EventKind>,
}

/// Codes to keep.
#[derive(InputObject)]
pub struct RefusalCodeFilter {
    /// One of these.
    #[graphql(name = "in", validator(max_items = 50))]
    pub any_of: Vec<String>,
}

/// Narrows a list of refused events; every field given must hold.
#[derive(Default, InputObject)]
pub struct RefusedEventWhere {
    /// Only these states.
    pub state: Option<RefusedEventStateFilter>,
    /// Only these kinds.
    pub kind: Option<EventKindFilter>,
    /// Only refused for these reasons.
    pub code: Option<RefusalCodeFilter>,
    /// Only about this order, by the brand's own id.
    pub order_id: Option<String>,
    /// Only about this customer, by the brand's own id.
    pub customer_id: Option<String>,
    /// Only under this idempotency key.
    pub idempotency_key: Option<String>,
    /// Only last refused then or later.
    pub refused_from: Option<DateTime<Utc>>,
    /// Only last refused before.
    pub refused_until: Option<DateTime<Utc>>,
    /// `TEST` for those that came with a test key; those that were to count when absent.
    pub mode: Option<EventMode>,
}

impl From<RefusedEventWhere> for Filter {
    fn from(filter: RefusedEventWhere) -> Self {
        let states = filter.state.map(|state| state.any_of).unwrap_or_default();
        let kinds = filter.kind.map(|kind| kind.any_of).unwrap_or_default();
        Self {
            states: states.into_iter().map(Into::into).collect(),
            kinds: kinds.into_iter().map(Into::into).collect(),
            codes: filter.code.map(|code| code.any_of).unwrap_or_default(),
            order_id: filter.order_id,
            customer_id: filter.customer_id,
            idempotency_key: filter.idempotency_key,
            from: filter.refused_from,
            until: filter.refused_until,
            mode: filter.mode.map(Into::into),
        }
    }
}

/// What to order refused events by.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum RefusedEventOrderField {
    /// By when they were refused first.
    ReceivedAt,
}

/// In which order refused events come.
#[derive(InputObject)]
pub struct RefusedEventOrder {
    /// What to order by.
    pub field: RefusedEventOrderField,
    /// Which end comes first.
    #[graphql(default_with = "OrderDirection::Desc")]
    pub direction: OrderDirection,
}

/// The inbox's part of `Brand`.
#[derive(Clone)]
pub struct InboxOfBrand(pub BrandId);

#[Object]
impl InboxOfBrand {
    /// Events that reached us for the brand with a working key or by one of its people, through `/track` or the recording
    /// mutations, and were refused for what they said. The newest first unless `orderBy` says otherwise. A brand has at most
    /// 10,000, each for 90 days after it was last refused; beyond that the oldest go, closed ones before open ones. For those
    /// who may record events.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn refused_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] r#where: Option<RefusedEventWhere>,
        #[graphql(desc = "In which order.")] order_by: Option<RefusedEventOrder>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<RefusedEventConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let filter = r#where.unwrap_or_default().into();
        let oldest_first = order_by.is_some_and(|order| order.direction == OrderDirection::Asc);
        let slice = list::list_refused_events(ctx.app(), ctx.actor(), self.0, filter, oldest_first, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// A refused event to record after all.
#[derive(InputObject)]
pub struct ReplayRefusedEventInput {
    /// The refused event, open.
    pub id: ID,
    /// The corrected event as JSON, as its `/track` endpoint takes it; the body it came with when absent.
    pub body: Option<String>,
    /// Another idempotency key than the one it came with: only for an event whose key was used with other content.
    pub idempotency_key: Option<String>,
}

/// Refused events to record after all, as they came.
#[derive(InputObject)]
pub struct ReplayRefusedEventsInput {
    /// The brand.
    pub brand_id: ID,
    /// These, at most 100. Either `ids` or `where`.
    pub ids: Option<Vec<ID>>,
    /// The oldest 100 open ones that this finds.
    pub r#where: Option<RefusedEventWhere>,
}

/// A refused event to put aside.
#[derive(InputObject)]
pub struct DismissRefusedEventInput {
    /// The refused event, open.
    pub id: ID,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

payload! {
    /// What `dismissRefusedEvent` answers.
    DismissRefusedEventPayload {
        /// The refused event, dismissed.
        refused_event: RefusedEvent
    } refused by ConversionError, ConversionErrorCode
}

payload! {
    /// What `replayRefusedEvent` answers.
    replayable ReplayRefusedEventPayload {
        /// The refused event, replayed; what it became stands there.
        refused_event: RefusedEvent
    } refused by ConversionError, ConversionErrorCode
}

/// What became of one of many refused events.
#[derive(SimpleObject)]
pub struct ReplayedEvent {
    /// The refused event as it stands now.
    pub refused_event: RefusedEvent,
    /// Why it was refused again.
    pub error: Option<EventRowError>,
}

impl From<replay::Row> for ReplayedEvent {
    fn from(row: replay::Row) -> Self {
        Self {
            refused_event: row.event.into(),
            error: row.refusal.map(EventRowError::from),
        }
    }
}

/// What `replayRefusedEvents` answers.
#[derive(SimpleObject)]
pub struct ReplayRefusedEventsPayload {
    /// One entry an event, the oldest first; absent when the request was refused as a whole.
    pub results: Option<Vec<ReplayedEvent>>,
    /// Why the request was refused as a whole; empty when it was worked through.
    pub user_errors: Vec<ConversionError>,
}

impl ReplayRefusedEventsPayload {
    pub fn of(result: Result<Vec<replay::Row>, Failure<ConversionErrorCode>>) -> Result<Option<Self>, ApiError> {
        match result {
            Ok(rows) => Ok(Some(Self {
                results: Some(rows.into_iter().map(ReplayedEvent::from).collect()),
                user_errors: Vec::new(),
            })),
            Err(Failure::Refused(refusal)) => Ok(Some(Self {
                results: None,
                user_errors: vec![refusal.into()],
            })),
            Err(Failure::Api(error)) => Err(error),
        }
    }
}
