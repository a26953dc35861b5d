//! What brands and partners write to each other, who reads it, and what is unread.

use chrono::TimeDelta;
use entity::{brand_member::BrandRole, message, message_thread, outbox_event};
use rstest::rstest;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, error_code, refusal},
    app::{TestApp, with_app},
    builders::{User, text},
    database::Database,
    marketplace::merged,
};

/// Sends a message under a key, and returns the whole answer.
async fn send(app: &TestApp, user: &User, key: &str, about: Value, body: &str, more: Value) -> Value {
    let input = json!({ "idempotencyKey": key, "about": about, "body": body });
    let selection = "message { id body side authorName isOwn createdAt thread { id } } replayed";
    app.mutation(Some(&user.token), "sendMessage", merged(input, more), selection)
        .await
}

/// Sends a message that must be sent, under a key made of it: its own id and its thread's.
async fn sent(app: &TestApp, user: &User, body: &str, about: Value) -> (String, String) {
    let key = body.replace(' ', "-");
    let answer = send(app, user, &key, about, body, json!({})).await;
    let message = data_at(&answer, "sendMessage.message");
    app.advance(TimeDelta::seconds(1));
    (text(&message, "id"), text(&message["thread"], "id"))
}

fn about_partnership(id: &str) -> Value {
    json!({ "partnershipId": id })
}

const THREADS: &str = "messageThreads { totalCount nodes { id unreadCount messageCount isOpen lastMessage { body }
    program { name } partner { handle } brand { slug } } }";

async fn threads_of_brand(app: &TestApp, user: &User, brand: &str) -> Value {
    let query = format!("query ($id: ID!) {{ brand(id: $id) {{ {THREADS} }} }}");
    app.graphql_ok(
        Some(&user.token),
        &query,
        json!({ "id": brand }),
        "brand.messageThreads.nodes",
    )
    .await
}

async fn threads_of_partner(app: &TestApp, user: &User, partner: &str) -> Value {
    let query = format!("query ($id: ID!) {{ partner(id: $id) {{ {THREADS} }} }}");
    app.graphql_ok(
        Some(&user.token),
        &query,
        json!({ "id": partner }),
        "partner.messageThreads.nodes",
    )
    .await
}

/// The bodies of a thread, newest first.
async fn bodies(app: &TestApp, user: &User, thread: &str) -> Vec<String> {
    let query =
        "query ($id: ID!) { node(id: $id) { ... on MessageThread { messages(first: 100) { nodes { body } } } } }";
    let nodes = app
        .graphql_ok(Some(&user.token), query, json!({ "id": thread }), "node.messages.nodes")
        .await;
    nodes
        .as_array()
        .unwrap()
        .iter()
        .map(|node| text(node, "body"))
        .collect()
}

async fn unread(app: &TestApp, user: &User, thread: &str) -> Value {
    let query = "query ($id: ID!) { node(id: $id) { ... on MessageThread { unreadCount } } }";
    app.graphql_ok(Some(&user.token), query, json!({ "id": thread }), "node.unreadCount")
        .await
}

async fn mark_read(app: &TestApp, user: &User, thread: &str, message: &str) -> Value {
    let input = json!({ "threadId": thread, "messageId": message });
    app.mutation(
        Some(&user.token),
        "markThreadRead",
        input,
        "messageThread { unreadCount }",
    )
    .await
}

#[rstest]
#[tokio::test]
async fn one_thread_goes_from_the_application_through_the_partnership(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let user = app.sign_up("creator").await;
        let partner = app.partner(&user, "creator").await;
        let input = json!({
            "partnerId": partner.id, "programId": market.program.id, "message": "hello", "acceptedTermsVersion": 1,
        });
        let applied = app
            .done(
                &user,
                "applyToProgram",
                input,
                "application { id messageThread { id } }",
            )
            .await;
        let application = text(&applied["application"], "id");
        assert_eq!(applied["application"]["messageThread"], Value::Null);
        let about = json!({ "applicationId": application });
        let first = send(&app, &user, "1", about.clone(), "  Hi!\r\nMay I?  ", json!({})).await;
        let message = data_at(&first, "sendMessage.message");
        let thread = text(&message["thread"], "id");
        assert_eq!(
            message,
            json!({
                "id": message["id"], "body": "Hi!\nMay I?", "side": "PARTNER", "authorName": "creator", "isOwn": true,
                "createdAt": "2026-01-15T12:00:00+00:00", "thread": { "id": thread },
            })
        );
        let (answer, _) = sent(&app, &market.owner, "Please do.", about).await;
        let approved = app
            .done(
                &market.owner,
                "approveApplication",
                json!({ "id": application }),
                "application { messageThread { id } partnership { id messageThread { id messageCount } } }",
            )
            .await["application"]
            .clone();
        let whole = json!({ "id": thread, "messageCount": 2 });
        assert_eq!(approved["partnership"]["messageThread"], whole);
        assert_eq!(approved["messageThread"]["id"], *thread);
        let about = about_partnership(approved["partnership"]["id"].as_str().unwrap());
        let (_, same) = sent(&app, &user, "Thanks!", about).await;
        assert_eq!(same, thread);
        for reader in [&user, &market.owner] {
            assert_eq!(
                bodies(&app, reader, &thread).await,
                ["Thanks!", "Please do.", "Hi!\nMay I?"]
            );
        }
        let query = "query ($id: ID!) { node(id: $id) { ... on Message { side authorName isOwn thread { id } } } }";
        let seen = app
            .graphql_ok(Some(&user.token), query, json!({ "id": answer }), "node")
            .await;
        let wanted = json!({
            "side": "BRAND", "authorName": "aurora-owner", "isOwn": false, "thread": { "id": thread },
        });
        assert_eq!(seen, wanted);
        let log = outbox_event::Entity::find().filter(outbox_event::Column::Topic.eq("message.sent"));
        assert_eq!(log.count(app.db()).await.unwrap(), 3);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_invitation_can_be_talked_about(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let user = app.sign_up("creator").await;
        let partner = app.partner(&user, "creator").await;
        let invite = async |invitee: Value| {
            let input = json!({ "programId": market.program.id, "invitee": invitee });
            let made = app
                .done(
                    &market.owner,
                    "inviteToProgram",
                    input,
                    "programInvitation { id messageThread { id } }",
                )
                .await;
            text(&made["programInvitation"], "id")
        };
        let invitation = invite(json!({ "partnerId": partner.id })).await;
        let about = json!({ "programInvitationId": invitation });
        let (_, thread) = sent(&app, &market.owner, "You would fit.", about.clone()).await;
        sent(&app, &user, "What do you pay?", about.clone()).await;
        // Nobody has come by the mailed one yet.
        let mailed = invite(json!({ "email": "somebody@example.org" })).await;
        let nobody = json!({ "programInvitationId": mailed });
        let refused = send(&app, &market.owner, "m", nobody.clone(), "Hello?", json!({})).await;
        assert_eq!(refusal(&refused), "NOBODY_INVITED");
        assert_eq!(
            error_code(&send(&app, &user, "m", nobody, "Hello?", json!({})).await),
            "NOT_FOUND"
        );
        // Declined, it is over; asked again, it goes on where it was.
        let input = json!({ "invitation": { "invitationId": invitation } });
        app.done(&user, "declineProgramInvitation", input, "programInvitation { state }")
            .await;
        let closed = send(&app, &market.owner, "c", about, "A pity.", json!({})).await;
        assert_eq!(refusal(&closed), "THREAD_CLOSED");
        assert_eq!(threads_of_partner(&app, &user, &partner.id).await[0]["isOpen"], false);
        let again = json!({ "programInvitationId": invite(json!({ "partnerId": partner.id })).await });
        assert_eq!(sent(&app, &market.owner, "Once more?", again.clone()).await.1, thread);
        // It runs out by itself.
        let (mut owner, mut user) = (market.owner.clone(), user);
        app.advance_days(31, [&mut owner, &mut user]).await;
        let late = send(&app, &user, "l", again, "Yes!", json!({})).await;
        assert_eq!(refusal(&late), "THREAD_CLOSED");
        assert_eq!(
            bodies(&app, &user, &thread).await,
            ["Once more?", "What do you pay?", "You would fit."]
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_is_over_is_read_and_not_written(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        let id = promoter.partnership.clone();
        let about = about_partnership(&id);
        let (_, thread) = sent(&app, &promoter.user, "Hello.", about.clone()).await;
        let is_open = async || {
            let threads = threads_of_brand(&app, &market.owner, &market.brand.id).await;
            threads[0]["isOpen"].clone()
        };
        let tried = async |key: &str| send(&app, &promoter.user, key, about.clone(), "Still there?", json!({})).await;
        let input = json!({ "id": id, "reason": "odd traffic" });
        app.done(&market.owner, "suspendPartnership", input, "partnership { state }")
            .await;
        // There is something to talk about.
        sent(&app, &promoter.user, "Why?", about.clone()).await;
        assert_eq!(is_open().await, true);
        app.done(
            &market.owner,
            "endPartnership",
            json!({ "id": id }),
            "partnership { state }",
        )
        .await;
        for user in [&promoter.user, &market.owner] {
            let answer = send(&app, user, "ended", about.clone(), "Bye.", json!({})).await;
            assert_eq!(refusal(&answer), "THREAD_CLOSED");
        }
        assert_eq!(is_open().await, false);
        assert_eq!(bodies(&app, &promoter.user, &thread).await, ["Why?", "Hello."]);
        // Whoever asks in again is heard, until it is decided.
        let input = json!({
            "partnerId": promoter.partner.id, "programId": market.program.id, "message": "again",
            "acceptedTermsVersion": 1,
        });
        let applied = app
            .done(&promoter.user, "applyToProgram", input, "application { id }")
            .await;
        // A refusal did not use the key up.
        assert!(tried("ended").await["data"]["sendMessage"]["message"].is_object());
        let input = json!({ "id": applied["application"]["id"], "reason": "OTHER" });
        app.done(&market.owner, "rejectApplication", input, "application { state }")
            .await;
        assert_eq!(refusal(&tried("rejected").await), "THREAD_CLOSED");
        // What was sent is given again, also now.
        let replay = tried("ended").await;
        assert_eq!(replay["data"]["sendMessage"]["replayed"], true, "{replay:#}");
        let input = json!({ "id": id, "reason": "SPAM" });
        app.done(&market.owner, "banPartnership", input, "partnership { state }")
            .await;
        assert_eq!(refusal(&tried("banned").await), "THREAD_CLOSED");
        assert_eq!(
            bodies(&app, &promoter.user, &thread).await,
            ["Still there?", "Why?", "Hello."]
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn everyone_has_their_own_unread_messages(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        let manager = app.sign_up("manager").await;
        app.db_member(&market.brand.id, &manager.id, BrandRole::Manager).await;
        let about = about_partnership(&promoter.partnership);
        let (first, thread) = sent(&app, &promoter.user, "One.", about.clone()).await;
        let (second, _) = sent(&app, &promoter.user, "Two.", about.clone()).await;
        let counts = async || {
            let mut counts = Vec::new();
            for user in [&promoter.user, &market.owner, &manager] {
                counts.push(unread(&app, user, &thread).await.as_i64().unwrap());
            }
            counts
        };
        assert_eq!(counts().await, [0, 2, 2]);
        let read = mark_read(&app, &market.owner, &thread, &first).await;
        assert_eq!(data_at(&read, "markThreadRead.messageThread.unreadCount"), 1);
        assert_eq!(counts().await, [0, 1, 2]);
        // What a colleague answers is news too; to write is not to have read.
        let (third, _) = sent(&app, &manager, "Three.", about.clone()).await;
        assert_eq!(counts().await, [1, 2, 2]);
        mark_read(&app, &market.owner, &thread, &third).await;
        mark_read(&app, &promoter.user, &thread, &third).await;
        // It never goes back.
        for message in [&second, &first, &third] {
            mark_read(&app, &market.owner, &thread, message).await;
        }
        assert_eq!(counts().await, [0, 0, 2]);
        sent(&app, &promoter.user, "Four.", about).await;
        assert_eq!(counts().await, [0, 1, 3]);
        let list = threads_of_brand(&app, &market.owner, &market.brand.id).await;
        assert_eq!(list[0]["unreadCount"], 1);

        let other = app.promoter(&market, "other", None).await;
        let (foreign, _) = sent(&app, &other.user, "Hello.", about_partnership(&other.partnership)).await;
        let strange = mark_read(&app, &market.owner, &thread, &foreign).await;
        assert_eq!(error_code(&strange), "NOT_FOUND");
        let strange = mark_read(&app, &other.user, &thread, &first).await;
        assert_eq!(error_code(&strange), "NOT_FOUND");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn the_newest_thread_stands_in_front(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let mut promoters = Vec::new();
        for n in 0..10 {
            let promoter = app.promoter(&market, &format!("promoter-{n}"), None).await;
            sent(&app, &promoter.user, "Hello.", about_partnership(&promoter.partnership)).await;
            promoters.push(promoter);
        }
        let about = about_partnership(&promoters[3].partnership);
        sent(&app, &market.owner, "Hello you.", about).await;
        let query = format!(
            "query ($id: ID!, $first: Int, $after: String) {{ brand(id: $id) {{ page: messageThreads(first: $first,
                after: $after) {{ pageInfo {{ endCursor hasNextPage }} nodes {{ {} }} }} }} }}",
            "unreadCount isOpen lastMessage { body authorName } partner { handle } program { name } partnership { state }"
        );
        let page = async |first: usize, after: &Value| {
            let variables = json!({ "id": market.brand.id, "first": first, "after": after });
            app.graphql_ok(Some(&market.owner.token), &query, variables, "brand.page").await
        };
        let mut seen = Vec::new();
        let mut after = Value::Null;
        for more in [true, true, false] {
            let page = page(4, &after).await;
            let nodes = page["nodes"].as_array().unwrap();
            seen.extend(nodes.iter().map(|node| text(&node["partner"], "handle")));
            assert_eq!(page["pageInfo"]["hasNextPage"], more);
            after = page["pageInfo"]["endCursor"].clone();
        }
        let order = [3, 9, 8, 7, 6, 5, 4, 2, 1, 0].map(|n| format!("promoter-{n}"));
        assert_eq!(seen, order);
        let mut counts = Vec::new();
        for first in [2, 10] {
            counts.push(app.count_statements(async || drop(page(first, &Value::Null).await)).await);
        }
        println!("{database:?}: statements of a page of threads: {counts:?}");
        assert!(counts[0].abs_diff(counts[1]) <= 2 && counts[1] <= 18, "{counts:?}");
        // Each partner has its own.
        let own = threads_of_partner(&app, &promoters[3].user, &promoters[3].partner.id).await;
        assert_eq!(own.as_array().unwrap().len(), 1);
        assert_eq!(own[0]["lastMessage"]["body"], "Hello you.");
        assert_eq!(own[0]["brand"]["slug"], "aurora");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_message_is_sent_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        let about = about_partnership(&promoter.partnership);
        let once = async |user: &User, body: &str| send(&app, user, "k", about.clone(), body, json!({})).await;
        // Two at once.
        let (one, two) = tokio::join!(once(&promoter.user, "Hello."), once(&promoter.user, "Hello."));
        let (one, two) = (data_at(&one, "sendMessage"), data_at(&two, "sendMessage"));
        assert_eq!(one["message"], two["message"]);
        assert_ne!(one["replayed"], two["replayed"]);
        assert_eq!(
            error_code(&once(&promoter.user, "Other.").await),
            "IDEMPOTENCY_KEY_REUSED"
        );
        // Somebody else's key is another one.
        let answer = data_at(&once(&market.owner, "Hello.").await, "sendMessage");
        assert_eq!(answer["replayed"], false);
        assert_eq!(message::Entity::find().count(app.db()).await.unwrap(), 2);
        assert_eq!(message_thread::Entity::find().count(app.db()).await.unwrap(), 1);
        let thread = json!({ "threadId": answer["message"]["thread"]["id"] });
        // The thread or the partnership: the same is meant.
        let replay = send(&app, &market.owner, "k", thread.clone(), "Hello.", json!({})).await;
        assert_eq!(data_at(&replay, "sendMessage.replayed"), true);

        for body in ["", " \n", "a\u{1b}[2J", &"x".repeat(5_001)] {
            let refused = send(&app, &market.owner, "bad", thread.clone(), body, json!({})).await;
            assert_eq!(refusal(&refused), "BODY_INVALID", "{body:?}");
        }
        let nul = send(&app, &market.owner, "bad", thread.clone(), "a\u{0}b", json!({})).await;
        assert_eq!(error_code(&nul), "BAD_USER_INPUT");
        let long = "🚀".repeat(5_000);
        let answer = send(&app, &market.owner, "bad", thread.clone(), &long, json!({})).await;
        assert_eq!(data_at(&answer, "sendMessage.message.body"), *long);
        for key in ["", "two words", &"k".repeat(129)] {
            let refused = send(&app, &market.owner, key, thread.clone(), "Hello.", json!({})).await;
            assert_eq!(error_code(&refused), "BAD_USER_INPUT");
        }
        // A full one takes no more.
        message_thread::Entity::update_many()
            .set(message_thread::ActiveModel {
                message_count: Set(10_000),
                ..Default::default()
            })
            .exec(app.db_writer())
            .await
            .unwrap();
        let full = send(&app, &market.owner, "full", thread, "Hello.", json!({})).await;
        assert_eq!(refusal(&full), "THREAD_FULL");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn threads_are_for_the_two_sides(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        let about = about_partnership(&promoter.partnership);
        let (message, thread) = sent(&app, &promoter.user, "Between us.", about.clone()).await;
        let rival = app.promoter(&market, "rival", None).await;
        let elsewhere = app.market("elsewhere").await;
        let query = "query ($id: ID!) { node(id: $id) { __typename } }";
        for token in [
            None,
            Some(&*rival.user.token),
            Some(&*elsewhere.owner.token),
            Some(&*market.key.secret),
        ] {
            for id in [&message, &thread] {
                let seen = app.graphql(token, query, json!({ "id": id })).await;
                assert_eq!(seen["data"]["node"], Value::Null, "{token:?}");
            }
        }
        for stranger in [&rival.user, &elsewhere.owner] {
            for about in [about.clone(), json!({ "threadId": thread })] {
                let answer = send(&app, stranger, "s", about, "Hello.", json!({})).await;
                assert_eq!(error_code(&answer), "NOT_FOUND");
            }
        }
        // To look is every member's, to write is not.
        let analyst = app.sign_up("analyst").await;
        app.db_member(&market.brand.id, &analyst.id, BrandRole::Analyst).await;
        assert_eq!(bodies(&app, &analyst, &thread).await, ["Between us."]);
        let refused = send(&app, &analyst, "a", about.clone(), "Hello.", json!({})).await;
        assert_eq!(error_code(&refused), "FORBIDDEN");
        mark_read(&app, &analyst, &thread, &message).await;
        assert_eq!(unread(&app, &analyst, &thread).await, 0);

        // Who is of both sides says for which.
        app.db_partner_member(&promoter.partner.id, &market.owner.id).await;
        let unsaid = send(&app, &market.owner, "b", about.clone(), "Hello.", json!({})).await;
        assert_eq!(error_code(&unsaid), "BAD_USER_INPUT");
        for side in ["BRAND", "PARTNER"] {
            let answer = send(
                &app,
                &market.owner,
                side,
                about.clone(),
                "Hello.",
                json!({ "side": side }),
            )
            .await;
            assert_eq!(data_at(&answer, "sendMessage.message.side"), side);
        }
        // Whoever is not of a side does not write for it.
        let borrowed = send(&app, &promoter.user, "p", about, "Hello.", json!({ "side": "BRAND" })).await;
        assert_eq!(error_code(&borrowed), "NOT_FOUND");
    })
    .await;
}
