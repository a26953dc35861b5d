//! What becomes of an order after its sale.

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};

use super::{
    KeyHeader,
    answer::{AmendmentRecorded, CaptureRecorded, ChargebackRecorded, TrackError},
    read,
};
use crate::{
    app::App,
    conversions::{
        body::{AmendBody, CaptureBody, ChargebackBody, ResolutionBody},
        service::{amend as amendments, capture as captures, chargeback as disputes},
    },
};

/// An order comes to another amount from now on
///
/// Downward like a refund; upward only before its commissions are approved.
#[utoipa::path(post, path = "/track/amend", request_body = AmendBody, params(KeyHeader), responses(
    (status = 201, description = "Recorded.", body = AmendmentRecorded),
    (status = 200, description = "Recorded before, under the same key.", body = AmendmentRecorded),
))]
pub async fn amend(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (call, body) = read::<AmendBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, call.key)?;
    let outcome = amendments::amend_order(&app, &call.actor, command).await?;
    Ok(AmendmentRecorded::of(&outcome)?)
}

/// Money of an authorised order was taken
///
/// What a final capture leaves is gone, like a refund.
#[utoipa::path(post, path = "/track/capture", request_body = CaptureBody, params(KeyHeader), responses(
    (status = 201, description = "Recorded.", body = CaptureRecorded),
    (status = 200, description = "Recorded before, under the same key.", body = CaptureRecorded),
))]
pub async fn capture(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (call, body) = read::<CaptureBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, call.key)?;
    let outcome = captures::record_capture(&app, &call.actor, command).await?;
    Ok(CaptureRecorded::of(&outcome)?)
}

/// A customer disputes an order
///
/// Commissions come back with it until it is won.
#[utoipa::path(post, path = "/track/chargeback", request_body = ChargebackBody, params(KeyHeader), responses(
    (status = 201, description = "Recorded.", body = ChargebackRecorded),
    (status = 200, description = "Recorded before, under the same key.", body = ChargebackRecorded),
))]
pub async fn chargeback(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (call, body) = read::<ChargebackBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, call.key)?;
    let outcome = disputes::record_chargeback(&app, &call.actor, command).await?;
    Ok(ChargebackRecorded::of(&outcome)?)
}

/// How a dispute ended
///
/// Won: what came back is restored. Lost: it stays.
#[utoipa::path(post, path = "/track/chargeback/resolve", request_body = ResolutionBody, params(KeyHeader), responses(
    (status = 201, description = "Recorded.", body = ChargebackRecorded),
    (status = 200, description = "Recorded before, under the same key.", body = ChargebackRecorded),
))]
pub async fn resolve_chargeback(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, TrackError> {
    let (call, body) = read::<ResolutionBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, call.key);
    let outcome = disputes::resolve_chargeback(&app, &call.actor, command).await?;
    Ok(ChargebackRecorded::of(&outcome)?)
}
