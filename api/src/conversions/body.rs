//! Events as they are written in JSON.

use chrono::{DateTime, Utc};
use entity::{
    commission_rule::ConversionEvent,
    ids::{BrandId, ProgramId},
    order::CaptureState,
};
use rust_decimal::Decimal;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    conversions::service::{
        amend::AmendOrder,
        bulk::BulkEvent,
        capture::RecordCapture,
        chargeback::{DisputeOutcome, RecordChargeback, ResolveChargeback},
        record::RecordEvent,
        refund::RecordRefund,
    },
    error::ApiError,
    idempotency::Key,
    money::parse_decimal,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventBody {
    program_id: Option<String>,
    customer_id: Option<String>,
    #[serde(default)]
    promo_codes: Vec<String>,
    click_id: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PurchaseBody {
    program_id: Option<String>,
    customer_id: Option<String>,
    order_id: String,
    amount: String,
    currency: String,
    #[serde(default)]
    capture: CaptureOfSale,
    #[serde(default)]
    promo_codes: Vec<String>,
    click_id: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefundBody {
    order_id: String,
    amount: Option<String>,
    currency: Option<String>,
    reason: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

/// Whether a sale's money was taken with it.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AmendBody {
    order_id: String,
    amount: String,
    currency: String,
    reason: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaptureBody {
    order_id: String,
    amount: Option<String>,
    currency: Option<String>,
    #[serde(default)]
    is_final: bool,
    occurred_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChargebackBody {
    order_id: String,
    reference: String,
    amount: Option<String>,
    currency: Option<String>,
    reason: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolutionBody {
    order_id: String,
    reference: String,
    outcome: OutcomeOfDispute,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
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
        Ok(RecordEvent {
            brand,
            event: ConversionEvent::Sale,
            program: program_id(self.program_id)?,
            customer_id: self.customer_id,
            order_id: Some(self.order_id),
            amount: Some(amount(&self.amount, self.currency)?),
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
        Ok(RecordRefund {
            brand,
            order_id: self.order_id,
            amount: optional_amount(self.amount, self.currency)?,
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

fn parse<T: DeserializeOwned>(body: Value) -> Result<T, ApiError> {
    serde_json::from_value(body).map_err(malformed)
}

/// What is wrong with a body that is no event.
pub fn malformed(error: impl std::fmt::Display) -> ApiError {
    ApiError::bad_input(format!("malformed event: {error}"))
}

fn amount(amount: &str, currency: String) -> Result<(Decimal, String), ApiError> {
    let amount = parse_decimal(amount)
        .ok_or_else(|| ApiError::bad_field("amount", "an amount is a decimal text such as \"12.50\""))?;
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
