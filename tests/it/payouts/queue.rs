//! The queue: who is due, how much, and why not.

use rstest::rstest;
use serde_json::{Value, json};
use tributary::money::Money;

use super::scene::{Scene, give, iban, paypal, stripe};
use crate::support::{
    answer::refusal,
    app::{with_app, with_rails_app},
    builders::text,
    database::Database,
    marketplace::Promoter,
};

#[rstest]
#[tokio::test]
async fn the_queue_says_who_is_due_and_why_not(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        // Nobody has connected a provider: PayPal goes by file, Stripe not at all.
        let methods = [iban(), paypal(1), stripe(2), Value::Null, iban(), iban()];
        let scene = Scene::with(&app, &methods).await;
        let hold = json!({ "partnershipId": scene.promoters[4].partnership, "reason": "under review" });
        app.done(&scene.market.owner, "holdPayouts", hold, "partnership { id }").await;
        // All of it comes back after it was approved: 9.00 − 10.00, and the reserve's 1.00 is gone first.
        app.refund(&scene.market, "first-5", 1, "100.00").await;
        let taken = json!({
            "idempotencyKey": "minus", "partnershipId": scene.promoters[5].partnership, "direction": "DEBIT",
            "amount": { "amount": "2.00", "currency": "EUR" }, "reason": "a fine",
        });
        app.done(&scene.market.owner, "adjustBalance", taken, "adjustment { id }").await;

        let nodes = scene
            .ask(
                &app,
                "payoutQueue(currency: \"EUR\", first: 100) { totalCount nodes { available { amount } due { amount } rail
                     method { masked } partnership { partner { handle } } blocks { code message } } }",
                "payoutQueue.nodes",
            )
            .await;
        let mut seen: Vec<(String, String, Value, Vec<String>)> = nodes
            .as_array()
            .unwrap()
            .iter()
            .map(|node| {
                let blocks = node["blocks"].as_array().unwrap();
                (
                    text(&node["partnership"]["partner"], "handle"),
                    text(&node["due"], "amount"),
                    node["rail"].clone(),
                    blocks.iter().map(|block| text(block, "code")).collect(),
                )
            })
            .collect();
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        let row = |handle: &str, due: &str, rail: Value, blocks: &[&str]| {
            let blocks = blocks.iter().map(|code| (*code).to_owned()).collect();
            (handle.to_owned(), due.to_owned(), rail, blocks)
        };
        assert_eq!(
            seen,
            [
                row("seller0", "9.00", json!("BANK_FILE"), &[]),
                row("seller1", "9.00", json!("BANK_FILE"), &[]),
                row("seller2", "9.00", Value::Null, &["NO_RAIL"]),
                row("seller3", "9.00", Value::Null, &["NO_METHOD"]),
                row("seller4", "9.00", json!("BANK_FILE"), &["ON_HOLD"]),
                row("seller5", "-2.00", json!("BANK_FILE"), &["NEGATIVE"]),
            ]
        );

        let preview = scene
            .ask(
                &app,
                "payoutPreview(input: { currency: \"EUR\" }) { payoutCount amount { amount } isComplete
                     rails { rail payoutCount amount { amount } } blocked { code partnershipCount } }",
                "payoutPreview",
            )
            .await;
        assert_eq!(
            preview,
            json!({
                "payoutCount": 2, "amount": { "amount": "18.00" }, "isComplete": true,
                "rails": [{ "rail": "BANK_FILE", "payoutCount": 2, "amount": { "amount": "18.00" } }],
                "blocked": [
                    { "code": "NEGATIVE", "partnershipCount": 1 }, { "code": "ON_HOLD", "partnershipCount": 1 },
                    { "code": "NO_METHOD", "partnershipCount": 1 }, { "code": "NO_RAIL", "partnershipCount": 1 },
                ],
            })
        );

        // The partner sees the same of its own.
        let withdrawable = async |promoter: &Promoter| {
            let query = "query ($id: ID!) { node(id: $id) { ... on Partnership { withdrawableBalances {
                amount { amount } blocks { code message } } } } }";
            let variables = json!({ "id": promoter.partnership });
            app.graphql_ok(Some(&promoter.user.token), query, variables, "node.withdrawableBalances")
                .await
        };
        assert_eq!(
            withdrawable(&scene.promoters[0]).await,
            json!([{ "amount": { "amount": "9.00" }, "blocks": [] }])
        );
        assert_eq!(
            withdrawable(&scene.promoters[4]).await,
            json!([{ "amount": { "amount": "0.00" }, "blocks": [
                { "code": "ON_HOLD", "message": "payouts are held: under review" },
            ] }])
        );
        let let_go = json!({ "partnershipId": scene.promoters[4].partnership });
        app.done(&scene.market.owner, "releasePayoutHold", let_go.clone(), "partnership { id }")
            .await;
        assert_eq!(
            withdrawable(&scene.promoters[4]).await,
            json!([{ "amount": { "amount": "9.00" }, "blocks": [] }])
        );
        let token = Some(scene.market.owner.token.as_str());
        let again = app.mutation(token, "releasePayoutHold", let_go, "partnership { id }").await;
        assert_eq!(refusal(&again), "PAYOUTS_NOT_HELD");
    })
    .await;
}

/// PayPal pays at most 20,000.00 dollars at once: more would fail each time anew.
#[rstest]
#[tokio::test]
async fn what_a_provider_does_not_carry_is_not_due(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), paypal(1)]).await;
        for (promoter, minor) in scene.promoters.iter().zip([2_000_000, 2_000_001]) {
            let id = promoter.partnership.parse().unwrap();
            give(&app, id, Money::new(minor, "USD".parse().unwrap())).await;
        }
        let nodes = scene
            .ask(
                &app,
                "payoutQueue(currency: \"USD\", first: 10) { nodes { due { amount } blocks { code message } } }",
                "payoutQueue.nodes",
            )
            .await;
        let mut nodes = nodes.as_array().unwrap().clone();
        nodes.sort_by_key(|node| text(&node["due"], "amount"));
        assert_eq!(
            nodes,
            [
                json!({ "due": { "amount": "20000.00" }, "blocks": [] }),
                json!({ "due": { "amount": "20000.01" }, "blocks": [
                    { "code": "NOT_CARRIED", "message": "PayPal pays at most 20000.00 USD at once" },
                ] }),
            ]
        );
    })
    .await;
}
