//! `POST /track/bulk`: many events in one request.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{TrackError, check_media, conversion_json, read_bytes, refund_json, server_of};
use crate::{
    app::App,
    conversions::{
        body::{malformed, read_row},
        service::bulk::{self, ErrorPolicy, Made, Row},
    },
    error::ApiError,
};

/// Bytes of one request: a thousand events of two kilobytes.
const MAX_BODY: usize = 2 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BulkBody {
    events: Vec<Value>,
}

pub async fn bulk(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (actor, brand) = server_of(&app, &headers).await?;
    check_media(&headers)?;
    let bytes = read_bytes(body, MAX_BODY, "a request with many events").await?;
    let body: BulkBody = serde_json::from_slice(&bytes).map_err(malformed)?;
    let events = body.events.into_iter().map(|row| read_row(brand, row));
    let rows = bulk::record_events(&app, &actor, brand, events.collect(), ErrorPolicy::default()).await?;
    let results: Vec<Value> = rows.into_iter().map(row_json).collect::<Result<_, _>>()?;
    Ok(Json(json!({ "results": results })).into_response())
}

fn row_json(row: Row) -> Result<Value, ApiError> {
    let outcome = match row.result {
        Ok(outcome) => outcome,
        Err(failure) => {
            let (code, message) = (failure.code(), failure.public_message());
            return Ok(match failure.field() {
                Some(field) => json!({ "status": "refused", "code": code, "message": message, "field": field }),
                None => json!({ "status": "refused", "code": code, "message": message }),
            });
        }
    };
    let mut answer = match &outcome.value {
        Made::Conversion(row) => conversion_json(row)?,
        Made::Refund(row) => refund_json(row)?,
    };
    answer["status"] = json!(if outcome.replayed { "replayed" } else { "recorded" });
    Ok(answer)
}
