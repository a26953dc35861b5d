//! Proving an address with the link that was mailed to it, and moving to another.

use chrono::TimeDelta;
use entity::account_link;
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use tributary::jobs::forget;

use crate::support::{
    answer::{error_code, refusal},
    app::{TestApp, with_app},
    builders::{PASSWORD, User},
    database::Database,
};

const VERIFY: &str = "mutation ($input: VerifyEmailInput!) {
    verifyEmail(input: $input) { user { id email } userErrors { code field message } }
}";
const RESEND: &str = "mutation ($input: ResendVerificationInput!) {
    resendVerification(input: $input) { email userErrors { code message } }
}";
const CHANGE: &str = "mutation ($input: ChangeEmailInput!) {
    changeEmail(input: $input) { user { email } userErrors { code field message } }
}";
const VIEWER: &str = "{ viewer { user { email } emailVerified } }";
const SIGN_IN: &str = "mutation ($input: SignInInput!) {
    signIn(input: $input) { session { user { id } } userErrors { code } }
}";

async fn verify(app: &TestApp, token: &str) -> Value {
    app.graphql(None, VERIFY, json!({ "input": { "token": token } })).await
}

/// Asks for another link, which must be answered as for any address.
async fn resend(app: &TestApp, email: &str) {
    let input = json!({ "input": { "email": email } });
    let answered = app.graphql_ok(None, RESEND, input, "resendVerification.email").await;
    assert_eq!(answered, email);
}

async fn change(app: &TestApp, user: &User, new_email: &str, password: &str) -> Value {
    let input = json!({ "input": { "newEmail": new_email, "currentPassword": password } });
    app.graphql(Some(&user.token), CHANGE, input).await
}

/// The viewer's address, and whether it is proved.
async fn address(app: &TestApp, user: &User) -> (String, bool) {
    let viewer = app.graphql_ok(Some(&user.token), VIEWER, json!({}), "viewer").await;
    let email = viewer["user"]["email"].as_str().unwrap().to_owned();
    (email, viewer["emailVerified"].as_bool().unwrap())
}

async fn links(app: &TestApp) -> u64 {
    account_link::Entity::find().count(app.db()).await.unwrap()
}

#[rstest]
#[tokio::test]
async fn a_mailed_link_proves_an_address_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        assert_eq!(address(&app, &ada).await, (ada.email.clone(), false));
        let token = app.mailed_token(&ada.email).await;
        assert_eq!(
            verify(&app, &token).await["data"]["verifyEmail"]["user"]["id"],
            json!(ada.id)
        );
        assert_eq!(address(&app, &ada).await, (ada.email.clone(), true));
        let before = app.digest().await;
        assert_eq!(refusal(&verify(&app, &token).await), "LINK_INVALID");
        assert_eq!(app.digest().await, before);
        // What is proved is not proved again, and nobody is told.
        resend(&app, &ada.email).await;
        resend(&app, "nobody@example.org").await;
        assert!(app.send_mails().await.is_empty());
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn only_a_living_link_proves_anything(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let token = app.mailed_token(&ada.email).await;
        app.request_password_reset(&ada.email).await;
        let reset_token = app.mailed_token(&ada.email).await;
        let before = app.digest().await;
        // A link for something else is none, and neither is a guess.
        for wrong in ["", "trv_guess", &token.to_uppercase(), &reset_token] {
            assert_eq!(refusal(&verify(&app, wrong).await), "LINK_INVALID", "{wrong}");
        }
        app.advance(TimeDelta::hours(24));
        assert_eq!(refusal(&verify(&app, &token).await), "LINK_INVALID", "over");
        assert_eq!(app.digest().await, before);
        forget::forget(&app.app).await.unwrap();
        assert_eq!(links(&app).await, 0);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn two_at_once_spend_a_link_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let token = app.mailed_token(&ada.email).await;
        let (one, two) = tokio::join!(verify(&app, &token), verify(&app, &token));
        let won = [&one, &two]
            .iter()
            .filter(|answer| answer["data"]["verifyEmail"]["user"].is_object())
            .count();
        assert_eq!(won, 1, "{one} {two}");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_link_is_sent_again_five_times_an_hour(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.mailed_token(&ada.email).await;
        for _ in 0..5 {
            resend(&app, &ada.email).await;
        }
        let input = json!({ "input": { "email": ada.email } });
        let answer = app.graphql(None, RESEND, input).await;
        assert_eq!(error_code(&answer), "RATE_LIMITED");
        assert_eq!(
            answer["errors"][0]["message"],
            "at most 5 mails with a link in 60 min; try again in 60 min"
        );
        assert_eq!(answer["errors"][0]["extensions"]["retryAfterSeconds"], 3_600);
        // From elsewhere it is asked for, but the mailbox has had its five.
        resend(&app.elsewhere(), &ada.email).await;
        assert_eq!(app.send_mails().await.len(), 4, "one was sent at the sign-up");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn another_address_is_taken_when_its_link_is_opened(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let stale = app.mailed_token(&ada.email).await;
        let answer = change(&app, &ada, " Ada@New.example ", PASSWORD).await;
        assert_eq!(
            answer["data"]["changeEmail"]["user"]["email"],
            json!(ada.email),
            "not yet"
        );
        let token = app.mailed_token("Ada@New.example").await;
        let moved = verify(&app, &token).await;
        assert_eq!(moved["data"]["verifyEmail"]["user"]["email"], "Ada@New.example");
        assert_eq!(address(&app, &ada).await, ("Ada@New.example".to_owned(), true));

        let notice = app.send_mails().await;
        assert_eq!(notice.len(), 1);
        assert_eq!(notice[0].to, ada.email);
        assert!(notice[0].text.contains("Ada@New.example"), "{}", notice[0].text);
        // The old address opens nothing any more, and the new one does.
        assert_eq!(refusal(&verify(&app, &stale).await), "LINK_INVALID");
        let with = |email: &str| json!({ "input": { "email": email, "password": PASSWORD } });
        let old = app.graphql(None, SIGN_IN, with(&ada.email)).await;
        assert_eq!(refusal(&old), "CREDENTIALS_INVALID");
        app.graphql_ok(None, SIGN_IN, with("ada@new.example"), "signIn.session.user.id")
            .await;
    })
    .await;
}

#[rstest]
#[case::password("ada@new.example", "not my password", "CREDENTIALS_INVALID", "currentPassword")]
#[case::address("ada", PASSWORD, "EMAIL_INVALID", "newEmail")]
#[case::same("ADA@example.org", PASSWORD, "EMAIL_UNCHANGED", "newEmail")]
#[tokio::test]
async fn a_refused_change_of_address_changes_nothing(
    #[case] email: &'static str,
    #[case] password: &'static str,
    #[case] code: &'static str,
    #[case] field: &'static str,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let before = app.digest().await;
        let answer = change(&app, &ada, email, password).await;
        assert_eq!(refusal(&answer), code);
        assert_eq!(answer["data"]["changeEmail"]["userErrors"][0]["field"], json!([field]));
        assert_eq!(app.digest().await, before);
    })
    .await;
}

/// Whether an address has an account is not to be found out by wanting it.
#[rstest]
#[tokio::test]
async fn a_taken_address_is_answered_like_a_free_one(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let eve = app.sign_up("eve").await;
        app.send_mails().await;
        let taken = change(&app, &eve, &ada.email, PASSWORD).await;
        let free = change(&app, &eve, "late@example.org", PASSWORD).await;
        assert_eq!(taken["data"], free["data"]);
        let letters = app.send_mails().await;
        assert_eq!(letters.len(), 1, "{letters:?}");
        // Somebody takes the free one before the link is opened.
        let token = crate::support::mail::token_of(&letters[0]);
        app.sign_up("late").await;
        assert_eq!(refusal(&verify(&app, &token).await), "EMAIL_TAKEN");
        assert_eq!(address(&app, &eve).await, (eve.email.clone(), false));
    })
    .await;
}

/// A thief who asked for another address loses it when the owner changes the password, sent or not.
#[rstest]
#[tokio::test]
async fn another_password_ends_a_pending_change(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.send_mails().await;
        change(&app, &ada, "thief@example.org", PASSWORD).await;
        let sent = app.mailed_token("thief@example.org").await;
        change(&app, &ada, "thief2@example.org", PASSWORD).await;
        let password = "mutation ($input: ChangePasswordInput!) {
            changePassword(input: $input) { user { id } userErrors { code } }
        }";
        let input = json!({ "input": { "currentPassword": PASSWORD, "newPassword": "another long password" } });
        app.graphql_ok(Some(&ada.token), password, input, "changePassword.user.id")
            .await;
        let letters = app.send_mails().await;
        assert_eq!(letters.len(), 1, "the notice alone: {letters:?}");
        assert_eq!(refusal(&verify(&app, &sent).await), "LINK_INVALID");
        assert_eq!(address(&app, &ada).await.0, ada.email);
    })
    .await;
}
