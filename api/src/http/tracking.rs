//! `/track/*`: the doors for a brand's server. Each ends in the same service call as its mutation.

mod bulk;
mod click;
mod orders;

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use entity::{commission_rule::ConversionEvent, conversion, ids::BrandId, refund};
use sea_orm::ActiveEnum;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    accounts::actor::{Actor, Identity},
    app::App,
    conversions::{
        body::{EventBody, PurchaseBody, RefundBody, malformed},
        service::{
            record::{self, RecordEvent},
            refund as refunds,
        },
    },
    error::{ApiError, Failure, RefusalCode},
    http::identity::actor_of,
    idempotency::{Key, Outcome},
    money::Money,
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
        .route("/track/amend", post(orders::amend))
        .route("/track/capture", post(orders::capture))
        .route("/track/chargeback", post(orders::chargeback))
        .route("/track/chargeback/resolve", post(orders::resolve_chargeback))
        .route("/track/bulk", post(bulk::bulk))
        .route("/track/click", post(click::click).options(click::preflight))
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

impl<C: RefusalCode> From<Failure<C>> for TrackError {
    fn from(failure: Failure<C>) -> Self {
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
struct Call {
    actor: Actor,
    brand: BrandId,
    key: Key,
}

async fn read<T: DeserializeOwned>(app: &App, headers: &HeaderMap, body: Body) -> Result<(Call, T), TrackError> {
    let (actor, brand) = server_of(app, headers).await?;
    check_media(headers)?;
    let key = headers
        .get(IDEMPOTENCY_KEY)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| ApiError::bad_field("idempotencyKey", "send an Idempotency-Key header"))?;
    let key = Key::parse(key)?;
    let bytes = read_bytes(body, MAX_BODY, "an event").await?;
    let body = serde_json::from_slice(&bytes).map_err(malformed)?;
    Ok((Call { actor, brand, key }, body))
}

/// The brand whose server asks.
async fn server_of(app: &App, headers: &HeaderMap) -> Result<(Actor, BrandId), TrackError> {
    let actor = actor_of(app, headers).await?;
    match actor.identity {
        Identity::SecretKey { brand, .. } => Ok((actor, brand)),
        Identity::Anonymous => Err(ApiError::Unauthenticated("send the brand's secret key as a bearer token").into()),
        _ => Err(ApiError::Forbidden("only a brand's secret key may report events".to_owned()).into()),
    }
}

fn check_media(headers: &HeaderMap) -> Result<(), TrackError> {
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .split(';')
                .next()
                .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
        });
    if json {
        return Ok(());
    }
    Err(TrackError {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        code: "BAD_USER_INPUT",
        message: "send the event as application/json".to_owned(),
        field: None,
    })
}

async fn read_bytes(body: Body, max_bytes: usize, what: &str) -> Result<Bytes, TrackError> {
    to_bytes(body, max_bytes).await.map_err(|_| TrackError {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        code: "BAD_USER_INPUT",
        message: format!("{what} has at most {max_bytes} bytes"),
        field: None,
    })
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

async fn record_event(app: &App, call: &Call, command: RecordEvent) -> Result<Response, TrackError> {
    let outcome = record::record_conversion(app, &call.actor, command).await?;
    let value = conversion_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
}

async fn signup(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (call, body) = read::<EventBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, ConversionEvent::Signup, call.key.clone())?;
    record_event(&app, &call, command).await
}

async fn lead(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (call, body) = read::<EventBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, ConversionEvent::Lead, call.key.clone())?;
    record_event(&app, &call, command).await
}

async fn purchase(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (call, body) = read::<PurchaseBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, call.key.clone())?;
    record_event(&app, &call, command).await
}

async fn refund(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (call, body) = read::<RefundBody>(&app, &headers, body).await?;
    let command = body.command(call.brand, call.key)?;
    let outcome = refunds::record_refund(&app, &call.actor, command).await?;
    let value = refund_json(&outcome.value)?;
    Ok(answered(&outcome.map(|_| value)))
}
