//! Mail leaves in its own time: after its cause has committed, at least once, and not for ever.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::mail::{self, MailState};
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::json;
use tributary::{
    app::{App, Parts},
    config::Config,
    ids::Ids,
    infra::{clock::ManualClock, mail::MailError},
    jobs::{forget, handlers, worker},
    mail::KEPT_DAYS,
    queue::MAX_ATTEMPTS,
};

use crate::support::{
    app::{TestApp, with_app},
    builders::PASSWORD,
    database::Database,
    smtp::SmtpServer,
};

/// The one mail there is.
async fn the_mail(app: &TestApp) -> mail::Model {
    let mails = mail::Entity::find().all(app.db()).await.unwrap();
    let [mail] = mails.as_slice() else {
        panic!("one mail wanted: {mails:#?}");
    };
    mail.clone()
}

/// The same database, served by a process that sends to a real server.
async fn sending_to(app: &TestApp, server: &SmtpServer) -> App {
    let config = Config {
        smtp_url: Some(server.url()),
        mail_from: Some("Tributary <no-reply@tributary.example>".to_owned()),
        ..app.app.config.clone()
    };
    let parts = Parts {
        clock: Arc::<ManualClock>::clone(&app.clock),
        ids: Ids::seeded(7),
        ..Parts::default()
    };
    let Ok(app) = App::assemble(config, app.app.db.clone(), parts).await else {
        panic!("the application does not assemble");
    };
    app
}

/// Queues a mail that says something by itself: the notice of another password.
async fn notice(app: &TestApp) {
    let ada = app.sign_up("ada").await;
    app.send_mails().await;
    mail::Entity::delete_many().exec(app.db_writer()).await.unwrap();
    let change = "mutation ($input: ChangePasswordInput!) {
        changePassword(input: $input) { user { id } userErrors { code } }
    }";
    let input = json!({ "input": { "currentPassword": PASSWORD, "newPassword": "another long password" } });
    app.graphql_ok(Some(&ada.token), change, input, "changePassword.user.id")
        .await;
}

async fn send_due(app: &App) -> usize {
    worker::run_due(app, &handlers()).await.unwrap()
}

#[rstest]
#[tokio::test]
async fn is_handed_to_a_mail_server(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let server = SmtpServer::start().await;
        let sender = sending_to(&app, &server).await;
        app.sign_up("ada").await;
        assert!(server.taken().is_empty(), "nothing is sent inside a request");
        assert_eq!(send_due(&sender).await, 1);
        let taken = server.taken();
        assert_eq!(taken.len(), 1);
        assert!(
            taken[0].from.starts_with("MAIL FROM:<no-reply@tributary.example>"),
            "{taken:?}"
        );
        assert!(taken[0].to.starts_with("RCPT TO:<ada@example.org>"), "{taken:?}");
        let mail = the_mail(&app).await;
        for wanted in [
            format!("Message-ID: <{}@tributary.example>", mail.id),
            "Subject: Confirm your e-mail address".to_owned(),
            "Date: Thu, 15 Jan 2026 12:00:00 +0000".to_owned(),
            "http://127.0.0.1:4000/verify-email#".to_owned(),
        ] {
            assert!(taken[0].data.contains(&wanted), "{wanted}: {}", taken[0].data);
        }
        assert_eq!(mail.state, MailState::Sent);
        assert_eq!(send_due(&sender).await, 0, "once");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn tries_again_when_the_server_is_busy(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let server = SmtpServer::start().await;
        server.answer_next("451 try again later");
        let sender = sending_to(&app, &server).await;
        app.sign_up("ada").await;
        send_due(&sender).await;
        let mail = the_mail(&app).await;
        assert_eq!(mail.state, MailState::Queued);
        assert_eq!(send_due(&sender).await, 0, "not yet");
        app.advance(TimeDelta::seconds(10));
        assert_eq!(send_due(&sender).await, 1);
        assert_eq!(the_mail(&app).await.state, MailState::Sent);
        assert_eq!(server.taken().len(), 1);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn gives_up_what_the_server_refuses_for_good(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let server = SmtpServer::start().await;
        server.answer_next("550 no such mailbox");
        let sender = sending_to(&app, &server).await;
        app.sign_up("ada").await;
        send_due(&sender).await;
        let mail = the_mail(&app).await;
        assert_eq!(mail.state, MailState::Dead);
        assert!(mail.last_error.unwrap().contains("no such mailbox"));
        assert_eq!(mail.closed_at, Some(app.now()));
        app.advance(TimeDelta::days(1));
        assert_eq!(send_due(&sender).await, 0);
        assert!(server.taken().is_empty());
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn gives_up_after_twelve_attempts(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        notice(&app).await;
        for attempt in 1..=MAX_ATTEMPTS {
            app.mailer.fail_next(MailError::Later("away".to_owned()));
            app.send_mails().await;
            let state = if attempt == MAX_ATTEMPTS {
                MailState::Dead
            } else {
                MailState::Queued
            };
            let mail = the_mail(&app).await;
            assert_eq!(mail.state, state);
            assert_eq!(mail.body.is_some(), state == MailState::Queued);
            app.advance(TimeDelta::hours(1));
        }
        assert!(app.send_mails().await.is_empty());
    })
    .await;
}

/// What a mail says is not kept longer than it takes to send it, and its row not for ever.
#[rstest]
#[tokio::test]
async fn is_wiped_when_sent_and_forgotten_later(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        notice(&app).await;
        assert!(the_mail(&app).await.body.unwrap().contains("was changed"));
        assert_eq!(app.send_mails().await[0].subject, "Your password was changed");
        let mail = the_mail(&app).await;
        assert_eq!((mail.subject, mail.body), (None, None));
        app.advance(TimeDelta::days(KEPT_DAYS));
        forget::forget(&app.app).await.unwrap();
        assert!(mail::Entity::find().all(app.db()).await.unwrap().is_empty());
    })
    .await;
}
