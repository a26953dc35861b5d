//! What becomes of an order after its sale, in money: chargebacks, amendments and captures, at every level of the tree.

use axum::http::StatusCode;
use chrono::TimeDelta;
use rstest::rstest;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tributary::jobs::approve_due::approve_due;

use crate::support::{
    answer::user_errors,
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{Balances, Market, Promoter, merged},
    postgres::until_waiting,
};

/// A seller below two recruiters: 10 % of a sale, 2 % of it one level up, 10 % of the seller's commission two levels up.
struct Tree {
    app: TestApp,
    market: Market,
    seller: Promoter,
    middle: Promoter,
    top: Promoter,
}

impl Tree {
    async fn plant(app: &TestApp, settings: Value) -> Self {
        let market = app.market_with("aurora", settings).await;
        app.two_levels(&market.owner, &market.program.id).await;
        let top = app.promoter(&market, "top", None).await;
        let middle = app.promoter(&market, "middle", Some(&top)).await;
        let seller = app.promoter(&market, "seller", Some(&middle)).await;
        app.code(&seller, "SELLER", json!({})).await;
        Self {
            app: app.clone(),
            market,
            seller,
            middle,
            top,
        }
    }

    async fn sale(&self, order: &str, amount: &str) -> String {
        let evidence = json!({ "promoCodes": ["SELLER"] });
        self.app.sale(&self.market, order, amount, evidence).await
    }

    async fn authorized_sale(&self, order: &str, amount: &str) -> String {
        let evidence = json!({ "promoCodes": ["SELLER"], "capture": "AUTHORIZED" });
        self.app.sale(&self.market, order, amount, evidence).await
    }

    /// Reports something that must be accepted, and returns the answer.
    async fn report(&self, door: &str, key: &str, body: Value) -> Value {
        let (status, answer) = self.app.track(&self.market.key.secret, door, key, body).await;
        assert_eq!(status, StatusCode::CREATED, "{door} {key}: {answer:#}");
        answer
    }

    /// Reports something that must be refused and change nothing; returns code and message.
    async fn refused(&self, door: &str, body: Value) -> (String, String) {
        let before = self.app.books().await;
        let (status, answer) = self.app.track(&self.market.key.secret, door, "refused", body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{door}: {answer:#}");
        assert_eq!(
            self.app.books().await,
            before,
            "{door} was refused, but something changed"
        );
        (text(&answer["error"], "code"), text(&answer["error"], "message"))
    }

    async fn amend(&self, order: &str, key: &str, amount: &str) -> Value {
        let body = json!({ "orderId": order, "amount": amount, "currency": "EUR" });
        self.report("amend", key, body).await
    }

    async fn chargeback(&self, order: &str, reference: &str, amount: &str) {
        let body = json!({ "orderId": order, "reference": reference, "amount": amount, "currency": "EUR" });
        self.report("chargeback", reference, body).await;
    }

    async fn resolve(&self, order: &str, reference: &str, outcome: &str) {
        let body = json!({ "orderId": order, "reference": reference, "outcome": outcome });
        self.report("chargeback/resolve", reference, body).await;
    }

    /// The balances of seller, middle and top.
    async fn balances(&self) -> [Balances; 3] {
        [
            self.app.balances(&self.seller).await,
            self.app.balances(&self.middle).await,
            self.app.balances(&self.top).await,
        ]
    }

    async fn expect_pending(&self, amounts: [&str; 3]) {
        let wanted = amounts.map(|amount| Balances::of(amount, "0.00", "0.00", "0.00"));
        assert_eq!(self.balances().await, wanted);
    }

    /// Available and reserve of seller, middle and top; nothing is pending.
    async fn expect_earned(&self, amounts: [(&str, &str); 3]) {
        let wanted = amounts.map(|(available, reserve)| Balances::of("0.00", available, reserve, "0.00"));
        assert_eq!(self.balances().await, wanted);
    }

    /// The state of a conversion and of its commissions by level.
    async fn states(&self, conversion: &str) -> (String, Vec<String>) {
        let row = self.app.conversion(&self.market, conversion).await;
        let commissions = row["commissions"].as_array().unwrap();
        (
            text(&row, "state"),
            commissions.iter().map(|row| text(row, "state")).collect(),
        )
    }

    async fn expect_states(&self, conversion: &str, state: &str, commissions: &str) {
        let wanted = (state.to_owned(), vec![commissions.to_owned(); 3]);
        assert_eq!(self.states(conversion).await, wanted);
    }

    async fn order(&self, conversion: &str) -> Value {
        let query = "query ($id: ID!) { node(id: $id) { ... on Conversion { order { captureState
            amount { amount } refunded { amount } chargedBack { amount } capturable { amount }
            amendments { number previousAmount { amount } amount { amount } reason order { externalId } }
            captures { amount { amount } isFinal }
            chargebacks { reference state amount { amount } resolvedAt } } } } }";
        let token = Some(&*self.market.owner.token);
        self.app
            .graphql_ok(token, query, json!({ "id": conversion }), "node.order")
            .await
    }
}

/// 300.00 earns 30.00, 6.00 and 3.00. A third charged back takes a third of each, before approval from what is pending.
#[rstest]
#[tokio::test]
async fn a_chargeback_before_approval_comes_and_goes_at_every_level(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let tree = Tree::plant(&app, json!({})).await;
        let sale = tree.sale("A-1", "300.00").await;
        tree.chargeback("A-1", "cb-1", "100.00").await;
        tree.expect_pending(["20.00", "4.00", "2.00"]).await;
        tree.chargeback("A-1", "cb-2", "200.00").await;
        tree.expect_pending(["0.00", "0.00", "0.00"]).await;
        tree.expect_states(&sale, "REFUNDED", "REVERSED").await;

        tree.resolve("A-1", "cb-2", "WON").await;
        tree.expect_pending(["20.00", "4.00", "2.00"]).await;
        tree.expect_states(&sale, "PENDING", "PENDING").await;
        tree.resolve("A-1", "cb-1", "LOST").await;
        tree.expect_pending(["20.00", "4.00", "2.00"]).await;

        let order = tree.order(&sale).await;
        assert_eq!(order["chargedBack"]["amount"], "100.00");
        assert_eq!(order["amount"]["amount"], "300.00");
        let states: Vec<String> = order["chargebacks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                assert!(row["resolvedAt"].is_string());
                format!("{} {}", text(row, "reference"), text(row, "state"))
            })
            .collect();
        assert_eq!(states, ["cb-1 LOST", "cb-2 WON"]);

        // Of 20.00, 4.00 and 2.00 a tenth each is reserved.
        app.approve(&tree.market, &sale).await;
        tree.expect_earned([("18.00", "2.00"), ("3.60", "0.40"), ("1.80", "0.20")])
            .await;
    })
    .await;
}

/// After approval the reserve gives first; what is won back is available, and the reserve stays spent.
#[rstest]
#[tokio::test]
async fn a_chargeback_after_approval_claws_back_and_restores_at_every_level(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let tree = Tree::plant(&app, json!({})).await;
        let sale = tree.sale("A-1", "300.00").await;
        app.approve(&tree.market, &sale).await;
        tree.expect_earned([("27.00", "3.00"), ("5.40", "0.60"), ("2.70", "0.30")])
            .await;
        tree.chargeback("A-1", "cb-1", "300.00").await;
        tree.expect_earned([("0.00", "0.00"); 3]).await;
        tree.expect_states(&sale, "REFUNDED", "REVERSED").await;
        tree.resolve("A-1", "cb-1", "WON").await;
        tree.expect_earned([("30.00", "0.00"), ("6.00", "0.00"), ("3.00", "0.00")])
            .await;
        tree.expect_states(&sale, "APPROVED", "APPROVED").await;
    })
    .await;
}

/// C 30.00 with R 3.00: 27.00 is paid. Half charged back: 15.00, of which 3.00 from the reserve. Won: −12.00 + 15.00.
#[rstest]
#[tokio::test]
async fn a_chargeback_of_what_was_paid_leaves_a_debt_until_it_is_won(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let tree = Tree::plant(&app, json!({})).await;
        let sale = tree.sale("A-1", "300.00").await;
        app.approve(&tree.market, &sale).await;
        let payout = app.approved_payout(&tree.market, &tree.seller, "p-1").await;
        app.mark_paid(&tree.market, &payout, "SEPA-1").await;
        tree.chargeback("A-1", "cb-1", "150.00").await;
        assert_eq!(
            app.balances(&tree.seller).await,
            Balances::of("0.00", "-12.00", "0.00", "0.00")
        );
        tree.resolve("A-1", "cb-1", "WON").await;
        assert_eq!(
            app.balances(&tree.seller).await,
            Balances::of("0.00", "3.00", "0.00", "0.00")
        );
        let (_, commissions) = tree.states(&sale).await;
        assert_eq!(commissions, ["PAID", "APPROVED", "APPROVED"]);
        // What was the reserve is paid by the next payout.
        let payout = app.approved_payout(&tree.market, &tree.seller, "p-2").await;
        let payout = app.payout(&tree.seller, &payout).await;
        assert_eq!(payout["items"][0]["amount"]["amount"], "3.00");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_chargeback_is_one_a_reference_and_decided_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let tree = Tree::plant(&app, json!({})).await;
        tree.sale("A-1", "300.00").await;
        app.refund(&tree.market, "A-1", 1, "200.00").await;
        let chargeback = |reference: &str, amount: &str| {
            json!({ "orderId": "A-1", "reference": reference, "amount": amount, "currency": "EUR" })
        };
        let (code, message) = tree.refused("chargeback", chargeback("cb-1", "100.01")).await;
        assert_eq!(code, "REFUND_EXCEEDS_SALE");
        assert_eq!(message, "only 100.00 EUR is left of this sale");
        let body = chargeback("cb-1", "60.00");
        tree.report("chargeback", "cb-1", body.clone()).await;
        let (status, again) = app
            .track(&tree.market.key.secret, "chargeback", "cb-1", body.clone())
            .await;
        assert_eq!((status, &again["replayed"]), (StatusCode::OK, &json!(true)));
        let (code, _) = tree.refused("chargeback", chargeback("cb-1", "10.00")).await;
        assert_eq!(code, "CHARGEBACK_ALREADY_RECORDED");

        let resolve = |reference: &str, outcome: &str| {
            json!({ "orderId": "A-1", "reference": reference, "outcome": outcome })
        };
        let (code, _) = tree.refused("chargeback/resolve", resolve("cb-9", "WON")).await;
        assert_eq!(code, "CHARGEBACK_NOT_FOUND");
        tree.report("chargeback/resolve", "end", resolve("cb-1", "LOST")).await;
        let (code, message) = tree.refused("chargeback/resolve", resolve("cb-1", "WON")).await;
        assert_eq!(code, "INVALID_TRANSITION");
        assert_eq!(message, "a chargeback cannot go from LOST to WON");
    })
    .await;
}

/// Rejected, a conversion earns nothing, whatever comes again.
#[rstest]
#[tokio::test]
async fn a_chargeback_won_does_not_revive_what_was_rejected(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let tree = Tree::plant(&app, json!({})).await;
        let sale = tree.sale("A-1", "300.00").await;
        tree.chargeback("A-1", "cb-1", "100.00").await;
        let input = json!({ "idempotencyKey": "n", "id": sale, "reason": "fraud" });
        app.done(&tree.market.owner, "rejectConversion", input, "conversion { state }")
            .await;
        tree.resolve("A-1", "cb-1", "WON").await;
        tree.expect_pending(["0.00", "0.00", "0.00"]).await;
        tree.expect_states(&sale, "REJECTED", "REJECTED").await;
    })
    .await;
}

/// 200.00 earns 20.00, 4.00 and 2.00: at 150.00 three quarters of it, at 180.00 nine tenths. At 260.00 the base itself
/// grows: 26.00, 5.20, and a tenth of 26.00.
#[rstest]
#[tokio::test]
async fn an_amended_order_earns_what_it_comes_to(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let tree = Tree::plant(&app, json!({})).await;
        let sale = tree.sale("A-1", "200.00").await;
        tree.amend("A-1", "to-150", "150.00").await;
        tree.expect_pending(["15.00", "3.00", "1.50"]).await;
        let answer = tree.amend("A-1", "to-180", "180.00").await;
        assert_eq!(answer["orderAmendment"]["number"], 2);
        tree.expect_pending(["18.00", "3.60", "1.80"]).await;
        tree.amend("A-1", "to-260", "260.00").await;
        tree.expect_pending(["26.00", "5.20", "2.60"]).await;

        let row = app.conversion(&tree.market, &sale).await;
        assert_eq!(row["amount"]["amount"], "260.00");
        let arithmetic: Vec<String> = row["commissions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| text(&row["explanation"], "arithmetic"))
            .collect();
        assert_eq!(
            arithmetic,
            [
                "10 % of 260.00 EUR = 26.00 EUR",
                "2 % of the sale of 260.00 EUR = 5.20 EUR",
                "10 % of the level-0 commission of 26.00 EUR = 2.60 EUR"
            ]
        );
        let order = tree.order(&sale).await;
        let history: Vec<String> = order["amendments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let (from, to) = (&row["previousAmount"]["amount"], &row["amount"]["amount"]);
                format!(
                    "{}: {} to {}",
                    row["number"],
                    from.as_str().unwrap(),
                    to.as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(
            history,
            ["1: 200.00 to 150.00", "2: 150.00 to 180.00", "3: 180.00 to 260.00"]
        );

        // With 26.00 refunded and 234.00 left: a tenth of each comes back.
        app.refund(&tree.market, "A-1", 1, "26.00").await;
        tree.expect_pending(["23.40", "4.68", "2.34"]).await;
        let amend = |amount: &str| json!({ "orderId": "A-1", "amount": amount, "currency": "EUR" });
        let (code, message) = tree.refused("amend", amend("25.99")).await;
        assert_eq!(code, "AMENDMENT_BELOW_SETTLED");
        assert!(message.starts_with("26.00 EUR of this order"), "{message}");
        let (code, _) = tree.refused("amend", amend("260.00")).await;
        assert_eq!(code, "AMENDMENT_CHANGES_NOTHING");
        let dollars = json!({ "orderId": "A-1", "amount": "10.00", "currency": "USD" });
        assert_eq!(tree.refused("amend", dollars).await.0, "CURRENCY_MISMATCH");
    })
    .await;
}

/// C 10.00 with R 1.00. At half the amount 5.00 comes back: 1.00 of the reserve, 4.00 of the available 9.00. At the whole
/// amount again, 5.00 is available again.
#[rstest]
#[tokio::test]
async fn what_was_approved_shrinks_and_comes_back_but_does_not_grow(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let tree = Tree::plant(&app, json!({})).await;
        let sale = tree.sale("A-1", "100.00").await;
        app.approve(&tree.market, &sale).await;
        tree.amend("A-1", "half", "50.00").await;
        tree.expect_earned([("5.00", "0.00"), ("1.00", "0.00"), ("0.50", "0.00")])
            .await;
        tree.amend("A-1", "whole", "100.00").await;
        tree.expect_earned([("10.00", "0.00"), ("2.00", "0.00"), ("1.00", "0.00")])
            .await;
        let more = json!({ "orderId": "A-1", "amount": "100.01", "currency": "EUR" });
        let (code, message) = tree.refused("amend", more).await;
        assert_eq!(code, "INVALID_TRANSITION");
        assert!(message.contains("APPROVED") && message.contains("PENDING"), "{message}");
    })
    .await;
}

/// 100.00 authorised earns 10.00, 2.00 and 1.00 while it waits. Captured are 40.00 and 25.00: 35 % of each comes back.
#[rstest]
#[tokio::test]
async fn what_was_never_captured_earns_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let tree = Tree::plant(&app, json!({})).await;
        let sale = tree.authorized_sale("A-1", "100.00").await;
        tree.expect_pending(["10.00", "2.00", "1.00"]).await;
        let input = json!({ "idempotencyKey": "early", "id": sale });
        let refused = app
            .mutation(
                Some(&tree.market.owner.token),
                "approveConversion",
                input,
                "conversion { state }",
            )
            .await;
        assert_eq!(user_errors(&refused)[0]["code"], "NOT_CAPTURED");
        let of_order = |more: Value| merged(json!({ "orderId": "A-1", "currency": "EUR" }), more);
        let (code, _) = tree.refused("refund", of_order(json!({ "amount": "1.00" }))).await;
        assert_eq!(code, "REFUND_EXCEEDS_SALE");

        tree.report("capture", "k-1", of_order(json!({ "amount": "40.00" })))
            .await;
        tree.expect_pending(["10.00", "2.00", "1.00"]).await;
        let (code, message) = tree.refused("capture", of_order(json!({ "amount": "60.01" }))).await;
        assert_eq!(code, "CAPTURE_EXCEEDS_ORDER");
        assert_eq!(message, "only 60.00 EUR of this order is left to be captured");
        let (code, _) = tree.refused("amend", of_order(json!({ "amount": "39.99" }))).await;
        assert_eq!(code, "AMENDMENT_BELOW_SETTLED");
        let last = of_order(json!({ "amount": "25.00", "isFinal": true }));
        tree.report("capture", "k-2", last.clone()).await;
        tree.expect_pending(["6.50", "1.30", "0.65"]).await;

        let order = tree.order(&sale).await;
        assert_eq!(order["captureState"], "CAPTURED");
        assert_eq!(order["amount"]["amount"], "65.00");
        assert_eq!(order["capturable"]["amount"], "0.00");
        let (code, message) = tree.refused("capture", last).await;
        assert_eq!(code, "ALREADY_CAPTURED");
        assert!(message.contains("CAPTURED"), "{message}");
        // A tenth of 6.50, 1.30 and 0.65 (0.065 is rounded half-even to 0.06) is reserved.
        app.approve(&tree.market, &sale).await;
        tree.expect_earned([("5.85", "0.65"), ("1.17", "0.13"), ("0.59", "0.06")])
            .await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn the_worker_waits_for_the_last_capture_and_a_void_order_earns_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let tree = Tree::plant(&app, json!({ "autoApproveCommissions": true })).await;
        let waiting = tree.authorized_sale("A-1", "100.00").await;
        let void = tree.authorized_sale("A-2", "100.00").await;
        app.advance(TimeDelta::seconds(1));
        assert_eq!(approve_due(&app.app).await, Ok(0));
        let nothing = json!({ "orderId": "A-2", "amount": "0.00", "currency": "EUR" });
        let (code, _) = tree.refused("capture", nothing.clone()).await;
        assert_eq!(code, "AMOUNT_ZERO");
        tree.report("capture", "void", merged(nothing, json!({ "isFinal": true })))
            .await;
        tree.expect_states(&void, "REFUNDED", "REVERSED").await;
        // Without an amount everything is captured, and that is the end of it.
        let answer = tree.report("capture", "all", json!({ "orderId": "A-1" })).await;
        assert_eq!(answer["capture"]["isFinal"], true);
        assert_eq!(approve_due(&app.app).await, Ok(1));
        tree.expect_states(&waiting, "APPROVED", "APPROVED").await;
        tree.expect_earned([("9.00", "1.00"), ("1.80", "0.20"), ("0.90", "0.10")])
            .await;
    })
    .await;
}

/// Whoever decides on a sale while it is being raised is waited for: what was approved does not grow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_not_raised_while_it_is_being_approved() {
    with_app(Database::Postgres, |app| async move {
        let tree = Tree::plant(&app, json!({ "holdDays": 0 })).await;
        let sale = app
            .sale(&tree.market, "A-1", "200.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        let first = app.app.db.begin().await.unwrap();
        first
            .execute_unprepared("SELECT id FROM conversions FOR UPDATE")
            .await
            .unwrap();
        let (approver, market) = (app.clone(), tree.market.clone());
        let approving = tokio::spawn(async move { approver.approve(&market, &sale).await });
        until_waiting(&app, 1).await;
        let (raiser, secret) = (app.clone(), tree.market.key.secret.clone());
        let raising = tokio::spawn(async move {
            let body = json!({ "orderId": "A-1", "amount": "260.00", "currency": "EUR" });
            raiser.track(&secret, "amend", "up", body).await
        });
        until_waiting(&app, 2).await;
        first.rollback().await.unwrap();
        approving.await.unwrap();
        let (status, answer) = raising.await.unwrap();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer["error"]["code"], "INVALID_TRANSITION");
        // 10 % of 200.00, a tenth of it in reserve.
        assert_eq!(
            app.balances(&tree.seller).await,
            Balances::of("0.00", "18.00", "2.00", "0.00")
        );
    })
    .await;
}
