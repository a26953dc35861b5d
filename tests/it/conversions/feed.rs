//! The live feed of a brand's conversions, over a real socket.

use std::{collections::BTreeSet, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{brand_member::BrandRole, ids::UserId};
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use tributary::outbox;

use crate::support::{
    answer::error_code,
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::Market,
    socket::Socket,
};

const FEED: &str = "subscription ($brand: ID!, $after: String) { conversionFeed(brandId: $brand, after: $after) {
    __typename ... on ConversionFeedEvent { cursor kind conversion { id state } } } }";

async fn subscribe(socket: &mut Socket, market: &Market, after: Option<&str>) {
    let variables = json!({ "brand": market.brand.id, "after": after });
    socket.subscribe("feed", FEED, variables).await;
}

async fn next(socket: &mut Socket) -> Value {
    let event = socket.next_data("feed").await["conversionFeed"].clone();
    assert_eq!(event["__typename"], "ConversionFeedEvent", "{event}");
    event
}

/// Records sales and lets the relay stamp them.
async fn record(app: &TestApp, market: &Market, orders: impl Iterator<Item = u32>) -> Vec<String> {
    let mut ids = Vec::new();
    for order in orders {
        ids.push(app.sale(market, &format!("A-{order}"), "10.00", json!({})).await);
    }
    outbox::relay::drain(&app.app).await.unwrap();
    ids
}

fn position(cursor: &str) -> i64 {
    i64::from_be_bytes(URL_SAFE_NO_PAD.decode(cursor).unwrap().try_into().unwrap())
}

#[rstest]
#[tokio::test]
async fn resuming_gives_exactly_what_was_missed(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let other = app.market("borealis").await;
        // What happened before nobody asked for.
        record(&app, &market, 0..2).await;
        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&market.owner.token)).await;
        subscribe(&mut socket, &market, None).await;
        assert!(socket.is_quiet(Duration::from_millis(300)).await, "an old event came");

        record(&app, &other, 0..1).await;
        let live = record(&app, &market, 2..4).await;
        let mut cursor = String::new();
        for id in &live {
            let event = next(&mut socket).await;
            assert_eq!(event["conversion"]["id"], *id);
            assert_eq!(event["kind"], "RECORDED");
            cursor = text(&event, "cursor");
        }
        drop(socket);

        let missed = record(&app, &market, 4..7).await;
        let input = json!({ "idempotencyKey": "no", "id": live[0], "reason": "no" });
        app.done(&market.owner, "rejectConversion", input, "conversion { id }")
            .await;
        app.refund(&market, "A-3", 1, "10.00").await;
        outbox::relay::drain(&app.app).await.unwrap();
        // A brand's server may listen with its secret key.
        let mut socket = served.connect().await;
        socket.init(Some(&market.key.secret)).await;
        subscribe(&mut socket, &market, Some(&cursor)).await;
        let mut got = Vec::new();
        for _ in 0..5 {
            let event = next(&mut socket).await;
            got.push((text(&event["conversion"], "id"), text(&event, "kind")));
        }
        let wanted = |id: &String, kind: &str| (id.clone(), kind.to_owned());
        assert_eq!(
            got,
            [
                wanted(&missed[0], "RECORDED"),
                wanted(&missed[1], "RECORDED"),
                wanted(&missed[2], "RECORDED"),
                wanted(&live[0], "REJECTED"),
                wanted(&live[1], "REFUNDED"),
            ]
        );
        let live = record(&app, &market, 7..8).await;
        assert_eq!(next(&mut socket).await["conversion"]["id"], live[0]);
        assert!(socket.is_quiet(Duration::from_millis(200)).await, "an event came twice");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn nothing_is_lost_or_doubled_in_a_rush(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    const EVENTS: u32 = 150;
    const SENDERS: u32 = 5;
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&market.owner.token)).await;
        subscribe(&mut socket, &market, None).await;
        assert!(socket.is_quiet(Duration::from_millis(200)).await);

        let stamping = {
            let app = app.clone();
            tokio::spawn(async move {
                loop {
                    outbox::relay::drain(&app.app).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        };
        let senders = (0..SENDERS).map(|sender| {
            let (app, market) = (app.clone(), market.clone());
            tokio::spawn(async move {
                let mut ids = Vec::new();
                for n in (sender..EVENTS).step_by(usize::try_from(SENDERS).unwrap()) {
                    ids.push(app.sale(&market, &format!("A-{n}"), "10.00", json!({})).await);
                }
                ids
            })
        });
        let senders = tokio::spawn(join_all(senders));

        // Half way the line breaks; a new socket resumes behind the last event seen.
        let mut seen = BTreeSet::new();
        let mut last = 0;
        for n in 0..EVENTS {
            let event = next(&mut socket).await;
            let cursor = text(&event, "cursor");
            assert!(position(&cursor) > last, "event {n} lies behind the one before");
            last = position(&cursor);
            assert!(seen.insert(text(&event["conversion"], "id")), "event {n} came twice");
            if n == EVENTS / 2 {
                socket = served.connect().await;
                socket.init(Some(&market.owner.token)).await;
                subscribe(&mut socket, &market, Some(&cursor)).await;
            }
        }
        let recorded: BTreeSet<String> = senders.await.unwrap().into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(seen, recorded);
        assert!(socket.is_quiet(Duration::from_millis(200)).await);
        stamping.abort();
        let _ = stamping.await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_bad_cursor_or_a_stranger_is_turned_away(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let stranger = app.market("borealis").await.owner;
        let partner = app.promoter(&market, "seller", None).await.user;
        let served = app.serve().await;
        let ahead = URL_SAFE_NO_PAD.encode(1_000_000_i64.to_be_bytes());
        for (token, after, code) in [
            (&market.owner.token, Some("nonsense"), "BAD_USER_INPUT"),
            (&market.owner.token, Some(""), "BAD_USER_INPUT"),
            // Of another installation, or from before a backup was played back: what came since would be passed over.
            (&market.owner.token, Some(ahead.as_str()), "BAD_USER_INPUT"),
            (&stranger.token, None, "NOT_FOUND"),
            (&partner.token, None, "NOT_FOUND"),
        ] {
            let mut socket = served.connect().await;
            socket.init(Some(token)).await;
            subscribe(&mut socket, &market, after).await;
            let message = socket.next().await;
            let answer = match message["type"].as_str() {
                Some("error") => json!({ "errors": message["payload"] }),
                _ => message["payload"].clone(),
            };
            assert_eq!(error_code(&answer), code, "after {after:?}: {message:#}");
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn who_leaves_the_team_hears_no_more(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let analyst = app.sign_up("analyst").await;
        app.db_member(&market.brand.id, &analyst.id, BrandRole::Analyst).await;
        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&analyst.token)).await;
        subscribe(&mut socket, &market, None).await;
        assert!(socket.is_quiet(Duration::from_millis(200)).await);
        let heard = record(&app, &market, 0..1).await;
        assert_eq!(next(&mut socket).await["conversion"]["id"], heard[0]);

        db_remove_member(&app, &analyst.id).await;
        record(&app, &market, 1..2).await;
        let message = socket.next().await;
        let answer = match message["type"].as_str() {
            Some("error") => json!({ "errors": message["payload"] }),
            _ => message["payload"].clone(),
        };
        assert_eq!(error_code(&answer), "NOT_FOUND", "{message:#}");
        record(&app, &market, 2..3).await;
        let end = socket.next().await;
        assert_eq!(end["type"], "complete", "{end:#}");
        assert!(socket.is_quiet(Duration::from_millis(200)).await);
    })
    .await;
}

async fn db_remove_member(app: &TestApp, user: &str) {
    let user: UserId = user.parse().unwrap();
    entity::brand_member::Entity::delete_many()
        .filter(entity::brand_member::Column::UserId.eq(user))
        .exec(app.db_writer())
        .await
        .unwrap();
}
