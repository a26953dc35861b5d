//! `GET /r/{slug}`: a visitor follows a tracking link.

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    app::App,
    error::ApiError,
    tracking::service::{self as tracking, Visit},
};

pub fn routes() -> Router<App> {
    Router::new().route("/r/{slug}", get(follow))
}

async fn follow(State(app): State<App>, Path(slug): Path<String>, headers: HeaderMap) -> Response {
    let text = |name: HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let visit = Visit {
        page_url: None,
        referer: text(header::REFERER),
        user_agent: text(header::USER_AGENT),
    };
    match tracking::follow_link(&app, &slug, visit).await {
        // Every visit is its own click: no cache may answer for us.
        Ok(redirect) => (
            StatusCode::FOUND,
            [
                (header::LOCATION, redirect.location),
                (header::CACHE_CONTROL, "no-store".to_owned()),
            ],
        )
            .into_response(),
        Err(ApiError::NotFound(_)) => (StatusCode::NOT_FOUND, "no such link").into_response(),
        Err(error) => {
            tracing::error!(cause = error.log_text(), "a link could not be followed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
