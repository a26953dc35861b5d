//! `/webhooks/*`: what providers of payouts send, at the installation's doors and at those of brands with credentials of their own.
//!
//! Nobody asks here who somebody is: what is sent proves itself, over the bytes that came, by the credentials of the door.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;

use crate::{
    app::App,
    error::{ApiError, Fault},
    infra::rails::{RailKind, webhook::WebhookError},
    payouts::rails::{
        Holder, WebhookRefused, read_webhook,
        rules::of_door,
        service::{Taken, take_in},
    },
};

/// Bytes of one event: those of a payout have a few thousand.
const MAX_BODY: usize = 256 * 1024;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/webhooks/{provider}", post(to_installation))
        .route("/webhooks/{provider}/{brand}", post(to_brand))
}

async fn to_installation(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let kind = of_door(&provider).ok_or_else(nobody)?;
    take(&app, Holder::INSTALLATION, kind, &headers, body).await
}

async fn to_brand(
    State(app): State<App>,
    Path((provider, brand)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let kind = of_door(&provider).ok_or_else(nobody)?;
    let brand = brand.parse().map_err(|_| nobody())?;
    take(&app, Holder::brand(brand), kind, &headers, body).await
}

/// Answers as soon as it is written down, the same to a repetition.
async fn take(app: &App, holder: Holder, kind: RailKind, headers: &HeaderMap, body: Body) -> Result<Response, Refused> {
    let body = to_bytes(body, MAX_BODY).await.map_err(|_| Refused {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        code: "BAD_USER_INPUT",
        message: format!("an event has at most {MAX_BODY} bytes"),
    })?;
    let event = read_webhook(app, holder, kind, headers, &body)
        .await
        .map_err(|refused| refuse(holder, kind, refused))?;
    let taken = take_in(app, holder, kind, &event).await?;
    tracing::debug!(rail = kind.as_str(), %holder, event = event.id, kind = event.kind, ?taken, "an event came");
    Ok(Json(json!({ "received": true, "repeated": taken == Taken::Known })).into_response())
}

/// What a door answers that it takes nothing at.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// Also for a provider that nobody has connected: who has is nobody's business.
fn nobody() -> Refused {
    Refused {
        status: StatusCode::NOT_FOUND,
        code: "NOT_FOUND",
        message: "nobody takes events here".to_owned(),
    }
}

fn refuse(holder: Holder, kind: RailKind, refused: WebhookRefused) -> Refused {
    let error = match refused {
        WebhookRefused::NotConnected => return nobody(),
        WebhookRefused::Fault(fault) => return fault.into(),
        WebhookRefused::Refused(error) => error,
    };
    tracing::warn!(rail = kind.as_str(), %holder, code = error.code(), %error, "an event was refused");
    let status = match error {
        WebhookError::MissingHeader(_) | WebhookError::Unreadable(_) => StatusCode::BAD_REQUEST,
        WebhookError::BadSignature
        | WebhookError::Stale
        | WebhookError::UnknownAlgorithm
        | WebhookError::CertificateNotAllowed => StatusCode::UNAUTHORIZED,
        // The only one that is not the sender's fault: it is to come again.
        WebhookError::CertificateUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let code = error.code();
    let message = match error {
        // What went wrong on the way there is for the log.
        WebhookError::CertificateUnavailable(_) => "the certificate could not be had".to_owned(),
        error => error.to_string(),
    };
    Refused { status, code, message }
}

/// The provider sends it again.
impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        let error = ApiError::Internal(fault);
        tracing::error!(cause = error.log_text(), "an event could not be taken in");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: error.code(),
            message: error.public_message(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { status, code, message } = self;
        let body = json!({ "error": { "code": code, "message": message } });
        (status, Json(body)).into_response()
    }
}
