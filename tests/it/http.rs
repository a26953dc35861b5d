//! The door: who a request is believed to come from, which pages may read the answers, and what pages of ours forbid.

use std::net::{Ipv4Addr, SocketAddr};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, Request, StatusCode, header},
};
use serde_json::{Value, json};
use tributary::config::{Config, Environment};

use crate::support::{
    answer::{error_code, refusal},
    app::TestApp,
    database::Database,
};

/// An application with other settings. What is tested here is the same over any database.
async fn with_config(settle: impl FnOnce(&mut Config), body: impl AsyncFnOnce(TestApp)) {
    let database = Database::Sqlite.create().await.unwrap();
    let mut config = Config::for_database(&database.url());
    settle(&mut config);
    let app = TestApp::configured(config).await;
    body(app.clone()).await;
    app.app.db.close().await.unwrap();
    drop(app);
    database.drop().await;
}

const SIGN_IN: &str = "mutation ($input: SignInInput!) { signIn(input: $input) { userErrors { code } } }";

/// Signs in with a wrong password, ten times at most before it is refused.
async fn guess(app: &TestApp, forwarded: Option<&str>) -> Value {
    let input = json!({ "input": { "email": "ada@example.org", "password": "a wrong password" } });
    let body = json!({ "query": SIGN_IN, "variables": input });
    let headers: Vec<(&str, &str)> = forwarded.map(|list| ("x-forwarded-for", list)).into_iter().collect();
    app.rest("POST", "/graphql", None, &headers, body).await.1
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_told_apart() {
    let trust = |config: &mut Config| config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    with_config(trust, async |app| {
        app.sign_up("ada").await;
        let through = app.at_address(SocketAddr::from((Ipv4Addr::new(10, 0, 0, 1), 443)));
        for _ in 0..10 {
            // Whatever the client says about itself, the proxy's word stands last.
            assert_eq!(
                refusal(&guess(&through, Some("198.51.100.1, 203.0.113.7")).await),
                "CREDENTIALS_INVALID"
            );
        }
        assert_eq!(error_code(&guess(&through, Some("203.0.113.7")).await), "RATE_LIMITED");
        assert_eq!(
            refusal(&guess(&through, Some("203.0.113.8")).await),
            "CREDENTIALS_INVALID"
        );
    })
    .await;
}

#[tokio::test]
async fn a_stranger_does_not_choose_where_it_comes_from() {
    with_config(
        |_| (),
        async |app| {
            app.sign_up("ada").await;
            for number in 0..10 {
                let claimed = format!("203.0.113.{number}");
                assert_eq!(refusal(&guess(&app, Some(&claimed)).await), "CREDENTIALS_INVALID");
            }
            assert_eq!(error_code(&guess(&app, Some("203.0.113.99")).await), "RATE_LIMITED");
        },
    )
    .await;
}

const QUERY: &str = r#"{"query":"{ __typename }"}"#;

/// A page of this origin asks, first what it may and then the question.
async fn from_page(app: &TestApp, path: &str, origin: &str) -> (HeaderMap, HeaderMap) {
    let preflight = Request::options(path)
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization, content-type");
    let (_, allowed, _) = app.send(preflight.body(Body::empty()).unwrap()).await;
    let question = Request::post(path)
        .header(header::ORIGIN, origin)
        .header(header::CONTENT_TYPE, "application/json");
    let (_, answered, _) = app.send(question.body(Body::from(QUERY)).unwrap()).await;
    (allowed, answered)
}

#[tokio::test]
async fn pages_of_listed_origins_read_the_answers() {
    let list = |config: &mut Config| {
        config.cors_origins = vec!["https://app.example", "http://localhost:3000"]
            .into_iter()
            .map(|text| tributary::http::origins::Origin::parse(text).unwrap())
            .collect();
    };
    with_config(list, async |app| {
        for origin in ["https://app.example", "http://localhost:3000"] {
            let (allowed, answered) = from_page(&app, "/graphql", origin).await;
            assert_eq!(allowed[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
            assert_eq!(
                allowed[header::ACCESS_CONTROL_ALLOW_HEADERS],
                "authorization, content-type"
            );
            assert_eq!(answered[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
            assert_eq!(
                answered[header::ACCESS_CONTROL_EXPOSE_HEADERS],
                "x-request-id,retry-after"
            );
            for headers in [&allowed, &answered] {
                let varies = headers.get_all(header::VARY).iter();
                assert!(
                    varies.into_iter().any(|vary| vary.to_str().unwrap().contains("origin")),
                    "{headers:?}"
                );
                assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
            }
        }
        for (path, origin) in [
            ("/graphql", "https://evil.example"),
            ("/graphql", "http://app.example"),
            ("/track/purchase", "https://app.example"),
        ] {
            let (allowed, answered) = from_page(&app, path, origin).await;
            assert!(!allowed.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
            assert!(!answered.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_list_no_other_page_reads_anything() {
    with_config(
        |_| (),
        async |app| {
            let (allowed, answered) = from_page(&app, "/graphql", "https://app.example").await;
            assert!(!allowed.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
            assert!(!answered.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        },
    )
    .await;
}

#[tokio::test]
async fn pages_stand_in_no_frame_and_bring_their_own_scripts() {
    with_config(
        |_| (),
        async |app| {
            for path in ["/", "/graphiql", "/verify-email", "/reset-password", "/join"] {
                let (status, headers, body) = app.send(Request::get(path).body(Body::empty()).unwrap()).await;
                assert_eq!(status, StatusCode::OK, "{path}");
                assert!(body.starts_with(b"<!") || body.starts_with(b"\n"), "{path}");
                let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
                assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
                assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
                assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
                assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
                assert!(
                    !headers.contains_key(header::STRICT_TRANSPORT_SECURITY),
                    "not over http"
                );
            }
        },
    )
    .await;
    let https = |config: &mut Config| {
        config.environment = Environment::Production;
        config.public_url = Some("https://tributary.example".parse().unwrap());
    };
    with_config(https, async |app| {
        let (_, headers, _) = app.send(Request::get("/").body(Body::empty()).unwrap()).await;
        let only: HeaderName = header::STRICT_TRANSPORT_SECURITY;
        assert_eq!(headers[only], "max-age=31536000");
    })
    .await;
}
