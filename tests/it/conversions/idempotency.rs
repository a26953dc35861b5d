//! The same request twice has one effect, also at the same moment.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, refusal},
    app::with_app,
    builders::text,
    database::Database,
    marketplace::Balances,
};

fn sale(order: &str, amount: &str) -> Value {
    json!({ "orderId": order, "amount": amount, "currency": "EUR", "promoCodes": ["SELLER"] })
}

#[rstest]
#[tokio::test]
async fn a_replay_gives_the_first_result_and_does_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let secret = market.key.secret.as_str();
        let (status, first) = app.track(secret, "purchase", "k1", sale("A-1", "100.00")).await;
        assert_eq!((status, &first["replayed"]), (StatusCode::CREATED, &json!(false)));
        let refund = json!({ "orderId": "A-1", "amount": "10.00", "currency": "EUR" });
        let (status, refunded) = app.track(secret, "refund", "k1", refund.clone()).await;
        assert_eq!(
            status,
            StatusCode::CREATED,
            "another operation has keys of its own: {refunded}"
        );

        let before = app.books().await;
        // "100" is the same amount as "100.00".
        for amount in ["100.00", "100"] {
            let (status, again) = app.track(secret, "purchase", "k1", sale("A-1", amount)).await;
            assert_eq!((status, &again["replayed"]), (StatusCode::OK, &json!(true)));
            assert_eq!(again["conversion"]["id"], first["conversion"]["id"]);
        }
        let (status, again) = app.track(secret, "refund", "k1", refund).await;
        assert_eq!((status, &again["replayed"]), (StatusCode::OK, &json!(true)));
        assert_eq!(again["refund"], refunded["refund"]);
        // Through the other door too.
        let input = json!({
            "brandId": market.brand.id, "idempotencyKey": "k1", "orderId": "A-1", "promoCodes": ["SELLER"],
            "amount": { "amount": "100.00", "currency": "EUR" },
        });
        let answer = app
            .mutation(Some(secret), "recordSale", input, "replayed conversion { id }")
            .await;
        let payload = data_at(&answer, "recordSale");
        assert_eq!(payload["replayed"], true);
        assert_eq!(payload["conversion"]["id"], first["conversion"]["id"]);
        assert_eq!(app.books().await, before);
    })
    .await;
}

/// A key belongs to its brand.
#[rstest]
#[tokio::test]
async fn another_brand_may_use_the_same_key(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut ids = BTreeSet::new();
        for slug in ["aurora", "borealis"] {
            let market = app.market(slug).await;
            let (status, made) = app
                .track(&market.key.secret, "purchase", "k1", sale("A-1", "100.00"))
                .await;
            assert_eq!(status, StatusCode::CREATED);
            ids.insert(text(&made["conversion"], "id"));
        }
        assert_eq!(ids.len(), 2);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn eight_twins_at_once_are_one(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({ "usageLimit": 1 })).await;
        let twins = (0..8).map(|_| app.track(&market.key.secret, "purchase", "k1", sale("A-1", "100.00")));
        let answers = join_all(twins).await;
        let created = answers
            .iter()
            .filter(|(status, _)| *status == StatusCode::CREATED)
            .count();
        let replayed = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
        assert_eq!((created, replayed), (1, 7), "{answers:?}");
        let ids: BTreeSet<_> = answers
            .iter()
            .map(|(_, body)| text(&body["conversion"], "id"))
            .collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(
            app.balances(&seller).await,
            Balances::of("10.00", "0.00", "0.00", "0.00")
        );

        // The same order under eight keys: one is stored, the others are told.
        let rivals = (0..8).map(|n| {
            let (app, secret) = (app.clone(), market.key.secret.clone());
            async move {
                app.track(&secret, "purchase", &format!("r{n}"), sale("A-2", "50.00"))
                    .await
            }
        });
        let answers = join_all(rivals).await;
        let told = answers
            .iter()
            .filter(|(_, body)| body["error"]["code"] == "ORDER_ALREADY_RECORDED")
            .count();
        assert_eq!(told, 7, "{answers:?}");
    })
    .await;
}

/// Payouts take a key as well: eight clicks on "pay" draft one payout.
#[rstest]
#[tokio::test]
async fn eight_payouts_at_once_pay_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let sold = app
            .sale(&market, "A-1", "100.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        app.approve(&market, &sold).await;
        let input = |key: &str| {
            json!({
                "idempotencyKey": key, "partnershipId": seller.partnership, "currency": "EUR",
            })
        };
        let token = Some(market.owner.token.as_str());
        let twins = (0..8).map(|_| app.mutation(token, "createPayout", input("p"), "replayed payout { id }"));
        let ids: BTreeSet<_> = join_all(twins)
            .await
            .iter()
            .map(|answer| text(&data_at(answer, "createPayout.payout"), "id"))
            .collect();
        assert_eq!(ids.len(), 1);
        let keys: Vec<String> = (0..8).map(|n| format!("q{n}")).collect();
        let others = keys
            .iter()
            .map(|key| app.mutation(token, "createPayout", input(key), "payout { id }"));
        for answer in join_all(others).await {
            assert_eq!(refusal(&answer), "NOTHING_AVAILABLE");
        }
        assert_eq!(
            app.balances(&seller).await,
            Balances::of("0.00", "0.00", "1.00", "9.00")
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_refusal_does_not_use_the_key_up(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let secret = market.key.secret.as_str();
        let refund = json!({ "orderId": "A-1", "amount": "10.00", "currency": "EUR" });
        let (status, answer) = app.track(secret, "refund", "r1", refund.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer["error"]["code"], "ORDER_NOT_FOUND");
        app.sale(&market, "A-1", "100.00", json!({})).await;
        let (status, answer) = app.track(secret, "refund", "r1", refund).await;
        assert_eq!((status, &answer["replayed"]), (StatusCode::CREATED, &json!(false)));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn refunds_at_once_never_exceed_the_sale(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let sold = app
            .sale(&market, "A-1", "100.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        // Eight of 30.00 against 100.00: three fit.
        let refunds = (0..8).map(|n| {
            let (app, secret) = (app.clone(), market.key.secret.clone());
            async move {
                let body = json!({ "orderId": "A-1", "amount": "30.00", "currency": "EUR" });
                app.track(&secret, "refund", &format!("r{n}"), body).await
            }
        });
        let answers = join_all(refunds).await;
        let done = answers
            .iter()
            .filter(|(status, _)| *status == StatusCode::CREATED)
            .count();
        let refused = answers
            .iter()
            .filter(|(_, body)| body["error"]["code"] == "REFUND_EXCEEDS_SALE")
            .count();
        assert_eq!((done, refused), (3, 5), "{answers:?}");
        let row = app.conversion(&market, &sold).await;
        assert_eq!(row["refunded"]["amount"], "90.00");
        assert_eq!(row["commissions"][0]["reversed"]["amount"], "9.00");
        // Without an amount, all that is left.
        let body = json!({ "orderId": "A-1" });
        let (_, answer) = app.track(&market.key.secret, "refund", "rest", body).await;
        assert_eq!(answer["refund"]["amount"]["amount"], "10.00");
    })
    .await;
}

/// A code with three uses left wins three of eight sales made at once.
#[rstest]
#[tokio::test]
async fn a_codes_limit_holds_under_a_rush(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({ "usageLimit": 3 })).await;
        let sales = (0..8).map(|n| {
            let (app, secret) = (app.clone(), market.key.secret.clone());
            async move {
                app.track(&secret, "purchase", &format!("k{n}"), sale(&format!("A-{n}"), "100.00"))
                    .await
            }
        });
        let answers = join_all(sales).await;
        let won = answers
            .iter()
            .filter(|(_, body)| !body["conversion"]["attribution"]["method"].is_null())
            .count();
        assert!(
            answers.iter().all(|(status, _)| *status == StatusCode::CREATED),
            "{answers:?}"
        );
        assert_eq!(won, 3);
        assert_eq!(app.balances(&seller).await.pending, "30.00");
    })
    .await;
}
