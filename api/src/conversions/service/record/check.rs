//! What can be refused without the database.

use chrono::{DateTime, Utc};
use entity::{commission_rule::ConversionEvent, ids::ConversionId, order::CaptureState};
use serde::Serialize;

use super::RecordEvent;
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    conversions::service::{
        Code, Result, check_amount, check_external_id, check_occurred_at,
        lines::{CheckedLine, check_lines},
    },
    error::Failure,
    idempotency::{self, Wanted},
    money::Money,
    tracking::click_id,
};

/// Codes an event may carry.
pub const MAX_PROMO_CODES: usize = 10;
/// Longest code worth keeping as evidence, in characters.
const MAX_CODE_CHARS: usize = 64;

/// An event in order, with the conversion it will be.
pub(super) struct Checked {
    pub command: RecordEvent,
    pub id: ConversionId,
    pub amount: Option<Money>,
    /// What the amount is made up of, when the event says so.
    pub lines: Vec<CheckedLine>,
    pub occurred_at: DateTime<Utc>,
    pub wanted: Wanted,
}

/// Whether a code is short enough to be kept as evidence.
pub fn is_kept_code(code: &str) -> bool {
    code.chars().count() <= MAX_CODE_CHARS
}

/// Whether a click id is short enough to be kept as evidence.
pub fn is_kept_click(id: &str) -> bool {
    id.chars().count() <= click_id::MAX_LEN
}

/// What "the same content" means for an event. `occurred_at` counts only when the sender said it.
#[derive(Serialize)]
struct Fingerprint<'a> {
    program: Option<String>,
    customer_id: Option<&'a str>,
    order_id: Option<&'a str>,
    amount_minor: Option<i64>,
    currency: Option<&'static str>,
    /// Absent when the money was taken, so that keys of earlier versions stay what they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<&'static str>,
    /// Absent for the same reason when there are none.
    #[serde(skip_serializing_if = "<[CheckedLine]>::is_empty")]
    lines: &'a [CheckedLine],
    promo_codes: &'a [String],
    click_id: Option<&'a str>,
    occurred_at: Option<i64>,
}

fn operation_of(event: ConversionEvent) -> (Operation, &'static str) {
    match event {
        ConversionEvent::Signup => (Operation::RecordSignup, "recordSignup"),
        ConversionEvent::Lead => (Operation::RecordLead, "recordLead"),
        ConversionEvent::Sale => (Operation::RecordSale, "recordSale"),
    }
}

/// Reads an event; whoever may not report it is told so first.
pub(super) fn check(app: &App, actor: &Actor, command: RecordEvent) -> Result<Checked> {
    let (operation, name) = operation_of(command.event);
    actor.authorise(operation, Place::brand(command.brand))?;
    let amount = check_event(&command)?;
    let (lines, amount) = check_lines(app, &command.lines, amount)?;
    if command.event == ConversionEvent::Sale && amount.is_none() {
        return Err(Failure::refused_field(
            Code::AmountRequired,
            "amount",
            "a sale needs its amount, or lines that add up to it",
        ));
    }
    let occurred_at = check_occurred_at(app, command.occurred_at)?;
    let fingerprint = Fingerprint {
        program: command.program.map(|id| id.to_string()),
        customer_id: command.customer_id.as_deref(),
        order_id: command.order_id.as_deref(),
        amount_minor: amount.map(|amount| amount.amount_minor),
        currency: amount.map(|amount| amount.currency.code()),
        capture: (command.capture == CaptureState::Authorized).then_some("AUTHORIZED"),
        lines: &lines,
        promo_codes: &command.promo_codes,
        click_id: command.click_id.as_deref(),
        occurred_at: command.occurred_at.map(|at| at.timestamp_micros()),
    };
    let id: ConversionId = app.ids.new_id(app.clock.now());
    let wanted = Wanted {
        operation: name,
        key: command.idempotency_key.clone(),
        hash: idempotency::request_hash(&fingerprint)?,
        outcome: id.0,
    };
    Ok(Checked {
        command,
        id,
        amount,
        lines,
        occurred_at,
        wanted,
    })
}

/// Everything that can be refused without the database.
fn check_event(command: &RecordEvent) -> Result<Option<Money>> {
    match &command.customer_id {
        Some(id) => check_external_id(id, Code::CustomerIdInvalid, "customerId", "a customer id")?,
        None if command.event != ConversionEvent::Sale => {
            return Err(Failure::refused_field(
                Code::CustomerIdRequired,
                "customerId",
                "a signup or lead needs the customer it is about",
            ));
        }
        None => {}
    }
    if command.event == ConversionEvent::Sale && command.order_id.is_none() {
        return Err(Failure::refused_field(
            Code::OrderIdInvalid,
            "orderId",
            "a sale needs its order id",
        ));
    }
    if let Some(id) = &command.order_id {
        check_external_id(id, Code::OrderIdInvalid, "orderId", "an order id")?;
    }
    if command.promo_codes.len() > MAX_PROMO_CODES {
        return Err(Failure::refused_field(
            Code::TooManyPromoCodes,
            "promoCodes",
            "at most 10 promo codes come with an event",
        ));
    }
    let codes_fit = command.promo_codes.iter().all(|code| is_kept_code(code));
    if !codes_fit || command.click_id.as_ref().is_some_and(|id| !is_kept_click(id)) {
        return Err(Failure::refused(
            Code::TouchTooLong,
            "a promo code or click id is overlong",
        ));
    }
    command
        .amount
        .as_ref()
        .map(|(amount, currency)| check_amount(*amount, currency))
        .transpose()
}
