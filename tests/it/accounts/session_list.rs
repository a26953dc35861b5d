//! Where somebody is signed in: what the list says of each session, and ending all others.

use axum::http::StatusCode;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use tributary::accounts::service::write_sessions_last_used;

use crate::support::{
    answer::refusal,
    app::{TestApp, with_app},
    builders::{PASSWORD, text},
    database::Database,
};

const LIST: &str = "{ viewer { sessions { nodes { id current createdAt lastUsedAt userAgent clientAddress } } } }";
const VIEWER: &str = "{ viewer { user { id } } }";
const REVOKE_OTHERS: &str = "mutation ($input: RevokeOtherSessionsInput!) {
    revokeOtherSessions(input: $input) { revokedCount userErrors { code message } }
}";

async fn sessions(app: &TestApp, token: &str) -> Vec<Value> {
    let nodes = app
        .graphql_ok(Some(token), LIST, json!({}), "viewer.sessions.nodes")
        .await;
    nodes.as_array().unwrap().clone()
}

#[rstest]
#[tokio::test]
async fn says_which_device_a_session_is(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let document = "mutation ($input: SignInInput!) { signIn(input: $input) { session { refreshToken } } }";
        let body = json!({
            "query": document, "variables": { "input": { "email": ada.email, "password": PASSWORD } },
        });
        let browser = format!("Firefox/150 {}", "x".repeat(400));
        let headers = [("user-agent", &*browser)];
        let elsewhere = app.elsewhere();
        let (_, answer) = elsewhere.rest("POST", "/graphql", None, &headers, body).await;
        let listed = sessions(&app, &ada.token).await;
        let [browsing, current] = listed.as_slice() else {
            panic!("two sessions wanted: {listed:?}");
        };
        assert_eq!(
            (&browsing["current"], &current["current"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(browsing["userAgent"], browser[..300]);
        assert_eq!(browsing["clientAddress"], "192.0.2.1");
        assert_eq!(
            (&current["userAgent"], &current["clientAddress"]),
            (&Value::Null, &json!("127.0.0.1"))
        );

        // It moved: new tokens say where to.
        let token = text(&answer["data"]["signIn"]["session"], "refreshToken");
        let refresh = "mutation ($input: RefreshSessionInput!) {
            refreshSession(input: $input) { session { accessToken } userErrors { code } }
        }";
        let input = json!({ "input": { "refreshToken": token } });
        app.graphql_ok(None, refresh, input, "refreshSession.session").await;
        let listed = sessions(&app, &ada.token).await;
        assert_eq!(listed[0]["clientAddress"], "127.0.0.1");
    })
    .await;
}

/// Requests are noted in memory, and written once a minute with one statement for all.
#[rstest]
#[tokio::test]
async fn says_when_a_session_was_last_used(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let phone = app.sign_in(&ada).await;
        app.advance(TimeDelta::minutes(5));
        let before = app.digest().await;
        for _ in 0..3 {
            app.graphql_ok(Some(&phone.token), VIEWER, json!({}), "viewer.user.id")
                .await;
        }
        assert_eq!(app.digest().await, before, "a request writes nothing");
        write_sessions_last_used(&app.app).await.unwrap();
        let listed = sessions(&app, &ada.token).await;
        assert_eq!(listed[0]["lastUsedAt"], "2026-01-15T12:05:00+00:00");
        assert_eq!(listed[1]["lastUsedAt"], "2026-01-15T12:00:00+00:00");
        let quiet = app.count_statements(|| write_sessions_last_used(&app.app)).await;
        assert!(quiet <= 3, "{quiet} statements for the one that listed");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn all_others_end_at_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let eve = app.sign_up("eve").await;
        let ada = app.sign_up("ada").await;
        let phone = app.sign_in(&ada).await;
        let tablet = app.sign_in(&ada).await;
        let kept = app.session_id(&tablet.token).await;
        let answer = |input: Value| app.graphql(Some(&ada.token), REVOKE_OTHERS, json!({ "input": input }));

        let before = app.digest().await;
        let foreign = app.session_id(&eve.token).await;
        assert_eq!(
            refusal(&answer(json!({ "keepId": foreign })).await),
            "SESSION_NOT_FOUND"
        );
        assert_eq!(app.digest().await, before);

        let revoked = answer(json!({ "keepId": kept })).await;
        assert_eq!(revoked["data"]["revokeOtherSessions"]["revokedCount"], 1);
        let (status, _) = app.graphql_answer(Some(&phone.token), VIEWER, json!({})).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        for alive in [&ada.token, &tablet.token, &eve.token] {
            app.graphql_ok(Some(alive), VIEWER, json!({}), "viewer.user.id").await;
        }
        let revoked = answer(json!({})).await;
        assert_eq!(revoked["data"]["revokeOtherSessions"]["revokedCount"], 1);
        let revoked = answer(json!({})).await;
        assert_eq!(revoked["data"]["revokeOtherSessions"]["revokedCount"], 0);
    })
    .await;
}
