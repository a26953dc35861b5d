//! What can be refused without the database.

use chrono::{DateTime, Utc};
use entity::{commission_rule::ConversionEvent, ids::ConversionId};
use serde::Serialize;

use super::RecordEvent;
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    conversions::service::{Code, Result, check_amount, check_external_id, check_occurred_at},
    error::Failure,
    idempotency::{self, Wanted},
    money::Money,
    tracking::click_id,
};

/// Codes an event may carry.
const MAX_PROMO_CODES: usize = 10;
/// Longest code worth keeping as evidence, in characters.
const MAX_CODE_CHARS: usize = 64;

/// An event in order, with the conversion it will be.
pub(super) struct Checked {
    pub command: RecordEvent,
    pub id: ConversionId,
    pub amount: Option<Money>,
    pub occurred_at: DateTime<Utc>,
    pub wanted: Wanted,
}

/// What "the same content" means for an event. `occurred_at` counts only when the sender said it.
#[derive(Serialize)]
struct Fingerprint<'a> {
    program: Option<String>,
    customer_id: Option<&'a str>,
    order_id: Option<&'a str>,
    amount_minor: Option<i64>,
    currency: Option<&'static str>,
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
    let occurred_at = check_occurred_at(app, command.occurred_at)?;
    let fingerprint = Fingerprint {
        program: command.program.map(|id| id.to_string()),
        customer_id: command.customer_id.as_deref(),
        order_id: command.order_id.as_deref(),
        amount_minor: amount.map(|amount| amount.amount_minor),
        currency: amount.map(|amount| amount.currency.code()),
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
    if command.event == ConversionEvent::Sale && (command.order_id.is_none() || command.amount.is_none()) {
        return Err(Failure::refused_field(
            Code::OrderIdInvalid,
            "orderId",
            "a sale needs its order id and amount",
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
    let overlong = |text: &String, max: usize| text.chars().count() > max;
    if command.promo_codes.iter().any(|code| overlong(code, MAX_CODE_CHARS))
        || command
            .click_id
            .as_ref()
            .is_some_and(|id| overlong(id, click_id::MAX_LEN))
    {
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
