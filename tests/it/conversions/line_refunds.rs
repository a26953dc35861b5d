//! Refunds of lines: what comes back is reckoned by the line, at every level of the tree.

use axum::http::StatusCode;
use entity::{commission, ids::CommissionId};
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use uuid::Uuid;

use super::lines::Shop;
use crate::support::{
    answer::user_errors,
    app::with_app,
    builders::text,
    database::Database,
    marketplace::{Balances, merged},
};

fn of_lines(order: &str, lines: Value) -> Value {
    json!({ "orderId": order, "currency": "EUR", "lines": lines })
}

/// A pen of 5.00 takes 0.30, 0.10, 0.03 and 0.05 with it. 10.00 of the book of 30.05 take 0.50, 0.20, 0.05 and 0.10; the boots
/// take 10.00, 1.00, 1.00 and 0.50, which is all they earned.
#[rstest]
#[tokio::test]
async fn a_line_comes_back_before_approval(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let sale = shop.sale("A-1", json!({})).await;
        let answer = shop
            .report("refund", "pen", json!({ "orderId": "A-1", "lines": [{ "lineId": "L3", "quantity": 1 }] }))
            .await;
        assert_eq!(answer["refund"]["amount"]["amount"], "5.00");
        shop.expect_pending(["12.40", "1.90", "1.24", "0.95"]).await;
        let both = json!([{ "lineId": "L2", "amount": "10.00" }, { "lineId": "L1" }]);
        let body = merged(of_lines("A-1", both), json!({ "amount": "60.00" }));
        shop.report("refund", "both", body).await;
        shop.expect_pending(["1.90", "0.70", "0.19", "0.35"]).await;
        assert_eq!(shop.gone(&sale).await, ["50.00", "10.00", "5.00"]);
        let row = shop.conversion(&sale).await;
        assert_eq!((&row["state"], &row["refunded"]["amount"]), (&json!("PENDING"), &json!("65.00")));
        let states: Vec<&Value> = row["commissions"].as_array().unwrap().iter().map(|row| &row["state"]).collect();
        assert_eq!(states, ["REVERSED", "PENDING", "PENDING"].repeat(4));

        let query = "query ($id: ID!) { node(id: $id) { ... on Conversion { order { lines { refundedQuantity }
            refunds { amount { amount } lines { amount { amount } quantity orderLine { lineId name } } } } } } }";
        let token = Some(shop.market.owner.token.as_str());
        let order = app.graphql_ok(token, query, json!({ "id": sale }), "node.order").await;
        let refunded: Vec<&Value> = order["lines"].as_array().unwrap().iter().map(|line| &line["refundedQuantity"]).collect();
        assert_eq!(refunded, [1, 0, 1]);
        assert_eq!(
            order["refunds"][1]["lines"],
            json!([
                { "amount": { "amount": "10.00" }, "quantity": 0, "orderLine": { "lineId": "L2", "name": null } },
                { "amount": { "amount": "50.00" }, "quantity": 1, "orderLine": { "lineId": "L1", "name": "Red boots" } },
            ])
        );

        for (line, code, field, message) in [
            (json!({ "lineId": "L9" }), "LINE_NOT_FOUND", "lines.0.lineId", "there is no line L9: the order has no such line"),
            (
                json!({ "lineId": "L1", "amount": "0.01" }),
                "REFUND_EXCEEDS_LINE",
                "lines.0.amount",
                "only 0.00 EUR of line L1 can still be refunded",
            ),
            (
                json!({ "lineId": "L1" }),
                "REFUND_EXCEEDS_LINE",
                "lines.0.amount",
                "only 0.00 EUR of line L1 can still be refunded",
            ),
            (
                json!({ "lineId": "L2", "amount": "20.06" }),
                "REFUND_EXCEEDS_LINE",
                "lines.0.amount",
                "only 20.05 EUR of line L2 can still be refunded",
            ),
            (
                json!({ "lineId": "L3", "quantity": 4 }),
                "REFUND_EXCEEDS_LINE",
                "lines.0.quantity",
                "only 3 item(s) of line L3 can still be refunded",
            ),
        ] {
            let refused = shop.refused("refund", of_lines("A-1", json!([line]))).await;
            assert_eq!(refused, [code, field, message]);
        }
        shop.report("refund", "rest", json!({ "orderId": "A-1" })).await;
        shop.expect_pending(["0.00", "0.00", "0.00", "0.00"]).await;
        assert_eq!(shop.conversion(&sale).await["state"], "REFUNDED");
    })
    .await;
}

/// Half of the boots take 5.00, 0.50, 0.50 and 0.25 back, of the reserve that these commissions have first: 1.00, 0.10, 0.10 and
/// 0.05. Those of the other lines keep theirs.
#[rstest]
#[tokio::test]
async fn a_line_comes_back_after_approval(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let sale = shop.sale("A-1", json!({})).await;
        app.approve(&shop.market, &sale).await;
        shop.expect_earned([("11.43", "1.27"), ("1.80", "0.20"), ("1.14", "0.13"), ("0.90", "0.10")])
            .await;
        let half = of_lines("A-1", json!([{ "lineId": "L1", "amount": "25.00" }]));
        shop.report("refund", "half", half).await;
        shop.expect_earned([("7.43", "0.27"), ("1.40", "0.10"), ("0.74", "0.03"), ("0.70", "0.05")])
            .await;
        assert_eq!(shop.reversed(&sale).await, ["5.00", "0.00", "0.00"]);
        assert_eq!(shop.conversion(&sale).await["state"], "APPROVED");
    })
    .await;
}

/// 11.43 is paid. The boots take 10.00 back: 1.00 of the reserve of theirs, 9.00 that is owed.
#[rstest]
#[tokio::test]
async fn a_line_comes_back_after_it_was_paid_for(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let sale = shop.sale("A-1", json!({})).await;
        app.approve(&shop.market, &sale).await;
        let payout = app.approved_payout(&shop.market, &shop.tree[0], "p-1").await;
        app.mark_paid(&shop.market, &payout, "SEPA-1").await;
        assert_eq!(
            app.balances(&shop.tree[0]).await,
            Balances::of("0.00", "0.00", "1.27", "0.00")
        );
        shop.report("refund", "boots", of_lines("A-1", json!([{ "lineId": "L1" }])))
            .await;
        assert_eq!(
            app.balances(&shop.tree[0]).await,
            Balances::of("0.00", "-9.00", "0.27", "0.00")
        );
        let row = shop.conversion(&sale).await;
        let states: Vec<&Value> = row["commissions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| &row["state"])
            .collect();
        assert_eq!(states[..4], ["PAID", "PAID", "PAID", "REVERSED"]);
    })
    .await;
}

/// 10.01 of the whole and the boots, in either order: the boots are gone, so 10.01 falls on 30.05 and 20.00 alone.
#[rstest]
#[tokio::test]
async fn the_order_of_two_refunds_does_not_change_the_end(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let boots = |order: &str| of_lines(order, json!([{ "lineId": "L1" }]));
        let one = shop.sale("A-1", json!({})).await;
        app.refund(&shop.market, "A-1", 1, "10.01").await;
        assert_eq!(shop.gone(&one).await, ["5.00", "3.01", "2.00"]);
        shop.report("refund", "boots-1", boots("A-1")).await;
        let other = shop.sale("A-2", json!({})).await;
        shop.report("refund", "boots-2", boots("A-2")).await;
        assert_eq!(shop.gone(&other).await, ["50.00", "0.00", "0.00"]);
        app.refund(&shop.market, "A-2", 1, "10.01").await;
        for sale in [&one, &other] {
            assert_eq!(shop.gone(sale).await, ["50.00", "6.01", "4.00"]);
            // 1.50 × 6.01 / 30.05 and 1.20 × 4.00 / 20.00.
            assert_eq!(shop.reversed(sale).await, ["10.00", "0.30", "0.24"]);
        }
    })
    .await;
}

/// 10.00 for three items goes back as 3.33, 3.34 and 3.33; what was given back of the line before is not given twice.
#[rstest]
#[tokio::test]
async fn items_bring_their_share_and_the_last_what_is_left(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let lines = json!([{ "quantity": 3, "amount": "10.00" }, { "quantity": 3, "amount": "10.00" }]);
        shop.sale("A-1", json!({ "lines": lines })).await;
        let refund = async |key: &str, line: Value| {
            let answer = shop.report("refund", key, of_lines("A-1", json!([line]))).await;
            text(&answer["refund"]["amount"], "amount")
        };
        for (key, amount) in [("1", "3.33"), ("2", "3.34"), ("3", "3.33")] {
            assert_eq!(refund(key, json!({ "lineId": "1", "quantity": 1 })).await, amount);
        }
        assert_eq!(
            refund("4", json!({ "lineId": "2", "amount": "1.00", "quantity": 1 })).await,
            "1.00"
        );
        assert_eq!(refund("5", json!({ "lineId": "2", "amount": "5.00" })).await, "5.00");
        assert_eq!(refund("6", json!({ "lineId": "2", "quantity": 2 })).await, "4.00");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn refunds_of_lines_that_are_wrong_are_named(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        shop.sale("A-1", json!({})).await;
        shop.sale("A-2", json!({ "lines": [], "amount": "10.00" })).await;
        let line = |more: Value| json!([merged(json!({ "lineId": "L1" }), more)]);
        let many: Vec<Value> = (0..101).map(|n| json!({ "lineId": n.to_string() })).collect();
        for (order, lines, more, code) in [
            ("A-2", line(json!({})), json!({}), "LINE_NOT_FOUND"),
            (
                "A-1",
                json!([{ "lineId": "L1" }, { "lineId": "L1" }]),
                json!({}),
                "LINE_ID_REPEATED",
            ),
            ("A-1", json!([{ "lineId": "" }]), json!({}), "LINE_ID_INVALID"),
            ("A-1", json!(many), json!({}), "TOO_MANY_LINES"),
            ("A-1", line(json!({ "amount": "0.00" })), json!({}), "AMOUNT_ZERO"),
            ("A-1", line(json!({ "amount": "-1.00" })), json!({}), "AMOUNT_NEGATIVE"),
            ("A-1", line(json!({ "quantity": 0 })), json!({}), "QUANTITY_INVALID"),
            (
                "A-1",
                line(json!({ "amount": "1.00" })),
                json!({ "currency": "USD" }),
                "CURRENCY_MISMATCH",
            ),
            (
                "A-1",
                line(json!({ "amount": "1.00" })),
                json!({ "amount": "1.01" }),
                "LINES_DO_NOT_ADD_UP",
            ),
        ] {
            let [refused, _, message] = shop.refused("refund", merged(of_lines(order, lines), more)).await;
            assert_eq!(refused, code, "{message}");
            if code == "LINES_DO_NOT_ADD_UP" {
                assert_eq!(message, "the lines add up to 1.00 EUR, but the amount is 1.01 EUR");
            }
        }
        // An amount without its currency cannot be read.
        let body = json!({ "orderId": "A-1", "lines": [{ "lineId": "L1", "amount": "1.00" }] });
        let (status, answer) = shop.knock("refund", "k", body).await;
        assert_eq!(
            (status, &answer["error"]["field"]),
            (StatusCode::BAD_REQUEST, &json!("currency"))
        );
        // With 60.00 gone of the whole, the boots are not gone, but no more than 40.05 can be.
        app.refund(&shop.market, "A-1", 1, "60.00").await;
        let boots = of_lines("A-1", line(json!({ "amount": "50.00" })));
        let [code, _, message] = shop.refused("refund", boots).await;
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("REFUND_EXCEEDS_SALE", "only 40.05 EUR is left of this sale")
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_refund_of_lines_has_one_effect_through_any_door(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let sale = shop.sale("A-1", json!({})).await;
        let row = json!({ "type": "refund", "idempotencyKey": "r", "orderId": "A-1",
            "lines": [{ "lineId": "L3", "quantity": 2 }] });
        let body = json!({ "events": [row] });
        let secret = shop.market.key.secret.as_str();
        let (_, answer) = app.rest("POST", "/track/bulk", Some(secret), &[], body).await;
        assert_eq!(
            answer["results"][0]["refund"]["amount"]["amount"], "10.00",
            "{answer:#}"
        );
        let before = app.books().await;
        let input = |quantity: i32| {
            json!({ "brandId": shop.market.brand.id, "idempotencyKey": "r", "orderId": "A-1",
                "lines": [{ "lineId": "L3", "quantity": quantity }] })
        };
        let selection = "replayed refund { lines { quantity } }";
        let again = app.mutation(Some(secret), "recordRefund", input(2), selection).await;
        assert!(user_errors(&again).is_empty(), "{again:#}");
        assert_eq!(again["data"]["recordRefund"]["replayed"], true);
        assert_eq!(
            again["data"]["recordRefund"]["refund"]["lines"],
            json!([{ "quantity": 2 }])
        );
        let other = app.mutation(Some(secret), "recordRefund", input(1), selection).await;
        assert_eq!(other["errors"][0]["extensions"]["code"], "IDEMPOTENCY_KEY_REUSED");
        let whole = json!({ "orderId": "A-1", "amount": "10.00", "currency": "EUR" });
        let (_, answer) = shop.knock("refund", "r", whole).await;
        assert_eq!(answer["error"]["code"], "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(app.books().await, before);
        assert_eq!(shop.gone(&sale).await, ["0.00", "0.00", "10.00"]);
    })
    .await;
}

/// Of an order without lines one commission a level, of one with lines one a level and line.
#[rstest]
#[tokio::test]
async fn the_database_keeps_one_commission_a_level_and_line(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        shop.sale("A-1", json!({})).await;
        shop.sale("A-2", json!({ "lines": [], "amount": "10.00" })).await;
        let rows = commission::Entity::find().all(app.db()).await.unwrap();
        assert_eq!(rows.iter().filter(|row| row.order_line_id.is_none()).count(), 4);
        assert_eq!(rows.len(), 16);
        for (row, other) in rows.into_iter().zip(1..) {
            let twin = commission::Model {
                id: CommissionId(Uuid::from_u128(other)),
                ..row
            };
            let twin: commission::ActiveModel = twin.into();
            let inserted = commission::Entity::insert(twin)
                .exec_without_returning(app.db_writer())
                .await;
            let refused = inserted.unwrap_err().to_string().to_lowercase();
            assert!(refused.contains("unique"), "{refused}");
        }
    })
    .await;
}
