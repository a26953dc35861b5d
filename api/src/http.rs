//! The door: routes, who a request comes from, and the number it is known by.

pub mod client;
mod events;
mod graphql;
mod identity;
pub mod metrics;
pub mod origins;
mod pages;
mod redirect;
mod socket;
mod statement;
pub mod tracking;
mod webhooks;

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing::{any, get},
};
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    app::App,
    error::ApiError,
    graphql::executor::Guarded,
    http::{client::ClientAddress, identity::RequestId},
};

pub use socket::Shutdown;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who came by https once comes by nothing else for a year.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// How the metrics call what no route serves.
const NO_ROUTE: &str = "none";

/// What handlers share.
#[derive(Clone)]
pub struct Edge {
    pub app: App,
    pub guarded: Guarded,
}

/// Every route of the program.
pub fn router(app: App) -> Router {
    let edge = Edge {
        guarded: Guarded::new(app.clone()),
        app: app.clone(),
    };
    let mut for_front_ends = Router::new()
        .route("/graphql", any(graphql::serve))
        .route("/schema.graphql", get(pages::schema))
        .route("/openapi.json", get(pages::openapi))
        .route("/statements/{file}", get(statement::download));
    if !app.config.cors_origins.is_empty() {
        for_front_ends = for_front_ends.layer(origins::front_ends(&app.config.cors_origins));
    }
    let pages = Router::new()
        .route("/", get(pages::index))
        .route("/verify-email", get(pages::account))
        .route("/reset-password", get(pages::account))
        .route("/invitation", get(pages::invitation))
        .route("/join", get(pages::join))
        .route("/graphiql", get(pages::graphiql))
        .layer(middleware::map_response(pages::guard));
    Router::new()
        .route("/demo.json", get(pages::demo))
        .route("/healthz", get(pages::healthz))
        .route("/readyz", get(pages::readyz))
        .merge(for_front_ends)
        .merge(pages)
        .with_state(edge)
        .merge(tracking::routes().with_state(app.clone()))
        .merge(redirect::routes().with_state(app.clone()))
        .merge(webhooks::routes().with_state(app.clone()))
        .layer(middleware::from_fn_with_state(app, name_request))
}

/// What an error is outside GraphQL.
fn status_of(error: &ApiError) -> StatusCode {
    match error {
        ApiError::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        ApiError::Forbidden(_) => StatusCode::FORBIDDEN,
        ApiError::NotFound(_) => StatusCode::NOT_FOUND,
        ApiError::BadUserInput { .. } => StatusCode::BAD_REQUEST,
        ApiError::Conflict(_) => StatusCode::CONFLICT,
        ApiError::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        ApiError::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        ApiError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Names the request, in its span and in its response, counts it, and forbids browsers to guess what a response is.
async fn name_request(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = RequestId::new(&app);
    let client = ClientAddress::read(request.extensions(), request.headers(), &app.config.trusted_proxies);
    if let Some(client) = client {
        request.extensions_mut().insert(client);
    }
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        path = request.uri().path(),
        client = ClientAddress::of(request.extensions()).map(tracing::field::display),
    );
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let began = Instant::now();
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).instrument(span.clone()).await;
    tracing::debug!(parent: &span, status = response.status().as_u16(), "answered");
    app.metrics.answered(
        method.as_str(),
        route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str),
        response.status().as_u16(),
        began.elapsed(),
    );
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if app.config.public_base().starts_with("https:") {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    response
}
