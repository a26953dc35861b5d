//! What comes with a test key goes the way of everything else, and no money, list or feed knows of it.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use tributary::{jobs::approve_due, outbox};

use crate::support::{
    answer::{data_at, refusal},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{CONVERSION, Market, Promoter, merged},
};

/// Tables in which test events and what hangs on them stand; all others stay as they are.
const BOOKS: [&str; 16] = [
    "audit_entries",
    "captures",
    "chargebacks",
    "commissions",
    "conversion_touches",
    "conversions",
    "customer_bindings",
    "customers",
    "idempotency_keys",
    "order_amendments",
    "order_lines",
    "orders",
    "periodic_runs",
    "refund_lines",
    "refunds",
    "refused_events",
];

/// A brand with something going on, and a key to try things out.
struct World {
    market: Market,
    top: Promoter,
    seller: Promoter,
    test_key: String,
}

async fn world(app: &TestApp) -> World {
    let market = app
        .market_with("aurora", json!({ "autoApproveCommissions": true, "holdDays": 7 }))
        .await;
    app.two_levels(&market.owner, &market.program.id).await;
    let top = app.promoter(&market, "top", None).await;
    let seller = app.promoter(&market, "seller", Some(&top)).await;
    app.code(&seller, "SELLER", json!({ "usageLimit": 3 })).await;
    let test_key = json!({ "kind": "SECRET", "mode": "TEST" });
    let test_key = app.api_key(&market.owner, &market.brand.id, test_key).await.secret;
    app.sale(
        &market,
        "A-1",
        "100.00",
        json!({ "customerId": "ann", "promoCodes": ["SELLER"] }),
    )
    .await;
    app.sale(&market, "A-2", "30.00", json!({})).await;
    app.refund(&market, "A-1", 1, "10.00").await;
    World {
        market,
        top,
        seller,
        test_key,
    }
}

impl World {
    async fn try_out(&self, app: &TestApp, door: &str, key: &str, body: Value) -> Value {
        let (status, answer) = app.track(&self.test_key, door, key, body).await;
        assert_eq!(status, StatusCode::CREATED, "{door} {key}: {answer:#}");
        answer
    }

    /// A test sale; its conversion's id.
    async fn try_sale(&self, app: &TestApp, order: &str, amount: &str, more: Value) -> String {
        let body = json!({ "orderId": order, "amount": amount, "currency": "EUR", "promoCodes": ["SELLER"] });
        let answer = self
            .try_out(app, "purchase", &format!("sale-{order}"), merged(body, more))
            .await;
        assert_eq!(answer["conversion"]["mode"], "TEST");
        text(&answer["conversion"], "id")
    }

    /// Everything that may become of an event, under the ids and keys of live ones too.
    async fn storm(&self, app: &TestApp) {
        let amount = |order: &str, amount: &str| json!({ "orderId": order, "amount": amount, "currency": "EUR" });
        self.try_sale(app, "A-1", "200.00", json!({ "customerId": "ann" }))
            .await;
        self.try_out(app, "refund", "refund-A-1-1", amount("A-1", "50.00"))
            .await;
        self.try_out(
            app,
            "signup",
            "s",
            json!({ "customerId": "bob", "promoCodes": ["SELLER"] }),
        )
        .await;
        self.try_out(app, "lead", "l", json!({ "customerId": "bob" })).await;
        self.try_sale(app, "T-1", "80.00", json!({ "customerId": "bob", "promoCodes": [] }))
            .await;
        self.try_out(app, "amend", "up", amount("T-1", "100.00")).await;
        self.try_out(app, "amend", "down", amount("T-1", "90.00")).await;
        self.try_sale(app, "T-2", "60.00", json!({ "capture": "AUTHORIZED" }))
            .await;
        self.try_out(
            app,
            "capture",
            "c",
            merged(amount("T-2", "40.00"), json!({ "isFinal": true })),
        )
        .await;
        self.try_sale(app, "T-3", "70.00", json!({})).await;
        let dispute = merged(amount("T-3", "70.00"), json!({ "reference": "d" }));
        self.try_out(app, "chargeback", "d", dispute).await;
        let won = json!({ "orderId": "T-3", "reference": "d", "outcome": "WON" });
        self.try_out(app, "chargeback/resolve", "w", won).await;
        let lines = json!([{ "amount": "4.00" }, { "amount": "6.00", "quantity": 2 }]);
        self.try_sale(app, "T-4", "10.00", json!({ "lines": lines })).await;
        self.try_out(app, "refund", "all", json!({ "orderId": "T-4" })).await;
        let lines = json!([{ "lineId": "L1", "amount": "4.00" }, { "lineId": "L2", "amount": "6.00" }]);
        self.try_sale(app, "T-5", "10.00", json!({ "lines": lines })).await;
        let one = json!({ "orderId": "T-5", "lines": [{ "lineId": "L2" }] });
        self.try_out(app, "refund", "one", one).await;
        let rows: Vec<Value> = (0..20)
            .map(|n| {
                json!({ "type": "purchase", "idempotencyKey": format!("b{n}"), "orderId": format!("B-{n}"),
                    "amount": "5.00", "currency": "EUR", "promoCodes": ["SELLER"] })
            })
            .collect();
        let body = json!({ "events": rows });
        let (status, _) = app.rest("POST", "/track/bulk", Some(&self.test_key), &[], body).await;
        assert_eq!(status, StatusCode::OK);
        let (status, _) = app.track(&self.test_key, "refund", "none", amount("A-2", "1.00")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    /// Every list, total and balance.
    async fn shown(&self, app: &TestApp) -> Vec<Value> {
        let owner = Some(&*self.market.owner.token);
        let brand = "query ($id: ID!) { brand(id: $id) {
            conversions(first: 100) { totalCount nodes { id state refunded { amount } commissions { id amount { amount } } } }
            commissions(first: 100) { totalCount nodes { id state amount { amount } reversed { amount } } }
            payouts { totalCount } ledgerBalances { balance { amount } }
            refusedEvents(first: 100) { totalCount nodes { id } } } }";
        let mut shown = vec![
            app.graphql_ok(owner, brand, json!({ "id": self.market.brand.id }), "brand")
                .await,
        ];
        let partner = "query ($id: ID!) { partner(id: $id) {
            conversions(first: 100) { totalCount nodes { id } }
            tried: conversions(where: { mode: TEST }) { totalCount }
            commissions(first: 100) { totalCount nodes { id amount { amount } } } payouts { totalCount } } }";
        let partnership = "query ($id: ID!) { node(id: $id) { ... on Partnership {
            commissions { totalCount nodes { id } } promoCodes { nodes { usedCount } }
            balances { pending { amount } available { amount } reserve { amount } inTransit { amount } } } } }";
        for who in [&self.top, &self.seller] {
            let token = Some(&*who.user.token);
            let seen = app
                .graphql_ok(token, partner, json!({ "id": who.partner.id }), "partner")
                .await;
            assert_eq!(seen["tried"]["totalCount"], 0);
            shown.push(seen);
            shown.push(
                app.graphql_ok(token, partnership, json!({ "id": who.partnership }), "node")
                    .await,
            );
        }
        shown
    }

    async fn tried(&self, app: &TestApp, filter: Value) -> Vec<Value> {
        let query = "query ($id: ID!, $where: ConversionWhere) { brand(id: $id) {
            conversions(first: 100, where: $where) { totalCount nodes { id mode state } } } }";
        let variables = json!({ "id": self.market.brand.id, "where": merged(json!({ "mode": "TEST" }), filter) });
        let path = "brand.conversions.nodes";
        let nodes = app
            .graphql_ok(Some(&self.market.owner.token), query, variables, path)
            .await;
        nodes.as_array().unwrap().clone()
    }
}

/// Every table in which test events do not stand.
async fn rest(app: &TestApp) -> BTreeMap<String, (u64, u64)> {
    let mut tables = app.digest().await;
    tables.retain(|table, _| !BOOKS.contains(&table.as_str()));
    tables
}

#[rstest]
#[tokio::test]
async fn a_storm_of_test_events_touches_no_money_list_or_feed(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut world = world(&app).await;
        outbox::relay::drain(&app.app).await.unwrap();
        let (shown, tables) = (world.shown(&app).await, rest(&app).await);
        for table in [
            "ledger_entries",
            "ledger_transfers",
            "ledger_accounts",
            "outbox_events",
            "payouts",
            "promo_codes",
        ] {
            assert!(tables.contains_key(table), "{table}");
        }
        world.storm(&app).await;
        assert_eq!(world.shown(&app).await, shown);
        assert_eq!(rest(&app).await, tables);
        assert_eq!(world.tried(&app, json!({})).await.len(), 28);

        // When the hold is over, what counts is approved, and nothing else.
        app.advance_days(8, [&mut world.market.owner, &mut world.seller.user])
            .await;
        assert_eq!(approve_due::approve_due(&app.app).await.unwrap(), 1);
        assert_eq!(
            world
                .tried(&app, json!({ "state": { "in": ["APPROVED"] } }))
                .await
                .len(),
            0
        );
        // 10 % of 90.00, less the reserve of 10 %.
        assert_eq!(app.balances(&world.seller).await.available, "8.10");
        // Who was banned is paid when nothing that counts is left to be decided.
        let ban = json!({ "id": world.seller.partnership, "reason": "SPAM" });
        app.done(&world.market.owner, "banPartnership", ban, "partnership { state }")
            .await;
        app.approved_payout(&world.market, &world.seller, "payout").await;
        assert_eq!(app.balances(&world.seller).await.in_transit, "8.10");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_test_event_is_attributed_computed_and_explained(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let world = world(&app).await;
        let slug = app.link(&world.seller).await;
        let click = app.click(&slug).await;
        let evidence = json!({ "customerId": "ann", "promoCodes": [], "clickId": click });
        let id = world.try_sale(&app, "A-1", "200.00", evidence).await;
        let refund = json!({ "orderId": "A-1", "amount": "50.00", "currency": "EUR" });
        world.try_out(&app, "refund", "r", refund).await;
        let row = app.conversion(&world.market, &id).await;
        assert_eq!(row["attribution"]["method"], "CLICK");
        let amounts = |name: &str| {
            let commissions = row["commissions"].as_array().unwrap().iter();
            commissions.map(|row| text(&row[name], "amount")).collect::<Vec<_>>()
        };
        // 10 % and 2 % of 200.00, of which a quarter came back.
        assert_eq!(amounts("amount"), ["20.00", "4.00"]);
        assert_eq!(amounts("reversed"), ["5.00", "1.00"]);
        assert!(
            row["commissions"][0]["explanation"]["arithmetic"]
                .as_str()
                .unwrap()
                .contains("200.00")
        );
        assert_eq!(app.balances(&world.seller).await.pending, "9.00");

        // The customer is another one than the live one, and is bound like one.
        let id = world
            .try_sale(&app, "T-9", "10.00", json!({ "customerId": "ann", "promoCodes": [] }))
            .await;
        let row = app.conversion(&world.market, &id).await;
        assert_eq!(row["attribution"]["method"], "CUSTOMER_BINDING");

        // The key itself reads what it tried, and nothing that counts.
        let input = json!({ "brandId": world.market.brand.id, "idempotencyKey": "m", "orderId": "M-1",
            "amount": { "amount": "50.00", "currency": "EUR" }, "promoCodes": ["SELLER"] });
        let selection = "conversion { id mode order { externalId } commissions { amount { amount } } }";
        let answer = app
            .mutation(Some(&world.test_key), "recordSale", input, selection)
            .await;
        let made = data_at(&answer, "recordSale.conversion");
        assert_eq!(
            (&made["mode"], &made["order"]["externalId"]),
            (&json!("TEST"), &json!("M-1"))
        );
        assert_eq!(made["commissions"][0]["amount"]["amount"], "5.00");
        let live = app.sale(&world.market, "L-1", "1.00", json!({})).await;
        let reader = async |token: &str, id: &Value| {
            app.graphql(Some(token), CONVERSION, json!({ "id": id })).await["data"]["node"].clone()
        };
        assert_eq!(reader(&world.test_key, &made["id"]).await["id"], made["id"]);
        assert_eq!(reader(&world.test_key, &json!(live)).await, Value::Null);
        // What a brand tries is not its partners' to see.
        assert_eq!(reader(&world.seller.user.token, &made["id"]).await, Value::Null);
        assert_eq!(reader(&world.market.key.secret, &made["id"]).await["id"], made["id"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn each_key_finds_only_the_orders_of_its_own_book(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let world = world(&app).await;
        let id = world.try_sale(&app, "T-1", "10.00", json!({})).await;
        let live = &world.market.key.secret;
        for (key, order) in [(live, "T-1"), (&world.test_key, "A-1")] {
            let order =
                json!({ "orderId": order, "amount": "1.00", "currency": "EUR", "reference": "r", "outcome": "WON" });
            for (door, fields) in [
                ("refund", vec!["orderId", "amount", "currency"]),
                ("amend", vec!["orderId", "amount", "currency"]),
                ("capture", vec!["orderId", "amount", "currency"]),
                ("chargeback", vec!["orderId", "amount", "currency", "reference"]),
                ("chargeback/resolve", vec!["orderId", "reference", "outcome"]),
            ] {
                let body: Value = fields
                    .into_iter()
                    .map(|name| (name.to_owned(), order[name].clone()))
                    .collect();
                let (status, answer) = app.track(key, door, "k", body).await;
                assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{door}");
                assert_eq!(answer["error"]["code"], "ORDER_NOT_FOUND", "{door}");
            }
        }
        // The same order under the same key counts once in each.
        let body = json!({ "orderId": "T-1", "amount": "10.00", "currency": "EUR", "promoCodes": ["SELLER"] });
        let (status, answer) = app.track(live, "purchase", "sale-T-1", body.clone()).await;
        assert_eq!(
            (status, &answer["conversion"]["mode"]),
            (StatusCode::CREATED, &json!("LIVE"))
        );
        for (key, mode) in [(live, "LIVE"), (&world.test_key, "TEST")] {
            let (status, answer) = app.track(key, "purchase", "sale-T-1", body.clone()).await;
            assert_eq!((status, &answer["conversion"]["mode"]), (StatusCode::OK, &json!(mode)));
            let (_, answer) = app.track(key, "purchase", "again", body.clone()).await;
            assert_eq!(answer["error"]["code"], "ORDER_ALREADY_RECORDED");
        }

        for (field, more) in [
            ("approveConversion", json!({})),
            ("rejectConversion", json!({ "reason": "no" })),
        ] {
            let input = merged(json!({ "idempotencyKey": field, "id": id }), more);
            let answer = app
                .mutation(Some(&world.market.owner.token), field, input, "conversion { id }")
                .await;
            assert_eq!(refusal(&answer), "TEST_NOT_REVIEWED");
        }
        assert_eq!(
            world.tried(&app, json!({ "state": { "in": ["PENDING"] } })).await.len(),
            1
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_refused_test_event_is_replayed_as_one(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = world(&app).await;
        let body = json!({ "orderId": "T-1", "amount": "1.001", "currency": "EUR" });
        app.track(&world.test_key, "purchase", "k", body).await;
        let list = async |filter: Value| {
            let query = "query ($id: ID!, $where: RefusedEventWhere) { brand(id: $id) {
                refusedEvents(where: $where) { nodes { id mode } } } }";
            let variables = json!({ "id": world.market.brand.id, "where": filter });
            let path = "brand.refusedEvents.nodes";
            app.graphql_ok(Some(&world.market.owner.token), query, variables, path)
                .await
        };
        assert_eq!(list(json!({})).await, json!([]));
        let found = list(json!({ "mode": "TEST" })).await[0].clone();
        assert_eq!(found["mode"], "TEST");
        let corrected = json!({ "orderId": "T-1", "amount": "1.00", "currency": "EUR" }).to_string();
        let input = json!({ "id": found["id"], "body": corrected });
        let selection = "refusedEvent { became { ... on Conversion { id mode } } }";
        let done = app
            .done(&world.market.owner, "replayRefusedEvent", input, selection)
            .await;
        assert_eq!(done["refusedEvent"]["became"]["mode"], "TEST");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_was_tried_is_cleared_without_a_trace(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = world(&app).await;
        let without_audit = async || {
            let mut tables = app.digest().await;
            tables.remove("audit_entries");
            tables
        };
        let before = without_audit().await;
        world.storm(&app).await;
        assert_ne!(without_audit().await, before);
        let input = json!({ "brandId": world.market.brand.id });
        let selection = "cleared { conversionCount isComplete }";
        let done = app
            .done(&world.market.owner, "clearTestEvents", input.clone(), selection)
            .await;
        assert_eq!(done["cleared"], json!({ "conversionCount": 28, "isComplete": true }));
        assert_eq!(without_audit().await, before);

        // Keys and orders are free again.
        world.try_sale(&app, "A-1", "1.00", json!({})).await;
        let answer = app
            .mutation(Some(&world.test_key), "clearTestEvents", input, selection)
            .await;
        let cleared = json!({ "conversionCount": 1, "isComplete": true });
        assert_eq!(data_at(&answer, "clearTestEvents.cleared"), cleared);
        assert_eq!(without_audit().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn clearing_is_bounded(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = world(&app).await;
        for n in 0..4 {
            app.advance(TimeDelta::seconds(1));
            let rows: Vec<Value> = (0..1_000)
                .map(|m| {
                    json!({ "type": "purchase", "idempotencyKey": format!("{n}-{m}"), "orderId": format!("{n}-{m}"),
                        "amount": "5.00", "currency": "EUR" })
                })
                .collect();
            let body = json!({ "events": rows });
            let (status, _) = app.rest("POST", "/track/bulk", Some(&world.test_key), &[], body).await;
            assert_eq!(status, StatusCode::OK);
        }
        let input = json!({ "brandId": world.market.brand.id });
        // 4,000 keys and conversions, and 2,000 of the orders.
        for (count, complete) in [(4_000, false), (0, true)] {
            let done = app
                .done(
                    &world.market.owner,
                    "clearTestEvents",
                    input.clone(),
                    "cleared { conversionCount isComplete }",
                )
                .await;
            assert_eq!(
                done["cleared"],
                json!({ "conversionCount": count, "isComplete": complete })
            );
        }
    })
    .await;
}
