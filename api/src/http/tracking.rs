//! `/track/*`: the doors for a brand's server. Each ends in the same service call as its mutation.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::{DateTime, Utc};
use entity::{
    capture, chargeback, commission_rule::ConversionEvent, conversion, ids::BrandId, order::CaptureState,
    order_amendment, refund,
};
use rust_decimal::Decimal;
use sea_orm::ActiveEnum;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    accounts::actor::{Actor, Identity},
    app::App,
    conversions::{
        error::ConversionErrorCode,
        service::{
            amend::{self, AmendOrder},
            capture::{self as captures, RecordCapture},
            chargeback::{self as disputes, DisputeOutcome, RecordChargeback, ResolveChargeback},
            record::{self, RecordEvent},
            refund::{self as refunds, RecordRefund},
        },
    },
    error::{ApiError, Failure, RefusalCode},
    http::identity::actor_of,
    idempotency::{Key, Outcome},
    money::{Money, parse_decimal},
};

/// Bytes of one event.
const MAX_BODY: usize = 64 * 1024;
const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/track/signup", post(signup))
        .route("/track/lead", post(lead))
        .route("/track/purchase", post(purchase))
        .route("/track/refund", post(refund))
        .route("/track/amend", post(amend))
        .route("/track/capture", post(capture))
        .route("/track/chargeback", post(chargeback))
        .route("/track/chargeback/resolve", post(resolve_chargeback))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EventBody {
    program_id: Option<String>,
    customer_id: Option<String>,
    #[serde(default)]
    promo_codes: Vec<String>,
    click_id: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PurchaseBody {
    program_id: Option<String>,
    customer_id: Option<String>,
    order_id: String,
    amount: String,
    currency: String,
    #[serde(default)]
    capture: CaptureBody,
    #[serde(default)]
    promo_codes: Vec<String>,
    click_id: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum CaptureBody {
    Authorized,
    #[default]
    Captured,
}

impl From<CaptureBody> for CaptureState {
    fn from(body: CaptureBody) -> Self {
        match body {
            CaptureBody::Authorized => Self::Authorized,
            CaptureBody::Captured => Self::Captured,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AmendBody {
    order_id: String,
    amount: String,
    currency: String,
    reason: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CaptureOfBody {
    order_id: String,
    amount: Option<String>,
    currency: Option<String>,
    #[serde(default)]
    is_final: bool,
    occurred_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChargebackBody {
    order_id: String,
    reference: String,
    amount: Option<String>,
    currency: Option<String>,
    reason: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResolveBody {
    order_id: String,
    reference: String,
    outcome: OutcomeBody,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum OutcomeBody {
    Won,
    Lost,
}

impl From<OutcomeBody> for DisputeOutcome {
    fn from(body: OutcomeBody) -> Self {
        match body {
            OutcomeBody::Won => Self::Won,
            OutcomeBody::Lost => Self::Lost,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefundBody {
    order_id: String,
    amount: Option<String>,
    currency: Option<String>,
    reason: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

/// What a refusal of either kind looks like here.
struct TrackError {
    status: StatusCode,
    code: &'static str,
    message: String,
    field: Option<String>,
}

impl From<ApiError> for TrackError {
    fn from(error: ApiError) -> Self {
        if let ApiError::Internal(_) = &error {
            tracing::error!(cause = error.log_text(), "an event could not be recorded");
        }
        let status = match &error {
            ApiError::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            ApiError::Forbidden(_) => StatusCode::FORBIDDEN,
            ApiError::NotFound(_) => StatusCode::NOT_FOUND,
            ApiError::BadUserInput { .. } => StatusCode::BAD_REQUEST,
            ApiError::Conflict(_) => StatusCode::CONFLICT,
            ApiError::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            ApiError::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            ApiError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let field = match &error {
            ApiError::BadUserInput { field, .. } => field.clone(),
            _ => None,
        };
        Self {
            status,
            code: error.code(),
            message: error.public_message(),
            field,
        }
    }
}

impl From<Failure<ConversionErrorCode>> for TrackError {
    fn from(failure: Failure<ConversionErrorCode>) -> Self {
        match failure {
            Failure::Api(error) => error.into(),
            Failure::Refused(refusal) => Self {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                code: refusal.code.as_str(),
                message: refusal.message,
                field: refusal.field,
            },
        }
    }
}

impl IntoResponse for TrackError {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(field) = self.field {
            error["field"] = Value::String(field);
        }
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}

/// A request of a brand's server, with its mandatory key.
struct Call<T> {
    actor: Actor,
    brand: BrandId,
    key: Key,
    body: T,
}

async fn read<T: DeserializeOwned>(app: &App, headers: &HeaderMap, body: Body) -> Result<Call<T>, TrackError> {
    let actor = actor_of(app, headers).await?;
    let brand = match actor.identity {
        Identity::SecretKey { brand, .. } => brand,
        Identity::Anonymous => {
            return Err(ApiError::Unauthenticated("send the brand's secret key as a bearer token").into());
        }
        _ => return Err(ApiError::Forbidden("only a brand's secret key may report events".to_owned()).into()),
    };
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .split(';')
                .next()
                .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
        });
    if !json {
        return Err(TrackError {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code: "BAD_USER_INPUT",
            message: "send the event as application/json".to_owned(),
            field: None,
        });
    }
    let key = headers
        .get(IDEMPOTENCY_KEY)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| ApiError::bad_field("idempotencyKey", "send an Idempotency-Key header"))?;
    let key = Key::parse(key)?;
    let bytes = to_bytes(body, MAX_BODY).await.map_err(|_| TrackError {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        code: "BAD_USER_INPUT",
        message: format!("an event has at most {MAX_BODY} bytes"),
        field: None,
    })?;
    let body =
        serde_json::from_slice(&bytes).map_err(|error| ApiError::bad_input(format!("malformed event: {error}")))?;
    Ok(Call {
        actor,
        brand,
        key,
        body,
    })
}

fn amount(amount: &str, currency: String) -> Result<(Decimal, String), TrackError> {
    let amount = parse_decimal(amount)
        .ok_or_else(|| ApiError::bad_field("amount", "an amount is a decimal text such as \"12.50\""))?;
    Ok((amount, currency))
}

/// An amount that may be left out, with its currency or not at all.
fn optional_amount(text: Option<String>, currency: Option<String>) -> Result<Option<(Decimal, String)>, TrackError> {
    match (text, currency) {
        (Some(text), Some(currency)) => amount(&text, currency).map(Some),
        (None, None) => Ok(None),
        _ => Err(ApiError::bad_field("currency", "amount and currency belong together").into()),
    }
}

fn answered(outcome: &Outcome<Value>) -> Response {
    let status = if outcome.replayed {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let mut body = outcome.value.clone();
    body["replayed"] = Value::Bool(outcome.replayed);
    (status, Json(body)).into_response()
}

fn money_json(amount_minor: i64, currency: &str) -> Result<Value, ApiError> {
    let money = Money::new(amount_minor, currency.parse().map_err(ApiError::internal)?);
    Ok(json!({ "amount": money.to_decimal().to_string(), "currency": currency }))
}

fn conversion_json(row: &conversion::Model) -> Result<Value, ApiError> {
    let amount = row
        .currency
        .as_deref()
        .map(|currency| money_json(row.amount_minor, currency))
        .transpose()?;
    Ok(json!({
        "conversion": {
            "id": row.id.to_string(),
            "event": row.event.to_value(),
            "state": row.state.to_value(),
            "amount": amount,
            "occurredAt": row.occurred_at,
            "attribution": {
                "partnershipId": row.partnership_id.map(|id| id.to_string()),
                "method": row.attribution_method.map(|method| method.to_value()),
                "explanation": row.attribution_explanation,
            },
            "earningExplanation": row.earning_explanation,
        }
    }))
}

fn refund_json(row: &refund::Model) -> Result<Value, ApiError> {
    Ok(json!({
        "refund": {
            "id": row.id.to_string(),
            "amount": money_json(row.amount_minor, &row.currency)?,
            "occurredAt": row.occurred_at,
        }
    }))
}

fn program_id(id: Option<String>) -> Result<Option<entity::ids::ProgramId>, ApiError> {
    id.map(|id| id.parse().map_err(|error| ApiError::bad_field("programId", error)))
        .transpose()
}

async fn record_event(app: &App, event: ConversionEvent, call: Call<EventBody>) -> Result<Response, TrackError> {
    let command = RecordEvent {
        brand: call.brand,
        event,
        program: program_id(call.body.program_id)?,
        customer_id: call.body.customer_id,
        order_id: None,
        amount: None,
        capture: CaptureState::Captured,
        promo_codes: call.body.promo_codes,
        click_id: call.body.click_id,
        occurred_at: call.body.occurred_at,
        idempotency_key: call.key,
    };
    let outcome = record::record_conversion(app, &call.actor, command).await?;
    let value = conversion_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
}

async fn signup(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let call = read(&app, &headers, body).await?;
    record_event(&app, ConversionEvent::Signup, call).await
}

async fn lead(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let call = read(&app, &headers, body).await?;
    record_event(&app, ConversionEvent::Lead, call).await
}

async fn purchase(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let call: Call<PurchaseBody> = read(&app, &headers, body).await?;
    let command = RecordEvent {
        brand: call.brand,
        event: ConversionEvent::Sale,
        program: program_id(call.body.program_id)?,
        customer_id: call.body.customer_id,
        order_id: Some(call.body.order_id),
        amount: Some(amount(&call.body.amount, call.body.currency)?),
        capture: call.body.capture.into(),
        promo_codes: call.body.promo_codes,
        click_id: call.body.click_id,
        occurred_at: call.body.occurred_at,
        idempotency_key: call.key,
    };
    let outcome = record::record_conversion(&app, &call.actor, command).await?;
    let value = conversion_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
}

async fn refund(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let call: Call<RefundBody> = read(&app, &headers, body).await?;
    let command = RecordRefund {
        brand: call.brand,
        order_id: call.body.order_id,
        amount: optional_amount(call.body.amount, call.body.currency)?,
        reason: call.body.reason,
        occurred_at: call.body.occurred_at,
        idempotency_key: call.key,
    };
    let outcome = refunds::record_refund(&app, &call.actor, command).await?;
    let value = refund_json(&outcome.value)?;
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

async fn amend(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let call: Call<AmendBody> = read(&app, &headers, body).await?;
    let command = AmendOrder {
        brand: call.brand,
        order_id: call.body.order_id,
        amount: amount(&call.body.amount, call.body.currency)?,
        reason: call.body.reason,
        occurred_at: call.body.occurred_at,
        idempotency_key: call.key,
    };
    let outcome = amend::amend_order(&app, &call.actor, command).await?;
    let value = amendment_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
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

async fn capture(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let call: Call<CaptureOfBody> = read(&app, &headers, body).await?;
    let command = RecordCapture {
        brand: call.brand,
        order_id: call.body.order_id,
        amount: optional_amount(call.body.amount, call.body.currency)?,
        is_final: call.body.is_final,
        occurred_at: call.body.occurred_at,
        idempotency_key: call.key,
    };
    let outcome = captures::record_capture(&app, &call.actor, command).await?;
    let value = capture_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
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

async fn chargeback(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let call: Call<ChargebackBody> = read(&app, &headers, body).await?;
    let command = RecordChargeback {
        brand: call.brand,
        order_id: call.body.order_id,
        reference: call.body.reference,
        amount: optional_amount(call.body.amount, call.body.currency)?,
        reason: call.body.reason,
        occurred_at: call.body.occurred_at,
        idempotency_key: call.key,
    };
    let outcome = disputes::record_chargeback(&app, &call.actor, command).await?;
    let value = chargeback_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
}

async fn resolve_chargeback(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let call: Call<ResolveBody> = read(&app, &headers, body).await?;
    let command = ResolveChargeback {
        brand: call.brand,
        order_id: call.body.order_id,
        reference: call.body.reference,
        outcome: call.body.outcome.into(),
        idempotency_key: call.key,
    };
    let outcome = disputes::resolve_chargeback(&app, &call.actor, command).await?;
    let value = chargeback_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
}
