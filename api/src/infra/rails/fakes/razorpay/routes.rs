//! What it is asked, and what it answers.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, RawQuery, State as Given},
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
    ACCOUNT_NUMBER, KEY_ID, KEY_SECRET, Kept, Payout, State, check,
};
use crate::infra::rails::razorpay::{IDEMPOTENCY_HEADER, wire::OTHER_BODY};

/// As long as a key is remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(7);
const MAX_COUNT: usize = 100;

type Fake = Given<Arc<State>>;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/v1/payouts", post(create).get(list))
        .route("/v1/payouts/{id}", get(read))
        .route("/v1/payouts/{id}/cancel", post(cancel))
        .with_state(state)
}

fn refuse(status: StatusCode, description: &str, reason: &str, field: Option<&str>) -> Response {
    let error = json!({
        "code": "BAD_REQUEST_ERROR",
        "description": description,
        "source": "business",
        "step": "NA",
        "reason": reason,
        "metadata": {},
        "field": field,
    });
    (status, Json(json!({"error": error}))).into_response()
}

/// What whoever is not known hears.
fn stranger(headers: &HeaderMap) -> Option<Response> {
    if basic(headers) == Some(format!("{KEY_ID}:{KEY_SECRET}")) {
        return None;
    }
    Some(refuse(StatusCode::UNAUTHORIZED, "Authentication failed", "NA", None))
}

/// 4 to 36 letters, digits, hyphens, underscores and spaces.
fn key_of(headers: &HeaderMap) -> Option<String> {
    let key = headers.get(IDEMPOTENCY_HEADER)?.to_str().ok()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b' ');
    ((4..=36).contains(&key.len()) && key.bytes().all(fits)).then(|| key.to_owned())
}

impl State {
    fn create(&self, headers: &HeaderMap, body: &str) -> Response {
        if let Some(answer) = stranger(headers) {
            return answer;
        }
        let bad = |description: &str, reason: &str, field: Option<&str>| {
            refuse(StatusCode::BAD_REQUEST, description, reason, field)
        };
        if !is_of_kind(headers, "application/json") {
            return bad("Please provide your request in JSON", "NA", None);
        }
        let Some(key) = key_of(headers) else {
            return bad(
                "The idempotency key is missing or invalid",
                "NA",
                Some("X-Payout-Idempotency"),
            );
        };
        let now = self.clock.now();
        let mut inside = locked(&self.inside);
        inside.keys.retain(|_, kept| now - kept.at < REMEMBERED);
        if let Some(kept) = inside.keys.get(&key) {
            if kept.body != body {
                return bad(OTHER_BODY, "NA", None);
            }
            return Json(inside.payouts[kept.payout].json()).into_response();
        }
        let wanted = match check::payout(&serde_json::from_str(body).unwrap_or_default()) {
            Ok(wanted) => wanted,
            Err(wrong) => {
                let description = format!("The {} {}", wrong.field, wrong.issue);
                return bad(&description, "input_validation_failed", Some(&wrong.field));
            }
        };
        let is_covered = inside.book.covers("INR", wanted.amount);
        if !is_covered && !wanted.waits {
            let description = "Your account does not have enough balance to carry out the payout operation.";
            return bad(description, "insufficient_funds", None);
        }
        if is_covered {
            inside.book.take("INR", wanted.amount);
        }
        inside.count += 1;
        let payout = Payout {
            id: format!("pout_{:014}", inside.count),
            key: wanted.reference,
            to: wanted.to,
            amount: wanted.amount,
            mode: wanted.mode,
            narration: wanted.narration,
            status: if is_covered { "processing" } else { "queued" }.to_owned(),
            utr: None,
            details: (!is_covered).then(|| ("low_balance".to_owned(), "Waiting for balance".to_owned())),
            created_at: now,
        };
        self.tell(&payout, if is_covered { "initiated" } else { "queued" }, now);
        let answer = payout.json();
        let kept = Kept {
            body: body.to_owned(),
            payout: inside.payouts.len(),
            at: now,
        };
        inside.payouts.push(payout);
        inside.keys.insert(key, kept);
        Json(answer).into_response()
    }
}

async fn create(Given(state): Fake, headers: HeaderMap, body: String) -> Response {
    state
        .faults
        .around(Place::Create, || state.create(&headers, &body))
        .await
}

async fn list(Given(state): Fake, headers: HeaderMap, RawQuery(asked): RawQuery) -> Response {
    let act = || {
        if let Some(answer) = stranger(&headers) {
            return answer;
        }
        let asked = asked.as_deref();
        if query(asked, "account_number").as_deref() != Some(ACCOUNT_NUMBER) {
            let description = "The account number field is required.";
            return refuse(StatusCode::BAD_REQUEST, description, "NA", Some("account_number"));
        }
        let number = |name: &str, otherwise: usize| {
            query(asked, name).map_or(Some(otherwise), |text| text.parse::<usize>().ok())
        };
        let (Some(count @ 1..=MAX_COUNT), Some(skip)) = (number("count", 10), number("skip", 0)) else {
            let description = "The count must be between 1 and 100.";
            return refuse(StatusCode::BAD_REQUEST, description, "NA", Some("count"));
        };
        let (reference, status) = (query(asked, "reference_id"), query(asked, "status"));
        let inside = locked(&state.inside);
        let is_meant = |payout: &&Payout| {
            reference.as_ref().is_none_or(|reference| payout.key == *reference)
                && status.as_ref().is_none_or(|status| payout.status == *status)
        };
        // The newest first.
        let found = inside.payouts.iter().rev().filter(is_meant).skip(skip).take(count);
        let items: Vec<Value> = found.map(Payout::json).collect();
        Json(json!({"entity": "collection", "count": items.len(), "items": items})).into_response()
    };
    state.faults.around(Place::Read, act).await
}

async fn read(Given(state): Fake, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let act = || {
        if let Some(answer) = stranger(&headers) {
            return answer;
        }
        let inside = locked(&state.inside);
        match inside.payouts.iter().find(|payout| payout.id == id) {
            Some(payout) => Json(payout.json()).into_response(),
            None => refuse(StatusCode::BAD_REQUEST, "The id provided does not exist", "NA", None),
        }
    };
    state.faults.around(Place::Read, act).await
}

async fn cancel(Given(state): Fake, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let act = || {
        if let Some(answer) = stranger(&headers) {
            return answer;
        }
        let mut inside = locked(&state.inside);
        let Some(payout) = inside.payouts.iter_mut().find(|payout| payout.id == id) else {
            return refuse(StatusCode::BAD_REQUEST, "The id provided does not exist", "NA", None);
        };
        if payout.status != "queued" {
            let description = "Payout cannot be cancelled as it is not in queued state";
            return refuse(StatusCode::BAD_REQUEST, description, "NA", None);
        }
        // Nothing is told of it.
        "cancelled".clone_into(&mut payout.status);
        payout.details = None;
        Json(payout.json()).into_response()
    };
    state.faults.around(Place::Cancel, act).await
}
