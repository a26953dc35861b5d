//! Signing in with e-mail address and password.

use rstest::rstest;
use serde_json::json;

use crate::support::{answer::refusal, app::with_app, builders::PASSWORD, database::Database};

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
