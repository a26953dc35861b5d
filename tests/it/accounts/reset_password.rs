//! A forgotten password, set anew by whoever has the mailbox.

use axum::http::StatusCode;
use chrono::TimeDelta;
use entity::mail::{self, MailState};
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::support::{
    answer::{error_code, refusal},
    app::{TestApp, with_app},
    builders::PASSWORD,
    database::Database,
};

const RESET: &str = "mutation ($input: ResetPasswordInput!) {
    resetPassword(input: $input) { user { id } userErrors { code field message } }
}";
const SIGN_IN: &str = "mutation ($input: SignInInput!) {
    signIn(input: $input) { session { user { id } } userErrors { code message } }
}";
const VIEWER: &str = "{ viewer { user { id } emailVerified } }";
const NEW_PASSWORD: &str = "staple for a new battery";

async fn reset(app: &TestApp, token: &str, new_password: &str) -> Value {
    let input = json!({ "input": { "token": token, "newPassword": new_password } });
    app.graphql(None, RESET, input).await
}

fn credentials(email: &str, password: &str) -> Value {
    json!({ "input": { "email": email, "password": password } })
}

#[rstest]
#[tokio::test]
async fn ends_all_sessions_and_tells_the_owner(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let eve = app.sign_up("eve").await;
        let ada = app.sign_up("ada").await;
        let phone = app.sign_in(&ada).await;
        app.send_mails().await;
        app.request_password_reset(&ada.email.to_uppercase()).await;
        let token = app.mailed_token(&ada.email.to_uppercase()).await;
        let answer = reset(&app, &token, NEW_PASSWORD).await;
        assert_eq!(answer["data"]["resetPassword"]["user"]["id"], json!(ada.id));

        for over in [&ada.token, &phone.token] {
            let (status, _) = app.graphql_answer(Some(over), VIEWER, json!({})).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
        }
        app.graphql_ok(Some(&eve.token), VIEWER, json!({}), "viewer.user.id")
            .await;
        let old = app.graphql(None, SIGN_IN, credentials(&ada.email, PASSWORD)).await;
        assert_eq!(refusal(&old), "CREDENTIALS_INVALID");
        app.graphql_ok(
            None,
            SIGN_IN,
            credentials(&ada.email, NEW_PASSWORD),
            "signIn.session.user.id",
        )
        .await;

        let notice = app.send_mails().await;
        assert_eq!(notice.len(), 1);
        assert_eq!(
            (notice[0].to.as_str(), notice[0].subject.as_str()),
            ("ada@example.org", "Your password was changed")
        );

        // Once.
        let before = app.digest().await;
        assert_eq!(refusal(&reset(&app, &token, PASSWORD).await), "LINK_INVALID");
        assert_eq!(app.digest().await, before);
    })
    .await;
}

/// Whoever opened the link has the mailbox.
#[rstest]
#[tokio::test]
async fn proves_the_address_too(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.send_mails().await;
        app.request_password_reset(&ada.email).await;
        let token = app.mailed_token(&ada.email).await;
        reset(&app, &token, PASSWORD).await;
        let again = app.sign_in(&ada).await;
        let verified = app
            .graphql_ok(Some(&again.token), VIEWER, json!({}), "viewer.emailVerified")
            .await;
        assert_eq!(verified, true);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_wrong_link_or_password_changes_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let verification = app.mailed_token(&ada.email).await;
        app.request_password_reset(&ada.email).await;
        let token = app.mailed_token(&ada.email).await;
        let before = app.digest().await;
        for (token, password, code) in [
            (&*token, "123456789", "PASSWORD_LENGTH"),
            ("trp_guess", NEW_PASSWORD, "LINK_INVALID"),
            (&*verification, NEW_PASSWORD, "LINK_INVALID"),
        ] {
            assert_eq!(refusal(&reset(&app, token, password).await), code);
        }
        app.advance(TimeDelta::hours(1));
        assert_eq!(
            refusal(&reset(&app, &token, NEW_PASSWORD).await),
            "LINK_INVALID",
            "over"
        );
        assert_eq!(app.digest().await, before);
    })
    .await;
}

/// The same answer, the same rows and the same number of statements, whether or not the address has an account.
#[rstest]
#[tokio::test]
async fn tells_nobody_which_addresses_have_accounts(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        app.sign_up("ada").await;
        app.send_mails().await;
        let mut answers = Vec::new();
        let mut statements = Vec::new();
        for email in ["ada@example.org", "eve@example.org"] {
            let count = app
                .count_statements(|| async {
                    let answer = app.request_password_reset(email).await;
                    answers.push(answer["data"].to_string().replace(email, "…"));
                })
                .await;
            statements.push(count);
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(statements[0], statements[1]);
        let letters = app.send_mails().await;
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].to, "ada@example.org");
        let mut states: Vec<(String, MailState)> = mail::Entity::find()
            .all(app.db())
            .await
            .unwrap()
            .into_iter()
            .map(|mail| (mail.recipient, mail.state))
            .collect();
        states.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(
            states.last().unwrap(),
            &("eve@example.org".to_owned(), MailState::Dropped)
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn is_limited_whether_or_not_the_account_exists(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        app.sign_up("ada").await;
        for email in ["ada@example.org", "eve@example.org"] {
            for _ in 0..5 {
                let answer = app.request_password_reset(email).await;
                assert_eq!(answer["data"]["requestPasswordReset"]["email"], email);
            }
            let before = app.digest().await;
            assert_eq!(error_code(&app.request_password_reset(email).await), "RATE_LIMITED");
            assert_eq!(app.digest().await, before);
        }
        let elsewhere = app.elsewhere();
        let answer = elsewhere.request_password_reset("ada@example.org").await;
        assert_eq!(answer["data"]["requestPasswordReset"]["email"], "ada@example.org");
        app.advance(TimeDelta::hours(1));
        let answer = app.request_password_reset("ada@example.org").await;
        assert_eq!(answer["data"]["requestPasswordReset"]["email"], "ada@example.org");
        assert_eq!(refusal(&app.request_password_reset("ada").await), "EMAIL_INVALID");
    })
    .await;
}

/// No token stands in the database, neither waiting nor sent.
#[rstest]
#[tokio::test]
async fn keeps_no_token(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.send_mails().await;
        app.request_password_reset(&ada.email).await;
        for mail in mail::Entity::find().all(app.db()).await.unwrap() {
            assert_eq!((mail.subject, mail.body), (None, None), "{:?}", mail.kind);
        }
        let token = app.mailed_token(&ada.email).await;
        let links = entity::account_link::Entity::find().all(app.db()).await.unwrap();
        assert_eq!(links.len(), 2);
        assert!(
            links
                .iter()
                .all(|link| !link.token_hash.contains(&token) && link.token_hash.len() == 64)
        );
    })
    .await;
}
