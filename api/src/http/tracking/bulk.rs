//! `POST /track/bulk`: many events in one request.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    answer::{BulkAnswer, RowAnswer, TrackError},
    check_media,
    docs::Events,
    read_bytes, server_of,
};
use crate::{
    app::App,
    conversions::{
        body::{malformed, read_row},
        service::bulk::{self, ErrorPolicy},
    },
};

/// Bytes of one request: a thousand events of two kilobytes.
const MAX_BODY: usize = 2 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BulkBody {
    events: Vec<Value>,
}

/// Many events
///
/// A refused event does not keep the others from being recorded.
#[utoipa::path(post, path = "/track/bulk", request_body = inline(Events), responses(
    (status = 200, description = "What became of each, in their order.", body = BulkAnswer),
))]
pub async fn bulk(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (actor, brand) = server_of(&app, &headers).await?;
    check_media(&headers)?;
    let bytes = read_bytes(body, MAX_BODY, "a request with many events").await?;
    let body: BulkBody = serde_json::from_slice(&bytes).map_err(malformed)?;
    let events = body.events.into_iter().map(|row| read_row(brand, row));
    let rows = bulk::record_events(&app, &actor, brand, events.collect(), ErrorPolicy::default()).await?;
    let results = rows.into_iter().map(RowAnswer::of).collect::<Result<_, _>>()?;
    Ok(Json(BulkAnswer { results }).into_response())
}
