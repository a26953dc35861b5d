//! What becomes of an order after its sale.

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use entity::refused_event::EventKind;

use super::{
    Call, KeyHeader,
    answer::{AmendmentRecorded, CaptureRecorded, ChargebackRecorded, TrackError},
    arrived::{Door, take},
};
use crate::{
    accounts::permissions::Operation,
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
    let door = Door {
        path: "/track/amend",
        kind: EventKind::Amendment,
        operation: Operation::AmendOrder,
    };
    take(&app, &headers, body, door, async |call: Call, body: AmendBody| {
        let command = body.command(call.brand, call.key)?;
        let outcome = amendments::amend_order(&app, &call.actor, command).await?;
        Ok(AmendmentRecorded::of(&outcome)?)
    })
    .await
}

/// Money of an authorised order was taken
///
/// What a final capture leaves is gone, like a refund.
#[utoipa::path(post, path = "/track/capture", request_body = CaptureBody, params(KeyHeader), responses(
    (status = 201, description = "Recorded.", body = CaptureRecorded),
    (status = 200, description = "Recorded before, under the same key.", body = CaptureRecorded),
))]
pub async fn capture(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let door = Door {
        path: "/track/capture",
        kind: EventKind::Capture,
        operation: Operation::RecordCapture,
    };
    take(&app, &headers, body, door, async |call: Call, body: CaptureBody| {
        let command = body.command(call.brand, call.key)?;
        let outcome = captures::record_capture(&app, &call.actor, command).await?;
        Ok(CaptureRecorded::of(&outcome)?)
    })
    .await
}

/// A customer disputes an order
///
/// Commissions come back with it until it is won.
#[utoipa::path(post, path = "/track/chargeback", request_body = ChargebackBody, params(KeyHeader), responses(
    (status = 201, description = "Recorded.", body = ChargebackRecorded),
    (status = 200, description = "Recorded before, under the same key.", body = ChargebackRecorded),
))]
pub async fn chargeback(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let door = Door {
        path: "/track/chargeback",
        kind: EventKind::Chargeback,
        operation: Operation::RecordChargeback,
    };
    take(&app, &headers, body, door, async |call: Call, body: ChargebackBody| {
        let command = body.command(call.brand, call.key)?;
        let outcome = disputes::record_chargeback(&app, &call.actor, command).await?;
        Ok(ChargebackRecorded::of(&outcome)?)
    })
    .await
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
    let door = Door {
        path: "/track/chargeback/resolve",
        kind: EventKind::ChargebackResolution,
        operation: Operation::ResolveChargeback,
    };
    take(&app, &headers, body, door, async |call: Call, body: ResolutionBody| {
        let command = body.command(call.brand, call.key);
        let outcome = disputes::resolve_chargeback(&app, &call.actor, command).await?;
        Ok(ChargebackRecorded::of(&outcome)?)
    })
    .await
}
