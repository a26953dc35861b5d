//! The feeds beside the conversions': a partner's earnings, a brand's applications and payouts.

use rstest::rstest;
use serde_json::{Value, json};
use tributary::outbox;

use crate::support::{app::with_app, builders::text, database::Database, socket::Socket};

/// The cursor in front of everything.
const START: &str = "AAAAAAAAAAA";

/// Reads `count` events of a feed behind a cursor: what `shown` makes of each, and the last cursor.
async fn read(
    socket: &mut Socket,
    (feed, owner, selection): (&str, &str, &str),
    id: &str,
    after: &str,
    count: usize,
) -> (Vec<Value>, String) {
    let event = format!(
        "{}{}FeedEvent",
        &feed[..1].to_uppercase(),
        feed[1..].trim_end_matches("Feed")
    );
    let document = format!(
        "subscription ($id: ID!, $after: String) {{ {feed}({owner}: $id, after: $after) {{
            ... on {event} {{ cursor {selection} }} }} }}"
    );
    socket
        .subscribe(feed, &document, json!({ "id": id, "after": after }))
        .await;
    let (mut events, mut cursor) = (Vec::new(), String::new());
    for _ in 0..count {
        let event = socket.next_data(feed).await[feed].clone();
        cursor = text(&event, "cursor");
        events.push(event);
    }
    socket.complete(feed).await;
    (events, cursor)
}

/// 10 % of 100.00 for the seller, 2 % for the recruiter, 10 % kept in reserve; a quarter comes back after approval.
#[rstest]
#[tokio::test]
async fn a_recruiter_watches_its_earnings(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        app.two_levels(&market.owner, &market.program.id).await;
        let top = app.promoter(&market, "top", None).await;
        let seller = app.promoter(&market, "seller", Some(&top)).await;
        app.code(&seller, "SELLER", json!({})).await;
        let sale = app
            .sale(&market, "A-1", "100.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        app.approve(&market, &sale).await;
        app.refund(&market, "A-1", 1, "25.00").await;
        outbox::relay::drain(&app.app).await.unwrap();

        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&top.user.token)).await;
        let feed = (
            "earningsFeed",
            "partnerId",
            "kind commission { level amount { amount } reversed { amount } }",
        );
        let (events, cursor) = read(&mut socket, feed, &top.partner.id, START, 3).await;
        let kinds: Vec<&Value> = events.iter().map(|event| &event["kind"]).collect();
        assert_eq!(kinds, ["ACCRUED", "APPROVED", "REVERSED"]);
        assert_eq!(
            events[2]["commission"],
            json!({ "level": 1, "amount": { "amount": "2.00" }, "reversed": { "amount": "0.50" } })
        );

        // What is paid comes behind the cursor, and nothing else again.
        let input = json!({ "idempotencyKey": "p", "partnershipId": top.partnership, "currency": "EUR" });
        let payout = text(
            &app.done(&market.owner, "createPayout", input, "payout { id }").await["payout"],
            "id",
        );
        app.done(&market.owner, "approvePayout", json!({ "id": payout }), "payout { id }")
            .await;
        let input = json!({ "idempotencyKey": "paid", "id": payout, "reference": "R-1" });
        app.done(&market.owner, "markPayoutPaid", input, "payout { id }").await;
        outbox::relay::drain(&app.app).await.unwrap();
        let (events, _) = read(&mut socket, feed, &top.partner.id, &cursor, 1).await;
        assert_eq!(events[0]["kind"], "PAID");

        // The brand sees the payout's way; the other partner's feed is closed to this one.
        let mut brand = served.connect().await;
        brand.init(Some(&market.owner.token)).await;
        let feed = ("payoutFeed", "brandId", "payout { id state }");
        let (events, _) = read(&mut brand, feed, &market.brand.id, START, 3).await;
        assert!(
            events
                .iter()
                .all(|event| event["payout"] == json!({ "id": payout, "state": "PAID" })),
            "{events:?}"
        );
        let feed = (
            "applicationFeed",
            "brandId",
            "kind application { partner { handle } state }",
        );
        let (events, _) = read(&mut brand, feed, &market.brand.id, START, 4).await;
        let seen: Vec<(&str, &str)> = events
            .iter()
            .map(|event| {
                let handle = event["application"]["partner"]["handle"].as_str().unwrap();
                (event["kind"].as_str().unwrap(), handle)
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("SUBMITTED", "top"),
                ("DECIDED", "top"),
                ("SUBMITTED", "seller"),
                ("DECIDED", "seller")
            ]
        );
    })
    .await;
}
