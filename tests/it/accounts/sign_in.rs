//! Signing in with e-mail address and password.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;
use tributary::accounts::throttle::WINDOW_MINUTES;

use crate::support::{
    answer::{error_code, refusal},
    app::with_app,
    builders::PASSWORD,
    database::Database,
};

const SIGN_IN: &str = "mutation ($input: SignInInput!) {
    signIn(input: $input) { session { user { id } accessToken } userErrors { code field message } }
}";

#[rstest]
#[tokio::test]
async fn opens_a_session(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let input = json!({ "input": { "email": ada.email.to_uppercase(), "password": PASSWORD } });
        let id = app.graphql_ok(None, SIGN_IN, input, "signIn.session.user.id").await;
        assert_eq!(id, ada.id);
    })
    .await;
}

/// Who guesses must not learn which addresses have an account.
#[rstest]
#[tokio::test]
async fn answers_a_wrong_password_as_an_unknown_address(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        app.sign_up("ada").await;
        let before = app.digest().await;
        let mut answers = Vec::new();
        for email in ["ada@example.org", "nobody@example.org", "not an address"] {
            let input = json!({ "input": { "email": email, "password": "a wrong password" } });
            let answer = app.graphql(None, SIGN_IN, input).await;
            assert_eq!(refusal(&answer), "CREDENTIALS_INVALID");
            answers.push(answer["data"].clone());
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0], answers[2]);
        assert_eq!(app.digest().await, before);
    })
    .await;
}

/// Guessing ends after ten wrong passwords, whether or not the account exists; its owner elsewhere never notices.
#[rstest]
#[tokio::test]
async fn limits_guessing_without_locking_the_owner_out(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        app.sign_up("ada").await;
        let input = |email: &str, password: &str| json!({ "input": { "email": email, "password": password } });
        let before = app.digest().await;
        let mut messages = Vec::new();
        for email in ["ada@example.org", "nobody@example.org"] {
            for spelling in [email.to_owned(), email.to_uppercase()].iter().cycle().take(10) {
                let answer = app.graphql(None, SIGN_IN, input(spelling, "a wrong password")).await;
                assert_eq!(refusal(&answer), "CREDENTIALS_INVALID");
            }
            let answer = app.graphql(None, SIGN_IN, input(email, PASSWORD)).await;
            assert_eq!(error_code(&answer), "RATE_LIMITED");
            messages.push(answer["errors"][0]["message"].clone());
        }
        assert_eq!(messages[0], messages[1]);
        assert_eq!(app.digest().await, before);

        let right = input("ada@example.org", PASSWORD);
        let path = "signIn.session.accessToken";
        let elsewhere = app.elsewhere();
        let token = elsewhere.graphql_ok(None, SIGN_IN, right.clone(), path).await;
        assert_eq!(
            error_code(&app.graphql(None, SIGN_IN, right.clone()).await),
            "RATE_LIMITED"
        );

        // A token from elsewhere is no way to go on guessing here.
        let change = "mutation ($input: ChangePasswordInput!) {
            changePassword(input: $input) { user { id } userErrors { code } }
        }";
        let guess = json!({ "input": { "currentPassword": PASSWORD, "newPassword": PASSWORD } });
        let answer = app.graphql(token.as_str(), change, guess).await;
        assert_eq!(error_code(&answer), "RATE_LIMITED");

        app.advance(TimeDelta::minutes(WINDOW_MINUTES));
        app.graphql_ok(None, SIGN_IN, right, path).await;
    })
    .await;
}
