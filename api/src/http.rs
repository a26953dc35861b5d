//! The door: routes, who a request comes from, and the number it is known by.

mod events;
mod graphql;
mod identity;
pub mod metrics;
mod pages;
mod redirect;
mod socket;
pub mod tracking;

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
    routing::{any, get},
};
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    app::App,
    graphql::executor::Guarded,
    http::identity::{RequestId, peer},
};

pub use socket::Shutdown;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

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
    Router::new()
        .route("/", get(pages::index))
        .route("/verify-email", get(pages::account))
        .route("/reset-password", get(pages::account))
        .route("/demo.json", get(pages::demo))
        .route("/graphiql", get(pages::graphiql))
        .route("/schema.graphql", get(pages::schema))
        .route("/openapi.json", get(pages::openapi))
        .route("/healthz", get(pages::healthz))
        .route("/readyz", get(pages::readyz))
        .route("/graphql", any(graphql::serve))
        .with_state(edge)
        .merge(tracking::routes().with_state(app.clone()))
        .merge(redirect::routes().with_state(app.clone()))
        .layer(middleware::from_fn_with_state(app, name_request))
}

/// Names the request, in its span and in its response, counts it, and forbids browsers to guess what a response is.
async fn name_request(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = RequestId::new(&app);
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        path = request.uri().path(),
        peer = peer(request.extensions()).map(tracing::field::display),
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
    response
}
