//! Which pages may read our answers. Browsers ask; everybody else is free to ignore it, so that nothing here protects the
//! server: keys and tokens do. No cookie is ever set or read.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, Any, CorsLayer};
use url::Url;

/// How long a browser may remember what it may send.
const PREFLIGHT: Duration = Duration::from_secs(24 * 60 * 60);
const EXPOSED: [HeaderName; 2] = [HeaderName::from_static("x-request-id"), header::RETRY_AFTER];

/// The origin of pages, such as `https://app.example`, or any (`*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Any,
    Of(HeaderValue),
}

impl Origin {
    /// As a browser writes it: lower case, without a default port or a path.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let origin = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            // No browser sends a pattern.
            .filter(|_| !text.contains('*'))
            .map(|url| url.origin().ascii_serialization())
            .filter(|origin| text.trim_end_matches('/').eq_ignore_ascii_case(origin))
            .and_then(|origin| HeaderValue::from_str(&origin).ok());
        origin
            .map(Self::Of)
            .ok_or_else(|| format!("`{text}` is no origin such as https://app.example"))
    }
}

/// For the front ends of this installation.
pub fn front_ends(origins: &[Origin]) -> CorsLayer {
    let listed = origins.iter().map(|origin| match origin {
        Origin::Any => None,
        Origin::Of(origin) => Some(origin.clone()),
    });
    let allowed = match listed.collect::<Option<Vec<HeaderValue>>>() {
        Some(listed) => AllowOrigin::list(listed),
        None => AllowOrigin::any(),
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(PREFLIGHT)
}

/// For a door that answers the pages of any origin.
pub fn any_page() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers(EXPOSED)
        .max_age(PREFLIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        let of = |text| Ok(Origin::Of(HeaderValue::from_static(text)));
        assert_eq!(Origin::parse("*"), Ok(Origin::Any));
        assert_eq!(Origin::parse("https://app.example"), of("https://app.example"));
        assert_eq!(Origin::parse("HTTPS://App.example/"), of("https://app.example"));
        assert_eq!(Origin::parse("http://localhost:3000"), of("http://localhost:3000"));
        for text in [
            "app.example",
            "https://app.example/path",
            "https://app.example:443",
            "https://user@app.example",
            "ftp://app.example",
            "https://*.example",
            "null",
            "",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
