//! What it is asked, and what it answers.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, RawQuery, State as Given},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    super::{
        Fault, Movement, Place, locked,
        strict::{Wrong, is_of_kind, query},
    },
    Account, Inside, Kept, SECRET_KEY, State, Transfer, check,
};
use crate::infra::rails::stripe::{IDEMPOTENCY_HEADER, REPLAYED_HEADER};

/// As long as a key is remembered.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);
const MAX_KEY_CHARS: usize = 255;
const MAX_LIMIT: usize = 100;

type Fake = Given<Arc<State>>;
/// A status and what it says.
type Outcome = (u16, Value);

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/v1/accounts", post(create_account))
        .route("/v1/accounts/{id}", get(read_account))
        .route("/v1/account_links", post(create_link))
        .route("/v1/transfers", post(create_transfer).get(list_transfers))
        .route("/v1/transfers/{id}", get(read_transfer))
        .with_state(state)
}

fn error(status: u16, kind: &str, code: Option<&str>, message: &str, param: Option<&str>) -> Outcome {
    let error = json!({"type": kind, "code": code, "message": message, "param": param});
    (status, json!({"error": error}))
}

fn invalid(wrong: &Wrong) -> Outcome {
    let Wrong { field, issue } = wrong;
    let code = match issue.as_str() {
        "Received unknown parameter" => "parameter_unknown",
        "Missing required param" => "parameter_missing",
        _ => "parameter_invalid",
    };
    error(400, "invalid_request_error", Some(code), issue, Some(field))
}

fn answer(status: u16, body: String) -> Response {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("request-id", HeaderValue::from_static("req_fake"));
    answer
}

/// What whoever is not known hears.
fn stranger(headers: &HeaderMap) -> Option<Response> {
    let expected = format!("Bearer {SECRET_KEY}");
    if headers
        .get("authorization")
        .is_some_and(|given| given.as_bytes() == expected.as_bytes())
    {
        return None;
    }
    let (status, body) = error(401, "invalid_request_error", None, "Invalid API Key provided", None);
    Some(answer(status, body.to_string()))
}

/// Whether an outcome is one of doing, or of only looking at what was asked: only the former is kept.
enum Done {
    Kept(Outcome),
    NotBegun(Outcome),
}

impl State {
    /// Posts under a key, which brings back the first outcome.
    fn post(
        &self,
        path: &'static str,
        headers: &HeaderMap,
        body: &str,
        act: impl FnOnce(&mut Inside) -> Done,
    ) -> Response {
        if let Some(answer) = stranger(headers) {
            return answer;
        }
        let plain = |(status, body): Outcome| answer(status, body.to_string());
        if !is_of_kind(headers, "application/x-www-form-urlencoded") {
            return plain(error(400, "invalid_request_error", None, "send a form", None));
        }
        let key = headers.get(IDEMPOTENCY_HEADER).and_then(|key| key.to_str().ok());
        let Some(key) = key.filter(|key| (1..=MAX_KEY_CHARS).contains(&key.len())) else {
            return plain(error(
                400,
                "idempotency_error",
                None,
                "The key is missing or too long",
                None,
            ));
        };
        let now = self.clock.now();
        let mut inside = locked(&self.inside);
        inside.keys.retain(|_, kept| now - kept.at < REMEMBERED);
        if let Some(kept) = inside.keys.get(key) {
            if kept.body != body || kept.path != path {
                let message =
                    "Keys for idempotent requests can only be used with the same parameters they were first used with.";
                return plain(error(400, "idempotency_error", None, message, None));
            }
            let mut answer = answer(kept.status, kept.answer.clone());
            answer
                .headers_mut()
                .insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
            return answer;
        }
        let (mut status, mut text) = match act(&mut inside) {
            Done::NotBegun(outcome) => return plain(outcome),
            Done::Kept((status, body)) => (status, body.to_string()),
        };
        // What goes wrong at the end is an outcome too, and is answered again.
        if self.faults.take_if(Place::Create, Fault::ErrorAfter) {
            let (error_status, body) = error(500, "api_error", None, "An unknown error occurred", None);
            (status, text) = (error_status, body.to_string());
        }
        let kept = Kept {
            path,
            body: body.to_owned(),
            status,
            answer: text.clone(),
            at: now,
        };
        inside.keys.insert(key.to_owned(), kept);
        answer(status, text)
    }

    fn transfer(&self, inside: &mut Inside, body: &str) -> Result<Done, Wrong> {
        let allowed = ["amount", "currency", "destination", "transfer_group", "description"];
        let form = check::form(body, &allowed)?;
        let amount = check::amount(&form)?;
        let currency = check::currency(&form, amount)?.to_owned();
        let destination = check::destination(&form)?.to_owned();
        let Some(account) = inside.accounts.iter().find(|account| account.id == destination) else {
            let message = "No such destination";
            let outcome = error(
                400,
                "invalid_request_error",
                Some("resource_missing"),
                message,
                Some("destination"),
            );
            return Ok(Done::Kept(outcome));
        };
        if !account.is_complete {
            let code = Some("insufficient_capabilities_for_transfer");
            let message = "Your destination account needs to have the `transfers` capability enabled.";
            return Ok(Done::Kept(error(400, "invalid_request_error", code, message, None)));
        }
        if !inside.book.covers(&currency, amount) {
            let code = Some("balance_insufficient");
            let message = "You have insufficient available funds in your Stripe account.";
            return Ok(Done::Kept(error(400, "invalid_request_error", code, message, None)));
        }
        inside.book.take(&currency, amount);
        inside.count += 1;
        let transfer = Transfer {
            id: format!("tr_{:014}", inside.count),
            amount,
            amount_reversed: 0,
            currency,
            destination,
            transfer_group: form.get("transfer_group").cloned(),
            description: form.get("description").cloned(),
            metadata: check::metadata(&form),
            created_at: self.clock.now(),
        };
        inside.book.movements.push(Movement {
            key: transfer.transfer_group.clone().unwrap_or_default(),
            to: transfer.destination.clone(),
            amount_minor: amount,
            currency: transfer.currency.to_ascii_uppercase(),
        });
        let json = transfer.json();
        self.tell("transfer.created", &json, self.clock.now());
        inside.transfers.push(transfer);
        Ok(Done::Kept((200, json)))
    }
}

async fn create_transfer(Given(state): Fake, headers: HeaderMap, body: String) -> Response {
    let act = || {
        let transfer = |inside: &mut Inside| {
            let done = state.transfer(inside, &body);
            done.unwrap_or_else(|wrong| Done::NotBegun(invalid(&wrong)))
        };
        state.post("/v1/transfers", &headers, &body, transfer)
    };
    if state.faults.is_next(Place::Create, Fault::ErrorAfter) {
        return act();
    }
    state.faults.around(Place::Create, act).await
}

async fn create_account(Given(state): Fake, headers: HeaderMap, body: String) -> Response {
    let make = |inside: &mut Inside| {
        let allowed = [
            "country",
            "email",
            "controller[fees][payer]",
            "controller[losses][payments]",
            "controller[stripe_dashboard][type]",
            "capabilities[transfers][requested]",
        ];
        let form = match check::form(&body, &allowed) {
            Ok(form) => form,
            Err(wrong) => return Done::NotBegun(invalid(&wrong)),
        };
        let is_country =
            |country: &&String| country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        let Some(country) = form.get("country").filter(is_country) else {
            let message = "Country is invalid";
            return Done::NotBegun(error(400, "invalid_request_error", None, message, Some("country")));
        };
        if form.get("capabilities[transfers][requested]").map(String::as_str) != Some("true") {
            let message = "transfers must be requested";
            return Done::NotBegun(error(400, "invalid_request_error", None, message, Some("capabilities")));
        }
        inside.count += 1;
        let account = Account {
            id: format!("acct_{:016}", inside.count),
            country: country.clone(),
            email: form.get("email").cloned(),
            reference: check::metadata(&form).remove("reference"),
            is_complete: false,
        };
        let json = account.json();
        inside.accounts.push(account);
        Done::Kept((200, json))
    };
    state.post("/v1/accounts", &headers, &body, make)
}

async fn create_link(Given(state): Fake, headers: HeaderMap, body: String) -> Response {
    let make = |inside: &mut Inside| {
        let read = || {
            let form = check::form(&body, &["account", "refresh_url", "return_url", "type"])?;
            let is_url = |name: &str| check::needed(&form, name).map(|text| url::Url::parse(text).is_ok());
            let fits = is_url("refresh_url")? && is_url("return_url")?;
            Ok((
                check::needed(&form, "account")?.to_owned(),
                fits && check::needed(&form, "type")? == "account_onboarding",
            ))
        };
        match read() {
            Err(wrong) => Done::NotBegun(invalid(&wrong)),
            Ok((_, false)) => Done::NotBegun(error(
                400,
                "invalid_request_error",
                None,
                "Not a valid URL or type",
                None,
            )),
            Ok((account, true)) if inside.accounts.iter().any(|known| known.id == account) => {
                inside.count += 1;
                let url = format!("https://connect.stripe.com/setup/e/{account}/{:08}", inside.count);
                let now = state.clock.now().timestamp();
                let link = json!({"object": "account_link", "created": now, "expires_at": now + 300, "url": url});
                Done::Kept((200, link))
            }
            Ok(_) => Done::NotBegun(error(
                400,
                "invalid_request_error",
                None,
                "No such account",
                Some("account"),
            )),
        }
    };
    state.post("/v1/account_links", &headers, &body, make)
}

fn found(json: Option<Value>) -> Response {
    let missing = || {
        error(
            404,
            "invalid_request_error",
            Some("resource_missing"),
            "No such object",
            Some("id"),
        )
    };
    let (status, body) = json.map_or_else(missing, |json| (200, json));
    answer(status, body.to_string())
}

async fn read_account(Given(state): Fake, headers: HeaderMap, Path(id): Path<String>) -> Response {
    if let Some(answer) = stranger(&headers) {
        return answer;
    }
    let inside = locked(&state.inside);
    found(
        inside
            .accounts
            .iter()
            .find(|account| account.id == id)
            .map(Account::json),
    )
}

async fn read_transfer(Given(state): Fake, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let act = || {
        if let Some(answer) = stranger(&headers) {
            return answer;
        }
        let inside = locked(&state.inside);
        found(
            inside
                .transfers
                .iter()
                .find(|transfer| transfer.id == id)
                .map(Transfer::json),
        )
    };
    state.faults.around(Place::Read, act).await
}

async fn list_transfers(Given(state): Fake, headers: HeaderMap, RawQuery(asked): RawQuery) -> Response {
    let act = || {
        if let Some(answer) = stranger(&headers) {
            return answer;
        }
        let asked = asked.as_deref();
        let limit = query(asked, "limit").map_or(Some(10), |text| text.parse::<usize>().ok());
        let Some(limit @ 1..=MAX_LIMIT) = limit else {
            let (status, body) = error(400, "invalid_request_error", None, "Invalid limit", Some("limit"));
            return answer(status, body.to_string());
        };
        let group = query(asked, "transfer_group");
        let inside = locked(&state.inside);
        let is_meant = |transfer: &&Transfer| group.is_none() || transfer.transfer_group == group;
        let data: Vec<Value> = inside
            .transfers
            .iter()
            .rev()
            .filter(is_meant)
            .map(Transfer::json)
            .collect();
        let has_more = data.len() > limit;
        let data = &data[..data.len().min(limit)];
        Json(json!({"object": "list", "url": "/v1/transfers", "has_more": has_more, "data": data})).into_response()
    };
    state.faults.around(Place::Read, act).await
}
