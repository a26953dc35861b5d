//! What becomes of an order after its sale.

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use entity::{capture, chargeback, order_amendment};
use sea_orm::ActiveEnum;
use serde_json::{Value, json};

use super::{TrackError, answered, money_json, read};
use crate::{
    app::App,
    conversions::{
        body::{AmendBody, CaptureBody, ChargebackBody, ResolutionBody},
        service::{amend as amendments, capture as captures, chargeback as disputes},
    },
    error::ApiError,
};

pub async fn amend(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (call, body) = read::<AmendBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, call.key)?;
    let outcome = amendments::amend_order(&app, &call.actor, command).await?;
    let value = amendment_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
}

pub async fn capture(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (call, body) = read::<CaptureBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, call.key)?;
    let outcome = captures::record_capture(&app, &call.actor, command).await?;
    let value = capture_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
}

pub async fn chargeback(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (call, body) = read::<ChargebackBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, call.key)?;
    let outcome = disputes::record_chargeback(&app, &call.actor, command).await?;
    let value = chargeback_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
}

pub async fn resolve_chargeback(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, TrackError> {
    let (call, body) = read::<ResolutionBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, call.key);
    let outcome = disputes::resolve_chargeback(&app, &call.actor, command).await?;
    let value = chargeback_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
}

fn amendment_json(row: &order_amendment::Model) -> Result<Value, ApiError> {
    Ok(json!({
        "orderAmendment": {
            "id": row.id.to_string(),
            "number": row.number,
            "previousAmount": money_json(row.from_minor, &row.currency)?,
            "amount": money_json(row.to_minor, &row.currency)?,
            "occurredAt": row.occurred_at,
        }
    }))
}

fn capture_json(row: &capture::Model) -> Result<Value, ApiError> {
    Ok(json!({
        "capture": {
            "id": row.id.to_string(),
            "amount": money_json(row.amount_minor, &row.currency)?,
            "isFinal": row.is_final,
            "occurredAt": row.occurred_at,
        }
    }))
}

fn chargeback_json(row: &chargeback::Model) -> Result<Value, ApiError> {
    Ok(json!({
        "chargeback": {
            "id": row.id.to_string(),
            "reference": row.reference,
            "state": row.state.to_value(),
            "amount": money_json(row.amount_minor, &row.currency)?,
            "occurredAt": row.occurred_at,
        }
    }))
}
