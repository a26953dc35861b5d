//! Access tokens end; refresh tokens are good for one exchange.

use axum::http::StatusCode;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;
use tributary::accounts::tokens::{ACCESS_MINUTES, REFRESH_DAYS};

use crate::support::{
    answer::{error_code, refusal},
    app::with_app,
    builders::text,
    database::Database,
};

const REFRESH: &str = "mutation ($input: RefreshSessionInput!) {
    refreshSession(input: $input) { session { accessToken refreshToken } userErrors { code message } }
}";
const VIEWER: &str = "{ viewer { user { id } } }";

#[rstest]
#[tokio::test]
async fn a_refresh_token_is_good_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let old = json!({ "input": { "refreshToken": ada.refresh_token } });
        let session = app
            .graphql_ok(None, REFRESH, old.clone(), "refreshSession.session")
            .await;
        let new = json!({ "input": { "refreshToken": text(&session, "refreshToken") } });

        assert_eq!(refusal(&app.graphql(None, REFRESH, old).await), "REFRESH_TOKEN_INVALID");
        let session = app.graphql_ok(None, REFRESH, new, "refreshSession.session").await;
        let token = text(&session, "accessToken");
        let id = app.graphql_ok(Some(&token), VIEWER, json!({}), "viewer.user.id").await;
        assert_eq!(id, ada.id);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_session_ends_for_good(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.advance(TimeDelta::days(REFRESH_DAYS));
        let input = json!({ "input": { "refreshToken": ada.refresh_token } });
        assert_eq!(
            refusal(&app.graphql(None, REFRESH, input).await),
            "REFRESH_TOKEN_INVALID"
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_access_token_ends(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.advance(TimeDelta::minutes(ACCESS_MINUTES) - TimeDelta::seconds(1));
        app.graphql_ok(Some(&ada.token), VIEWER, json!({}), "viewer.user.id")
            .await;
        app.advance(TimeDelta::seconds(1));
        let (status, answer) = app.graphql_answer(Some(&ada.token), VIEWER, json!({})).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(error_code(&answer), "UNAUTHENTICATED");
    })
    .await;
}

/// A wrong token is an error even where no token would do: a client must notice.
#[rstest]
#[tokio::test]
async fn a_forged_token_is_no_anonymous_visit(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (status, answer) = app.graphql_answer(Some("forged"), "{ __typename }", json!({})).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(error_code(&answer), "UNAUTHENTICATED");
    })
    .await;
}
