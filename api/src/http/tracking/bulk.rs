//! `POST /track/bulk`: many events in one request.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use entity::{ids::BrandId, refused_event::EventKind};
use serde::Deserialize;
use serde_json::Value;

use super::{
    answer::{BulkAnswer, RowAnswer, TrackError},
    arrived::{Arrived, Door},
    docs::Events,
    server_of,
};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    conversions::{
        body::{read_row, split_row},
        inbox::{self, keep::Refused},
        service::bulk::{self, ErrorPolicy, Row},
    },
};

/// Bytes of one request: a thousand events of two kilobytes.
const MAX_BODY: usize = 2 * 1024 * 1024;

const DOOR: Door = Door {
    path: "/track/bulk",
    kind: EventKind::Unreadable,
    operation: Operation::RecordEvents,
};

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
    let mut arrived = Arrived::read(&headers, body, MAX_BODY, "a request with many events").await;
    match record(&app, &actor, brand, &mut arrived).await {
        Ok((rows, refused)) => {
            DOOR.keep(&app, &actor, brand, refused).await;
            let results = rows.into_iter().map(RowAnswer::of).collect::<Result<_, _>>()?;
            Ok(Json(BulkAnswer { results }).into_response())
        }
        Err(error) => {
            if error.of_content {
                let refused = error.refused(EventKind::Unreadable, arrived.body(), None);
                DOOR.keep(&app, &actor, brand, vec![refused]).await;
            }
            Err(error)
        }
    }
}

/// What became of each event, and those that are to be kept.
async fn record(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    arrived: &mut Arrived,
) -> Result<(Vec<Row>, Vec<Refused>), TrackError> {
    let body: BulkBody = arrived.parse()?;
    let events = body.events.into_iter().map(|row| read_row(brand, row));
    let rows = bulk::record_events(app, actor, brand, events.collect(), ErrorPolicy::default()).await?;
    let failed = |row: &Row| row.result.as_ref().is_err_and(inbox::is_of_content);
    if !rows.iter().any(failed) {
        return Ok((rows, Vec::new()));
    }
    // What was read is used up: the few that are refused are read again.
    let again: BulkBody = arrived.parse()?;
    let refused = rows.iter().zip(again.events).filter_map(|(row, event)| {
        let failure = row.result.as_ref().err()?;
        let (kind, body, key) = split_row(event);
        Refused::of(failure, kind, body, key)
    });
    let refused = refused.collect();
    Ok((rows, refused))
}
