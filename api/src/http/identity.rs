//! Who sends a request, and what it is called.

use std::{fmt, sync::Arc};

use axum::http::{Extensions, HeaderMap, header};

use crate::{
    accounts::{actor::Actor, service::identify},
    app::App,
    error::ApiError,
};

/// The name of a request, for logs and for whoever reports a fault.
#[derive(Clone, Debug)]
pub struct RequestId(Arc<str>);

impl RequestId {
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self(app.ids.uuid(app.clock.now()).simple().to_string().into())
    }

    /// The name given to this request when it came in.
    #[must_use]
    pub fn of(extensions: &Extensions, app: &App) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| Self::new(app))
    }

    #[must_use]
    pub fn text(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters kept of what a client calls itself.
const MAX_USER_AGENT_CHARS: usize = 300;

/// What the client calls itself, so that people tell their sessions apart.
#[must_use]
pub fn user_agent(headers: &HeaderMap) -> Option<Arc<str>> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(MAX_USER_AGENT_CHARS).collect::<String>().into())
}

/// The actor of the `Authorization` header.
pub async fn actor_of(app: &App, headers: &HeaderMap) -> Result<Actor, ApiError> {
    match headers.get(header::AUTHORIZATION) {
        None => Ok(Actor::anonymous()),
        Some(value) => {
            let text = value
                .to_str()
                .map_err(|_| ApiError::Unauthenticated("the Authorization header is not text"))?;
            identify(app, Some(bearer(text)?)).await
        }
    }
}

/// What stands behind `Bearer`.
pub fn bearer(authorization: &str) -> Result<&str, ApiError> {
    authorization
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or(ApiError::Unauthenticated("send the token as `Authorization: Bearer …`"))
}
