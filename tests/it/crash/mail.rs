//! Mails, with the process that sends them killed in the middle: each leaves, at least once.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use entity::mail::{self, MailState};
use rstest::rstest;
use sea_orm::{ColumnTrait, Database as Connect, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{Dice, PATIENCE, PAUSE, SEED, Server, free_address, traffic::ask, wait_until};
use crate::support::{answer::refusal, database::Database, smtp::SmtpServer};

const USERS: usize = 24;
/// After this many sign-ups the process is killed.
const KILLED_AFTER: [usize; 3] = [6, 12, 18];
/// How long the mail server takes over a mail: long enough that a kill finds one that has left and is not known to have.
const SLOWNESS: Duration = Duration::from_millis(150);

const SIGN_UP: &str = "mutation ($input: SignUpInput!) {
    signUp(input: $input) { session { accessToken } userErrors { code } }
}";

fn address_of(user: usize) -> String {
    format!("user-{user}@example.org")
}

/// Signs everybody up, killing the server on the way.
fn sign_up_all(start: impl Fn() -> Server, address: SocketAddr) {
    let mut server = start();
    for user in 0..USERS {
        if KILLED_AFTER.contains(&user) {
            server.kill();
            server = start();
        }
        let input = json!({ "email": address_of(user), "password": "correct horse", "displayName": "somebody" });
        let body = json!({ "query": SIGN_UP, "variables": { "input": input } });
        wait_until("somebody signs up", || {
            server.must_live();
            ask(address, "/graphql", "", "", &body).is_some_and(|(_, answer)| {
                answer["data"]["signUp"]["session"].is_object() || refusal(&answer) == "EMAIL_TAKEN"
            })
        });
    }
    server.kill();
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mail_leaves(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let Some(made) = database.create().await else {
        return;
    };
    let smtp = SmtpServer::start().await;
    smtp.answer_after(SLOWNESS);
    let url = made.url();
    let mut dice = Dice(SEED + 7 + u64::from(matches!(database, Database::Postgres)));
    let address = free_address(&mut dice);
    let start = {
        let (url, smtp_url) = (url.clone(), smtp.url());
        move || {
            let mail = [
                "--no-demo",
                "--smtp-url",
                &smtp_url,
                "--mail-from",
                "no-reply@tributary.example",
            ];
            Server::start_with(&url, address, &mail)
        }
    };
    let signed_up = tokio::task::spawn_blocking({
        let start = start.clone();
        move || sign_up_all(start, address)
    });
    signed_up.await.unwrap();
    // Finishes what the killed ones left, when the time of their jobs has run out.
    let server = start();
    let db = Connect::connect(&url).await.unwrap();
    let left = || {
        mail::Entity::find()
            .filter(mail::Column::State.ne(MailState::Sent))
            .count(&db)
    };
    let end = Instant::now() + PATIENCE;
    while left().await.unwrap() > 0 {
        assert!(Instant::now() < end, "{} mails did not leave", left().await.unwrap());
        sleep(PAUSE).await;
    }
    assert_eq!(mail::Entity::find().count(&db).await.unwrap(), USERS as u64);
    db.close().await.unwrap();
    let taken: Vec<String> = smtp.taken().into_iter().map(|mail| mail.to).collect();
    let received: BTreeSet<&String> = taken.iter().collect();
    for user in 0..USERS {
        let to = address_of(user);
        assert!(
            received.iter().any(|line| line.contains(&format!("<{to}>"))),
            "{to} got none"
        );
    }
    println!("{} mails were sent {} times", USERS, taken.len());
    drop(server);
    made.drop().await;
}
