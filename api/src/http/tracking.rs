//! `/track/*`: the doors for a brand's server. Each ends in the same service call as its mutation.

mod answer;
mod arrived;
mod bulk;
mod click;
mod docs;
mod orders;
mod redeem;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use entity::{commission_rule::ConversionEvent, ids::BrandId, refused_event::EventKind};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{
    answer::{ConversionRecorded, RefundRecorded, TrackError},
    arrived::{Door, take},
};
use crate::{
    accounts::{
        actor::{Actor, Identity},
        permissions::Operation,
    },
    app::App,
    conversions::{
        body::{EventBody, PurchaseBody, RefundBody},
        service::{
            record::{self, RecordEvent},
            refund as refunds,
        },
    },
    error::ApiError,
    http::{identity::actor_of, origins},
    idempotency::Key,
};

/// Bytes of one event.
const MAX_BODY: usize = 64 * 1024;
const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub fn routes() -> Router<App> {
    doors().into()
}

/// What the doors take and answer, as an OpenAPI document.
#[must_use]
pub fn openapi() -> String {
    docs::print(doors().split_for_parts().1)
}

fn doors() -> OpenApiRouter<App> {
    let for_pages = OpenApiRouter::new()
        .routes(routes!(click::click))
        .layer(origins::any_page());
    OpenApiRouter::with_openapi(docs::common())
        .routes(routes!(signup))
        .routes(routes!(lead))
        .routes(routes!(purchase))
        .routes(routes!(refund))
        .routes(routes!(orders::amend))
        .routes(routes!(orders::capture))
        .routes(routes!(orders::chargeback))
        .routes(routes!(orders::resolve_chargeback))
        .routes(routes!(bulk::bulk))
        .routes(routes!(redeem::redeem))
        .merge(for_pages)
}

/// The header every event has.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the header is read by its name; this describes it")]
struct KeyHeader {
    /// Names the event: sent again, it is answered with the original result instead of being recorded twice. Printable ASCII
    /// without spaces.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 128)]
    key: String,
}

/// A request of a brand's server, with its mandatory key.
struct Call {
    actor: Actor,
    brand: BrandId,
    key: Key,
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
    let message = "send the event as application/json".to_owned();
    Err(TrackError::unfit(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}

async fn read_bytes(body: Body, max_bytes: usize, what: &str) -> Result<Bytes, TrackError> {
    to_bytes(body, max_bytes).await.map_err(|_| {
        let message = format!("{what} has at most {max_bytes} bytes");
        TrackError::unfit(StatusCode::PAYLOAD_TOO_LARGE, message)
    })
}

async fn record_event(app: &App, actor: &Actor, command: RecordEvent) -> Result<Response, TrackError> {
    let outcome = record::record_conversion(app, actor, command).await?;
    Ok(ConversionRecorded::of(&outcome)?)
}

/// A signup
///
/// Somebody made an account, credited to whom the evidence says.
#[utoipa::path(post, path = "/track/signup", request_body = EventBody, params(KeyHeader), responses(
    (status = 201, description = "Recorded.", body = ConversionRecorded),
    (status = 200, description = "Recorded before, under the same key.", body = ConversionRecorded),
))]
async fn signup(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let door = Door {
        path: "/track/signup",
        kind: EventKind::Signup,
        operation: Operation::RecordSignup,
    };
    take(&app, &headers, body, door, async |call: Call, body: EventBody| {
        let command = body.command(call.brand, ConversionEvent::Signup, call.key)?;
        record_event(&app, &call.actor, command).await
    })
    .await
}

/// A lead
///
/// Somebody showed interest, credited to whom the evidence says.
#[utoipa::path(post, path = "/track/lead", request_body = EventBody, params(KeyHeader), responses(
    (status = 201, description = "Recorded.", body = ConversionRecorded),
    (status = 200, description = "Recorded before, under the same key.", body = ConversionRecorded),
))]
async fn lead(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let door = Door {
        path: "/track/lead",
        kind: EventKind::Lead,
        operation: Operation::RecordLead,
    };
    take(&app, &headers, body, door, async |call: Call, body: EventBody| {
        let command = body.command(call.brand, ConversionEvent::Lead, call.key)?;
        record_event(&app, &call.actor, command).await
    })
    .await
}

/// An order
///
/// Recorded whether anybody is credited or not: an expired code or a forged click id is a reason, not a refusal.
#[utoipa::path(post, path = "/track/purchase", request_body = PurchaseBody, params(KeyHeader), responses(
    (status = 201, description = "Recorded.", body = ConversionRecorded),
    (status = 200, description = "Recorded before, under the same key.", body = ConversionRecorded),
))]
async fn purchase(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let door = Door {
        path: "/track/purchase",
        kind: EventKind::Sale,
        operation: Operation::RecordSale,
    };
    take(&app, &headers, body, door, async |call: Call, body: PurchaseBody| {
        let command = body.command(call.brand, call.key)?;
        record_event(&app, &call.actor, command).await
    })
    .await
}

/// Money of an order went back
///
/// Commissions of every level come back with it, in proportion.
#[utoipa::path(post, path = "/track/refund", request_body = RefundBody, params(KeyHeader), responses(
    (status = 201, description = "Recorded.", body = RefundRecorded),
    (status = 200, description = "Recorded before, under the same key.", body = RefundRecorded),
))]
async fn refund(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let door = Door {
        path: "/track/refund",
        kind: EventKind::Refund,
        operation: Operation::RecordRefund,
    };
    take(&app, &headers, body, door, async |call: Call, body: RefundBody| {
        let command = body.command(call.brand, call.key)?;
        let outcome = refunds::record_refund(&app, &call.actor, command).await?;
        Ok(RefundRecorded::of(&outcome)?)
    })
    .await
}
