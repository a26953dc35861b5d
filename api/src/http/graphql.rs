//! GraphQL over HTTP, by the draft of that name: what a request must look like, and which status an answer gets.

use async_graphql::{Request as GraphQl, Variables};
use axum::{
    body::{Body, to_bytes},
    extract::{
        FromRequestParts, Request, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::Value;

use crate::{
    accounts::actor::Actor,
    error::ApiError,
    graphql::executor::{Answer, Caller, Door, Outcome},
    http::{
        Edge, Shutdown,
        client::ClientAddress,
        events,
        identity::{RequestId, actor_of, user_agent},
        socket,
    },
};

/// Bytes of one request body, and of one message of a socket.
pub const MAX_BODY: usize = 1024 * 1024;
/// Bytes of a query string. Longer queries go by POST.
const MAX_QUERY_STRING: usize = 16 * 1024;

/// What the response is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/json`: 200 for whatever is a well-formed request, as clients of the first years expect.
    Json,
    /// `application/graphql-response+json`: the status says whether the request was executed.
    GraphQl,
    /// `text/event-stream`: any number of answers, by the distinct connections mode of graphql-sse.
    Events,
}

impl Media {
    /// The one the client likes better; of equals the one named first; JSON for whoever does not say.
    fn negotiate(headers: &HeaderMap) -> Self {
        let mut best = (0, Self::Json);
        let accept = headers.get_all(header::ACCEPT);
        let ranges = accept.iter().filter_map(|value| value.to_str().ok());
        for range in ranges.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/graphql-response+json" => Self::GraphQl,
                "application/json" | "application/*" | "*/*" => Self::Json,
                "text/event-stream" => Self::Events,
                _ => continue,
            };
            let quality = parts
                .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
                .map_or(QUALITY_ONE, quality);
            if quality > best.0 {
                best = (quality, media);
            }
        }
        best.1
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            // A request that never became a stream is answered in one piece.
            Self::GraphQl | Self::Events => "application/graphql-response+json; charset=utf-8",
        })
    }
}

/// Qualities are thousandths: they have at most three decimals.
const QUALITY_ONE: u16 = 1_000;

fn quality(text: &str) -> u16 {
    let Some(decimals) = text.trim().strip_prefix("0") else {
        return QUALITY_ONE;
    };
    let digits = decimals.strip_prefix('.').unwrap_or_default();
    format!("{digits:0<3}")
        .get(..3)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// A request that is none: which status, and what to say.
struct Malformed {
    status: StatusCode,
    error: ApiError,
}

impl Malformed {
    fn new(status: StatusCode, message: &str) -> Self {
        Self {
            status,
            error: ApiError::bad_input(message),
        }
    }
}

/// `/graphql`, whatever the method.
pub async fn serve(State(edge): State<Edge>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    if wants_socket(&parts.headers) {
        let upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection> =
            WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
        return match upgrade {
            Ok(upgrade) => socket::accept(edge, upgrade, &parts),
            Err(rejection) => rejection.into_response(),
        };
    }
    if wants_page(&parts) {
        return Redirect::to("/graphiql").into_response();
    }
    let media = Media::negotiate(&parts.headers);
    let mut caller = Caller {
        actor: Actor::anonymous(),
        peer: ClientAddress::of(&parts.extensions),
        user_agent: user_agent(&parts.headers),
        request_id: RequestId::of(&parts.extensions, &edge.app).text(),
    };
    match actor_of(&edge.app, &parts.headers).await {
        Ok(actor) => caller.actor = actor,
        Err(error) => {
            let status = match error {
                ApiError::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            return respond(media, status, &edge.guarded.refuse(&caller, error));
        }
    }
    let (door, read) = match parts.method {
        Method::GET => (Door::Get, from_query_string(parts.uri.query().unwrap_or_default())),
        Method::POST => (Door::Post, from_body(&parts, body).await),
        _ => (
            Door::Post,
            Err(Malformed::new(StatusCode::METHOD_NOT_ALLOWED, "use GET or POST")),
        ),
    };
    match read {
        // By GET a stream would carry mutations; queries by GET are answered in one piece.
        Ok(request) if media == Media::Events && door == Door::Post => {
            let Shutdown { stop, .. } = parts.extensions.get::<Shutdown>().cloned().unwrap_or_default();
            match events::open(edge.guarded.execute_stream(caller, request), stop) {
                Ok(stream) => stream,
                Err(answer) => respond(media, status_of(&answer, media), &answer),
            }
        }
        Ok(request) => {
            let answer = edge.guarded.execute(&caller, request, door).await;
            respond(media, status_of(&answer, media), &answer)
        }
        Err(malformed) => respond(media, malformed.status, &edge.guarded.refuse(&caller, malformed.error)),
    }
}

fn wants_socket(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// A person who opened the address in a browser.
fn wants_page(parts: &Parts) -> bool {
    let accepts_html = |value: &HeaderValue| value.as_bytes().starts_with(b"text/html");
    parts.method == Method::GET
        && parts.uri.query().is_none()
        && parts.headers.get(header::ACCEPT).is_some_and(accepts_html)
}

fn status_of(answer: &Answer, media: Media) -> StatusCode {
    match (answer.outcome, media) {
        (Outcome::Executed, _) | (Outcome::Refused, Media::Json) => StatusCode::OK,
        (Outcome::Refused, Media::GraphQl | Media::Events) => StatusCode::BAD_REQUEST,
        (Outcome::WrongMethod, _) => StatusCode::METHOD_NOT_ALLOWED,
        (Outcome::RateLimited { .. }, _) => StatusCode::TOO_MANY_REQUESTS,
        (Outcome::Failed, _) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn respond(media: Media, status: StatusCode, answer: &Answer) -> Response {
    let body = match serde_json::to_vec(answer) {
        Ok(body) => Body::from(body),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = (status, [(header::CONTENT_TYPE, media.content_type())], body).into_response();
    let headers = response.headers_mut();
    // Answers depend on the token; the negotiated type on Accept.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept, authorization"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = if answer.outcome == Outcome::WrongMethod {
            "POST"
        } else {
            "GET, POST"
        };
        headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Outcome::RateLimited { retry_after_seconds } = answer.outcome {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
    }
    response
}

async fn from_body(parts: &Parts, body: Body) -> Result<GraphQl, Malformed> {
    // Nothing but JSON: a form, which any site may post in a visitor's name, is refused by its type.
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let media = content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if !media.trim().eq_ignore_ascii_case("application/json") {
        return Err(Malformed::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the request as application/json",
        ));
    }
    let charset = content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').find_map(|part| part.trim().strip_prefix("charset=")));
    if charset.is_some_and(|charset| !charset.trim_matches('"').eq_ignore_ascii_case("utf-8")) {
        return Err(Malformed::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the request in UTF-8",
        ));
    }
    let bytes = to_bytes(body, MAX_BODY)
        .await
        .map_err(|_| Malformed::new(StatusCode::PAYLOAD_TOO_LARGE, "a request has at most 1 MB"))?;
    let value = serde_json::from_slice(&bytes)
        .map_err(|_| Malformed::new(StatusCode::BAD_REQUEST, "the body is not valid JSON"))?;
    from_json(value)
}

fn from_query_string(text: &str) -> Result<GraphQl, Malformed> {
    if text.len() > MAX_QUERY_STRING {
        return Err(Malformed::new(
            StatusCode::URI_TOO_LONG,
            "a query string has at most 16 kB; send longer queries by POST",
        ));
    }
    let mut fields = serde_json::Map::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let value = match &*name {
            "variables" | "extensions" if !value.is_empty() => serde_json::from_str(&value).map_err(|_| {
                Malformed::new(
                    StatusCode::BAD_REQUEST,
                    "`variables` and `extensions` in the query string are JSON",
                )
            })?,
            "query" => Value::String(value.into_owned()),
            "operationName" if !value.is_empty() => Value::String(value.into_owned()),
            _ => continue,
        };
        fields.insert(name.into_owned(), value);
    }
    from_json(Value::Object(fields))
}

/// Reads the parameters of a request, each with its type.
pub fn parameters(value: Value) -> Result<GraphQl, &'static str> {
    let Value::Object(mut fields) = value else {
        return Err("a request is one JSON object; batches are not taken");
    };
    let Some(Value::String(query)) = fields.remove("query") else {
        return Err("`query` must be a text");
    };
    let mut request = GraphQl::new(query);
    match fields.remove("operationName") {
        None | Some(Value::Null) => {}
        Some(Value::String(name)) => request = request.operation_name(name),
        Some(_) => return Err("`operationName` must be a text"),
    }
    match fields.remove("variables") {
        None | Some(Value::Null) => {}
        Some(variables @ Value::Object(_)) => request = request.variables(Variables::from_json(variables)),
        Some(_) => return Err("`variables` must be an object"),
    }
    match fields.remove("extensions") {
        None | Some(Value::Null | Value::Object(_)) => {}
        Some(_) => return Err("`extensions` must be an object"),
    }
    Ok(request)
}

fn from_json(value: Value) -> Result<GraphQl, Malformed> {
    parameters(value).map_err(|message| Malformed::new(StatusCode::BAD_REQUEST, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &str) -> Media {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        Media::negotiate(&headers)
    }

    #[test]
    fn the_media_type_is_the_preferred_one() {
        assert_eq!(Media::negotiate(&HeaderMap::new()), Media::Json);
        assert_eq!(negotiated("*/*"), Media::Json);
        assert_eq!(negotiated("text/html"), Media::Json);
        assert_eq!(negotiated("application/graphql-response+json"), Media::GraphQl);
        assert_eq!(
            negotiated("application/graphql-response+json, application/json;q=0.9"),
            Media::GraphQl
        );
        assert_eq!(
            negotiated("application/graphql-response+json;q=0.2, application/json; q=0.25"),
            Media::Json
        );
        assert_eq!(
            negotiated("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8"),
            Media::GraphQl
        );
        assert_eq!(
            negotiated("application/graphql-response+json;q=0, */*;q=0.1"),
            Media::Json
        );
    }

    #[test]
    fn streams_are_for_whoever_prefers_them() {
        assert_eq!(negotiated("text/event-stream"), Media::Events);
        assert_eq!(negotiated("application/json, text/event-stream"), Media::Json);
    }

    #[test]
    fn parameters_have_their_types() {
        let bad = |text: &str| parameters(serde_json::from_str(text).unwrap()).err();
        assert_eq!(
            bad(r#"{"query": "{ a }", "variables": null, "operationName": null}"#),
            None
        );
        assert!(bad(r#"[{"query": "{ a }"}]"#).is_some());
        assert!(bad(r#"{"query": 1}"#).is_some());
        assert!(bad(r#"{"query": "{ a }", "variables": []}"#).is_some());
        assert!(bad(r#"{"query": "{ a }", "operationName": {}}"#).is_some());
        assert!(bad(r#"{"query": "{ a }", "extensions": "x"}"#).is_some());
    }
}
