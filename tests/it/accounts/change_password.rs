//! Another password, and what it ends.

use axum::http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{answer::refusal, app::with_app, builders::PASSWORD, database::Database};

const CHANGE: &str = "mutation ($input: ChangePasswordInput!) {
    changePassword(input: $input) { user { id } userErrors { code field message } }
}";
const SIGN_IN: &str = "mutation ($input: SignInInput!) {
    signIn(input: $input) { session { user { id } } userErrors { code message } }
}";
const VIEWER: &str = "{ viewer { user { id } } }";
const NEW_PASSWORD: &str = "staple for a new battery";

fn change(current: &str, new: &str) -> Value {
    json!({ "input": { "currentPassword": current, "newPassword": new } })
}

#[rstest]
#[tokio::test]
async fn ends_all_other_sessions(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let eve = app.sign_up("eve").await;
        let ada = app.sign_up("ada").await;
        let phone = app.sign_in(&ada).await;
        let tablet = app.sign_in(&ada).await;
        let id = app
            .graphql_ok(
                Some(&phone.token),
                CHANGE,
                change(PASSWORD, NEW_PASSWORD),
                "changePassword.user.id",
            )
            .await;
        assert_eq!(id, ada.id);

        for over in [&ada.token, &tablet.token] {
            let (status, _) = app.graphql_answer(Some(over), VIEWER, json!({})).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
        }
        for alive in [&phone.token, &eve.token] {
            app.graphql_ok(Some(alive), VIEWER, json!({}), "viewer.user.id").await;
        }

        let with = |password| json!({ "input": { "email": ada.email, "password": password } });
        let answer = app.graphql(None, SIGN_IN, with(PASSWORD)).await;
        assert_eq!(refusal(&answer), "CREDENTIALS_INVALID");
        app.graphql_ok(None, SIGN_IN, with(NEW_PASSWORD), "signIn.session.user.id")
            .await;
    })
    .await;
}

#[rstest]
#[case::wrong("not my password", NEW_PASSWORD, "CREDENTIALS_INVALID", "currentPassword")]
#[case::short(PASSWORD, "123456789", "PASSWORD_LENGTH", "newPassword")]
#[tokio::test]
async fn a_refusal_changes_nothing(
    #[case] current: &'static str,
    #[case] new: &'static str,
    #[case] code: &'static str,
    #[case] field: &'static str,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.sign_in(&ada).await;
        let before = app.digest().await;
        let answer = app.graphql(Some(&ada.token), CHANGE, change(current, new)).await;
        assert_eq!(refusal(&answer), code);
        assert_eq!(
            answer["data"]["changePassword"]["userErrors"][0]["field"],
            json!([field])
        );
        assert_eq!(app.digest().await, before);
    })
    .await;
}

/// Of two changes at once one wins, and its password is the one that counts.
#[rstest]
#[tokio::test]
async fn of_two_at_once_one_wins(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let try_change = |new| app.graphql(Some(&ada.token), CHANGE, change(PASSWORD, new));
        let answers = tokio::join!(
            try_change("the first new password"),
            try_change("the second new password")
        );
        let won = |answer: &Value| answer["data"]["changePassword"]["user"].is_object();
        let winners = [
            (&answers.0, "the first new password"),
            (&answers.1, "the second new password"),
        ];
        let winners: Vec<&str> = winners
            .iter()
            .filter(|(answer, _)| won(answer))
            .map(|(_, new)| *new)
            .collect();
        let [new] = winners.as_slice() else {
            panic!("one winner wanted: {answers:#?}");
        };
        let input = json!({ "input": { "email": ada.email, "password": new } });
        app.graphql_ok(None, SIGN_IN, input, "signIn.session.user.id").await;
    })
    .await;
}
