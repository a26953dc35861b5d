//! Many events in one mutation, as the schema shows them.

use async_graphql::{Enum, ID, InputObject, OneofObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::commission_rule::ConversionEvent;

use super::{CaptureState, OrderLineInput, Refund, RefundLineInput};
use crate::{
    conversions::{
        error::{ConversionError, ConversionErrorCode},
        service::{
            bulk::{self, BulkEvent, Made, Row},
            record::RecordEvent,
            refund::RecordRefund,
        },
    },
    error::{ApiError, Failure},
    graphql::{context::parse_id, objects::Conversion, scalars::MoneyInput},
    idempotency::Key,
};

/// What becomes of a request with events that are refused.
#[derive(Clone, Copy, Debug, Default, Enum, PartialEq, Eq)]
#[graphql(remote = "bulk::ErrorPolicy")]
pub enum ErrorPolicy {
    /// Nothing is recorded. Takes no refunds: whether one is possible depends on the events before it.
    RejectEverything,
    /// The others are recorded.
    #[default]
    RejectFailedRows,
    /// The others are recorded; promo codes, click ids and the customer ids of sales that are invalid are left out of their
    /// events, which are recorded without them.
    IgnoreFailed,
}

/// What became of one event of a request.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum RecordingStatus {
    /// It was recorded now.
    Recorded,
    /// Its idempotency key was used before; the first result is given again.
    Replayed,
    /// It was not recorded; the error says why.
    Refused,
}

/// Events of one brand, in their order.
#[derive(InputObject)]
pub struct RecordEventsInput {
    /// The brand they are reported for.
    pub brand_id: ID,
    /// At most 1,000 events. Earlier ones affect later ones, as if each had come alone.
    pub events: Vec<EventRowInput>,
    /// What becomes of the others when one is refused.
    #[graphql(default)]
    pub error_policy: ErrorPolicy,
}

/// One event of a request.
#[derive(OneofObject)]
pub enum EventRowInput {
    /// A customer made an account.
    Signup(CustomerEventInput),
    /// A customer showed interest.
    Lead(CustomerEventInput),
    /// A sale.
    Sale(SaleRowInput),
    /// A refund.
    Refund(RefundRowInput),
}

/// A signup or lead among other events.
#[derive(InputObject)]
pub struct CustomerEventInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation, the same as in `recordSignup` and `recordLead`.
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

/// A sale among other events.
#[derive(InputObject)]
pub struct SaleRowInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation, the same as in `recordSale`.
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

/// A refund among other events.
#[derive(InputObject)]
pub struct RefundRowInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation, the same as in `recordRefund`.
    pub idempotency_key: String,
    /// The brand's own id of the order; it may stand earlier in the same request.
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

impl EventRowInput {
    /// What the row asks for.
    pub fn command(self, brand: &ID) -> Result<BulkEvent, ApiError> {
        let event = match self {
            Self::Signup(row) => row.command(brand, ConversionEvent::Signup)?,
            Self::Lead(row) => row.command(brand, ConversionEvent::Lead)?,
            Self::Sale(row) => row.command(brand)?,
            Self::Refund(row) => return Ok(BulkEvent::Refund(row.command(brand)?)),
        };
        Ok(BulkEvent::Conversion(event))
    }
}

impl CustomerEventInput {
    fn command(self, brand: &ID, event: ConversionEvent) -> Result<RecordEvent, ApiError> {
        Ok(RecordEvent {
            brand: parse_id(brand, "brandId")?,
            event,
            program: self.program_id.map(|id| parse_id(&id, "programId")).transpose()?,
            customer_id: Some(self.customer_id),
            order_id: None,
            amount: None,
            lines: Vec::new(),
            capture: CaptureState::Captured.into(),
            promo_codes: self.promo_codes,
            click_id: self.click_id,
            occurred_at: self.occurred_at,
            idempotency_key: Key::parse(&self.idempotency_key)?,
        })
    }
}

impl SaleRowInput {
    fn command(self, brand: &ID) -> Result<RecordEvent, ApiError> {
        Ok(RecordEvent {
            brand: parse_id(brand, "brandId")?,
            event: ConversionEvent::Sale,
            program: self.program_id.map(|id| parse_id(&id, "programId")).transpose()?,
            customer_id: self.customer_id,
            order_id: Some(self.order_id),
            amount: self.amount.map(|money| (money.amount.0, money.currency.0)),
            lines: self.lines.into_iter().map(Into::into).collect(),
            capture: self.capture.into(),
            promo_codes: self.promo_codes,
            click_id: self.click_id,
            occurred_at: self.occurred_at,
            idempotency_key: Key::parse(&self.idempotency_key)?,
        })
    }
}

impl RefundRowInput {
    fn command(self, brand: &ID) -> Result<RecordRefund, ApiError> {
        Ok(RecordRefund {
            brand: parse_id(brand, "brandId")?,
            order_id: self.order_id,
            amount: self.amount.map(|money| (money.amount.0, money.currency.0)),
            lines: self.lines.into_iter().map(Into::into).collect(),
            reason: self.reason,
            occurred_at: self.occurred_at,
            idempotency_key: Key::parse(&self.idempotency_key)?,
        })
    }
}

/// Why one event of a request was not recorded.
#[derive(Clone, Debug, SimpleObject)]
pub struct EventRowError {
    /// The stable code: one of `ConversionErrorCode`, or of the top-level codes such as `BAD_USER_INPUT`,
    /// `IDEMPOTENCY_KEY_REUSED` and `CONFLICT`.
    pub code: String,
    /// In words, for people.
    pub message: String,
    /// The field of the event it is about, as a path; absent when it is about the whole.
    pub field: Option<Vec<String>>,
}

/// What became of one event of a request.
#[derive(SimpleObject)]
pub struct EventRow {
    /// In a word.
    pub status: RecordingStatus,
    /// The conversion it made, unless it is a refund or was refused.
    pub conversion: Option<Conversion>,
    /// The refund it made, if it is one.
    pub refund: Option<Refund>,
    /// Why it was refused.
    pub error: Option<EventRowError>,
    /// Fields that were invalid and left out, under IGNORE_FAILED.
    pub ignored_fields: Vec<String>,
}

impl From<Row> for EventRow {
    fn from(row: Row) -> Self {
        let mut shown = Self {
            status: RecordingStatus::Refused,
            conversion: None,
            refund: None,
            error: None,
            ignored_fields: row.ignored.into_iter().map(str::to_owned).collect(),
        };
        match row.result {
            Ok(outcome) => {
                shown.status = if outcome.replayed {
                    RecordingStatus::Replayed
                } else {
                    RecordingStatus::Recorded
                };
                match outcome.value {
                    Made::Conversion(row) => shown.conversion = Some(row.into()),
                    Made::Refund(row) => shown.refund = Some(row.into()),
                }
            }
            Err(failure) => shown.error = Some(failure.into()),
        }
        shown
    }
}

impl From<Failure<ConversionErrorCode>> for EventRowError {
    fn from(failure: Failure<ConversionErrorCode>) -> Self {
        let field = failure.field();
        Self {
            code: failure.code().to_owned(),
            message: failure.public_message(),
            field: field.map(|path| path.split('.').map(str::to_owned).collect()),
        }
    }
}

/// What `recordEvents` answers.
#[derive(SimpleObject)]
pub struct RecordEventsPayload {
    /// One entry an event, in their order; absent when the request was refused as a whole.
    pub results: Option<Vec<EventRow>>,
    /// Why the request was refused as a whole; empty when it was worked through.
    pub user_errors: Vec<ConversionError>,
}

impl RecordEventsPayload {
    pub fn of(result: Result<Vec<Row>, Failure<ConversionErrorCode>>) -> Result<Option<Self>, ApiError> {
        match result {
            Ok(rows) => Ok(Some(Self {
                results: Some(rows.into_iter().map(EventRow::from).collect()),
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
