//! Events as they are written in JSON. What is said here of fields is what `/openapi.json` says of them.

use chrono::{DateTime, Utc};
use entity::{
    commission_rule::ConversionEvent,
    ids::{BrandId, ProgramId},
    order::CaptureState,
    refused_event::EventKind,
};
use rust_decimal::Decimal;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    conversions::service::{
        amend::AmendOrder,
        bulk::BulkEvent,
        capture::RecordCapture,
        chargeback::{DisputeOutcome, RecordChargeback, ResolveChargeback},
        lines::NewLine,
        record::RecordEvent,
        refund::RecordRefund,
        refund_lines::RefundOfLine,
    },
    error::ApiError,
    idempotency::Key,
    money::parse_decimal,
};

/// A signup or a lead.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Event)]
pub struct EventBody {
    /// `prog_…`. When left out, the program is found by what else the event says, or is the brand's only active one.
    #[schema(nullable = false, pattern = "^prog_")]
    program_id: Option<String>,
    /// Your id of the customer: the same person always has the same.
    #[schema(required, nullable = false, max_length = 200)]
    customer_id: Option<String>,
    /// Codes the customer gave, at most 10. Unknown ones are recorded as such.
    #[schema(max_items = 10)]
    #[serde(default)]
    promo_codes: Vec<String>,
    /// What `/track/click` answered, or what the redirect put behind `tcid` in the address.
    #[schema(nullable = false)]
    click_id: Option<String>,
    /// When it happened, RFC 3339; now when left out.
    #[schema(nullable = false)]
    occurred_at: Option<DateTime<Utc>>,
}

/// An order.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Purchase)]
pub struct PurchaseBody {
    /// `prog_…`. When left out, the program is found by what else the event says, or is the brand's only active one.
    #[schema(nullable = false, pattern = "^prog_")]
    program_id: Option<String>,
    /// Your id of the customer: the same person always has the same.
    #[schema(nullable = false, max_length = 200)]
    customer_id: Option<String>,
    /// Your id of the order, unique in the brand.
    #[schema(max_length = 200)]
    order_id: String,
    /// A decimal in units of the currency, such as "12.50". May be left out of an order with lines: it is their sum.
    #[schema(nullable = false, example = "49.90")]
    amount: Option<String>,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// What the amount is made up of, at most 100 lines that add up to it. Each earns by its own rule.
    #[schema(max_items = 100)]
    #[serde(default)]
    lines: Vec<LineBody>,
    /// Whether the money was taken with the sale.
    #[serde(default)]
    capture: CaptureOfSale,
    /// Codes the customer gave, at most 10. Unknown ones are recorded as such.
    #[schema(max_items = 10)]
    #[serde(default)]
    promo_codes: Vec<String>,
    /// What `/track/click` answered, or what the redirect put behind `tcid` in the address.
    #[schema(nullable = false)]
    click_id: Option<String>,
    /// When it happened, RFC 3339; now when left out.
    #[schema(nullable = false)]
    occurred_at: Option<DateTime<Utc>>,
}

/// Money of an order that went back. Without an amount: all that is left of it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Refund)]
pub struct RefundBody {
    /// Your id of the order, unique in the brand.
    #[schema(max_length = 200)]
    order_id: String,
    /// A decimal in units of the currency, such as "12.50". Comes with its currency or not at all.
    #[schema(nullable = false, example = "12.50")]
    amount: Option<String>,
    /// ISO 4217, the order's.
    #[schema(nullable = false, example = "EUR")]
    currency: Option<String>,
    /// Of which lines it goes back, at most 100; left out: of the order as a whole, which is divided over its lines. With an
    /// amount, they add up to it.
    #[schema(max_items = 100)]
    #[serde(default)]
    lines: Vec<RefundLineBody>,
    /// Why, for people.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// When it happened, RFC 3339; now when left out.
    #[schema(nullable = false)]
    occurred_at: Option<DateTime<Utc>>,
}

/// What went back of a line: an amount, a number of items at what they came to, both, or without either all of the line that
/// was not refunded by itself before.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RefundLine)]
struct RefundLineBody {
    /// Your id of the line.
    #[schema(max_length = 200)]
    line_id: String,
    /// A decimal in units of the currency, such as "12.50". Comes with the currency.
    #[schema(nullable = false, example = "12.50")]
    amount: Option<String>,
    /// How many items came back.
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    quantity: Option<i32>,
}

impl RefundLineBody {
    fn line(self, index: usize, currency: Option<&str>) -> Result<RefundOfLine, ApiError> {
        let field = format!("lines.{index}.amount");
        let amount = match (self.amount, currency) {
            (None, _) => None,
            (Some(text), Some(currency)) => Some(amount_at(&text, currency.to_owned(), &field)?),
            (Some(_), None) => return Err(ApiError::bad_field("currency", "amounts of lines come with a currency")),
        };
        Ok(RefundOfLine {
            line_id: self.line_id,
            amount,
            quantity: self.quantity,
        })
    }
}

/// A line of an order, in its currency.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PurchaseLine)]
struct LineBody {
    /// Your id of the line, unique in the order; its number in the list, from 1, when left out. Refunds name it.
    #[schema(nullable = false, max_length = 200)]
    line_id: Option<String>,
    /// Your id of the product. Commission rules may be for products.
    #[schema(nullable = false, max_length = 200)]
    product_id: Option<String>,
    /// The product as buyers read it.
    #[schema(nullable = false, max_length = 200)]
    name: Option<String>,
    /// The product's category. Commission rules may be for categories.
    #[schema(nullable = false, max_length = 200)]
    category: Option<String>,
    /// How many items it has.
    #[schema(minimum = 1, maximum = 1_000_000)]
    #[serde(default = "one_item")]
    quantity: i32,
    /// What all its items come to, net of discount: a decimal in units of the currency, such as "12.50".
    #[schema(example = "12.50")]
    amount: String,
    /// What was taken off, for information: the amount is net of it.
    #[schema(nullable = false, example = "2.50")]
    discount: Option<String>,
}

fn one_item() -> i32 {
    1
}

impl LineBody {
    fn line(self, index: usize, currency: &str) -> Result<NewLine, ApiError> {
        let money = |text: &str, name| amount_at(text, currency.to_owned(), &format!("lines.{index}.{name}"));
        Ok(NewLine {
            amount: money(&self.amount, "amount")?,
            discount: self
                .discount
                .as_deref()
                .map(|text| money(text, "discount"))
                .transpose()?,
            line_id: self.line_id,
            product_id: self.product_id,
            name: self.name,
            category: self.category,
            quantity: self.quantity,
        })
    }
}

/// Whether a sale's money was taken with it.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = CaptureOfSale)]
enum CaptureOfSale {
    Authorized,
    #[default]
    Captured,
}

impl From<CaptureOfSale> for CaptureState {
    fn from(capture: CaptureOfSale) -> Self {
        match capture {
            CaptureOfSale::Authorized => Self::Authorized,
            CaptureOfSale::Captured => Self::Captured,
        }
    }
}

/// What an order comes to from now on.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Amendment)]
pub struct AmendBody {
    /// Your id of the order, unique in the brand.
    #[schema(max_length = 200)]
    order_id: String,
    /// A decimal in units of the currency, such as "12.50".
    #[schema(example = "49.90")]
    amount: String,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// Why, for people.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// When it happened, RFC 3339; now when left out.
    #[schema(nullable = false)]
    occurred_at: Option<DateTime<Utc>>,
}

/// Money taken of an authorised order. Without an amount: all that was not captured yet.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Capture)]
pub struct CaptureBody {
    /// Your id of the order, unique in the brand.
    #[schema(max_length = 200)]
    order_id: String,
    /// A decimal in units of the currency, such as "12.50". Comes with its currency or not at all.
    #[schema(nullable = false, example = "12.50")]
    amount: Option<String>,
    /// ISO 4217, the order's.
    #[schema(nullable = false, example = "EUR")]
    currency: Option<String>,
    /// Whether nothing more will be captured: what is missing then is gone.
    #[serde(default)]
    is_final: bool,
    /// When it happened, RFC 3339; now when left out.
    #[schema(nullable = false)]
    occurred_at: Option<DateTime<Utc>>,
}

/// A dispute. Without an amount: all that is left of the order.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Chargeback)]
pub struct ChargebackBody {
    /// Your id of the order, unique in the brand.
    #[schema(max_length = 200)]
    order_id: String,
    /// Your payment provider's id of the dispute; an order has each once.
    reference: String,
    /// A decimal in units of the currency, such as "12.50". Comes with its currency or not at all.
    #[schema(nullable = false, example = "12.50")]
    amount: Option<String>,
    /// ISO 4217, the order's.
    #[schema(nullable = false, example = "EUR")]
    currency: Option<String>,
    /// Why, for people.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// When it happened, RFC 3339; now when left out.
    #[schema(nullable = false)]
    occurred_at: Option<DateTime<Utc>>,
}

/// How a dispute ended.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ChargebackResolution)]
pub struct ResolutionBody {
    /// Your id of the order, unique in the brand.
    #[schema(max_length = 200)]
    order_id: String,
    /// Your payment provider's id of the dispute; an order has each once.
    reference: String,
    /// How it ended.
    outcome: OutcomeOfDispute,
}

/// Who kept the money: the brand (`WON`) or the customer (`LOST`).
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = DisputeOutcome)]
enum OutcomeOfDispute {
    Won,
    Lost,
}

impl From<OutcomeOfDispute> for DisputeOutcome {
    fn from(outcome: OutcomeOfDispute) -> Self {
        match outcome {
            OutcomeOfDispute::Won => Self::Won,
            OutcomeOfDispute::Lost => Self::Lost,
        }
    }
}

impl AmendBody {
    pub fn command(self, brand: BrandId, key: Key) -> Result<AmendOrder, ApiError> {
        Ok(AmendOrder {
            brand,
            order_id: self.order_id,
            amount: amount(&self.amount, self.currency)?,
            reason: self.reason,
            occurred_at: self.occurred_at,
            idempotency_key: key,
        })
    }
}

impl CaptureBody {
    pub fn command(self, brand: BrandId, key: Key) -> Result<RecordCapture, ApiError> {
        Ok(RecordCapture {
            brand,
            order_id: self.order_id,
            amount: optional_amount(self.amount, self.currency)?,
            is_final: self.is_final,
            occurred_at: self.occurred_at,
            idempotency_key: key,
        })
    }
}

impl ChargebackBody {
    pub fn command(self, brand: BrandId, key: Key) -> Result<RecordChargeback, ApiError> {
        Ok(RecordChargeback {
            brand,
            order_id: self.order_id,
            reference: self.reference,
            amount: optional_amount(self.amount, self.currency)?,
            reason: self.reason,
            occurred_at: self.occurred_at,
            idempotency_key: key,
        })
    }
}

impl ResolutionBody {
    #[must_use]
    pub fn command(self, brand: BrandId, key: Key) -> ResolveChargeback {
        ResolveChargeback {
            brand,
            order_id: self.order_id,
            reference: self.reference,
            outcome: self.outcome.into(),
            idempotency_key: key,
        }
    }
}

impl EventBody {
    pub fn command(self, brand: BrandId, event: ConversionEvent, key: Key) -> Result<RecordEvent, ApiError> {
        Ok(RecordEvent {
            brand,
            event,
            program: program_id(self.program_id)?,
            customer_id: self.customer_id,
            order_id: None,
            amount: None,
            lines: Vec::new(),
            capture: CaptureState::Captured,
            promo_codes: self.promo_codes,
            click_id: self.click_id,
            occurred_at: self.occurred_at,
            idempotency_key: key,
        })
    }
}

impl PurchaseBody {
    pub fn command(self, brand: BrandId, key: Key) -> Result<RecordEvent, ApiError> {
        let lines = self.lines.into_iter().enumerate();
        let lines = lines.map(|(index, line)| line.line(index, &self.currency));
        let lines = lines.collect::<Result<_, _>>()?;
        Ok(RecordEvent {
            brand,
            event: ConversionEvent::Sale,
            program: program_id(self.program_id)?,
            customer_id: self.customer_id,
            order_id: Some(self.order_id),
            amount: self.amount.map(|text| amount(&text, self.currency)).transpose()?,
            lines,
            capture: self.capture.into(),
            promo_codes: self.promo_codes,
            click_id: self.click_id,
            occurred_at: self.occurred_at,
            idempotency_key: key,
        })
    }
}

impl RefundBody {
    pub fn command(self, brand: BrandId, key: Key) -> Result<RecordRefund, ApiError> {
        let of_lines = !self.lines.is_empty();
        let lines = self.lines.into_iter().enumerate();
        let lines = lines.map(|(index, line)| line.line(index, self.currency.as_deref()));
        let lines = lines.collect::<Result<_, _>>()?;
        // The currency may be there for the lines alone.
        let currency = self.currency.filter(|_| self.amount.is_some() || !of_lines);
        Ok(RecordRefund {
            brand,
            order_id: self.order_id,
            amount: optional_amount(self.amount, currency)?,
            lines,
            reason: self.reason,
            occurred_at: self.occurred_at,
            idempotency_key: key,
        })
    }
}

/// What kind of event a text is; the last part of the path of its own door.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    Signup,
    Lead,
    Purchase,
    Refund,
}

impl From<EventType> for EventKind {
    fn from(kind: EventType) -> Self {
        match kind {
            EventType::Signup => Self::Signup,
            EventType::Lead => Self::Lead,
            EventType::Purchase => Self::Sale,
            EventType::Refund => Self::Refund,
        }
    }
}

impl EventType {
    /// Reads an event of this kind.
    pub fn read(self, brand: BrandId, key: Key, body: Value) -> Result<BulkEvent, ApiError> {
        let event = match self {
            Self::Signup => parse::<EventBody>(body)?.command(brand, ConversionEvent::Signup, key)?,
            Self::Lead => parse::<EventBody>(body)?.command(brand, ConversionEvent::Lead, key)?,
            Self::Purchase => parse::<PurchaseBody>(body)?.command(brand, key)?,
            Self::Refund => return Ok(BulkEvent::Refund(parse::<RefundBody>(body)?.command(brand, key)?)),
        };
        Ok(BulkEvent::Conversion(event))
    }
}

/// An event of many: its `type` and `idempotencyKey` stand beside the fields of its own door.
pub fn read_row(brand: BrandId, mut row: Value) -> Result<BulkEvent, ApiError> {
    let fields = row
        .as_object_mut()
        .ok_or_else(|| ApiError::bad_input("malformed event: an event is an object"))?;
    let kind = fields.remove("type").unwrap_or_default();
    let kind: EventType = serde_json::from_value(kind)
        .map_err(|_| ApiError::bad_field("type", "an event is of type signup, lead, purchase or refund"))?;
    let key = fields.remove("idempotencyKey").unwrap_or_default();
    let key = Key::parse(key.as_str().unwrap_or_default())?;
    kind.read(brand, key, row)
}

/// An event of many apart: its kind, what its own door would be sent, and its key. One that does not say what it is stays
/// whole.
#[must_use]
pub fn split_row(mut row: Value) -> (EventKind, Value, Option<String>) {
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let key = text(&row, "idempotencyKey");
    let kind = row.get("type").cloned().unwrap_or_default();
    let Ok(kind) = serde_json::from_value::<EventType>(kind) else {
        return (EventKind::Unreadable, row, key);
    };
    if let Some(fields) = row.as_object_mut() {
        fields.remove("type");
        fields.remove("idempotencyKey");
    }
    (kind.into(), row, key)
}

pub(super) fn parse<T: DeserializeOwned>(body: Value) -> Result<T, ApiError> {
    serde_json::from_value(body).map_err(malformed)
}

/// What is wrong with a body that is no event.
pub fn malformed(error: impl std::fmt::Display) -> ApiError {
    ApiError::bad_input(format!("malformed event: {error}"))
}

/// An amount with its currency.
pub fn amount(amount: &str, currency: String) -> Result<(Decimal, String), ApiError> {
    amount_at(amount, currency, "amount")
}

fn amount_at(amount: &str, currency: String, field: &str) -> Result<(Decimal, String), ApiError> {
    let amount = parse_decimal(amount)
        .ok_or_else(|| ApiError::bad_field(field, "an amount is a decimal text such as \"12.50\""))?;
    Ok((amount, currency))
}

/// An amount that may be left out, with its currency or not at all.
fn optional_amount(text: Option<String>, currency: Option<String>) -> Result<Option<(Decimal, String)>, ApiError> {
    match (text, currency) {
        (Some(text), Some(currency)) => amount(&text, currency).map(Some),
        (None, None) => Ok(None),
        _ => Err(ApiError::bad_field("currency", "amount and currency belong together")),
    }
}

fn program_id(id: Option<String>) -> Result<Option<ProgramId>, ApiError> {
    id.map(|id| id.parse().map_err(|error| ApiError::bad_field("programId", error)))
        .transpose()
}
