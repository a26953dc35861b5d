//! What it is asked, and what it answers.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, RawQuery, State as Given},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    super::{
        Place, locked,
        strict::{basic, is_of_kind, query},
    },
    Batch, CLIENT_ID, Inside, Item, SECRET, State, TOKEN_SECONDS, check,
};

/// As long as an id of a batch is remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(30);
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
const MAX_PAGE_SIZE: usize = 1_000;

type Fake = Given<Arc<State>>;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/v1/oauth2/token", post(token))
        .route("/v1/payments/payouts", post(create))
        .route("/v1/payments/payouts/{id}", get(read))
        .route("/v1/payments/payouts-item/{id}", get(read_item))
        .route("/v1/payments/payouts-item/{id}/cancel", post(cancel))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(state)
}

fn refuse(status: StatusCode, name: &str, message: &str) -> Response {
    let body = json!({"name": name, "message": message, "debug_id": "f4ke", "details": [], "links": []});
    (status, Json(body)).into_response()
}

async fn token(Given(state): Fake, headers: HeaderMap, body: String) -> Response {
    let act = || {
        if basic(&headers) != Some(format!("{CLIENT_ID}:{SECRET}")) {
            let body = json!({"error": "invalid_client", "error_description": "Client Authentication failed"});
            return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
        }
        if body != "grant_type=client_credentials" || !is_of_kind(&headers, "application/x-www-form-urlencoded") {
            let body = json!({"error": "unsupported_grant_type", "error_description": "Grant Type is NULL"});
            return (StatusCode::BAD_REQUEST, Json(body)).into_response();
        }
        let mut inside = locked(&state.inside);
        inside.tokens_given += 1;
        let text = format!("A21AA{:06}", inside.tokens_given);
        let ends_at = state.clock.now() + TimeDelta::seconds(TOKEN_SECONDS);
        inside.tokens.push((text.clone(), ends_at));
        Json(json!({"access_token": text, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})).into_response()
    };
    state.faults.around(Place::Token, act).await
}

impl State {
    /// What whoever is not known hears.
    fn stranger(&self, headers: &HeaderMap) -> Option<Response> {
        let given = headers.get("authorization").and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer "));
        let now = self.clock.now();
        let inside = locked(&self.inside);
        let holds = inside
            .tokens
            .iter()
            .any(|(text, ends_at)| Some(text.as_str()) == given && now < *ends_at);
        if holds {
            return None;
        }
        let message = "Authentication failed due to invalid authentication credentials";
        Some(refuse(StatusCode::UNAUTHORIZED, "AUTHENTICATION_FAILURE", message))
    }

    fn create(&self, headers: &HeaderMap, body: &str) -> Response {
        locked(&self.inside).creations += 1;
        if let Some(answer) = self.stranger(headers) {
            return answer;
        }
        if !is_of_kind(headers, "application/json") {
            return refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_MEDIA_TYPE",
                "send JSON",
            );
        }
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let wanted = match check::batch(&body, &locked(&self.inside).disliked) {
            Ok(wanted) => wanted,
            Err(wrongs) => {
                let detail =
                    |wrong: check::Wrong| json!({"field": wrong.field, "location": "body", "issue": wrong.issue});
                let details: Vec<Value> = wrongs.into_iter().map(detail).collect();
                let body = json!({
                    "name": "VALIDATION_ERROR",
                    "message": "Invalid request - see details",
                    "debug_id": "f4ke",
                    "details": details,
                });
                return (StatusCode::BAD_REQUEST, Json(body)).into_response();
            }
        };
        let now = self.clock.now();
        let mut inside = locked(&self.inside);
        let twin = inside
            .batches
            .iter()
            .find(|batch| batch.sender_batch_id == wanted.sender_batch_id && now - batch.created_at < REMEMBERED);
        if let Some(twin) = twin {
            return duplicate(&twin.id);
        }
        let currency = wanted.items[0].amount.currency.code();
        let total = wanted.items.iter().map(|item| item.amount.amount_minor).sum();
        if !inside.book.covers(currency, total) {
            let message = "Sender does not have sufficient funds";
            return refuse(StatusCode::UNPROCESSABLE_ENTITY, "INSUFFICIENT_FUNDS", message);
        }
        inside.book.take(currency, total);
        let batch = keep(&mut inside, wanted, now);
        let links = json!([{"href": format!("https://api.sandbox.paypal.com/v1/payments/payouts/{}", batch.id), "rel": "self"}]);
        let body = json!({"batch_header": batch.header(), "links": links});
        (StatusCode::CREATED, Json(body)).into_response()
    }
}

fn keep(inside: &mut Inside, wanted: check::Wanted, now: chrono::DateTime<chrono::Utc>) -> &Batch {
    inside.count += 1;
    let id = format!("BATCH{:08}", inside.count);
    let items = wanted.items.into_iter().zip(1..);
    let items = items.map(|(item, number): (_, usize)| Item {
        id: format!("ITEM{id}{number:06}"),
        batch: id.clone(),
        key: item.key,
        receiver: item.receiver,
        amount: item.amount,
        state: "PENDING".to_owned(),
        transaction: None,
        error: None,
    });
    let items = items.collect();
    inside.batches.push(Batch {
        id,
        sender_batch_id: wanted.sender_batch_id,
        created_at: now,
        state: "PENDING",
        items,
    });
    &inside.batches[inside.batches.len() - 1]
}

fn duplicate(id: &str) -> Response {
    let body = json!({
        "name": "USER_BUSINESS_ERROR",
        "message": "User business error.",
        "debug_id": "f4ke",
        "details": [{
            "field": "SENDER_BATCH_ID",
            "location": "body",
            "issue": "Batch with given sender_batch_id already exists",
            "link": [{
                "href": format!("https://api.sandbox.paypal.com/v1/payments/payouts/{id}"),
                "rel": "self",
                "method": "GET",
                "encType": "application/json",
            }],
        }],
        "links": [],
    });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

async fn create(Given(state): Fake, headers: HeaderMap, body: String) -> Response {
    state
        .faults
        .around(Place::Create, || state.create(&headers, &body))
        .await
}

async fn read(Given(state): Fake, headers: HeaderMap, Path(id): Path<String>, RawQuery(asked): RawQuery) -> Response {
    let act = || {
        if let Some(answer) = state.stranger(&headers) {
            return answer;
        }
        let number = |name: &str, otherwise: usize| {
            query(asked.as_deref(), name).map_or(Some(otherwise), |text| text.parse::<usize>().ok())
        };
        let (page, size) = match (number("page", 1), number("page_size", MAX_PAGE_SIZE)) {
            (Some(page @ 1..), Some(size @ 1..=MAX_PAGE_SIZE)) => (page, size),
            _ => return refuse(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", "no such page"),
        };
        let mut inside = locked(&state.inside);
        if let Some(said) = inside.said.pop_front() {
            return Json(said).into_response();
        }
        let Some(batch) = inside.batches.iter().find(|batch| batch.id == id) else {
            return refuse(StatusCode::NOT_FOUND, "RESOURCE_NOT_FOUND", "no such batch");
        };
        let items = batch.items.iter().skip((page - 1) * size).take(size);
        let mut body = json!({
            "batch_header": batch.header(),
            "items": items.map(Item::json).collect::<Vec<_>>(),
        });
        if query(asked.as_deref(), "total_required").as_deref() == Some("true") {
            body["total_items"] = batch.items.len().into();
            body["total_pages"] = batch.items.len().div_ceil(size).into();
        }
        Json(body).into_response()
    };
    state.faults.around(Place::Read, act).await
}

async fn read_item(Given(state): Fake, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let act = || {
        if let Some(answer) = state.stranger(&headers) {
            return answer;
        }
        let inside = locked(&state.inside);
        let mut items = inside.batches.iter().flat_map(|batch| &batch.items);
        match items.find(|item| item.id == id) {
            Some(item) => Json(item.json()).into_response(),
            None => refuse(StatusCode::NOT_FOUND, "RESOURCE_NOT_FOUND", "no such item"),
        }
    };
    state.faults.around(Place::Read, act).await
}

async fn cancel(Given(state): Fake, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let act = || {
        if let Some(answer) = state.stranger(&headers) {
            return answer;
        }
        let now = state.clock.now();
        let mut inside = locked(&state.inside);
        let mut items = inside.batches.iter_mut().flat_map(|batch| &mut batch.items);
        let Some(item) = items.find(|item| item.id == id) else {
            return refuse(StatusCode::NOT_FOUND, "RESOURCE_NOT_FOUND", "no such item");
        };
        if item.state != "UNCLAIMED" {
            let message = "Item status is not UNCLAIMED";
            return refuse(StatusCode::BAD_REQUEST, "ITEM_INCORRECT_STATUS", message);
        }
        "RETURNED".clone_into(&mut item.state);
        state.tell_item(item, now, "CANCELED");
        Json(item.json()).into_response()
    };
    state.faults.around(Place::Cancel, act).await
}
