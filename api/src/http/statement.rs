//! `/statements/{partnership}.csv`: a partner's statement for finance people, as RFC 4180 has it.

use std::io;

use async_stream::try_stream;
use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use entity::ids::PartnershipId;
use futures_util::Stream;
use sea_orm::ActiveEnum;
use serde::Deserialize;
use serde_json::json;

use crate::{
    accounts::actor::Identity,
    error::ApiError,
    http::{Edge, identity::actor_of, status_of},
    infra::sheets::{csv_text, harmless},
    ledger::entries::Only,
    money::Currency,
    payouts::statement::export::{self, Export, MAX_ROWS, NoExport, Row},
};

const HEADINGS: [&str; 11] = [
    "occurred_at",
    "account",
    "kind",
    "amount",
    "balance",
    "currency",
    "details",
    "commission_id",
    "payout_id",
    "adjustment_id",
    "entry_id",
];

/// As `Partnership.statement` is narrowed; lists have commas between.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    currency: String,
    accounts: Option<String>,
    kinds: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

pub async fn download(
    State(edge): State<Edge>,
    Path(file): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    match open(&edge, &file, wanted, &headers).await {
        Ok((partnership, export)) => {
            let name = format!("statement-{partnership}-{}.csv", export.currency);
            let mut response = Body::from_stream(text(export)).into_response();
            let headers = response.headers_mut();
            let media = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
            headers.insert(header::CONTENT_TYPE, media);
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            // Nothing but letters, digits, underscores and hyphens.
            if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
                headers.insert(header::CONTENT_DISPOSITION, value);
            }
            response
        }
        Err(error) => refuse(error),
    }
}

async fn open(
    edge: &Edge,
    file: &str,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: &HeaderMap,
) -> Result<(PartnershipId, Export), NoExport> {
    let actor = actor_of(&edge.app, headers).await?;
    if actor.identity == Identity::Anonymous {
        return Err(ApiError::Unauthenticated("sign in first, and send the token as a bearer token").into());
    }
    let partnership: PartnershipId = file
        .strip_suffix(".csv")
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| ApiError::not_found("statement"))?;
    let Query(wanted) = wanted.map_err(|rejection| ApiError::bad_input(rejection.body_text()))?;
    let currency: Currency = wanted
        .currency
        .parse()
        .map_err(|error| ApiError::bad_field("currency", error))?;
    let only = Only {
        accounts: values(wanted.accounts.as_deref(), "accounts")?,
        kinds: values(wanted.kinds.as_deref(), "kinds")?,
        from: moment(wanted.from.as_deref(), "from")?,
        until: moment(wanted.until.as_deref(), "until")?,
    };
    let export = export::open(&edge.app, &actor, partnership, currency, only, MAX_ROWS).await?;
    Ok((partnership, export))
}

/// Names of an enum with commas between.
fn values<E: ActiveEnum<Value = String>>(text: Option<&str>, field: &str) -> Result<Option<Vec<E>>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let value = |name: &str| {
        E::try_from_value(&name.to_owned()).map_err(|_| {
            ApiError::bad_field(
                field,
                format!("`{field}` are names of `/schema.graphql` with commas between"),
            )
        })
    };
    text.split(',').map(value).collect::<Result<_, _>>().map(Some)
}

/// A moment by RFC 3339, or the beginning of a day in UTC.
fn moment(text: Option<&str>, field: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let day = || {
        text.parse::<NaiveDate>()
            .map(|day| day.and_time(NaiveTime::MIN).and_utc())
    };
    DateTime::parse_from_rfc3339(text)
        .map(|moment| moment.to_utc())
        .or_else(|_| day())
        .map(Some)
        .map_err(|_| {
            ApiError::bad_field(
                field,
                format!("`{field}` is a day such as 2026-01-31, or a time by RFC 3339"),
            )
        })
}

/// The file, a piece at a time. One that cannot be finished breaks off, so that nobody takes it for whole.
fn text(mut export: Export) -> impl Stream<Item = io::Result<Bytes>> + Send {
    try_stream! {
        yield csv_text([HEADINGS.map(str::to_owned).to_vec()]).into();
        loop {
            let rows = export.next().await.map_err(|fault| {
                tracing::error!(cause = %fault, "a statement broke off");
                io::Error::other("the statement broke off")
            })?;
            let Some(rows) = rows else { break };
            if !rows.is_empty() {
                yield csv_text(rows.into_iter().map(record)).into();
            }
        }
    }
}

fn record(row: Row) -> Vec<String> {
    let id = |id: Option<String>| id.unwrap_or_default();
    vec![
        row.occurred_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        row.account.to_value(),
        row.kind.to_value(),
        // Numbers, also those below zero: a sheet is to add them up.
        row.amount.to_decimal().to_string(),
        row.balance.to_decimal().to_string(),
        row.amount.currency.code().to_owned(),
        harmless(row.details.unwrap_or_default()),
        id(row.commission.map(|id| id.to_string())),
        id(row.payout.map(|id| id.to_string())),
        id(row.adjustment.map(|id| id.to_string())),
        row.entry.to_string(),
    ]
}

fn refuse(error: NoExport) -> Response {
    let (status, error) = match error {
        NoExport::TooManyRows { count, at_most } => {
            let message = format!("{count} entries, and a file holds at most {at_most}: ask for a shorter time");
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                json!({ "code": "TOO_MANY_ROWS", "message": message }),
            )
        }
        NoExport::Api(error) => {
            if let ApiError::Internal(_) = &error {
                tracing::error!(cause = error.log_text(), "a statement could not be opened");
            }
            let mut told = json!({ "code": error.code(), "message": error.public_message() });
            if let ApiError::BadUserInput { field: Some(field), .. } = &error {
                told["field"] = json!(field);
            }
            (status_of(&error), told)
        }
    };
    (status, Json(json!({ "error": error }))).into_response()
}
