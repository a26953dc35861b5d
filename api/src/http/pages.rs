//! What is not GraphQL: the page at `/`, GraphiQL, the schema as a file, and what a load balancer asks.

use std::time::Duration;

use async_graphql::http::GraphiQLSource;
use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use entity::brand;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    graphql::schema,
    http::{Edge, Shutdown, tracking},
};

/// The brand by which the demo marketplace is recognised.
const DEMO_BRAND: &str = "aurora-coffee";

/// A load balancer wants to know now, not when the pool has given up.
pub const READY_PATIENCE: Duration = Duration::from_secs(2);
/// When who finds the process not ready may ask again.
const RETRY_AFTER_SECONDS: u64 = 2;

const PAGE: &str = include_str!("page.html");
/// The page brings everything along and talks to this server only.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                           connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// GraphiQL as the library has it: one inline module, and its assets from one CDN.
const GRAPHIQL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline' https://esm.sh; script-src 'unsafe-inline' \
                               https://esm.sh; worker-src blob:; font-src data: https://esm.sh; img-src data:; \
                               connect-src 'self' https://esm.sh; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where the links in mails lead.
const ACCOUNT_PAGE: &str = include_str!("account.html");
/// Where invitations lead.
const JOIN_PAGE: &str = include_str!("join.html");

/// Where an invitation into a program is answered.
const INVITATION_PAGE: &str = include_str!("invitation.html");

pub async fn index() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(PAGE))
}

/// Takes the link of a mail to the mutation it is for.
pub async fn account() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(ACCOUNT_PAGE))
}

/// Takes an invitation to the mutations that accept or decline it.
pub async fn join() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(JOIN_PAGE))
}

pub async fn invitation() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(INVITATION_PAGE))
}

/// Its assets come from a CDN; the page at `/` works without.
pub async fn graphiql() -> impl IntoResponse {
    let page = GraphiQLSource::build()
        .endpoint("/graphql")
        .subscription_endpoint("/graphql")
        .title("Tributary")
        .finish();
    ([(header::CONTENT_SECURITY_POLICY, GRAPHIQL_POLICY)], Html(page))
}

/// What no page of ours needs: to stand in another's frame, or to tell others where a visitor came from.
pub async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

pub async fn schema() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], schema::sdl())
}

pub async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], tracking::openapi())
}

/// The process is alive.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers in time, and nobody has told this process to end.
pub async fn readyz(State(edge): State<Edge>, shutdown: Option<Extension<Shutdown>>) -> Response {
    if shutdown.is_some_and(|Extension(shutdown)| shutdown.announced.is_cancelled()) {
        return not_ready("this process is stopping\n");
    }
    match timeout(READY_PATIENCE, edge.app.db.read().ping()).await {
        Ok(Ok(())) => return "ready\n".into_response(),
        Ok(Err(error)) => tracing::warn!(%error, "the database does not answer"),
        Err(_) => tracing::warn!("the database does not answer in time"),
    }
    not_ready("the database does not answer\n")
}

fn not_ready(why: &'static str) -> Response {
    let retry = [(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS))];
    (StatusCode::SERVICE_UNAVAILABLE, retry, why).into_response()
}

/// Whether the demo marketplace is there, so that the page shows its sign-ins only where they work.
pub async fn demo(State(edge): State<Edge>) -> Response {
    let found = brand::Entity::find()
        .filter(brand::Column::Slug.eq(DEMO_BRAND))
        .count(edge.app.db.read())
        .await;
    match found {
        Ok(count) => Json(json!({ "present": count > 0 })).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
