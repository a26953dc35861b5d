//! The feed of messages, from both sides.

use std::time::Duration;

use entity::{ids::UserId, partner_member};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use tributary::{feed::Limits, outbox};

use crate::support::{
    answer::error_code,
    app::{TestApp, with_app, with_app_and},
    builders::{User, text},
    database::Database,
    socket::Socket,
};

/// The cursor in front of everything.
const START: &str = "AAAAAAAAAAA";
const QUIET: Duration = Duration::from_millis(300);

const FEED: &str = "subscription ($brand: ID, $partner: ID, $after: String, $where: MessageFeedWhere) {
    messageFeed(brandId: $brand, partnerId: $partner, after: $after, where: $where) { __typename
        ... on MessageFeedEvent { cursor message { body side authorName isOwn thread { id unreadCount } } }
        ... on Lagged { resumeFrom } } }";

async fn say(app: &TestApp, user: &User, partnership: &str, body: &str) -> String {
    let input = json!({ "idempotencyKey": body, "about": { "partnershipId": partnership }, "body": body });
    let sent = app.done(user, "sendMessage", input, "message { thread { id } }").await;
    outbox::relay::drain(&app.app).await.unwrap();
    text(&sent["message"]["thread"], "id")
}

/// The bodies of the next events, and the last cursor.
async fn hear(socket: &mut Socket, id: &str, count: usize) -> (Vec<String>, String) {
    let (mut heard, mut cursor) = (Vec::new(), String::new());
    for _ in 0..count {
        let event = socket.next_data(id).await["messageFeed"].clone();
        cursor = text(&event, "cursor");
        heard.push(text(&event["message"], "body"));
    }
    (heard, cursor)
}

#[rstest]
#[tokio::test]
async fn both_sides_hear_what_is_written(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let one = app.promoter(&market, "one", None).await;
        let two = app.promoter(&market, "two", None).await;
        let thread = say(&app, &one.user, &one.partnership, "a").await;
        say(&app, &two.user, &two.partnership, "b").await;
        let served = app.serve().await;
        let mut brand = served.connect().await;
        brand.init(Some(&market.owner.token)).await;
        let variables = json!({ "brand": market.brand.id, "after": START });
        brand.subscribe("all", FEED, variables).await;
        let first = brand.next_data("all").await["messageFeed"].clone();
        assert_eq!(
            first["message"],
            json!({
                "body": "a", "side": "PARTNER", "authorName": "one", "isOwn": false,
                "thread": { "id": thread, "unreadCount": 1 },
            })
        );
        assert_eq!(hear(&mut brand, "all", 1).await.0, ["b"]);
        let mut partner = served.connect().await;
        partner.init(Some(&one.user.token)).await;
        let variables = json!({ "partner": one.partner.id, "after": START });
        partner.subscribe("own", FEED, variables).await;
        assert_eq!(hear(&mut partner, "own", 1).await.0, ["a"]);
        // Live; each partner hears its own.
        say(&app, &market.owner, &two.partnership, "c").await;
        say(&app, &market.owner, &one.partnership, "d").await;
        let (heard, cursor) = hear(&mut brand, "all", 2).await;
        assert_eq!(heard, ["c", "d"]);
        assert_eq!(hear(&mut partner, "own", 1).await.0, ["d"]);
        // Resumed behind a cursor, and narrowed to one thread.
        brand.complete("all").await;
        say(&app, &one.user, &one.partnership, "e").await;
        let variables = json!({ "brand": market.brand.id, "after": cursor });
        brand.subscribe("again", FEED, variables).await;
        assert_eq!(hear(&mut brand, "again", 1).await.0, ["e"]);
        brand.complete("again").await;
        let variables = json!({ "brand": market.brand.id, "after": START, "where": { "threadId": thread } });
        brand.subscribe("thread", FEED, variables).await;
        assert_eq!(hear(&mut brand, "thread", 3).await.0, ["a", "d", "e"]);
        assert!(brand.is_quiet(QUIET).await);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_feed_is_of_one_side_and_its_own(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let one = app.promoter(&market, "one", None).await;
        let two = app.promoter(&market, "two", None).await;
        let assistant = app.sign_up("assistant").await;
        app.db_partner_member(&one.partner.id, &assistant.id).await;
        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&one.user.token)).await;
        for (variables, code) in [
            (json!({}), "BAD_USER_INPUT"),
            (
                json!({ "brand": market.brand.id, "partner": one.partner.id }),
                "BAD_USER_INPUT",
            ),
            (
                json!({ "partner": one.partner.id, "where": { "threadId": "nonsense" } }),
                "BAD_USER_INPUT",
            ),
            (
                json!({ "partner": one.partner.id, "after": "nonsense" }),
                "BAD_USER_INPUT",
            ),
            (json!({ "partner": two.partner.id }), "NOT_FOUND"),
            (json!({ "brand": market.brand.id }), "NOT_FOUND"),
        ] {
            socket.subscribe("x", FEED, variables.clone()).await;
            let message = socket.next().await;
            let answer = match message["type"].as_str() {
                Some("error") => json!({ "errors": message["payload"] }),
                _ => message["payload"].clone(),
            };
            assert_eq!(error_code(&answer), code, "{variables}");
            if message["type"] == "next" {
                assert_eq!(socket.next().await["type"], "complete");
            }
        }
        // Whoever leaves the partner's team hears no more.
        let mut leaving = served.connect().await;
        leaving.init(Some(&assistant.token)).await;
        leaving
            .subscribe("own", FEED, json!({ "partner": one.partner.id }))
            .await;
        assert!(leaving.is_quiet(QUIET).await);
        say(&app, &market.owner, &one.partnership, "a").await;
        assert_eq!(hear(&mut leaving, "own", 1).await.0, ["a"]);
        let user: UserId = assistant.id.parse().unwrap();
        partner_member::Entity::delete_many()
            .filter(partner_member::Column::UserId.eq(user))
            .exec(app.db_writer())
            .await
            .unwrap();
        say(&app, &market.owner, &one.partnership, "b").await;
        let told = leaving.next().await;
        assert_eq!(error_code(&told["payload"]), "NOT_FOUND", "{told:#}");
        assert_eq!(told["payload"]["data"]["messageFeed"], Value::Null);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_slow_reader_is_told_to_resume(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let impatient = Limits {
        batch: 3,
        max_live_lag: 10,
        advance_after: 1_000,
    };
    with_app_and(database, impatient, |app| async move {
        let market = app.market("aurora").await;
        let one = app.promoter(&market, "one", None).await;
        outbox::relay::drain(&app.app).await.unwrap();
        let variables = |after: Option<&str>| json!({ "partner": one.partner.id, "after": after });
        let mut stream = app.lazy_events(&one.user.token, FEED, variables(None)).await;
        assert!(tokio::time::timeout(QUIET, stream.next()).await.is_err());
        say(&app, &market.owner, &one.partnership, "first").await;
        let next = stream.next().await.unwrap()["data"]["messageFeed"].clone();
        assert_eq!(next["message"]["body"], "first");
        for n in 0..20 {
            say(&app, &market.owner, &one.partnership, &format!("m-{n}")).await;
        }
        let mut seen = Vec::new();
        let resume = loop {
            let item = stream.next().await.unwrap()["data"]["messageFeed"].clone();
            if item["__typename"] == "Lagged" {
                break text(&item, "resumeFrom");
            }
            seen.push(text(&item["message"], "body"));
        };
        let mut stream = app.lazy_events(&one.user.token, FEED, variables(Some(&resume))).await;
        while seen.len() < 20 {
            let item = stream.next().await.unwrap()["data"]["messageFeed"].clone();
            seen.push(text(&item["message"], "body"));
        }
        let all: Vec<String> = (0..20).map(|n| format!("m-{n}")).collect();
        assert_eq!(seen, all);
    })
    .await;
}
