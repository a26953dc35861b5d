//! Redirects that cost nothing.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;
use tributary::tracking::clicks;

use crate::support::{
    app::{TestApp, with_app},
    database::Database,
};

async fn follow(app: &TestApp, slug: &str) -> StatusCode {
    let request = Request::get(format!("/r/{slug}")).body(Body::empty()).unwrap();
    app.send(request).await.0
}

#[rstest]
#[tokio::test]
async fn a_link_is_read_once_in_ten_seconds(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        let slug = app.link(&seller).await;
        let count = async || app.count_statements(async || follow(&app, &slug).await).await;
        assert_eq!(count().await, 1);
        for _ in 0..20 {
            assert_eq!(count().await, 0);
        }
        app.advance(TimeDelta::seconds(9));
        assert_eq!(count().await, 0);
        app.advance(TimeDelta::seconds(1));
        assert_eq!(count().await, 1);
        // Every visit is a click of its own all the same.
        assert_eq!(clicks::flush(&app.app).await.unwrap(), 23);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_link_that_is_not_there_is_remembered_until_it_is_made(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        assert_eq!(follow(&app, "spring-sale").await, StatusCode::NOT_FOUND);
        let count = app
            .count_statements(async || {
                assert_eq!(follow(&app, "spring-sale").await, StatusCode::NOT_FOUND);
                // Not the form of a slug: nobody looks it up.
                assert_eq!(follow(&app, "a_b").await, StatusCode::NOT_FOUND);
            })
            .await;
        assert_eq!(count, 0);
        let input = json!({ "partnershipId": seller.partnership, "slug": "spring-sale" });
        app.done(&seller.user, "createTrackingLink", input, "trackingLink { slug }")
            .await;
        let request = Request::get("/r/spring-sale").body(Body::empty()).unwrap();
        let (status, headers, _) = app.send(request).await;
        assert_eq!(status, StatusCode::FOUND);
        assert!(headers[header::LOCATION].to_str().unwrap().contains("tcid="));
    })
    .await;
}
