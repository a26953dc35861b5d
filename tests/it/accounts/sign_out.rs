//! Where somebody is signed in, and ending it here or there.

use axum::http::StatusCode;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use tributary::accounts::tokens::REFRESH_DAYS;

use crate::support::{
    answer::{error_code, refusal},
    app::{TestApp, with_app},
    database::Database,
};

const SESSIONS: &str = "{ viewer { sessions { totalCount nodes { id createdAt lastUsedAt expiresAt current } } } }";
const SIGN_OUT: &str = "mutation ($input: SignOutInput!) {
    signOut(input: $input) { session { id revokedAt current } userErrors { code message } }
}";
const REVOKE: &str = "mutation ($input: RevokeSessionInput!) {
    revokeSession(input: $input) { session { id revokedAt } userErrors { code message } }
}";
const REFRESH: &str = "mutation ($input: RefreshSessionInput!) {
    refreshSession(input: $input) { session { refreshToken } userErrors { code message } }
}";
const VIEWER: &str = "{ viewer { user { id } } }";

fn with_token(token: &str) -> Value {
    json!({ "input": { "refreshToken": token } })
}

async fn expect_over(app: &TestApp, token: &str) {
    let (status, answer) = app.graphql_answer(Some(token), VIEWER, json!({})).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(error_code(&answer), "UNAUTHENTICATED");
}

async fn expect_alive(app: &TestApp, token: &str) {
    app.graphql_ok(Some(token), VIEWER, json!({}), "viewer.user.id").await;
}

#[rstest]
#[tokio::test]
async fn lists_living_sessions_newest_first(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.sign_up("eve").await;
        let start = app.now();
        app.advance(TimeDelta::minutes(5));
        app.graphql_ok(None, REFRESH, with_token(&ada.refresh_token), "refreshSession.session")
            .await;
        let phone = app.sign_in(&ada).await;

        let list = app
            .graphql_ok(Some(&phone.token), SESSIONS, json!({}), "viewer.sessions")
            .await;
        assert_eq!(list["totalCount"], 2);
        let time = |minutes| json!((start + TimeDelta::minutes(minutes)).to_rfc3339());
        let nodes = list["nodes"].as_array().unwrap();
        assert_eq!(nodes[0]["current"], true);
        assert_eq!(nodes[0]["lastUsedAt"], nodes[0]["createdAt"]);
        assert_eq!(nodes[1]["current"], false);
        assert_eq!(nodes[1]["createdAt"], time(0));
        assert_eq!(nodes[1]["lastUsedAt"], time(5));

        // The older one ends five minutes before the newer.
        app.advance(TimeDelta::days(REFRESH_DAYS) - TimeDelta::minutes(5));
        let tablet = app.sign_in(&ada).await;
        let list = app
            .graphql_ok(Some(&tablet.token), SESSIONS, json!({}), "viewer.sessions")
            .await;
        assert_eq!(list["totalCount"], 2);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn signs_out_of_the_session_it_is_asked_in(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let phone = app.sign_in(&ada).await;
        let input = json!({ "input": {} });
        let session = app
            .graphql_ok(Some(&phone.token), SIGN_OUT, input.clone(), "signOut.session")
            .await;
        assert_eq!(session["current"], true);
        assert!(session["revokedAt"].is_string());
        expect_over(&app, &phone.token).await;
        let answer = app.graphql(None, REFRESH, with_token(&phone.refresh_token)).await;
        assert_eq!(refusal(&answer), "REFRESH_TOKEN_INVALID");
        expect_alive(&app, &ada.token).await;

        let answer = app.graphql(None, SIGN_OUT, input).await;
        assert_eq!(error_code(&answer), "UNAUTHENTICATED", "nobody has no session");
    })
    .await;
}

/// The refresh token is proof enough: an access token may have ended long ago.
#[rstest]
#[tokio::test]
async fn signs_out_by_refresh_token_current_or_used(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let phone = app.sign_in(&ada).await;
        app.graphql_ok(None, SIGN_OUT, with_token(&phone.refresh_token), "signOut.session.id")
            .await;
        expect_over(&app, &phone.token).await;

        let tablet = app.sign_in(&ada).await;
        app.graphql_ok(
            None,
            REFRESH,
            with_token(&tablet.refresh_token),
            "refreshSession.session",
        )
        .await;
        app.graphql_ok(None, SIGN_OUT, with_token(&tablet.refresh_token), "signOut.session.id")
            .await;
        expect_over(&app, &tablet.token).await;
        expect_alive(&app, &ada.token).await;

        let before = app.digest().await;
        for token in [&*phone.refresh_token, &*tablet.refresh_token, "trs_unknown"] {
            let answer = app.graphql(None, SIGN_OUT, with_token(token)).await;
            assert_eq!(refusal(&answer), "REFRESH_TOKEN_INVALID");
        }
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn revokes_own_sessions_only(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let eve = app.sign_up("eve").await;
        let phone = app.sign_in(&ada).await;
        let input = json!({ "input": { "id": app.session_id(&phone.token).await } });

        let before = app.digest().await;
        let answer = app.graphql(Some(&eve.token), REVOKE, input.clone()).await;
        assert_eq!(refusal(&answer), "SESSION_NOT_FOUND");
        assert_eq!(app.digest().await, before);
        expect_alive(&app, &phone.token).await;

        app.graphql_ok(Some(&ada.token), REVOKE, input.clone(), "revokeSession.session")
            .await;
        expect_over(&app, &phone.token).await;
        expect_alive(&app, &ada.token).await;
        let answer = app.graphql(Some(&ada.token), REVOKE, input).await;
        assert_eq!(refusal(&answer), "SESSION_NOT_FOUND", "it is over");
    })
    .await;
}

/// A stolen session that was used up by both ends its access tokens as well.
#[rstest]
#[tokio::test]
async fn a_used_refresh_token_ends_access_too(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        for _ in 0..2 {
            app.graphql(None, REFRESH, with_token(&ada.refresh_token)).await;
        }
        expect_over(&app, &ada.token).await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_session_is_a_node_to_its_user(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let eve = app.sign_up("eve").await;
        let id = app.session_id(&ada.token).await;
        let query = "query ($id: ID!) { node(id: $id) { id ... on UserSession { current } } }";
        let node = async |token: Option<&str>| {
            let answer = app.graphql(token, query, json!({ "id": id })).await;
            answer["data"]["node"].clone()
        };
        assert_eq!(node(Some(&ada.token)).await, json!({ "id": id, "current": true }));
        assert_eq!(node(Some(&eve.token)).await, Value::Null);
        assert_eq!(node(None).await, Value::Null);
    })
    .await;
}

/// A socket lives longer than the session it was opened in.
#[rstest]
#[tokio::test]
async fn an_open_socket_answers_no_more(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&ada.token)).await;
        socket.subscribe("before", VIEWER, json!({})).await;
        assert_eq!(socket.next_data("before").await["viewer"]["user"]["id"], json!(ada.id));
        assert_eq!(socket.next().await["type"], "complete");

        app.graphql_ok(Some(&ada.token), SIGN_OUT, json!({ "input": {} }), "signOut.session.id")
            .await;
        socket.subscribe("after", VIEWER, json!({})).await;
        let refused = socket.next().await;
        assert_eq!(refused["type"], "error");
        assert_eq!(refused["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
    })
    .await;
}
