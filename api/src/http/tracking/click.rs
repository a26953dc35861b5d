//! `POST /track/click`: a tag on the brand's page tells of a visit that did not come through the redirect. The only door
//! that answers pages of any origin: what it takes is no secret, and what it gives proves nothing but a visit.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    answer::{ClickAnswer, TrackError},
    check_media, read_bytes,
};
use crate::{
    accounts::actor::Identity,
    app::App,
    conversions::body::malformed,
    error::ApiError,
    http::identity::actor_of,
    tracking::service::{self as tracking, Through, TrackClick, Visit},
};

/// Bytes of one visit.
const MAX_BODY: usize = 8 * 1024;

/// A visit, by its link or by who referred it: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Click)]
struct ClickBody {
    /// The slug of a tracking link: what stands behind `/r/`.
    #[schema(nullable = false)]
    link: Option<String>,
    /// A partnership's referral code.
    #[schema(nullable = false)]
    via: Option<String>,
    /// The page that was visited.
    #[schema(nullable = false)]
    url: Option<String>,
    /// Where the visitor came from.
    #[schema(nullable = false)]
    referrer: Option<String>,
}

/// A visit
///
/// For pages of any origin, with a publishable key. Each is a click of its own.
#[utoipa::path(post, path = "/track/click", request_body = ClickBody,
    security(("secretKey" = []), ("publishableKey" = [])), responses(
    (status = 201, description = "Recorded.", body = ClickAnswer),
))]
pub async fn click(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let click_id = take(&app, &headers, body).await?;
    Ok((StatusCode::CREATED, Json(ClickAnswer { click_id })).into_response())
}

async fn take(app: &App, headers: &HeaderMap, body: Body) -> Result<String, TrackError> {
    let actor = actor_of(app, headers).await?;
    let brand = match actor.identity {
        Identity::SecretKey { brand, .. } | Identity::PublishableKey { brand, .. } => brand,
        Identity::Anonymous => {
            return Err(ApiError::Unauthenticated("send one of the brand's keys as a bearer token").into());
        }
        _ => return Err(ApiError::Forbidden("only a brand's key may tell of a visit".to_owned()).into()),
    };
    check_media(headers)?;
    let bytes = read_bytes(body, MAX_BODY, "a visit").await?;
    let body: ClickBody = serde_json::from_slice(&bytes).map_err(malformed)?;
    let through = match (body.link, body.via) {
        (Some(slug), None) => Through::Slug(slug),
        (None, Some(code)) => Through::Referral(code),
        _ => return Err(ApiError::bad_field("link", "say either `link` or `via`").into()),
    };
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let visit = Visit {
        page_url: body.url,
        referer: body.referrer,
        user_agent: user_agent.map(str::to_owned),
    };
    let command = TrackClick { brand, through, visit };
    Ok(tracking::track_click(app, &actor, command).await?)
}
