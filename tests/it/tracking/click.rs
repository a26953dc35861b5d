//! Tags on pages tell of visits that did not come through the redirect.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use entity::click;
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use tributary::tracking::clicks;

use crate::support::{
    answer::Answered,
    app::{TestApp, with_app},
    builders::text,
    database::Database,
};

async fn tell(app: &TestApp, key: &str, body: Value) -> Answered {
    app.rest("POST", "/track/click", Some(key), &[], body).await
}

#[rstest]
#[tokio::test]
async fn a_tag_gets_a_click_id_that_credits(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        let slug = app.link(&seller).await;
        let public = app.publishable_key(&market.owner, &market.brand.id).await.secret;
        let page = json!({ "link": slug, "url": "https://shop.example/a?b=c", "referrer": "https://blog.example/" });
        for key in [&public, &market.key.secret] {
            let (status, answer) = tell(&app, key, page.clone()).await;
            assert_eq!(status, StatusCode::CREATED, "{answer}");
            let evidence = json!({ "clickId": text(&answer, "clickId") });
            let sold = app.sale(&market, &format!("A-{key}"), "10.00", evidence).await;
            let attribution = app.conversion(&market, &sold).await["attribution"].clone();
            assert_eq!(attribution["method"], "CLICK");
            assert_eq!(attribution["partnership"]["id"], json!(seller.partnership));
        }
        clicks::flush(&app.app).await.unwrap();
        let rows = click::Entity::find().all(app.db()).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].page_url.as_deref(), Some("https://shop.example/a?b=c"));
        assert_eq!(rows[0].referer.as_deref(), Some("https://blog.example/"));
    })
    .await;
}

/// A partner without a link is given one, once.
#[rstest]
#[tokio::test]
async fn a_referral_code_is_enough(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        let public = app.publishable_key(&market.owner, &market.brand.id).await.secret;
        let via = json!({ "via": seller.referral_code.to_lowercase() });
        let (status, answer) = tell(&app, &public, via.clone()).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        let evidence = json!({ "clickId": text(&answer, "clickId") });
        let sold = app.sale(&market, "A-1", "10.00", evidence).await;
        let attribution = app.conversion(&market, &sold).await["attribution"].clone();
        assert_eq!(attribution["partnership"]["id"], json!(seller.partnership));
        // The key is all that is read now.
        let count = app.count_statements(async || tell(&app, &public, via).await).await;
        assert_eq!(count, 1);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_bad_visit_is_named_and_changes_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        let slug = app.link(&seller).await;
        let other = app.market("borealis").await;
        let foreign = app.publishable_key(&other.owner, &other.brand.id).await.secret;
        let public = app.publishable_key(&market.owner, &market.brand.id).await.secret;
        let before = app.digest().await;
        let cases = [
            (&foreign, json!({ "link": slug }), "NOT_FOUND"),
            (&foreign, json!({ "via": seller.referral_code }), "NOT_FOUND"),
            (&public, json!({ "link": "nobody-has-this" }), "NOT_FOUND"),
            (&public, json!({ "via": "not a code!" }), "BAD_USER_INPUT"),
            (&public, json!({}), "BAD_USER_INPUT"),
            (
                &public,
                json!({ "link": slug, "via": seller.referral_code }),
                "BAD_USER_INPUT",
            ),
            (
                &public,
                json!({ "link": slug, "url": "javascript:alert(1)" }),
                "BAD_USER_INPUT",
            ),
            (&public, json!({ "link": slug, "x": 1 }), "BAD_USER_INPUT"),
            (&market.owner.token, json!({ "link": slug }), "FORBIDDEN"),
        ];
        for (key, body, code) in cases {
            let (_, answer) = tell(&app, key, body.clone()).await;
            assert_eq!(answer["error"]["code"], code, "{body}: {answer}");
        }
        let (status, answer) = app
            .rest("POST", "/track/click", None, &[], json!({ "link": slug }))
            .await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (StatusCode::UNAUTHORIZED, &json!("UNAUTHENTICATED"))
        );
        assert_eq!(clicks::flush(&app.app).await.unwrap(), 0);
        assert_eq!(app.digest().await, before.into_iter().collect());
    })
    .await;
}

/// What is done with a test key does not count, but its click id works.
#[rstest]
#[tokio::test]
async fn a_test_key_leaves_no_visit(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        let slug = app.link(&seller).await;
        let input = json!({ "kind": "PUBLISHABLE", "mode": "TEST" });
        let key = app.api_key(&market.owner, &market.brand.id, input).await.secret;
        let (status, _) = tell(&app, &key, json!({ "link": slug })).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(clicks::flush(&app.app).await.unwrap(), 0);
    })
    .await;
}

/// Pages of any origin may ask, without credentials; no other door answers them.
#[tokio::test]
async fn any_page_may_knock() {
    with_app(Database::Sqlite, |app| async move {
        let preflight = |path: &str| {
            let request = Request::options(path)
                .header(header::ORIGIN, "https://shop.example")
                .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
            request.body(Body::empty()).unwrap()
        };
        let (status, headers, _) = app.send(preflight("/track/click")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(
            headers[header::ACCESS_CONTROL_ALLOW_HEADERS],
            "authorization,content-type"
        );
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
        // A refusal is readable too.
        let request = Request::post("/track/click").body(Body::empty()).unwrap();
        let (status, headers, _) = app.send(request).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        for path in ["/track/purchase", "/track/bulk"] {
            let (status, headers, _) = app.send(preflight(path)).await;
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
            assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        }
    })
    .await;
}
