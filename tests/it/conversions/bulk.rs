//! Many events in one request, through both doors.

use axum::http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, error_codes, refusal},
    app::{TestApp, with_app},
    database::Database,
    marketplace::{Market, merged},
};

fn purchase(key: &str, order: &str, more: Value) -> Value {
    let row = json!({
        "type": "purchase", "idempotencyKey": key, "orderId": order, "amount": "100.00", "currency": "EUR",
        "promoCodes": ["SELLER"],
    });
    merged(row, more)
}

async fn send(app: &TestApp, market: &Market, events: Value) -> Vec<Value> {
    let body = json!({ "events": events });
    let (status, answer) = app
        .rest("POST", "/track/bulk", Some(&market.key.secret), &[], body)
        .await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
    answer["results"].as_array().unwrap().clone()
}

/// The status of each row, or its code.
fn fates(results: &[Value]) -> Vec<&str> {
    let fate = |row: &Value, key: &str| row[key].as_str().map(str::len).is_some();
    results
        .iter()
        .map(|row| {
            let key = if fate(row, "code") { "code" } else { "status" };
            row[key].as_str().unwrap()
        })
        .collect()
}

#[rstest]
#[tokio::test]
async fn every_event_gets_an_answer_in_its_place(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let events = json!([
            { "type": "signup", "idempotencyKey": "1", "customerId": "ann" },
            { "type": "lead", "idempotencyKey": "1", "customerId": "ann" },
            purchase("1", "A-1", json!({ "customerId": "ann" })),
            { "type": "refund", "idempotencyKey": "1", "orderId": "A-1", "amount": "40.00", "currency": "EUR" },
            { "type": "refund", "idempotencyKey": "2", "orderId": "A-2" },
            purchase("2", "A-2", json!({})),
            purchase("3", "A-3", json!({ "amount": "much" })),
            purchase("", "A-4", json!({})),
            { "type": "renewal", "idempotencyKey": "5" },
            7,
            purchase("1", "A-1", json!({ "customerId": "ann" })),
            purchase("6", "A-6", json!({ "colour": "red" })),
        ]);
        let results = send(&app, &market, events.clone()).await;
        let bad = "BAD_USER_INPUT";
        assert_eq!(
            fates(&results),
            [
                "recorded",
                "recorded",
                "recorded",
                "recorded",
                "ORDER_NOT_FOUND",
                "recorded",
                bad,
                bad,
                bad,
                bad,
                "replayed",
                bad
            ]
        );
        assert_eq!(results[6]["field"], "amount");
        assert_eq!(results[8]["field"], "type");
        assert_eq!(results[10]["conversion"]["id"], results[2]["conversion"]["id"]);
        assert_eq!(results[3]["refund"]["amount"]["amount"], "40.00");
        // 10 % of 200.00, less 10 % of the 40.00 that came back.
        assert_eq!(app.balances(&seller).await.pending, "16.00");

        // Sent again, what was refused for the lack of its order succeeds now; nothing else happens.
        let again = send(&app, &market, events).await;
        assert_eq!(
            fates(&again)[..6],
            ["replayed", "replayed", "replayed", "replayed", "recorded", "replayed"]
        );
        assert_eq!(app.balances(&seller).await.pending, "6.00");
    })
    .await;
}

async fn record_events(app: &TestApp, market: &Market, policy: &str, events: Value) -> Value {
    let input = json!({ "brandId": market.brand.id, "errorPolicy": policy, "events": events });
    let selection = "results { status ignoredFields error { code message field }
        conversion { id attribution { method } } refund { id } }";
    app.mutation(Some(&market.key.secret), "recordEvents", input, selection)
        .await
}

fn sale(key: &str, more: Value) -> Value {
    let row = json!({
        "idempotencyKey": key, "orderId": key, "amount": { "amount": "100.00", "currency": "EUR" },
        "promoCodes": ["SELLER"],
    });
    json!({ "sale": merged(row, more) })
}

#[rstest]
#[tokio::test]
async fn the_policy_decides_what_a_bad_row_means(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let rows = json!([
            sale("A", json!({})),
            sale("B", json!({ "clickId": "x".repeat(200), "customerId": " " })),
            sale("C", json!({ "amount": { "amount": "-1", "currency": "EUR" } })),
        ]);
        let before = app.books().await;
        let answer = record_events(&app, &market, "REJECT_EVERYTHING", rows.clone()).await;
        let results = data_at(&answer, "recordEvents.results");
        let codes: Vec<&Value> = results
            .as_array()
            .unwrap()
            .iter()
            .map(|row| &row["error"]["code"])
            .collect();
        assert_eq!(codes, ["CONFLICT", "CUSTOMER_ID_INVALID", "AMOUNT_NEGATIVE"]);
        let refund = json!([{ "refund": { "idempotencyKey": "R", "orderId": "A" } }]);
        let answer = record_events(&app, &market, "REJECT_EVERYTHING", refund).await;
        assert_eq!(error_codes(&answer), ["BAD_USER_INPUT"]);
        assert_eq!(app.books().await, before);

        let answer = record_events(&app, &market, "REJECT_FAILED_ROWS", rows.clone()).await;
        let results = data_at(&answer, "recordEvents.results");
        assert_eq!(results[0]["status"], "RECORDED");
        assert_eq!(results[1]["error"]["code"], "CUSTOMER_ID_INVALID");
        assert_eq!(results[1]["error"]["field"], json!(["customerId"]));

        let answer = record_events(&app, &market, "IGNORE_FAILED", rows).await;
        let results = data_at(&answer, "recordEvents.results");
        assert_eq!(results[0]["status"], "REPLAYED");
        assert_eq!(results[1]["status"], "RECORDED");
        assert_eq!(results[1]["ignoredFields"], json!(["clickId", "customerId"]));
        assert_eq!(results[1]["conversion"]["attribution"]["method"], "PROMO_CODE");
        assert_eq!(results[2]["error"]["code"], "AMOUNT_NEGATIVE");
        assert_eq!(app.balances(&seller).await.pending, "20.00");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_thousand_events_fit_and_one_more_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let rows = |count: usize| {
            (0..count)
                .map(|n| sale(&format!("A-{n}"), json!({})))
                .collect::<Vec<_>>()
        };
        let before = app.books().await;
        let answer = record_events(&app, &market, "REJECT_FAILED_ROWS", json!(rows(1_001))).await;
        assert_eq!(refusal(&answer), "TOO_MANY_EVENTS");
        assert_eq!(app.books().await, before);
        let answer = record_events(&app, &market, "REJECT_EVERYTHING", json!(rows(1_000))).await;
        let results = data_at(&answer, "recordEvents.results");
        assert_eq!(results.as_array().unwrap().len(), 1_000);
        assert_eq!(app.balances(&seller).await.pending, "10000.00");
        // Over two megabytes is too much, whatever it holds.
        let heavy = json!({ "events": [purchase("big", "big", json!({ "customerId": "x".repeat(2 << 20) }))] });
        let (status, answer) = app
            .rest("POST", "/track/bulk", Some(&market.key.secret), &[], heavy)
            .await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(
            answer["error"]["message"].as_str().unwrap().contains("2097152"),
            "{answer}"
        );
    })
    .await;
}
