//! Access tokens end; refresh tokens are good for one exchange, and a second one ends the session.

use axum::http::StatusCode;
use chrono::TimeDelta;
use entity::used_refresh_token;
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use tributary::accounts::tokens::{ACCESS_MINUTES, REFRESH_DAYS};

use crate::support::{
    answer::{error_code, refusal},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
};

const REFRESH: &str = "mutation ($input: RefreshSessionInput!) {
    refreshSession(input: $input) { session { accessToken refreshToken } userErrors { code message } }
}";
const VIEWER: &str = "{ viewer { user { id } } }";

fn with_token(token: &str) -> Value {
    json!({ "input": { "refreshToken": token } })
}

/// Exchanges a token that must be good, and returns the new session.
async fn refresh(app: &TestApp, token: &str) -> Value {
    app.graphql_ok(None, REFRESH, with_token(token), "refreshSession.session")
        .await
}

async fn expect_refused(app: &TestApp, token: &str) {
    let answer = app.graphql(None, REFRESH, with_token(token)).await;
    assert_eq!(refusal(&answer), "REFRESH_TOKEN_INVALID");
}

#[rstest]
#[tokio::test]
async fn each_refresh_token_leads_to_the_next(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let first = refresh(&app, &ada.refresh_token).await;
        let second = refresh(&app, &text(&first, "refreshToken")).await;
        let token = text(&second, "accessToken");
        let id = app.graphql_ok(Some(&token), VIEWER, json!({}), "viewer.user.id").await;
        assert_eq!(id, ada.id);
    })
    .await;
}

/// Thief or owner: whoever comes second, neither has a session any more.
#[rstest]
#[tokio::test]
async fn a_used_refresh_token_ends_its_session(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let first = refresh(&app, &ada.refresh_token).await;
        let second = refresh(&app, &text(&first, "refreshToken")).await;

        expect_refused(&app, &ada.refresh_token).await;
        expect_refused(&app, &text(&second, "refreshToken")).await;

        // It is over: nothing more can happen to it.
        let before = app.digest().await;
        expect_refused(&app, &ada.refresh_token).await;
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_unknown_refresh_token_does_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let first = refresh(&app, &ada.refresh_token).await;
        let before = app.digest().await;
        for unknown in ["", "trs_nobody-ever-had-this"] {
            expect_refused(&app, unknown).await;
        }
        assert_eq!(app.digest().await, before);
        refresh(&app, &text(&first, "refreshToken")).await;
    })
    .await;
}

/// There is no grace: two at once are two that hold the token.
#[rstest]
#[tokio::test]
async fn two_at_once_with_one_token_end_the_session(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let exchange = || app.graphql(None, REFRESH, with_token(&ada.refresh_token));
        let (one, two) = tokio::join!(exchange(), exchange());
        let got: Vec<String> = [one, two]
            .iter()
            .filter_map(|answer| answer["data"]["refreshSession"]["session"]["refreshToken"].as_str())
            .map(str::to_owned)
            .collect();
        assert_eq!(got.len(), 1, "one wins");
        expect_refused(&app, &got[0]).await;
    })
    .await;
}

/// The used tokens of sessions that are over are forgotten with the next sign-in.
#[rstest]
#[tokio::test]
async fn used_tokens_do_not_pile_up(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        refresh(&app, &ada.refresh_token).await;
        let kept = async || used_refresh_token::Entity::find().count(app.db()).await.unwrap();
        app.sign_in(&ada).await;
        assert_eq!(kept().await, 1, "its session lives");
        app.advance(TimeDelta::days(REFRESH_DAYS));
        app.sign_in(&ada).await;
        assert_eq!(kept().await, 0);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_session_ends_for_good(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.advance(TimeDelta::days(REFRESH_DAYS));
        expect_refused(&app, &ada.refresh_token).await;
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
